/* Winograd's gradient to the filter on the CPU class (cl/conv2d_winograd_filter_cpu.cl). */
#include "base/memory.h"
#include "base/text.h"
#include "op/conv2d_winograd.h"
#include "op/reduce_columns.h"
#include <stdlib.h>

/* As in the kernels. */
enum { RUN = 8, DEPTH = 192 };
/* Transformed tiles that are written and read again soon. Fewer cost more launches, and pass
 * through the cache that the cores share all the same. */
#define CHUNK_BYTES ((int64_t)16 << 20)
/* Of the image's tiles, what stays in the cache of a core. */
#define IMAGE_BYTES ((int64_t)3 << 19)

struct winograd_filter {
    struct clcnn_conv2d_problem problem;
    struct clcnn_winograd winograd;
    struct clcnn_kernel *transform, *multiply, *finish;
    struct clcnn_reduce_columns *columns; /* db */
    int64_t lanes, mr, mp, nr;            /* the register tile */
    int64_t panels, rows;                 /* of all groups: columns and rows of tiles */
    int64_t tiles;                        /* of a chunk */
    int64_t rows_each;                    /* of an item */
    int64_t items, groups;                /* work-groups that share them */
    int64_t shares;                       /* work-groups that share the positions of an item */
    bool keep;                            /* the sums of all items, between chunks and shares */
    size_t workspace;
};

static int64_t positions_of(const struct clcnn_winograd *winograd)
{
    return (int64_t)winograd->alpha * winograd->alpha;
}

static void plan_tile(struct winograd_filter *op)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t lanes = problem->vector_width >= 16 ? 16 : problem->vector_width >= 8 ? 8 : 4;
    op->lanes = lanes;
    op->mr = lanes == 16 ? 13 : lanes == 8 ? 6 : 8;
    op->mp = clcnn_round_up(op->mr, lanes);
    op->nr = 2 * lanes;
    op->panels = problem->groups * clcnn_divide_up(clcnn_conv2d_channels(problem), op->nr);
    op->rows = problem->groups * clcnn_divide_up(clcnn_conv2d_filters(problem), op->mr);
}

/* Floats of one transformed tile, and of the sums of one row and panel. */
static int64_t tile_floats(const struct winograd_filter *op)
{
    return positions_of(&op->winograd) * (op->panels * op->nr + op->rows * op->mp);
}
static int64_t sums_floats(const struct winograd_filter *op)
{
    return positions_of(&op->winograd) * op->mr * op->nr;
}

static void plan_items(struct winograd_filter *op, int64_t all_tiles)
{
    int64_t units = op->problem.compute_units, groups = op->problem.groups;
    int64_t rows = op->rows / groups;
    int64_t most = op->tiles < 64 ? 1 : 4; /* few tiles: the sums fit closer */
    op->rows_each = clcnn_max(1, clcnn_min(clcnn_min(most, rows), op->panels * rows / (4 * units)));
    op->items = op->panels * clcnn_divide_up(rows, op->rows_each);
    op->groups = clcnn_min(op->items, 4 * units);
    op->groups = clcnn_divide_up(op->items, clcnn_divide_up(op->items, op->groups));
    op->shares = clcnn_min(clcnn_divide_up(2 * units, op->items), positions_of(&op->winograd));
    op->keep = op->shares > 1 || op->tiles < all_tiles;
}

/* Where the parts of the workspace begin, in floats. */
struct parts {
    int64_t gradient, sums, end;
};

static struct parts divide(const struct winograd_filter *op, int64_t tiles)
{
    int64_t positions = positions_of(&op->winograd);
    int64_t sums =
        op->keep ? op->panels * (op->rows / op->problem.groups) : op->groups * op->rows_each;
    struct parts parts;
    parts.gradient = clcnn_round_up(positions * op->panels * op->nr * tiles, 16);
    parts.sums = parts.gradient + clcnn_round_up(positions * op->rows * op->mp * tiles, 16);
    parts.end = parts.sums + sums * sums_floats(op);
    return parts;
}

static size_t bytes_of(const struct winograd_filter *op, int64_t tiles)
{
    return (size_t)divide(op, tiles).end * sizeof(float);
}

/* All tiles at once if that is little memory; else chunks of equal size, and if even few tiles at a
 * time are too much, not at all. */
static enum clcnn_status plan(struct winograd_filter *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t all = clcnn_conv2d_winograd_tiles(problem, CLCNN_CONV2D_PHASE_BACKWARD_FILTER,
                                              &op->winograd, problem->n);
    plan_tile(op);
    int64_t most = CHUNK_BYTES / (tile_floats(op) * (int64_t)sizeof(float));
    op->tiles = all <= 2 * most || all <= DEPTH ? all : clcnn_max(most, 64);
    for (;;) {
        op->tiles = clcnn_divide_up(all, clcnn_divide_up(all, op->tiles));
        plan_items(op, all);
        op->workspace = bytes_of(op, op->tiles);
        if (op->workspace <= problem->max_workspace)
            break;
        if (op->tiles == 1)
            TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace",
                           op->workspace));
        op->tiles = clcnn_divide_up(op->tiles, 2);
    }
    TRY(clcnn_reduce_columns_create(problem->device, clcnn_conv2d_pixels(problem), problem->k,
                                    &op->columns));
    size_t columns = clcnn_reduce_columns_workspace_size(op->columns);
    if (columns > problem->max_workspace)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace", columns));
    op->workspace = columns > op->workspace ? columns : op->workspace;
done:
    return status;
}

/* In cycles of one core, as measured on AVX-512: register tiles at nine tenths of the peak, and 80
 * to load and store the sums of each; 18 to load, transform and store a vector of tiles at each
 * position; for a vector of dw, 4 a position and 130. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase,
                   const struct clcnn_winograd *winograd)
{
    struct winograd_filter op = {.problem = *problem, .winograd = *winograd};
    plan_tile(&op);
    double lanes = (double)op.lanes, positions = (double)positions_of(winograd);
    double tiles = (double)clcnn_conv2d_winograd_tiles(problem, phase, winograd, problem->n);
    double pairs = (double)op.panels * (double)op.rows / (double)problem->groups;
    double multiply = 1.1 * tiles * pairs * (double)sums_floats(&op) / (2.0 * lanes);
    double sums = 80.0 * pairs * positions * (1.0 + tiles / DEPTH);
    double transform = 18.0 * tiles * (double)tile_floats(&op) / lanes;
    double finish = pairs * (double)(op.mr * op.nr) / lanes * (4.0 * positions + 130.0);
    return 2e-5 + (multiply + sums + transform + finish) * 4.0 * lanes / problem->peak;
}

static void destroy(void *state)
{
    struct winograd_filter *op = state;
    clcnn_kernel_destroy(&op->transform);
    clcnn_kernel_destroy(&op->multiply);
    clcnn_kernel_destroy(&op->finish);
    clcnn_reduce_columns_destroy(&op->columns);
    free(op);
}

static enum clcnn_status build(struct winograd_filter *op)
{
    static const char program[] = "conv2d_winograd_filter_cpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = op->problem.device;
    struct clcnn_text options = {0};
    clcnn_winograd_options(&options, &op->winograd);
    if (options.failed)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "conv2d: out of memory"));
    TRY(clcnn_kernel_create(device, program, options.data, "conv2d_winograd_filter_transform",
                            &op->transform));
    TRY(clcnn_kernel_create(device, program, options.data, "conv2d_winograd_filter_multiply",
                            &op->multiply));
    if (op->keep)
        TRY(clcnn_kernel_create(device, program, options.data, "conv2d_winograd_filter_finish",
                                &op->finish));
done:
    clcnn_text_clear(&options);
    return status;
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase,
                                const struct clcnn_winograd *winograd, void **state)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct winograd_filter *op = NULL;
    (void)phase;
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    op->winograd = *winograd;
    TRY(plan(op));
    TRY(build(op));
    *state = op;
    op = NULL;
done:
    if (op)
        destroy(op);
    return status;
}

static size_t workspace(const void *state)
{
    const struct winograd_filter *op = state;
    return op->workspace;
}

/* The workspace from a float on. */
static struct clcnn_buffer part_of(const struct clcnn_buffer *workspace, int64_t from)
{
    size_t bytes = (size_t)from * sizeof(float);
    return clcnn_buffer_slice(workspace, bytes, workspace->bytes - bytes);
}

/* After an item comes the next panel of the same rows, which writes dw next to it, if the image's
 * tiles of all panels stay in the cache meanwhile; else the next rows of the same panel. */
static bool panels_inside(const struct winograd_filter *op, int64_t tiles)
{
    int64_t floats = positions_of(&op->winograd) * tiles * op->panels * op->nr;
    return floats / op->problem.groups * (int64_t)sizeof(float) <= IMAGE_BYTES;
}

/* Adds up the products of `tiles` tiles from `first` on. */
static enum clcnn_status run_chunk(struct winograd_filter *op, const struct clcnn_conv2d_call *call,
                                   int64_t first, int64_t tiles)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    const struct clcnn_buffer *all = args->workspace;
    struct parts parts = divide(op, op->tiles);
    struct clcnn_buffer gradient = part_of(all, parts.gradient), sums = part_of(all, parts.sums);
    TRY(clcnn_launch(call->stream, op->transform,
                     GRID2(clcnn_divide_up(tiles, RUN), op->panels + op->rows, 1, 1),
                     ARGS(BUFFER(args->x), BUFFER(args->dy), BUFFER(all), BUFFER(&gradient),
                          INT(call->n), INT(p->h), INT(p->w), INT(p->c), INT(p->k), INT(p->p),
                          INT(p->q), INT(p->groups), INT(p->pad[0]), INT(p->pad[1]), LONG(first),
                          INT(tiles))));
    TRY(clcnn_launch(call->stream, op->multiply, GRID2(op->groups, op->shares, 1, 1),
                     ARGS(BUFFER(all), BUFFER(&gradient), BUFFER(&sums), BUFFER(args->dw),
                          INT(p->c), INT(p->k), INT(p->groups), INT(tiles), INT(op->rows_each),
                          INT(clcnn_divide_up(op->items, op->groups)),
                          INT(clcnn_divide_up(positions_of(&op->winograd), op->shares)),
                          INT(panels_inside(op, tiles)), INT(first == 0), INT(!op->keep))));
done:
    return status;
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct winograd_filter *op = state;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t all =
        clcnn_conv2d_winograd_tiles(p, CLCNN_CONV2D_PHASE_BACKWARD_FILTER, &op->winograd, call->n);
    for (int64_t first = 0; first < all; first += op->tiles)
        TRY(run_chunk(op, call, first, clcnn_min(op->tiles, all - first)));
    if (op->keep) {
        struct clcnn_buffer sums = part_of(args->workspace, divide(op, op->tiles).sums);
        TRY(clcnn_launch(
            call->stream, op->finish, GRID2(op->rows / p->groups, op->panels, 1, 1),
            ARGS(BUFFER(&sums), BUFFER(args->dw), INT(p->c), INT(p->k), INT(p->groups))));
    }
    if (args->db)
        TRY(clcnn_reduce_columns_run_in(op->columns, call->n * p->p * p->q, args->dy, args->db,
                                        args->workspace, call->stream));
done:
    return status;
}

const struct clcnn_conv2d_winograd_part clcnn_conv2d_winograd_filter_cpu = {
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
};
