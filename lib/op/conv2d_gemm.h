/* A phase of a convolution as matrix products on a matrix of patches, left[m][t] with m = (n, p, q)
 * and t = (r, s, c), one product per group:
 *
 *   forward          y[m][k]    = f(left[m][t] . w[k][t]^T + bias[k])
 *   backward_data    left'[m][t] = dy[m][k] . w[k][t]          (the gradient to the patches)
 *   backward_filter  dw[k][t]   = dy[m][k]^T . left[m][t]
 *
 * The patches are written in chunks of rows that stay in the cache and inside max_workspace
 * (im2col), or are the image itself (1x1, stride 1, no padding). */
#ifndef CLCNN_OP_CONV2D_GEMM_H
#define CLCNN_OP_CONV2D_GEMM_H

#include "op/conv2d.h"

struct clcnn_conv2d_gemm;

/* UNSUPPORTED if max_workspace does not hold a single row of patches and what the product needs. */
enum clcnn_status clcnn_conv2d_gemm_create(const struct clcnn_conv2d_problem *problem,
                                           enum clcnn_conv2d_phase phase, bool in_place,
                                           struct clcnn_conv2d_gemm **out);
double clcnn_conv2d_gemm_cost(const struct clcnn_conv2d_problem *problem,
                              enum clcnn_conv2d_phase phase, bool in_place);

/* The rest of struct clcnn_conv2d_impl; the state is the struct clcnn_conv2d_gemm. */
void clcnn_conv2d_gemm_destroy(void *state);
size_t clcnn_conv2d_gemm_workspace(const void *state);
size_t clcnn_conv2d_gemm_packed_workspace(const void *state);
enum clcnn_status clcnn_conv2d_gemm_run(void *state, const struct clcnn_conv2d_call *call);
size_t clcnn_conv2d_gemm_packed_filter(const void *state);
enum clcnn_status clcnn_conv2d_gemm_pack_filter(void *state, struct clcnn_stream *stream,
                                                const struct clcnn_buffer *w,
                                                const struct clcnn_buffer *packed);

#endif
