#include "base/memory.h"
#include "run/plan.h"

/* Commands waiting in the queue cost host memory, so a long prediction drains it now and then. */
#define PARTS_IN_FLIGHT 16

static enum clcnn_status enqueue_part(struct clcnn_plan *plan, struct clcnn_queue *queue, int batch,
                                      const float *x, float *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    struct clcnn_run run = {.plan = plan, .stream = &stream, .batch = batch};
    TRY(clcnn_stream_begin(&stream, plan->device, clcnn_queue_enqueue(queue)));
    TRY(clcnn_stream_write(&stream, &plan->values[plan->input].buffer, 0,
                           clcnn_plan_bytes(plan, plan->input, batch), x));
    TRY(clcnn_plan_forward(&run, false, true));
    TRY(clcnn_stream_read(&stream, &plan->values[plan->output].buffer, 0,
                          clcnn_plan_bytes(plan, plan->output, batch), y));
done:
    return clcnn_stream_end(&stream, status);
}

enum clcnn_status clcnn_plan_predict(struct clcnn_plan *plan, struct clcnn_queue *queue,
                                     int64_t count, const float *x, float *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t batch = plan->params.batch, parts = 0;
    int64_t x_step = plan->values[plan->input].elements;
    int64_t y_step = plan->values[plan->output].elements;
    REQUIRE(count >= 0, "count %lld is negative", (long long)count);
    REQUIRE(count == 0 || (x && y), "x and y must not be NULL");
    for (int64_t first = 0; first < count; first += batch) {
        int size = (int)clcnn_min(batch, count - first);
        TRY(enqueue_part(plan, queue, size, x + first * x_step, y + first * y_step));
        if (++parts % PARTS_IN_FLIGHT == 0)
            TRY(clcnn_queue_finish(queue));
    }
done:;
    /* Also after an error: reads into y may be under way. */
    enum clcnn_status finished = clcnn_queue_finish(queue);
    return status != CLCNN_STATUS_OK ? status : finished;
}
