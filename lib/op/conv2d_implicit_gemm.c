/* The row implicit_gemm of the list: hands a phase to the part that is for the problem. */
#include "op/conv2d_implicit_gemm.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>

struct implicit_row {
    const struct clcnn_conv2d_implicit_part *part;
    void *state;
};

static const struct {
    enum clcnn_conv2d_phase phase;
    const struct clcnn_conv2d_implicit_part *part;
} parts[] = {
    {CLCNN_CONV2D_PHASE_FORWARD, &clcnn_conv2d_forward_strips},
    {CLCNN_CONV2D_PHASE_FORWARD, &clcnn_conv2d_gathered_tiles},
    {CLCNN_CONV2D_PHASE_BACKWARD_DATA, &clcnn_conv2d_data_in_place},
    {CLCNN_CONV2D_PHASE_BACKWARD_DATA, &clcnn_conv2d_gathered_tiles},
    {CLCNN_CONV2D_PHASE_BACKWARD_FILTER, &clcnn_conv2d_filter_strips},
    {CLCNN_CONV2D_PHASE_BACKWARD_FILTER, &clcnn_conv2d_filter_in_place},
    {CLCNN_CONV2D_PHASE_BACKWARD_FILTER, &clcnn_conv2d_filter_gemm},
};

/* The cheapest of those that can be used; the last of each phase always can. */
static const struct clcnn_conv2d_implicit_part *part_of(const struct clcnn_conv2d_problem *problem,
                                                        enum clcnn_conv2d_phase phase)
{
    const struct clcnn_conv2d_implicit_part *best = NULL;
    double lowest = INFINITY;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct clcnn_conv2d_implicit_part *part = parts[i].part;
        if (parts[i].phase != phase || (part->usable && !part->usable(problem)))
            continue;
        double seconds = part->cost(problem, phase);
        if (!best || seconds < lowest) {
            best = part;
            lowest = seconds;
        }
    }
    return best;
}

static const char *unsupported(const struct clcnn_conv2d_problem *problem,
                               enum clcnn_conv2d_phase phase)
{
    (void)problem;
    (void)phase;
    return NULL;
}

static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    return part_of(problem, phase)->cost(problem, phase);
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct implicit_row *row = NULL;
    TRY(clcnn_alloc(1, sizeof(*row), &row));
    row->part = part_of(problem, phase);
    TRY(row->part->create(problem, phase, &row->state));
    *state = row;
    row = NULL;
done:
    free(row);
    return status;
}

static void destroy(void *state)
{
    struct implicit_row *row = state;
    row->part->destroy(row->state);
    free(row);
}

static size_t workspace(const void *state)
{
    const struct implicit_row *row = state;
    return row->part->workspace(row->state);
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    struct implicit_row *row = state;
    return row->part->run(row->state, call);
}

static size_t packed_filter(const void *state)
{
    const struct implicit_row *row = state;
    return row->part->packed_filter ? row->part->packed_filter(row->state) : 0;
}

static size_t packed_workspace(const void *state)
{
    (void)state;
    return 0;
}

static enum clcnn_status pack_filter(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed)
{
    struct implicit_row *row = state;
    return row->part->pack_filter(row->state, stream, w, packed);
}

const struct clcnn_conv2d_impl clcnn_conv2d_implicit_gemm = {
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
    .packed_filter = packed_filter,
    .pack_filter = pack_filter,
    .packed_workspace = packed_workspace,
    .gpu = &clcnn_conv2d_implicit_gemm_gpu,
};
