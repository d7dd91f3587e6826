#include "op/reduce_columns.h"
#include "base/memory.h"
#include <stdlib.h>

struct clcnn_reduce_columns {
    struct clcnn_device *device;
    struct clcnn_kernel *kernel;
    int64_t rows, columns;
    int64_t parts;        /* of the rows, at most */
    int64_t columns_each; /* of a group */
    int local[2];
};

enum clcnn_status clcnn_reduce_columns_create(struct clcnn_device *device, int64_t rows,
                                              int64_t columns, struct clcnn_reduce_columns **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_reduce_columns *op = NULL;
    const struct clcnn_device_info *info = clcnn_device_info(device);
    bool cpu = clcnn_device_family(device) == CLCNN_DEVICE_CLASS_CPU;

    *out = NULL;
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->device = clcnn_device_retain(device);
    op->rows = rows;
    op->columns = columns;
    op->columns_each = cpu ? 4 * (int64_t)info->vector_width : 32;
    op->local[0] = cpu ? 1 : 32;
    op->local[1] = cpu ? 1 : 8;
    /* Parts of at least 4096 elements, and no more than keep the compute units busy. */
    int64_t column_groups = clcnn_divide_up(columns, op->columns_each);
    int64_t wanted = clcnn_divide_up((int64_t)(cpu ? 4 : 8) * info->compute_units, column_groups);
    int64_t shortest = clcnn_max(1, 4096 / clcnn_min(columns, op->columns_each));
    op->parts = clcnn_max(1, clcnn_min(wanted, rows / shortest));
    TRY(clcnn_kernel_create(device, "reduce_columns", "", "reduce_columns", &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_reduce_columns_destroy(&op);
    return status;
}

void clcnn_reduce_columns_destroy(struct clcnn_reduce_columns **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

size_t clcnn_reduce_columns_workspace_size(const struct clcnn_reduce_columns *op)
{
    return op->parts > 1 ? (size_t)(op->parts * op->columns) * sizeof(float) : 0;
}

static enum clcnn_status sum(struct clcnn_reduce_columns *op, const struct clcnn_buffer *x,
                             const struct clcnn_buffer *y, int64_t rows, int64_t rows_each,
                             struct clcnn_stream *stream)
{
    return clcnn_launch(stream, op->kernel,
                        GRID2(clcnn_divide_up(op->columns, op->columns_each),
                              clcnn_divide_up(rows, rows_each), op->local[0], op->local[1]),
                        ARGS(BUFFER(x), BUFFER(y), LONG(rows), LONG(op->columns), LONG(rows_each)));
}

enum clcnn_status clcnn_reduce_columns_run_in(struct clcnn_reduce_columns *op, int64_t rows,
                                              const struct clcnn_buffer *x,
                                              const struct clcnn_buffer *y,
                                              const struct clcnn_buffer *workspace,
                                              struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t parts = clcnn_min(op->parts, rows);
    int64_t rows_each = clcnn_divide_up(rows, parts);

    if (parts == 1)
        return sum(op, x, y, rows, rows, stream);
    parts = clcnn_divide_up(rows, rows_each);
    TRY(sum(op, x, workspace, rows, rows_each, stream));
    TRY(sum(op, workspace, y, parts, parts, stream));
done:
    return status;
}
