#include "op/conv2d_gemm.h"
#include "base/memory.h"
#include "op/gemm.h"
#include "op/reduce_columns.h"
#include <math.h>
#include <stdlib.h>

/* Patches that are written and read again soon. */
#define CHUNK_BYTES_CPU ((int64_t)2 << 20)
#define CHUNK_BYTES_GPU ((int64_t)64 << 20)
#define IM2COL_ROWS     16 /* as in cl/conv2d_im2col.cl */
#define IM2COL_GROUP    64

struct clcnn_conv2d_gemm {
    struct clcnn_conv2d_problem problem;
    enum clcnn_conv2d_phase phase;
    bool in_place; /* the image is the matrix */
    bool pack;     /* the filter can be packed by the caller, or once for many chunks */
    int64_t rows;  /* of a chunk */
    struct clcnn_gemm *gemm;
    struct clcnn_kernel *patches;         /* im2col, or col2im */
    struct clcnn_reduce_columns *columns; /* db */
    size_t workspace, packed_workspace;   /* the latter of a call with a packed filter */
};

/* The parts of the workspace. */
struct parts {
    struct clcnn_buffer packed, patches, gemm;
    size_t bytes;
};

/* A single product packs as it goes, or does without. */
static bool packs_in_call(const struct clcnn_conv2d_gemm *op)
{
    return op->pack && op->rows < clcnn_conv2d_pixels(&op->problem);
}

/* Of a call that is given a packed filter, or not. */
static struct parts divide(const struct clcnn_conv2d_gemm *op, const struct clcnn_buffer *workspace,
                           bool given)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    struct parts parts = {0};
    size_t gemm_bytes = clcnn_gemm_workspace_size(op->gemm, given || packs_in_call(op));
    if (packs_in_call(op) && !given)
        parts.packed =
            clcnn_gemm_take(workspace, &parts.bytes,
                            (int64_t)(clcnn_conv2d_gemm_packed_filter(op) / sizeof(float)));
    if (!op->in_place)
        parts.patches =
            clcnn_gemm_take(workspace, &parts.bytes, op->rows * clcnn_conv2d_taps(problem));
    if (gemm_bytes > 0)
        parts.gemm = clcnn_gemm_take(workspace, &parts.bytes,
                                     clcnn_divide_up((int64_t)gemm_bytes, sizeof(float)));
    return parts;
}

/* The product of one group of a chunk. */
static struct clcnn_gemm_params product(const struct clcnn_conv2d_problem *problem,
                                        enum clcnn_conv2d_phase phase, int64_t rows)
{
    int64_t kg = clcnn_conv2d_filters(problem), taps = clcnn_conv2d_taps(problem);
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        return (struct clcnn_gemm_params){.m = rows, .n = taps, .k = kg};
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        return (struct clcnn_gemm_params){.m = kg, .n = taps, .k = rows, .transpose_a = true};
    return (struct clcnn_gemm_params){.m = rows,
                                      .n = kg,
                                      .k = taps,
                                      .transpose_b = true,
                                      .use_bias = problem->use_bias,
                                      .activation = problem->activation,
                                      .activation_alpha = problem->alpha};
}

static int64_t chunk_rows(const struct clcnn_conv2d_problem *problem, bool in_place)
{
    int64_t pixels = clcnn_conv2d_pixels(problem);
    int64_t bytes = problem->family == CLCNN_DEVICE_CLASS_GPU ? CHUNK_BYTES_GPU : CHUNK_BYTES_CPU;
    int64_t row_bytes = clcnn_conv2d_taps(problem) * (int64_t)sizeof(float);
    if (in_place)
        return pixels;
    if (problem->max_workspace / 2 < (size_t)bytes)
        bytes = (int64_t)(problem->max_workspace / 2);
    return clcnn_max(1, clcnn_min(pixels, bytes / row_bytes));
}

double clcnn_conv2d_gemm_cost(const struct clcnn_conv2d_problem *problem,
                              enum clcnn_conv2d_phase phase, bool in_place)
{
    int64_t rows = chunk_rows(problem, in_place);
    struct clcnn_gemm_params params = product(problem, phase, rows);
    double chunks = (double)problem->groups * (double)clcnn_conv2d_pixels(problem) / (double)rows;
    bool filter = phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
    bool prepacked = phase == CLCNN_CONV2D_PHASE_FORWARD && problem->prepacked;
    bool packed = prepacked || (!filter && rows < clcnn_conv2d_pixels(problem));
    double seconds = chunks * clcnn_gemm_cost(problem->device, &params, packed);
    if (packed && !prepacked)
        seconds +=
            8.0 * (double)problem->k * (double)clcnn_conv2d_taps(problem) / problem->bandwidth;
    if (filter && problem->family != CLCNN_DEVICE_CLASS_GPU)
        seconds *= 1.25; /* rows of A^T; measured */
    if (in_place)
        return seconds;
    /* Patches are written and read again, and so is what they come from. */
    double patches = (double)rows * (double)clcnn_conv2d_taps(problem) * sizeof(float);
    double image = sizeof(float) * (double)(problem->n * problem->h * problem->w * problem->c);
    bool data = phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    seconds += chunks * (5e-6 + 2.0 * patches / problem->bandwidth);
    if (problem->family != CLCNN_DEVICE_CLASS_GPU) /* 6 cycles around each pixel that is copied */
        seconds +=
            chunks * (double)(rows * problem->r * problem->s) * 6.0 * 8.0 / problem->bandwidth;
    return seconds + (data ? 2.0 * image : fmin(image, chunks * patches)) / problem->bandwidth;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Fills in the workspaces; false if they exceed the budget. */
static bool affordable(struct clcnn_conv2d_gemm *op)
{
    op->workspace = divide(op, NULL, false).bytes;
    op->packed_workspace = op->workspace;
    if (op->pack && op->phase == CLCNN_CONV2D_PHASE_FORWARD)
        op->packed_workspace = divide(op, NULL, true).bytes;
    if (op->packed_workspace > op->workspace)
        op->workspace = op->packed_workspace;
    return op->workspace <= op->problem.max_workspace;
}

/* Takes the largest chunk that fits: with the filter packed if possible, else without. */
static enum clcnn_status fit(struct clcnn_conv2d_gemm *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &op->problem;
    op->rows = chunk_rows(problem, op->in_place);
    for (;;) {
        struct clcnn_gemm_params params = product(problem, op->phase, op->rows);
        clcnn_gemm_destroy(&op->gemm);
        TRY(clcnn_gemm_create(problem->device, &params, &op->gemm));
        op->pack = op->phase != CLCNN_CONV2D_PHASE_BACKWARD_FILTER &&
                   clcnn_gemm_packed_b_size(op->gemm) > 0;
        if (affordable(op))
            break;
        op->pack = false;
        if (affordable(op))
            break;
        if (op->rows == 1 || op->in_place)
            TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace",
                           op->workspace));
        op->rows /= 2;
    }
done:
    return status;
}

static enum clcnn_status prepare_columns(struct clcnn_conv2d_gemm *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &op->problem;
    TRY(clcnn_reduce_columns_create(problem->device, clcnn_conv2d_pixels(problem), problem->k,
                                    &op->columns));
    /* It runs after the products: the whole workspace is free again. */
    size_t bytes = clcnn_reduce_columns_workspace_size(op->columns);
    if (bytes > problem->max_workspace)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace", bytes));
    if (bytes > op->workspace)
        op->workspace = bytes;
done:
    return status;
}

enum clcnn_status clcnn_conv2d_gemm_create(const struct clcnn_conv2d_problem *problem,
                                           enum clcnn_conv2d_phase phase, bool in_place,
                                           struct clcnn_conv2d_gemm **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv2d_gemm *op = NULL;
    bool data = phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    op->phase = phase;
    op->in_place = in_place;
    TRY(fit(op));
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        TRY(prepare_columns(op));
    if (!in_place)
        TRY(clcnn_kernel_create(problem->device, "conv2d_im2col", "",
                                data ? "conv2d_col2im" : "conv2d_im2col", &op->patches));
    *out = op;
    op = NULL;
done:
    if (op)
        clcnn_conv2d_gemm_destroy(op);
    return status;
}

void clcnn_conv2d_gemm_destroy(void *state)
{
    struct clcnn_conv2d_gemm *op = state;
    clcnn_gemm_destroy(&op->gemm);
    clcnn_kernel_destroy(&op->patches);
    clcnn_reduce_columns_destroy(&op->columns);
    free(op);
}

size_t clcnn_conv2d_gemm_workspace(const void *state)
{
    const struct clcnn_conv2d_gemm *op = state;
    return op->workspace;
}

size_t clcnn_conv2d_gemm_packed_workspace(const void *state)
{
    const struct clcnn_conv2d_gemm *op = state;
    return op->packed_workspace;
}

/* ---- the filter ------------------------------------------------------------------------------ */

/* Bytes of one group's packed filter; groups start on cache lines. */
static size_t packed_bytes(const struct clcnn_conv2d_gemm *op)
{
    return (size_t)clcnn_round_up((int64_t)clcnn_gemm_packed_b_size(op->gemm), 64);
}

size_t clcnn_conv2d_gemm_packed_filter(const void *state)
{
    const struct clcnn_conv2d_gemm *op = state;
    return op->pack ? packed_bytes(op) * (size_t)op->problem.groups : 0;
}

static struct clcnn_buffer from(const struct clcnn_buffer *buffer, int64_t element)
{
    size_t offset = (size_t)element * sizeof(float);
    return clcnn_buffer_slice(buffer, offset, buffer->bytes - offset);
}

static struct clcnn_buffer filter_of(const struct clcnn_conv2d_gemm *op,
                                     const struct clcnn_buffer *w, int64_t g)
{
    int64_t count = clcnn_conv2d_filters(&op->problem) * clcnn_conv2d_taps(&op->problem);
    return clcnn_buffer_slice(w, (size_t)(g * count) * sizeof(float),
                              (size_t)count * sizeof(float));
}

static struct clcnn_buffer packed_of(const struct clcnn_conv2d_gemm *op,
                                     const struct clcnn_buffer *packed, int64_t g)
{
    return clcnn_buffer_slice(packed, (size_t)g * packed_bytes(op), packed_bytes(op));
}

enum clcnn_status clcnn_conv2d_gemm_pack_filter(void *state, struct clcnn_stream *stream,
                                                const struct clcnn_buffer *w,
                                                const struct clcnn_buffer *packed)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv2d_gemm *op = state;
    for (int64_t g = 0; g < op->problem.groups; g++) {
        struct clcnn_buffer source = filter_of(op, w, g), target = packed_of(op, packed, g);
        TRY(clcnn_gemm_pack_b_in(op->gemm, &source, 0, &target, stream));
    }
done:
    return status;
}

/* ---- the phases ------------------------------------------------------------------------------ */

/* One chunk of one group: outputs m0 .. m0 + rows. */
struct chunk {
    int64_t g, m0, rows;
    struct parts parts;
    const struct clcnn_buffer *packed; /* all groups; NULL: the products read w */
};

static enum clcnn_status im2col(struct clcnn_conv2d_gemm *op, const struct clcnn_conv2d_call *call,
                                const struct chunk *chunk)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t elements = chunk->rows * clcnn_conv2d_taps(problem);
    struct clcnn_grid grid = problem->family == CLCNN_DEVICE_CLASS_GPU
                                 ? GRID1(clcnn_divide_up(elements, IM2COL_GROUP), IM2COL_GROUP)
                                 : GRID1(clcnn_divide_up(chunk->rows, IM2COL_ROWS), 1);
    return clcnn_launch(call->stream, op->patches, grid,
                        ARGS(BUFFER(call->args->x), BUFFER(&chunk->parts.patches),
                             CONV2D_SHAPE(problem, call->n), INT(chunk->g), LONG(chunk->m0),
                             LONG(chunk->m0 + chunk->rows)));
}

/* Adds the chunk to the image rows (n, h) that its patches touch. */
static enum clcnn_status col2im(struct clcnn_conv2d_gemm *op, const struct clcnn_conv2d_call *call,
                                const struct chunk *chunk)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t first = chunk->m0 / problem->q, last = (chunk->m0 + chunk->rows - 1) / problem->q;
    int64_t top = first % problem->p * problem->stride[0] - problem->pad[0];
    int64_t bottom = last % problem->p * problem->stride[0] - problem->pad[0] +
                     (problem->r - 1) * problem->dilation[0];
    int64_t row0 = first / problem->p * problem->h + clcnn_min(clcnn_max(top, 0), problem->h);
    int64_t row1 = last / problem->p * problem->h + clcnn_min(clcnn_max(bottom + 1, 0), problem->h);
    int64_t width = problem->w * clcnn_conv2d_channels(problem);
    int64_t rows = clcnn_max(row1 - row0, 0);
    struct clcnn_grid grid = problem->family == CLCNN_DEVICE_CLASS_GPU
                                 ? GRID1(rows * clcnn_divide_up(width, IM2COL_GROUP), IM2COL_GROUP)
                                 : GRID1(rows, 1);
    return clcnn_launch(call->stream, op->patches, grid,
                        ARGS(BUFFER(&chunk->parts.patches), BUFFER(call->args->dx),
                             CONV2D_SHAPE(problem, call->n), INT(chunk->g), LONG(chunk->m0),
                             LONG(chunk->m0 + chunk->rows), LONG(row0)));
}

static enum clcnn_status forward(struct clcnn_conv2d_gemm *op, const struct clcnn_conv2d_call *call,
                                 const struct chunk *chunk)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t kg = clcnn_conv2d_filters(problem), cg = clcnn_conv2d_channels(problem);
    struct clcnn_buffer left = chunk->parts.patches, w, packed, bias;
    struct clcnn_buffer y = from(call->args->y, chunk->m0 * problem->k + chunk->g * kg);
    struct clcnn_gemm_args args = {.m = chunk->rows,
                                   .c = &y,
                                   .ldc = problem->k,
                                   .a = &left,
                                   .beta = problem->accumulate ? 1.0f : 0.0f};
    if (op->in_place) {
        left = from(call->args->x, chunk->m0 * problem->c + chunk->g * cg);
        args.lda = problem->c;
    } else {
        TRY(im2col(op, call, chunk));
    }
    if (chunk->packed) {
        packed = packed_of(op, chunk->packed, chunk->g);
        args.packed_b = &packed;
    } else {
        w = filter_of(op, call->args->w, chunk->g);
        args.b = &w;
    }
    if (problem->use_bias) {
        bias = from(call->args->bias, chunk->g * kg);
        args.bias = &bias;
    }
    args.workspace = chunk->parts.gemm.bytes ? (struct clcnn_buffer *)&chunk->parts.gemm : NULL;
    TRY(clcnn_gemm_run_in(op->gemm, &args, call->stream));
done:
    return status;
}

static enum clcnn_status backward_data(struct clcnn_conv2d_gemm *op,
                                       const struct clcnn_conv2d_call *call,
                                       const struct chunk *chunk)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t kg = clcnn_conv2d_filters(problem), cg = clcnn_conv2d_channels(problem);
    struct clcnn_buffer dy = from(call->args->dy, chunk->m0 * problem->k + chunk->g * kg);
    struct clcnn_buffer left = chunk->parts.patches, w, packed;
    struct clcnn_gemm_args args = {.m = chunk->rows, .a = &dy, .lda = problem->k, .c = &left};
    if (op->in_place) {
        left = from(call->args->dx, chunk->m0 * problem->c + chunk->g * cg);
        args.ldc = problem->c;
    }
    if (chunk->packed) {
        packed = packed_of(op, chunk->packed, chunk->g);
        args.packed_b = &packed;
    } else {
        w = filter_of(op, call->args->w, chunk->g);
        args.b = &w;
    }
    args.workspace = chunk->parts.gemm.bytes ? (struct clcnn_buffer *)&chunk->parts.gemm : NULL;
    TRY(clcnn_gemm_run_in(op->gemm, &args, call->stream));
    if (!op->in_place)
        TRY(col2im(op, call, chunk));
done:
    return status;
}

static enum clcnn_status backward_filter(struct clcnn_conv2d_gemm *op,
                                         const struct clcnn_conv2d_call *call,
                                         const struct chunk *chunk)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = &op->problem;
    int64_t kg = clcnn_conv2d_filters(problem), cg = clcnn_conv2d_channels(problem);
    struct clcnn_buffer dy = from(call->args->dy, chunk->m0 * problem->k + chunk->g * kg);
    struct clcnn_buffer left = chunk->parts.patches, dw = filter_of(op, call->args->dw, chunk->g);
    struct clcnn_gemm_args args = {.k = chunk->rows,
                                   .a = &dy,
                                   .lda = problem->k,
                                   .c = &dw,
                                   .b = &left,
                                   .beta = chunk->m0 > 0 ? 1.0f : 0.0f};
    if (op->in_place) {
        left = from(call->args->x, chunk->m0 * problem->c + chunk->g * cg);
        args.ldb = problem->c;
    } else {
        TRY(im2col(op, call, chunk));
    }
    args.workspace = chunk->parts.gemm.bytes ? (struct clcnn_buffer *)&chunk->parts.gemm : NULL;
    TRY(clcnn_gemm_run_in(op->gemm, &args, call->stream));
done:
    return status;
}

static enum clcnn_status run_chunk(struct clcnn_conv2d_gemm *op,
                                   const struct clcnn_conv2d_call *call, const struct chunk *chunk)
{
    if (op->phase == CLCNN_CONV2D_PHASE_FORWARD)
        return forward(op, call, chunk);
    if (op->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        return backward_data(op, call, chunk);
    return backward_filter(op, call, chunk);
}

enum clcnn_status clcnn_conv2d_gemm_run(void *state, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv2d_gemm *op = state;
    const struct clcnn_conv2d_problem *problem = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t pixels = call->n * problem->p * problem->q;
    struct chunk chunk = {0};
    chunk.packed = args->packed_w;
    if ((chunk.packed ? op->packed_workspace : op->workspace) > 0)
        chunk.parts = divide(op, args->workspace, chunk.packed != NULL);
    if (packs_in_call(op) && !chunk.packed) {
        chunk.packed = &chunk.parts.packed;
        TRY(clcnn_conv2d_gemm_pack_filter(op, call->stream, args->w, chunk.packed));
    }
    if (op->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA && !op->in_place)
        TRY(clcnn_stream_fill(
            call->stream, args->dx, 0,
            (size_t)(call->n * problem->h * problem->w * problem->c) * sizeof(float), 0));
    for (chunk.m0 = 0; chunk.m0 < pixels; chunk.m0 += op->rows) {
        chunk.rows = clcnn_min(op->rows, pixels - chunk.m0);
        for (chunk.g = 0; chunk.g < problem->groups; chunk.g++)
            TRY(run_chunk(op, call, &chunk));
    }
    if (args->db && op->columns)
        TRY(clcnn_reduce_columns_run_in(op->columns, pixels, args->dy, args->db, args->workspace,
                                        call->stream));
done:
    return status;
}
