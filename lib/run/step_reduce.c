/* Steps that look along dimensions of a view: reductions, softmax, normalisation. */
#include "run/plan.h"

/* ---- reductions ------------------------------------------------------------------------------ */

static enum clcnn_status create_reduce(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_reduce *op = NULL;
    struct clcnn_reduce_params params = step->layer->u.reduce;
    params.type = clcnn_plan_dtype(plan, params.type);
    enum clcnn_status status = clcnn_reduce_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static void destroy_reduce(struct clcnn_step *step)
{
    struct clcnn_reduce *op = step->op;
    clcnn_reduce_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status run_reduce(struct clcnn_run *run, const struct clcnn_step *step)
{
    struct clcnn_array x = clcnn_step_array(run, step, 0), y = clcnn_step_output_array(run, step);
    return clcnn_reduce_forward(step->op, &x, &y, clcnn_run_next(run));
}

const struct clcnn_step_impl clcnn_step_reduce = {
    .name = "reduce",
    .create = create_reduce,
    .destroy = destroy_reduce,
    .forward = run_reduce,
};

/* ---- softmax --------------------------------------------------------------------------------- */

static enum clcnn_status create_softmax(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_softmax *op = NULL;
    struct clcnn_softmax_params params = step->layer->u.softmax;
    params.type = clcnn_plan_dtype(plan, params.type);
    enum clcnn_status status = clcnn_softmax_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static void destroy_softmax(struct clcnn_step *step)
{
    struct clcnn_softmax *op = step->op;
    clcnn_softmax_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status run_softmax(struct clcnn_run *run, const struct clcnn_step *step)
{
    struct clcnn_array x = clcnn_step_array(run, step, 0), y = clcnn_step_output_array(run, step);
    return clcnn_softmax_forward(step->op, &x, &y, clcnn_run_next(run));
}

const struct clcnn_step_impl clcnn_step_softmax = {
    .name = "softmax",
    .create = create_softmax,
    .destroy = destroy_softmax,
    .forward = run_softmax,
};

/* ---- normalisation --------------------------------------------------------------------------- */

static enum clcnn_status create_normalize(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_normalize *op = NULL;
    struct clcnn_normalize_params params = step->layer->u.normalize;
    params.type = clcnn_plan_dtype(plan, params.type);
    enum clcnn_status status = clcnn_normalize_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static void destroy_normalize(struct clcnn_step *step)
{
    struct clcnn_normalize *op = step->op;
    clcnn_normalize_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status run_normalize(struct clcnn_run *run, const struct clcnn_step *step)
{
    struct clcnn_array arrays[3], y = clcnn_step_output_array(run, step);
    for (int i = 0; i < step->input_count && i < 3; i++)
        arrays[i] = clcnn_step_array(run, step, i);
    struct clcnn_normalize_vectors vectors = {.scale = step->input_count > 1 ? &arrays[1] : NULL,
                                              .bias = step->input_count > 2 ? &arrays[2] : NULL};
    return clcnn_normalize_forward(step->op, &arrays[0], &vectors, &y, clcnn_run_next(run));
}

const struct clcnn_step_impl clcnn_step_normalize = {
    .name = "normalize",
    .create = create_normalize,
    .destroy = destroy_normalize,
    .forward = run_normalize,
};
