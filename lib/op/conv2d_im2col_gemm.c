/* Patches written in chunks, then matrix products. */
#include "op/conv2d_gemm.h"

static const char *unsupported(const struct clcnn_conv2d_problem *problem,
                               enum clcnn_conv2d_phase phase)
{
    (void)problem;
    (void)phase;
    return NULL;
}

static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    return clcnn_conv2d_gemm_cost(problem, phase, false);
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    struct clcnn_conv2d_gemm *op = NULL;
    enum clcnn_status status = clcnn_conv2d_gemm_create(problem, phase, false, &op);
    *state = op;
    return status;
}

const struct clcnn_conv2d_impl clcnn_conv2d_im2col_gemm = {
    .name = "im2col_gemm",
    .algorithm = CLCNN_CONV2D_ALGORITHM_IM2COL_GEMM,
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
