/* Trainers: a model planned for learning on one device.
 *
 * A trainer holds the weights, gradients and optimiser state on the device, reads the model's
 * weights when it is made and writes them back in clcnn_trainer_read_weights (fit does so at its
 * end). It is used by one thread at a time, and keeps the device and the model alive.
 * The same seed, data and parameters give the same weights bit for bit on one device.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_TRAINER_H
#define CLCNN_TRAINER_H

#include <clcnn/data.h>
#include <clcnn/device.h>
#include <clcnn/loss.h>
#include <clcnn/model.h>
#include <clcnn/optimizer.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_trainer;

/* Zero (or NULL) means the default. */
struct clcnn_trainer_params {
    int batch_size; /* 0 = 32, as Keras */
    enum clcnn_loss_kind loss;
    bool from_logits; /* the model's output is not a probability */
    struct clcnn_optimizer_params optimizer;
    uint64_t seed;        /* shuffling and dropout */
    size_t max_workspace; /* as in a session */
    double max_error;
    bool tune;
};

/* BLOCKS: builds kernels, runs one step on zeros that leaves no trace, and uploads the weights;
 * params NULL = the defaults.
 * Requires: a finished model; batch_size >= 0; max_error finite, >= 0; for a categorical loss an
 * output (None, classes). A final softmax (or sigmoid, for binary cross-entropy) is fused with
 * its loss. Errors: INVALID_ARGUMENT, UNSUPPORTED, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_trainer_create(struct clcnn_device *device,
                                                 struct clcnn_model *model,
                                                 const struct clcnn_trainer_params *params,
                                                 struct clcnn_trainer **out);
CLCNN_API void clcnn_trainer_destroy(struct clcnn_trainer **trainer);

/* Mean loss and share of right answers over some samples. */
struct clcnn_metrics {
    double loss, accuracy;
    int64_t samples;
};

/* What a callback is told. `validation` is valid at the end of an epoch if there is validation data
 * (samples > 0). */
struct clcnn_progress {
    int epoch, epochs;             /* epoch counts from 0 */
    int64_t sample, samples;       /* done in this epoch, and to do in all */
    int64_t step, steps;           /* the same in batches */
    double seconds;                /* since this epoch began */
    struct clcnn_metrics training; /* running mean over the epoch */
    struct clcnn_metrics validation;
    bool epoch_end; /* false: in the middle of an epoch */
};

/* Called when an epoch begins (sample 0), about ten times a second and at its end, from the fitting
 * thread. It may use the trainer (to save its state, say). Returning false stops the training in
 * good order. */
typedef bool (*clcnn_progress_function)(const struct clcnn_progress *progress, void *user);

/* Zero (or NULL) means the default. */
struct clcnn_fit_params {
    int epochs;        /* the last one is epochs - 1; 0 = one more epoch */
    int initial_epoch; /* continue here: shuffling goes on as if uninterrupted */
    bool no_shuffle;
    const struct clcnn_dataset *validation; /* evaluated at each epoch's end; NULL = none */
    clcnn_progress_function on_progress;
    void *user;
};

/* One row per finished epoch. */
struct clcnn_history_row {
    int epoch; /* from 0 */
    double seconds;
    struct clcnn_metrics training, validation;
};

struct clcnn_history {
    struct clcnn_history_row *rows; /* freed with clcnn_free */
    int count;
    bool stopped; /* a callback asked for it */
};

/* Trains epochs initial_epoch .. epochs - 1, as Keras does. BLOCKS. The last, smaller batch is used
 * too. If stopped, the steps done stay, but the epoch counts as not done. A loss that became NaN is
 * no error: the history shows it. `history` may be NULL; after an error it holds the epochs before.
 * Requires: data with at least one sample, whose shape and labels fit the model (x
 * [count][H][W][C], also for a channels_first model, or [count][F]); sparse or categorical
 * cross-entropy (labels), or binary with one unit; the same of the validation data.
 * Errors: INVALID_ARGUMENT, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_trainer_fit(struct clcnn_trainer *trainer,
                                              const struct clcnn_dataset *data,
                                              const struct clcnn_fit_params *params,
                                              struct clcnn_history *history);

/* Loss and accuracy with the present weights (dropout off). BLOCKS. Requires and errors: as fit. */
CLCNN_API enum clcnn_status clcnn_trainer_evaluate(struct clcnn_trainer *trainer,
                                                   const struct clcnn_dataset *data,
                                                   struct clcnn_metrics *metrics);

/* Outputs of `count` images with the present weights (dropout off; a final softmax applied).
 * x[count][input shape], y[count][output shape]. BLOCKS.
 * Errors: INVALID_ARGUMENT (count < 0, a missing array), DEVICE. */
CLCNN_API enum clcnn_status clcnn_trainer_predict(struct clcnn_trainer *trainer, int64_t count,
                                                  const float *x, float *y);

/* One step on one batch of at most batch_size: x float32 [count][input shape]; targets int32 labels
 * [count] for sparse cross-entropy, else float32 [count][output shape]. metrics are
 * those before the step; with NULL it does not wait for the step, but for earlier ones if three are
 * under way. The arrays are copied before it returns.
 * Requires: 1 <= count <= batch_size; labels in [0, U). Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_trainer_train_on_batch(struct clcnn_trainer *trainer, int count,
                                                         const float *x, const void *targets,
                                                         struct clcnn_metrics *metrics);

/* Copies the weights back into the model. BLOCKS. No other thread may use the model's weights
 * meanwhile. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_trainer_read_weights(struct clcnn_trainer *trainer);

/* A checkpoint: weights, optimiser state and step count in one safetensors file (written whole or
 * not at all), from which training continues with the same bits: the seed is part of it. Loading
 * requires the same model and optimizer, and changes nothing on an error.
 * Errors: INVALID_ARGUMENT, IO, FORMAT, DEVICE, OUT_OF_MEMORY. BLOCK. */
CLCNN_API enum clcnn_status clcnn_trainer_save_state(struct clcnn_trainer *trainer,
                                                     const char *path);
CLCNN_API enum clcnn_status clcnn_trainer_load_state(struct clcnn_trainer *trainer,
                                                     const char *path);

/* Epochs finished so far, kept in the state: fit's initial_epoch when training goes on. 0 of
 * NULL. */
CLCNN_API int clcnn_trainer_epoch(const struct clcnn_trainer *trainer);

/* A progress bar in Keras's form on `user`, a FILE *: rewritten in place on a terminal, one plain
 * line per epoch elsewhere. While an epoch runs the time shown is the time left.
 * For clcnn_fit_params.on_progress; always returns true, and does nothing without a file. */
CLCNN_API bool clcnn_progress_bar(const struct clcnn_progress *progress, void *user);

#ifdef __cplusplus
}
#endif
#endif
