#include "base/memory.h"
#include "op/range.h"
#include "op/storage.h"
#include <clcnn/elementwise.h>
#include <stdlib.h>
#include <string.h>

struct clcnn_elementwise {
    struct clcnn_device *device;
    struct clcnn_elementwise_params params;
    struct clcnn_kernel *add, *copy, *dropout, *transpose, *narrow, *widen;
};

/* Elements a work-group of the CPU family takes at least. */
#define MINIMUM 4096

#define TILE  16 /* of cl/elementwise.cl */
#define BLOCK 4  /* random words of one counter */

static enum clcnn_status create_kernels(struct clcnn_elementwise *op)
{
    const struct {
        const char *name;
        struct clcnn_kernel **kernel;
    } list[] = {{"add", &op->add},       {"copy_block", &op->copy},     {"dropout", &op->dropout},
                {"narrow", &op->narrow}, {"transpose", &op->transpose}, {"widen", &op->widen}};
    const char *options = clcnn_storage_option(op->params.storage);
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        TRY(clcnn_kernel_create(op->device, "elementwise", options, list[i].name, list[i].kernel));
done:
    return status;
}

enum clcnn_status clcnn_elementwise_create(struct clcnn_device *device,
                                           const struct clcnn_elementwise_params *params,
                                           struct clcnn_elementwise **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_elementwise *op = NULL;
    REQUIRE(out, "elementwise: out is NULL");
    *out = NULL;
    REQUIRE(device, "elementwise: device is NULL");
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    if (params)
        op->params = *params;
    TRY(clcnn_storage_check(op->params.storage, "elementwise"));
    op->device = clcnn_device_retain(device);
    TRY(create_kernels(op));
    *out = op;
    op = NULL;
done:
    clcnn_elementwise_destroy(&op);
    return status;
}

void clcnn_elementwise_destroy(struct clcnn_elementwise **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->add);
    clcnn_kernel_destroy(&(*op)->copy);
    clcnn_kernel_destroy(&(*op)->dropout);
    clcnn_kernel_destroy(&(*op)->narrow);
    clcnn_kernel_destroy(&(*op)->transpose);
    clcnn_kernel_destroy(&(*op)->widen);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

static enum clcnn_status check_count(const struct clcnn_elementwise *op, int64_t count,
                                     const char *what, size_t *bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(op, "%s: op is NULL", what);
    REQUIRE(clcnn_storage_bytes(count, op->params.storage, bytes),
            "%s: count=%lld is not positive, or too large", what, (long long)count);
done:
    return status;
}

enum clcnn_status clcnn_elementwise_fill(struct clcnn_elementwise *op, int64_t count, float value,
                                         struct clcnn_buffer *y,
                                         const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t bytes;
    uint32_t pattern;
    TRY(check_count(op, count, "fill", &bytes));
    if (op->params.storage != CLCNN_DTYPE_FLOAT32)
        TRY(clcnn_storage_fail("elementwise", "fill"));
    TRY(clcnn_buffer_check(op->device, y, bytes, "fill", "y"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    memcpy(&pattern, &value, sizeof(pattern));
    TRY(clcnn_stream_fill(&s, y, 0, bytes, pattern));
done:
    return clcnn_stream_end(&s, status);
}

enum clcnn_status clcnn_elementwise_add(struct clcnn_elementwise *op, int64_t count,
                                        const struct clcnn_buffer *a, const struct clcnn_buffer *b,
                                        bool relu, struct clcnn_buffer *y,
                                        const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t bytes;
    TRY(check_count(op, count, "add", &bytes));
    TRY(clcnn_buffer_check(op->device, a, bytes, "add", "a"));
    TRY(clcnn_buffer_check(op->device, b, bytes, "add", "b"));
    TRY(clcnn_buffer_check(op->device, y, bytes, "add", "y"));
    TRY(clcnn_check_in_place(a, y, "add", "a and y"));
    TRY(clcnn_check_in_place(b, y, "add", "b and y"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    struct clcnn_range r = clcnn_range_items(op->device, count, MINIMUM);
    TRY(clcnn_launch(&s, op->add, GRID1(r.groups, r.local),
                     ARGS(BUFFER(a), BUFFER(b), BUFFER(y), LONG(count), LONG(r.chunk), INT(relu))));
done:
    return clcnn_stream_end(&s, status);
}

/* The part of a buffer that a block with rows `stride` apart begins in. */
static enum clcnn_status block_of(const struct clcnn_elementwise *op,
                                  const struct clcnn_buffer *buffer, int64_t rows, int64_t columns,
                                  int64_t stride, int64_t offset, const char *name,
                                  struct clcnn_buffer *block)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t count;
    size_t bytes;
    REQUIRE(offset >= 0 && columns <= stride && offset <= stride - columns,
            "copy: columns %lld .. %lld + %lld are not within %s's rows of %lld", (long long)offset,
            (long long)offset, (long long)columns, name, (long long)stride);
    REQUIRE(!__builtin_mul_overflow(rows - 1, stride, &count) &&
                !__builtin_add_overflow(count, offset + columns, &count) &&
                clcnn_storage_bytes(count, op->params.storage, &bytes),
            "copy: %lld rows of %lld are too large", (long long)rows, (long long)stride);
    TRY(clcnn_buffer_check(op->device, buffer, bytes, "copy", name));
    size_t skipped = (size_t)offset * clcnn_dtype_size(op->params.storage);
    *block = clcnn_buffer_slice(buffer, skipped, bytes - skipped);
done:
    return status;
}

enum clcnn_status clcnn_elementwise_copy(struct clcnn_elementwise *op, int64_t rows,
                                         int64_t columns, const struct clcnn_buffer *x,
                                         int64_t x_stride, int64_t x_offset, struct clcnn_buffer *y,
                                         int64_t y_stride, int64_t y_offset,
                                         const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    struct clcnn_buffer from, to;
    REQUIRE(op, "copy: op is NULL");
    REQUIRE(rows > 0 && columns > 0, "copy: rows=%lld, columns=%lld, not positive", (long long)rows,
            (long long)columns);
    TRY(block_of(op, x, rows, columns, x_stride, x_offset, "x", &from));
    TRY(block_of(op, y, rows, columns, y_stride, y_offset, "y", &to));
    TRY(clcnn_check_apart(&from, &to, "copy", "x and y"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    struct clcnn_blocks b = clcnn_range_blocks(op->device, rows, columns, columns, columns);
    if (clcnn_is_gpu(op->device)) /* narrow rows share a work-group */
        b.grid = GRID1(clcnn_divide_up(rows * columns, CLCNN_GPU_GROUP), CLCNN_GPU_GROUP);
    TRY(clcnn_launch(&s, op->copy, b.grid,
                     ARGS(BUFFER(&from), BUFFER(&to), LONG(rows), LONG(columns), LONG(x_stride),
                          LONG(y_stride), LONG(b.chunk), LONG(b.block))));
done:
    return clcnn_stream_end(&s, status);
}

enum clcnn_status clcnn_elementwise_dropout(struct clcnn_elementwise *op, int64_t count, float rate,
                                            uint64_t seed, uint64_t step,
                                            const struct clcnn_buffer *x, struct clcnn_buffer *y,
                                            const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t bytes;
    TRY(check_count(op, count, "dropout", &bytes));
    REQUIRE(rate >= 0.0f && rate < 1.0f, "dropout: rate=%g is not in [0, 1)", (double)rate);
    REQUIRE(step >> 62 == 0, "dropout: step is not below 2^62");
    TRY(clcnn_buffer_check(op->device, x, bytes, "dropout", "x"));
    TRY(clcnn_buffer_check(op->device, y, bytes, "dropout", "y"));
    TRY(clcnn_check_in_place(x, y, "dropout", "x and y"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    int64_t blocks = clcnn_divide_up(count, BLOCK);
    struct clcnn_range r = clcnn_range_items(op->device, blocks, MINIMUM / BLOCK);
    TRY(clcnn_launch(&s, op->dropout, GRID1(r.groups, r.local),
                     ARGS(BUFFER(x), BUFFER(y), LONG(count), LONG(blocks), LONG(r.chunk),
                          LONG(seed), LONG(step), FLOAT(rate),
                          FLOAT((float)(1.0 / (1.0 - (double)rate))))));
done:
    return clcnn_stream_end(&s, status);
}

enum clcnn_status clcnn_elementwise_transpose(struct clcnn_elementwise *op, bool to_nhwc, int batch,
                                              int channels, int height, int width,
                                              const struct clcnn_buffer *x, struct clcnn_buffer *y,
                                              const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t bytes;
    int64_t count, pixels = (int64_t)height * width;
    REQUIRE(op, "transpose: op is NULL");
    REQUIRE(batch > 0 && channels > 0 && height > 0 && width > 0,
            "transpose: N=%d, C=%d, H=%d, W=%d, not all positive", batch, channels, height, width);
    REQUIRE(!__builtin_mul_overflow(pixels, (int64_t)batch * channels, &count) &&
                clcnn_storage_bytes(count, op->params.storage, &bytes),
            "transpose: N=%d, C=%d, H=%d, W=%d is too large", batch, channels, height, width);
    TRY(clcnn_buffer_check(op->device, x, bytes, "transpose", "x"));
    TRY(clcnn_buffer_check(op->device, y, bytes, "transpose", "y"));
    TRY(clcnn_check_apart(x, y, "transpose", "x and y"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    int64_t rows = to_nhwc ? channels : pixels, columns = to_nhwc ? pixels : channels;
    int64_t tiles = batch * clcnn_divide_up(rows, TILE) * clcnn_divide_up(columns, TILE);
    struct clcnn_range r = clcnn_range_rows(op->device, tiles, MINIMUM / (TILE * TILE));
    TRY(clcnn_launch(
        &s, op->transpose, GRID1(r.groups, r.local),
        ARGS(BUFFER(x), BUFFER(y), LONG(batch), LONG(rows), LONG(columns), LONG(r.chunk))));
done:
    return clcnn_stream_end(&s, status);
}

enum clcnn_status clcnn_elementwise_convert(struct clcnn_elementwise *op, bool widen, int64_t count,
                                            const struct clcnn_buffer *x, struct clcnn_buffer *y,
                                            const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t narrow, wide;
    TRY(check_count(op, count, "convert", &narrow));
    REQUIRE(clcnn_float_bytes(count, &wide), "convert: count=%lld is too large", (long long)count);
    TRY(clcnn_buffer_check(op->device, x, widen ? narrow : wide, "convert", "x"));
    TRY(clcnn_buffer_check(op->device, y, widen ? wide : narrow, "convert", "y"));
    TRY(clcnn_check_apart(x, y, "convert", "x and y"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    struct clcnn_range r = clcnn_range_items(op->device, count, MINIMUM);
    TRY(clcnn_launch(&s, widen ? op->widen : op->narrow, GRID1(r.groups, r.local),
                     ARGS(BUFFER(x), BUFFER(y), LONG(count), LONG(r.chunk))));
done:
    return clcnn_stream_end(&s, status);
}
