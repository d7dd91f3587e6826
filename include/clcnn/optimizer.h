/* Optimisers with Keras's formulas and defaults, on one flat vector of weights w with gradient g:
 *
 *   sgd      m = 0:  w -= lr g
 *            m > 0:  v = m v - lr g;  w += nesterov ? m v - lr g : v
 *   rmsprop  a = rho a + (1 - rho) g^2;  d = g lr / sqrt(a + epsilon);
 *            momentum 0: w -= d, else v = m v + d; w -= v
 *   adam     m1 = b1 m1 + (1 - b1) g; m2 = b2 m2 + (1 - b2) g^2;
 *            w -= lr sqrt(1 - b2^t) / (1 - b1^t) * m1 / (sqrt(m2) + epsilon)
 *
 * Sources: Sutskever et al., "On the importance of initialization and momentum in deep learning",
 * ICML 2013; Tieleman and Hinton, "RMSprop", lecture 6.5, 2012; Kingma and Ba, "Adam", ICLR 2015.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_OPTIMIZER_H
#define CLCNN_OPTIMIZER_H

#include <clcnn/device.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_optimizer_kind {
    CLCNN_OPTIMIZER_KIND_SGD = 0,
    CLCNN_OPTIMIZER_KIND_RMSPROP,
    CLCNN_OPTIMIZER_KIND_ADAM,
};

/* "sgd", "rmsprop", "adam"; "unknown" outside the enum. Static storage. */
CLCNN_API const char *clcnn_optimizer_kind_name(enum clcnn_optimizer_kind kind);

/* Zero means Keras's default: learning_rate 0.01 (sgd) or 0.001; momentum 0; rho 0.9; beta_1 0.9;
 * beta_2 0.999; epsilon 1e-7. */
struct clcnn_optimizer_params {
    enum clcnn_optimizer_kind kind;
    float learning_rate;
    float momentum;
    bool nesterov;
    float rho, beta_1, beta_2, epsilon;
};

struct clcnn_optimizer;

/* `count` > 0 weights. An op is used by one thread at a time and keeps the device alive.
 * Requires: finite values; 0 <= momentum < 1; 0 <= rho, beta_1, beta_2 < 1; learning_rate,
 * epsilon >= 0; momentum not with adam; nesterov only with sgd and momentum > 0. Errors:
 * INVALID_ARGUMENT, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_optimizer_create(struct clcnn_device *device,
                                                   const struct clcnn_optimizer_params *params,
                                                   int64_t count, struct clcnn_optimizer **out);
CLCNN_API void clcnn_optimizer_destroy(struct clcnn_optimizer **op);

/* State vectors of `count` floats that the optimiser needs: 0, 1 or 2. The caller makes them, as
 * zeros. */
CLCNN_API int clcnn_optimizer_slot_count(const struct clcnn_optimizer *op);

/* "momentum", "accumulator", "m", "v": the name of a slot, for checkpoints; NULL if there is no
 * such slot. Static storage. */
CLCNN_API const char *clcnn_optimizer_slot_name(const struct clcnn_optimizer *op, int slot);

/* One step, in place: w[count], slots, from the gradient g[count]. `step` counts from 1 (Adam's t);
 * learning_rate 0 = the op's. `slots` may be NULL if none are needed. Asynchronous. Errors:
 * INVALID_ARGUMENT (step < 1, a missing or too small buffer, two that share memory), DEVICE. */
CLCNN_API enum clcnn_status clcnn_optimizer_step(struct clcnn_optimizer *op, int64_t step,
                                                 float learning_rate, struct clcnn_buffer *w,
                                                 const struct clcnn_buffer *g,
                                                 struct clcnn_buffer *const *slots,
                                                 const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
