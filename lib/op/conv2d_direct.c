/* Convolution by its definition (cl/conv2d_direct_cpu.cl, cl/conv2d_direct_gpu.cl): every legal
 * problem, no workspace. */
#include "base/memory.h"
#include "op/conv2d.h"
#include "op/storage.h"
#include <stdio.h>
#include <stdlib.h>

struct direct {
    struct clcnn_conv2d_problem problem;
    struct clcnn_kernel *kernel;
    enum clcnn_conv2d_phase phase;
    bool gpu, depthwise;
    int lanes;
};

static int vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    int width = problem->vector_width;
    return width >= 16 ? 16 : width >= 8 ? 8 : 4; /* as cl/vector.cl */
}

static bool is_depthwise(const struct clcnn_conv2d_problem *problem)
{
    return problem->groups == problem->c && problem->groups == problem->k;
}

/* The kernels for depthwise convolutions, which sum in the result. */
static bool uses_rows(const struct clcnn_conv2d_problem *problem)
{
    return is_depthwise(problem) && problem->storage == CLCNN_DTYPE_FLOAT32;
}

static const char *unsupported(const struct clcnn_conv2d_problem *problem,
                               enum clcnn_conv2d_phase phase)
{
    (void)problem;
    (void)phase;
    return NULL;
}

/* Measured shares of the peak: the CPU kernels fill their lanes from C/G, and load about as often
 * as they multiply. */
static double efficiency(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    static const double cpu[] = {[CLCNN_CONV2D_PHASE_FORWARD] = 0.3,
                                 [CLCNN_CONV2D_PHASE_BACKWARD_DATA] = 0.12,
                                 [CLCNN_CONV2D_PHASE_BACKWARD_FILTER] = 0.15};
    int64_t lanes = vector_lanes(problem), channels = clcnn_conv2d_channels(problem);
    if (problem->family == CLCNN_DEVICE_CLASS_GPU)
        return 0.05;
    if (uses_rows(problem))
        return 0.1;
    if (channels < lanes)
        return 0.1 * (double)channels / (double)lanes;
    return cpu[phase] * (double)channels / (double)clcnn_round_up(channels, lanes);
}

static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    return 5e-6 + clcnn_conv2d_flops(problem) / (problem->peak * efficiency(problem, phase)) +
           clcnn_conv2d_traffic(problem) / problem->bandwidth;
}

static void destroy(void *state)
{
    struct direct *direct = state;
    clcnn_kernel_destroy(&direct->kernel);
    free(direct);
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct direct *direct = NULL;
    char name[64];
    TRY(clcnn_alloc(1, sizeof(*direct), &direct));
    direct->problem = *problem;
    direct->phase = phase;
    direct->gpu = problem->family == CLCNN_DEVICE_CLASS_GPU;
    direct->depthwise = !direct->gpu && uses_rows(problem);
    direct->lanes = vector_lanes(problem);
    snprintf(name, sizeof(name), "conv2d_direct_%s%s", direct->depthwise ? "depthwise_" : "",
             clcnn_conv2d_phase_name(phase));
    TRY(clcnn_kernel_create(problem->device,
                            direct->gpu ? "conv2d_direct_gpu" : "conv2d_direct_cpu",
                            clcnn_storage_option(problem->storage), name, &direct->kernel));
    *state = direct;
    direct = NULL;
done:
    if (direct)
        destroy(direct);
    return status;
}

static size_t workspace(const void *state)
{
    (void)state;
    return 0;
}

/* Work-groups as the kernels' comments say. */
static struct clcnn_grid grid_of(const struct direct *direct, const struct clcnn_conv2d_call *call)
{
    const struct clcnn_conv2d_problem *problem = &direct->problem;
    bool data = direct->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    int64_t rows = call->n * (data ? problem->h : problem->p);
    int64_t width = data ? problem->w * problem->c : problem->q * problem->k;
    int64_t bias = call->args->db ? 1 : 0;
    if (direct->gpu && direct->phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        return GRID2((clcnn_conv2d_taps(problem) + bias) * clcnn_divide_up(problem->k, 32), 1, 32,
                     8);
    if (direct->gpu)
        return GRID1(rows * clcnn_divide_up(width, 64), 64);
    if (direct->phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        rows = problem->r * problem->s + bias;
    if (direct->depthwise)
        return GRID1(rows * clcnn_divide_up(problem->k, direct->lanes), 1);
    int64_t tiles = data ? clcnn_divide_up(clcnn_conv2d_channels(problem), 4 * direct->lanes)
                         : clcnn_divide_up(clcnn_conv2d_filters(problem), 4);
    return GRID1(rows * problem->groups * tiles, 1);
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    struct direct *direct = state;
    const struct clcnn_conv2d_problem *problem = &direct->problem;
    const struct clcnn_conv2d_args *args = call->args;
    struct clcnn_grid grid = grid_of(direct, call);
    if (direct->phase == CLCNN_CONV2D_PHASE_FORWARD)
        return clcnn_launch(call->stream, direct->kernel, grid,
                            ARGS(BUFFER(args->x), BUFFER(args->w), BUFFER(args->bias),
                                 BUFFER(args->y), CONV2D_SHAPE(problem, call->n),
                                 INT(problem->use_bias), INT(problem->accumulate),
                                 INT(problem->activation), FLOAT(problem->alpha)));
    if (direct->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        return clcnn_launch(call->stream, direct->kernel, grid,
                            ARGS(BUFFER(args->dy), BUFFER(args->w), BUFFER(args->dx),
                                 CONV2D_SHAPE(problem, call->n)));
    return clcnn_launch(call->stream, direct->kernel, grid,
                        ARGS(BUFFER(args->x), BUFFER(args->dy), BUFFER(args->dw), BUFFER(args->db),
                             CONV2D_SHAPE(problem, call->n)));
}

const struct clcnn_conv2d_impl clcnn_conv2d_direct = {
    .name = "direct",
    .algorithm = CLCNN_CONV2D_ALGORITHM_DIRECT,
    .stores_half = true,
    .unsupported = unsupported,
    .cost = cost,
    .error_bound = clcnn_conv2d_sum_bound,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
};
