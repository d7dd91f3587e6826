#include "base/memory.h"
#include "io/file.h"
#include "io/safetensors_file.h"
#include "tensor/shape_text.h"
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian; their elements are copied as they are"
#endif

static enum clcnn_status read_header_size(struct clcnn_file_reader *reader, uint64_t *size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    unsigned char bytes[8];
    *size = 0;
    if (reader->size < sizeof(bytes) + 2)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: %llu bytes are too few for a safetensors file",
                       reader->path, (unsigned long long)reader->size));
    TRY(clcnn_file_take(reader, bytes, sizeof(bytes)));
    for (int i = 8; i-- > 0;)
        *size = *size << 8 | bytes[i];
    if (*size > CLCNN_SAFETENSORS_MAX_HEADER)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: a header of %llu bytes exceeds the limit of %u",
                       reader->path, (unsigned long long)*size, CLCNN_SAFETENSORS_MAX_HEADER));
    if (*size > reader->size - sizeof(bytes))
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT,
                       "%s: a header of %llu bytes does not fit in a file of %llu", reader->path,
                       (unsigned long long)*size, (unsigned long long)reader->size));
done:
    return status;
}

/* The header is parsed before memory for the data is asked for: by then the file's size and the
 * header's promises agree. */
static enum clcnn_status read_contents(struct clcnn_file_reader *reader,
                                       struct clcnn_safetensors *file)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    uint64_t header_size = 0;
    TRY(read_header_size(reader, &header_size));
    TRY(clcnn_alloc((size_t)header_size, 1, &file->header));
    TRY(clcnn_file_take(reader, file->header, (size_t)header_size));
    uint64_t data_size = reader->size - 8 - header_size;
    status = clcnn_safetensors_parse(file, (size_t)header_size, data_size);
    if (status != CLCNN_STATUS_OK)
        TRY(clcnn_fail_prefix(status, "%s: ", reader->path));
    TRY(clcnn_alloc((size_t)data_size, 1, &file->data));
    TRY(clcnn_file_take(reader, file->data, (size_t)data_size));
    for (size_t i = 0; i < file->count; i++)
        file->entries[i].tensor.data = file->data + file->entries[i].begin;
done:
    return status;
}

enum clcnn_status clcnn_safetensors_read(const char *path, struct clcnn_safetensors **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_file_reader reader = {0};
    struct clcnn_safetensors *file = NULL;
    *out = NULL;
    TRY(clcnn_file_open(path, &reader));
    TRY(clcnn_alloc(1, sizeof(*file), &file));
    TRY(clcnn_copy_string(path, &file->path));
    TRY(read_contents(&reader, file));
    *out = file;
    file = NULL;
done:
    clcnn_safetensors_destroy(&file);
    clcnn_file_close(&reader);
    return status;
}

void clcnn_safetensors_destroy(struct clcnn_safetensors **file)
{
    if (!file || !*file)
        return;
    free((*file)->path);
    free((*file)->header);
    free((*file)->data);
    free((*file)->entries);
    free((*file)->by_name);
    free((*file)->texts);
    free(*file);
    *file = NULL;
}

size_t clcnn_safetensors_count(const struct clcnn_safetensors *file)
{
    return file->count;
}

const struct clcnn_safetensor *clcnn_safetensors_at(const struct clcnn_safetensors *file,
                                                    size_t index)
{
    return index < file->count ? &file->entries[index].tensor : NULL;
}

static int compare_name(const void *name, const void *entry)
{
    const struct clcnn_safetensors_entry *const *e = entry;
    return strcmp(name, (*e)->tensor.name);
}

const struct clcnn_safetensor *clcnn_safetensors_find(const struct clcnn_safetensors *file,
                                                      const char *name)
{
    const struct clcnn_safetensors_entry **entry =
        bsearch(name, file->by_name, file->count, sizeof(const void *), compare_name);
    return entry ? &(*entry)->tensor : NULL;
}

const char *clcnn_safetensors_metadata(const struct clcnn_safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->text_count; i++)
        if (strcmp(file->texts[i].key, key) == 0)
            return file->texts[i].value;
    return NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_float(const char *dtype)
{
    return !strcmp(dtype, "F32") || !strcmp(dtype, "F16") || !strcmp(dtype, "BF16") ||
           !strcmp(dtype, "F64");
}

static bool same_shape(const struct clcnn_shape *a, const struct clcnn_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof(a->dim[0])) == 0;
}

enum clcnn_status clcnn_safetensors_need(const struct clcnn_safetensors *file, const char *name,
                                         const struct clcnn_shape *shape,
                                         const struct clcnn_safetensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text there = {0}, wanted = {0};
    const struct clcnn_safetensor *tensor = clcnn_safetensors_find(file, name);
    if (!tensor)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: has no tensor '%s'", file->path, name));
    clcnn_shape_add_text(&there, &tensor->shape);
    clcnn_shape_add_text(&wanted, shape);
    if (!same_shape(&tensor->shape, shape))
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: tensor '%s' has shape %s; %s is needed",
                       file->path, name, there.data ? there.data : "?",
                       wanted.data ? wanted.data : "?"));
    if (!is_float(tensor->dtype))
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT,
                       "%s: tensor '%s' has dtype %s; F32, F16, BF16 or F64 is needed", file->path,
                       name, tensor->dtype));
    *out = tensor;
done:
    clcnn_text_clear(&there);
    clcnn_text_clear(&wanted);
    return status;
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* IEEE binary16. Subnormals are whole multiples of 2^-24. */
static float from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31;
    uint32_t fraction = half & 0x3FF;
    if (exponent == 0)
        return from_bits(sign | 0x3F800000u) * (float)fraction * 0x1p-24f;
    if (exponent == 31)
        return from_bits(sign | 0x7F800000u | fraction << 13);
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

void clcnn_safetensor_to_float(const struct clcnn_safetensor *tensor, float *out)
{
    const unsigned char *data = tensor->data;
    size_t count = tensor->bytes / clcnn_safetensors_element_size(tensor->dtype);
    bool brain = tensor->dtype[0] == 'B';
    if (strcmp(tensor->dtype, "F32") == 0) {
        if (tensor->bytes)
            memcpy(out, data, tensor->bytes);
    } else if (strcmp(tensor->dtype, "F64") == 0) {
        for (size_t i = 0; i < count; i++) {
            double value;
            memcpy(&value, data + i * sizeof(value), sizeof(value));
            out[i] = (float)value;
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            uint16_t bits;
            memcpy(&bits, data + i * sizeof(bits), sizeof(bits));
            out[i] = brain ? from_bits((uint32_t)bits << 16) : from_half(bits);
        }
    }
}
