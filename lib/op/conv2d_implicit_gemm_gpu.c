/* Patches gathered slice by slice inside the multiplication (cl/conv2d_implicit_gemm_gpu.cl). */
#include "base/memory.h"
#include "op/conv2d_implicit_gemm.h"
#include "op/gemm_gpu.h"
#include "op/reduce_columns.h"
#include "op/storage.h"
#include <stdio.h>
#include <stdlib.h>

enum { SHORTEST_RANGE = 256, REDUCE_GROUP = 64 };

struct implicit {
    struct clcnn_conv2d_problem problem;
    enum clcnn_conv2d_phase phase;
    struct clcnn_gpu_tile tile;
    struct clcnn_kernel *multiply, *reduce;
    /* Gradient to the filter */
    int64_t ranges;                       /* of outputs, summed up apart */
    struct clcnn_reduce_columns *columns; /* db */
    size_t workspace;
};

static const char *unsupported(const struct clcnn_conv2d_problem *problem,
                               enum clcnn_conv2d_phase phase)
{
    (void)phase;
    return clcnn_device_info(problem->device)->max_work_group < 64
               ? "needs work-groups of 64 work-items"
               : NULL;
}

/* One group's product: rows, columns, terms of a sum. */
struct product {
    int64_t m, n, k;
};

static struct product product_of(const struct clcnn_conv2d_problem *p,
                                 enum clcnn_conv2d_phase phase)
{
    if (phase == CLCNN_CONV2D_PHASE_FORWARD)
        return (struct product){clcnn_conv2d_pixels(p), clcnn_conv2d_filters(p),
                                clcnn_conv2d_taps(p)};
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        return (struct product){clcnn_conv2d_filters(p), clcnn_conv2d_taps(p),
                                clcnn_conv2d_pixels(p)};
    int64_t strides = p->stride[0] * p->stride[1];
    return (struct product){clcnn_divide_up(p->n * p->h * p->w, strides), clcnn_conv2d_channels(p),
                            clcnn_divide_up(p->r * p->s, strides) * clcnn_conv2d_filters(p)};
}

static struct clcnn_gpu_tile tile_of(const struct clcnn_conv2d_problem *problem,
                                     enum clcnn_conv2d_phase phase)
{
    struct product product = product_of(problem, phase);
    int64_t batch = problem->groups;
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        batch *= clcnn_gpu_splits(problem->device, 1, product.k, SHORTEST_RANGE);
    return clcnn_gpu_tile_for(problem->device, product.m, product.n, batch);
}

/* Multiplications of whole tiles at a little less than a GEMM's share of the peak, and every
 * operand once from memory. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    struct clcnn_gpu_tile tile = tile_of(problem, phase);
    struct product product = product_of(problem, phase);
    bool data = phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    int64_t launches = data ? problem->stride[0] * problem->stride[1] : 1;
    double flops = 2.0 * (double)clcnn_round_up(product.m, clcnn_gpu_tile_height(tile)) *
                   (double)clcnn_round_up(product.n, clcnn_gpu_tile_width(tile)) *
                   (double)clcnn_round_up(product.k, 8);
    return 1e-5 + (double)(launches * problem->groups) * flops / (0.45 * problem->peak) +
           clcnn_conv2d_traffic(problem) / problem->bandwidth;
}

static void destroy(void *state)
{
    struct implicit *implicit = state;
    clcnn_kernel_destroy(&implicit->multiply);
    clcnn_kernel_destroy(&implicit->reduce);
    clcnn_reduce_columns_destroy(&implicit->columns);
    free(implicit);
}

/* Enough ranges to keep all compute units busy, and no more than their sums have room. */
static enum clcnn_status plan_filter(struct implicit *implicit)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &implicit->problem;
    struct product product = product_of(problem, implicit->phase);
    int64_t tiles = clcnn_divide_up(product.m, clcnn_gpu_tile_height(implicit->tile)) *
                    clcnn_divide_up(product.n, clcnn_gpu_tile_width(implicit->tile)) *
                    problem->groups;
    size_t bytes = (size_t)(problem->k * clcnn_conv2d_taps(problem)) * sizeof(float);
    TRY(clcnn_reduce_columns_create(problem->device, product.k, problem->k, &implicit->columns));
    implicit->workspace = clcnn_reduce_columns_workspace_size(implicit->columns);
    if (implicit->workspace > problem->max_workspace)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace",
                       implicit->workspace));
    implicit->ranges =
        clcnn_min(clcnn_gpu_splits(problem->device, tiles, product.k, SHORTEST_RANGE),
                  (int64_t)(problem->max_workspace / bytes));
    if (implicit->ranges > 1 && (size_t)implicit->ranges * bytes > implicit->workspace)
        implicit->workspace = (size_t)implicit->ranges * bytes;
    implicit->ranges = clcnn_max(implicit->ranges, 1);
done:
    return status;
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    static const char program[] = "conv2d_implicit_gemm_gpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct implicit *implicit = NULL;
    char tile[CLCNN_GPU_TILE_OPTIONS], options[2 * CLCNN_GPU_TILE_OPTIONS];
    bool filter = phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
    TRY(clcnn_alloc(1, sizeof(*implicit), &implicit));
    implicit->problem = *problem;
    implicit->phase = phase;
    implicit->tile = tile_of(problem, phase);
    if (filter)
        TRY(plan_filter(implicit));
    clcnn_gpu_tile_options(implicit->tile, tile);
    snprintf(options, sizeof(options), "%s %s", tile, clcnn_storage_option(problem->storage));
    TRY(clcnn_kernel_create(problem->device, program, options,
                            filter ? "conv2d_implicit_gemm_filter" : "conv2d_implicit_gemm",
                            &implicit->multiply));
    if (implicit->ranges > 1)
        TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_implicit_gemm_reduce",
                                &implicit->reduce));
    *state = implicit;
    implicit = NULL;
done:
    if (implicit)
        destroy(implicit);
    return status;
}

static size_t workspace(const void *state)
{
    const struct implicit *implicit = state;
    return implicit->workspace;
}

static struct clcnn_grid grid_of(const struct implicit *implicit, int64_t m, int64_t n)
{
    return GRID3(clcnn_divide_up(m, clcnn_gpu_tile_height(implicit->tile)),
                 clcnn_divide_up(n, clcnn_gpu_tile_width(implicit->tile)), implicit->problem.groups,
                 implicit->tile.across, implicit->tile.down, 1);
}

static enum clcnn_status forward(struct implicit *implicit, const struct clcnn_conv2d_call *call)
{
    const struct clcnn_conv2d_problem *p = &implicit->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t cg = clcnn_conv2d_channels(p), kg = clcnn_conv2d_filters(p);
    int64_t taps = clcnn_conv2d_taps(p);
    bool runs = p->dilation[1] == 1 && p->groups == 1;
    return clcnn_launch(
        call->stream, implicit->multiply, grid_of(implicit, call->n * p->p * p->q, kg),
        ARGS(BUFFER(args->x), BUFFER(args->w), BUFFER(args->bias), BUFFER(args->y),
             CONV2D_SHAPE(p, call->n), INT(p->p), INT(p->q), INT(0), INT(0), INT(1), INT(1),
             INT(runs ? p->s : 1), LONG(0), LONG(kg * taps), LONG(p->s * cg), LONG(cg), LONG(taps),
             INT(0), INT(p->use_bias), INT(p->accumulate), INT(p->activation), FLOAT(p->alpha)));
}

/* The outputs of one pair of residues, with the filter turned: tap j' = taps - 1 - j. */
static enum clcnn_status backward_residue(struct implicit *implicit,
                                          const struct clcnn_conv2d_call *call,
                                          const struct clcnn_conv2d_residue *h,
                                          const struct clcnn_conv2d_residue *w)
{
    const struct clcnn_conv2d_problem *p = &implicit->problem;
    int64_t cg = clcnn_conv2d_channels(p), kg = clcnn_conv2d_filters(p);
    int64_t taps = clcnn_conv2d_taps(p);
    int64_t last_r = h->first + p->stride[0] * (h->taps - 1);
    int64_t last_s = w->first + p->stride[1] * (w->taps - 1);
    bool none = h->taps == 0 || w->taps == 0;
    struct clcnn_conv2d_problem turned = {
        .h = p->p,
        .w = p->q,
        .c = p->k,
        .k = p->c,
        .r = none ? 0 : h->taps,
        .s = w->taps,
        .p = h->outputs,
        .q = w->outputs,
        .groups = p->groups,
        .stride = {1, 1},
        .dilation = {h->step, w->step},
        .pad = {(h->taps - 1) * h->step - h->origin, (w->taps - 1) * w->step - w->origin},
    };
    return clcnn_launch(
        call->stream, implicit->multiply, grid_of(implicit, call->n * h->outputs * w->outputs, cg),
        ARGS(BUFFER(call->args->dy), BUFFER(call->args->w), BUFFER(NULL), BUFFER(call->args->dx),
             CONV2D_SHAPE(&turned, call->n), INT(p->h), INT(p->w), INT(h->a), INT(w->a),
             INT(p->stride[0]), INT(p->stride[1]), INT(1),
             LONG(none ? 0 : (last_r * p->s + last_s) * cg), LONG(kg * taps),
             LONG(-p->stride[0] * p->s * cg), LONG(-p->stride[1] * cg), LONG(taps), INT(1), INT(0),
             INT(0), INT(CLCNN_ACTIVATION_LINEAR), FLOAT(0)));
}

static enum clcnn_status backward_data(struct implicit *implicit,
                                       const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &implicit->problem;
    for (int64_t a = 0; a < p->stride[0]; a++) {
        struct clcnn_conv2d_residue h =
            clcnn_conv2d_residue(a, p->h, p->r, p->stride[0], p->dilation[0], p->pad[0]);
        for (int64_t b = 0; b < p->stride[1]; b++) {
            struct clcnn_conv2d_residue w =
                clcnn_conv2d_residue(b, p->w, p->s, p->stride[1], p->dilation[1], p->pad[1]);
            if (h.outputs > 0 && w.outputs > 0)
                TRY(backward_residue(implicit, call, &h, &w));
        }
    }
done:
    return status;
}

static enum clcnn_status backward_filter(struct implicit *implicit,
                                         const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &implicit->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t pixels = call->n * p->p * p->q, count = p->k * clcnn_conv2d_taps(p);
    int64_t per_range = clcnn_divide_up(pixels, implicit->ranges);
    int64_t ranges = clcnn_divide_up(pixels, per_range);
    const struct clcnn_buffer *sums = implicit->ranges > 1 ? args->workspace : args->dw;
    struct clcnn_grid grid = grid_of(implicit, clcnn_conv2d_filters(p), 1);
    grid.groups[1] = grid.groups[0];
    grid.groups[0] = clcnn_divide_up(clcnn_conv2d_taps(p), clcnn_gpu_tile_width(implicit->tile));
    grid.groups[2] = ranges * p->groups;
    TRY(clcnn_launch(call->stream, implicit->multiply, grid,
                     ARGS(BUFFER(args->x), BUFFER(args->dy), BUFFER(sums), CONV2D_SHAPE(p, call->n),
                          LONG(per_range))));
    if (implicit->ranges > 1)
        TRY(clcnn_launch(call->stream, implicit->reduce,
                         GRID1(clcnn_divide_up(count, REDUCE_GROUP), REDUCE_GROUP),
                         ARGS(BUFFER(sums), BUFFER(args->dw), LONG(count), INT(ranges))));
    if (args->db)
        TRY(clcnn_reduce_columns_run_in(implicit->columns, pixels, args->dy, args->db,
                                        args->workspace, call->stream));
done:
    return status;
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    struct implicit *implicit = state;
    if (implicit->phase == CLCNN_CONV2D_PHASE_FORWARD)
        return forward(implicit, call);
    if (implicit->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        return backward_data(implicit, call);
    return backward_filter(implicit, call);
}

const struct clcnn_conv2d_impl clcnn_conv2d_implicit_gemm_gpu = {
    .name = "implicit_gemm",
    .algorithm = CLCNN_CONV2D_ALGORITHM_IMPLICIT_GEMM,
    .stores_half = true,
    .unsupported = unsupported,
    .cost = cost,
    .error_bound = clcnn_conv2d_sum_bound,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
};
