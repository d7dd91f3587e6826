/* The gradient to the filter with few channels, from strips of the image: a part of implicit_gemm,
 * CPU class (cl/conv2d_filter_strips_cpu.cl). */
#ifndef CLCNN_OP_CONV2D_FILTER_STRIPS_H
#define CLCNN_OP_CONV2D_FILTER_STRIPS_H

#include "op/conv2d.h"

struct clcnn_conv2d_filter_strips;

/* False if there are many channels, or if the strips or the sums have no room. */
bool clcnn_conv2d_filter_strips_usable(const struct clcnn_conv2d_problem *problem);

/* Predicted seconds. Requires: usable. */
double clcnn_conv2d_filter_strips_cost(const struct clcnn_conv2d_problem *problem);

/* Requires: usable. */
enum clcnn_status clcnn_conv2d_filter_strips_create(const struct clcnn_conv2d_problem *problem,
                                                    struct clcnn_conv2d_filter_strips **out);
void clcnn_conv2d_filter_strips_destroy(struct clcnn_conv2d_filter_strips *op);

size_t clcnn_conv2d_filter_strips_workspace(const struct clcnn_conv2d_filter_strips *op);
enum clcnn_status clcnn_conv2d_filter_strips_run(struct clcnn_conv2d_filter_strips *op,
                                                 const struct clcnn_conv2d_call *call);

#endif
