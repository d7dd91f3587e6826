/* Tensors of the file, to FLOAT32 or INT64 in host memory. */
#include "base/log.h"
#include "io/file.h"
#include "io/onnx/import.h"
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    "undefined", "float",  "uint8",     "int8",       "uint16",   "int16",
    "int32",     "int64",  "string",    "bool",       "float16",  "double",
    "uint32",    "uint64", "complex64", "complex128", "bfloat16",
};

const char *clcnn_onnx_type_name(int type)
{
    bool known = type >= 0 && type < (int)(sizeof(type_names) / sizeof(type_names[0]));
    return known ? type_names[type] : "unknown";
}

static size_t size_of(int type)
{
    static const unsigned char sizes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2};
    return type >= 0 && type < (int)sizeof(sizes) ? sizes[type] : 0;
}

/* ---- where the bytes are --------------------------------------------------------------------- */

struct source {
    const unsigned char *raw; /* little-endian elements, or NULL: in the typed fields */
    size_t bytes;
    unsigned char *owned;
};

static const char *find_entry(const Clcnn__TensorProto *proto, const char *key)
{
    for (size_t i = 0; i < proto->n_external_data; i++) {
        const Clcnn__StringStringEntryProto *entry = proto->external_data[i];
        if (entry->key && entry->value && strcmp(entry->key, key) == 0)
            return entry->value;
    }
    return NULL;
}

static enum clcnn_status take_number(const char *text, uint64_t fallback, uint64_t *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    *out = fallback;
    if (!text)
        return status;
    NODE_REQUIRE(*text && strlen(text) <= 18 && strspn(text, "0123456789") == strlen(text),
                 "'%s' is no offset or length of external data", text);
    *out = strtoull(text, NULL, 10);
done:
    return status;
}

/* Relative, and without a step up: what it names lies below the directory (links excepted, which
 * the user made). */
static bool stays_below(const char *location)
{
    if (*location == '/' || *location == '\0' || strchr(location, '\\'))
        return false;
    for (const char *part = location; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static enum clcnn_status skip_bytes(struct clcnn_file_reader *file, uint64_t offset)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    unsigned char block[4096];
    for (uint64_t left = offset; left; left -= clcnn_min((int64_t)left, sizeof(block)))
        TRY(clcnn_file_take(file, block, (size_t)clcnn_min((int64_t)left, sizeof(block))));
done:
    return status;
}

static enum clcnn_status read_external(const struct clcnn_onnx_import *import,
                                       const Clcnn__TensorProto *proto, size_t bytes,
                                       struct source *source)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text path = {0};
    struct clcnn_file_reader file = {0};
    uint64_t offset, length;
    const char *location = find_entry(proto, "location");
    NODE_SUPPORTS(import->directory, "its external data has no directory to lie in");
    NODE_REQUIRE(location && stays_below(location),
                 "its external data '%s' is not below the model's directory",
                 location ? location : "");
    TRY(take_number(find_entry(proto, "offset"), 0, &offset));
    TRY(take_number(find_entry(proto, "length"), bytes, &length));
    NODE_REQUIRE(length == bytes, "its external data has %llu bytes, %zu are needed",
                 (unsigned long long)length, bytes);
    clcnn_text_add(&path, "%s/%s", import->directory, location);
    if (path.failed)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "a path"));
    TRY(clcnn_file_open(path.data, &file));
    NODE_REQUIRE(offset <= file.size && length <= file.size - offset,
                 "its external data, bytes %llu to %llu, is not in '%s', which has %llu bytes",
                 (unsigned long long)offset, (unsigned long long)(offset + length), location,
                 (unsigned long long)file.size);
    TRY(skip_bytes(&file, offset));
    TRY(clcnn_alloc(bytes, 1, &source->owned));
    TRY(clcnn_file_take(&file, source->owned, bytes));
    source->raw = source->owned;
    source->bytes = bytes;
done:
    clcnn_file_close(&file);
    clcnn_text_clear(&path);
    return status;
}

static size_t typed_count(const Clcnn__TensorProto *proto)
{
    switch (proto->data_type) {
    case CLCNN_ONNX_FLOAT:
        return proto->n_float_data;
    case CLCNN_ONNX_DOUBLE:
        return proto->n_double_data;
    case CLCNN_ONNX_INT64:
        return proto->n_int64_data;
    case CLCNN_ONNX_UINT32:
    case CLCNN_ONNX_UINT64:
        return proto->n_uint64_data;
    default:
        return proto->n_int32_data;
    }
}

static enum clcnn_status find_elements(const struct clcnn_onnx_import *import,
                                       const Clcnn__TensorProto *proto, int64_t count,
                                       struct source *source)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t bytes;
    NODE_REQUIRE(clcnn_multiply((size_t)count, size_of(proto->data_type), &bytes),
                 "%lld elements are too many", (long long)count);
    if (proto->has_data_location &&
        proto->data_location == CLCNN__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return read_external(import, proto, bytes, source);
    if (proto->has_raw_data) {
        NODE_REQUIRE(proto->raw_data.len == bytes, "it has %zu bytes, its shape and type say %zu",
                     proto->raw_data.len, bytes);
        source->raw = proto->raw_data.data;
        source->bytes = bytes;
        if (!source->raw)
            source->raw = (const unsigned char *)"";
        return status;
    }
    NODE_REQUIRE(typed_count(proto) == (size_t)count, "it has %zu elements, its shape says %lld",
                 typed_count(proto), (long long)count);
done:
    return status;
}

/* ---- conversion ------------------------------------------------------------------------------ */

static float from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31;
    uint32_t fraction = half & 0x3FF, bits;
    float value;
    if (exponent == 0) {
        value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static float from_bfloat(uint16_t high)
{
    uint32_t bits = (uint32_t)high << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint64_t take(const unsigned char *raw, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)raw[i] << 8 * i;
    return value;
}

static float raw_float(int type, uint64_t bits)
{
    double wide;
    float value;
    uint32_t low = (uint32_t)bits;
    switch (type) {
    case CLCNN_ONNX_FLOAT16:
        return from_half((uint16_t)bits);
    case CLCNN_ONNX_BFLOAT16:
        return from_bfloat((uint16_t)bits);
    case CLCNN_ONNX_DOUBLE:
        memcpy(&wide, &bits, sizeof(wide));
        return (float)wide;
    default:
        memcpy(&value, &low, sizeof(value));
        return value;
    }
}

static int64_t raw_integer(int type, uint64_t bits)
{
    switch (type) {
    case CLCNN_ONNX_INT8:
        return (int8_t)bits;
    case CLCNN_ONNX_INT16:
        return (int16_t)bits;
    case CLCNN_ONNX_INT32:
        return (int32_t)bits;
    case CLCNN_ONNX_BOOL:
        return bits != 0;
    default:
        return (int64_t)bits;
    }
}

static float typed_float(const Clcnn__TensorProto *proto, int64_t i)
{
    if (proto->data_type == CLCNN_ONNX_FLOAT)
        return proto->float_data[i];
    if (proto->data_type == CLCNN_ONNX_DOUBLE)
        return (float)proto->double_data[i];
    return raw_float(proto->data_type, (uint64_t)(uint16_t)proto->int32_data[i]);
}

static int64_t typed_integer(const Clcnn__TensorProto *proto, int64_t i)
{
    switch (proto->data_type) {
    case CLCNN_ONNX_INT64:
        return proto->int64_data[i];
    case CLCNN_ONNX_UINT32:
    case CLCNN_ONNX_UINT64:
        return (int64_t)proto->uint64_data[i];
    case CLCNN_ONNX_BOOL:
        return proto->int32_data[i] != 0;
    default:
        return proto->int32_data[i];
    }
}

static void convert_floats(const Clcnn__TensorProto *proto, const struct source *source,
                           int64_t count, float *to)
{
    size_t size = size_of(proto->data_type);
    for (int64_t i = 0; i < count; i++)
        to[i] = source->raw
                    ? raw_float(proto->data_type, take(source->raw + (size_t)i * size, size))
                    : typed_float(proto, i);
}

static void convert_integers(const Clcnn__TensorProto *proto, const struct source *source,
                             int64_t count, int64_t *to)
{
    size_t size = size_of(proto->data_type);
    for (int64_t i = 0; i < count; i++)
        to[i] = source->raw
                    ? raw_integer(proto->data_type, take(source->raw + (size_t)i * size, size))
                    : typed_integer(proto, i);
}

static enum clcnn_status take_shape(const Clcnn__TensorProto *proto, struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    NODE_SUPPORTS(proto->n_dims <= CLCNN_MAX_RANK, "it has %zu dimensions, more than %d",
                  proto->n_dims, CLCNN_MAX_RANK);
    *shape = (struct clcnn_shape){.rank = (int)proto->n_dims};
    for (int i = 0; i < shape->rank; i++)
        shape->dim[i] = proto->dims[i];
    NODE_REQUIRE(clcnn_shape_count(shape) >= 0,
                 "its shape has a size below 0, or too many elements");
done:
    return status;
}

enum clcnn_status clcnn_onnx_unpack_tensor(struct clcnn_onnx_import *import,
                                           const Clcnn__TensorProto *proto,
                                           struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_shape shape;
    struct source source = {0};
    int type = proto->data_type;
    bool floats = clcnn_onnx_is_float(type);
    TRY(take_shape(proto, &shape));
    NODE_REQUIRE(type > 0 && type <= CLCNN_ONNX_BFLOAT16, "its element type %d is unknown", type);
    NODE_SUPPORTS(size_of(type) && size_of(type) <= 8 && type != CLCNN_ONNX_COMPLEX64,
                  "its element type is %s", clcnn_onnx_type_name(type));
    NODE_SUPPORTS(!proto->segment, "it is one segment of a tensor");
    int64_t count = clcnn_shape_count(&shape);
    TRY(find_elements(import, proto, count, &source));
    TRY(clcnn_onnx_new_tensor(import, floats ? CLCNN_DTYPE_FLOAT32 : CLCNN_DTYPE_INT64, &shape,
                              out));
    if (floats)
        convert_floats(proto, &source, count, clcnn_tensor_data(*out));
    else
        convert_integers(proto, &source, count, clcnn_tensor_data(*out));
    import->narrowed = import->narrowed || type == CLCNN_ONNX_DOUBLE;
done:
    free(source.owned);
    if (status != CLCNN_STATUS_OK)
        status = clcnn_fail_prefix(status, "tensor '%s': ", proto->name ? proto->name : "");
    return status;
}
