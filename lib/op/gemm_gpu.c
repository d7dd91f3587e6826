/* GEMM of the GPU class: decides how cl/gemm_gpu.cl divides the work. */
#include "base/memory.h"
#include "op/gemm.h"
#include <math.h>
#include <stdio.h>

enum { MULTIPLY, REDUCE };

/* TM, TN, TX, TY of cl/gemm_gpu.cl. */
struct tile {
    int rows, columns; /* of one work-item */
    int across, down;  /* work-items */
};

/* Large tiles reuse more of what they load, small ones keep more compute units busy. */
static struct tile tile_of(const struct clcnn_device *device, const struct clcnn_gemm_params *p)
{
    const struct tile large = {8, 8, 16, 16}, middle = {4, 4, 16, 16}, small = {4, 4, 8, 8};
    const struct clcnn_device_info *info = clcnn_device_info(device);
    int64_t large_tiles = clcnn_divide_up(p->m, 128) * clcnn_divide_up(p->n, 128);

    if (info->max_work_group < 256)
        return small;
    return large_tiles >= 4 * info->compute_units && p->m >= 128 && p->n >= 128 &&
                   info->local_bytes >= 32768
               ? large
               : middle;
}

/* Parts of K: so many that each compute unit gets several tiles, none shorter than 256. */
static int64_t kstep_of(const struct clcnn_gemm *op, int64_t m, int64_t k)
{
    struct tile tile = tile_of(op->device, &op->params);
    int64_t tiles = clcnn_divide_up(m, tile.rows * tile.down) *
                    clcnn_divide_up(op->params.n, tile.columns * tile.across);
    int64_t wanted = 4 * (int64_t)clcnn_device_info(op->device)->compute_units;
    int64_t splits =
        clcnn_max(1, clcnn_min(clcnn_divide_up(wanted, tiles), clcnn_divide_up(k, 256)));
    return clcnn_round_up(clcnn_divide_up(k, splits), 16);
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
static double cost(const struct clcnn_device *device, const struct clcnn_gemm_params *params)
{
    const struct clcnn_device_info *info = clcnn_device_info(device);
    double peak = 2e6 * 64 * (double)clcnn_max(info->clock_mhz, 1000) * info->compute_units;
    return 1e-5 + 2.0 * (double)clcnn_round_up(params->m, 32) *
                      (double)clcnn_round_up(params->n, 32) * (double)params->k / (0.5 * peak);
}

static enum clcnn_status create(struct clcnn_gemm *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct tile tile = tile_of(op->device, &op->params);
    char options[64];

    snprintf(options, sizeof(options), "-DTM=%d -DTN=%d -DTX=%d -DTY=%d", tile.rows, tile.columns,
             tile.across, tile.down);
    TRY(clcnn_kernel_create(op->device, "gemm_gpu", options, "gemm_gpu", &op->kernels[MULTIPLY]));
    TRY(clcnn_kernel_create(op->device, "gemm_gpu", options, "gemm_reduce", &op->kernels[REDUCE]));
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
    struct tile tile = tile_of(op->device, p);
    int64_t splits = clcnn_divide_up(call->k, kstep);
    bool whole = splits == 1;
    return clcnn_launch(
        stream, op->kernels[MULTIPLY],
        GRID3(clcnn_divide_up(p->n, tile.columns * tile.across),
              clcnn_divide_up(call->m, tile.rows * tile.down), splits, tile.across, tile.down, 1),
        ARGS(BUFFER(call->a), BUFFER(call->b), BUFFER(c), BUFFER(call->bias), LONG(call->m),
             LONG(p->n), LONG(call->k), LONG(call->lda), LONG(call->ldb),
             LONG(whole ? call->ldc : p->n), INT(p->transpose_a), INT(p->transpose_b), LONG(kstep),
             LONG(whole ? 0 : call->m * p->n), FLOAT(call->alpha), FLOAT(whole ? call->beta : 0.0f),
             INT(whole && call->bias), INT(whole ? p->activation : CLCNN_ACTIVATION_LINEAR),
             FLOAT(p->activation_alpha)));
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
        stream, op->kernels[REDUCE], GRID2(clcnn_divide_up(p->n, 64), call->m, 64, 1),
        ARGS(BUFFER(call->workspace), BUFFER(call->c), BUFFER(call->bias), LONG(call->m),
             LONG(p->n), LONG(call->ldc), INT(clcnn_divide_up(call->k, kstep)), FLOAT(call->beta),
             INT(call->bias != NULL), INT(p->activation), FLOAT(p->activation_alpha))));
done:
    return status;
}

const struct clcnn_gemm_impl clcnn_gemm_impl_gpu = {
    .name = "gpu",
    .algorithm = CLCNN_GEMM_ALGORITHM_GPU,
    .unsupported = unsupported,
    .cost = cost,
    .create = create,
    .workspace_size = workspace_size,
    .run = run,
};
