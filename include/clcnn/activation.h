/* Activations: y = f(x), element by element, and softmax over the last axis. A NaN stays one.
 *
 *   linear      x                                  (identity)
 *   relu        max(x, 0)
 *   leaky_relu  x > 0 ? x : alpha x                alpha defaults to 0.3, as in Keras's LeakyReLU
 *   sigmoid     1 / (1 + exp(-x))
 *   tanh        tanh(x)
 *   softmax     exp(x_i - max x) / sum_j exp(x_j - max x)   over the last axis (length U)
 *
 * The backward functions need only the output y, so that an activation fused into a convolution or
 * a dense layer can be differentiated without its input.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_ACTIVATION_H
#define CLCNN_ACTIVATION_H

#include <clcnn/device.h>
#include <clcnn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_activation {
    CLCNN_ACTIVATION_LINEAR = 0,
    CLCNN_ACTIVATION_RELU,
    CLCNN_ACTIVATION_LEAKY_RELU,
    CLCNN_ACTIVATION_SIGMOID,
    CLCNN_ACTIVATION_TANH,
    CLCNN_ACTIVATION_SOFTMAX,
};

/* "relu", ...; "unknown" outside the enum. Static storage. */
CLCNN_API const char *clcnn_activation_name(enum clcnn_activation activation);

struct clcnn_activation_params {
    enum clcnn_activation activation;
    float alpha;              /* leaky_relu: slope for x < 0; finite, >= 0; 0 = 0.3 */
    int64_t rows;             /* planned rows (batch); required, > 0 */
    int64_t units;            /* elements of a row (U); required, > 0 */
    enum clcnn_dtype storage; /* of x and y: FLOAT32, or, forward alone, FLOAT16 */
};

struct clcnn_activation_op;

/* Builds the op for one device. An op is used by one thread at a time and keeps the device alive.
 * Requires: a known activation; rows, units > 0 and their product addressable; alpha as above.
 * Errors: INVALID_ARGUMENT, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_activation_create(struct clcnn_device *device,
                                                    const struct clcnn_activation_params *params,
                                                    struct clcnn_activation_op **out);
CLCNN_API void clcnn_activation_destroy(struct clcnn_activation_op **op);

/* y[rows][U] = f(x[rows][U]). `rows` <= planned; 0 = planned. y may be x (in place). With FLOAT16
 * y is what float32 would give, rounded to the nearest half.
 * Asynchronous. Errors: INVALID_ARGUMENT (rows above the planned ones, a missing or too small
 * buffer, or buffers that share memory without being the same), DEVICE. */
CLCNN_API enum clcnn_status clcnn_activation_forward(struct clcnn_activation_op *op, int64_t rows,
                                                     const struct clcnn_buffer *x,
                                                     struct clcnn_buffer *y,
                                                     const struct clcnn_enqueue *enqueue);

/* dx = dy f'(x), from the output y: relu dy [y > 0]; sigmoid dy y (1 - y); tanh dy (1 - y^2);
 * softmax y (dy - sum_j dy_j y_j); leaky_relu dy (y > 0 ? 1 : alpha). dx may be dy (in place),
 * not y. Asynchronous. Errors: as forward; UNSUPPORTED with FLOAT16. */
CLCNN_API enum clcnn_status clcnn_activation_backward(struct clcnn_activation_op *op, int64_t rows,
                                                      const struct clcnn_buffer *y,
                                                      const struct clcnn_buffer *dy,
                                                      struct clcnn_buffer *dx,
                                                      const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
