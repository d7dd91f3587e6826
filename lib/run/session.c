#include "base/memory.h"
#include "run/packed_weights.h"
#include "run/plan.h"
#include <clcnn/session.h>
#include <math.h>
#include <stdlib.h>

struct clcnn_session {
    struct clcnn_plan *plan;
    struct clcnn_queue *queue;
    struct clcnn_packed_weights weights;
};

/* ---- life ------------------------------------------------------------------------------------ */

/* Runs once on zeros: drivers finish compiling at a kernel's first launch, and the first real run
 * should not be the one that waits for it. */
static enum clcnn_status warm_up(struct clcnn_session *session)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = session->plan;
    struct clcnn_stream stream = {0};
    struct clcnn_run run = {.plan = plan, .stream = &stream, .batch = plan->params.batch};
    TRY(clcnn_stream_begin(&stream, plan->device, clcnn_queue_enqueue(session->queue)));
    TRY(clcnn_stream_fill(&stream, &plan->values[plan->input].buffer, 0,
                          clcnn_plan_bytes(plan, plan->input, run.batch), 0));
    TRY(clcnn_plan_forward(&run, false, true));
done:
    status = clcnn_stream_end(&stream, status);
    enum clcnn_status finished = clcnn_queue_finish(session->queue);
    return status != CLCNN_STATUS_OK ? status : finished;
}

static enum clcnn_status allocate(struct clcnn_session *session)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = session->plan;
    TRY(clcnn_packed_weights_layout(&session->weights, plan));
    TRY(clcnn_plan_check_memory(plan, session->weights.bytes));
    TRY(clcnn_plan_allocate(plan));
    TRY(clcnn_packed_weights_upload(&session->weights, plan, session->queue));
done:
    return clcnn_plan_explain(plan, status, session->weights.bytes);
}

static enum clcnn_status check_params(const struct clcnn_session_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(params->batch >= 0, "batch %d is negative", params->batch);
    REQUIRE(params->storage == CLCNN_DTYPE_FLOAT32 || params->storage == CLCNN_DTYPE_FLOAT16,
            "storage %s (%d) is neither float32 nor float16", clcnn_dtype_name(params->storage),
            (int)params->storage);
    REQUIRE(params->max_error >= 0.0 && isfinite(params->max_error), "max_error %g is not a bound",
            params->max_error);
done:
    return status;
}

enum clcnn_status clcnn_session_create(struct clcnn_device *device, struct clcnn_model *model,
                                       const struct clcnn_session_params *params,
                                       struct clcnn_session **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_session *session = NULL;
    struct clcnn_session_params defaults = {0};
    if (!params)
        params = &defaults;
    REQUIRE(out, "out is NULL");
    *out = NULL;
    REQUIRE(device && model, "device and model must not be NULL");
    REQUIRE(model->finished, "model '%s' is not finished", model->name);
    TRY(check_params(params));
    struct clcnn_plan_params plan_params = {.batch = params->batch ? params->batch : 1,
                                            .max_workspace = params->max_workspace,
                                            .max_error = params->max_error,
                                            .tune = params->tune,
                                            .storage = params->storage};
    TRY(clcnn_alloc(1, sizeof(*session), &session));
    TRY(clcnn_queue_create(device, &session->queue));
    TRY(clcnn_plan_create(device, model, &plan_params, &session->plan));
    TRY(allocate(session));
    TRY(warm_up(session));
    *out = session;
    session = NULL;
done:
    clcnn_session_destroy(&session);
    return clcnn_fail_prefix(status, "session: ");
}

void clcnn_session_destroy(struct clcnn_session **session)
{
    struct clcnn_session *s = session ? *session : NULL;
    if (!s)
        return;
    clcnn_packed_weights_clear(&s->weights);
    clcnn_plan_destroy(&s->plan);
    clcnn_queue_destroy(&s->queue);
    free(s);
    *session = NULL;
}

void clcnn_session_info(const struct clcnn_session *session, struct clcnn_plan_info *info)
{
    if (!info)
        return;
    *info = (struct clcnn_plan_info){0};
    if (!session)
        return;
    *info = (struct clcnn_plan_info){
        .weight_bytes = session->weights.bytes,
        .activation_bytes = clcnn_plan_activation_bytes(session->plan),
        .workspace_bytes = session->plan->workspace_bytes,
        .steps = session->plan->step_count,
    };
}

/* ---- running --------------------------------------------------------------------------------- */

enum clcnn_status clcnn_session_predict(struct clcnn_session *session, int64_t count,
                                        const float *x, float *y)
{
    if (!session)
        return clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "session_predict: session is NULL");
    return clcnn_fail_prefix(clcnn_plan_predict(session->plan, session->queue, count, x, y),
                             "session_predict: ");
}

static enum clcnn_status check_buffers(const struct clcnn_session *session, int batch,
                                       const struct clcnn_buffer *x, const struct clcnn_buffer *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_plan *plan = session->plan;
    REQUIRE(batch >= 1 && batch <= plan->params.batch,
            "session: batch %d is not in 1..%d, as planned", batch, plan->params.batch);
    TRY(clcnn_buffer_check(plan->device, x, clcnn_plan_bytes(plan, plan->input, batch), "session",
                           "x"));
    TRY(clcnn_buffer_check(plan->device, y, clcnn_plan_bytes(plan, plan->output, batch), "session",
                           "y"));
    REQUIRE(!clcnn_buffer_overlap(x, y), "session: x and y overlap");
done:
    return status;
}

enum clcnn_status clcnn_session_enqueue(struct clcnn_session *session, int batch,
                                        const struct clcnn_buffer *x, struct clcnn_buffer *y,
                                        const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    REQUIRE(session, "session_enqueue: session is NULL");
    struct clcnn_plan *plan = session->plan;
    struct clcnn_buffer *input = &plan->values[plan->input].buffer;
    struct clcnn_buffer *output = &plan->values[plan->output].buffer;
    const struct clcnn_buffer own_input = *input, own_output = *output;
    struct clcnn_run run = {.plan = plan, .stream = &stream, .batch = batch};
    TRY(check_buffers(session, batch, x, y));
    TRY(clcnn_stream_begin(&stream, plan->device, enqueue));
    *input = *x;
    *output = *y;
    status = clcnn_plan_forward(&run, false, true);
    *input = own_input;
    *output = own_output;
done:
    return clcnn_stream_end(&stream, status);
}
