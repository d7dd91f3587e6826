/* Dense (fully connected) layer, forward and backward:
 *
 *   y[n][u] = f(bias[u] + sum over i of x[n][i] w[u][i])
 *
 * x[N][F], w[U][F], y[N][U], bias[U]. float32, or, forward alone, x, w, packed_w and y in float16
 * (`storage`), bias and arithmetic in float32, y rounded to the nearest half. It is a 1x1
 * convolution of a 1x1 image and shares its filter layout. N batch, F features, U units.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_DENSE_H
#define CLCNN_DENSE_H

#include <clcnn/activation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_dense_params {
    int batch;           /* planned N; required */
    int features, units; /* F, U; required */
    bool use_bias;
    enum clcnn_activation activation; /* fused; without softmax */
    float activation_alpha;           /* leaky_relu; 0 = 0.3 */
    bool inference_only;              /* forward alone is prepared */
    enum clcnn_dtype storage;         /* FLOAT32, or, with inference_only, FLOAT16 */
};

struct clcnn_dense;

/* An op is used by one thread at a time and keeps the device alive. Requires: batch, features,
 * units > 0; an activation that is known, not softmax; activation_alpha finite, >= 0; storage
 * FLOAT32 or FLOAT16. Errors: INVALID_ARGUMENT, UNSUPPORTED (FLOAT16 without inference_only),
 * DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_dense_create(struct clcnn_device *device,
                                               const struct clcnn_dense_params *params,
                                               struct clcnn_dense **out);
CLCNN_API void clcnn_dense_destroy(struct clcnn_dense **op);

/* Workspace of the most demanding call, in bytes (may be 0). Not kept between calls. */
CLCNN_API size_t clcnn_dense_workspace_size(const struct clcnn_dense *op);

/* The weights w[U][F] rearranged once for many forward calls: the bytes of the result, and the
 * packing of units first .. first + count (count 0: all from `first` on), whose rows w[count][F]
 * holds; it does nothing where the bytes are 0. Parts spare a copy of all the weights.
 * Asynchronous. Requires: first a multiple of CLCNN_DENSE_PACK_UNIT; so is count, or the last unit
 * is among them. Errors: INVALID_ARGUMENT, DEVICE. */
#define CLCNN_DENSE_PACK_UNIT 64
CLCNN_API size_t clcnn_dense_packed_weight_size(const struct clcnn_dense *op);
CLCNN_API enum clcnn_status clcnn_dense_pack_weight(struct clcnn_dense *op, int first, int count,
                                                    const struct clcnn_buffer *w,
                                                    struct clcnn_buffer *packed,
                                                    const struct clcnn_enqueue *enqueue);

/* Workspace of a forward call with packed_w, or of any forward call where weights are not packed:
 * no more than clcnn_dense_workspace_size. */
CLCNN_API size_t clcnn_dense_packed_workspace_size(const struct clcnn_dense *op);

/* Buffers of one call; members that it does not read may be NULL. */
struct clcnn_dense_args {
    int batch; /* 0 = planned */
    const struct clcnn_buffer *x, *w, *bias, *dy;
    const struct clcnn_buffer *packed_w; /* forward: packed from w, which may then be NULL */
    struct clcnn_buffer *y, *dx, *dw, *db;
    struct clcnn_buffer *workspace; /* at least clcnn_dense_workspace_size bytes, or with
                                       packed_w clcnn_dense_packed_workspace_size */
};

/* forward: y = f(x w^T + bias). backward_data: dx = dy w. backward_weight: dw = dy^T x and, if db
 * is given, db = sum of dy over n. dy is the gradient before the fused activation, which
 * the backward functions do not differentiate. Outputs and workspace overlap nothing.
 * Asynchronous; allocate nothing. Errors: INVALID_ARGUMENT, UNSUPPORTED (inference_only),
 * DEVICE. */
CLCNN_API enum clcnn_status clcnn_dense_forward(struct clcnn_dense *op,
                                                const struct clcnn_dense_args *args,
                                                const struct clcnn_enqueue *enqueue);
CLCNN_API enum clcnn_status clcnn_dense_backward_data(struct clcnn_dense *op,
                                                      const struct clcnn_dense_args *args,
                                                      const struct clcnn_enqueue *enqueue);
CLCNN_API enum clcnn_status clcnn_dense_backward_weight(struct clcnn_dense *op,
                                                        const struct clcnn_dense_args *args,
                                                        const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
