/* How operations on many independent items share them out. */
#ifndef CLCNN_OP_RANGE_H
#define CLCNN_OP_RANGE_H

#include "base/status.h"
#include "device/launch.h"

/* Work-items of a work-group in the GPU family's kernels (GROUP in cl/vector.cl); 1 in the
 * CPU's. */
#define CLCNN_GPU_GROUP 64

bool clcnn_is_gpu(const struct clcnn_device *device);

/* `count` items in `groups` work-groups of `local` work-items. CPU family: each takes `chunk` items
 * in a row, so many that every compute unit gets a few work-groups, but no work-group less than
 * `minimum` items (unless there are fewer). GPU family: one item per work-item, chunk 1. */
struct clcnn_range {
    int64_t groups, chunk;
    int local;
};
struct clcnn_range clcnn_range_items(const struct clcnn_device *device, int64_t count,
                                     int64_t minimum);

/* The same where a whole work-group takes an item: GPU family, one item per work-group. */
struct clcnn_range clcnn_range_rows(const struct clcnn_device *device, int64_t count,
                                    int64_t minimum);

/* `rows` x `columns` taken apart in both directions: a work-item takes `chunk` rows by `block`
 * columns (a multiple of a cache line), `work` being the floats behind one row; rows are split only
 * where there are too few of them. GPU family: `per_row` items per row, one per work-item, and rows
 * begin with a work-group; chunk and block 1. */
struct clcnn_blocks {
    struct clcnn_grid grid;
    int64_t chunk, block;
};
struct clcnn_blocks clcnn_range_blocks(const struct clcnn_device *device, int64_t rows,
                                       int64_t columns, int64_t work, int64_t per_row);

/* A count of elements of 4 bytes, as bytes; false if it is not positive or does not fit. */
bool clcnn_float_bytes(int64_t count, size_t *bytes);

/* INVALID_ARGUMENT if `out` shares memory with `in` without starting at the same byte. */
enum clcnn_status clcnn_check_in_place(const struct clcnn_buffer *in,
                                       const struct clcnn_buffer *out, const char *op,
                                       const char *names);

/* INVALID_ARGUMENT if `out` shares memory with `in`. NULL shares none. */
enum clcnn_status clcnn_check_apart(const struct clcnn_buffer *in, const struct clcnn_buffer *out,
                                    const char *op, const char *names);

#endif
