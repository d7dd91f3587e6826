/* GEMM by the CLBlast library, and a kernel for the bias and the activation. */
#include "base/memory.h"
#include "device/clblast.h"
#include "op/gemm.h"
#include <math.h>

enum { FINISH };

static const char *unsupported(const struct clcnn_device *device,
                               const struct clcnn_gemm_params *params)
{
    (void)params;
    if (!clcnn_clblast_available())
        return "CLBlast was not found when clcnn was built";
    return clcnn_device_info(device)->has_compiler ? NULL : "the device has no compiler";
}

/* Its first call builds kernels for seconds and any call may allocate, which the run path must not:
 * never chosen unless it is required. */
static double cost(const struct clcnn_device *device, const struct clcnn_gemm_params *params,
                   bool packed_b)
{
    (void)packed_b;
    (void)device;
    (void)params;
    return INFINITY;
}

static bool must_finish(const struct clcnn_gemm *op)
{
    return op->params.use_bias || op->params.activation != CLCNN_ACTIVATION_LINEAR;
}

static enum clcnn_status create(struct clcnn_gemm *op)
{
    if (!must_finish(op))
        return CLCNN_STATUS_OK;
    return clcnn_kernel_create(op->device, "gemm_finish", "", "gemm_finish", &op->kernels[FINISH]);
}

static size_t workspace_size(const struct clcnn_gemm *op, bool with_packed_b)
{
    (void)op;
    (void)with_packed_b;
    return 0;
}

static enum clcnn_status finish(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                                struct clcnn_stream *stream)
{
    const struct clcnn_gemm_params *p = &op->params;
    bool cpu = clcnn_device_family(op->device) == CLCNN_DEVICE_CLASS_CPU;
    return clcnn_launch(stream, op->kernels[FINISH],
                        GRID2(clcnn_divide_up(p->n, cpu ? 1024 : 64), call->m, cpu ? 1 : 64, 1),
                        ARGS(BUFFER(call->c), BUFFER(call->bias), LONG(p->n), LONG(call->ldc),
                             INT(call->bias != NULL), INT(p->activation),
                             FLOAT(p->activation_alpha)));
}

static enum clcnn_status run(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                             struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_gemm_params *p = &op->params;

    TRY(clcnn_clblast_run(stream, &(struct clcnn_clblast_gemm){.transpose_a = p->transpose_a,
                                                               .transpose_b = p->transpose_b,
                                                               .m = (size_t)call->m,
                                                               .n = (size_t)p->n,
                                                               .k = (size_t)call->k,
                                                               .lda = (size_t)call->lda,
                                                               .ldb = (size_t)call->ldb,
                                                               .ldc = (size_t)call->ldc,
                                                               .alpha = call->alpha,
                                                               .beta = call->beta,
                                                               .a = call->a,
                                                               .b = call->b,
                                                               .c = call->c}));
    if (must_finish(op))
        TRY(finish(op, call, stream));
done:
    return status;
}

const struct clcnn_gemm_impl clcnn_gemm_impl_clblast = {
    .name = "clblast",
    .algorithm = CLCNN_GEMM_ALGORITHM_CLBLAST,
    .unsupported = unsupported,
    .cost = cost,
    .create = create,
    .workspace_size = workspace_size,
    .run = run,
};
