#include "op/conv2d_depthwise_window.h"
#include "base/memory.h"
#include "op/storage.h"
#include <stdio.h>
#include <stdlib.h>

/* Rows of a band: few enough for a strip of all channels to stay in the second-level cache, and for
 * the processor to see that its rows are read one pixel after another. */
enum { BAND = 14 };

/* Parts of a compute unit's work: it begins with them at different times. Each costs the wait for
 * what the one before has stored. */
enum { TASKS = 2 };

/* struct window of the kernel. */
struct window {
    int32_t h, w, c, p, q, pad_top, pad_left, band, flip, use_bias, accumulate, activation;
    float alpha;
};

struct clcnn_conv2d_window {
    struct clcnn_conv2d_problem problem;
    enum clcnn_conv2d_phase phase;
    struct clcnn_kernel *kernel, *reduce;
    struct window window;
    int64_t units;  /* of an image: bands, strips and vectors */
    int64_t ranges; /* of bands, of the gradient to the filter */
};

static int64_t vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    int width = problem->vector_width;
    return width >= 16 ? 16 : width >= 8 ? 8 : 4; /* as cl/vector.cl */
}

bool clcnn_conv2d_window_usable(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase)
{
    const int64_t window[] = {problem->r, problem->s};
    for (int i = 0; i < 2; i++) {
        if (window[i] > 7 || problem->dilation[i] != 1 || problem->stride[i] > 2 ||
            problem->stride[i] > window[i] || problem->pad[i] >= window[i] ||
            problem->pad[i + 2] >= window[i])
            return false;
    }
    bool stepwise = problem->stride[0] == 1 && problem->stride[1] == 1;
    return (phase != CLCNN_CONV2D_PHASE_BACKWARD_DATA || stepwise) && problem->k == problem->c &&
           problem->c >= vector_lanes(problem);
}

/* A third of the peak where the operands are close, else the memory's speed. */
double clcnn_conv2d_window_cost(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase)
{
    (void)phase;
    return 4e-6 + clcnn_conv2d_flops(problem) / (0.5 * problem->peak) +
           0.5 * clcnn_conv2d_traffic(problem) / problem->bandwidth;
}

/* As wide as the registers allow, or narrower so that the last strip is not mostly computed
 * twice. */
static int64_t tile_outputs(const struct clcnn_conv2d_problem *problem, int64_t columns)
{
    int64_t depth = clcnn_divide_up(problem->r, problem->stride[0]);
    int64_t most = clcnn_max(1, (vector_lanes(problem) == 16 ? 21 : 12) / depth);
    if (most > 7)
        most = 7;
    return columns >= 3 * most ? most : clcnn_divide_up(columns, clcnn_divide_up(columns, most));
}

static void plan(struct clcnn_conv2d_window *op, int64_t tile)
{
    const struct clcnn_conv2d_problem *p = &op->problem;
    int64_t columns = op->window.q, rows = op->window.p;
    int64_t across = clcnn_divide_up(columns, tile) * clcnn_divide_up(p->c, vector_lanes(p));
    int64_t bands = clcnn_divide_up(rows, BAND);
    int64_t wanted = clcnn_divide_up(TASKS * p->compute_units, p->n * across);
    bands = clcnn_min(rows, clcnn_max(bands, wanted));
    op->window.band = (int32_t)clcnn_divide_up(rows, bands);
    op->units = across * clcnn_divide_up(rows, op->window.band);
}

static int64_t vectors_of(const struct clcnn_conv2d_window *op)
{
    return clcnn_divide_up(op->problem.c, vector_lanes(&op->problem));
}

static size_t range_bytes(const struct clcnn_conv2d_window *op)
{
    int64_t taps = op->problem.r * op->problem.s;
    return (size_t)((taps + 1) * vectors_of(op) * vector_lanes(&op->problem)) * sizeof(float);
}

/* Vectors alone where there are enough of them, or no memory for more. */
static void plan_filter(struct clcnn_conv2d_window *op)
{
    const struct clcnn_conv2d_problem *p = &op->problem;
    int64_t wanted = clcnn_divide_up(TASKS * p->compute_units, vectors_of(op));
    int64_t most = p->n * clcnn_divide_up(op->window.p, op->window.band);
    int64_t affordable = (int64_t)(p->max_workspace / range_bytes(op));
    op->ranges = clcnn_max(1, clcnn_min(wanted, clcnn_min(most, affordable)));
}

/* The gradient to the data with stride 1 is the convolution of dy with the window turned. */
static struct window describe(const struct clcnn_conv2d_problem *p, enum clcnn_conv2d_phase phase)
{
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        return (struct window){.h = (int32_t)p->p,
                               .w = (int32_t)p->q,
                               .c = (int32_t)p->c,
                               .p = (int32_t)p->h,
                               .q = (int32_t)p->w,
                               .pad_top = (int32_t)(p->r - 1 - p->pad[0]),
                               .pad_left = (int32_t)(p->s - 1 - p->pad[1]),
                               .flip = 1};
    return (struct window){.h = (int32_t)p->h,
                           .w = (int32_t)p->w,
                           .c = (int32_t)p->c,
                           .p = (int32_t)p->p,
                           .q = (int32_t)p->q,
                           .pad_top = (int32_t)p->pad[0],
                           .pad_left = (int32_t)p->pad[1],
                           .use_bias = p->use_bias,
                           .accumulate = p->accumulate,
                           .activation = (int32_t)p->activation,
                           .alpha = p->alpha};
}

enum clcnn_status clcnn_conv2d_window_create(const struct clcnn_conv2d_problem *problem,
                                             enum clcnn_conv2d_phase phase,
                                             struct clcnn_conv2d_window **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv2d_window *op = NULL;
    const bool filter = phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
    char options[160];
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    op->phase = phase;
    op->window = describe(problem, phase);
    int64_t tile = tile_outputs(problem, op->window.q);
    plan(op, tile);
    plan_filter(op);
    snprintf(options, sizeof(options),
             "-DWINDOW_H=%d -DWINDOW_W=%d -DSTRIDE_H=%d -DSTRIDE_W=%d -DTILE=%d %s",
             (int)problem->r, (int)problem->s, (int)problem->stride[0], (int)problem->stride[1],
             (int)tile, clcnn_storage_option(problem->storage));
    TRY(clcnn_kernel_create(problem->device, "conv2d_depthwise_window_cpu", options,
                            filter ? "conv2d_depthwise_window_filter" : "conv2d_depthwise_window",
                            &op->kernel));
    if (filter && op->ranges > 1)
        TRY(clcnn_kernel_create(problem->device, "conv2d_depthwise_cpu", "",
                                "conv2d_depthwise_reduce", &op->reduce));
    *out = op;
    op = NULL;
done:
    clcnn_conv2d_window_destroy(&op);
    return status;
}

void clcnn_conv2d_window_destroy(struct clcnn_conv2d_window **op)
{
    if (!*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_kernel_destroy(&(*op)->reduce);
    free(*op);
    *op = NULL;
}

size_t clcnn_conv2d_window_workspace(const struct clcnn_conv2d_window *op)
{
    return op->reduce ? (size_t)op->ranges * range_bytes(op) : 0;
}

static enum clcnn_status run_filter(struct clcnn_conv2d_window *op,
                                    const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t vectors = vectors_of(op), taps = p->r * p->s;
    TRY(clcnn_launch(call->stream, op->kernel,
                     GRID1(clcnn_min(vectors * op->ranges, p->compute_units), 1),
                     ARGS(LANES(), BUFFER(args->x), BUFFER(args->dy), BUFFER(args->dw),
                          BUFFER(args->db), BUFFER(op->reduce ? args->workspace : NULL),
                          DATA(op->window), INT(call->n), INT(op->ranges), INT(args->db != NULL))));
    if (op->reduce)
        TRY(clcnn_launch(call->stream, op->reduce, GRID1(vectors, 1),
                         ARGS(BUFFER(args->workspace), BUFFER(args->dw), BUFFER(args->db),
                              INT(p->c), INT(1), INT(taps), INT(op->ranges), INT(args->db != NULL),
                              LOCAL(range_bytes(op) / (size_t)vectors))));
done:
    return status;
}

enum clcnn_status clcnn_conv2d_window_run(struct clcnn_conv2d_window *op,
                                          const struct clcnn_conv2d_call *call)
{
    const struct clcnn_conv2d_args *args = call->args;
    if (op->phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        return run_filter(op, call);
    bool data = op->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    int64_t units = call->n * op->units, cores = op->problem.compute_units;
    return clcnn_launch(call->stream, op->kernel, GRID1(clcnn_min(units, cores), 1),
                        ARGS(LANES(), BUFFER(data ? args->dy : args->x), BUFFER(args->w),
                             BUFFER(data ? NULL : args->bias), BUFFER(data ? args->dx : args->y),
                             DATA(op->window), LONG(units), LONG(clcnn_min(units, TASKS * cores))));
}
