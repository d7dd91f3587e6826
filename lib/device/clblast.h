/* The CLBlast library's matrix product, if it was found when this library was built. */
#ifndef CLCNN_DEVICE_CLBLAST_H
#define CLCNN_DEVICE_CLBLAST_H

#include "device/launch.h"
#include <stdbool.h>

bool clcnn_clblast_available(void);

/* A row-major product: c = alpha op(a) op(b) + beta c. Sizes and buffers are the caller's care. */
struct clcnn_clblast_gemm {
    bool transpose_a, transpose_b;
    size_t m, n, k, lda, ldb, ldc;
    float alpha, beta;
    const struct clcnn_buffer *a, *b, *c;
};

/* Enqueues it. The first call on a device builds CLBlast's kernels, which takes seconds, and any
 * call may allocate. Errors: UNSUPPORTED (not built in), DEVICE, OUT_OF_MEMORY. */
enum clcnn_status clcnn_clblast_run(struct clcnn_stream *stream,
                                    const struct clcnn_clblast_gemm *gemm);

#endif
