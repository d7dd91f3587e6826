#include "run/plan.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/regions.h"
#include <stdlib.h>

enum clcnn_status clcnn_plan_add_value(struct clcnn_plan *plan, int64_t elements, int first,
                                       int *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_grow(&plan->values, &plan->value_capacity, (size_t)plan->value_count + 1,
                   sizeof(*plan->values)));
    *out = plan->value_count++;
    plan->values[*out] = (struct clcnn_value){.elements = elements,
                                              .dtype = plan->params.storage,
                                              .first = first,
                                              .last = first,
                                              .root = *out};
done:
    return status;
}

void clcnn_plan_touch(struct clcnn_plan *plan, int value, int moment)
{
    struct clcnn_value *root = &plan->values[plan->values[value].root];
    if (moment < root->first)
        root->first = moment;
    if (moment > root->last)
        root->last = moment;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static enum clcnn_status value_bytes(const struct clcnn_plan *plan, int value, size_t *bytes)
{
    const struct clcnn_value *v = &plan->values[value];
    if (clcnn_multiply((size_t)v->elements, clcnn_dtype_size(v->dtype), bytes) &&
        clcnn_multiply(*bytes, (size_t)plan->params.batch, bytes))
        return CLCNN_STATUS_OK;
    return clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "a tensor of %d x %lld elements is too large",
                      plan->params.batch, (long long)v->elements);
}

/* Until clcnn_plan_allocate a value's buffer holds its offset and size; `memory` comes later. */
static enum clcnn_status place_values(struct clcnn_plan *plan)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_region *regions = NULL;
    size_t limit = (size_t)clcnn_device_info(plan->device)->max_alloc_bytes;
    TRY(clcnn_alloc((size_t)plan->value_count, sizeof(*regions), &regions));
    TRY(clcnn_alloc((size_t)plan->value_count, sizeof(*plan->value_arena), &plan->value_arena));
    for (int i = 0; i < plan->value_count; i++) {
        const struct clcnn_value *value = &plan->values[i];
        regions[i] = (struct clcnn_region){.first = value->first, .last = value->last};
        TRY(value_bytes(plan, i, &plan->values[i].buffer.bytes));
        if (value->root == i && !value->constant)
            regions[i].bytes = value->buffer.bytes ? value->buffer.bytes : 1;
    }
    TRY(clcnn_regions_place(regions, (size_t)plan->value_count, limit, &plan->arena_bytes,
                            &plan->arena_count));
    TRY(clcnn_alloc((size_t)plan->arena_count, sizeof(*plan->arenas), &plan->arenas));
    for (int i = 0; i < plan->value_count; i++) {
        const struct clcnn_region *region = &regions[plan->values[i].root];
        plan->value_arena[i] = region->arena;
        plan->values[i].buffer.offset = region->offset;
    }
    /* Before the ops are made, which need not cope with sizes that no device can hold. */
    TRY(clcnn_plan_check_memory(plan, 0));
done:
    free(regions);
    return status;
}

enum clcnn_status clcnn_plan_allocate(struct clcnn_plan *plan)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int i = 0; i < plan->arena_count; i++)
        TRY(clcnn_buffer_create(plan->device, plan->arena_bytes[i], &plan->arenas[i]));
    for (int i = 0; i < plan->value_count; i++) {
        struct clcnn_buffer *buffer = &plan->values[i].buffer;
        if (plan->value_arena[i] >= 0)
            *buffer = clcnn_buffer_slice(plan->arenas[plan->value_arena[i]], buffer->offset,
                                         buffer->bytes);
    }
    if (plan->workspace_bytes > 0)
        TRY(clcnn_buffer_create(plan->device, plan->workspace_bytes, &plan->workspace));
done:
    return status;
}

uint64_t clcnn_plan_activation_bytes(const struct clcnn_plan *plan)
{
    uint64_t bytes = 0;
    for (int i = 0; i < plan->arena_count; i++)
        bytes += plan->arena_bytes[i];
    return bytes;
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

enum clcnn_status clcnn_plan_check_memory(const struct clcnn_plan *plan, uint64_t weight_bytes)
{
    uint64_t wanted = weight_bytes + clcnn_plan_activation_bytes(plan) + plan->workspace_bytes;
    uint64_t limit = clcnn_device_info(plan->device)->global_bytes;
    if (limit == 0 || wanted <= limit)
        return CLCNN_STATUS_OK;
    return clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "the device has %.1f MiB", mib(limit));
}

enum clcnn_status clcnn_plan_explain(const struct clcnn_plan *plan, enum clcnn_status status,
                                     uint64_t weight_bytes)
{
    if (status != CLCNN_STATUS_OUT_OF_MEMORY)
        return status;
    uint64_t activations = clcnn_plan_activation_bytes(plan), workspace = plan->workspace_bytes;
    return clcnn_fail_prefix(
        status,
        "model '%s' at batch %d needs %.1f MiB on the device (weights %.1f, activations %.1f, "
        "workspace %.1f); a smaller %s would help: ",
        plan->model->name, plan->params.batch, mib(weight_bytes + activations + workspace),
        mib(weight_bytes), mib(activations), mib(workspace),
        plan->params.batch > 1 ? "batch" : "max_workspace or model");
}

/* ---- life ------------------------------------------------------------------------------------ */

static enum clcnn_status create_ops(struct clcnn_plan *plan)
{
    const struct clcnn_elementwise_params params = {.storage = plan->params.storage};
    enum clcnn_status status = clcnn_elementwise_create(plan->device, &params, &plan->elementwise);
    for (int i = 0; status == CLCNN_STATUS_OK && i < plan->step_count; i++) {
        struct clcnn_step *step = &plan->steps[i];
        if (step->impl->create)
            status = step->impl->create(plan, step);
        if (status != CLCNN_STATUS_OK)
            status = clcnn_fail_prefix(status, "layer '%s': ", step->layer->name);
        else if (step->workspace > plan->workspace_bytes)
            plan->workspace_bytes = step->workspace;
    }
    return status;
}

static void log_plan(const struct clcnn_plan *plan)
{
    clcnn_logf(CLCNN_LOG_INFO, "plan",
               "%s: %d steps%s, batch %d, activations %.2f MiB, workspace %.2f MiB",
               plan->model->name, plan->step_count, plan->params.training ? " each way" : "",
               plan->params.batch, mib(clcnn_plan_activation_bytes(plan)),
               mib(plan->workspace_bytes));
    for (int i = 0; i < plan->step_count; i++) {
        const struct clcnn_step *step = &plan->steps[i];
        clcnn_logf(
            CLCNN_LOG_DEBUG, "plan", "%s: %d %s '%s'%s%s%s", plan->model->name, i, step->impl->name,
            step->layer->name, step->activation != CLCNN_ACTIVATION_LINEAR ? " " : "",
            step->activation != CLCNN_ACTIVATION_LINEAR ? clcnn_activation_name(step->activation)
                                                        : "",
            step->tail ? ", in predictions only" : "");
    }
}

enum clcnn_status clcnn_plan_create(struct clcnn_device *device, struct clcnn_model *model,
                                    const struct clcnn_plan_params *params, struct clcnn_plan **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = NULL;
    TRY(clcnn_alloc(1, sizeof(*plan), &plan));
    plan->device = clcnn_device_retain(device);
    plan->model = clcnn_model_retain(model);
    plan->params = *params;
    TRY(clcnn_enqueue_create(&plan->next));
    TRY(clcnn_alloc((size_t)model->input_count, sizeof(*plan->inputs), &plan->inputs));
    TRY(clcnn_alloc((size_t)model->output_count, sizeof(*plan->outputs), &plan->outputs));
    TRY(clcnn_alloc(model->weight_count, sizeof(*plan->weights), &plan->weights));
    TRY(clcnn_alloc(model->weight_count, sizeof(*plan->weight_gradients), &plan->weight_gradients));
    TRY(clcnn_plan_build(plan));
    if (params->training)
        TRY(clcnn_plan_build_gradients(plan));
    TRY(clcnn_plan_explain(plan, place_values(plan), 0));
    clcnn_kernel_defer(device);
    status = create_ops(plan);
    enum clcnn_status built = clcnn_kernel_flush(device);
    TRY(status);
    TRY(built);
    log_plan(plan);
    *out = plan;
    plan = NULL;
done:
    clcnn_plan_destroy(&plan);
    return status;
}

void clcnn_plan_destroy(struct clcnn_plan **plan)
{
    struct clcnn_plan *p = plan ? *plan : NULL;
    if (!p)
        return;
    for (int i = 0; i < p->step_count; i++) {
        if (p->steps[i].impl->destroy)
            p->steps[i].impl->destroy(&p->steps[i]);
        clcnn_activation_destroy(&p->steps[i].gate);
        free(p->steps[i].inputs);
    }
    for (int i = 0; i < p->arena_count && p->arenas; i++)
        clcnn_buffer_destroy(&p->arenas[i]);
    clcnn_buffer_destroy(&p->workspace);
    clcnn_elementwise_destroy(&p->elementwise);
    clcnn_model_destroy(&p->model);
    clcnn_device_destroy(&p->device);
    free(p->inputs);
    free(p->outputs);
    free(p->steps);
    free(p->values);
    free(p->value_arena);
    free(p->gradients);
    free(p->weights);
    free(p->weight_gradients);
    free(p->arena_bytes);
    free(p->arenas);
    free(p->next);
    free(p);
    *plan = NULL;
}

/* ---- running --------------------------------------------------------------------------------- */

const struct clcnn_enqueue *clcnn_run_next(struct clcnn_run *run)
{
    const struct clcnn_enqueue *next = run->plan->next;
    enum clcnn_status status = clcnn_stream_nest(run->stream, run->plan->next, &next);
    if (status != CLCNN_STATUS_OK)
        run->status = status;
    return next;
}

enum clcnn_status clcnn_plan_forward(struct clcnn_run *run, bool from_image, bool tail)
{
    const struct clcnn_plan *plan = run->plan;
    for (int i = 0; i < plan->step_count; i++) {
        const struct clcnn_step *step = &plan->steps[i];
        if ((step->tail && !tail) || (from_image && step->to_nhwc))
            continue;
        enum clcnn_status status = step->impl->forward(run, step);
        if (status == CLCNN_STATUS_OK)
            status = run->status;
        if (status != CLCNN_STATUS_OK)
            return clcnn_fail_prefix(status, "layer '%s': ", step->layer->name);
    }
    return CLCNN_STATUS_OK;
}

enum clcnn_status clcnn_plan_backward(struct clcnn_run *run)
{
    const struct clcnn_plan *plan = run->plan;
    for (int i = plan->step_count - 1; i >= 0; i--) {
        const struct clcnn_step *step = &plan->steps[i];
        if (!step->backward)
            continue;
        enum clcnn_status status = step->impl->backward(run, step);
        if (status == CLCNN_STATUS_OK)
            status = run->status;
        if (status != CLCNN_STATUS_OK)
            return clcnn_fail_prefix(status, "layer '%s', backward: ", step->layer->name);
    }
    return CLCNN_STATUS_OK;
}
