#include "op/gemm.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "op/storage.h"
#include <math.h>
#include <stdlib.h>

static const struct clcnn_gemm_impl *const impls[] = {
#define CLCNN_GEMM_IMPL(NAME, name) &clcnn_gemm_impl_##name,
#include "op/gemm_impls.inc"
#undef CLCNN_GEMM_IMPL
};
#define IMPLS (sizeof(impls) / sizeof(impls[0]))

/* ---- choosing -------------------------------------------------------------------------------- */

/* NULL, or why the implementation cannot do this. */
static const char *refuses(const struct clcnn_gemm_impl *impl, const struct clcnn_device *device,
                           const struct clcnn_gemm_params *params)
{
    if (params->storage != CLCNN_DTYPE_FLOAT32 && !impl->stores_half)
        return "stores float32 alone";
    return impl->unsupported(device, params);
}

static const struct clcnn_gemm_impl *choose(const struct clcnn_device *device,
                                            const struct clcnn_gemm_params *params,
                                            struct clcnn_text *reasons)
{
    const struct clcnn_gemm_impl *best = NULL;
    double best_cost = INFINITY;

    for (size_t i = 0; i < IMPLS; i++) {
        const struct clcnn_gemm_impl *impl = impls[i];
        const char *why = refuses(impl, device, params);
        double cost = why ? INFINITY : impl->cost(device, params, false);
        if (params->algorithm && params->algorithm != impl->algorithm)
            why = "another is required";
        if (why)
            clcnn_text_add(reasons, "; %s: %s", impl->name, why);
        else if (params->algorithm)
            best = impl;
        else if (isinf(cost))
            clcnn_text_add(reasons, "; %s: only when it is required", impl->name);
        else
            clcnn_text_add(reasons, "; %s: %.3g ms expected", impl->name, 1e3 * cost);
        if (!why && cost < best_cost) {
            best = impl;
            best_cost = cost;
        }
    }
    return best;
}

static enum clcnn_status choose_and_log(const struct clcnn_device *device,
                                        const struct clcnn_gemm_params *params,
                                        const struct clcnn_gemm_impl **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text reasons = {0};

    *out = choose(device, params, &reasons);
    if (!*out)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "gemm: no implementation%s",
                       reasons.data ? reasons.data : ""));
    clcnn_logf(CLCNN_LOG_INFO, "choose", "gemm M=%lld N=%lld K=%lld%s%s: %s%s",
               (long long)params->m, (long long)params->n, (long long)params->k,
               params->transpose_a ? " A^T" : "", params->transpose_b ? " B^T" : "", (*out)->name,
               reasons.data ? reasons.data : "");
done:
    clcnn_text_clear(&reasons);
    return status;
}

const char *clcnn_gemm_algorithm_word(enum clcnn_gemm_algorithm algorithm)
{
    for (size_t i = 0; i < IMPLS; i++)
        if (impls[i]->algorithm == algorithm)
            return impls[i]->name;
    return algorithm == CLCNN_GEMM_ALGORITHM_AUTO ? "auto" : NULL;
}

double clcnn_gemm_cost(const struct clcnn_device *device, const struct clcnn_gemm_params *params,
                       bool packed_b)
{
    const struct clcnn_gemm_impl *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < IMPLS; i++) {
        double cost =
            refuses(impls[i], device, params) ? INFINITY : impls[i]->cost(device, params, false);
        if (cost < least) {
            best = impls[i];
            least = cost;
        }
    }
    return best && packed_b && best->packed_b_size ? best->cost(device, params, true) : least;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Bytes of a matrix as stored; false if they do not fit. */
static bool matrix_bytes(const struct clcnn_gemm_params *p, int64_t rows, int64_t columns,
                         int64_t stride, size_t *bytes)
{
    int64_t count;
    return !__builtin_mul_overflow(rows - 1, stride, &count) &&
           !__builtin_add_overflow(count, columns, &count) &&
           !__builtin_mul_overflow((uint64_t)count, clcnn_dtype_size(p->storage), bytes);
}

static enum clcnn_status check_params(const struct clcnn_gemm_params *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t bytes = 0;

    REQUIRE(p->m > 0 && p->n > 0 && p->k > 0,
            "gemm: m=%lld, n=%lld, k=%lld must all be more than 0", (long long)p->m,
            (long long)p->n, (long long)p->k);
    TRY(clcnn_storage_check(p->storage, "gemm"));
    REQUIRE(matrix_bytes(p, p->m, p->k, p->k, &bytes) &&
                matrix_bytes(p, p->k, p->n, p->n, &bytes) &&
                matrix_bytes(p, p->m, p->n, p->n, &bytes),
            "gemm: m=%lld, n=%lld, k=%lld: a matrix is too large to address", (long long)p->m,
            (long long)p->n, (long long)p->k);
    REQUIRE(p->activation >= CLCNN_ACTIVATION_LINEAR && p->activation < CLCNN_ACTIVATION_SOFTMAX,
            "gemm: activation %s cannot be fused", clcnn_activation_name(p->activation));
    REQUIRE(p->algorithm >= CLCNN_GEMM_ALGORITHM_AUTO &&
                p->algorithm <= CLCNN_GEMM_ALGORITHM_FEW_ROWS,
            "gemm: algorithm %d does not exist", (int)p->algorithm);
    REQUIRE(p->activation_alpha >= 0.0f && isfinite(p->activation_alpha),
            "gemm: activation_alpha=%g is not a finite number >= 0", (double)p->activation_alpha);
done:
    return status;
}

enum clcnn_status clcnn_gemm_create(struct clcnn_device *device,
                                    const struct clcnn_gemm_params *params, struct clcnn_gemm **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_gemm *op = NULL;

    REQUIRE(out, "gemm_create: out must not be NULL");
    *out = NULL;
    REQUIRE(device && params, "gemm_create: device and params must not be NULL");
    TRY(check_params(params));
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->device = clcnn_device_retain(device);
    op->params = *params;
    if (op->params.activation_alpha == 0.0f)
        op->params.activation_alpha = 0.3f;
    TRY(choose_and_log(device, params, &op->impl));
    TRY(op->impl->create(op));
    *out = op;
    op = NULL;
done:
    clcnn_gemm_destroy(&op);
    return status;
}

void clcnn_gemm_destroy(struct clcnn_gemm **op)
{
    if (!op || !*op)
        return;
    for (int i = 0; i < CLCNN_GEMM_KERNELS; i++)
        clcnn_kernel_destroy(&(*op)->kernels[i]);
    clcnn_device_destroy(&(*op)->device);
    free((*op)->state);
    free(*op);
    *op = NULL;
}

const char *clcnn_gemm_algorithm_name(const struct clcnn_gemm *op)
{
    return op ? op->impl->name : "none";
}

size_t clcnn_gemm_workspace_size(const struct clcnn_gemm *op, bool with_packed_b)
{
    return op ? op->impl->workspace_size(op, with_packed_b && op->impl->packed_b_size) : 0;
}

size_t clcnn_gemm_packed_b_size(const struct clcnn_gemm *op)
{
    return op && op->impl->packed_b_size ? op->impl->packed_b_size(op) : 0;
}

struct clcnn_buffer clcnn_gemm_take(const struct clcnn_buffer *workspace, size_t *used,
                                    int64_t count)
{
    size_t bytes = (size_t)clcnn_round_up(count * (int64_t)sizeof(float), 64), start = *used;
    *used += bytes;
    return workspace ? clcnn_buffer_slice(workspace, start, bytes) : (struct clcnn_buffer){0};
}

/* ---- calling --------------------------------------------------------------------------------- */

/* The matrix `name` of rows x columns as stored, *stride 0 meaning tight. */
static enum clcnn_status check_matrix(const struct clcnn_gemm *op, const char *name,
                                      const struct clcnn_buffer *buffer, int64_t rows,
                                      int64_t columns, int64_t *stride)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t bytes = 0;

    if (*stride == 0)
        *stride = columns;
    REQUIRE(*stride >= columns, "gemm: ld%s=%lld is less than the %lld columns of %s", name,
            (long long)*stride, (long long)columns, name);
    REQUIRE(matrix_bytes(&op->params, rows, columns, *stride, &bytes),
            "gemm: %s of %lld rows with ld%s=%lld is too large to address", name, (long long)rows,
            name, (long long)*stride);
    TRY(clcnn_buffer_check(op->device, buffer, bytes, "gemm", name));
done:
    return status;
}

/* n columns of B. */
static enum clcnn_status check_b(const struct clcnn_gemm *op, const struct clcnn_buffer *b,
                                 int64_t n, int64_t k, int64_t *ldb)
{
    return op->params.transpose_b ? check_matrix(op, "b", b, n, k, ldb)
                                  : check_matrix(op, "b", b, k, n, ldb);
}

static enum clcnn_status check_overlap(const struct clcnn_gemm_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct {
        const char *name;
        const struct clcnn_buffer *buffer;
    } inputs[] = {{"a", call->a},
                  {"b", call->packed_b ? NULL : call->b},
                  {"packed_b", call->packed_b},
                  {"bias", call->bias}};

    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        if (!inputs[i].buffer)
            continue;
        REQUIRE(!clcnn_buffer_overlap(call->c, inputs[i].buffer), "gemm: c overlaps %s",
                inputs[i].name);
        REQUIRE(!call->workspace || !clcnn_buffer_overlap(call->workspace, inputs[i].buffer),
                "gemm: workspace overlaps %s", inputs[i].name);
    }
    REQUIRE(!call->workspace || !clcnn_buffer_overlap(call->c, call->workspace),
            "gemm: c overlaps workspace");
done:
    return status;
}

static enum clcnn_status check_sizes(const struct clcnn_gemm_params *p,
                                     const struct clcnn_gemm_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;

    REQUIRE(call->m > 0 && call->m <= p->m, "gemm: m=%lld is not in 1 .. %lld as planned",
            (long long)call->m, (long long)p->m);
    REQUIRE(call->k > 0 && (p->transpose_a ? call->k <= p->k : call->k == p->k),
            "gemm: k=%lld does not fit the planned k=%lld (a smaller one needs transpose_a)",
            (long long)call->k, (long long)p->k);
done:
    return status;
}

/* Fills in the defaults and checks everything. */
static enum clcnn_status prepare(const struct clcnn_gemm *op, const struct clcnn_gemm_args *args,
                                 struct clcnn_gemm_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_gemm_params *p = &op->params;

    *call = (struct clcnn_gemm_call){.m = args->m ? args->m : p->m,
                                     .k = args->k ? args->k : p->k,
                                     .lda = args->lda,
                                     .ldb = args->ldb,
                                     .ldc = args->ldc,
                                     .alpha = args->alpha == 0.0f ? 1.0f : args->alpha,
                                     .beta = args->beta,
                                     .a = args->a,
                                     .b = args->b,
                                     .c = args->c,
                                     .bias = p->use_bias ? args->bias : NULL};
    TRY(check_sizes(p, call));
    if (p->transpose_a)
        TRY(check_matrix(op, "a", call->a, call->k, call->m, &call->lda));
    else
        TRY(check_matrix(op, "a", call->a, call->m, call->k, &call->lda));
    if (args->packed_b && op->impl->packed_b_size) {
        TRY(clcnn_buffer_check(op->device, args->packed_b, clcnn_gemm_packed_b_size(op), "gemm",
                               "packed_b"));
        call->packed_b = args->packed_b;
    } else {
        TRY(check_b(op, call->b, p->n, call->k, &call->ldb));
    }
    TRY(check_matrix(op, "c", call->c, call->m, p->n, &call->ldc));
    if (p->use_bias)
        TRY(clcnn_buffer_check(op->device, call->bias, (size_t)p->n * sizeof(float), "gemm",
                               "bias"));
    size_t workspace = clcnn_gemm_workspace_size(op, call->packed_b);
    if (workspace) {
        TRY(clcnn_buffer_check(op->device, args->workspace, workspace, "gemm", "workspace"));
        call->workspace = args->workspace;
    }
    TRY(check_overlap(call));
done:
    return status;
}

enum clcnn_status clcnn_gemm_run_in(struct clcnn_gemm *op, const struct clcnn_gemm_args *args,
                                    struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_gemm_call call;

    TRY(prepare(op, args, &call));
    TRY(op->impl->run(op, &call, stream));
done:
    return status;
}

enum clcnn_status clcnn_gemm_run(struct clcnn_gemm *op, const struct clcnn_gemm_args *args,
                                 const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};

    REQUIRE(op && args, "gemm_run: op and args must not be NULL");
    TRY(clcnn_stream_begin(&stream, op->device, enqueue));
    TRY(clcnn_gemm_run_in(op, args, &stream));
done:
    return clcnn_stream_end(&stream, status);
}

enum clcnn_status clcnn_gemm_pack_columns_in(struct clcnn_gemm *op, int64_t first, int64_t count,
                                             const struct clcnn_buffer *b, int64_t ldb,
                                             struct clcnn_buffer *packed_b,
                                             struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t bytes = clcnn_gemm_packed_b_size(op);
    int64_t n = op->params.n;

    REQUIRE(first >= 0 && first < n && first % CLCNN_GEMM_PACK_UNIT == 0,
            "gemm: column %lld is none of 0, %d, 2 x %d ... below N=%lld", (long long)first,
            CLCNN_GEMM_PACK_UNIT, CLCNN_GEMM_PACK_UNIT, (long long)n);
    REQUIRE(count > 0 && count <= n - first &&
                (count % CLCNN_GEMM_PACK_UNIT == 0 || count == n - first),
            "gemm: %lld columns from %lld on are neither a multiple of %d nor the rest of N=%lld",
            (long long)count, (long long)first, CLCNN_GEMM_PACK_UNIT, (long long)n);
    if (bytes == 0)
        return status;
    TRY(check_b(op, b, count, op->params.k, &ldb));
    TRY(clcnn_buffer_check(op->device, packed_b, bytes, "gemm", "packed_b"));
    REQUIRE(!clcnn_buffer_overlap(b, packed_b), "gemm: packed_b overlaps b");
    TRY(op->impl->pack_b(op, first, count, b, ldb, packed_b, stream));
done:
    return status;
}

enum clcnn_status clcnn_gemm_pack_b_in(struct clcnn_gemm *op, const struct clcnn_buffer *b,
                                       int64_t ldb, struct clcnn_buffer *packed_b,
                                       struct clcnn_stream *stream)
{
    return clcnn_gemm_pack_columns_in(op, 0, op->params.n, b, ldb, packed_b, stream);
}

enum clcnn_status clcnn_gemm_pack_b(struct clcnn_gemm *op, const struct clcnn_buffer *b,
                                    int64_t ldb, struct clcnn_buffer *packed_b,
                                    const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};

    REQUIRE(op, "gemm_pack_b: op must not be NULL");
    TRY(clcnn_stream_begin(&stream, op->device, enqueue));
    TRY(clcnn_gemm_pack_b_in(op, b, ldb, packed_b, &stream));
done:
    return clcnn_stream_end(&stream, status);
}
