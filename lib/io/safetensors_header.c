#include "base/memory.h"
#include "io/json.h"
#include "io/safetensors_file.h"
#include "tensor/shape_text.h"
#include <stdlib.h>
#include <string.h>

size_t clcnn_safetensors_element_size(const char *dtype)
{
    static const struct {
        const char *name;
        size_t size;
    } dtypes[] = {
        {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
        {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
        {"U32", 4},  {"F32", 4}, {"I64", 8}, {"U64", 8},     {"F64", 8},
    };
    for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
        if (strcmp(dtypes[i].name, dtype) == 0)
            return dtypes[i].size;
    return 0;
}

/* ---- grammar --------------------------------------------------------------------------------- */

static enum clcnn_status parse_shape(struct clcnn_json *json, struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool first = true, more = false;
    shape->rank = 0;
    TRY(clcnn_json_take(json, '['));
    for (;;) {
        TRY(clcnn_json_next(json, ']', &first, &more));
        if (!more)
            break;
        if (shape->rank == CLCNN_MAX_RANK)
            TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "byte %zu: a shape of more than %d dimensions",
                           json->at, CLCNN_MAX_RANK));
        TRY(clcnn_json_number(json, &shape->dim[shape->rank]));
        shape->rank++;
    }
done:
    return status;
}

static enum clcnn_status parse_offsets(struct clcnn_json *json,
                                       struct clcnn_safetensors_entry *entry)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_json_take(json, '['));
    TRY(clcnn_json_number(json, &entry->begin));
    TRY(clcnn_json_take(json, ','));
    TRY(clcnn_json_number(json, &entry->end));
    TRY(clcnn_json_take(json, ']'));
done:
    return status;
}

static enum clcnn_status parse_field(struct clcnn_json *json, struct clcnn_safetensors_entry *entry,
                                     unsigned *seen)
{
    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    enum clcnn_status status = CLCNN_STATUS_OK;
    char *key = NULL, *dtype = NULL;
    size_t at = json->at, field = 0;
    TRY(clcnn_json_string(json, &key));
    while (field < 3 && strcmp(fields[field], key) != 0)
        field++;
    if (field == 3 || (*seen & 1u << field))
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "byte %zu: the field '%.64s' is %s", at, key,
                       field == 3 ? "unknown" : "there twice"));
    *seen |= 1u << field;
    TRY(clcnn_json_take(json, ':'));
    if (field == 0) {
        TRY(clcnn_json_string(json, &dtype));
        entry->tensor.dtype = dtype;
    } else if (field == 1) {
        TRY(parse_shape(json, &entry->tensor.shape));
    } else {
        TRY(parse_offsets(json, entry));
    }
done:
    return status;
}

static enum clcnn_status parse_tensor(struct clcnn_json *json,
                                      struct clcnn_safetensors_entry *entry)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool first = true, more = false;
    unsigned seen = 0;
    TRY(clcnn_json_take(json, '{'));
    for (;;) {
        TRY(clcnn_json_next(json, '}', &first, &more));
        if (!more)
            break;
        TRY(parse_field(json, entry, &seen));
    }
    if (seen != 7)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "tensor '%.200s': %s is missing", entry->tensor.name,
                       seen & 1 ? seen & 2 ? "data_offsets" : "shape" : "dtype"));
done:
    return status;
}

static enum clcnn_status parse_metadata(struct clcnn_json *json, struct clcnn_safetensors *file)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool first = true, more = false;
    TRY(clcnn_json_take(json, '{'));
    for (;;) {
        char *key = NULL, *value = NULL;
        TRY(clcnn_json_next(json, '}', &first, &more));
        if (!more)
            break;
        TRY(clcnn_json_string(json, &key));
        TRY(clcnn_json_take(json, ':'));
        TRY(clcnn_json_string(json, &value));
        TRY(clcnn_grow(&file->texts, &file->text_capacity, file->text_count + 1,
                       sizeof(*file->texts)));
        file->texts[file->text_count++] = (struct clcnn_safetensors_text){key, value};
    }
done:
    return status;
}

static enum clcnn_status parse_member(struct clcnn_json *json, struct clcnn_safetensors *file,
                                      bool *has_metadata)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char *name = NULL;
    TRY(clcnn_json_string(json, &name));
    TRY(clcnn_json_take(json, ':'));
    if (strcmp(name, CLCNN_SAFETENSORS_METADATA) == 0) {
        if (*has_metadata)
            TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "'%s' is there twice", name));
        *has_metadata = true;
        TRY(parse_metadata(json, file));
    } else {
        TRY(clcnn_grow(&file->entries, &file->capacity, file->count + 1, sizeof(*file->entries)));
        struct clcnn_safetensors_entry *entry = &file->entries[file->count];
        entry->tensor.name = name;
        TRY(parse_tensor(json, entry));
        file->count++;
    }
done:
    return status;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static enum clcnn_status check_size(struct clcnn_safetensors_entry *entry)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text shape = {0};
    size_t size = clcnn_safetensors_element_size(entry->tensor.dtype);
    int64_t count = clcnn_shape_count(&entry->tensor.shape), bytes = 0;
    if (!size)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "tensor '%.200s': dtype '%.32s' is unknown",
                       entry->tensor.name, entry->tensor.dtype));
    if (count < 0 || __builtin_mul_overflow(count, (int64_t)size, &bytes))
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "tensor '%.200s': more than 2^63-1 bytes",
                       entry->tensor.name));
    clcnn_shape_add_text(&shape, &entry->tensor.shape);
    if (entry->end < entry->begin || entry->end - entry->begin != bytes)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT,
                       "tensor '%.200s': %s of %s are %lld bytes, not data_offsets [%lld, %lld]",
                       entry->tensor.name, shape.data ? shape.data : "", entry->tensor.dtype,
                       (long long)bytes, (long long)entry->begin, (long long)entry->end));
    entry->tensor.bytes = (size_t)bytes;
done:
    clcnn_text_clear(&shape);
    return status;
}

static int compare_places(const void *a, const void *b)
{
    const struct clcnn_safetensors_entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static enum clcnn_status check_cover(const struct clcnn_safetensors *file, uint64_t data_size)
{
    int64_t end = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct clcnn_safetensors_entry *entry = &file->entries[i];
        if (entry->begin != end)
            return clcnn_fail(CLCNN_STATUS_FORMAT,
                              "tensor '%.200s' begins at %lld of the data, %s the end of the one "
                              "before at %lld",
                              entry->tensor.name, (long long)entry->begin,
                              entry->begin < end ? "overlapping" : "leaving a gap after",
                              (long long)end);
        end = entry->end;
    }
    if ((uint64_t)end != data_size)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "the tensors end at %lld of %llu bytes of data: %s",
                          (long long)end, (unsigned long long)data_size,
                          (uint64_t)end < data_size ? "bytes are left over"
                                                    : "the file is truncated");
    return CLCNN_STATUS_OK;
}

static int compare_names(const void *a, const void *b)
{
    const struct clcnn_safetensors_entry *const *x = a, *const *y = b;
    return strcmp((*x)->tensor.name, (*y)->tensor.name);
}

static int compare_texts(const void *a, const void *b)
{
    const struct clcnn_safetensors_text *x = a, *y = b;
    return strcmp(x->key, y->key);
}

static enum clcnn_status index_names(struct clcnn_safetensors *file)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_alloc(file->count, sizeof(const void *), &file->by_name));
    for (size_t i = 0; i < file->count; i++)
        file->by_name[i] = &file->entries[i];
    if (file->count)
        qsort(file->by_name, file->count, sizeof(const void *), compare_names);
    for (size_t i = 1; i < file->count; i++)
        if (compare_names(&file->by_name[i - 1], &file->by_name[i]) == 0)
            TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "tensor '%.200s' is there twice",
                           file->by_name[i]->tensor.name));
    if (file->text_count)
        qsort(file->texts, file->text_count, sizeof(*file->texts), compare_texts);
    for (size_t i = 1; i < file->text_count; i++)
        if (compare_texts(&file->texts[i - 1], &file->texts[i]) == 0)
            TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "metadata '%.200s' is there twice",
                           file->texts[i].key));
done:
    return status;
}

enum clcnn_status clcnn_safetensors_parse(struct clcnn_safetensors *file, size_t header_size,
                                          uint64_t data_size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_json json = {.text = file->header, .size = header_size};
    bool first = true, more = false, has_metadata = false;
    TRY(clcnn_json_take(&json, '{'));
    for (;;) {
        TRY(clcnn_json_next(&json, '}', &first, &more));
        if (!more)
            break;
        TRY(parse_member(&json, file, &has_metadata));
    }
    TRY(clcnn_json_end(&json));
    for (size_t i = 0; i < file->count; i++)
        TRY(check_size(&file->entries[i]));
    if (file->count)
        qsort(file->entries, file->count, sizeof(*file->entries), compare_places);
    TRY(check_cover(file, data_size));
    TRY(index_names(file));
done:
    return status == CLCNN_STATUS_FORMAT ? clcnn_fail_prefix(status, "header: ") : status;
}
