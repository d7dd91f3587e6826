/* What the two classes' implicit GEMMs share. */
#ifndef CLCNN_OP_CONV2D_IMPLICIT_GEMM_H
#define CLCNN_OP_CONV2D_IMPLICIT_GEMM_H

#include "base/memory.h"
#include "op/conv2d.h"

/* The GPU class's (lib/op/conv2d_implicit_gemm_gpu.c). */
extern const struct clcnn_conv2d_impl clcnn_conv2d_implicit_gemm_gpu;

/* The gradient to the data is a convolution of dy for each residue of the image's coordinates
 * modulo the strides. Along one axis: the coordinates a + i stride and the taps that reach them:
 * tap first + j stride (j < taps) of output origin + i - j step. */
struct clcnn_conv2d_residue {
    int64_t a, outputs, first, taps, step, origin;
};

static inline struct clcnn_conv2d_residue clcnn_conv2d_residue(int64_t a, int64_t size,
                                                               int64_t filter, int64_t stride,
                                                               int64_t dilation, int64_t pad)
{
    struct clcnn_conv2d_residue residue = {
        .a = a, .first = (a + pad) % stride, .step = stride == 1 ? dilation : 1};
    residue.outputs = a < size ? clcnn_divide_up(size - a, stride) : 0;
    if (residue.first < filter)
        residue.taps = clcnn_divide_up(filter - residue.first, stride);
    residue.origin = (a + pad - residue.first) / stride;
    return residue;
}

#endif
