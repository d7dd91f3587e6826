/* 1x1, stride 1, no padding: the image is the matrix of patches. */
#include "op/conv2d_gemm.h"

static const char *unsupported(const struct clcnn_conv2d_problem *problem,
                               enum clcnn_conv2d_phase phase)
{
    (void)phase;
    if (problem->r != 1 || problem->s != 1)
        return "the kernel is not 1x1";
    if (problem->stride[0] != 1 || problem->stride[1] != 1)
        return "strides are not 1";
    if (problem->p != problem->h || problem->q != problem->w)
        return "there is padding";
    return NULL;
}

static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    return clcnn_conv2d_gemm_cost(problem, phase, true);
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    struct clcnn_conv2d_gemm *op = NULL;
    enum clcnn_status status = clcnn_conv2d_gemm_create(problem, phase, true, &op);
    *state = op;
    return status;
}

const struct clcnn_conv2d_impl clcnn_conv2d_gemm_1x1 = {
    .name = "gemm_1x1",
    .algorithm = CLCNN_CONV2D_ALGORITHM_GEMM_1X1,
    .unsupported = unsupported,
    .cost = cost,
    .error_bound = clcnn_conv2d_sum_bound,
    .create = create,
    .destroy = clcnn_conv2d_gemm_destroy,
    .workspace = clcnn_conv2d_gemm_workspace,
    .run = clcnn_conv2d_gemm_run,
    .packed_filter = clcnn_conv2d_gemm_packed_filter,
    .pack_filter = clcnn_conv2d_gemm_pack_filter,
    .packed_workspace = clcnn_conv2d_gemm_packed_workspace,
};
