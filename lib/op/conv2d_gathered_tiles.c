/* Patches gathered tile by tile inside the multiplication (cl/conv2d_implicit_gemm_cpu.cl). */
#include "base/memory.h"
#include "op/conv2d_implicit_gemm.h"
#include "op/storage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* As in the kernels. */
enum { HELD = 8, OPTIONS = 64 };

struct implicit {
    struct clcnn_conv2d_problem problem;
    enum clcnn_conv2d_phase phase;
    struct clcnn_kernel *pack, *multiply;
    int64_t mr, nr;      /* the register tile */
    int64_t panels;      /* of a group: columns / nr */
    size_t packed_bytes; /* the filter in panels */
};

static int64_t vector_lanes(const struct clcnn_conv2d_problem *problem)
{
    return problem->vector_width >= 16 ? 16 : problem->vector_width >= 8 ? 8 : 4;
}

static int64_t tile_rows(const struct clcnn_conv2d_problem *problem)
{
    int64_t lanes = vector_lanes(problem);
    return lanes == 16 ? 14 : lanes == 8 ? 6 : 8;
}

/* Columns of a group: what the vectors run along. */
static int64_t columns_of(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    return phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA ? clcnn_conv2d_channels(problem)
                                                     : clcnn_conv2d_filters(problem);
}

static int64_t tile_columns(const struct clcnn_conv2d_problem *problem,
                            enum clcnn_conv2d_phase phase)
{
    int64_t lanes = vector_lanes(problem);
    return columns_of(problem, phase) <= lanes ? lanes : 2 * lanes;
}

/* Pairs of output and (r, s): what is multiplied `depth` deep. With the batch inside, the gradient
 * to the data skips those outside the image, which are none of the forward pass's. */
static double output_taps(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    double pairs = (double)(problem->r * problem->s);
    double real = (double)clcnn_conv2d_pixels(problem) * pairs;
    if (phase != CLCNN_CONV2D_PHASE_BACKWARD_DATA || 2 * problem->n > tile_rows(problem))
        return real;
    return (double)(problem->n * problem->h * problem->w) * pairs /
           (double)(problem->stride[0] * problem->stride[1]);
}

/* The share of the patches that are copied: those of tiles at the edge of the image, which are
 * about half of them at batch 1. */
static double gathered(const struct implicit *implicit)
{
    const struct clcnn_conv2d_problem *problem = &implicit->problem;
    bool padded = problem->pad[0] || problem->pad[1] || problem->pad[2] || problem->pad[3];
    if (implicit->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        padded = problem->r * problem->s > 1;
    return !padded ? 0.0 : 2 * problem->n > implicit->mr ? 0.1 : 0.5;
}

/* Multiplications at 1 / 1.08 of the peak, padded to whole panels; gathering 8 elements a cycle and
 * 12 cycles a run; packing one element a cycle; every operand once from memory. Measured within
 * 20 % of this on AVX-512. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    struct implicit shape = {.problem = *problem,
                             .phase = phase,
                             .mr = tile_rows(problem),
                             .nr = tile_columns(problem, phase)};
    bool data = phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    double lanes = (double)vector_lanes(problem), cycles_per_second = problem->peak / (4.0 * lanes);
    double columns = (double)clcnn_round_up(columns_of(problem, phase), shape.nr);
    double depth =
        data ? (double)clcnn_conv2d_filters(problem) : (double)clcnn_conv2d_channels(problem);
    double taps = output_taps(problem, phase) * (double)problem->groups;
    bool runs = problem->dilation[1] == 1 && problem->groups == 1;
    double multiply = 1.08 * taps * depth * columns / (2.0 * lanes);
    double gather = taps * depth / 8.0 + 12.0 * (runs ? taps / (double)problem->s : taps);
    bool prepacked = problem->prepacked && !data;
    double pack = prepacked ? 0.0 : (double)problem->k * (double)clcnn_conv2d_taps(problem);
    /* What of the filter exceeds the nearer caches comes again for every tile of pixels. */
    double far = fmax(0.0, (double)problem->k * (double)clcnn_conv2d_taps(problem) - 0x1p19);
    double tiles = taps / (double)(problem->groups * problem->r * problem->s * shape.mr);
    double fetch = 0.15 * far * tiles;
    return 1e-5 + (prepacked ? 0.0 : 5e-6) +
           (multiply + gathered(&shape) * gather + pack + fetch) / cycles_per_second +
           clcnn_conv2d_traffic(problem) / problem->bandwidth;
}

static void destroy(void *state)
{
    struct implicit *implicit = state;
    clcnn_kernel_destroy(&implicit->pack);
    clcnn_kernel_destroy(&implicit->multiply);
    free(implicit);
}

static enum clcnn_status plan(struct implicit *implicit)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &implicit->problem;
    implicit->mr = tile_rows(problem);
    implicit->nr = tile_columns(problem, implicit->phase);
    implicit->panels = clcnn_divide_up(columns_of(problem, implicit->phase), implicit->nr);
    int64_t rows = clcnn_conv2d_terms(problem, implicit->phase);
    implicit->packed_bytes = (size_t)(problem->groups * implicit->panels * rows * implicit->nr) *
                             clcnn_dtype_size(problem->storage);
    if (implicit->packed_bytes > problem->max_workspace)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace",
                       implicit->packed_bytes));
done:
    return status;
}

/* Larger tiles of patches where local memory is ordinary memory, and ample. */
static void spell_options(const struct implicit *implicit, char text[OPTIONS])
{
    const struct clcnn_conv2d_problem *problem = &implicit->problem;
    bool ample = clcnn_device_info(problem->device)->local_bytes >= 256 << 10;
    snprintf(text, OPTIONS, "%s%s%s", ample ? "-DDEPTH=1152 " : "",
             implicit->nr == vector_lanes(problem) ? "-DNV=1 " : "",
             clcnn_storage_option(problem->storage));
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state)
{
    static const char program[] = "conv2d_implicit_gemm_cpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct implicit *implicit = NULL;
    TRY(clcnn_alloc(1, sizeof(*implicit), &implicit));
    implicit->problem = *problem;
    implicit->phase = phase;
    TRY(plan(implicit));
    char options[OPTIONS];
    spell_options(implicit, options);
    TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_implicit_gemm_pack",
                            &implicit->pack));
    TRY(clcnn_kernel_create(problem->device, program, options, "conv2d_implicit_gemm",
                            &implicit->multiply));
    *state = implicit;
    implicit = NULL;
done:
    if (implicit)
        destroy(implicit);
    return status;
}

static size_t packed_filter(const void *state)
{
    const struct implicit *implicit = state;
    return implicit->packed_bytes;
}

static enum clcnn_status pack_filter(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed)
{
    struct implicit *implicit = state;
    const struct clcnn_conv2d_problem *p = &implicit->problem;
    int64_t depth = clcnn_conv2d_channels(p), taps = clcnn_conv2d_taps(p);
    return clcnn_launch(
        stream, implicit->pack, GRID3(implicit->panels, p->r * p->s, p->groups, 1, 1, 1),
        ARGS(BUFFER(w), BUFFER(packed), INT(p->s), INT(depth), INT(clcnn_conv2d_filters(p)),
             LONG(0), LONG(clcnn_conv2d_filters(p) * taps), LONG(p->s * depth), LONG(depth),
             LONG(1), LONG(taps)));
}

/* Few tiles: the panels of one are shared among several work-items. So are they where a work-item
 * keeps the sums of its panels to itself. */
static struct clcnn_grid multiply_grid(const struct implicit *implicit, int64_t pixels)
{
    int64_t groups = implicit->problem.groups, items = 4 * implicit->problem.compute_units;
    int64_t tiles = clcnn_divide_up(pixels, implicit->mr);
    int64_t shares = tiles > 0 ? clcnn_divide_up(items, tiles * groups) : 1;
    if (implicit->problem.storage != CLCNN_DTYPE_FLOAT32)
        shares = clcnn_max(shares, clcnn_divide_up(implicit->panels, HELD));
    return GRID3(tiles, clcnn_min(shares, implicit->panels), groups, 1, 1, 1);
}

/* A tile of outputs at the edge of the image skips the taps that none of them has: worth it if all
 * are at the same place of different images. */
static bool batch_inner(const struct implicit *implicit, int64_t n, bool padded)
{
    return padded && 2 * n > implicit->mr;
}

static enum clcnn_status forward(struct implicit *implicit, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &implicit->problem;
    const struct clcnn_buffer *packed = call->args->packed_w;
    bool padded = p->pad[0] || p->pad[1] || p->pad[2] || p->pad[3];
    if (!packed) {
        packed = call->args->workspace;
        TRY(pack_filter(implicit, call->stream, call->args->w, packed));
    }
    TRY(clcnn_launch(
        call->stream, implicit->multiply, multiply_grid(implicit, call->n * p->p * p->q),
        ARGS(BUFFER(call->args->x), BUFFER(packed), BUFFER(call->args->bias), BUFFER(call->args->y),
             INT(call->n), INT(p->h), INT(p->w), INT(p->c), INT(p->k), INT(p->r), INT(p->s),
             INT(p->p), INT(p->q), INT(p->stride[0]), INT(p->stride[1]), INT(p->dilation[0]),
             INT(p->dilation[1]), INT(-p->pad[0]), INT(-p->pad[1]), INT(p->p), INT(p->q), INT(0),
             INT(0), INT(1), INT(1), INT(batch_inner(implicit, call->n, padded)), INT(p->use_bias),
             INT(p->accumulate), INT(p->activation), FLOAT(p->alpha))));
done:
    return status;
}

/* The outputs of one pair of residues, with the filter turned: tap j' = taps - 1 - j. */
static enum clcnn_status backward_residue(struct implicit *implicit,
                                          const struct clcnn_conv2d_call *call,
                                          const struct clcnn_conv2d_residue *h,
                                          const struct clcnn_conv2d_residue *w,
                                          const struct clcnn_buffer *panels)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &implicit->problem;
    int64_t cg = clcnn_conv2d_channels(p), kg = clcnn_conv2d_filters(p);
    int64_t taps = clcnn_conv2d_taps(p), pairs = h->taps * w->taps;
    int64_t last_r = h->first + p->stride[0] * (h->taps - 1);
    int64_t last_s = w->first + p->stride[1] * (w->taps - 1);
    bool row = h->taps == 0; /* of zeros, whole */
    TRY(clcnn_launch(
        call->stream, implicit->pack, GRID3(implicit->panels, pairs, p->groups, 1, 1, 1),
        ARGS(BUFFER(call->args->w), BUFFER(panels), INT(w->taps), INT(kg), INT(cg),
             LONG((last_r * p->s + last_s) * cg), LONG(kg * taps), LONG(-p->stride[0] * p->s * cg),
             LONG(-p->stride[1] * cg), LONG(taps), LONG(1))));
    TRY(clcnn_launch(call->stream, implicit->multiply,
                     multiply_grid(implicit, call->n * h->outputs * (row ? p->w : w->outputs)),
                     ARGS(BUFFER(call->args->dy), BUFFER(panels), BUFFER(NULL),
                          BUFFER(call->args->dx), INT(call->n), INT(p->p), INT(p->q), INT(p->k),
                          INT(p->c), INT(pairs ? h->taps : 0), INT(pairs ? w->taps : 1),
                          INT(h->outputs), INT(row ? p->w : w->outputs), INT(1), INT(1),
                          INT(h->step), INT(w->step), INT(h->origin - (h->taps - 1) * h->step),
                          INT(w->origin - (w->taps - 1) * w->step), INT(p->h), INT(p->w), INT(h->a),
                          INT(w->a), INT(p->stride[0]), INT(row ? 1 : p->stride[1]),
                          INT(batch_inner(implicit, call->n, pairs > 1)), INT(0), INT(0),
                          INT(CLCNN_ACTIVATION_LINEAR), FLOAT(0))));
done:
    return status;
}

static enum clcnn_status backward_data(struct implicit *implicit,
                                       const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &implicit->problem;
    size_t pair_bytes = implicit->packed_bytes / (size_t)(p->r * p->s), used = 0;
    for (int64_t a = 0; a < p->stride[0]; a++) {
        struct clcnn_conv2d_residue h =
            clcnn_conv2d_residue(a, p->h, p->r, p->stride[0], p->dilation[0], p->pad[0]);
        for (int64_t b = 0; b < p->stride[1]; b++) {
            struct clcnn_conv2d_residue w =
                clcnn_conv2d_residue(b, p->w, p->s, p->stride[1], p->dilation[1], p->pad[1]);
            size_t bytes = (size_t)(h.taps * w.taps) * pair_bytes;
            struct clcnn_buffer panels = clcnn_buffer_slice(call->args->workspace, used, bytes);
            if (h.outputs > 0 && w.outputs > 0 && (h.taps > 0 || b == 0))
                TRY(backward_residue(implicit, call, &h, &w, &panels));
            used += bytes;
        }
    }
done:
    return status;
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    struct implicit *implicit = state;
    return implicit->phase == CLCNN_CONV2D_PHASE_FORWARD ? forward(implicit, call)
                                                         : backward_data(implicit, call);
}

const struct clcnn_conv2d_implicit_part clcnn_conv2d_gathered_tiles = {
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = packed_filter,
    .run = run,
    .packed_filter = packed_filter,
    .pack_filter = pack_filter,
};
