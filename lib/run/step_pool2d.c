#include "run/plan.h"

/* Maxima are found again from x, and an activation is differentiated from it. */
static unsigned backward_reads(const struct clcnn_step *step)
{
    return step->layer->u.pool2d.mode == CLCNN_POOL_MODE_MAX ||
                   step->input_gate != CLCNN_ACTIVATION_LINEAR
               ? CLCNN_READS_INPUTS
               : 0;
}

static enum clcnn_status create(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_pool2d *op = NULL;
    struct clcnn_pool2d_params params = step->layer->u.pool2d;
    params.batch = plan->params.batch * (int)clcnn_layer_images(step->layer);
    params.storage = plan->params.storage;
    params.activation = step->input_gate;
    params.activation_alpha = step->input_gate_alpha;
    enum clcnn_status status = clcnn_pool2d_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static void destroy(struct clcnn_step *step)
{
    struct clcnn_pool2d *op = step->op;
    clcnn_pool2d_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    int batch = run->batch * (int)clcnn_layer_images(step->layer);
    return clcnn_pool2d_forward(step->op, batch, clcnn_step_input(run, step, 0),
                                clcnn_step_output(run, step), clcnn_run_next(run));
}

static enum clcnn_status backward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_buffer *x = backward_reads(step) ? clcnn_step_input(run, step, 0) : NULL;
    TRY(clcnn_pool2d_backward(step->op, run->batch, x, NULL, clcnn_step_dy(run, step),
                              clcnn_step_dx(run, step, 0), clcnn_run_next(run)));
    TRY(clcnn_step_accumulate(run, step, 0));
done:
    return status;
}

const struct clcnn_step_impl clcnn_step_pool2d = {
    .name = "pool2d",
    .gates_input = true,
    .backward_reads = backward_reads,
    .create = create,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
};
