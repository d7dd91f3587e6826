/* The inside of a trainer. The host prepares batches in a ring of areas while the device works, and
 * waits only for an area that is still in use. */
#ifndef CLCNN_RUN_TRAINER_H
#define CLCNN_RUN_TRAINER_H

#include "run/plan.h"
#include <clcnn/trainer.h>

#define CLCNN_TRAINER_AREAS 3
#define CLCNN_TRAINER_SLOTS 2

/* Sums on the device: of the running epoch, of an evaluation, of a single batch. */
enum clcnn_tally {
    CLCNN_TALLY_EPOCH,
    CLCNN_TALLY_EVALUATION,
    CLCNN_TALLY_BATCH,
    CLCNN_TALLY_COUNT,
};

/* CLCNN_LOSS_TOTALS_BYTES as the host reads them. */
struct clcnn_loss_totals {
    float loss, compensation;
    uint32_t correct, samples;
};

/* A batch in host memory on its way to the device. */
struct clcnn_batch {
    float *x;
    void *target;                    /* int32 labels [count], or float [count][units] */
    struct clcnn_loss_totals totals; /* after this batch, if they were asked for */
    bool totals_asked;
    struct clcnn_mark done; /* the device no longer uses this area */
};

struct clcnn_trainer {
    struct clcnn_plan *plan;
    struct clcnn_queue *queue;
    struct clcnn_trainer_params params;
    struct clcnn_loss *value_loss, *label_loss; /* by the form of the targets; one may be NULL */
    struct clcnn_optimizer *optimizer;
    int units;              /* elements of one prediction */
    size_t *weight_offsets; /* [model weights]: bytes in each of the flat vectors */
    size_t weight_bytes;    /* of one flat vector */
    struct clcnn_buffer *weights, *gradients, *slots[CLCNN_TRAINER_SLOTS];
    struct clcnn_buffer *target, *losses, *totals;
    struct clcnn_batch areas[CLCNN_TRAINER_AREAS];
    int next_area;
    uint64_t step; /* optimiser steps done */
    int epoch;     /* epochs finished */
};

/* What one pass over a batch does. */
struct clcnn_pass {
    int count;              /* samples */
    bool train;             /* backward and update too */
    bool labels;            /* targets are int32 labels */
    bool from_image;        /* x is NHWC whatever the model's input is */
    enum clcnn_tally tally; /* where loss and accuracy are added */
    bool read_totals;       /* bring them back with this batch */
};

/* The next area, free to be filled: BLOCKS while the device still uses it. submit enqueues its pass
 * and moves on to the following area. */
enum clcnn_status clcnn_trainer_acquire(struct clcnn_trainer *trainer, struct clcnn_batch **out);
enum clcnn_status clcnn_trainer_submit(struct clcnn_trainer *trainer, struct clcnn_batch *batch,
                                       const struct clcnn_pass *pass);

enum clcnn_status clcnn_trainer_clear_totals(struct clcnn_trainer *trainer, enum clcnn_tally tally);
/* BLOCKS. */
enum clcnn_status clcnn_trainer_read_totals(struct clcnn_trainer *trainer, enum clcnn_tally tally,
                                            struct clcnn_metrics *metrics);
struct clcnn_metrics clcnn_metrics_of(const struct clcnn_loss_totals *totals);

/* Uploads the model's weights; the optimiser's state becomes zero. BLOCKS. */
enum clcnn_status clcnn_trainer_write_weights(struct clcnn_trainer *trainer);

/* ---- data (trainer_data.c) ------------------------------------------------------------------- */

/* INVALID_ARGUMENT unless the data's shape and labels fit the model and the loss. `what`: "fit". */
enum clcnn_status clcnn_trainer_check_data(const struct clcnn_trainer *trainer,
                                           const struct clcnn_dataset *data, const char *what);
enum clcnn_status clcnn_trainer_check_labels(const struct clcnn_trainer *trainer,
                                             const int32_t *labels, int64_t count,
                                             const char *what);

/* order[i] = i, shuffled by the seed and epoch alone. */
void clcnn_shuffle(uint64_t seed, uint32_t epoch, int64_t *order, int64_t count);

/* Copies samples order[first ..] (order NULL: first ..) into the batch, with the targets in the
 * form that clcnn_trainer_labels tells. */
void clcnn_trainer_gather(const struct clcnn_trainer *trainer, const struct clcnn_dataset *data,
                          const int64_t *order, int64_t first, int count,
                          struct clcnn_batch *batch);

/* Whether a data set's labels go to the device as labels. */
static inline bool clcnn_trainer_labels(const struct clcnn_trainer *trainer)
{
    return trainer->label_loss != NULL;
}

#endif
