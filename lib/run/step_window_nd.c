/* Steps of windows of any spatial rank. */
#include "run/plan.h"

/* The output [N][...][K] as (N, K, ...). */
static enum clcnn_status channels_first(struct clcnn_array *y)
{
    int axes[CLCNN_MAX_RANK] = {0, y->view.rank - 1};
    for (int i = 2; i < y->view.rank; i++)
        axes[i] = i - 1;
    return clcnn_view_permute(&y->view, axes, &y->view);
}

/* ---- pooling --------------------------------------------------------------------------------- */

/* Where only the places of the maxima are asked for, the maxima go to the workspace. */
static enum clcnn_status create_pool(struct clcnn_plan *plan, struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_pool_nd *op = NULL;
    struct clcnn_pool_nd_params params = step->layer->u.pool_nd.params;
    params.type = plan->params.storage;
    TRY(clcnn_pool_nd_create(plan->device, &params, &op));
    step->op = op;
    if (step->layer->u.pool_nd.indices)
        step->workspace = (size_t)plan->params.batch * (size_t)plan->values[step->output].elements *
                          sizeof(float);
done:
    return status;
}

static void destroy_pool(struct clcnn_step *step)
{
    struct clcnn_pool_nd *op = step->op;
    clcnn_pool_nd_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status run_pool(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_array x = clcnn_step_array(run, step, 0), y = clcnn_step_output_array(run, step);
    if (step->layer->u.pool_nd.indices) {
        struct clcnn_array maxima = {run->plan->workspace, y.view};
        return clcnn_pool_nd_forward(step->op, &x, &maxima, &y, clcnn_run_next(run));
    }
    TRY(channels_first(&y));
    TRY(clcnn_pool_nd_forward(step->op, &x, &y, NULL, clcnn_run_next(run)));
done:
    return status;
}

const struct clcnn_step_impl clcnn_step_pool_nd = {
    .name = "pool_nd",
    .create = create_pool,
    .destroy = destroy_pool,
    .forward = run_pool,
};

/* ---- unpooling ------------------------------------------------------------------------------- */

static enum clcnn_status create_unpool(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_unpool *op = NULL;
    enum clcnn_status status = clcnn_unpool_create(plan->device, plan->params.storage, &op);
    step->op = op;
    return status;
}

static void destroy_unpool(struct clcnn_step *step)
{
    struct clcnn_unpool *op = step->op;
    clcnn_unpool_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status run_unpool(struct clcnn_run *run, const struct clcnn_step *step)
{
    struct clcnn_array x = clcnn_step_array(run, step, 0), index = clcnn_step_array(run, step, 1);
    struct clcnn_array y = clcnn_step_output_array(run, step);
    return clcnn_unpool_forward(step->op, &x, &index, &y, clcnn_run_next(run));
}

const struct clcnn_step_impl clcnn_step_unpool = {
    .name = "unpool",
    .create = create_unpool,
    .destroy = destroy_unpool,
    .forward = run_unpool,
};

/* ---- convolution ----------------------------------------------------------------------------- */

static enum clcnn_status create_conv(struct clcnn_plan *plan, struct clcnn_step *step)
{
    struct clcnn_conv_nd *op = NULL;
    struct clcnn_conv_nd_params params = step->layer->u.conv_nd;
    params.type = plan->params.storage;
    enum clcnn_status status = clcnn_conv_nd_create(plan->device, &params, &op);
    step->op = op;
    return status;
}

static void destroy_conv(struct clcnn_step *step)
{
    struct clcnn_conv_nd *op = step->op;
    clcnn_conv_nd_destroy(&op);
    step->op = NULL;
}

static enum clcnn_status run_conv(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_array arrays[3], y = clcnn_step_output_array(run, step);
    for (int i = 0; i < step->input_count && i < 3; i++)
        arrays[i] = clcnn_step_array(run, step, i);
    TRY(channels_first(&y));
    TRY(clcnn_conv_nd_forward(step->op, &arrays[0], &arrays[1],
                              step->input_count > 2 ? &arrays[2] : NULL, &y, clcnn_run_next(run)));
done:
    return status;
}

const struct clcnn_step_impl clcnn_step_conv_nd = {
    .name = "conv_nd",
    .create = create_conv,
    .destroy = destroy_conv,
    .forward = run_conv,
};
