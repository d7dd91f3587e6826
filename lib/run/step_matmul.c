/* Products of matrices that are both computed at run time. */
#include "run/plan.h"
#include <clcnn/gemm.h>

/* Sizes of one product; the inputs are dense in their last two dimensions. */
static struct clcnn_gemm_params sizes(const struct clcnn_step *step)
{
    const struct clcnn_layer *layer = step->layer;
    const struct clcnn_view *a = &layer->views[0];
    int last = layer->shape.rank - 1;
    return (struct clcnn_gemm_params){
        .m = layer->shape.dim[last - 1], .n = layer->shape.dim[last], .k = a->size[last]};
}

static enum clcnn_status create(struct clcnn_plan *plan, struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_gemm *op = NULL;
    struct clcnn_gemm_params params = sizes(step);
    params.storage = plan->params.storage;
    TRY(clcnn_gemm_create(plan->device, &params, &op));
    step->op = op;
    step->workspace = clcnn_gemm_workspace_size(op, false);
done:
    return status;
}

static void destroy(struct clcnn_step *step)
{
    struct clcnn_gemm *op = step->op;
    clcnn_gemm_destroy(&op);
    step->op = NULL;
}

/* Element (index[0], ..., index[count - 1], 0, 0) of the view. */
static int64_t offset_of(const struct clcnn_view *view, const int64_t *index, int count)
{
    int64_t at = view->offset;
    for (int i = 0; i < count; i++)
        at += index[i] * view->stride[i];
    return at;
}

static struct clcnn_buffer matrix(const struct clcnn_array *array, const int64_t *index, int count,
                                  int64_t elements, size_t size)
{
    return clcnn_buffer_slice(array->buffer, (size_t)offset_of(&array->view, index, count) * size,
                              (size_t)elements * size);
}

static enum clcnn_status forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_gemm_params p = sizes(step);
    struct clcnn_array a = clcnn_step_array(run, step, 0), b = clcnn_step_array(run, step, 1);
    struct clcnn_array y = clcnn_step_output_array(run, step);
    int batches = y.view.rank - 2;
    size_t size = clcnn_dtype_size(run->plan->params.storage);
    int64_t index[CLCNN_MAX_RANK] = {0}, left = 1;
    for (int i = 0; i < batches; i++)
        left *= y.view.size[i];
    for (; left > 0; left--) {
        struct clcnn_buffer am = matrix(&a, index, batches, p.m * p.k, size);
        struct clcnn_buffer bm = matrix(&b, index, batches, p.k * p.n, size);
        struct clcnn_buffer ym = matrix(&y, index, batches, p.m * p.n, size);
        struct clcnn_gemm_args args = {
            .a = &am, .b = &bm, .c = &ym, .workspace = run->plan->workspace};
        TRY(clcnn_gemm_run(step->op, &args, clcnn_run_next(run)));
        for (int i = batches - 1; i >= 0 && ++index[i] == y.view.size[i]; i--)
            index[i] = 0;
    }
done:
    return status;
}

const struct clcnn_step_impl clcnn_step_matmul = {
    .name = "matmul",
    .create = create,
    .destroy = destroy,
    .forward = forward,
};
