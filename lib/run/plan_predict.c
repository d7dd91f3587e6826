#include "base/memory.h"
#include "run/plan.h"

/* Commands waiting in the queue cost host memory, so a long prediction drains it now and then. */
#define PARTS_IN_FLIGHT 16

static enum clcnn_status copy_in(struct clcnn_stream *stream, const struct clcnn_plan *plan,
                                 int value, int64_t first, int64_t count, const void *x)
{
    size_t bytes = clcnn_plan_bytes(plan, value, count);
    const char *from = (const char *)x + clcnn_plan_bytes(plan, value, first);
    return bytes ? clcnn_stream_write(stream, &plan->values[value].buffer, 0, bytes, from)
                 : CLCNN_STATUS_OK;
}

static enum clcnn_status copy_out(struct clcnn_stream *stream, const struct clcnn_plan *plan,
                                  int value, int64_t first, int64_t count, void *y)
{
    size_t bytes = clcnn_plan_bytes(plan, value, count);
    char *to = (char *)y + clcnn_plan_bytes(plan, value, first);
    return bytes ? clcnn_stream_read(stream, &plan->values[value].buffer, 0, bytes, to)
                 : CLCNN_STATUS_OK;
}

static enum clcnn_status enqueue_part(struct clcnn_plan *plan, struct clcnn_queue *queue,
                                      int64_t first, int batch, const void *const *x,
                                      void *const *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    struct clcnn_run run = {.plan = plan, .stream = &stream, .batch = batch};
    TRY(clcnn_stream_begin(&stream, plan->device, clcnn_queue_enqueue(queue)));
    for (int i = 0; i < plan->model->input_count; i++)
        TRY(copy_in(&stream, plan, plan->inputs[i], first, batch, x[i]));
    TRY(clcnn_plan_forward(&run, false, true));
    for (int i = 0; i < plan->model->output_count; i++)
        if (y[i])
            TRY(copy_out(&stream, plan, plan->outputs[i], first, batch, y[i]));
done:
    return clcnn_stream_end(&stream, status);
}

enum clcnn_status clcnn_plan_predict(struct clcnn_plan *plan, struct clcnn_queue *queue,
                                     int64_t count, const void *const *x, void *const *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t batch = plan->params.batch, parts = 0;
    REQUIRE(count >= 0, "count %lld is negative", (long long)count);
    for (int i = 0; i < plan->model->input_count; i++)
        REQUIRE(count == 0 || x[i], "x and y must not be NULL");
    for (int64_t first = 0; first < count; first += batch) {
        int size = (int)clcnn_min(batch, count - first);
        TRY(enqueue_part(plan, queue, first, size, x, y));
        if (++parts % PARTS_IN_FLIGHT == 0)
            TRY(clcnn_queue_finish(queue));
    }
done:;
    /* Also after an error: reads into y may be under way. */
    enum clcnn_status finished = clcnn_queue_finish(queue);
    return status != CLCNN_STATUS_OK ? status : finished;
}
