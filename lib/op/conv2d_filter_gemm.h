/* The gradient to the filter as a product of matrices whose patches are gathered block by block
 * (cl/conv2d_filter_gemm_cpu.cl): the implicit GEMM's backward-filter phase on the CPU class. */
#ifndef CLCNN_OP_CONV2D_FILTER_GEMM_H
#define CLCNN_OP_CONV2D_FILTER_GEMM_H

#include "op/conv2d.h"

struct clcnn_conv2d_filter_gemm;

double clcnn_conv2d_filter_gemm_cost(const struct clcnn_conv2d_problem *problem);
enum clcnn_status clcnn_conv2d_filter_gemm_create(const struct clcnn_conv2d_problem *problem,
                                                  struct clcnn_conv2d_filter_gemm **out);
/* NULL is allowed. */
void clcnn_conv2d_filter_gemm_destroy(struct clcnn_conv2d_filter_gemm *op);
size_t clcnn_conv2d_filter_gemm_workspace(const struct clcnn_conv2d_filter_gemm *op);
enum clcnn_status clcnn_conv2d_filter_gemm_run(struct clcnn_conv2d_filter_gemm *op,
                                               const struct clcnn_conv2d_call *call);

#endif
