#include "run/plan.h"
#include <clcnn/dense.h>

static unsigned backward_reads(const struct clcnn_step *step)
{
    return CLCNN_READS_INPUTS | clcnn_step_gate_reads(step);
}

/* Vectors in a batch of one: all dimensions but the last. */
static int rows(const struct clcnn_step *step)
{
    return (int)(clcnn_layer_elements(step->layer) / step->layer->u.dense.units);
}

static enum clcnn_status create(struct clcnn_plan *plan, struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_dense *op = NULL;
    struct clcnn_dense_params params = {
        .batch = plan->params.batch * rows(step),
        .features = step->layer->u.dense.features,
        .units = step->layer->u.dense.units,
        .use_bias = step->layer->bias >= 0,
        .activation = step->activation,
        .activation_alpha = step->alpha,
        .inference_only = !step->backward,
        .storage = plan->params.storage,
    };
    TRY(clcnn_dense_create(plan->device, &params, &op));
    step->op = op;
    /* Sessions pack the weights. */
    step->workspace = plan->params.training ? clcnn_dense_workspace_size(op)
                                            : clcnn_dense_packed_workspace_size(op);
    TRY(clcnn_step_create_gate(plan, step));
done:
    return status;
}

static void destroy(struct clcnn_step *step)
{
    struct clcnn_dense *op = step->op;
    clcnn_dense_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    const struct clcnn_plan *plan = run->plan;
    const struct clcnn_layer *layer = step->layer;
    struct clcnn_dense_args args = {
        .batch = run->batch * rows(step),
        .x = clcnn_step_input(run, step, 0),
        .w = step->packed ? NULL : &plan->weights[layer->kernel],
        .packed_w = step->packed,
        .bias = layer->bias >= 0 ? &plan->weights[layer->bias] : NULL,
        .y = clcnn_step_output(run, step),
        .workspace = plan->workspace,
    };
    return clcnn_dense_forward(step->op, &args, clcnn_run_next(run));
}

static enum clcnn_status backward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_plan *plan = run->plan;
    const struct clcnn_layer *layer = step->layer;
    struct clcnn_dense_args weight = {
        .batch = run->batch * rows(step),
        .x = clcnn_step_input(run, step, 0),
        .dy = clcnn_step_dy(run, step),
        .dw = &plan->weight_gradients[layer->kernel],
        .db = layer->bias >= 0 ? &plan->weight_gradients[layer->bias] : NULL,
        .workspace = plan->workspace,
    };
    struct clcnn_dense_args data = {
        .batch = run->batch * rows(step),
        .w = &plan->weights[layer->kernel],
        .dy = clcnn_step_dy(run, step),
        .dx = clcnn_step_dx(run, step, 0),
        .workspace = plan->workspace,
    };
    TRY(clcnn_step_run_gate(run, step));
    TRY(clcnn_dense_backward_weight(step->op, &weight, clcnn_run_next(run)));
    if (data.dx) {
        TRY(clcnn_dense_backward_data(step->op, &data, clcnn_run_next(run)));
        TRY(clcnn_step_accumulate(run, step, 0));
    }
done:
    return status;
}

static size_t packed_bytes(const struct clcnn_step *step)
{
    return clcnn_dense_packed_weight_size(step->op);
}

static enum clcnn_status pack(const struct clcnn_step *step, int64_t first, int64_t count,
                              const struct clcnn_buffer *w, struct clcnn_buffer *packed,
                              const struct clcnn_enqueue *enqueue)
{
    return clcnn_dense_pack_weight(step->op, (int)first, (int)count, w, packed, enqueue);
}

const struct clcnn_step_impl clcnn_step_dense = {
    .name = "dense",
    .trains = true,
    .gates = true,
    .backward_reads = backward_reads,
    .create = create,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
    .packed_bytes = packed_bytes,
    .pack_unit = CLCNN_DENSE_PACK_UNIT,
    .pack = pack,
};
