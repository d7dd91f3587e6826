#include "run/trainer.h"
#include "base/memory.h"
#include "run/regions.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- making ---------------------------------------------------------------------------------- */

static bool categorical(enum clcnn_loss_kind loss)
{
    return loss == CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY ||
           loss == CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY;
}

static enum clcnn_status check_params(const struct clcnn_model *model,
                                      const struct clcnn_trainer_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(params->batch_size >= 0, "batch_size %d is negative", params->batch_size);
    REQUIRE(params->max_error >= 0.0 && isfinite(params->max_error), "max_error %g is not a bound",
            params->max_error);
    REQUIRE((unsigned)params->loss <= CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR, "loss %d is unknown",
            (int)params->loss);
    int rank = model->layers[model->output].shape.rank;
    REQUIRE(!categorical(params->loss) || rank == 2,
            "%s needs an output (None, classes), model '%s' ends in an image: flatten it",
            clcnn_loss_kind_name(params->loss), model->name);
done:
    return status;
}

static enum clcnn_status create_loss(struct clcnn_trainer *trainer, enum clcnn_loss_kind kind,
                                     struct clcnn_loss **out)
{
    const struct clcnn_trainer_params *params = &trainer->params;
    struct clcnn_loss_params loss = {.kind = kind,
                                     .batch = params->batch_size,
                                     .units = trainer->units,
                                     .from_logits =
                                         params->from_logits || trainer->plan->fused_loss};
    return clcnn_loss_create(trainer->plan->device, &loss, out);
}

/* Each weight begins on a boundary of its own; the padding between stays zero, as its gradient. */
static enum clcnn_status layout_weights(struct clcnn_trainer *trainer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_model *model = trainer->plan->model;
    size_t offset = 0;
    TRY(clcnn_alloc(model->weight_count, sizeof(size_t), &trainer->weight_offsets));
    for (size_t i = 0; i < model->weight_count; i++) {
        trainer->weight_offsets[i] = offset;
        size_t bytes = clcnn_tensor_bytes(model->weights[i].tensor);
        if (!clcnn_sum(offset, bytes, &offset) ||
            !clcnn_sum(offset, CLCNN_REGION_ALIGNMENT - 1, &offset))
            TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "the weights are too large"));
        offset -= offset % CLCNN_REGION_ALIGNMENT;
    }
    trainer->weight_bytes = offset;
done:
    return status;
}

static enum clcnn_status create_ops(struct clcnn_trainer *trainer, struct clcnn_device *device,
                                    struct clcnn_model *model)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_trainer_params *params = &trainer->params;
    struct clcnn_plan_params plan = {.batch = params->batch_size,
                                     .training = true,
                                     .loss = params->loss,
                                     .from_logits = params->from_logits,
                                     .max_workspace = params->max_workspace,
                                     .max_error = params->max_error,
                                     .tune = params->tune};
    TRY(clcnn_plan_create(device, model, &plan, &trainer->plan));
    int64_t units = trainer->plan->values[trainer->plan->scores].elements;
    REQUIRE(units <= INT32_MAX, "an output of %lld elements is too large", (long long)units);
    trainer->units = (int)units;
    if (params->loss != CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY)
        TRY(create_loss(trainer, params->loss, &trainer->value_loss));
    if (categorical(params->loss))
        TRY(create_loss(trainer, CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY,
                        &trainer->label_loss));
    TRY(layout_weights(trainer));
    TRY(clcnn_optimizer_create(device, &params->optimizer,
                               (int64_t)(trainer->weight_bytes / sizeof(float)),
                               &trainer->optimizer));
done:
    return status;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int slot_count(const struct clcnn_trainer *trainer)
{
    return trainer->optimizer ? clcnn_optimizer_slot_count(trainer->optimizer) : 0;
}

static uint64_t all_weight_bytes(const struct clcnn_trainer *trainer)
{
    return (uint64_t)trainer->weight_bytes * (uint64_t)(2 + slot_count(trainer));
}

static enum clcnn_status allocate_weights(struct clcnn_trainer *trainer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = trainer->plan;
    struct clcnn_device *device = plan->device;
    TRY(clcnn_buffer_create(device, trainer->weight_bytes, &trainer->weights));
    TRY(clcnn_buffer_create(device, trainer->weight_bytes, &trainer->gradients));
    for (int i = 0; i < slot_count(trainer); i++)
        TRY(clcnn_buffer_create(device, trainer->weight_bytes, &trainer->slots[i]));
    for (size_t i = 0; i < plan->model->weight_count; i++) {
        size_t offset = trainer->weight_offsets[i];
        size_t bytes = clcnn_tensor_bytes(plan->model->weights[i].tensor);
        plan->weights[i] = clcnn_buffer_slice(trainer->weights, offset, bytes);
        plan->weight_gradients[i] = clcnn_buffer_slice(trainer->gradients, offset, bytes);
    }
done:
    return status;
}

static enum clcnn_status allocate_batches(struct clcnn_trainer *trainer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_plan *plan = trainer->plan;
    size_t count = (size_t)plan->params.batch, units = (size_t)trainer->units;
    size_t elements = count * (size_t)plan->values[plan->input].elements;
    TRY(clcnn_buffer_create(plan->device, count * units * sizeof(float), &trainer->target));
    TRY(clcnn_buffer_create(plan->device, count * sizeof(float), &trainer->losses));
    TRY(clcnn_buffer_create(plan->device, CLCNN_TALLY_COUNT * CLCNN_LOSS_TOTALS_BYTES,
                            &trainer->totals));
    for (int i = 0; i < CLCNN_TRAINER_AREAS; i++) {
        TRY(clcnn_alloc(elements, sizeof(float), &trainer->areas[i].x));
        TRY(clcnn_alloc(count * units, sizeof(float), &trainer->areas[i].target));
    }
done:
    return status;
}

static enum clcnn_status allocate(struct clcnn_trainer *trainer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_plan_check_memory(trainer->plan, all_weight_bytes(trainer)));
    TRY(allocate_weights(trainer));
    TRY(clcnn_plan_allocate(trainer->plan));
    TRY(allocate_batches(trainer));
done:
    return clcnn_plan_explain(trainer->plan, status, all_weight_bytes(trainer));
}

/* ---- weights --------------------------------------------------------------------------------- */

static enum clcnn_status enqueue_zeros(struct clcnn_trainer *trainer, struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_stream_fill(stream, trainer->weights, 0, trainer->weight_bytes, 0));
    TRY(clcnn_stream_fill(stream, trainer->gradients, 0, trainer->weight_bytes, 0));
    for (int i = 0; i < slot_count(trainer); i++)
        TRY(clcnn_stream_fill(stream, trainer->slots[i], 0, trainer->weight_bytes, 0));
done:
    return status;
}

static enum clcnn_status enqueue_weights(struct clcnn_trainer *trainer, struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_plan *plan = trainer->plan;
    TRY(clcnn_stream_begin(stream, plan->device, clcnn_queue_enqueue(trainer->queue)));
    TRY(enqueue_zeros(trainer, stream));
    for (size_t i = 0; i < plan->model->weight_count; i++) {
        const struct clcnn_tensor *tensor = plan->model->weights[i].tensor;
        TRY(clcnn_stream_write(stream, &plan->weights[i], 0, clcnn_tensor_bytes(tensor),
                               clcnn_tensor_const_data(tensor)));
    }
done:
    return status;
}

enum clcnn_status clcnn_trainer_write_weights(struct clcnn_trainer *trainer)
{
    struct clcnn_stream stream = {0};
    enum clcnn_status status = clcnn_stream_end(&stream, enqueue_weights(trainer, &stream));
    enum clcnn_status finished = clcnn_queue_finish(trainer->queue);
    return status != CLCNN_STATUS_OK ? status : finished;
}

enum clcnn_status clcnn_trainer_read_weights(struct clcnn_trainer *trainer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(trainer, "read_weights: trainer is NULL");
    const struct clcnn_plan *plan = trainer->plan;
    for (size_t i = 0; i < plan->model->weight_count; i++) {
        struct clcnn_tensor *tensor = plan->model->weights[i].tensor;
        TRY(clcnn_buffer_read(&plan->weights[i], 0, clcnn_tensor_bytes(tensor),
                              clcnn_tensor_data(tensor), clcnn_queue_enqueue(trainer->queue)));
    }
done:
    return status;
}

/* ---- life ------------------------------------------------------------------------------------ */

static enum clcnn_status clear_weights(struct clcnn_trainer *trainer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    TRY(clcnn_stream_begin(&stream, trainer->plan->device, clcnn_queue_enqueue(trainer->queue)));
    TRY(enqueue_zeros(trainer, &stream));
done:
    return clcnn_stream_end(&stream, status);
}

/* One step of weights of zeros on an image of zeros, then the model's weights: drivers finish
 * compiling at a kernel's first launch, and the first epoch should not be the one that waits. */
static enum clcnn_status warm_up(struct clcnn_trainer *trainer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_batch *batch = NULL;
    struct clcnn_pass pass = {
        .count = 1,
        .train = true,
        .labels = trainer->params.loss == CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY,
        .tally = CLCNN_TALLY_BATCH,
    };
    TRY(clear_weights(trainer));
    TRY(clcnn_trainer_acquire(trainer, &batch));
    TRY(clcnn_trainer_clear_totals(trainer, pass.tally));
    TRY(clcnn_trainer_submit(trainer, batch, &pass));
    trainer->step = 0;
    TRY(clcnn_trainer_write_weights(trainer));
done:
    return status;
}

static enum clcnn_status create(struct clcnn_trainer *trainer, struct clcnn_device *device,
                                struct clcnn_model *model)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_queue_create(device, &trainer->queue));
    clcnn_kernel_defer(device);
    status = create_ops(trainer, device, model);
    enum clcnn_status built = clcnn_kernel_flush(device);
    TRY(status);
    TRY(built);
    TRY(allocate(trainer));
    TRY(warm_up(trainer));
done:
    return status;
}

/* Models from files may have what no gradient is known of. */
static enum clcnn_status check_model(const struct clcnn_model *model)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    if (!model->batched || model->input_count != 1 || model->output_count != 1)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                       "model '%s' has not one input and one output of images", model->name));
    for (size_t i = 0; i < model->layer_count; i++)
        if (model->layers[i].kind >= CLCNN_LAYER_CONSTANT)
            TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "layer '%s' (%s) has no gradient",
                           model->layers[i].name, model->layers[i].class_name));
done:
    return status;
}

enum clcnn_status clcnn_trainer_create(struct clcnn_device *device, struct clcnn_model *model,
                                       const struct clcnn_trainer_params *params,
                                       struct clcnn_trainer **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_trainer *trainer = NULL;
    REQUIRE(out, "out is NULL");
    *out = NULL;
    REQUIRE(device && model, "device and model must not be NULL");
    REQUIRE(model->finished, "model '%s' is not finished", model->name);
    TRY(clcnn_alloc(1, sizeof(*trainer), &trainer));
    trainer->params = params ? *params : (struct clcnn_trainer_params){0};
    if (trainer->params.batch_size == 0)
        trainer->params.batch_size = 32;
    TRY(check_model(model));
    TRY(check_params(model, &trainer->params));
    TRY(create(trainer, device, model));
    *out = trainer;
    trainer = NULL;
done:
    clcnn_trainer_destroy(&trainer);
    return clcnn_fail_prefix(status, "trainer: ");
}

void clcnn_trainer_destroy(struct clcnn_trainer **trainer)
{
    struct clcnn_trainer *t = trainer ? *trainer : NULL;
    if (!t)
        return;
    if (t->queue)
        clcnn_queue_finish(t->queue);
    for (int i = 0; i < CLCNN_TRAINER_AREAS; i++) {
        clcnn_mark_clear(&t->areas[i].done);
        free(t->areas[i].x);
        free(t->areas[i].target);
    }
    for (int i = 0; i < CLCNN_TRAINER_SLOTS; i++)
        clcnn_buffer_destroy(&t->slots[i]);
    clcnn_buffer_destroy(&t->weights);
    clcnn_buffer_destroy(&t->gradients);
    clcnn_buffer_destroy(&t->target);
    clcnn_buffer_destroy(&t->losses);
    clcnn_buffer_destroy(&t->totals);
    clcnn_optimizer_destroy(&t->optimizer);
    clcnn_loss_destroy(&t->value_loss);
    clcnn_loss_destroy(&t->label_loss);
    clcnn_plan_destroy(&t->plan);
    clcnn_queue_destroy(&t->queue);
    free(t->weight_offsets);
    free(t);
    *trainer = NULL;
}

enum clcnn_status clcnn_trainer_predict(struct clcnn_trainer *trainer, int64_t count,
                                        const float *x, float *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const void *inputs[] = {x};
    void *outputs[] = {y};
    REQUIRE(trainer, "trainer is NULL");
    REQUIRE(count <= 0 || (x && y), "x and y must not be NULL");
    TRY(clcnn_plan_predict(trainer->plan, trainer->queue, count, inputs, outputs));
done:
    return clcnn_fail_prefix(status, "predict: ");
}

int clcnn_trainer_epoch(const struct clcnn_trainer *trainer)
{
    return trainer ? trainer->epoch : 0;
}
