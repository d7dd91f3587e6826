/* IDX files, as described at http://yann.lecun.com/exdb/mnist:
 * two zero bytes, element type, rank, the dimensions as big-endian 32-bit numbers, the elements. */
#include "io/idx.h"
#include "base/memory.h"
#include "io/source.h"
#include "tensor/shape_text.h"
#include <clcnn/data.h>

#define TYPE_UINT8 0x08
#define MAX_RANK   4

static enum clcnn_status read_shape(struct clcnn_source *source, struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const char *path = source->file.path;
    unsigned char magic[4], dims[4 * MAX_RANK];
    TRY(clcnn_source_take(source, magic, sizeof(magic)));
    if (magic[0] || magic[1])
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT,
                       "%s: is no IDX file: it begins with %02x %02x, not 00 00", path, magic[0],
                       magic[1]));
    if (magic[2] != TYPE_UINT8)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: IDX element type %02x is not 08 (unsigned byte)",
                       path, magic[2]));
    if (magic[3] < 1 || magic[3] > MAX_RANK)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: IDX rank %d is not in 1..%d", path, magic[3],
                       MAX_RANK));
    *shape = (struct clcnn_shape){.rank = magic[3]};
    TRY(clcnn_source_take(source, dims, 4 * (size_t)shape->rank));
    for (int i = 0; i < shape->rank; i++) {
        const unsigned char *d = dims + 4 * i;
        shape->dim[i] = (int64_t)d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3];
    }
done:
    return status;
}

/* The file's size decides how much a header may promise. */
static enum clcnn_status check_promise(const struct clcnn_source *source,
                                       const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    int64_t count = clcnn_shape_count(shape);
    uint64_t header = 4 + 4 * (uint64_t)shape->rank, most = clcnn_source_most(source);
    clcnn_shape_add_text(&text, shape);
    const char *dims = text.data ? text.data : "?";
    if (count < 0 || (uint64_t)count > most - header)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: the shape %s does not fit in a %s of %llu bytes",
                       source->file.path, dims, source->gzip ? "gzip file" : "file",
                       (unsigned long long)source->file.size));
    if (!source->gzip && (uint64_t)count != most - header)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: %llu bytes follow the data of shape %s",
                       source->file.path, (unsigned long long)(most - header - (uint64_t)count),
                       dims));
done:
    clcnn_text_clear(&text);
    return status;
}

/* What a limit leaves out is read all the same: damage there is damage too. */
static enum clcnn_status skip(struct clcnn_source *source, int64_t bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    unsigned char buffer[16384];
    while (bytes > 0) {
        size_t part = (size_t)clcnn_min(bytes, (int64_t)sizeof(buffer));
        TRY(clcnn_source_take(source, buffer, part));
        bytes -= (int64_t)part;
    }
done:
    return status;
}

enum clcnn_status clcnn_idx_load(const char *path, const struct clcnn_idx_options *options,
                                 struct clcnn_tensor **out, int64_t *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_source source = {0};
    struct clcnn_tensor *tensor = NULL;
    struct clcnn_shape shape = {0};
    *out = NULL;
    TRY(clcnn_source_open(path, &source));
    TRY(read_shape(&source, &shape));
    TRY(check_promise(&source, &shape));
    int64_t all = clcnn_shape_count(&shape);
    if (count)
        *count = shape.dim[0];
    if (options->limit && options->limit < shape.dim[0])
        shape.dim[0] = options->limit;
    if (options->add_channel && shape.rank == 3)
        shape.dim[shape.rank++] = 1;
    TRY(clcnn_tensor_create(CLCNN_DTYPE_UINT8, &shape, &tensor));
    TRY(clcnn_source_take(&source, clcnn_tensor_data(tensor), clcnn_tensor_bytes(tensor)));
    TRY(skip(&source, all - clcnn_tensor_count(tensor)));
    TRY(clcnn_source_end(&source));
    *out = tensor;
    tensor = NULL;
done:
    clcnn_tensor_destroy(&tensor);
    clcnn_source_close(&source);
    return status;
}

enum clcnn_status clcnn_idx_read(const char *path, struct clcnn_tensor **out)
{
    if (!out)
        return clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "idx: out is NULL");
    return clcnn_idx_load(path, &(struct clcnn_idx_options){0}, out, NULL);
}
