#include "run/plan.h"

static unsigned backward_reads(const struct clcnn_step *step)
{
    return CLCNN_READS_INPUTS | clcnn_step_gate_reads(step);
}

static enum clcnn_status create(struct clcnn_plan *plan, struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv2d *op = NULL;
    struct clcnn_conv2d_params params = step->layer->u.conv2d;
    params.batch = plan->params.batch * (int)clcnn_layer_images(step->layer);
    params.use_bias = step->layer->bias >= 0;
    params.accumulate = step->accumulate;
    params.activation = step->activation;
    params.activation_alpha = step->alpha;
    params.storage = plan->params.storage;
    params.max_workspace = plan->params.max_workspace;
    params.max_error = plan->params.max_error;
    params.tune = plan->params.tune;
    params.phases = 1u << CLCNN_CONV2D_PHASE_FORWARD;
    if (step->backward)
        params.phases |= 1u << CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
    if (step->inputs[0].mode != CLCNN_EDGE_NONE)
        params.phases |= 1u << CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    TRY(clcnn_conv2d_create(plan->device, &params, &op));
    step->op = op;
    if (!plan->params.training) { /* sessions pack the filter */
        step->workspace = clcnn_conv2d_packed_workspace_size(op);
        params.phases = 0;
    }
    for (int phase = 0; phase < CLCNN_CONV2D_PHASE_COUNT; phase++) {
        size_t bytes = params.phases & 1u << phase
                           ? clcnn_conv2d_workspace_size(op, (enum clcnn_conv2d_phase)phase)
                           : 0;
        if (bytes > step->workspace)
            step->workspace = bytes;
    }
    TRY(clcnn_step_create_gate(plan, step));
done:
    return status;
}

static void destroy(struct clcnn_step *step)
{
    struct clcnn_conv2d *op = step->op;
    clcnn_conv2d_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    const struct clcnn_plan *plan = run->plan;
    const struct clcnn_layer *layer = step->layer;
    struct clcnn_conv2d_args args = {
        .batch = run->batch * (int)clcnn_layer_images(layer),
        .x = clcnn_step_input(run, step, 0),
        .w = step->packed ? NULL : &plan->weights[layer->kernel],
        .packed_w = step->packed,
        .bias = layer->bias >= 0 ? &plan->weights[layer->bias] : NULL,
        .y = clcnn_step_output(run, step),
        .workspace = plan->workspace,
    };
    return clcnn_conv2d_forward(step->op, &args, clcnn_run_next(run));
}

static enum clcnn_status backward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_plan *plan = run->plan;
    const struct clcnn_layer *layer = step->layer;
    struct clcnn_conv2d_args filter = {
        .batch = run->batch,
        .x = clcnn_step_input(run, step, 0),
        .dy = clcnn_step_dy(run, step),
        .dw = &plan->weight_gradients[layer->kernel],
        .db = layer->bias >= 0 ? &plan->weight_gradients[layer->bias] : NULL,
        .workspace = plan->workspace,
    };
    struct clcnn_conv2d_args data = {
        .batch = run->batch,
        .w = &plan->weights[layer->kernel],
        .dy = clcnn_step_dy(run, step),
        .dx = clcnn_step_dx(run, step, 0),
        .workspace = plan->workspace,
    };
    TRY(clcnn_step_run_gate(run, step));
    TRY(clcnn_conv2d_backward_filter(step->op, &filter, clcnn_run_next(run)));
    if (data.dx) {
        TRY(clcnn_conv2d_backward_data(step->op, &data, clcnn_run_next(run)));
        TRY(clcnn_step_accumulate(run, step, 0));
    }
done:
    return status;
}

static size_t packed_bytes(const struct clcnn_step *step)
{
    return clcnn_conv2d_packed_filter_size(step->op);
}

static enum clcnn_status pack(const struct clcnn_step *step, int64_t first, int64_t count,
                              const struct clcnn_buffer *w, struct clcnn_buffer *packed,
                              const struct clcnn_enqueue *enqueue)
{
    (void)first;
    (void)count;
    return clcnn_conv2d_pack_filter(step->op, w, packed, enqueue);
}

const struct clcnn_step_impl clcnn_step_conv2d = {
    .name = "conv2d",
    .trains = true,
    .gates = true,
    .backward_reads = backward_reads,
    .create = create,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
    .packed_bytes = packed_bytes,
    .pack = pack,
};
