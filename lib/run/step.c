/* What the kinds of steps share: gradients that several consumers give, fused activations. */
#include "run/plan.h"

struct clcnn_buffer *clcnn_step_dx(const struct clcnn_run *run, const struct clcnn_step *step,
                                   int slot)
{
    const struct clcnn_edge *edge = &step->inputs[slot];
    if (edge->mode == CLCNN_EDGE_NONE)
        return NULL;
    if (edge->mode == CLCNN_EDGE_ADD && edge->scratch >= 0)
        return clcnn_step_buffer(run, edge->scratch);
    return clcnn_step_buffer(run, run->plan->gradients[edge->value]);
}

enum clcnn_status clcnn_step_accumulate(struct clcnn_run *run, const struct clcnn_step *step,
                                        int slot)
{
    const struct clcnn_edge *edge = &step->inputs[slot];
    if (edge->mode != CLCNN_EDGE_ADD)
        return CLCNN_STATUS_OK;
    struct clcnn_plan *plan = run->plan;
    struct clcnn_buffer *sum = clcnn_step_buffer(run, plan->gradients[edge->value]);
    return clcnn_elementwise_add(plan->elementwise, run->batch * plan->values[edge->value].elements,
                                 sum, clcnn_step_buffer(run, edge->scratch), false, sum,
                                 clcnn_run_next(run));
}

enum clcnn_status clcnn_step_create_gate(struct clcnn_plan *plan, struct clcnn_step *step)
{
    if (!step->backward || step->gated_by_reader || step->activation == CLCNN_ACTIVATION_LINEAR)
        return CLCNN_STATUS_OK;
    struct clcnn_activation_params params = {.activation = step->activation,
                                             .alpha = step->alpha,
                                             .rows = plan->params.batch,
                                             .units = plan->values[step->output].elements};
    return clcnn_activation_create(plan->device, &params, &step->gate);
}

enum clcnn_status clcnn_step_run_gate(struct clcnn_run *run, const struct clcnn_step *step)
{
    if (!step->gate)
        return CLCNN_STATUS_OK;
    struct clcnn_buffer *dy = clcnn_step_dy(run, step);
    return clcnn_activation_backward(step->gate, run->batch, clcnn_step_output(run, step), dy, dy,
                                     clcnn_run_next(run));
}
