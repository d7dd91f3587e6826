/* y[columns] = sum over the rows of x[rows][columns]: the gradient of a bias. Deterministic. */
#ifndef CLCNN_OP_REDUCE_COLUMNS_H
#define CLCNN_OP_REDUCE_COLUMNS_H

#include "device/launch.h"

struct clcnn_reduce_columns;

/* For up to `rows` rows, exactly `columns` columns; both > 0. */
enum clcnn_status clcnn_reduce_columns_create(struct clcnn_device *device, int64_t rows,
                                              int64_t columns, struct clcnn_reduce_columns **out);
void clcnn_reduce_columns_destroy(struct clcnn_reduce_columns **op);

size_t clcnn_reduce_columns_workspace_size(const struct clcnn_reduce_columns *op);

/* `rows` 1 .. the planned. The buffers' sizes are the caller's care; the workspace may be NULL if
 * its size is 0, and overlaps neither x nor y. */
enum clcnn_status clcnn_reduce_columns_run_in(struct clcnn_reduce_columns *op, int64_t rows,
                                              const struct clcnn_buffer *x,
                                              const struct clcnn_buffer *y,
                                              const struct clcnn_buffer *workspace,
                                              struct clcnn_stream *stream);

#endif
