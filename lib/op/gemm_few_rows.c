/* Few rows times B as it lies in memory: decides how cl/gemm_few_cpu.cl divides the work. */
#include "base/memory.h"
#include "op/gemm.h"
#include "op/storage.h"

/* As many rows are as quick as memory is; with more, packed B is quicker, which is float32. */
#define MOST_ROWS 4
/* B^T: columns that a work-item takes at a time, and what is worth a work-group. */
#define COLUMNS      8
#define LEAST_FLOATS 16384
/* B: columns of a work-group, a page of each row; the least part of K. */
#define MOST_COLUMNS 1024
#define LEAST_DEPTH  64
/* Measured on a 2-core Sapphire Rapids with pocl 3.1: cycles per float of B and row of A, and of a
 * launch. */
#define CYCLES_PER_FLOAT 0.3
#define CYCLES_PER_ROW   0.05
#define LAUNCH           10000.0

enum { MULTIPLY, REDUCE };

static const char *unsupported(const struct clcnn_device *device,
                               const struct clcnn_gemm_params *params)
{
    if (clcnn_device_family(device) != CLCNN_DEVICE_CLASS_CPU)
        return "needs the CPU class's kernels";
    if (params->transpose_a)
        return "needs A as it is stored";
    if (!params->transpose_b && params->storage != CLCNN_DTYPE_FLOAT32)
        return "float16 needs B^T as it is stored";
    bool many = params->m > MOST_ROWS && params->storage == CLCNN_DTYPE_FLOAT32;
    return many ? "too many rows" : NULL;
}

static double cost(const struct clcnn_device *device, const struct clcnn_gemm_params *params,
                   bool packed_b)
{
    (void)packed_b; /* it does not pack */
    const struct clcnn_device_info *info = clcnn_device_info(device);
    double clock = 1e6 * (double)clcnn_max(info->clock_mhz, 1000);
    double floats = (double)params->n * (double)params->k;
    double cycles = floats * (CYCLES_PER_FLOAT + CYCLES_PER_ROW * (double)params->m);
    return ((params->transpose_b ? 1 : 2) * LAUNCH +
            cycles / (double)clcnn_max(info->compute_units, 1)) /
           clock;
}

static enum clcnn_status create(struct clcnn_gemm *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool transposed = op->params.transpose_b;
    TRY(clcnn_kernel_create(op->device, "gemm_few_cpu", clcnn_storage_option(op->params.storage),
                            transposed ? "gemm_few_cpu" : "gemm_few_across",
                            &op->kernels[MULTIPLY]));
    if (!transposed)
        TRY(clcnn_kernel_create(op->device, "gemm_cpu", "", "gemm_reduce", &op->kernels[REDUCE]));
done:
    return status;
}

/* Parts of K: enough work-groups for the compute units to end together. */
static int64_t splits_of(const struct clcnn_gemm *op, int64_t k)
{
    int64_t wanted = 8 * clcnn_max(clcnn_device_info(op->device)->compute_units, 1);
    int64_t blocks = clcnn_divide_up(op->params.n, MOST_COLUMNS);
    return clcnn_max(1, clcnn_min(clcnn_divide_up(wanted, blocks), k / LEAST_DEPTH));
}

static size_t workspace_size(const struct clcnn_gemm *op, bool with_packed_b)
{
    const struct clcnn_gemm_params *p = &op->params;
    (void)with_packed_b; /* it does not pack */
    return p->transpose_b ? 0 : (size_t)(splits_of(op, p->k) * p->m * p->n) * sizeof(float);
}

/* Columns of a work-group: enough groups for the compute units to end together. */
static int64_t columns_of(const struct clcnn_gemm *op, int64_t k)
{
    int64_t groups = 16 * clcnn_max(clcnn_device_info(op->device)->compute_units, 1);
    int64_t least = clcnn_divide_up(LEAST_FLOATS, k);
    return clcnn_round_up(clcnn_max(least, clcnn_divide_up(op->params.n, groups)), COLUMNS);
}

static enum clcnn_status run_across(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                                    struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_gemm_params *p = &op->params;
    int64_t kstep = clcnn_divide_up(call->k, splits_of(op, call->k));
    int64_t splits = clcnn_divide_up(call->k, kstep), step = clcnn_min(p->n, MOST_COLUMNS);
    TRY(clcnn_launch(
        stream, op->kernels[MULTIPLY], GRID2(clcnn_divide_up(p->n, step), splits, 1, 1),
        ARGS(BUFFER(call->a), BUFFER(call->b), BUFFER(call->workspace), INT(call->m), LONG(p->n),
             LONG(call->k), LONG(call->lda), LONG(call->ldb), INT(step), LONG(kstep),
             FLOAT(call->alpha), LOCAL((size_t)(call->m * step) * sizeof(float)))));
    TRY(clcnn_gemm_reduce(stream, op->kernels[REDUCE], p, call, call->workspace, splits));
done:
    return status;
}

static enum clcnn_status run(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                             struct clcnn_stream *stream)
{
    const struct clcnn_gemm_params *p = &op->params;
    if (!p->transpose_b)
        return run_across(op, call, stream);
    int64_t step = columns_of(op, call->k);
    return clcnn_launch(stream, op->kernels[MULTIPLY], GRID1(clcnn_divide_up(p->n, step), 1),
                        ARGS(BUFFER(call->a), BUFFER(call->b), BUFFER(call->c), BUFFER(call->bias),
                             LONG(call->m), LONG(p->n), LONG(call->k), LONG(call->lda),
                             LONG(call->ldb), LONG(call->ldc), LONG(step), FLOAT(call->alpha),
                             FLOAT(call->beta), INT(call->bias != NULL), INT(p->activation),
                             FLOAT(p->activation_alpha)));
}

const struct clcnn_gemm_impl clcnn_gemm_impl_few_rows = {
    .name = "few_rows",
    .algorithm = CLCNN_GEMM_ALGORITHM_FEW_ROWS,
    .stores_half = true,
    .unsupported = unsupported,
    .cost = cost,
    .create = create,
    .workspace_size = workspace_size,
    .run = run,
};
