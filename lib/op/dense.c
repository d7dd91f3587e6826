#include "base/memory.h"
#include "op/gemm.h"
#include "op/reduce_columns.h"
#include "op/storage.h"
#include <clcnn/dense.h>
#include <math.h>
#include <stdlib.h>

struct clcnn_dense {
    struct clcnn_device *device;
    struct clcnn_dense_params params;
    struct clcnn_gemm *forward, *backward_data, *backward_weight; /* the last two NULL: inference */
    struct clcnn_reduce_columns *bias_gradient;
};

static enum clcnn_status check_params(const struct clcnn_dense_params *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;

    REQUIRE(p->batch > 0 && p->features > 0 && p->units > 0,
            "dense: batch=%d, features=%d, units=%d must all be more than 0", p->batch, p->features,
            p->units);
    REQUIRE(p->activation >= CLCNN_ACTIVATION_LINEAR && p->activation < CLCNN_ACTIVATION_SOFTMAX,
            "dense: activation %s cannot be fused", clcnn_activation_name(p->activation));
    REQUIRE(p->activation_alpha >= 0.0f && isfinite(p->activation_alpha),
            "dense: activation_alpha=%g is not a finite number >= 0", (double)p->activation_alpha);
    TRY(clcnn_storage_check(p->storage, "dense"));
    if (p->storage != CLCNN_DTYPE_FLOAT32 && !p->inference_only)
        TRY(clcnn_storage_fail("dense", "what is not inference_only"));
done:
    return status;
}

/* y = x w^T, dx = dy w, dw = dy^T x. */
static enum clcnn_status create_products(struct clcnn_dense *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_dense_params *p = &op->params;

    TRY(clcnn_gemm_create(op->device,
                          &(struct clcnn_gemm_params){.m = p->batch,
                                                      .n = p->units,
                                                      .k = p->features,
                                                      .transpose_b = true,
                                                      .use_bias = p->use_bias,
                                                      .activation = p->activation,
                                                      .activation_alpha = p->activation_alpha,
                                                      .storage = p->storage},
                          &op->forward));
    if (p->inference_only)
        return status;
    TRY(clcnn_gemm_create(
        op->device, &(struct clcnn_gemm_params){.m = p->batch, .n = p->features, .k = p->units},
        &op->backward_data));
    TRY(clcnn_gemm_create(op->device,
                          &(struct clcnn_gemm_params){
                              .m = p->units, .n = p->features, .k = p->batch, .transpose_a = true},
                          &op->backward_weight));
    TRY(clcnn_reduce_columns_create(op->device, p->batch, p->units, &op->bias_gradient));
done:
    return status;
}

enum clcnn_status clcnn_dense_create(struct clcnn_device *device,
                                     const struct clcnn_dense_params *params,
                                     struct clcnn_dense **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_dense *op = NULL;

    REQUIRE(out, "dense_create: out must not be NULL");
    *out = NULL;
    REQUIRE(device && params, "dense_create: device and params must not be NULL");
    TRY(check_params(params));
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->device = clcnn_device_retain(device);
    op->params = *params;
    clcnn_kernel_defer(device);
    status = create_products(op);
    enum clcnn_status built = clcnn_kernel_flush(device);
    TRY(status);
    TRY(built);
    *out = op;
    op = NULL;
done:
    clcnn_dense_destroy(&op);
    return status;
}

void clcnn_dense_destroy(struct clcnn_dense **op)
{
    if (!op || !*op)
        return;
    clcnn_gemm_destroy(&(*op)->forward);
    clcnn_gemm_destroy(&(*op)->backward_data);
    clcnn_gemm_destroy(&(*op)->backward_weight);
    clcnn_reduce_columns_destroy(&(*op)->bias_gradient);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

size_t clcnn_dense_workspace_size(const struct clcnn_dense *op)
{
    if (!op)
        return 0;
    size_t most = clcnn_gemm_workspace_size(op->forward, false);
    if (op->params.inference_only)
        return most;
    const size_t others[] = {clcnn_gemm_workspace_size(op->backward_data, false),
                             clcnn_gemm_workspace_size(op->backward_weight, false),
                             clcnn_reduce_columns_workspace_size(op->bias_gradient)};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        most = others[i] > most ? others[i] : most;
    return most;
}

size_t clcnn_dense_packed_workspace_size(const struct clcnn_dense *op)
{
    return op ? clcnn_gemm_workspace_size(op->forward, true) : 0;
}

size_t clcnn_dense_packed_weight_size(const struct clcnn_dense *op)
{
    return op ? clcnn_gemm_packed_b_size(op->forward) : 0;
}

_Static_assert(CLCNN_DENSE_PACK_UNIT % CLCNN_GEMM_PACK_UNIT == 0, "units are columns of B");

enum clcnn_status clcnn_dense_pack_weight(struct clcnn_dense *op, int first, int count,
                                          const struct clcnn_buffer *w, struct clcnn_buffer *packed,
                                          const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};

    REQUIRE(op, "dense_pack_weight: op must not be NULL");
    TRY(clcnn_stream_begin(&stream, op->device, enqueue));
    TRY(clcnn_gemm_pack_columns_in(op->forward, first, count ? count : op->params.units - first, w,
                                   0, packed, &stream));
done:
    return clcnn_stream_end(&stream, status);
}

/* The number of rows of a call. */
static enum clcnn_status begin(const struct clcnn_dense *op, const struct clcnn_dense_args *args,
                               int *batch)
{
    enum clcnn_status status = CLCNN_STATUS_OK;

    REQUIRE(op && args, "op and args must not be NULL");
    *batch = args->batch ? args->batch : op->params.batch;
    REQUIRE(*batch > 0 && *batch <= op->params.batch, "batch=%d is not in 1 .. %d as planned",
            *batch, op->params.batch);
done:
    return status;
}

enum clcnn_status clcnn_dense_forward(struct clcnn_dense *op, const struct clcnn_dense_args *args,
                                      const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int batch;

    TRY(begin(op, args, &batch));
    TRY(clcnn_gemm_run(op->forward,
                       &(struct clcnn_gemm_args){.m = batch,
                                                 .a = args->x,
                                                 .b = args->w,
                                                 .packed_b = args->packed_w,
                                                 .bias = args->bias,
                                                 .c = args->y,
                                                 .workspace = args->workspace},
                       enqueue));
done:
    return clcnn_fail_prefix(status, "dense_forward: ");
}

enum clcnn_status clcnn_dense_backward_data(struct clcnn_dense *op,
                                            const struct clcnn_dense_args *args,
                                            const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int batch;

    TRY(begin(op, args, &batch));
    if (!op->backward_data)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "the layer was made with inference_only"));
    TRY(clcnn_gemm_run(
        op->backward_data,
        &(struct clcnn_gemm_args){
            .m = batch, .a = args->dy, .b = args->w, .c = args->dx, .workspace = args->workspace},
        enqueue));
done:
    return clcnn_fail_prefix(status, "dense_backward_data: ");
}

/* What clcnn_gemm_run does not see: db, and a workspace that the bias gradient alone needs. */
static enum clcnn_status check_bias_gradient(const struct clcnn_dense *op,
                                             const struct clcnn_dense_args *args, int batch)
{
    enum { DB = 3 };
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t units = (size_t)op->params.units, bytes = (size_t)batch * units * sizeof(float);
    size_t workspace = clcnn_reduce_columns_workspace_size(op->bias_gradient);
    const struct {
        const char *name;
        const struct clcnn_buffer *buffer;
    } others[] = {{"dy", args->dy}, {"x", args->x}, {"dw", args->dw}, [DB] = {"db", args->db}};

    TRY(clcnn_buffer_check(op->device, args->dy, bytes, "bias gradient", "dy"));
    TRY(clcnn_buffer_check(op->device, args->db, units * sizeof(float), "bias gradient", "db"));
    if (workspace)
        TRY(clcnn_buffer_check(op->device, args->workspace, workspace, "bias gradient",
                               "workspace"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        REQUIRE(i == DB || !clcnn_buffer_overlap(args->db, others[i].buffer),
                "bias gradient: db overlaps %s", others[i].name);
        REQUIRE(!workspace || !clcnn_buffer_overlap(args->workspace, others[i].buffer),
                "bias gradient: workspace overlaps %s", others[i].name);
    }
done:
    return status;
}

enum clcnn_status clcnn_dense_backward_weight(struct clcnn_dense *op,
                                              const struct clcnn_dense_args *args,
                                              const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    int batch;

    TRY(begin(op, args, &batch));
    if (!op->backward_weight)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "the layer was made with inference_only"));
    if (args->db)
        TRY(check_bias_gradient(op, args, batch));
    TRY(clcnn_stream_begin(&stream, op->device, enqueue));
    TRY(clcnn_gemm_run_in(
        op->backward_weight,
        &(struct clcnn_gemm_args){
            .k = batch, .a = args->dy, .b = args->x, .c = args->dw, .workspace = args->workspace},
        &stream));
    if (args->db)
        TRY(clcnn_reduce_columns_run_in(op->bias_gradient, batch, args->dy, args->db,
                                        args->workspace, &stream));
done:
    status = clcnn_stream_end(&stream, status);
    return clcnn_fail_prefix(status, "dense_backward_weight: ");
}
