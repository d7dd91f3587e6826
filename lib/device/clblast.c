#include "device/clblast.h"
#include "config.h"
#include "device/stream.h"

#if HAVE_CLBLAST
#include <clblast_c.h>

bool clcnn_clblast_available(void)
{
    return true;
}

static enum clcnn_status check(CLBlastStatusCode code)
{
    if (code == CLBlastSuccess)
        return CLCNN_STATUS_OK;
    if (code > -1024) /* one of OpenCL's own, passed on */
        return clcnn_cl_check((cl_int)code, "CLBlast");
    return clcnn_fail(CLCNN_STATUS_DEVICE, "CLBlast: error %d", (int)code);
}

enum clcnn_status clcnn_clblast_run(struct clcnn_stream *stream,
                                    const struct clcnn_clblast_gemm *gemm)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_command command;
    cl_command_queue queue = stream->queue;

    clcnn_command_begin(stream, gemm->a, &command);
    clcnn_stream_use(stream, gemm->b);
    clcnn_stream_use(stream, gemm->c);
    if (command.waits) /* CLBlast takes no wait list */
        TRY(clcnn_cl_check(
            clEnqueueBarrierWithWaitList(queue, command.waits, command.wait_list, NULL),
            "CLBlast: barrier"));
    CLBlastStatusCode code = CLBlastSgemm(
        CLBlastLayoutRowMajor, gemm->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo,
        gemm->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo, gemm->m, gemm->n, gemm->k,
        gemm->alpha, gemm->a->memory, gemm->a->offset / sizeof(float), gemm->lda, gemm->b->memory,
        gemm->b->offset / sizeof(float), gemm->ldb, gemm->beta, gemm->c->memory,
        gemm->c->offset / sizeof(float), gemm->ldc, &queue, command.event);
    clcnn_command_end(stream, &command, code == CLBlastSuccess ? CL_SUCCESS : CL_INVALID_VALUE);
    TRY(check(code));
done:
    return status;
}

#else

bool clcnn_clblast_available(void)
{
    return false;
}

enum clcnn_status clcnn_clblast_run(struct clcnn_stream *stream,
                                    const struct clcnn_clblast_gemm *gemm)
{
    (void)stream;
    (void)gemm;
    return clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "CLBlast was not found when clcnn was built");
}

#endif
