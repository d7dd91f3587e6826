#include "base/memory.h"
#include "run/packed_weights.h"
#include "run/plan.h"
#include <clcnn/session.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct clcnn_session {
    struct clcnn_plan *plan;
    struct clcnn_queue *queue;
    struct clcnn_packed_weights weights;
};

/* ---- life ------------------------------------------------------------------------------------ */

/* Patterns have 4 bytes; the last few of an array of another length do not matter. */
static enum clcnn_status fill_zeros(struct clcnn_stream *stream, const struct clcnn_plan *plan,
                                    int value)
{
    size_t bytes = clcnn_plan_bytes(plan, value, plan->params.batch) / 4 * 4;
    return bytes ? clcnn_stream_fill(stream, &plan->values[value].buffer, 0, bytes, 0)
                 : CLCNN_STATUS_OK;
}

/* Runs once on zeros: drivers finish compiling at a kernel's first launch, and the first real run
 * should not be the one that waits for it. */
static enum clcnn_status warm_up(struct clcnn_session *session)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = session->plan;
    struct clcnn_stream stream = {0};
    struct clcnn_run run = {.plan = plan, .stream = &stream, .batch = plan->params.batch};
    TRY(clcnn_stream_begin(&stream, plan->device, clcnn_queue_enqueue(session->queue)));
    for (int i = 0; i < plan->model->input_count; i++)
        TRY(fill_zeros(&stream, plan, plan->inputs[i]));
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
    REQUIRE(model->batched || params->batch <= 1,
            "batch %d: model '%s' works on tensors of fixed sizes", params->batch, model->name);
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
    enum clcnn_status status = CLCNN_STATUS_OK;
    const void *inputs[] = {x};
    void *outputs[] = {y};
    REQUIRE(session, "session is NULL");
    const struct clcnn_model *model = session->plan->model;
    REQUIRE(model->input_count == 1 && model->output_count == 1,
            "model '%s' has %d inputs and %d outputs; run them by name", model->name,
            model->input_count, model->output_count);
    REQUIRE(model->inputs[0].port.dtype == CLCNN_DTYPE_FLOAT32 &&
                model->outputs[0].port.dtype == CLCNN_DTYPE_FLOAT32,
            "the arrays of model '%s' are not float32; run them by name", model->name);
    REQUIRE(count <= 0 || (x && y), "x and y must not be NULL");
    TRY(clcnn_plan_predict(session->plan, session->queue, count, inputs, outputs));
done:
    return clcnn_fail_prefix(status, "session_predict: ");
}

/* ---- by name --------------------------------------------------------------------------------- */

static enum clcnn_status find_port(const struct clcnn_model *model, bool output, const char *name,
                                   int *index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_model_port *ports = output ? model->outputs : model->inputs;
    int count = output ? model->output_count : model->input_count;
    const char *what = output ? "output" : "input";
    *index = 0;
    if (!name) {
        REQUIRE(count == 1, "model '%s' has %d %ss, and one is given without a name", model->name,
                count, what);
        return status;
    }
    while (*index < count && strcmp(ports[*index].name, name) != 0)
        ++*index;
    REQUIRE(*index < count, "model '%s' has no %s '%s'", model->name, what, name);
done:
    return status;
}

static enum clcnn_status sort_inputs(const struct clcnn_model *model,
                                     const struct clcnn_session_input *inputs, int count,
                                     const void **x)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int port;
    for (int i = 0; i < count; i++) {
        TRY(find_port(model, false, inputs[i].name, &port));
        REQUIRE(!x[port], "input '%s' is given twice", model->inputs[port].name);
        REQUIRE(inputs[i].data, "input '%s' has no data", model->inputs[port].name);
        x[port] = inputs[i].data;
    }
    for (int i = 0; i < model->input_count; i++)
        REQUIRE(x[i], "input '%s' is not given", model->inputs[i].name);
done:
    return status;
}

static enum clcnn_status sort_outputs(const struct clcnn_model *model,
                                      const struct clcnn_session_output *outputs, int count,
                                      void **y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int port;
    for (int i = 0; i < count; i++) {
        TRY(find_port(model, true, outputs[i].name, &port));
        REQUIRE(!y[port], "output '%s' is asked for twice", model->outputs[port].name);
        REQUIRE(outputs[i].data, "output '%s' has no data", model->outputs[port].name);
        y[port] = outputs[i].data;
    }
done:
    return status;
}

enum clcnn_status clcnn_session_run(struct clcnn_session *session, int64_t count,
                                    const struct clcnn_session_input *inputs, int input_count,
                                    const struct clcnn_session_output *outputs, int output_count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const void **x = NULL;
    void **y = NULL;
    REQUIRE(session, "session is NULL");
    const struct clcnn_model *model = session->plan->model;
    REQUIRE(input_count >= 0 && (inputs || !input_count) && output_count >= 0 &&
                (outputs || !output_count),
            "%d inputs and %d outputs, or no list of them", input_count, output_count);
    REQUIRE(model->batched || count == 1, "count %lld: model '%s' works on tensors of fixed sizes",
            (long long)count, model->name);
    TRY(clcnn_alloc((size_t)model->input_count, sizeof(*x), &x));
    TRY(clcnn_alloc((size_t)model->output_count, sizeof(*y), &y));
    TRY(sort_inputs(model, inputs, input_count, x));
    TRY(sort_outputs(model, outputs, output_count, y));
    TRY(clcnn_plan_predict(session->plan, session->queue, count, x, y));
done:
    free(x);
    free(y);
    return clcnn_fail_prefix(status, "session_run: ");
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
    REQUIRE(plan->model->input_count == 1 && plan->model->output_count == 1,
            "session_enqueue: model '%s' has %d inputs and %d outputs", plan->model->name,
            plan->model->input_count, plan->model->output_count);
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
