/* The gradient to the data of 1x1 convolutions, from tensors where they lie
 * (cl/conv2d_data_in_place_cpu.cl). */
#include "base/memory.h"
#include "op/conv2d_implicit_gemm.h"
#include <math.h>
#include <stdlib.h>

/* What was measured on a 2-core Sapphire Rapids with pocl 3.1. */
#define ITEM_FLOPS  3e6                  /* of a work-item, or more */
#define NEAR_FLOATS ((int64_t)256 << 10) /* of a filter that stays in the cache of a core */
enum {
    ITEMS = 8, /* work-items for a core, at least: with fewer, one that wakes late is missed */
    MOST_ITEMS = 32,
    SHARING_TILES = 4, /* of what is read of a large filter, and panels, of rows of dy */
    SHARING_PANELS = 4
};

struct data_in_place {
    struct clcnn_conv2d_problem problem;
    struct clcnn_kernel *multiply;
    int64_t tiles, panels;           /* places / mr; of a group: channels / nr */
    int64_t tiles_each, panels_each; /* of a work-item */
};

static int64_t vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    return problem->vector_width >= 16 ? 16 : problem->vector_width >= 8 ? 8 : 4;
}

/* Places and channels of a register tile, as in the kernel. */
static int64_t tile_places(const struct clcnn_conv2d_problem *problem)
{
    int64_t lanes = vector_lanes(problem);
    return lanes == 16 ? 14 : lanes == 8 ? 6 : 8;
}
static int64_t tile_channels(const struct clcnn_conv2d_problem *problem)
{
    return 2 * vector_lanes(problem);
}

/* Places of one image: pixels, or outputs where those are few. */
static int64_t places_of(const struct clcnn_conv2d_problem *problem)
{
    bool sparse = problem->stride[0] > 1 || problem->stride[1] > 1;
    return sparse ? problem->p * problem->q : problem->h * problem->w;
}

static bool usable(const struct clcnn_conv2d_problem *problem)
{
    int64_t channels = clcnn_conv2d_channels(problem);
    bool padded = problem->pad[0] || problem->pad[1] || problem->pad[2] || problem->pad[3];
    bool dense = problem->stride[0] == 1 && problem->stride[1] == 1;
    return (dense || (problem->r * problem->s == 1 && !padded)) &&
           places_of(problem) >= tile_places(problem) && channels >= tile_channels(problem) &&
           channels % vector_lanes(problem) == 0;
}

/* Some work-items for every core: few tiles and all panels, so that dx is written in order; or,
 * where the filter is large, some of both, which share what is read and what is copied. */
static void plan(struct data_in_place *op)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    double items = fmin(clcnn_conv2d_flops(problem) / ITEM_FLOPS,
                        (double)(MOST_ITEMS * problem->compute_units));
    int64_t wanted = clcnn_max((int64_t)items, ITEMS * problem->compute_units);
    wanted = clcnn_divide_up(wanted, problem->groups);
    op->tiles = clcnn_divide_up(problem->n * places_of(problem), tile_places(problem));
    op->panels = clcnn_divide_up(clcnn_conv2d_channels(problem), tile_channels(problem));
    bool near = clcnn_conv2d_filters(problem) * clcnn_conv2d_taps(problem) <= NEAR_FLOATS;
    op->tiles_each = clcnn_max(1, op->tiles / wanted);
    if (!near)
        op->tiles_each = clcnn_max(op->tiles_each, clcnn_min(op->tiles, SHARING_TILES));
    int64_t shares = clcnn_divide_up(op->tiles, op->tiles_each);
    op->panels_each = clcnn_divide_up(op->panels, clcnn_max(1, wanted / shares));
    if (!near && op->panels * shares >= 2 * SHARING_PANELS * problem->compute_units)
        op->panels_each = clcnn_max(op->panels_each, SHARING_PANELS);
}

/* Products nearly at the peak; rows of dy copied for every share of the panels, a vector in
 * a cycle and a half; w read by every share of the tiles, and half of memory's time passes
 * meanwhile. Measured within 20 % of this on AVX-512. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    struct data_in_place op = {.problem = *problem};
    (void)phase;
    plan(&op);
    double lanes = (double)vector_lanes(problem), cycles_per_second = problem->peak / (4.0 * lanes);
    double places = (double)(problem->n * places_of(problem) * problem->r * problem->s);
    double depth = (double)problem->k, channels = (double)(op.panels * tile_channels(problem));
    double multiply = 1.05 * places * depth * channels / (2.0 * lanes);
    double shares = (double)clcnn_divide_up(op.panels, op.panels_each);
    double copy = 1.5 * places * depth / lanes * shares;
    double filter = (double)(problem->k * clcnn_conv2d_taps(problem)) * sizeof(float);
    double again = (double)clcnn_divide_up(op.tiles, op.tiles_each) - 1.0;
    bool near = clcnn_conv2d_filters(problem) * clcnn_conv2d_taps(problem) <= NEAR_FLOATS;
    double bytes = clcnn_conv2d_traffic(problem) + (near ? 0.0 : again * filter);
    return 1.5e-5 + (multiply + copy) / cycles_per_second + 0.5 * bytes / problem->bandwidth;
}

static void destroy(void *state)
{
    struct data_in_place *op = state;
    clcnn_kernel_destroy(&op->multiply);
    free(op);
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct data_in_place *op = NULL;
    (void)phase;
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    plan(op);
    TRY(clcnn_kernel_create(problem->device, "conv2d_data_in_place_cpu", "", "conv2d_data_in_place",
                            &op->multiply));
    *state = op;
    op = NULL;
done:
    if (op)
        destroy(op);
    return status;
}

static size_t workspace(const void *state)
{
    (void)state;
    return 0;
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    struct data_in_place *op = state;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t tiles = clcnn_divide_up(call->n * places_of(p), tile_places(p));
    return clcnn_launch(call->stream, op->multiply,
                        GRID3(clcnn_divide_up(tiles, op->tiles_each),
                              clcnn_divide_up(op->panels, op->panels_each), p->groups, 1, 1, 1),
                        ARGS(BUFFER(args->dy), BUFFER(args->w), BUFFER(args->dx),
                             CONV2D_SHAPE(p, call->n), INT(op->tiles_each), INT(op->panels_each)));
}

const struct clcnn_conv2d_implicit_part clcnn_conv2d_data_in_place = {
    .usable = usable,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
};
