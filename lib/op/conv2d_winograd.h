/* The implementations winograd_2x2, winograd_4x4 and winograd_6x6, by the outputs of a tile: what
 * they share, and the parts that run a phase on a class of device. */
#ifndef CLCNN_OP_CONV2D_WINOGRAD_H
#define CLCNN_OP_CONV2D_WINOGRAD_H

#include "op/conv2d.h"
#include "op/winograd.h"

/* As in struct clcnn_conv2d_impl, for the tile of the given matrices. What no tile supports
 * (strides, other filters, wide pads) has been refused before any of these is called. */
struct clcnn_conv2d_winograd_part {
    double (*cost)(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase,
                   const struct clcnn_winograd *winograd);
    enum clcnn_status (*create)(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase,
                                const struct clcnn_winograd *winograd, void **state);
    void (*destroy)(void *state);
    size_t (*workspace)(const void *state);
    enum clcnn_status (*run)(void *state, const struct clcnn_conv2d_call *call);
    /* Both or neither; forward only. */
    size_t (*packed_filter)(const void *state);
    enum clcnn_status (*pack_filter)(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed);
};

/* Forward and gradient to the data, CPU class. */
extern const struct clcnn_conv2d_winograd_part clcnn_conv2d_winograd_cpu;
/* Gradient to the filter, CPU class. */
extern const struct clcnn_conv2d_winograd_part clcnn_conv2d_winograd_filter_cpu;
/* Every phase, GPU class. */
extern const struct clcnn_conv2d_winograd_part clcnn_conv2d_winograd_gpu;

/* Output tiles of the phase at batch n: of dx for the gradient to the data, of y for the others. */
int64_t clcnn_conv2d_winograd_tiles(const struct clcnn_conv2d_problem *problem,
                                    enum clcnn_conv2d_phase phase,
                                    const struct clcnn_winograd *winograd, int64_t n);

#endif
