/* One batch through the device: upload, forward, loss, backward, update. */
#include "base/memory.h"
#include "run/trainer.h"
#include <string.h>

static struct clcnn_buffer totals_of(const struct clcnn_trainer *trainer, enum clcnn_tally tally)
{
    return clcnn_buffer_slice(trainer->totals, (size_t)tally * CLCNN_LOSS_TOTALS_BYTES,
                              CLCNN_LOSS_TOTALS_BYTES);
}

enum clcnn_status clcnn_trainer_acquire(struct clcnn_trainer *trainer, struct clcnn_batch **out)
{
    *out = &trainer->areas[trainer->next_area];
    return clcnn_mark_wait(&(*out)->done);
}

/* ---- a pass ---------------------------------------------------------------------------------- */

static enum clcnn_status upload(struct clcnn_trainer *trainer, struct clcnn_stream *stream,
                                const struct clcnn_batch *batch, const struct clcnn_pass *pass)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_plan *plan = trainer->plan;
    int input = pass->from_image ? plan->image : plan->input;
    size_t target_bytes = (size_t)pass->count * sizeof(float);
    if (!pass->labels)
        target_bytes *= (size_t)trainer->units;
    TRY(clcnn_stream_write(stream, &plan->values[input].buffer, 0,
                           clcnn_plan_bytes(plan, input, pass->count), batch->x));
    TRY(clcnn_stream_write(stream, trainer->target, 0, target_bytes, batch->target));
done:
    return status;
}

static enum clcnn_status run_loss(struct clcnn_trainer *trainer, struct clcnn_run *run,
                                  const struct clcnn_pass *pass)
{
    struct clcnn_plan *plan = trainer->plan;
    struct clcnn_buffer totals = totals_of(trainer, pass->tally);
    struct clcnn_loss_args args = {
        .batch = pass->count,
        .x = &plan->values[plan->scores].buffer,
        .target = trainer->target,
        .loss = trainer->losses,
        .totals = &totals,
        .dx = pass->train ? &plan->values[plan->gradients[plan->scores]].buffer : NULL,
    };
    return clcnn_loss_run(pass->labels ? trainer->label_loss : trainer->value_loss, &args,
                          clcnn_run_next(run));
}

static enum clcnn_status update(struct clcnn_trainer *trainer, struct clcnn_run *run)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_plan_backward(run));
    TRY(clcnn_optimizer_step(trainer->optimizer, (int64_t)trainer->step + 1, 0.0f, trainer->weights,
                             trainer->gradients, trainer->slots, clcnn_run_next(run)));
    TRY(run->status);
    trainer->step++;
done:
    return status;
}

static enum clcnn_status enqueue_pass(struct clcnn_trainer *trainer, struct clcnn_batch *batch,
                                      const struct clcnn_pass *pass)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    struct clcnn_run run = {.plan = trainer->plan,
                            .stream = &stream,
                            .batch = pass->count,
                            .training = pass->train,
                            .seed = trainer->params.seed,
                            .step = trainer->step};
    TRY(clcnn_stream_begin(&stream, trainer->plan->device, clcnn_queue_enqueue(trainer->queue)));
    TRY(upload(trainer, &stream, batch, pass));
    TRY(clcnn_plan_forward(&run, pass->from_image, false));
    TRY(run_loss(trainer, &run, pass));
    if (pass->train)
        TRY(update(trainer, &run));
    batch->totals_asked = pass->read_totals;
    if (pass->read_totals) {
        struct clcnn_buffer totals = totals_of(trainer, pass->tally);
        TRY(clcnn_stream_read(&stream, &totals, 0, sizeof(batch->totals), &batch->totals));
    }
done:
    return clcnn_stream_end(&stream, status);
}

enum clcnn_status clcnn_trainer_submit(struct clcnn_trainer *trainer, struct clcnn_batch *batch,
                                       const struct clcnn_pass *pass)
{
    enum clcnn_status status = enqueue_pass(trainer, batch, pass);
    /* Also after an error: uploads from the area may be under way. */
    enum clcnn_status marked = clcnn_queue_mark(trainer->queue, &batch->done);
    trainer->next_area = (trainer->next_area + 1) % CLCNN_TRAINER_AREAS;
    return status != CLCNN_STATUS_OK ? status : marked;
}

/* ---- totals ---------------------------------------------------------------------------------- */

struct clcnn_metrics clcnn_metrics_of(const struct clcnn_loss_totals *totals)
{
    double samples = totals->samples ? totals->samples : 1.0;
    return (struct clcnn_metrics){.loss = totals->loss / samples,
                                  .accuracy = totals->correct / samples,
                                  .samples = totals->samples};
}

enum clcnn_status clcnn_trainer_clear_totals(struct clcnn_trainer *trainer, enum clcnn_tally tally)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer totals = totals_of(trainer, tally);
    struct clcnn_stream stream = {0};
    TRY(clcnn_stream_begin(&stream, trainer->plan->device, clcnn_queue_enqueue(trainer->queue)));
    TRY(clcnn_stream_fill(&stream, &totals, 0, CLCNN_LOSS_TOTALS_BYTES, 0));
done:
    return clcnn_stream_end(&stream, status);
}

enum clcnn_status clcnn_trainer_read_totals(struct clcnn_trainer *trainer, enum clcnn_tally tally,
                                            struct clcnn_metrics *metrics)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer totals = totals_of(trainer, tally);
    struct clcnn_loss_totals values;
    TRY(clcnn_buffer_read(&totals, 0, sizeof(values), &values,
                          clcnn_queue_enqueue(trainer->queue)));
    *metrics = clcnn_metrics_of(&values);
done:
    return status;
}

/* ---- one batch of the caller's --------------------------------------------------------------- */

enum clcnn_status clcnn_trainer_train_on_batch(struct clcnn_trainer *trainer, int count,
                                               const float *x, const void *targets,
                                               struct clcnn_metrics *metrics)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_batch *batch = NULL;
    REQUIRE(trainer && x && targets, "train_on_batch: trainer, x and targets must not be NULL");
    const struct clcnn_plan *plan = trainer->plan;
    REQUIRE(count >= 1 && count <= plan->params.batch,
            "train_on_batch: count %d is not in 1..%d, the trainer's batch_size", count,
            plan->params.batch);
    struct clcnn_pass pass = {
        .count = count,
        .train = true,
        .labels = trainer->params.loss == CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY,
        .tally = CLCNN_TALLY_BATCH,
    };
    if (pass.labels)
        TRY(clcnn_trainer_check_labels(trainer, targets, count, "train_on_batch"));
    TRY(clcnn_trainer_acquire(trainer, &batch));
    memcpy(batch->x, x, clcnn_plan_bytes(plan, plan->input, count));
    memcpy(batch->target, targets,
           (size_t)count * sizeof(float) * (pass.labels ? 1 : (size_t)trainer->units));
    TRY(clcnn_trainer_clear_totals(trainer, pass.tally));
    TRY(clcnn_trainer_submit(trainer, batch, &pass));
    if (metrics)
        TRY(clcnn_trainer_read_totals(trainer, pass.tally, metrics));
done:
    return status;
}
