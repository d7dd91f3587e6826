/* Windows over one to three dimensions: what kernels receive (cl/window_nd.cl). */
#ifndef CLCNN_OP_WINDOW_ND_H
#define CLCNN_OP_WINDOW_ND_H

#include "op/walk.h"
#include <clcnn/window_nd.h>

#define CLCNN_SPACE CLCNN_WINDOW_MAX_RANK

/* Passed to kernels by value: cl/window_nd.cl has the same. Dimensions that are not there come
 * first and have size 1. */
struct clcnn_space {
    int64_t in[CLCNN_SPACE], out[CLCNN_SPACE];
    int64_t size[CLCNN_SPACE], stride[CLCNN_SPACE], dilation[CLCNN_SPACE];
    int64_t before[CLCNN_SPACE], after[CLCNN_SPACE];
    int64_t x_step[CLCNN_SPACE], y_step[CLCNN_SPACE];
    int64_t other_step[CLCNN_SPACE], flat_step[CLCNN_SPACE];
};

/* Replaces zeros by defaults. INVALID_ARGUMENT if the window is none; `crops`: before may be
 * negative. */
enum clcnn_status clcnn_window_nd_resolve(struct clcnn_window_nd *window, const char *op,
                                          bool crops);

/* The space of a resolved window and of views of rank 2 + window->rank; `other`, NULL or of that
 * rank, gives other_step. flat_step is 0. */
struct clcnn_space clcnn_space_of(const struct clcnn_window_nd *window, const struct clcnn_view *x,
                                  const struct clcnn_view *y, const struct clcnn_view *other);

/* Work-groups of dimensions 1 and 2 for blocks of `block` columns. */
void clcnn_space_grid(const struct clcnn_device *device, const struct clcnn_space *space,
                      int64_t block, struct clcnn_grid *grid);

#endif
