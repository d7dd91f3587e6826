/* Padding of views: y[i] = x[r(i - before)] with a rule r per dimension, or a constant outside.
 *
 *   constant   outside x: the value
 *   edge       r(j) = min(max(j, 0), n - 1)
 *   reflect    ... x2 x1 | x0 x1 ... x[n-1] | x[n-2] ...    (the border is not repeated)
 *   wrap       r(j) = j mod n
 *
 * `before` below 0 crops. How much is added behind x is what y is larger. It is done as one copy of
 * views per stretch of y in which r is linear (<clcnn/map.h>): at the speed of a copy inside, one
 * launch per side and corner.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_PAD_H
#define CLCNN_PAD_H

#include <clcnn/device.h>
#include <clcnn/view.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_pad_mode {
    CLCNN_PAD_MODE_CONSTANT = 0,
    CLCNN_PAD_MODE_EDGE,
    CLCNN_PAD_MODE_REFLECT,
    CLCNN_PAD_MODE_WRAP,
};

struct clcnn_pad_params {
    enum clcnn_pad_mode mode;
    enum clcnn_dtype type; /* of x and y: all but FLOAT64 */
    double value;          /* CONSTANT; rounded to the type */
};

struct clcnn_pad;

/* An op is used by one thread at a time and keeps the device alive.
 * Errors: INVALID_ARGUMENT (a value that is NaN); UNSUPPORTED (FLOAT64); DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_pad_create(struct clcnn_device *device,
                                             const struct clcnn_pad_params *params,
                                             struct clcnn_pad **out);
CLCNN_API void clcnn_pad_destroy(struct clcnn_pad **op);

/* before: one number per dimension. Asynchronous. An empty y does nothing.
 * Requires: equal ranks; unless CONSTANT, no dimension of x empty; y with distinct elements, fewer
 * than 2^31; views inside their buffers, which begin at a multiple of the element's size; no common
 * range of elements. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_pad_forward(struct clcnn_pad *op, const int64_t *before,
                                              const struct clcnn_array *x,
                                              const struct clcnn_array *y,
                                              const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
