/* The inside of the GEMM op: one checked call, and what an implementation provides. */
#ifndef CLCNN_OP_GEMM_H
#define CLCNN_OP_GEMM_H

#include "device/launch.h"
#include <clcnn/gemm.h>

/* As clcnn_gemm_run and clcnn_gemm_pack_b, inside a stream that the caller has opened. */
enum clcnn_status clcnn_gemm_run_in(struct clcnn_gemm *op, const struct clcnn_gemm_args *args,
                                    struct clcnn_stream *stream);
enum clcnn_status clcnn_gemm_pack_b_in(struct clcnn_gemm *op, const struct clcnn_buffer *b,
                                       int64_t ldb, struct clcnn_buffer *packed_b,
                                       struct clcnn_stream *stream);

/* Columns first .. first + count of B alone, which b holds; `first` is a multiple of 64, and so is
 * count, or the last column is among them. */
#define CLCNN_GEMM_PACK_UNIT 64
enum clcnn_status clcnn_gemm_pack_columns_in(struct clcnn_gemm *op, int64_t first, int64_t count,
                                             const struct clcnn_buffer *b, int64_t ldb,
                                             struct clcnn_buffer *packed_b,
                                             struct clcnn_stream *stream);

/* Seconds that one call is expected to take on the device, as the chooser ranks it; packed_b: B
 * has been packed before. */
double clcnn_gemm_cost(const struct clcnn_device *device, const struct clcnn_gemm_params *params,
                       bool packed_b);

/* ---- for the implementations ----------------------------------------------------------------- */

/* One call with every default filled in, checked against the buffers. */
struct clcnn_gemm_call {
    int64_t m, k, lda, ldb, ldc;
    float alpha, beta;
    const struct clcnn_buffer *a, *b, *packed_b, *c, *bias, *workspace; /* bias NULL: none */
};

struct clcnn_gemm_impl {
    const char *name;
    enum clcnn_gemm_algorithm algorithm;
    bool stores_half; /* storage FLOAT16 as well */
    /* NULL, or why it cannot do this. */
    const char *(*unsupported)(const struct clcnn_device *device,
                               const struct clcnn_gemm_params *params);
    /* Expected seconds; INFINITY: only when it is required. */
    double (*cost)(const struct clcnn_device *device, const struct clcnn_gemm_params *params,
                   bool packed_b);
    enum clcnn_status (*create)(struct clcnn_gemm *op);
    size_t (*workspace_size)(const struct clcnn_gemm *op, bool with_packed_b);
    enum clcnn_status (*run)(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                             struct clcnn_stream *stream);
    /* NULL: it does not pack. */
    size_t (*packed_b_size)(const struct clcnn_gemm *op);
    enum clcnn_status (*pack_b)(struct clcnn_gemm *op, int64_t first, int64_t count,
                                const struct clcnn_buffer *b, int64_t ldb,
                                const struct clcnn_buffer *packed_b, struct clcnn_stream *stream);
};

#define CLCNN_GEMM_KERNELS 4

struct clcnn_gemm {
    struct clcnn_device *device;
    struct clcnn_gemm_params params; /* activation_alpha filled in */
    const struct clcnn_gemm_impl *impl;
    /* The implementation's own; `state` is freed with free(). */
    struct clcnn_kernel *kernels[CLCNN_GEMM_KERNELS];
    void *state;
};

/* A part of the workspace for `count` floats, and the workspace behind it: parts start on cache
 * lines. */
struct clcnn_buffer clcnn_gemm_take(const struct clcnn_buffer *workspace, size_t *used,
                                    int64_t count);

/* C = f(the sum of the partial[splits][m][n], which hold alpha A B, + beta C + bias), with the
 * kernel gemm_reduce of cl/gemm_cpu.cl. */
enum clcnn_status clcnn_gemm_reduce(struct clcnn_stream *stream, struct clcnn_kernel *kernel,
                                    const struct clcnn_gemm_params *params,
                                    const struct clcnn_gemm_call *call,
                                    const struct clcnn_buffer *partial, int64_t splits);

#define CLCNN_GEMM_IMPL(NAME, name) extern const struct clcnn_gemm_impl clcnn_gemm_impl_##name;
#include "op/gemm_impls.inc"
#undef CLCNN_GEMM_IMPL

#endif
