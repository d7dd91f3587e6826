#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "io/file.h"
#include "io/json.h"
#include "io/safetensors_file.h"
#include <stdlib.h>
#include <string.h>

#define DATA_ALIGNMENT 64

const char *clcnn_safetensors_dtype(enum clcnn_dtype dtype)
{
    static const char *const names[] = {
        [CLCNN_DTYPE_FLOAT32] = "F32", [CLCNN_DTYPE_FLOAT16] = "F16", [CLCNN_DTYPE_FLOAT64] = "F64",
        [CLCNN_DTYPE_UINT8] = "U8",    [CLCNN_DTYPE_INT32] = "I32",   [CLCNN_DTYPE_INT64] = "I64",
    };
    return (size_t)dtype < sizeof(names) / sizeof(names[0]) ? names[dtype] : NULL;
}

struct part {
    const struct clcnn_safetensor *tensor;
    size_t element, bytes, index;
};

static enum clcnn_status check_tensor(const struct clcnn_safetensor *tensor, struct part *part)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t count = clcnn_shape_count(&tensor->shape);
    REQUIRE(tensor->name && tensor->dtype, "safetensors: a tensor has no name or no dtype");
    REQUIRE(clcnn_utf8_valid(tensor->name) && strcmp(tensor->name, CLCNN_SAFETENSORS_METADATA),
            "safetensors: the name '%.200s' is not UTF-8, or reserved", tensor->name);
    part->tensor = tensor;
    part->element = clcnn_safetensors_element_size(tensor->dtype);
    REQUIRE(part->element, "safetensors: '%.200s': dtype '%s' is unknown", tensor->name,
            tensor->dtype);
    REQUIRE(count >= 0 && clcnn_multiply((size_t)count, part->element, &part->bytes),
            "safetensors: '%.200s': the shape is out of range", tensor->name);
    REQUIRE(tensor->data || !part->bytes, "safetensors: '%.200s': data is NULL", tensor->name);
done:
    return status;
}

static int compare_strings(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* Sorts them. */
static enum clcnn_status check_distinct(const char **names, size_t count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    if (count)
        qsort(names, count, sizeof(*names), compare_strings);
    for (size_t i = 1; i < count; i++)
        REQUIRE(strcmp(names[i - 1], names[i]), "safetensors: '%.200s' is given twice", names[i]);
done:
    return status;
}

static enum clcnn_status check_contents(const struct clcnn_safetensors_contents *c,
                                        struct part *parts)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const char **names = NULL;
    size_t most = c->tensor_count > c->metadata_count ? c->tensor_count : c->metadata_count;
    TRY(clcnn_alloc(most, sizeof(*names), &names));
    for (size_t i = 0; i < c->tensor_count; i++) {
        TRY(check_tensor(&c->tensors[i], &parts[i]));
        parts[i].index = i;
        names[i] = c->tensors[i].name;
    }
    TRY(check_distinct(names, c->tensor_count));
    for (size_t i = 0; i < c->metadata_count; i++) {
        const struct clcnn_safetensors_text *text = &c->metadata[i];
        REQUIRE(text->key && text->value && clcnn_utf8_valid(text->key) &&
                    clcnn_utf8_valid(text->value),
                "safetensors: metadata %zu is NULL or not UTF-8", i);
        names[i] = text->key;
    }
    TRY(check_distinct(names, c->metadata_count));
done:
    free(names);
    return status;
}

/* Larger elements first, so that every tensor is aligned without gaps; else the order given. */
static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->element != y->element)
        return x->element > y->element ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void add_metadata(struct clcnn_text *text, const struct clcnn_safetensors_contents *c)
{
    clcnn_text_add(text, "\"%s\":{", CLCNN_SAFETENSORS_METADATA);
    for (size_t i = 0; i < c->metadata_count; i++) {
        clcnn_text_add(text, "%s", i ? "," : "");
        clcnn_json_add_string(text, c->metadata[i].key);
        clcnn_text_add(text, ":");
        clcnn_json_add_string(text, c->metadata[i].value);
    }
    clcnn_text_add(text, "}");
}

static void add_part(struct clcnn_text *text, const struct part *part, size_t offset)
{
    const struct clcnn_shape *shape = &part->tensor->shape;
    clcnn_json_add_string(text, part->tensor->name);
    clcnn_text_add(text, ":{\"dtype\":\"%s\",\"shape\":[", part->tensor->dtype);
    for (int i = 0; i < shape->rank; i++)
        clcnn_text_add(text, "%s%lld", i ? "," : "", (long long)shape->dim[i]);
    clcnn_text_add(text, "],\"data_offsets\":[%zu,%zu]}", offset, offset + part->bytes);
}

static enum clcnn_status make_header(const struct clcnn_safetensors_contents *c,
                                     const struct part *parts, struct clcnn_text *text)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t offset = 0;
    clcnn_text_add(text, "{");
    if (c->metadata_count)
        add_metadata(text, c);
    for (size_t i = 0; i < c->tensor_count; i++) {
        clcnn_text_add(text, "%s", i || c->metadata_count ? "," : "");
        add_part(text, &parts[i], offset);
        REQUIRE(clcnn_sum(offset, parts[i].bytes, &offset), "safetensors: more than 2^64 bytes");
    }
    clcnn_text_add(text, "}");
    while (!text->failed && (text->length + 8) % DATA_ALIGNMENT)
        clcnn_text_add(text, " ");
    if (text->failed)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "safetensors: a header of %zu bytes",
                       text->length));
    REQUIRE(text->length <= CLCNN_SAFETENSORS_MAX_HEADER,
            "safetensors: a header of %zu bytes exceeds the limit of %u", text->length,
            CLCNN_SAFETENSORS_MAX_HEADER);
done:
    return status;
}

enum clcnn_status clcnn_safetensors_write(const char *path,
                                          const struct clcnn_safetensors_contents *contents)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct part *parts = NULL;
    struct clcnn_text header = {0};
    struct clcnn_file_writer file = {0};
    TRY(clcnn_alloc(contents->tensor_count, sizeof(*parts), &parts));
    TRY(check_contents(contents, parts));
    if (contents->tensor_count)
        qsort(parts, contents->tensor_count, sizeof(*parts), compare_parts);
    TRY(make_header(contents, parts, &header));
    unsigned char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)((uint64_t)header.length >> 8 * i);
    TRY(clcnn_file_create(path, &file));
    TRY(clcnn_file_write(&file, size, sizeof(size)));
    TRY(clcnn_file_write(&file, header.data, header.length));
    for (size_t i = 0; i < contents->tensor_count; i++)
        TRY(clcnn_file_write(&file, parts[i].tensor->data, parts[i].bytes));
    TRY(clcnn_file_commit(&file));
done:
    clcnn_file_discard(&file);
    clcnn_text_clear(&header);
    free(parts);
    return status;
}
