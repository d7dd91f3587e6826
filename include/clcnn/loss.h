/* Losses and their gradients. x[N][U] predictions (or logits), one loss per row:
 *
 *   categorical cross-entropy         -sum_u t_u log p_u              target float t[N][U]
 *   sparse categorical cross-entropy  -log p_t                        target int32 t[N]
 *   binary cross-entropy              -mean_u (t_u log p_u + (1 - t_u) log(1 - p_u))
 *   mean squared error                 mean_u (x_u - t_u)^2           target float t[N][U]
 *
 * With from_logits, p = softmax(x) (categorical) or sigmoid(x) (binary), computed together with the
 * loss from the log-sum-exp, so nothing overflows; otherwise p = x, clipped to [1e-7, 1 - 1e-7] as
 * in Keras.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_LOSS_H
#define CLCNN_LOSS_H

#include <clcnn/device.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_loss_kind {
    CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY = 0,
    CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY,
    CLCNN_LOSS_KIND_BINARY_CROSSENTROPY,
    CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR,
};

/* Keras's name: "sparse_categorical_crossentropy", ...; "unknown" outside the enum. Static
 * storage. */
CLCNN_API const char *clcnn_loss_kind_name(enum clcnn_loss_kind kind);

struct clcnn_loss_params {
    enum clcnn_loss_kind kind;
    int batch, units; /* planned N; U; required */
    bool from_logits;
};

struct clcnn_loss;

/* An op is used by one thread at a time and keeps the device alive. Requires: batch > 0; 0 < units
 * <= 2^24. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY, UNSUPPORTED (from_logits with mean squared
 * error), DEVICE. */
CLCNN_API enum clcnn_status clcnn_loss_create(struct clcnn_device *device,
                                              const struct clcnn_loss_params *params,
                                              struct clcnn_loss **out);
CLCNN_API void clcnn_loss_destroy(struct clcnn_loss **op);

/* Layout of `totals`: 4 x 32 bits: float loss sum, float compensation (Kahan), uint32 correct,
 * uint32 samples. Fill with zeros to start. */
#define CLCNN_LOSS_TOTALS_BYTES 16

struct clcnn_loss_args {
    int batch; /* 0 = planned */
    const struct clcnn_buffer *x, *target;
    struct clcnn_buffer *loss;   /* float [N]; required */
    struct clcnn_buffer *totals; /* NULL, or accumulates over calls, in a fixed order */
    struct clcnn_buffer *dx;     /* NULL, or receives the gradient of scale * sum of loss */
    float scale;                 /* 0 = 1 / batch: the gradient of the mean */
};

/* Computes the losses of a batch and what else is asked for. A row counts as correct in `totals`:
 *   categorical  if its first largest x is at the target's first largest element, or the label;
 *   binary       if (x > 0.5, or logit > 0) == (t > 0.5) in all its elements (Keras counts
 *                elements instead of rows; with U = 1 that is the same);
 *   mean squared error: never.
 * A row whose loss is NaN is not correct. A label outside [0, U) makes its loss and gradient NaN.
 * The gradient is zero where a probability is clipped. The same bits on every run.
 * Requires: x and dx float [N][U], target as above; no output shares memory with anything else;
 * scale finite. Asynchronous. Errors: INVALID_ARGUMENT (batch above the planned one, a missing or
 * too small buffer, shared memory), DEVICE. */
CLCNN_API enum clcnn_status clcnn_loss_run(struct clcnn_loss *op,
                                           const struct clcnn_loss_args *args,
                                           const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
