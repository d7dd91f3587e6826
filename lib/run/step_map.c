/* Steps on views: constants, functions of elements, concatenation along any axis. */
#include "run/plan.h"
#include <clcnn/map.h>

struct clcnn_view clcnn_step_view(const struct clcnn_run *run, const struct clcnn_view *view)
{
    struct clcnn_view now = *view;
    if (now.rank > 0 && now.size[0] == CLCNN_DIM_BATCH)
        now.size[0] = run->batch;
    return now;
}

struct clcnn_array clcnn_step_array(const struct clcnn_run *run, const struct clcnn_step *step,
                                    int slot)
{
    return (struct clcnn_array){clcnn_step_input(run, step, slot),
                                clcnn_step_view(run, &step->layer->views[slot])};
}

struct clcnn_array clcnn_step_output_array(const struct clcnn_run *run,
                                           const struct clcnn_step *step)
{
    struct clcnn_shape shape = step->layer->shape;
    struct clcnn_array array = {.buffer = clcnn_step_output(run, step)};
    if (shape.rank > 0 && shape.dim[0] == CLCNN_DIM_BATCH)
        shape.dim[0] = run->batch;
    clcnn_view_dense(&shape, &array.view); /* a legal shape: it was planned */
    return array;
}

/* ---- constants ------------------------------------------------------------------------------- */

static enum clcnn_status nothing(struct clcnn_run *run, const struct clcnn_step *step)
{
    (void)run;
    (void)step;
    return CLCNN_STATUS_OK;
}

const struct clcnn_step_impl clcnn_step_constant = {
    .name = "constant",
    .forward = nothing,
};

/* ---- functions of elements ------------------------------------------------------------------- */

static void destroy(struct clcnn_step *step)
{
    struct clcnn_map *op = step->op;
    clcnn_map_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status create_map(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_map *op = NULL;
    struct clcnn_map_params params = step->layer->u.map;
    params.type = clcnn_plan_dtype(plan, params.type);
    params.to = clcnn_plan_dtype(plan, params.to);
    enum clcnn_status status = clcnn_map_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static enum clcnn_status run_map(struct clcnn_run *run, const struct clcnn_step *step)
{
    struct clcnn_array operands[3], y = clcnn_step_output_array(run, step);
    for (int i = 0; i < step->input_count && i < 3; i++)
        operands[i] = clcnn_step_array(run, step, i);
    return clcnn_map_forward(step->op, operands, (size_t)step->input_count, &y,
                             clcnn_run_next(run));
}

const struct clcnn_step_impl clcnn_step_map = {
    .name = "map",
    .create = create_map,
    .destroy = destroy,
    .forward = run_map,
};

/* ---- concatenation --------------------------------------------------------------------------- */

static enum clcnn_status create_join(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_map *op = NULL;
    enum clcnn_dtype dtype = clcnn_plan_dtype(plan, step->layer->dtype);
    struct clcnn_map_params params = {.function = CLCNN_FUNCTION_COPY, .type = dtype, .to = dtype};
    enum clcnn_status status = clcnn_map_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static enum clcnn_status run_join(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int axis = step->layer->u.axis;
    int64_t at = 0;
    for (int i = 0; i < step->input_count; i++) {
        struct clcnn_array x = clcnn_step_array(run, step, i);
        struct clcnn_array y = clcnn_step_output_array(run, step);
        int64_t size = x.view.size[axis];
        TRY(clcnn_view_slice(&y.view, axis, at, 1, size, &y.view));
        TRY(clcnn_map_forward(step->op, &x, 1, &y, clcnn_run_next(run)));
        at += size;
    }
done:
    return status;
}

const struct clcnn_step_impl clcnn_step_join = {
    .name = "join",
    .create = create_join,
    .destroy = destroy,
    .forward = run_join,
};
