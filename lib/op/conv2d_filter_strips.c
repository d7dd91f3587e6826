/* The gradient to the filter with few channels, from strips of the image
 * (cl/conv2d_filter_strips_cpu.cl). */
#include "base/memory.h"
#include "op/conv2d_implicit_gemm.h"
#include <stdio.h>
#include <stdlib.h>

/* As in the kernels. */
enum { TURNED = 16, STRIP = 7168, AMPLE_STRIP = 12288 };

/* Bytes of a panel's gradients of a block: they are read for every tile of taps, and for the bias,
 * from the first-level cache. */
enum { GRADIENT_BYTES = 24 << 10 };

/* A tile of taps: `taps` of `rows` rows of the filter. */
struct tile {
    int64_t rows, taps;
};

struct filter_strips {
    struct clcnn_conv2d_problem problem;
    struct clcnn_kernel *multiply, *reduce;
    struct tile tile;
    int64_t part;     /* taps of a run that become one tile */
    int64_t block[2]; /* outputs of a block, down and across */
    int64_t pitch;    /* floats of a strip */
    int64_t panels, ranges;
};

static int64_t vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    return problem->vector_width >= 16 ? 16 : problem->vector_width >= 8 ? 8 : 4;
}

/* Filters of a panel. */
static int64_t panel_filters(const struct clcnn_conv2d_problem *problem)
{
    int64_t lanes = vector_lanes(problem);
    return problem->k <= lanes ? lanes : 2 * lanes;
}

/* Taps that lie together in a strip. */
static int64_t run_of(const struct clcnn_conv2d_problem *problem)
{
    return problem->dilation[1] == 1 ? problem->s * problem->c : problem->c;
}

static int64_t part_of(const struct clcnn_conv2d_problem *problem)
{
    int64_t longest = vector_lanes(problem) == 16 ? 11 : 6, run = run_of(problem);
    return clcnn_divide_up(run, clcnn_divide_up(run, longest));
}

/* The smallest that holds a part. */
static struct tile tile_of(const struct clcnn_conv2d_problem *problem)
{
    static const struct tile wide[] = {{3, 3}, {2, 6}, {1, 9}, {1, 11}};
    static const struct tile narrow[] = {{3, 2}, {2, 3}, {1, 5}, {1, 6}};
    const struct tile *tile = vector_lanes(problem) == 16 ? wide : narrow;
    while (tile->taps < part_of(problem))
        tile++;
    return *tile;
}

static bool is_ample(const struct clcnn_conv2d_problem *problem)
{
    return clcnn_device_info(problem->device)->local_bytes >= 256 << 10;
}

static int64_t strip_floats(const struct clcnn_conv2d_problem *problem)
{
    return is_ample(problem) ? AMPLE_STRIP : STRIP;
}

/* Floats of the image row that `outputs` of an output row meet. */
static int64_t pitch_of(const struct clcnn_conv2d_problem *problem, int64_t outputs)
{
    return ((outputs - 1) * problem->stride[1] + (problem->s - 1) * problem->dilation[1] + 1) *
           problem->c;
}

/* Image rows that `outputs` output rows meet. */
static int64_t rows_of(const struct clcnn_conv2d_problem *problem, int64_t outputs)
{
    return (outputs - 1) * problem->stride[0] + (problem->r - 1) * problem->dilation[0] + 1;
}

static size_t range_bytes(const struct clcnn_conv2d_problem *problem)
{
    int64_t filters = clcnn_round_up(problem->k, panel_filters(problem));
    return (size_t)(filters * (clcnn_conv2d_taps(problem) + 1)) * sizeof(float);
}

static bool usable(const struct clcnn_conv2d_problem *problem)
{
    int64_t outputs = clcnn_min(problem->q, 8);
    return problem->groups == 1 && problem->c <= 4 &&
           rows_of(problem, 1) * pitch_of(problem, outputs) <= strip_floats(problem) &&
           range_bytes(problem) <= problem->max_workspace;
}

/* Whole tiles at nine tenths of the peak, the strips copied 8 floats a cycle, and the sums added up
 * over the ranges. Measured within 20 % of this on AVX-512. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    (void)phase;
    struct tile tile = tile_of(problem);
    double lanes = (double)vector_lanes(problem), pixels = (double)clcnn_conv2d_pixels(problem);
    double runs = (double)(problem->s * problem->c) / (double)run_of(problem);
    double tiles = runs * (double)(clcnn_divide_up(problem->r, tile.rows) *
                                   clcnn_divide_up(run_of(problem), part_of(problem)));
    double filters = (double)clcnn_round_up(problem->k, panel_filters(problem));
    double multiply = pixels * tiles * (double)(tile.rows * tile.taps) * filters / (2.0 * lanes);
    double copy = (double)(problem->n * problem->h * problem->w * problem->c) / 4.0;
    double sums = 16.0 * problem->compute_units * (double)range_bytes(problem) / 16.0;
    return 1e-5 + (multiply / 0.9 + copy + sums) * 4.0 * lanes / problem->peak +
           clcnn_conv2d_traffic(problem) / problem->bandwidth;
}

static void destroy(void *state)
{
    struct filter_strips *op = state;
    clcnn_kernel_destroy(&op->multiply);
    clcnn_kernel_destroy(&op->reduce);
    free(op);
}

static int64_t blocks_of(const struct filter_strips *op, int64_t n)
{
    return n * clcnn_divide_up(op->problem.p, op->block[0]) *
           clcnn_divide_up(op->problem.q, op->block[1]);
}

/* As wide as fits, then as tall; and some ranges of blocks for every core. */
static void plan(struct filter_strips *op)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t room = strip_floats(problem), wanted = 8 * problem->compute_units;
    int64_t affordable = (int64_t)(problem->max_workspace / range_bytes(problem));
    op->tile = tile_of(problem);
    op->part = part_of(problem);
    op->panels = clcnn_divide_up(problem->k, panel_filters(problem));
    op->block[0] = 1;
    op->block[1] = problem->q;
    while (rows_of(problem, 1) * pitch_of(problem, op->block[1]) > room)
        op->block[1] = clcnn_divide_up(op->block[1], 2);
    op->pitch = pitch_of(problem, op->block[1]);
    int64_t row_bytes = op->block[1] * panel_filters(problem) * (int64_t)sizeof(float);
    while (op->block[0] < problem->p && rows_of(problem, op->block[0] + 1) * op->pitch <= room &&
           (op->block[0] + 1) * row_bytes <= GRADIENT_BYTES &&
           blocks_of(op, problem->n) > 2 * wanted)
        op->block[0]++;
    op->ranges = clcnn_min(clcnn_min(wanted, affordable), blocks_of(op, problem->n));
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    static const char program[] = "conv2d_filter_strips_cpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct filter_strips *op = NULL;
    (void)phase;
    bool narrow = panel_filters(problem) == vector_lanes(problem);
    char options[64];
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    plan(op);
    snprintf(options, sizeof(options), "-DSTRIP=%d%s", (int)strip_floats(problem),
             narrow ? " -DNV=1" : "");
    TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_filter_strips",
                            &op->multiply));
    TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_filter_strips_reduce",
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
    const struct filter_strips *op = state;
    return (size_t)op->ranges * range_bytes(&op->problem);
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct filter_strips *op = state;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t blocks = blocks_of(op, call->n), each = clcnn_divide_up(blocks, op->ranges);
    int64_t ranges = clcnn_divide_up(blocks, each), taps = clcnn_conv2d_taps(p);
    TRY(clcnn_launch(call->stream, op->multiply, GRID1(ranges, 1),
                     ARGS(BUFFER(args->x), BUFFER(args->dy), BUFFER(args->workspace),
                          CONV2D_SHAPE(p, call->n), INT(op->block[0]), INT(op->block[1]),
                          INT(op->pitch), INT(op->tile.taps), INT(op->tile.rows), INT(op->part),
                          LONG(each), INT(args->db != NULL))));
    TRY(clcnn_launch(call->stream, op->reduce,
                     GRID2(clcnn_divide_up(taps + (args->db != NULL), TURNED), op->panels, 1, 1),
                     ARGS(BUFFER(args->workspace), BUFFER(args->dw), BUFFER(args->db), INT(taps),
                          INT(p->k), INT(ranges), INT(args->db != NULL))));
done:
    return status;
}

const struct clcnn_conv2d_implicit_part clcnn_conv2d_filter_strips = {
    .usable = usable,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
};
