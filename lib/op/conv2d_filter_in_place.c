/* The gradient to the filter from tensors where they lie (cl/conv2d_filter_in_place_cpu.cl). */
#include "base/memory.h"
#include "op/conv2d_implicit_gemm.h"
#include <math.h>
#include <stdlib.h>

/* Floats that a work-item of the reduction adds up, as in the kernel. */
enum { FLOATS = 4096 };

/* What was measured on a 2-core Sapphire Rapids with pocl 3.1. */
#define CACHE_BYTES ((double)(2 << 20)) /* of tensors that stay in the cache of a core */
#define MANY_BYTES  (8.0 * CACHE_BYTES) /* of tensors that take many work-items their time */
#define ITEM_FLOPS  3.2e6 /* of a work-item, so that none ends long before the others */
enum {
    ITEMS = 8, /* work-items for a core, at least: with fewer, one that wakes late is missed */
    MOST_ITEMS = 32,
    RESIDENT_DEPTH = 256, /* outputs that are multiplied at a time, about: without ranges, with */
    PASSING_DEPTH = 112
};

struct filter_in_place {
    struct clcnn_conv2d_problem problem;
    struct clcnn_kernel *multiply, *reduce;
    int64_t tiles, panels;           /* of a group: filters / mr, R S channels / nr */
    int64_t tiles_each, panels_each; /* of a work-item */
    int64_t ranges;                  /* of output rows, summed up apart */
    int64_t depth;                   /* outputs that are multiplied at a time, at most */
};

static int64_t vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    return problem->vector_width >= 16 ? 16 : problem->vector_width >= 8 ? 8 : 4;
}

/* Filters and channels of a register tile, as in cl/outer_products.cl. */
static int64_t tile_filters(const struct clcnn_conv2d_problem *problem)
{
    int64_t lanes = vector_lanes(problem);
    return lanes == 16 ? 13 : lanes == 8 ? 6 : 8;
}
static int64_t tile_channels(const struct clcnn_conv2d_problem *problem)
{
    return 2 * vector_lanes(problem);
}

static bool usable(const struct clcnn_conv2d_problem *problem)
{
    int64_t channels = clcnn_conv2d_channels(problem);
    return channels >= tile_channels(problem) && channels % vector_lanes(problem) == 0 &&
           clcnn_conv2d_filters(problem) >= tile_filters(problem);
}

static void destroy(void *state)
{
    struct filter_in_place *op = state;
    clcnn_kernel_destroy(&op->multiply);
    clcnn_kernel_destroy(&op->reduce);
    free(op);
}

/* Bytes of one range's sums. */
static size_t range_bytes(const struct clcnn_conv2d_problem *problem)
{
    return (size_t)(problem->k * (clcnn_conv2d_taps(problem) + 1)) * sizeof(float);
}

/* Bytes of x and dy. */
static double tensor_bytes(const struct clcnn_conv2d_problem *problem)
{
    double pixels = (double)clcnn_conv2d_pixels(problem);
    double image = fmin((double)(problem->n * problem->h * problem->w),
                        pixels * (double)(problem->r * problem->s));
    return sizeof(float) * (pixels * (double)problem->k + image * (double)problem->c);
}

/* Tensors that exceed the cache of a core pass through it once if work-items share them by ranges
 * of outputs; more ranges than pay for their sums make no sense. */
static int64_t plan_ranges(const struct clcnn_conv2d_problem *problem)
{
    double bytes = tensor_bytes(problem), range = (double)range_bytes(problem);
    double most = (bytes > MANY_BYTES ? 2.0 : 1.0) * ITEMS * problem->compute_units;
    if (bytes < CACHE_BYTES)
        return 1;
    most = fmin(most, 0.5 * bytes / range);
    most = fmin(most, 1.0 + (double)problem->max_workspace / range);
    return clcnn_max(1, clcnn_min((int64_t)most, problem->n * problem->p));
}

/* Some work-items for every core: ranges, then tiles, then panels. */
static void plan(struct filter_in_place *op)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    double items = fmin(clcnn_conv2d_flops(problem) / ITEM_FLOPS,
                        (double)(MOST_ITEMS * problem->compute_units));
    int64_t wanted = clcnn_max((int64_t)items, ITEMS * problem->compute_units);
    wanted = clcnn_divide_up(wanted, problem->groups);
    op->tiles = clcnn_divide_up(clcnn_conv2d_filters(problem), tile_filters(problem));
    op->panels = problem->r * problem->s *
                 clcnn_divide_up(clcnn_conv2d_channels(problem), tile_channels(problem));
    op->ranges = plan_ranges(problem);
    if (op->ranges > 1)
        wanted = clcnn_divide_up(ITEMS * problem->compute_units, op->ranges * problem->groups);
    op->tiles_each = op->ranges == 1 ? 1 : clcnn_divide_up(op->tiles, wanted);
    wanted = clcnn_divide_up(wanted, clcnn_divide_up(op->tiles, op->tiles_each));
    op->panels_each = clcnn_divide_up(op->panels, clcnn_min(op->panels, wanted));
    op->depth = op->ranges == 1 ? RESIDENT_DEPTH : PASSING_DEPTH;
}

/* Outputs along one axis whose pixel at `offset` from their own is inside the image. */
static int64_t inside(int64_t offset, int64_t stride, int64_t size, int64_t outputs)
{
    int64_t first = offset < 0 ? clcnn_divide_up(-offset, stride) : 0;
    int64_t end = offset < size ? clcnn_min(outputs, (size - 1 - offset) / stride + 1) : 0;
    return clcnn_max(0, end - first);
}

/* Pairs of an output and a tap inside the image, of one image. */
static double pairs_of(const struct clcnn_conv2d_problem *problem)
{
    int64_t down = 0, across = 0;
    for (int64_t r = 0; r < problem->r; r++)
        down += inside(r * problem->dilation[0] - problem->pad[0], problem->stride[0], problem->h,
                       problem->p);
    for (int64_t s = 0; s < problem->s; s++)
        across += inside(s * problem->dilation[1] - problem->pad[1], problem->stride[1], problem->w,
                         problem->q);
    return (double)down * (double)across;
}

/* Whole tiles nearly at the peak; the sums loaded and stored for every `depth` outputs;
 * half of memory's time passes meanwhile. Measured within 20 % of this on AVX-512. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    struct filter_in_place op = {.problem = *problem};
    (void)phase;
    plan(&op);
    double lanes = (double)vector_lanes(problem), cycles_per_second = problem->peak / (4.0 * lanes);
    double tiles = (double)(problem->groups * op.tiles * op.panels);
    double pairs = (double)problem->n * pairs_of(problem) / (double)(problem->r * problem->s);
    double blocks = fmax((double)op.ranges, pairs / (double)op.depth);
    double multiply = tiles * (double)tile_filters(problem) * (pairs / 0.95 + 8.0 * blocks);
    double bytes = tensor_bytes(problem) + 3.0 * (double)op.ranges * (double)range_bytes(problem);
    return 1.5e-5 + (op.ranges > 1 ? 5e-6 : 0.0) + multiply / cycles_per_second +
           0.5 * bytes / problem->bandwidth;
}

/* Where patches are pixels, rows of `depth` of them or less, all of one length. */
static struct clcnn_conv2d_problem fold(const struct filter_in_place *op, int64_t n)
{
    struct clcnn_conv2d_problem p = op->problem;
    bool pixels = p.r * p.s * p.stride[0] * p.stride[1] == 1 && p.p == p.h && p.q == p.w;
    int64_t rows = n * p.p, together = 1;
    p.n = n;
    if (!pixels)
        return p;
    for (int64_t i = 2; i <= rows && i * p.q <= op->depth; i++)
        if (rows % i == 0)
            together = i;
    p.n = 1;
    p.h = p.p = rows / together;
    p.w = p.q = p.q * together;
    return p;
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    static const char program[] = "conv2d_filter_in_place_cpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct filter_in_place *op = NULL;
    (void)phase;
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    plan(op);
    TRY(clcnn_kernel_create(problem->device, program, "", "conv2d_filter_in_place", &op->multiply));
    if (op->ranges > 1)
        TRY(clcnn_kernel_create(problem->device, program, "", "conv2d_filter_in_place_add",
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
    const struct filter_in_place *op = state;
    return (size_t)(op->ranges - 1) * range_bytes(&op->problem);
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct filter_in_place *op = state;
    const struct clcnn_conv2d_args *args = call->args;
    const struct clcnn_conv2d_problem shape = fold(op, call->n), *p = &shape;
    int64_t rows = p->n * p->p, rows_each = clcnn_max(1, op->depth / p->q);
    int64_t per_range = clcnn_divide_up(rows, op->ranges);
    int64_t ranges = clcnn_divide_up(rows, per_range);
    rows_each = clcnn_divide_up(per_range, clcnn_divide_up(per_range, rows_each));
    const struct clcnn_buffer *partial = op->ranges > 1 ? args->workspace : NULL;
    TRY(clcnn_launch(call->stream, op->multiply,
                     GRID3(clcnn_divide_up(op->panels, op->panels_each) *
                               clcnn_divide_up(op->tiles, op->tiles_each),
                           ranges, p->groups, 1, 1, 1),
                     ARGS(BUFFER(args->x), BUFFER(args->dy), BUFFER(args->dw), BUFFER(args->db),
                          BUFFER(partial), CONV2D_SHAPE(p, p->n), INT(op->tiles_each),
                          INT(op->panels_each), INT(rows_each), LONG(per_range),
                          INT(args->db != NULL))));
    int64_t count = p->k * clcnn_conv2d_taps(p);
    if (ranges > 1)
        TRY(clcnn_launch(call->stream, op->reduce, GRID1(clcnn_divide_up(count, FLOATS), 1),
                         ARGS(BUFFER(partial), BUFFER(args->dw), BUFFER(args->db), LONG(count),
                              INT(p->k), INT(ranges - 1), INT(args->db != NULL))));
done:
    return status;
}

const struct clcnn_conv2d_implicit_part clcnn_conv2d_filter_in_place = {
    .usable = usable,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
};
