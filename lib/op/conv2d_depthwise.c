/* One channel per group, one or more filters each (cl/conv2d_depthwise_cpu.cl,
 * cl/conv2d_depthwise_gpu.cl, conv2d_depthwise_window.c). */
#include "base/memory.h"
#include "op/conv2d_depthwise_window.h"
#include "op/storage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* As in the kernels. */
enum { GROUP = 64, GPU_TILE = 4, TILE = 7, TAPS = 9 };

/* Bytes of local memory for what a block of pixels meets: it shares the first-level cache with the
 * filter and the result. */
enum { IMAGE_BYTES = 32 << 10 };

/* What begins and ends a row, in copied pixels. */
enum { ROW_COST = 10 };

struct depthwise {
    struct clcnn_conv2d_problem problem;
    enum clcnn_conv2d_phase phase;
    struct clcnn_kernel *kernel, *reduce;
    struct clcnn_conv2d_window *window; /* in place of the kernels, if not NULL */
    bool gpu;
    /* CPU */
    int64_t lanes, vectors; /* vectors of channels */
    int64_t block[2];       /* pixels of a block of the result, down and across */
    int64_t pitch;          /* pixels of a row that such a block meets */
    size_t tap_bytes, image_bytes;
    /* Gradient to the filter: GPU: of the rows (n, p); CPU: of the blocks; at most */
    int64_t ranges;
};

static int64_t vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    int width = problem->vector_width;
    return width >= 16 ? 16 : width >= 8 ? 8 : 4; /* as cl/vector.cl */
}

static bool is_data(enum clcnn_conv2d_phase phase)
{
    return phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
}

/* The pixels that `pixels` of the result meet along axis i, 0 = down, 1 = across. */
static int64_t met(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase, int i,
                   int64_t pixels)
{
    int64_t reach = ((i == 0 ? problem->r : problem->s) - 1) * problem->dilation[i];
    if (is_data(phase))
        return (pixels - 1 + reach) / problem->stride[i] + 2;
    return (pixels - 1) * problem->stride[i] + reach + 1;
}

/* Across, tiles compute whole. */
static int64_t met_across(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase,
                          int64_t pixels)
{
    int64_t step = is_data(phase) ? TILE * problem->stride[1] : TILE;
    return met(problem, phase, 1, clcnn_round_up(pixels, step));
}

static int64_t image_bytes(const struct clcnn_conv2d_problem *problem,
                           enum clcnn_conv2d_phase phase, int64_t down, int64_t across)
{
    return met(problem, phase, 0, down) * met_across(problem, phase, across) *
           vector_lanes(problem) * (int64_t)sizeof(float);
}

static int64_t tap_bytes(const struct clcnn_conv2d_problem *problem)
{
    return (problem->r * problem->s + 1) * vector_lanes(problem) * (int64_t)sizeof(float);
}

static bool uses_window(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    return problem->family != CLCNN_DEVICE_CLASS_GPU && clcnn_conv2d_window_usable(problem, phase);
}

static const char *unsupported(const struct clcnn_conv2d_problem *problem,
                               enum clcnn_conv2d_phase phase)
{
    int64_t local = (int64_t)clcnn_device_info(problem->device)->local_bytes;
    if (problem->groups != problem->c)
        return "more than one channel per group";
    if (problem->family != CLCNN_DEVICE_CLASS_GPU &&
        tap_bytes(problem) + image_bytes(problem, phase, 1, 1) > local)
        return "the filter exceeds local memory";
    return NULL;
}

/* Half of the peak where the operands are close, else the memory's speed. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    double lanes = (double)vector_lanes(problem), channels = (double)problem->c;
    double share = 0.05;
    if (uses_window(problem, phase))
        return clcnn_conv2d_window_cost(problem, phase);
    if (problem->family != CLCNN_DEVICE_CLASS_GPU)
        share = 0.35 * channels / (double)clcnn_round_up(problem->c, (int64_t)lanes);
    if (problem->family != CLCNN_DEVICE_CLASS_GPU && problem->k > problem->c)
        share *= 0.3;
    return 4e-6 + (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER ? 2e-6 : 0.0) +
           clcnn_conv2d_flops(problem) / (problem->peak * share) +
           0.5 * clcnn_conv2d_traffic(problem) / problem->bandwidth;
}

static void destroy(void *state)
{
    struct depthwise *op = state;
    clcnn_kernel_destroy(&op->kernel);
    clcnn_kernel_destroy(&op->reduce);
    clcnn_conv2d_window_destroy(&op->window);
    free(op);
}

static size_t range_bytes(const struct depthwise *op)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t columns = op->gpu ? problem->k : op->vectors * op->lanes * problem->k / problem->c;
    return (size_t)((problem->r * problem->s + 1) * columns) * sizeof(float);
}

/* The pixels of the result. */
static int64_t side(const struct depthwise *op, int i)
{
    const struct clcnn_conv2d_problem *p = &op->problem;
    if (is_data(op->phase))
        return i == 0 ? p->h : p->w;
    return i == 0 ? p->p : p->q;
}

static int64_t blocks_of(const struct depthwise *op, int64_t n)
{
    return n * clcnn_divide_up(side(op, 0), op->block[0]) *
           clcnn_divide_up(side(op, 1), op->block[1]);
}

/* The tallest block of a width that fits; 0 if none does. */
static int64_t tallest(const struct depthwise *op, int64_t width, int64_t bytes)
{
    int64_t height = side(op, 0);
    while (height > 0 && image_bytes(&op->problem, op->phase, height, width) > bytes)
        height = height > 16 ? height - height / 8 : height - 1;
    return height ? clcnn_divide_up(side(op, 0), clcnn_divide_up(side(op, 0), height)) : 0;
}

/* The block that copies the fewest pixels for one of its own. */
static void plan_block(struct depthwise *op)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t unit = is_data(op->phase) ? TILE * problem->stride[1] : TILE, width = side(op, 1);
    int64_t local = (int64_t)clcnn_device_info(problem->device)->local_bytes - tap_bytes(problem);
    double least = INFINITY;
    for (int64_t tiles = clcnn_divide_up(width, unit); tiles > 0; tiles = tiles / 2) {
        int64_t across = clcnn_min(width, tiles * unit);
        int64_t down = tallest(op, across, clcnn_min(IMAGE_BYTES, local));
        if (down == 0 && tiles == 1)
            down = clcnn_max(1, tallest(op, across, local));
        double each = (double)(met(problem, op->phase, 0, down) *
                               (met_across(problem, op->phase, across) + ROW_COST)) /
                      (double)(down * across);
        if (down > 0 && each < least) {
            least = each;
            op->block[0] = down;
            op->block[1] = across;
        }
    }
    while (op->block[0] > 1 && blocks_of(op, problem->n) * op->vectors < 4 * problem->compute_units)
        op->block[0] = clcnn_divide_up(op->block[0], 2);
    op->pitch = met_across(problem, op->phase, op->block[1]);
    op->image_bytes = (size_t)image_bytes(problem, op->phase, op->block[0], op->block[1]);
    op->tap_bytes = (size_t)tap_bytes(problem);
}

/* Work-items enough for all compute units, within the workspace; the CPU needs none for one range,
 * which is the result. */
static enum clcnn_status plan_filter(struct depthwise *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t items = op->gpu ? clcnn_divide_up(problem->k, GROUP) : op->vectors;
    int64_t wanted = clcnn_divide_up((op->gpu ? 64 : 4) * problem->compute_units, items);
    int64_t most = op->gpu ? problem->n * problem->p : blocks_of(op, problem->n);
    int64_t affordable = (int64_t)(problem->max_workspace / range_bytes(op));
    if (op->gpu && affordable < 1)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace", range_bytes(op)));
    op->ranges = clcnn_max(1, clcnn_min(clcnn_min(wanted, affordable), most));
done:
    return status;
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct depthwise *op = NULL;
    bool filter = phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
    char name[64];
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    op->phase = phase;
    op->gpu = problem->family == CLCNN_DEVICE_CLASS_GPU;
    op->lanes = vector_lanes(problem);
    op->vectors = clcnn_divide_up(problem->c, op->lanes);
    if (uses_window(problem, phase)) {
        TRY(clcnn_conv2d_window_create(problem, phase, &op->window));
        *state = op;
        return status;
    }
    if (!op->gpu)
        plan_block(op);
    if (filter)
        TRY(plan_filter(op));
    const char *program = op->gpu ? "conv2d_depthwise_gpu" : "conv2d_depthwise_cpu";
    snprintf(name, sizeof(name), "conv2d_depthwise_%s", clcnn_conv2d_phase_name(phase));
    TRY(clcnn_kernel_create(problem->device, program, clcnn_storage_option(problem->storage), name,
                            &op->kernel));
    if (filter && (op->gpu || op->ranges > 1))
        TRY(clcnn_kernel_create(problem->device, program, "", "conv2d_depthwise_reduce",
                                &op->reduce));
    *state = op;
    op = NULL;
done:
    if (op)
        destroy(op);
    return status;
}

static size_t workspace(const void *state)
{
    const struct depthwise *op = state;
    if (op->window)
        return clcnn_conv2d_window_workspace(op->window);
    return op->reduce ? (size_t)op->ranges * range_bytes(op) : 0;
}

/* Blocks of a work-item: so many that its filter is loaded for more than a few pixels, but enough
 * work-items for all compute units. */
static int64_t blocks_each(const struct depthwise *op, int64_t blocks)
{
    return clcnn_max(1, blocks * op->vectors / (16 * op->problem.compute_units));
}

static enum clcnn_status forward(struct depthwise *op, const struct clcnn_conv2d_call *call)
{
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    if (op->gpu) {
        int64_t items = call->n * p->p * clcnn_divide_up(p->q, GPU_TILE) * p->k;
        return clcnn_launch(call->stream, op->kernel, GRID1(clcnn_divide_up(items, GROUP), GROUP),
                            ARGS(BUFFER(args->x), BUFFER(args->w), BUFFER(args->bias),
                                 BUFFER(args->y), CONV2D_SHAPE(p, call->n), INT(p->use_bias),
                                 INT(p->accumulate), INT(p->activation), FLOAT(p->alpha)));
    }
    int64_t blocks = blocks_of(op, call->n), each = blocks_each(op, blocks);
    return clcnn_launch(
        call->stream, op->kernel, GRID2(op->vectors, clcnn_divide_up(blocks, each), 1, 1),
        ARGS(BUFFER(args->x), BUFFER(args->w), BUFFER(args->bias), BUFFER(args->y),
             CONV2D_SHAPE(p, call->n), INT(op->block[0]), INT(op->block[1]), INT(op->pitch),
             INT(each), INT(p->use_bias), INT(p->accumulate), INT(p->activation), FLOAT(p->alpha),
             LOCAL(op->tap_bytes), LOCAL(op->image_bytes)));
}

static enum clcnn_status backward_data(struct depthwise *op, const struct clcnn_conv2d_call *call)
{
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    if (op->gpu) {
        int64_t across = clcnn_divide_up(p->w, GPU_TILE * p->stride[1]) * p->stride[1];
        return clcnn_launch(
            call->stream, op->kernel,
            GRID1(clcnn_divide_up(call->n * p->h * across * p->c, GROUP), GROUP),
            ARGS(BUFFER(args->dy), BUFFER(args->w), BUFFER(args->dx), CONV2D_SHAPE(p, call->n)));
    }
    int64_t blocks = blocks_of(op, call->n), each = blocks_each(op, blocks);
    return clcnn_launch(
        call->stream, op->kernel, GRID2(op->vectors, clcnn_divide_up(blocks, each), 1, 1),
        ARGS(BUFFER(args->dy), BUFFER(args->w), BUFFER(args->dx), CONV2D_SHAPE(p, call->n),
             INT(op->block[0]), INT(op->block[1]), INT(op->pitch), INT(each), LOCAL(op->tap_bytes),
             LOCAL(op->image_bytes)));
}

static enum clcnn_status backward_filter_gpu(struct depthwise *op,
                                             const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t rows = call->n * p->p, band = clcnn_divide_up(rows, op->ranges);
    int64_t ranges = clcnn_divide_up(rows, band), taps = p->r * p->s;
    TRY(clcnn_launch(
        call->stream, op->kernel,
        GRID3(clcnn_divide_up(p->k, GROUP), ranges, clcnn_divide_up(taps, TAPS), GROUP, 1, 1),
        ARGS(BUFFER(args->x), BUFFER(args->dy), BUFFER(args->workspace), CONV2D_SHAPE(p, call->n),
             INT(band))));
    TRY(clcnn_launch(call->stream, op->reduce,
                     GRID1(clcnn_divide_up((taps + 1) * p->k, GROUP), GROUP),
                     ARGS(BUFFER(args->workspace), BUFFER(args->dw), BUFFER(args->db), INT(p->k),
                          INT(taps), INT(ranges), INT(args->db != NULL))));
done:
    return status;
}

static enum clcnn_status backward_filter(struct depthwise *op, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t blocks = blocks_of(op, call->n), each = clcnn_divide_up(blocks, op->ranges);
    int64_t ranges = clcnn_divide_up(blocks, each);
    TRY(clcnn_launch(call->stream, op->kernel, GRID2(op->vectors, ranges, 1, 1),
                     ARGS(BUFFER(args->x), BUFFER(args->dy), BUFFER(args->dw), BUFFER(args->db),
                          BUFFER(ranges > 1 ? args->workspace : NULL), CONV2D_SHAPE(p, call->n),
                          INT(op->block[0]), INT(op->block[1]), INT(op->pitch), INT(each),
                          INT(args->db != NULL), LOCAL(op->tap_bytes), LOCAL(op->image_bytes))));
    if (ranges > 1)
        TRY(clcnn_launch(call->stream, op->reduce, GRID1(op->vectors, 1),
                         ARGS(BUFFER(args->workspace), BUFFER(args->dw), BUFFER(args->db),
                              INT(p->c), INT(p->k / p->c), INT(p->r * p->s), INT(ranges),
                              INT(args->db != NULL), LOCAL(op->tap_bytes))));
done:
    return status;
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    struct depthwise *op = state;
    if (op->window)
        return clcnn_conv2d_window_run(op->window, call);
    if (op->phase == CLCNN_CONV2D_PHASE_FORWARD)
        return forward(op, call);
    if (op->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        return backward_data(op, call);
    return op->gpu ? backward_filter_gpu(op, call) : backward_filter(op, call);
}

const struct clcnn_conv2d_impl clcnn_conv2d_depthwise = {
    .name = "depthwise",
    .algorithm = CLCNN_CONV2D_ALGORITHM_DEPTHWISE,
    .stores_half = true,
    .unsupported = unsupported,
    .cost = cost,
    .error_bound = clcnn_conv2d_sum_bound,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
};
