/* Winograd on the GPU class: transforms (cl/conv2d_winograd_gpu.cl) around a batch of matrix
 * products (cl/gemm_gpu.cl), a chunk of tiles at a time. */
#include "base/memory.h"
#include "base/text.h"
#include "op/conv2d_winograd.h"
#include "op/gemm_gpu.h"
#include "op/reduce_columns.h"
#include "op/storage.h"
#include <stdlib.h>

enum { GROUP = 64 }; /* as in the kernels */
/* Transformed tiles: enough to keep a device busy. */
#define CHUNK_BYTES ((int64_t)64 << 20)

/* A tensor [N][h][w][c] in patches or in tiles. */
struct tensor {
    int64_t h, w, c;
};

struct winograd_gpu {
    struct clcnn_conv2d_problem problem;
    enum clcnn_conv2d_phase phase;
    struct clcnn_winograd winograd;
    struct tensor patched, tiled; /* x and y, or dy and dx for the gradient to the data */
    int64_t pad[2];               /* above and to the left of `patched` */
    int64_t tiles;                /* of a chunk */
    struct clcnn_gpu_tile tile;   /* of the products */
    struct clcnn_kernel *image, *filter, *result, *multiply;
    struct clcnn_reduce_columns *columns; /* db */
    size_t workspace;
};

static int64_t positions_of(const struct clcnn_winograd *winograd)
{
    return (int64_t)winograd->alpha * winograd->alpha;
}

static bool is_filter(const struct winograd_gpu *op)
{
    return op->phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
}

static void plan_tensors(struct winograd_gpu *op)
{
    const struct clcnn_conv2d_problem *p = &op->problem;
    struct tensor x = {p->h, p->w, p->c}, y = {p->p, p->q, p->k};
    bool data = op->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    op->patched = data ? y : x;
    op->tiled = data ? x : y;
    for (int i = 0; i < 2; i++)
        op->pad[i] = data ? op->winograd.r - 1 - p->pad[i] : p->pad[i];
}

static int64_t tiles_down(const struct winograd_gpu *op)
{
    return clcnn_divide_up(op->tiled.h, op->winograd.m);
}
static int64_t tiles_across(const struct winograd_gpu *op)
{
    return clcnn_divide_up(op->tiled.w, op->winograd.m);
}

static int64_t filter_count(const struct winograd_gpu *op)
{
    return op->problem.k * clcnn_conv2d_channels(&op->problem);
}

/* The products of one group at each position, without buffers. */
static struct clcnn_gpu_product product_of(const struct winograd_gpu *op, int64_t tiles)
{
    const struct clcnn_conv2d_problem *p = &op->problem;
    int64_t cg = clcnn_conv2d_channels(p), kg = clcnn_conv2d_filters(p);
    bool data = op->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    struct clcnn_gpu_product product = {
        .transpose_b = !data,
        .m = tiles,
        .n = data ? cg : kg,
        .k = data ? kg : cg,
        .lda = op->patched.c,
        .ldb = cg,
        .ldc = op->tiled.c,
        .batch = positions_of(&op->winograd),
        .a_batch = tiles * op->patched.c,
        .b_batch = filter_count(op),
        .c_batch = tiles * op->tiled.c,
        .splits = 1,
        .alpha = 1.0f,
    };
    if (is_filter(op)) {
        product.transpose_a = true;
        product.transpose_b = false;
        product.m = kg;
        product.n = cg;
        product.k = tiles;
        product.lda = op->tiled.c;
        product.ldb = op->patched.c;
        product.ldc = cg;
        product.a_batch = tiles * op->tiled.c;
        product.b_batch = tiles * op->patched.c;
        product.c_batch = filter_count(op);
    }
    product.kstep = product.k;
    return product;
}

static size_t columns_bytes(const struct winograd_gpu *op)
{
    return op->columns ? clcnn_reduce_columns_workspace_size(op->columns) : 0;
}

/* Bytes of a chunk's transformed tiles, and of the transformed filter. */
static size_t tiles_bytes(const struct winograd_gpu *op, int64_t tiles)
{
    return (size_t)(positions_of(&op->winograd) * tiles * (op->patched.c + op->tiled.c)) *
           sizeof(float);
}
static size_t filter_bytes(const struct winograd_gpu *op)
{
    return (size_t)clcnn_round_up(positions_of(&op->winograd) * filter_count(op), 4) *
           sizeof(float);
}

/* As many tiles at a time as the workspace has room for, but no more than keep a device busy. */
static enum clcnn_status plan(struct winograd_gpu *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &op->problem;
    int64_t all = p->n * tiles_down(op) * tiles_across(op);
    size_t least = filter_bytes(op) + tiles_bytes(op, 1);
    if (is_filter(op))
        TRY(clcnn_reduce_columns_create(p->device, clcnn_conv2d_pixels(p), p->k, &op->columns));
    if (columns_bytes(op) > least)
        least = columns_bytes(op);
    if (least > p->max_workspace)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace", least));
    size_t room = p->max_workspace - filter_bytes(op);
    int64_t most = (int64_t)(room / tiles_bytes(op, 1));
    int64_t enough = clcnn_max(CHUNK_BYTES / (int64_t)tiles_bytes(op, 1), 4096);
    op->tiles = clcnn_min(all, clcnn_min(most, enough));
    op->tiles = clcnn_divide_up(all, clcnn_divide_up(all, op->tiles));
    op->workspace = filter_bytes(op) + tiles_bytes(op, op->tiles);
    if (columns_bytes(op) > op->workspace)
        op->workspace = columns_bytes(op);
    struct clcnn_gpu_product product = product_of(op, op->tiles);
    op->tile = clcnn_gpu_tile_for(p->device, product.m, product.n, product.batch);
done:
    return status;
}

/* Multiplications of whole tiles at a GEMM's share of the peak; every transformed element written
 * and read once. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase,
                   const struct clcnn_winograd *winograd)
{
    struct winograd_gpu op = {.problem = *problem, .phase = phase, .winograd = *winograd};
    plan_tensors(&op);
    int64_t tiles = problem->n * tiles_down(&op) * tiles_across(&op);
    struct clcnn_gpu_product product = product_of(&op, tiles);
    struct clcnn_gpu_tile tile =
        clcnn_gpu_tile_for(problem->device, product.m, product.n, product.batch);
    double flops = 2.0 * (double)clcnn_round_up(product.m, clcnn_gpu_tile_height(tile)) *
                   (double)clcnn_round_up(product.n, clcnn_gpu_tile_width(tile)) *
                   (double)clcnn_round_up(product.k, 8) * (double)product.batch;
    double bytes = 2.0 * ((double)tiles_bytes(&op, tiles) + (double)filter_bytes(&op));
    return 4e-5 + (double)problem->groups * flops / (0.45 * problem->peak) +
           (bytes + clcnn_conv2d_traffic(problem)) / problem->bandwidth;
}

static void destroy(void *state)
{
    struct winograd_gpu *op = state;
    clcnn_kernel_destroy(&op->image);
    clcnn_kernel_destroy(&op->filter);
    clcnn_kernel_destroy(&op->result);
    clcnn_kernel_destroy(&op->multiply);
    clcnn_reduce_columns_destroy(&op->columns);
    free(op);
}

static enum clcnn_status build(struct winograd_gpu *op)
{
    static const char program[] = "conv2d_winograd_gpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = op->problem.device;
    struct clcnn_text options = {0};
    char tile[CLCNN_GPU_TILE_OPTIONS];
    clcnn_winograd_options(&options, &op->winograd);
    clcnn_text_add(&options, " %s", clcnn_storage_option(op->problem.storage));
    if (options.failed)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "conv2d: out of memory"));
    TRY(clcnn_kernel_create(device, program, options.data, "conv2d_winograd_image", &op->image));
    TRY(clcnn_kernel_create(device, program, options.data,
                            is_filter(op) ? "conv2d_winograd_unfilter" : "conv2d_winograd_filter",
                            &op->filter));
    TRY(clcnn_kernel_create(device, program, options.data,
                            is_filter(op) ? "conv2d_winograd_gradient" : "conv2d_winograd_output",
                            &op->result));
    clcnn_gpu_tile_options(op->tile, tile);
    TRY(clcnn_kernel_create(device, "gemm_gpu", tile, "gemm_gpu", &op->multiply));
done:
    clcnn_text_clear(&options);
    return status;
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase,
                                const struct clcnn_winograd *winograd, void **state)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct winograd_gpu *op = NULL;
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->problem = *problem;
    op->phase = phase;
    op->winograd = *winograd;
    plan_tensors(op);
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
    const struct winograd_gpu *op = state;
    return op->workspace;
}

/* The transformed filter is float32 and several times the filter: nothing that float16 storage is
 * chosen for. */
static size_t packed_filter(const void *state)
{
    const struct winograd_gpu *op = state;
    return is_filter(op) || op->problem.storage != CLCNN_DTYPE_FLOAT32 ? 0 : filter_bytes(op);
}

static struct clcnn_grid grid_of(int64_t count)
{
    return GRID1(clcnn_divide_up(count, GROUP), GROUP);
}

static enum clcnn_status pack_filter(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed)
{
    struct winograd_gpu *op = state;
    int64_t count = filter_count(op);
    return clcnn_launch(stream, op->filter, grid_of(count),
                        ARGS(BUFFER(w), BUFFER(packed), LONG(count),
                             INT(clcnn_conv2d_channels(&op->problem)),
                             INT(op->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)));
}

/* A chunk of tiles, and where its parts of the workspace are. */
struct chunk {
    int64_t first, tiles;
    struct clcnn_buffer filter, image, other; /* other: products, or the gradient's tiles */
};

/* `buffer` from a float on. */
static struct clcnn_buffer from(const struct clcnn_buffer *buffer, int64_t first)
{
    size_t bytes = (size_t)first * sizeof(float);
    return clcnn_buffer_slice(buffer, bytes, buffer->bytes - bytes);
}

static enum clcnn_status multiply(struct winograd_gpu *op, const struct clcnn_conv2d_call *call,
                                  const struct chunk *chunk)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &op->problem;
    int64_t cg = clcnn_conv2d_channels(p), kg = clcnn_conv2d_filters(p);
    bool data = op->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    int64_t patched = data ? kg : cg, tiled = data ? cg : kg;
    for (int64_t g = 0; g < p->groups; g++) {
        struct clcnn_gpu_product product = product_of(op, chunk->tiles);
        struct clcnn_buffer image = from(&chunk->image, g * patched);
        struct clcnn_buffer other = from(&chunk->other, g * tiled);
        struct clcnn_buffer filter = from(&chunk->filter, g * kg * cg);
        product.a = is_filter(op) ? &other : &image;
        product.b = is_filter(op) ? &image : &filter;
        product.c = is_filter(op) ? &filter : &other;
        product.beta = is_filter(op) && chunk->first > 0 ? 1.0f : 0.0f;
        TRY(clcnn_gpu_multiply(call->stream, op->multiply, op->tile, &product));
    }
done:
    return status;
}

static enum clcnn_status run_chunk(struct winograd_gpu *op, const struct clcnn_conv2d_call *call,
                                   const struct chunk *chunk)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    bool forward = op->phase == CLCNN_CONV2D_PHASE_FORWARD;
    int64_t down = tiles_down(op), across = tiles_across(op), tiles = chunk->tiles;
    const struct tensor *x = &op->patched, *y = &op->tiled;
    struct clcnn_grid result_grid = grid_of(tiles * y->c);
    TRY(clcnn_launch(call->stream, op->image, grid_of(tiles * x->c),
                     ARGS(BUFFER(forward || is_filter(op) ? args->x : args->dy),
                          BUFFER(&chunk->image), INT(x->h), INT(x->w), INT(x->c), INT(down),
                          INT(across), INT(op->pad[0]), INT(op->pad[1]), LONG(chunk->first),
                          LONG(tiles))));
    if (is_filter(op))
        TRY(clcnn_launch(call->stream, op->result, result_grid,
                         ARGS(BUFFER(args->dy), BUFFER(&chunk->other), INT(y->h), INT(y->w),
                              INT(y->c), INT(down), INT(across), LONG(chunk->first), LONG(tiles))));
    TRY(multiply(op, call, chunk));
    if (!is_filter(op))
        TRY(clcnn_launch(call->stream, op->result, result_grid,
                         ARGS(BUFFER(&chunk->other), BUFFER(forward ? args->bias : NULL),
                              BUFFER(forward ? args->y : args->dx), INT(y->h), INT(y->w), INT(y->c),
                              INT(down), INT(across), LONG(chunk->first), LONG(tiles),
                              INT(forward && p->use_bias), INT(forward && p->accumulate),
                              INT(forward ? p->activation : CLCNN_ACTIVATION_LINEAR),
                              FLOAT(p->alpha))));
done:
    return status;
}

/* What follows the chunks of the gradient to the filter. */
static enum clcnn_status finish_filter(struct winograd_gpu *op,
                                       const struct clcnn_conv2d_call *call,
                                       const struct clcnn_buffer *filter)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *p = &op->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t count = filter_count(op);
    TRY(clcnn_launch(
        call->stream, op->filter, grid_of(count),
        ARGS(BUFFER(filter), BUFFER(args->dw), LONG(count), INT(clcnn_conv2d_channels(p)))));
    if (args->db)
        TRY(clcnn_reduce_columns_run_in(op->columns, call->n * p->p * p->q, args->dy, args->db,
                                        args->workspace, call->stream));
done:
    return status;
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct winograd_gpu *op = state;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t all = call->n * tiles_down(op) * tiles_across(op);
    int64_t filter_floats = (int64_t)(filter_bytes(op) / sizeof(float));
    struct chunk chunk = {.filter = *args->workspace};
    chunk.image = from(args->workspace, filter_floats);
    chunk.other = from(&chunk.image, positions_of(&op->winograd) * op->tiles * op->patched.c);
    if (args->packed_w && op->phase == CLCNN_CONV2D_PHASE_FORWARD)
        chunk.filter = *args->packed_w;
    else if (!is_filter(op))
        TRY(pack_filter(op, call->stream, args->w, &chunk.filter));
    for (; chunk.first < all; chunk.first += chunk.tiles) {
        chunk.tiles = clcnn_min(op->tiles, all - chunk.first);
        TRY(run_chunk(op, call, &chunk));
    }
    if (is_filter(op))
        TRY(finish_filter(op, call, &chunk.filter));
done:
    return status;
}

const struct clcnn_conv2d_winograd_part clcnn_conv2d_winograd_gpu = {
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
    .packed_filter = packed_filter,
    .pack_filter = pack_filter,
};
