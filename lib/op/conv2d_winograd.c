/* The rows winograd_2x2, winograd_4x4, winograd_6x6 of the list: each hands a phase to the part
 * that runs it on the device's class. */
#include "op/conv2d_winograd.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>

struct winograd_row {
    const struct clcnn_conv2d_winograd_part *part;
    void *state;
};

static const struct clcnn_conv2d_winograd_part *part_of(const struct clcnn_conv2d_problem *problem,
                                                        enum clcnn_conv2d_phase phase)
{
    if (problem->family == CLCNN_DEVICE_CLASS_GPU)
        return &clcnn_conv2d_winograd_gpu;
    return phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER ? &clcnn_conv2d_winograd_filter_cpu
                                                       : &clcnn_conv2d_winograd_cpu;
}

int64_t clcnn_conv2d_winograd_tiles(const struct clcnn_conv2d_problem *problem,
                                    enum clcnn_conv2d_phase phase,
                                    const struct clcnn_winograd *winograd, int64_t n)
{
    bool data = phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    return n * clcnn_divide_up(data ? problem->h : problem->p, winograd->m) *
           clcnn_divide_up(data ? problem->w : problem->q, winograd->m);
}

static const char *unsupported(const struct clcnn_conv2d_problem *problem,
                               enum clcnn_conv2d_phase phase, int m)
{
    struct clcnn_winograd winograd;
    if (problem->stride[0] != 1 || problem->stride[1] != 1 || problem->dilation[0] != 1 ||
        problem->dilation[1] != 1)
        return "stride and dilation 1 only";
    if (problem->r != problem->s || !clcnn_winograd_make(m, (int)problem->r, &winograd))
        return m == 6 ? "filters 3x3 only" : "filters 3x3 and 5x5 only";
    for (int i = 0; i < 4 && phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA; i++)
        if (problem->pad[i] >= problem->r)
            return "pads as wide as the filter";
    if (problem->family == CLCNN_DEVICE_CLASS_GPU &&
        clcnn_device_info(problem->device)->max_work_group < 64)
        return "needs work-groups of 64 work-items";
    return NULL;
}

static struct clcnn_winograd matrices_of(const struct clcnn_conv2d_problem *problem, int m)
{
    struct clcnn_winograd winograd = {0};
    clcnn_winograd_make(m, (int)problem->r, &winograd);
    return winograd;
}

static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase, int m)
{
    struct clcnn_winograd winograd = matrices_of(problem, m);
    return unsupported(problem, phase, m)
               ? INFINITY
               : part_of(problem, phase)->cost(problem, phase, &winograd);
}

static double error_bound(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase,
                          int m)
{
    struct clcnn_winograd winograd = matrices_of(problem, m);
    int64_t terms = phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA ? clcnn_conv2d_filters(problem)
                                                              : clcnn_conv2d_channels(problem);
    if (phase != CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        return clcnn_winograd_sum_bound(&winograd, terms + problem->accumulate);
    return clcnn_winograd_filter_bound(
        &winograd, clcnn_conv2d_winograd_tiles(problem, phase, &winograd, problem->n));
}

static void destroy(void *state)
{
    struct winograd_row *row = state;
    if (row->state)
        row->part->destroy(row->state);
    free(row);
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, int m, void **state)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_winograd winograd = matrices_of(problem, m);
    struct winograd_row *row = NULL;
    TRY(clcnn_alloc(1, sizeof(*row), &row));
    row->part = part_of(problem, phase);
    TRY(row->part->create(problem, phase, &winograd, &row->state));
    *state = row;
    row = NULL;
done:
    if (row)
        destroy(row);
    return status;
}

static size_t workspace(const void *state)
{
    const struct winograd_row *row = state;
    return row->part->workspace(row->state);
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    struct winograd_row *row = state;
    return row->part->run(row->state, call);
}

static size_t packed_filter(const void *state)
{
    const struct winograd_row *row = state;
    return row->part->packed_filter ? row->part->packed_filter(row->state) : 0;
}

static enum clcnn_status pack_filter(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed)
{
    struct winograd_row *row = state;
    return row->part->pack_filter(row->state, stream, w, packed);
}

#define WINOGRAD_ROW(m)                                                                            \
    static const char *unsupported_##m(const struct clcnn_conv2d_problem *problem,                 \
                                       enum clcnn_conv2d_phase phase)                              \
    {                                                                                              \
        return unsupported(problem, phase, m);                                                     \
    }                                                                                              \
    static double cost_##m(const struct clcnn_conv2d_problem *problem,                             \
                           enum clcnn_conv2d_phase phase)                                          \
    {                                                                                              \
        return cost(problem, phase, m);                                                            \
    }                                                                                              \
    static double error_bound_##m(const struct clcnn_conv2d_problem *problem,                      \
                                  enum clcnn_conv2d_phase phase)                                   \
    {                                                                                              \
        return error_bound(problem, phase, m);                                                     \
    }                                                                                              \
    static enum clcnn_status create_##m(const struct clcnn_conv2d_problem *problem,                \
                                        enum clcnn_conv2d_phase phase, void **state)               \
    {                                                                                              \
        return create(problem, phase, m, state);                                                   \
    }                                                                                              \
    const struct clcnn_conv2d_impl clcnn_conv2d_winograd_##m##x##m = {                             \
        .name = "winograd_" #m "x" #m,                                                             \
        .algorithm = CLCNN_CONV2D_ALGORITHM_WINOGRAD_##m##X##m,                                    \
        .stores_half = true,                                                                       \
        .unsupported = unsupported_##m,                                                            \
        .cost = cost_##m,                                                                          \
        .error_bound = error_bound_##m,                                                            \
        .create = create_##m,                                                                      \
        .destroy = destroy,                                                                        \
        .workspace = workspace,                                                                    \
        .run = run,                                                                                \
        .packed_filter = packed_filter,                                                            \
        .pack_filter = pack_filter,                                                                \
    };
WINOGRAD_ROW(2)
WINOGRAD_ROW(4)
WINOGRAD_ROW(6)
