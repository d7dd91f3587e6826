/* Convolution with few channels, from strips of the image (cl/conv2d_forward_strips_cpu.cl). */
#include "base/memory.h"
#include "op/conv2d_implicit_gemm.h"
#include "op/storage.h"
#include <stdio.h>
#include <stdlib.h>

/* As in the kernel, and what of it shares the first-level cache with the filter. */
enum { STRIP = 7168, PREFERRED_STRIP = 5120 };

struct forward_strips {
    struct clcnn_conv2d_problem problem;
    struct clcnn_kernel *pack, *multiply;
    int64_t block[2]; /* outputs of a block, down and across */
    int64_t pitch;    /* floats of a strip */
    int64_t panels;
    size_t packed_bytes;
};

static int64_t vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    return problem->vector_width >= 16 ? 16 : problem->vector_width >= 8 ? 8 : 4;
}

/* Outputs of a register tile. */
static int64_t tile_outputs(const struct clcnn_conv2d_problem *problem)
{
    int64_t lanes = vector_lanes(problem);
    return lanes == 16 ? 14 : lanes == 8 ? 6 : 8;
}

/* Filters of a panel. */
static int64_t panel_filters(const struct clcnn_conv2d_problem *problem)
{
    int64_t lanes = vector_lanes(problem);
    return problem->k <= lanes ? lanes : 2 * lanes;
}

/* Floats of the image row that `outputs` of an output row meet; tiles compute whole. */
static int64_t pitch_of(const struct clcnn_conv2d_problem *problem, int64_t outputs)
{
    int64_t whole = clcnn_round_up(outputs, tile_outputs(problem));
    return ((whole - 1) * problem->stride[1] + (problem->s - 1) * problem->dilation[1] + 1) *
           problem->c;
}

/* Image rows that `outputs` output rows meet. */
static int64_t rows_of(const struct clcnn_conv2d_problem *problem, int64_t outputs)
{
    return (outputs - 1) * problem->stride[0] + (problem->r - 1) * problem->dilation[0] + 1;
}

static size_t packed_bytes(const struct clcnn_conv2d_problem *problem)
{
    int64_t filters = clcnn_round_up(problem->k, panel_filters(problem));
    return (size_t)(filters * clcnn_conv2d_taps(problem)) * clcnn_dtype_size(problem->storage);
}

/* Strips pay where a run of a patch is about as short as a vector. */
static bool usable(const struct clcnn_conv2d_problem *problem)
{
    bool few = problem->c <= 4 || problem->s * problem->c <= 2 * vector_lanes(problem);
    return few && problem->groups == 1 && 2 * problem->q >= tile_outputs(problem) &&
           rows_of(problem, 1) * pitch_of(problem, 1) <= STRIP &&
           packed_bytes(problem) <= problem->max_workspace;
}

/* Whole panels and tiles at the peak, three taps' time to store the sums, the strips copied, and
 * half of the operands from memory meanwhile. Measured within 25 % of this on AVX-512. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    (void)phase;
    double lanes = (double)vector_lanes(problem), taps = (double)clcnn_conv2d_taps(problem);
    double outputs = (double)(problem->n * problem->p) *
                     (double)clcnn_round_up(problem->q, tile_outputs(problem));
    double filters = (double)clcnn_round_up(problem->k, panel_filters(problem));
    double multiply = outputs * (taps + 3.0) * filters / (2.0 * lanes);
    double copy = (double)(problem->n * problem->h * problem->w * problem->c) / 4.0;
    double pack = problem->prepacked ? 0.0 : (double)problem->k * taps;
    return 1e-5 + (problem->prepacked ? 0.0 : 5e-6) +
           (multiply + copy + pack) * 4.0 * lanes / problem->peak +
           0.5 * clcnn_conv2d_traffic(problem) / problem->bandwidth;
}

static void destroy(void *state)
{
    struct forward_strips *op = state;
    clcnn_kernel_destroy(&op->pack);
    clcnn_kernel_destroy(&op->multiply);
    free(op);
}

static int64_t blocks_of(const struct forward_strips *op, int64_t n)
{
    return n * clcnn_divide_up(op->problem.p, op->block[0]) *
           clcnn_divide_up(op->problem.q, op->block[1]);
}

/* As wide as fits, then as tall, but some blocks for every core. */
static void plan(struct forward_strips *op)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    op->panels = clcnn_divide_up(problem->k, panel_filters(problem));
    op->packed_bytes = packed_bytes(problem);
    op->block[0] = 1;
    op->block[1] = problem->q;
    while (rows_of(problem, 1) * pitch_of(problem, op->block[1]) > STRIP)
        op->block[1] = clcnn_divide_up(op->block[1], 2);
    op->pitch = pitch_of(problem, op->block[1]);
    while (op->block[0] < problem->p &&
           rows_of(problem, op->block[0] + 1) * op->pitch <= PREFERRED_STRIP &&
           blocks_of(op, problem->n) > 12 * problem->compute_units)
        op->block[0]++;
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    static const char program[] = "conv2d_forward_strips_cpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct forward_strips *op = NULL;
    (void)phase;
    bool narrow = panel_filters(problem) == vector_lanes(problem);
    char options[64];
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    plan(op);
    snprintf(options, sizeof(options), "-DSTEP=%d %s%s", (int)(problem->stride[1] * problem->c),
             narrow ? "-DNV=1 " : "", clcnn_storage_option(problem->storage));
    TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_forward_strips_pack",
                            &op->pack));
    TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_forward_strips",
                            &op->multiply));
    *state = op;
    op = NULL;
done:
    if (op)
        destroy(op);
    return status;
}

static size_t packed_filter(const void *state)
{
    const struct forward_strips *op = state;
    return op->packed_bytes;
}

static enum clcnn_status pack_filter(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed)
{
    struct forward_strips *op = state;
    return clcnn_launch(
        stream, op->pack, GRID1(op->panels, 1),
        ARGS(BUFFER(w), BUFFER(packed), INT(clcnn_conv2d_taps(&op->problem)), INT(op->problem.k)));
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct forward_strips *op = state;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    const struct clcnn_buffer *packed = args->packed_w;
    if (!packed) {
        packed = args->workspace;
        TRY(pack_filter(op, call->stream, args->w, packed));
    }
    TRY(clcnn_launch(call->stream, op->multiply, GRID1(blocks_of(op, call->n), 1),
                     ARGS(BUFFER(args->x), BUFFER(packed), BUFFER(args->bias), BUFFER(args->y),
                          CONV2D_SHAPE(p, call->n), INT(op->block[0]), INT(op->block[1]),
                          INT(op->pitch), INT(p->use_bias), INT(p->accumulate), INT(p->activation),
                          FLOAT(p->alpha))));
done:
    return status;
}

const struct clcnn_conv2d_implicit_part clcnn_conv2d_forward_strips = {
    .usable = usable,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = packed_filter,
    .run = run,
    .packed_filter = packed_filter,
    .pack_filter = pack_filter,
};
