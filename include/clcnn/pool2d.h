/* 2-D pooling, forward and backward: maximum or average of each window.
 *
 *   max:      y[n][p][q][c] = max over r, s of x[n][p sh - pt + r][q sw - pl + s][c]
 *   average:  the mean of the same elements
 *
 * Elements outside the image do not take part (the average divides by the number inside, as Keras
 * and TensorFlow do). Global pooling is a window of the whole image (`global`).
 * P = floor((H + pt + pb - R) / sh) + 1. Layouts: x[N][H][W][C], y[N][P][Q][C].
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_POOL2D_H
#define CLCNN_POOL2D_H

#include <clcnn/conv2d.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_pool_mode {
    CLCNN_POOL_MODE_MAX = 0,
    CLCNN_POOL_MODE_AVERAGE,
};

struct clcnn_pool2d_params {
    enum clcnn_pool_mode mode;
    int batch, height, width, channels; /* N H W C, planned; required */
    int size[2];                        /* window R, S; 0 = 2 */
    int strides[2];                     /* 0 = the window's size */
    enum clcnn_padding padding;
    int pads[4]; /* top, left, bottom, right, each < size; with EXPLICIT */
    bool global; /* the whole image is one window: size, strides, padding and
                                           pads are ignored */
    /* The activation f fused into what made x (not softmax): backward then returns the gradient
     * before f, which saves a pass over the image. 0 = linear. */
    enum clcnn_activation activation;
    float activation_alpha;   /* leaky_relu; 0 = 0.3 */
    enum clcnn_dtype storage; /* of x and y: FLOAT32, or, forward alone, FLOAT16 */
};

struct clcnn_pool2d;

/* {P, Q} of the given parameters. Errors: INVALID_ARGUMENT. */
CLCNN_API enum clcnn_status clcnn_pool2d_output_size(const struct clcnn_pool2d_params *params,
                                                     int output[2]);

/* An op is used by one thread at a time and keeps the device alive.
 * Requires: sizes > 0; P, Q > 0; 0 <= pads < size, 0 without EXPLICIT; H W, N H and W C below 2^31;
 * activation_alpha finite and >= 0. Errors: INVALID_ARGUMENT, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_pool2d_create(struct clcnn_device *device,
                                                const struct clcnn_pool2d_params *params,
                                                struct clcnn_pool2d **out);
CLCNN_API void clcnn_pool2d_destroy(struct clcnn_pool2d **op);

/* y = pool(x), with FLOAT16 rounded to the nearest half. A window with a NaN gives NaN. `batch` 0 =
 * planned. Asynchronous.
 * Errors: INVALID_ARGUMENT (batch above the planned one, a missing or too small buffer, or y shares
 * memory with x), DEVICE. */
CLCNN_API enum clcnn_status clcnn_pool2d_forward(struct clcnn_pool2d *op, int batch,
                                                 const struct clcnn_buffer *x,
                                                 struct clcnn_buffer *y,
                                                 const struct clcnn_enqueue *enqueue);

/* dx = gradient to the image, before the activation if one is given. Max: each window's dy goes to
 * its first maximum in row order (its first NaN, if it has one), found again from x; overlapping
 * windows add up in a fixed order. y is not read and may be NULL. Average: x may be NULL as well,
 * unless there is an activation. Asynchronous. Errors: as forward; UNSUPPORTED with FLOAT16. */
CLCNN_API enum clcnn_status
clcnn_pool2d_backward(struct clcnn_pool2d *op, int batch, const struct clcnn_buffer *x,
                      const struct clcnn_buffer *y, const struct clcnn_buffer *dy,
                      struct clcnn_buffer *dx, const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
