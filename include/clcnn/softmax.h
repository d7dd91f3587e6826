/* Softmax and its logarithm over any dimensions of a view. (<clcnn/activation.h> has the softmax
 * over the last axis, with its gradient.)
 *
 *   y[k, i] = exp(x[k, i] - m) / sum_j exp(x[k, j] - m),   m = max_j x[k, j]
 *   logarithm:  y[k, i] = x[k, i] - m - log(sum_j exp(x[k, j] - m))
 *
 * i, j run over the dimensions in `axes`, k over the others. Nothing overflows for finite x; a NaN
 * or an infinite maximum makes its k NaN. The softmax of ONNX before opset 13 is one over all
 * dimensions from `axis` on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_SOFTMAX_H
#define CLCNN_SOFTMAX_H

#include <clcnn/device.h>
#include <clcnn/view.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_softmax_params {
    enum clcnn_dtype type; /* of x and y: FLOAT32 or FLOAT16 */
    unsigned axes;         /* bit i: dimension i */
    bool logarithm;
};

struct clcnn_softmax;

/* An op is used by one thread at a time and keeps the device alive.
 * Errors: INVALID_ARGUMENT (another type), DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_softmax_create(struct clcnn_device *device,
                                                 const struct clcnn_softmax_params *params,
                                                 struct clcnn_softmax **out);
CLCNN_API void clcnn_softmax_destroy(struct clcnn_softmax **op);

/* Asynchronous. Empty arrays do nothing. y may be x (the same buffer and view).
 * Requires: equal shapes with fewer than 2^31 elements; axes below the rank; y with distinct
 * elements; views inside their buffers, which begin at a multiple of the element's size; otherwise
 * no common range of elements. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_softmax_forward(struct clcnn_softmax *op,
                                                  const struct clcnn_array *x,
                                                  const struct clcnn_array *y,
                                                  const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
