/* 2-D convolution (cross-correlation, as in Keras), forward and backward.
 *
 *   y[n][p][q][k] = f(bias[k] + sum over r, s, c of
 *                     x[n][p sh - pt + r dh][q sw - pl + s dw][g C/G + c] * w[k][r][s][c])
 *
 * and, with `accumulate`, what y held before added to the argument of f (a residual connection).
 *
 * with g = k / (K/G), zeros outside the image, and
 *   P = floor((H + pt + pb - ((R - 1) dh + 1)) / sh) + 1, Q likewise.
 *
 * Layouts: x[N][H][W][C], w[K][R][S][C/G], y[N][P][Q][K], bias[K]. float32, or, forward alone,
 * x, w, packed_w and y in float16 (`storage`), while bias and arithmetic stay float32: y is then
 * what float32 gives from these x and w, rounded to the nearest half (relatively by at most 2^-11,
 * by 2^-25 below 2^-14; infinite from 65520 on). Error bounds exclude that rounding, which
 * `accumulate` applies to what y held as well.
 * Letters: N batch, C channels, H W image, K filters, R S filter, P Q output, G groups.
 *
 * Sources: Keras's Conv2D for the meaning; Chellapilla, Puri, Simard, "High performance
 * convolutional neural networks for document processing", 2006, for im2col; Chetlur et al., "cuDNN:
 * Efficient primitives for deep learning", arXiv:1410.0759, section 3, for implicit GEMM; Lavin and
 * Gray, "Fast algorithms for convolutional neural networks", arXiv:1509.09308, for Winograd.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_CONV2D_H
#define CLCNN_CONV2D_H

#include <clcnn/activation.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_padding {
    CLCNN_PADDING_VALID = 0, /* none */
    CLCNN_PADDING_SAME,      /* output ceil(n / stride); the odd one goes below and right */
    CLCNN_PADDING_EXPLICIT,  /* `pads` */
};

/* One row of the list of implementations (lib/op/conv2d_impls.inc). */
enum clcnn_conv2d_algorithm {
    CLCNN_CONV2D_ALGORITHM_AUTO = 0,
    CLCNN_CONV2D_ALGORITHM_DIRECT,        /* every legal problem on every device */
    CLCNN_CONV2D_ALGORITHM_IM2COL_GEMM,   /* patches gathered in bounded chunks, then GEMM */
    CLCNN_CONV2D_ALGORITHM_GEMM_1X1,      /* 1x1, stride 1, no padding: GEMM on the image itself */
    CLCNN_CONV2D_ALGORITHM_IMPLICIT_GEMM, /* patches gathered tile by tile */
    CLCNN_CONV2D_ALGORITHM_WINOGRAD_2X2,  /* Winograd, by the outputs of a tile; stride 1 */
    CLCNN_CONV2D_ALGORITHM_WINOGRAD_4X4,
    CLCNN_CONV2D_ALGORITHM_WINOGRAD_6X6,
    CLCNN_CONV2D_ALGORITHM_DEPTHWISE, /* one channel per group */
    CLCNN_CONV2D_ALGORITHM_COUNT,
};

enum clcnn_conv2d_phase {
    CLCNN_CONV2D_PHASE_FORWARD = 0,
    CLCNN_CONV2D_PHASE_BACKWARD_DATA,
    CLCNN_CONV2D_PHASE_BACKWARD_FILTER,
    CLCNN_CONV2D_PHASE_COUNT,
};

/* Zero means the default where one is given. */
struct clcnn_conv2d_params {
    int batch, height, width, channels; /* N H W C, planned; required. A call may use a smaller N */
    int filters;                        /* K; required */
    int kernel[2];                      /* R, S; required */
    int strides[2];                     /* down, across; 0 = 1 */
    int dilation_rate[2];               /* down, across; 0 = 1 */
    int groups;                         /* 0 = 1; divides C and K */
    enum clcnn_padding padding;
    int pads[4]; /* top, left, bottom, right; with EXPLICIT alone, else 0 */
    bool use_bias;
    bool accumulate;                  /* forward: y = f(y + conv + bias) */
    enum clcnn_activation activation; /* fused; without softmax */
    float activation_alpha;           /* leaky_relu; finite, >= 0; 0 = 0.3 */
    enum clcnn_dtype storage;         /* FLOAT32 or FLOAT16, see above */

    enum clcnn_conv2d_algorithm algorithm; /* AUTO, or required for every phase */
    unsigned forbidden;                    /* bits 1 << algorithm that must not be chosen */
    bool tune;                             /* time the likely ones, see create */
    /* Bits 1 << phase to prepare; 0 = all that storage allows. The forward phase alone is chosen
     * for calls with a packed filter, together with others for calls without. */
    unsigned phases;
    size_t max_workspace; /* bytes a call may ask for; 0 = 256 MiB; 1 = none at all */
    double max_error;     /* bound on the relative error, see clcnn_conv2d_error_bound; 0 = any */
};

struct clcnn_conv2d;

/* The word for an algorithm: "auto", "direct", "im2col_gemm", ...; NULL for what is not in the list
 * of implementations. Static storage; thread-safe. */
CLCNN_API const char *clcnn_conv2d_algorithm_word(enum clcnn_conv2d_algorithm algorithm);

/* Output height and width of the given parameters: {P, Q}. Of these only height, width, kernel,
 * strides, dilation_rate, padding and pads are read. Requires them as create does. Thread-safe.
 * Errors: INVALID_ARGUMENT. */
CLCNN_API enum clcnn_status clcnn_conv2d_output_size(const struct clcnn_conv2d_params *params,
                                                     int output[2]);

/* Validates, chooses an implementation for each phase, builds it. An op is used by one thread at a
 * time; it keeps the device alive.
 *
 * The choice: what does not support the problem, is forbidden or breaks a budget is dropped, and
 * the fastest of the rest by a model of costs wins. With `tune` at most four of the likeliest run
 * here, on made-up data and the default queue (BLOCKS, up to a second or so): whose answer differs
 * from that of `direct` by more than the declared bounds is dropped, and the fastest wins. What
 * tuning finds is kept in the device's program cache, per device, driver, version of the kernels
 * and problem, and decides later creates too, with or without `tune`. A problem whose phases are
 * FORWARD alone is taken to pack its filter beforehand, any other to do so in each call. FLOAT16
 * is not tuned.
 *
 * The choice and why the others lost are logged (topic "choose"), and with them the line of
 * `clcnn bench conv` that repeats the problem.
 *
 * Requires: sizes > 0 and P, Q > 0; groups divides C and K; strides above 1 in no direction, or
 * dilation above 1 in none (as in Keras); pads >= 0, and 0 without EXPLICIT; a known padding,
 * algorithm and activation, not softmax; storage FLOAT32 or FLOAT16; forbidden names algorithms,
 * and not the required one; max_error >= 0; a filter of one group (R S C/G elements) and an image
 * row (W C, Q K) below 2^31 elements.
 * Errors: INVALID_ARGUMENT; UNSUPPORTED (the required algorithm cannot, or nothing that is not
 * forbidden keeps the budgets: the message names each algorithm and why not); DEVICE;
 * OUT_OF_MEMORY. A gradient in FLOAT16 is UNSUPPORTED. */
CLCNN_API enum clcnn_status clcnn_conv2d_create(struct clcnn_device *device,
                                                const struct clcnn_conv2d_params *params,
                                                struct clcnn_conv2d **out);
CLCNN_API void clcnn_conv2d_destroy(struct clcnn_conv2d **op);

/* The implementation that runs a phase: "direct", "im2col_gemm", ...; "none" if the phase was not
 * prepared. Static storage. */
CLCNN_API const char *clcnn_conv2d_algorithm_name(const struct clcnn_conv2d *op,
                                                  enum clcnn_conv2d_phase phase);

/* The a-priori bound on the phase's error before bias and activation, 0 if it was not prepared. It
 * holds for every element of every input without overflow or underflow:
 *
 *   |result - exact| <= bound * sum(|factor||factor|) over the products of this element;
 *
 * but Winograd's rounding errors come from everything a tile of m x m results reads, so that there
 *
 *   forward         |y - exact|  <= bound * sum over c of max |x_c| * sum over r, s of |w_rsc|
 *   backward_data   the same with dy for x, k for c
 *   backward_filter |dw - exact| <= bound * sum over tiles of max |x_c| * sum |dy_k|
 *
 * with the maximum over the pixels of the tile's patch, (m + R - 1) x (m + S - 1), and the sum of
 * dy over the tile's outputs. */
CLCNN_API double clcnn_conv2d_error_bound(const struct clcnn_conv2d *op,
                                          enum clcnn_conv2d_phase phase);

/* Bytes of workspace a call of the phase needs; at most max_workspace; 0 if the phase was not
 * prepared. Its contents need not be kept between calls. */
CLCNN_API size_t clcnn_conv2d_workspace_size(const struct clcnn_conv2d *op,
                                             enum clcnn_conv2d_phase phase);

/* The filter rearranged once for many forward calls: the bytes of the result (0: this
 * implementation does not pack), and the packing, packed = rearranged w[K][R][S][C/G].
 * Asynchronous.
 * Requires: a size above 0; w and packed share no memory. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API size_t clcnn_conv2d_packed_filter_size(const struct clcnn_conv2d *op);
CLCNN_API enum clcnn_status clcnn_conv2d_pack_filter(struct clcnn_conv2d *op,
                                                     const struct clcnn_buffer *w,
                                                     struct clcnn_buffer *packed,
                                                     const struct clcnn_enqueue *enqueue);

/* Bytes of workspace a forward call with packed_w needs: no more than clcnn_conv2d_workspace_size,
 * often 0; the same if this implementation does not pack. */
CLCNN_API size_t clcnn_conv2d_packed_workspace_size(const struct clcnn_conv2d *op);

/* Buffers of one call; `batch` 0 = planned. Members that the call does not read may be NULL.
 * Nothing may overlap an output or the workspace. All three functions are asynchronous and allocate
 * nothing.
 * Errors: INVALID_ARGUMENT (the phase was not prepared; a missing, overlapping or too small buffer;
 * batch above the planned one), DEVICE. */
struct clcnn_conv2d_args {
    int batch;
    const struct clcnn_buffer *x, *w, *bias, *dy;
    const struct clcnn_buffer *packed_w; /* forward: from clcnn_conv2d_pack_filter; w may be NULL */
    struct clcnn_buffer *y, *dx, *dw, *db;
    struct clcnn_buffer *workspace; /* at least clcnn_conv2d_workspace_size bytes, or with packed_w
                                       clcnn_conv2d_packed_workspace_size; 0: may be NULL */
};

/* y = f(conv(x, w) + bias), or f(y + conv(x, w) + bias) with accumulate. Reads x, w (or packed_w)
 * and, with use_bias, bias; writes y. */
CLCNN_API enum clcnn_status clcnn_conv2d_forward(struct clcnn_conv2d *op,
                                                 const struct clcnn_conv2d_args *args,
                                                 const struct clcnn_enqueue *enqueue);

/* dx[N][H][W][C] = gradient to the image:
 *   dx[n][h][w][c] = sum of dy[n][p][q][k] w[k][r][s][c] over all p, q, r, s, k that read x there.
 * dy is the gradient of conv + bias, that is before the fused activation, which this does not
 * differentiate (apply clcnn_activation_backward first). Reads dy, w; writes dx. */
CLCNN_API enum clcnn_status clcnn_conv2d_backward_data(struct clcnn_conv2d *op,
                                                       const struct clcnn_conv2d_args *args,
                                                       const struct clcnn_enqueue *enqueue);

/* dw[K][R][S][C/G] = gradient to the filter, dw[k][r][s][c] = sum over n, p, q of dy[n][p][q][k]
 * times the x that it was multiplied with, and, if db is given (with or without use_bias), db[k] =
 * sum of dy over n, p, q. dy as for backward_data. Reads x, dy; overwrites dw, db. */
CLCNN_API enum clcnn_status clcnn_conv2d_backward_filter(struct clcnn_conv2d *op,
                                                         const struct clcnn_conv2d_args *args,
                                                         const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
