/* Sliding windows over one to three dimensions of views: pooling, unpooling, convolution and its
 * transpose. They do what <clcnn/conv2d.h>, <clcnn/pool2d.h> cannot (1-D, 3-D, any layout, indices,
 * dilated pooling, transposed convolution) and are plain: those are the fast ones.
 *
 * x is (N, C, D1, ..., Dr), y is (N, K, P1, ..., Pr) in this order, whatever the strides: NHWC is a
 * permuted view. Window p covers the elements h = p stride - before + t dilation, 0 <= t < size, of
 * each dimension. How many windows there are is y's size; what lies outside x does not take part
 * (convolution: counts as 0).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_WINDOW_ND_H
#define CLCNN_WINDOW_ND_H

#include <clcnn/device.h>
#include <clcnn/view.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLCNN_WINDOW_MAX_RANK 3

struct clcnn_window_nd {
    int rank;                                /* 1 to 3 */
    int64_t size[CLCNN_WINDOW_MAX_RANK];     /* of the window; required */
    int64_t strides[CLCNN_WINDOW_MAX_RANK];  /* 0 = 1 */
    int64_t dilation[CLCNN_WINDOW_MAX_RANK]; /* 0 = 1 */
    int64_t before[CLCNN_WINDOW_MAX_RANK], after[CLCNN_WINDOW_MAX_RANK]; /* padding */
};

/* The sizes P of y for those of x, `input`: floor((D + before + after - (size - 1) dilation - 1) /
 * stride) + 1; with `ceil` rounded up, but no window begins behind x and the padding before it.
 * Errors: INVALID_ARGUMENT (what the ops below require; a window larger than the padded input). */
CLCNN_API enum clcnn_status clcnn_window_nd_output(const struct clcnn_window_nd *window,
                                                   const int64_t *input, bool ceil,
                                                   int64_t *output);

/* ---- pooling --------------------------------------------------------------------------------- */

enum clcnn_pool_nd_mode {
    CLCNN_POOL_ND_MODE_MAX = 0, /* a NaN is larger than any number; of nothing -infinity */
    CLCNN_POOL_ND_MODE_AVERAGE, /* of nothing 0 */
    CLCNN_POOL_ND_MODE_LP,      /* (sum |x|^p)^(1/p) */
};

struct clcnn_pool_nd_params {
    enum clcnn_pool_nd_mode mode;
    enum clcnn_dtype type; /* of x and y: FLOAT32 or FLOAT16; computed in float32 */
    struct clcnn_window_nd window;
    bool include_pad;  /* AVERAGE: divide by the window's elements inside x and its padding */
    float p;           /* LP; 0 = 2 */
    bool column_major; /* the order of the spatial dimensions in indices: the first one fastest */
};

struct clcnn_pool_nd;

/* An op is used by one thread at a time and keeps the device alive.
 * Requires: rank 1 to 3; 1 <= size, 0 <= strides, dilation, before and after, all below 2^31; p
 * finite and >= 0. Errors: INVALID_ARGUMENT, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_pool_nd_create(struct clcnn_device *device,
                                                 const struct clcnn_pool_nd_params *params,
                                                 struct clcnn_pool_nd **out);
CLCNN_API void clcnn_pool_nd_destroy(struct clcnn_pool_nd **op);

/* y = pool(x). indices (MAX; INT64, y's shape; may be NULL): where in x, as a row-major tensor of
 * its shape, the first maximum of each window is (-1 in a window of nothing). Asynchronous. Empty
 * arrays do nothing.
 * Requires: rank 2 + window.rank; equal N and C; x, y and indices with fewer than 2^31 elements; y
 * and indices with distinct ones; views inside their buffers, which begin at a multiple of the
 * element's size; no common range of elements. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_pool_nd_forward(struct clcnn_pool_nd *op,
                                                  const struct clcnn_array *x,
                                                  const struct clcnn_array *y,
                                                  const struct clcnn_array *indices,
                                                  const struct clcnn_enqueue *enqueue);

struct clcnn_unpool;

/* The op for x and y of that type: FLOAT32 or FLOAT16. */
CLCNN_API enum clcnn_status clcnn_unpool_create(struct clcnn_device *device, enum clcnn_dtype type,
                                                struct clcnn_unpool **out);
CLCNN_API void clcnn_unpool_destroy(struct clcnn_unpool **op);

/* y = 0, then y[indices[i]] = x[i], where indices (INT64, x's shape) count in y as a row-major
 * tensor of its shape; those outside are left out; of elements of x with one index any may win.
 * Asynchronous. Requires: as pooling, but any ranks and sizes. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_unpool_forward(struct clcnn_unpool *op,
                                                 const struct clcnn_array *x,
                                                 const struct clcnn_array *indices,
                                                 const struct clcnn_array *y,
                                                 const struct clcnn_enqueue *enqueue);

/* ---- convolution ----------------------------------------------------------------------------- */

/*   y[n][k][p] = b[k] + sum over c, t of x[n][g C/G + c][p stride - before + t dilation] w[k][c][t]
 *   transposed:  y[n][k][p] = b[k] + sum over c, t and h with h stride - before + t dilation = p of
 *                x[n][g C/G + c][h] w[g C/G + c][k - g K/G][t]
 *
 * with g = floor(k / (K/G)): the layouts of w in ONNX. Sums are taken in float32 one after another.
 * It is fastest where filters of w are neighbours in memory (stride 1 in k). */
struct clcnn_conv_nd_params {
    enum clcnn_dtype type;         /* of x, w, b and y: FLOAT32 or FLOAT16 */
    struct clcnn_window_nd window; /* `after` is not used: y's size says it */
    int groups;                    /* 0 = 1 */
    bool transposed;
};

struct clcnn_conv_nd;

/* An op is used by one thread at a time and keeps the device alive.
 * Requires: the window as in pooling, but before may be negative; groups >= 0.
 * Errors: INVALID_ARGUMENT, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_conv_nd_create(struct clcnn_device *device,
                                                 const struct clcnn_conv_nd_params *params,
                                                 struct clcnn_conv_nd **out);
CLCNN_API void clcnn_conv_nd_destroy(struct clcnn_conv_nd **op);

/* w is (K, C/G, size...), transposed (C, K/G, size...); b is (K) or NULL. Asynchronous. Empty
 * arrays do nothing.
 * Requires: ranks and sizes that fit; arrays with fewer than 2^31 elements, y with distinct ones;
 * views inside their buffers, which begin at a multiple of the element's size; no common range of
 * elements of y and the others. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status
clcnn_conv_nd_forward(struct clcnn_conv_nd *op, const struct clcnn_array *x,
                      const struct clcnn_array *w, const struct clcnn_array *b,
                      const struct clcnn_array *y, const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
