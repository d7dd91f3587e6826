#include "run/packed_weights.h"
#include "base/memory.h"
#include <stdlib.h>

static bool has_weights(const struct clcnn_step *step)
{
    return step->impl->trains || step->impl == &clcnn_step_constant;
}

static size_t packed_bytes(const struct clcnn_step *step)
{
    return step->impl->packed_bytes ? step->impl->packed_bytes(step) : 0;
}

/* Floats that go through a staging buffer at a time, where they can: so weights need little more
 * memory on their way than where they stay. */
#define PIECE ((int64_t)4 << 20)

/* Floats are stored as the plan says; constants of other types as they are. */
static enum clcnn_dtype dtype_of(const struct clcnn_plan *plan, int weight)
{
    return clcnn_plan_dtype(plan, clcnn_tensor_dtype(plan->model->weights[weight].tensor));
}

static bool narrows(const struct clcnn_plan *plan, int weight)
{
    return dtype_of(plan, weight) != clcnn_tensor_dtype(plan->model->weights[weight].tensor);
}

static int64_t count_of(const struct clcnn_plan *plan, int weight)
{
    return weight >= 0 ? clcnn_tensor_count(plan->model->weights[weight].tensor) : 0;
}

/* A kernel in its public layout, as it is stored. */
static size_t kernel_bytes(const struct clcnn_plan *plan, const struct clcnn_step *step)
{
    return (size_t)count_of(plan, step->layer->kernel) *
           clcnn_dtype_size(dtype_of(plan, step->layer->kernel));
}

/* Filters or units, and those that are packed at a time. */
static int64_t rows_of(const struct clcnn_plan *plan, const struct clcnn_step *step)
{
    const struct clcnn_shape *shape =
        clcnn_tensor_shape(plan->model->weights[step->layer->kernel].tensor);
    return shape->rank > 0 ? shape->dim[0] : 1;
}

static int64_t rows_at_once(const struct clcnn_plan *plan, const struct clcnn_step *step)
{
    int64_t rows = rows_of(plan, step), row = count_of(plan, step->layer->kernel) / rows;
    int64_t unit = step->impl->pack_unit;
    return unit ? clcnn_min(rows, clcnn_max(1, PIECE / (row * unit)) * unit) : rows;
}

/* Regions 2 i and 2 i + 1 are the kernel and the bias of step i. All live all the time. */
static void describe(const struct clcnn_plan *plan, struct clcnn_region *regions)
{
    for (int i = 0; i < plan->step_count; i++) {
        const struct clcnn_step *step = &plan->steps[i];
        if (!has_weights(step))
            continue;
        size_t packed = packed_bytes(step);
        size_t plain =
            (size_t)clcnn_max((int64_t)kernel_bytes(plan, step), 1); /* a constant may be empty */
        regions[2 * i].bytes = packed ? packed : plain;
        regions[2 * i + 1].bytes = (size_t)count_of(plan, step->layer->bias) * sizeof(float);
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

/* What weights pass through on their way: `rows` holds what is packed at a time, `piece` floats
 * that are narrowed. */
struct staging {
    struct clcnn_buffer *rows, *piece;
};

static enum clcnn_status create_staging(const struct clcnn_plan *plan, struct staging *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t rows = 0, piece = 0;
    for (int i = 0; i < plan->step_count; i++) {
        const struct clcnn_step *step = &plan->steps[i];
        if (!has_weights(step))
            continue;
        size_t floats = (size_t)clcnn_min(PIECE, count_of(plan, step->layer->kernel));
        if (packed_bytes(step))
            rows = clcnn_max(rows, kernel_bytes(plan, step) / (size_t)rows_of(plan, step) *
                                       (size_t)rows_at_once(plan, step));
        if (narrows(plan, step->layer->kernel))
            piece = clcnn_max(piece, floats * sizeof(float));
    }
    if (rows)
        TRY(clcnn_buffer_create(plan->device, rows, &out->rows));
    if (piece)
        TRY(clcnn_buffer_create(plan->device, piece, &out->piece));
done:
    return status;
}

static enum clcnn_status write(struct clcnn_run *run, const void *data, size_t bytes,
                               const struct clcnn_buffer *buffer)
{
    return bytes ? clcnn_stream_write(run->stream, buffer, 0, bytes, data) : CLCNN_STATUS_OK;
}

static enum clcnn_status write_narrow(struct clcnn_run *run, const float *data, int64_t left,
                                      const struct clcnn_buffer *buffer, struct clcnn_buffer *piece)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t size = clcnn_dtype_size(run->plan->params.storage);
    for (int64_t at = 0, count; left > 0; at += count, left -= count) {
        count = clcnn_min(left, PIECE);
        struct clcnn_buffer to =
            clcnn_buffer_slice(buffer, (size_t)at * size, (size_t)count * size);
        TRY(write(run, data + at, (size_t)count * sizeof(*data), piece));
        TRY(clcnn_elementwise_convert(run->plan->elementwise, false, count, piece, &to,
                                      clcnn_run_next(run)));
        TRY(run->status);
    }
done:
    return status;
}

static const char *data_of(const struct clcnn_plan *plan, int weight)
{
    return clcnn_tensor_const_data(plan->model->weights[weight].tensor);
}

static enum clcnn_status upload_kernel(struct clcnn_run *run, struct clcnn_step *step,
                                       struct clcnn_buffer *kernel, const struct staging *staging)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = run->plan;
    int weight = step->layer->kernel;
    bool packs = packed_bytes(step) > 0;
    const struct clcnn_buffer *plain = packs ? staging->rows : kernel;
    int64_t rows = rows_of(plan, step), row = rows ? count_of(plan, weight) / rows : 0;
    int64_t part = packs ? rows_at_once(plan, step) : rows;
    for (int64_t first = 0, count; first < rows; first += count) {
        size_t size = clcnn_dtype_size(clcnn_tensor_dtype(plan->model->weights[weight].tensor));
        const char *data = data_of(plan, weight) + (size_t)(first * row) * size;
        count = clcnn_min(part, rows - first);
        if (narrows(plan, weight))
            TRY(write_narrow(run, (const float *)(const void *)data, count * row, plain,
                             staging->piece));
        else
            TRY(write(run, data, (size_t)(count * row) * size, plain));
        if (packs)
            TRY(step->impl->pack(step, first, count, plain, kernel, clcnn_run_next(run)));
        TRY(run->status);
    }
    if (packs)
        step->packed = kernel;
    else
        plan->weights[weight] = *kernel;
done:
    return status;
}

static enum clcnn_status upload_step(struct clcnn_packed_weights *weights, struct clcnn_run *run,
                                     int index, const struct staging *staging)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = run->plan;
    struct clcnn_step *step = &plan->steps[index];
    int bias = step->layer->bias;
    weights->kernels[index] = slice(weights, 2 * index);
    TRY(upload_kernel(run, step, &weights->kernels[index], staging));
    if (bias >= 0) {
        plan->weights[bias] = slice(weights, 2 * index + 1);
        TRY(write(run, data_of(plan, bias), (size_t)count_of(plan, bias) * sizeof(float),
                  &plan->weights[bias]));
    }
    if (step->impl == &clcnn_step_constant)
        plan->values[step->output].buffer = weights->kernels[index];
done:
    return status;
}

enum clcnn_status clcnn_packed_weights_upload(struct clcnn_packed_weights *weights,
                                              struct clcnn_plan *plan, struct clcnn_queue *queue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct staging staging = {0};
    struct clcnn_stream stream = {0};
    struct clcnn_run run = {.plan = plan, .stream = &stream};
    for (int i = 0; i < weights->arena_count; i++)
        TRY(clcnn_buffer_create(plan->device, weights->arena_bytes[i], &weights->arenas[i]));
    TRY(create_staging(plan, &staging));
    TRY(clcnn_stream_begin(&stream, plan->device, clcnn_queue_enqueue(queue)));
    for (int i = 0; i < plan->step_count; i++)
        if (has_weights(&plan->steps[i]))
            TRY(upload_step(weights, &run, i, &staging));
done:
    status = clcnn_stream_end(&stream, status);
    enum clcnn_status finished = clcnn_queue_finish(queue);
    clcnn_buffer_destroy(&staging.rows);
    clcnn_buffer_destroy(&staging.piece);
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
