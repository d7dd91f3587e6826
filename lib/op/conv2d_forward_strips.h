/* Convolution with few channels, from strips of the image: a part of implicit_gemm, CPU class
 * (cl/conv2d_forward_strips_cpu.cl). */
#ifndef CLCNN_OP_CONV2D_FORWARD_STRIPS_H
#define CLCNN_OP_CONV2D_FORWARD_STRIPS_H

#include "op/conv2d.h"

struct clcnn_conv2d_forward_strips;

/* False if there are many channels, or if the strips or the packed filter have no room. */
bool clcnn_conv2d_forward_strips_usable(const struct clcnn_conv2d_problem *problem);

/* Predicted seconds. Requires: usable. */
double clcnn_conv2d_forward_strips_cost(const struct clcnn_conv2d_problem *problem);

/* Requires: usable. */
enum clcnn_status clcnn_conv2d_forward_strips_create(const struct clcnn_conv2d_problem *problem,
                                                     struct clcnn_conv2d_forward_strips **out);
/* NULL is allowed. */
void clcnn_conv2d_forward_strips_destroy(struct clcnn_conv2d_forward_strips *op);

/* Bytes of the packed filter, which are those of the workspace as well. */
size_t clcnn_conv2d_forward_strips_packed(const struct clcnn_conv2d_forward_strips *op);
enum clcnn_status clcnn_conv2d_forward_strips_pack(struct clcnn_conv2d_forward_strips *op,
                                                   struct clcnn_stream *stream,
                                                   const struct clcnn_buffer *w,
                                                   const struct clcnn_buffer *packed);
/* Packs the filter into the workspace if the call brings no packed one. */
enum clcnn_status clcnn_conv2d_forward_strips_run(struct clcnn_conv2d_forward_strips *op,
                                                  const struct clcnn_conv2d_call *call);

#endif
