#include "run/packed_weights.h"
#include "base/memory.h"
#include <stdlib.h>

static size_t packed_bytes(const struct clcnn_step *step)
{
    return step->impl->packed_bytes ? step->impl->packed_bytes(step) : 0;
}

static size_t public_bytes(const struct clcnn_plan *plan, int weight)
{
    return weight >= 0 ? clcnn_tensor_bytes(plan->model->weights[weight].tensor) : 0;
}

/* Regions 2 i and 2 i + 1 are the kernel and the bias of step i. All live all the time. */
static void describe(const struct clcnn_plan *plan, struct clcnn_region *regions)
{
    for (int i = 0; i < plan->step_count; i++) {
        const struct clcnn_step *step = &plan->steps[i];
        if (!step->impl->trains)
            continue;
        size_t packed = packed_bytes(step);
        regions[2 * i].bytes = packed ? packed : public_bytes(plan, step->layer->kernel);
        regions[2 * i + 1].bytes = public_bytes(plan, step->layer->bias);
    }
}

enum clcnn_status clcnn_packed_weights_layout(struct clcnn_packed_weights *weights,
                                              struct clcnn_plan *plan)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t limit = (size_t)clcnn_device_info(plan->device)->max_alloc_bytes;
    size_t count = 2 * (size_t)plan->step_count;
    TRY(clcnn_alloc(count, sizeof(*weights->regions), &weights->regions));
    TRY(clcnn_alloc((size_t)plan->step_count, sizeof(*weights->kernels), &weights->kernels));
    describe(plan, weights->regions);
    TRY(clcnn_regions_place(weights->regions, count, limit, &weights->arena_bytes,
                            &weights->arena_count));
    TRY(clcnn_alloc((size_t)weights->arena_count, sizeof(*weights->arenas), &weights->arenas));
    for (int i = 0; i < weights->arena_count; i++)
        weights->bytes += weights->arena_bytes[i];
done:
    return status;
}

static struct clcnn_buffer slice(const struct clcnn_packed_weights *weights, int region)
{
    const struct clcnn_region *r = &weights->regions[region];
    return clcnn_buffer_slice(weights->arenas[r->arena], r->offset, r->bytes);
}

/* The largest kernel that is packed passes through a buffer of its public size. */
static enum clcnn_status create_staging(const struct clcnn_plan *plan, struct clcnn_buffer **out)
{
    size_t bytes = 0;
    for (int i = 0; i < plan->step_count; i++) {
        const struct clcnn_step *step = &plan->steps[i];
        if (packed_bytes(step) && public_bytes(plan, step->layer->kernel) > bytes)
            bytes = public_bytes(plan, step->layer->kernel);
    }
    return bytes ? clcnn_buffer_create(plan->device, bytes, out) : CLCNN_STATUS_OK;
}

static enum clcnn_status write(struct clcnn_run *run, int weight, const struct clcnn_buffer *buffer)
{
    const struct clcnn_tensor *tensor = run->plan->model->weights[weight].tensor;
    return clcnn_stream_write(run->stream, buffer, 0, clcnn_tensor_bytes(tensor),
                              clcnn_tensor_const_data(tensor));
}

static enum clcnn_status upload_step(struct clcnn_packed_weights *weights, struct clcnn_run *run,
                                     int index, const struct clcnn_buffer *staging)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = run->plan;
    struct clcnn_step *step = &plan->steps[index];
    struct clcnn_buffer *kernel = &weights->kernels[index];
    int bias = step->layer->bias;
    *kernel = slice(weights, 2 * index);
    if (packed_bytes(step)) {
        TRY(write(run, step->layer->kernel, staging));
        TRY(step->impl->pack(step, staging, kernel, clcnn_run_next(run)));
        TRY(run->status);
        step->packed = kernel;
    } else {
        plan->weights[step->layer->kernel] = *kernel;
        TRY(write(run, step->layer->kernel, kernel));
    }
    if (bias >= 0) {
        plan->weights[bias] = slice(weights, 2 * index + 1);
        TRY(write(run, bias, &plan->weights[bias]));
    }
done:
    return status;
}

enum clcnn_status clcnn_packed_weights_upload(struct clcnn_packed_weights *weights,
                                              struct clcnn_plan *plan, struct clcnn_queue *queue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer *staging = NULL;
    struct clcnn_stream stream = {0};
    struct clcnn_run run = {.plan = plan, .stream = &stream};
    for (int i = 0; i < weights->arena_count; i++)
        TRY(clcnn_buffer_create(plan->device, weights->arena_bytes[i], &weights->arenas[i]));
    TRY(create_staging(plan, &staging));
    TRY(clcnn_stream_begin(&stream, plan->device, clcnn_queue_enqueue(queue)));
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].impl->trains)
            TRY(upload_step(weights, &run, i, staging));
done:
    status = clcnn_stream_end(&stream, status);
    enum clcnn_status finished = clcnn_queue_finish(queue);
    clcnn_buffer_destroy(&staging);
    return status != CLCNN_STATUS_OK ? status : finished;
}

void clcnn_packed_weights_clear(struct clcnn_packed_weights *weights)
{
    for (int i = 0; i < weights->arena_count && weights->arenas; i++)
        clcnn_buffer_destroy(&weights->arenas[i]);
    free(weights->arenas);
    free(weights->arena_bytes);
    free(weights->regions);
    free(weights->kernels);
    *weights = (struct clcnn_packed_weights){0};
}
