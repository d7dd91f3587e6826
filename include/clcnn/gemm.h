/* General matrix product, row-major:
 *
 *   C[M][N] = f(alpha * op(A)[M][K] . op(B)[K][N] + beta * C[M][N] + bias[N])
 *
 * op(A) = A[M][K], or A^T with A stored [K][M] (transpose_a); the same for B: [K][N], or stored
 * [N][K] (transpose_b). f is an activation without softmax.
 *
 * float32; or A, B and C in float16 (`storage`), while alpha, beta, bias and arithmetic stay
 * float32: C is then what float32 gives, rounded to the nearest half (infinite from 65520 on).
 *
 * Sources: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34,
 * 2008 (CPU); Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra", SC 2008 (GPU).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_GEMM_H
#define CLCNN_GEMM_H

#include <clcnn/activation.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_gemm_algorithm {
    CLCNN_GEMM_ALGORITHM_AUTO = 0,
    CLCNN_GEMM_ALGORITHM_CPU,      /* long vectors, one work-item per work-group */
    CLCNN_GEMM_ALGORITHM_GPU,      /* local memory and register tiles */
    CLCNN_GEMM_ALGORITHM_CLBLAST,  /* the CLBlast library, where it was found at build time */
    CLCNN_GEMM_ALGORITHM_FEW_ROWS, /* m <= 4, B read once as it is stored */
};

struct clcnn_gemm_params {
    int64_t m, n, k; /* planned sizes, all > 0; required. A call may use fewer rows (m) and, with
                        transpose_a, a shorter k */
    bool transpose_a, transpose_b;
    bool use_bias;
    enum clcnn_activation activation;
    float activation_alpha;   /* leaky_relu; 0 = 0.3 */
    enum clcnn_dtype storage; /* FLOAT32 or FLOAT16, see above */
    enum clcnn_gemm_algorithm algorithm;
};

/* One call. Zero means: m, k planned; leading dimensions tight; alpha 1; beta 0. */
struct clcnn_gemm_args {
    int64_t m, k;
    const struct clcnn_buffer *a, *b;
    const struct clcnn_buffer *packed_b; /* from clcnn_gemm_pack_b; then b may be NULL */
    struct clcnn_buffer *c;
    const struct clcnn_buffer *bias;
    int64_t lda, ldb, ldc; /* elements between rows as stored */
    float alpha, beta;
    struct clcnn_buffer *workspace; /* at least clcnn_gemm_workspace_size; may be NULL if 0 */
};

struct clcnn_gemm;

/* The word for an algorithm: "auto", "cpu", ...; NULL for what is not in the list of
 * implementations (lib/op/gemm_impls.inc). Static storage; thread-safe. */
CLCNN_API const char *clcnn_gemm_algorithm_word(enum clcnn_gemm_algorithm algorithm);

/* Chooses an implementation and builds it. An op is used by one thread at a time and keeps the
 * device alive. Requires: sizes > 0, every matrix addressable; a known algorithm and activation,
 * not softmax; activation_alpha finite, >= 0; storage FLOAT32 or FLOAT16. Errors:
 * INVALID_ARGUMENT, UNSUPPORTED (a required algorithm cannot, or none: in FLOAT16 the CPU class
 * multiplies by B^T alone), DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_gemm_create(struct clcnn_device *device,
                                              const struct clcnn_gemm_params *params,
                                              struct clcnn_gemm **out);
CLCNN_API void clcnn_gemm_destroy(struct clcnn_gemm **op);

/* The word of what runs: "cpu", say; "none" of NULL. */
CLCNN_API const char *clcnn_gemm_algorithm_name(const struct clcnn_gemm *op);

/* Bytes of workspace one call needs; smaller (possibly 0) when packed_b is given. Not kept between
 * calls. */
CLCNN_API size_t clcnn_gemm_workspace_size(const struct clcnn_gemm *op, bool with_packed_b);

/* B rearranged once for many products: bytes of the result (0: this implementation does not pack),
 * and the packing itself, which does nothing where they are 0; ldb 0 = tight. Asynchronous.
 * Requires: b and packed_b share no memory. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API size_t clcnn_gemm_packed_b_size(const struct clcnn_gemm *op);
CLCNN_API enum clcnn_status clcnn_gemm_pack_b(struct clcnn_gemm *op, const struct clcnn_buffer *b,
                                              int64_t ldb, struct clcnn_buffer *packed_b,
                                              const struct clcnn_enqueue *enqueue);

/* Enqueues the product. Asynchronous; allocates nothing. bias is read with use_bias alone.
 * beta 0 does not read C.
 * Requires: 1 <= m <= planned, k as planned or (transpose_a) 1 <= k <= planned, leading dimensions
 * of at least a row; C and workspace overlap nothing.
 * Errors: INVALID_ARGUMENT (sizes, a missing, overlapping or too small buffer), DEVICE. */
CLCNN_API enum clcnn_status clcnn_gemm_run(struct clcnn_gemm *op,
                                           const struct clcnn_gemm_args *args,
                                           const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
