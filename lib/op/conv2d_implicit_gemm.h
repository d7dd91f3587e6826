/* The row implicit_gemm: what the two classes share, and the parts that run a phase on the CPU
 * class. */
#ifndef CLCNN_OP_CONV2D_IMPLICIT_GEMM_H
#define CLCNN_OP_CONV2D_IMPLICIT_GEMM_H

#include "base/memory.h"
#include "op/conv2d.h"

/* The GPU class's (lib/op/conv2d_implicit_gemm_gpu.c). */
extern const struct clcnn_conv2d_impl clcnn_conv2d_implicit_gemm_gpu;

/* As in struct clcnn_conv2d_impl, for problems that the part is for. */
struct clcnn_conv2d_implicit_part {
    /* NULL: always. */
    bool (*usable)(const struct clcnn_conv2d_problem *problem);
    double (*cost)(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase);
    enum clcnn_status (*create)(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state);
    void (*destroy)(void *state);
    size_t (*workspace)(const void *state);
    enum clcnn_status (*run)(void *state, const struct clcnn_conv2d_call *call);
    /* Both or neither; forward only, and then a packed filter takes the place of the workspace. */
    size_t (*packed_filter)(const void *state);
    enum clcnn_status (*pack_filter)(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed);
};

/* Few channels, from strips of the image (cl/conv2d_forward_strips_cpu.cl,
 * cl/conv2d_filter_strips_cpu.cl). */
extern const struct clcnn_conv2d_implicit_part clcnn_conv2d_forward_strips;
extern const struct clcnn_conv2d_implicit_part clcnn_conv2d_filter_strips;
/* Gradient to the filter from tensors where they lie (cl/conv2d_filter_in_place_cpu.cl), and from
 * patches gathered block by block (cl/conv2d_filter_gemm_cpu.cl). */
extern const struct clcnn_conv2d_implicit_part clcnn_conv2d_filter_in_place;
extern const struct clcnn_conv2d_implicit_part clcnn_conv2d_filter_gemm;
/* Gradient to the data of 1x1 convolutions, likewise (cl/conv2d_data_in_place_cpu.cl). */
extern const struct clcnn_conv2d_implicit_part clcnn_conv2d_data_in_place;
/* Patches gathered tile by tile (cl/conv2d_implicit_gemm_cpu.cl): the other phases. */
extern const struct clcnn_conv2d_implicit_part clcnn_conv2d_gathered_tiles;

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
