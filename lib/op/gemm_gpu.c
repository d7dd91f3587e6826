/* GEMM of the GPU class: decides how cl/gemm_gpu.cl divides the work. */
#include "op/gemm_gpu.h"
#include "base/memory.h"
#include "op/gemm.h"
#include "op/storage.h"
#include <math.h>
#include <stdio.h>

enum { MULTIPLY, REDUCE };

/* ---- tiles ----------------------------------------------------------------------------------- */

struct clcnn_gpu_tile clcnn_gpu_tile_for(const struct clcnn_device *device, int64_t m, int64_t n,
                                         int64_t batch)
{
    static const struct clcnn_gpu_tile tiles[] = {{8, 8, 16, 16}, {8, 8, 8, 8}, {4, 4, 8, 8}};
    const struct clcnn_device_info *info = clcnn_device_info(device);

    for (int i = 0; i < 2; i++) {
        int64_t height = clcnn_gpu_tile_height(tiles[i]), width = clcnn_gpu_tile_width(tiles[i]);
        int64_t count = clcnn_divide_up(m, height) * clcnn_divide_up(n, width) * batch;
        if (m >= height && n >= width && count >= (i == 0 ? 4 : 2) * info->compute_units &&
            info->max_work_group >= (size_t)(tiles[i].across * tiles[i].down))
            return tiles[i];
    }
    return tiles[2];
}

void clcnn_gpu_tile_options(struct clcnn_gpu_tile tile, char text[CLCNN_GPU_TILE_OPTIONS])
{
    snprintf(text, CLCNN_GPU_TILE_OPTIONS, "-DTM=%d -DTN=%d -DTX=%d -DTY=%d", tile.rows,
             tile.columns, tile.across, tile.down);
}

int64_t clcnn_gpu_splits(const struct clcnn_device *device, int64_t tiles, int64_t terms,
                         int64_t shortest)
{
    int64_t wanted = 4 * (int64_t)clcnn_device_info(device)->compute_units;
    return clcnn_max(1,
                     clcnn_min(clcnn_divide_up(wanted, tiles), clcnn_divide_up(terms, shortest)));
}

enum clcnn_status clcnn_gpu_multiply(struct clcnn_stream *stream, struct clcnn_kernel *kernel,
                                     struct clcnn_gpu_tile tile, const struct clcnn_gpu_product *p)
{
    return clcnn_launch(stream, kernel,
                        GRID3(clcnn_divide_up(p->m, clcnn_gpu_tile_height(tile)),
                              clcnn_divide_up(p->n, clcnn_gpu_tile_width(tile)),
                              p->batch * p->splits, tile.across, tile.down, 1),
                        ARGS(BUFFER(p->a), BUFFER(p->b), BUFFER(p->c), BUFFER(p->bias), LONG(p->m),
                             LONG(p->n), LONG(p->k), LONG(p->lda), LONG(p->ldb), LONG(p->ldc),
                             INT(p->transpose_a), INT(p->transpose_b), INT(p->splits),
                             LONG(p->kstep), LONG(p->c_split), LONG(p->a_batch), LONG(p->b_batch),
                             LONG(p->c_batch), FLOAT(p->alpha), FLOAT(p->beta),
                             INT(p->bias != NULL), INT(p->activation), FLOAT(p->activation_alpha)));
}

/* ---- the implementation ---------------------------------------------------------------------- */

static struct clcnn_gpu_tile tile_of(const struct clcnn_gemm *op)
{
    return clcnn_gpu_tile_for(op->device, op->params.m, op->params.n, 1);
}

/* Partial sums are float32, which C cannot hold in another storage: there K stays whole. */
static int64_t kstep_of(const struct clcnn_gemm *op, int64_t m, int64_t k)
{
    if (op->params.storage != CLCNN_DTYPE_FLOAT32)
        return clcnn_round_up(k, 16);
    struct clcnn_gpu_tile tile = tile_of(op);
    int64_t tiles = clcnn_divide_up(m, clcnn_gpu_tile_height(tile)) *
                    clcnn_divide_up(op->params.n, clcnn_gpu_tile_width(tile));
    return clcnn_round_up(clcnn_divide_up(k, clcnn_gpu_splits(op->device, tiles, k, 256)), 16);
}

static int64_t partial_floats(const struct clcnn_gemm *op, int64_t m, int64_t k, int64_t kstep)
{
    int64_t splits = clcnn_divide_up(k, kstep);
    return splits > 1 ? splits * m * op->params.n : 0;
}

static const char *unsupported(const struct clcnn_device *device,
                               const struct clcnn_gemm_params *params)
{
    const struct clcnn_device_info *info = clcnn_device_info(device);
    (void)params;
    if (clcnn_device_family(device) != CLCNN_DEVICE_CLASS_GPU)
        return "needs the GPU class's kernels";
    return info->max_work_group < 64 ? "needs work-groups of 64 work-items" : NULL;
}

/* Two operations of a multiply-add on 64 lanes of each compute unit, half of which is reached. */
static double cost(const struct clcnn_device *device, const struct clcnn_gemm_params *params,
                   bool packed_b)
{
    (void)packed_b; /* it does not pack */
    const struct clcnn_device_info *info = clcnn_device_info(device);
    double peak = 2e6 * 64 * (double)clcnn_max(info->clock_mhz, 1000) * info->compute_units;
    return 1e-5 + 2.0 * (double)clcnn_round_up(params->m, 32) *
                      (double)clcnn_round_up(params->n, 32) * (double)params->k / (0.5 * peak);
}

static enum clcnn_status create(struct clcnn_gemm *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char tile[CLCNN_GPU_TILE_OPTIONS], options[2 * CLCNN_GPU_TILE_OPTIONS];
    enum clcnn_dtype storage = op->params.storage;

    clcnn_gpu_tile_options(tile_of(op), tile);
    snprintf(options, sizeof(options), "%s %s", tile, clcnn_storage_option(storage));
    TRY(clcnn_kernel_create(op->device, "gemm_gpu", options, "gemm_gpu", &op->kernels[MULTIPLY]));
    if (storage == CLCNN_DTYPE_FLOAT32)
        TRY(clcnn_kernel_create(op->device, "gemm_gpu", options, "gemm_reduce",
                                &op->kernels[REDUCE]));
done:
    return status;
}

static size_t workspace_size(const struct clcnn_gemm *op, bool with_packed_b)
{
    const struct clcnn_gemm_params *p = &op->params;
    (void)with_packed_b;
    return (size_t)partial_floats(op, p->m, p->k, kstep_of(op, p->m, p->k)) * sizeof(float);
}

static enum clcnn_status multiply(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                                  int64_t kstep, const struct clcnn_buffer *c,
                                  struct clcnn_stream *stream)
{
    const struct clcnn_gemm_params *p = &op->params;
    int64_t splits = clcnn_divide_up(call->k, kstep);
    struct clcnn_gpu_product product = {
        .a = call->a,
        .b = call->b,
        .c = c,
        .transpose_a = p->transpose_a,
        .transpose_b = p->transpose_b,
        .m = call->m,
        .n = p->n,
        .k = call->k,
        .lda = call->lda,
        .ldb = call->ldb,
        .ldc = p->n,
        .batch = 1,
        .splits = splits,
        .kstep = kstep,
        .c_split = call->m * p->n,
        .alpha = call->alpha,
    };
    if (splits == 1) {
        product.bias = call->bias;
        product.ldc = call->ldc;
        product.beta = call->beta;
        product.activation = p->activation;
        product.activation_alpha = p->activation_alpha;
    }
    return clcnn_gpu_multiply(stream, op->kernels[MULTIPLY], tile_of(op), &product);
}

static enum clcnn_status run(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                             struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_gemm_params *p = &op->params;
    int64_t kstep = kstep_of(op, call->m, call->k);
    size_t bytes = (size_t)partial_floats(op, call->m, call->k, kstep) * sizeof(float);

    if (bytes > workspace_size(op, false)) { /* a small call of a large op: K stays whole */
        kstep = call->k;
        bytes = 0;
    }
    if (bytes == 0)
        return multiply(op, call, kstep, call->c, stream);
    TRY(multiply(op, call, kstep, call->workspace, stream));
    TRY(clcnn_launch(
        stream, op->kernels[REDUCE], GRID2(call->m, clcnn_divide_up(p->n, 64), 64, 1),
        ARGS(BUFFER(call->workspace), BUFFER(call->c), BUFFER(call->bias), LONG(call->m),
             LONG(p->n), LONG(call->ldc), INT(clcnn_divide_up(call->k, kstep)), FLOAT(call->beta),
             INT(call->bias != NULL), INT(p->activation), FLOAT(p->activation_alpha))));
done:
    return status;
}

const struct clcnn_gemm_impl clcnn_gemm_impl_gpu = {
    .name = "gpu",
    .algorithm = CLCNN_GEMM_ALGORITHM_GPU,
    .stores_half = true,
    .unsupported = unsupported,
    .cost = cost,
    .create = create,
    .workspace_size = workspace_size,
    .run = run,
};
