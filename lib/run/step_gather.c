/* Steps that pick elements: by indices, by places between them. */
#include "run/plan.h"
#include <clcnn/gather.h>

static enum clcnn_status create_gather(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_gather *op = NULL;
    const struct clcnn_layer *layer = step->layer;
    struct clcnn_gather_params params = {
        .type = clcnn_plan_dtype(plan, layer->dtype),
        .index = plan->model->layers[layer->inputs[1]].dtype,
    };
    enum clcnn_status status = clcnn_gather_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static void destroy_gather(struct clcnn_step *step)
{
    struct clcnn_gather *op = step->op;
    clcnn_gather_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status run_gather(struct clcnn_run *run, const struct clcnn_step *step)
{
    struct clcnn_array x = clcnn_step_array(run, step, 0), index = clcnn_step_array(run, step, 1);
    struct clcnn_array y = clcnn_step_output_array(run, step);
    return clcnn_gather_forward(step->op, step->layer->u.axis, &x, &index, &y, clcnn_run_next(run));
}

const struct clcnn_step_impl clcnn_step_gather = {
    .name = "gather",
    .create = create_gather,
    .destroy = destroy_gather,
    .forward = run_gather,
};

static enum clcnn_status create_resize(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_resize *op = NULL;
    struct clcnn_resize_params params = step->layer->u.resize;
    params.type = plan->params.storage;
    if (params.input.dim[0] == CLCNN_DIM_BATCH)
        params.input.dim[0] = params.output.dim[0] = plan->params.batch;
    enum clcnn_status status = clcnn_resize_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static void destroy_resize(struct clcnn_step *step)
{
    struct clcnn_resize *op = step->op;
    clcnn_resize_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status run_resize(struct clcnn_run *run, const struct clcnn_step *step)
{
    struct clcnn_array x = clcnn_step_array(run, step, 0), y = clcnn_step_output_array(run, step);
    return clcnn_resize_forward(step->op, &x, &y, clcnn_run_next(run));
}

const struct clcnn_step_impl clcnn_step_resize = {
    .name = "resize",
    .create = create_resize,
    .destroy = destroy_resize,
    .forward = run_resize,
};
