/* Depthwise convolutions by cl/conv2d_depthwise_window_cpu.cl: one filter per channel and a small
 * window. */
#ifndef CLCNN_OP_CONV2D_DEPTHWISE_WINDOW_H
#define CLCNN_OP_CONV2D_DEPTHWISE_WINDOW_H

#include "op/conv2d.h"

bool clcnn_conv2d_window_usable(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase);

/* Predicted seconds. */
double clcnn_conv2d_window_cost(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase);

struct clcnn_conv2d_window;
enum clcnn_status clcnn_conv2d_window_create(const struct clcnn_conv2d_problem *problem,
                                             enum clcnn_conv2d_phase phase,
                                             struct clcnn_conv2d_window **out);
void clcnn_conv2d_window_destroy(struct clcnn_conv2d_window **op);
size_t clcnn_conv2d_window_workspace(const struct clcnn_conv2d_window *op);
enum clcnn_status clcnn_conv2d_window_run(struct clcnn_conv2d_window *op,
                                          const struct clcnn_conv2d_call *call);

#endif
