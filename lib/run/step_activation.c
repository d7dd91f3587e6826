#include "run/plan.h"

static unsigned backward_reads(const struct clcnn_step *step)
{
    (void)step;
    return CLCNN_READS_OUTPUT;
}

/* Softmax runs over the last axis, so an image has one row per pixel. */
static int64_t rows_per_image(const struct clcnn_step *step)
{
    const struct clcnn_shape *shape = &step->layer->shape;
    if (step->activation != CLCNN_ACTIVATION_SOFTMAX || shape->rank == 0)
        return 1;
    return clcnn_layer_elements(step->layer) / shape->dim[shape->rank - 1];
}

static enum clcnn_status create(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_activation_op *op = NULL;
    int64_t rows = rows_per_image(step);
    struct clcnn_activation_params params = {
        .activation = step->activation,
        .alpha = step->alpha,
        .rows = plan->params.batch * rows,
        .units = plan->values[step->output].elements / rows,
        .storage = plan->params.storage,
    };
    enum clcnn_status status = clcnn_activation_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static void destroy(struct clcnn_step *step)
{
    struct clcnn_activation_op *op = step->op;
    clcnn_activation_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    return clcnn_activation_forward(step->op, run->batch * rows_per_image(step),
                                    clcnn_step_input(run, step, 0), clcnn_step_output(run, step),
                                    clcnn_run_next(run));
}

static enum clcnn_status backward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_activation_backward(step->op, run->batch * rows_per_image(step),
                                  clcnn_step_output(run, step), clcnn_step_dy(run, step),
                                  clcnn_step_dx(run, step, 0), clcnn_run_next(run)));
    TRY(clcnn_step_accumulate(run, step, 0));
done:
    return status;
}

const struct clcnn_step_impl clcnn_step_activation = {
    .name = "activation",
    .shares = true,
    .backward_reads = backward_reads,
    .create = create,
    .destroy = destroy,
    .forward = forward,
    .backward = backward,
};
