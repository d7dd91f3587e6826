/* The gradient to the filter from patches gathered block by block
 * (cl/conv2d_filter_gemm_cpu.cl). */
#include "base/memory.h"
#include "op/conv2d_implicit_gemm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Floats that a work-item of the reduction adds up, or more. */
enum { REDUCE_COUNT = 4096 };

struct filter_gemm {
    struct clcnn_conv2d_problem problem;
    struct clcnn_kernel *multiply, *reduce;
    int64_t rows;                /* outputs of a block, at most */
    int64_t panels, panels_each; /* of a group: taps / nr; of a work-item */
    int64_t ranges;              /* of outputs, summed up apart */
    bool apart;                  /* no range is summed up in dw */
    int64_t pitch;               /* of the sums' rows: whole panels if they are apart */
};

static int64_t vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    return problem->vector_width >= 16 ? 16 : problem->vector_width >= 8 ? 8 : 4;
}

/* Filters and taps of a register tile, as in cl/outer_products.cl. */
static int64_t tile_filters(const struct clcnn_conv2d_problem *problem)
{
    int64_t lanes = vector_lanes(problem);
    return lanes == 16 ? 13 : lanes == 8 ? 6 : 8;
}

static int64_t tile_taps(const struct clcnn_conv2d_problem *problem)
{
    int64_t lanes = vector_lanes(problem);
    return clcnn_conv2d_taps(problem) <= lanes ? lanes : 2 * lanes;
}

/* Larger blocks where local memory is ordinary memory, and ample. */
struct blocking {
    int rows, panels, tiles;
};

static struct blocking blocking_of(const struct clcnn_conv2d_problem *problem)
{
    bool ample = clcnn_device_info(problem->device)->local_bytes >= 512 << 10;
    return ample ? (struct blocking){96, 16, 4} : (struct blocking){48, 3, 2};
}

/* Bytes of one range's sums. */
static size_t range_bytes(const struct filter_gemm *op)
{
    return (size_t)(op->problem.k * (op->pitch + 1)) * sizeof(float);
}

/* Multiplications of whole register tiles at four fifths of the peak; patches copied a vector in
 * three cycles and, where channels are not whole vectors, a run in five; the sums loaded and stored
 * for every block of outputs; most of memory's time passes meanwhile. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    (void)phase;
    struct blocking blocking = blocking_of(problem);
    double lanes = (double)vector_lanes(problem), pixels = (double)clcnn_conv2d_pixels(problem);
    double cycles_per_second = problem->peak / (4.0 * lanes);
    double taps = (double)clcnn_round_up(clcnn_conv2d_taps(problem), tile_taps(problem));
    double filters = (double)clcnn_round_up(clcnn_conv2d_filters(problem), tile_filters(problem));
    double groups = (double)problem->groups;
    double multiply = 1.25 * groups * pixels * taps * filters / (2.0 * lanes);
    double gather = groups * pixels * taps * 3.0 / lanes;
    if (clcnn_conv2d_channels(problem) % vector_lanes(problem))
        gather += groups * pixels * (double)(problem->r * problem->s) * 5.0;
    double blocks = fmax(1.0, pixels / blocking.rows);
    double sums = (blocks - 0.5) * groups * taps * filters * 4.0 / lanes;
    return 1e-5 + (multiply + gather + sums) / cycles_per_second +
           0.3 * clcnn_conv2d_traffic(problem) / problem->bandwidth;
}

static void destroy(void *state)
{
    struct filter_gemm *op = state;
    clcnn_kernel_destroy(&op->multiply);
    clcnn_kernel_destroy(&op->reduce);
    free(op);
}

/* A few work-items for each core: of four panels or more, which all gather from the same images,
 * then of ranges of outputs, whose sums are added up, then of fewer panels. */
static void plan(struct filter_gemm *op)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t wanted = clcnn_divide_up(2 * problem->compute_units, problem->groups);
    int64_t units = clcnn_divide_up(clcnn_conv2d_pixels(problem), op->rows);
    int64_t taps = clcnn_conv2d_taps(problem);
    op->panels = clcnn_divide_up(taps, tile_taps(problem));
    op->pitch = clcnn_round_up(taps, tile_taps(problem));
    op->apart = op->pitch != taps && range_bytes(op) <= problem->max_workspace;
    if (!op->apart)
        op->pitch = taps;
    int64_t affordable = !op->apart + (int64_t)(problem->max_workspace / range_bytes(op));
    int64_t shares = clcnn_max(1, clcnn_min(op->panels / 4, wanted));
    op->ranges = clcnn_min(clcnn_min(clcnn_divide_up(wanted, shares), affordable), units);
    if (shares * op->ranges < wanted)
        shares = clcnn_min(op->panels, clcnn_divide_up(wanted, op->ranges));
    op->panels_each = clcnn_divide_up(op->panels, shares);
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    static const char program[] = "conv2d_filter_gemm_cpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct filter_gemm *op = NULL;
    (void)phase;
    struct blocking blocking = blocking_of(problem);
    char options[64];
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    op->rows = blocking.rows;
    plan(op);
    snprintf(options, sizeof(options), "-DROWS=%d -DPANELS=%d -DTILES=%d%s", blocking.rows,
             blocking.panels, blocking.tiles,
             tile_taps(problem) == vector_lanes(problem) ? " -DNV=1" : "");
    TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_filter_gemm",
                            &op->multiply));
    if (op->ranges > 1 || op->apart)
        TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_filter_gemm_reduce",
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
    const struct filter_gemm *op = state;
    return (size_t)(op->ranges - !op->apart) * range_bytes(op);
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct filter_gemm *op = state;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t pixels = call->n * p->p * p->q, taps = clcnn_conv2d_taps(p);
    int64_t per_range = clcnn_divide_up(pixels, op->ranges);
    int64_t ranges = clcnn_divide_up(pixels, per_range);
    int64_t rows = clcnn_divide_up(per_range, clcnn_divide_up(per_range, op->rows));
    const struct clcnn_buffer *partial = op->ranges > 1 || op->apart ? args->workspace : NULL;
    TRY(clcnn_launch(
        call->stream, op->multiply,
        GRID3(clcnn_divide_up(op->panels, op->panels_each), ranges, p->groups, 1, 1, 1),
        ARGS(BUFFER(args->x), BUFFER(args->dy), BUFFER(args->dw), BUFFER(args->db), BUFFER(partial),
             CONV2D_SHAPE(p, call->n), INT(op->panels_each), INT(rows), LONG(per_range),
             INT(op->pitch), INT(op->apart), INT(args->db != NULL))));
    int64_t partials = ranges - !op->apart, filters = clcnn_divide_up(REDUCE_COUNT, taps);
    if (partials > 0)
        TRY(clcnn_launch(call->stream, op->reduce, GRID1(clcnn_divide_up(p->k, filters), 1),
                         ARGS(BUFFER(partial), BUFFER(args->dw), BUFFER(args->db), INT(p->k),
                              INT(taps), INT(op->pitch), INT(filters), INT(partials),
                              INT(op->apart), INT(args->db != NULL))));
done:
    return status;
}

const struct clcnn_conv2d_implicit_part clcnn_conv2d_filter_gemm = {
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
};
