/* Sessions: a model planned for inference on one device.
 *
 * Making a session chooses algorithms, builds kernels, uploads and packs the weights and plans the
 * memory; running it only enqueues. A session is used by one thread at a time; several sessions of
 * one model or device run in parallel. It keeps the device and the model alive and does not see
 * weights changed later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_SESSION_H
#define CLCNN_SESSION_H

#include <clcnn/device.h>
#include <clcnn/model.h>
#include <clcnn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_session;

/* Zero (or NULL) means the default. */
struct clcnn_session_params {
    int batch;            /* most images in one run; 0 = 1; 1 for a model of fixed sizes */
    size_t max_workspace; /* bytes, per convolution (shared by all); 0 = 256 MiB */
    double max_error;     /* per convolution, see conv2d.h; 0 = no bound */
    bool tune; /* choose convolutions by timing, which takes seconds once: see conv2d.h */
    /* What activations and kernels are kept in on the device: FLOAT32 (the default), or FLOAT16,
     * which halves that memory and its traffic on every device. The arithmetic and the biases stay
     * float32, and so do the caller's arrays and the model: kernels and x are rounded to half on
     * their way in, and every layer's result (relatively by at most 2^-11; infinite from 65520
     * on). */
    enum clcnn_dtype storage;
};

/* What a plan holds on the device, in bytes. */
struct clcnn_plan_info {
    uint64_t weight_bytes, activation_bytes, workspace_bytes;
    int steps; /* calls of operations in one run, after fusion */
};

/* BLOCKS: builds kernels, uploads the weights and runs once on zeros; params NULL = the defaults.
 * Requires: a finished model; batch >= 0; max_error finite, >= 0; storage FLOAT32 or FLOAT16.
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, DEVICE, OUT_OF_MEMORY (the message says what was needed
 * and that a smaller batch would help). */
CLCNN_API enum clcnn_status clcnn_session_create(struct clcnn_device *device,
                                                 struct clcnn_model *model,
                                                 const struct clcnn_session_params *params,
                                                 struct clcnn_session **out);
CLCNN_API void clcnn_session_destroy(struct clcnn_session **session);
/* Zeroes *info if session is NULL. */
CLCNN_API void clcnn_session_info(const struct clcnn_session *session,
                                  struct clcnn_plan_info *info);

/* Runs `count` images from host memory, in parts of at most the planned batch, and BLOCKS until the
 * outputs are in `y`. x[count][input shape], y[count][output shape], float32, laid out as
 * clcnn_model_input_shape says. count 0 does nothing. Errors: INVALID_ARGUMENT (count < 0, x or y
 * NULL, a model with several inputs or outputs or other types), DEVICE. */
CLCNN_API enum clcnn_status clcnn_session_predict(struct clcnn_session *session, int64_t count,
                                                  const float *x, float *y);

/* An array of one run; name NULL = the only one of the model. Elements are of the type and laid out
 * in the shape of clcnn_model_input and clcnn_model_output. */
struct clcnn_session_input {
    const char *name;
    const void *data;
};
struct clcnn_session_output {
    const char *name;
    void *data;
};

/* As clcnn_session_predict, for models with several inputs and outputs and other types. Every input
 * is needed, outputs that are not named are not read back. `count` is the number of images, or 1
 * for a model of fixed sizes (clcnn_model_batched). BLOCKS.
 * Errors: INVALID_ARGUMENT (a name that is unknown, missing or given twice), OUT_OF_MEMORY,
 * DEVICE. */
CLCNN_API enum clcnn_status clcnn_session_run(struct clcnn_session *session, int64_t count,
                                              const struct clcnn_session_input *inputs,
                                              int input_count,
                                              const struct clcnn_session_output *outputs,
                                              int output_count);

/* Enqueues one run on device buffers (the caller's own cl_mem through clcnn_buffer_wrap, say), on
 * the caller's queue. Asynchronous; allocates nothing. The session's next run must come after it
 * (the same in-order queue, or wait for its event).
 * Requires: 1 <= batch <= planned; buffers large enough that share no memory. Errors:
 * INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_session_enqueue(struct clcnn_session *session, int batch,
                                                  const struct clcnn_buffer *x,
                                                  struct clcnn_buffer *y,
                                                  const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
