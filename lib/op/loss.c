#include "base/memory.h"
#include "op/range.h"
#include <clcnn/loss.h>
#include <math.h>
#include <stdlib.h>

struct clcnn_loss {
    struct clcnn_device *device;
    struct clcnn_loss_params params;
    struct clcnn_buffer *correct; /* int32 [N], between the two kernels of a call */
    struct clcnn_kernel *rows, *totals;
};

/* Elements a work-group of the CPU family takes at least: exponentials and logarithms are slow. */
#define MINIMUM 512

/* Indices of a row are compared as floats. */
#define MAX_UNITS (1 << 24)

static const char *const names[] = {
    [CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY] = "sparse_categorical_crossentropy",
    [CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY] = "categorical_crossentropy",
    [CLCNN_LOSS_KIND_BINARY_CROSSENTROPY] = "binary_crossentropy",
    [CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR] = "mean_squared_error",
};

static bool known(enum clcnn_loss_kind kind)
{
    return (size_t)kind < sizeof(names) / sizeof(names[0]);
}

const char *clcnn_loss_kind_name(enum clcnn_loss_kind kind)
{
    return known(kind) ? names[kind] : "unknown";
}

static bool is_sparse(const struct clcnn_loss *op)
{
    return op->params.kind == CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY;
}

static bool is_crossentropy(const struct clcnn_loss_params *params)
{
    return params->kind == CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY ||
           params->kind == CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY;
}

static enum clcnn_status validate(const struct clcnn_loss_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(known(params->kind), "loss: %d is no loss", (int)params->kind);
    REQUIRE(params->batch > 0, "loss: batch=%d is not positive", params->batch);
    REQUIRE(params->units > 0 && params->units <= MAX_UNITS, "loss: units=%d is not in 1..2^24",
            params->units);
    if (params->from_logits && params->kind == CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "loss: mean_squared_error has no logits"));
done:
    return status;
}

enum clcnn_status clcnn_loss_create(struct clcnn_device *device,
                                    const struct clcnn_loss_params *params, struct clcnn_loss **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_loss *op = NULL;
    REQUIRE(out, "loss: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "loss: device or params is NULL");
    TRY(validate(params));
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->device = clcnn_device_retain(device);
    op->params = *params;
    TRY(clcnn_buffer_create(device, (size_t)params->batch * sizeof(int32_t), &op->correct));
    TRY(clcnn_kernel_create(device, "loss", "",
                            is_crossentropy(params) ? "loss_crossentropy" : "loss_elementwise",
                            &op->rows));
    TRY(clcnn_kernel_create(device, "loss", "", "loss_totals", &op->totals));
    *out = op;
    op = NULL;
done:
    clcnn_loss_destroy(&op);
    return status;
}

void clcnn_loss_destroy(struct clcnn_loss **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->rows);
    clcnn_kernel_destroy(&(*op)->totals);
    clcnn_buffer_destroy(&(*op)->correct);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* An output: large enough, and apart from the inputs. */
static enum clcnn_status check_output(const struct clcnn_loss *op, const struct clcnn_loss_args *a,
                                      const struct clcnn_buffer *output, size_t bytes,
                                      const char *name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_buffer_check(op->device, output, bytes, "loss", name));
    TRY(clcnn_check_apart(a->x, output, "loss", "x and an output"));
    TRY(clcnn_check_apart(a->target, output, "loss", "target and an output"));
done:
    return status;
}

static enum clcnn_status check(const struct clcnn_loss *op, const struct clcnn_loss_args *a)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(op && a, "loss: op or args is NULL");
    REQUIRE(a->batch >= 0 && a->batch <= op->params.batch, "loss: batch %d is not in 1..%d",
            a->batch, op->params.batch);
    REQUIRE(isfinite(a->scale), "loss: scale is not finite");
    size_t row = (size_t)(a->batch ? a->batch : op->params.batch) * sizeof(float);
    size_t all = row * (size_t)op->params.units;
    TRY(clcnn_buffer_check(op->device, a->x, all, "loss", "x"));
    TRY(clcnn_buffer_check(op->device, a->target, is_sparse(op) ? row : all, "loss", "target"));
    TRY(check_output(op, a, a->loss, row, "loss"));
    if (a->totals) {
        TRY(check_output(op, a, a->totals, CLCNN_LOSS_TOTALS_BYTES, "totals"));
        TRY(clcnn_check_apart(a->totals, a->loss, "loss", "totals and loss"));
    }
    if (a->dx) {
        TRY(check_output(op, a, a->dx, all, "dx"));
        TRY(clcnn_check_apart(a->dx, a->loss, "loss", "dx and loss"));
        TRY(clcnn_check_apart(a->dx, a->totals, "loss", "dx and totals"));
    }
done:
    return status;
}

enum clcnn_status clcnn_loss_run(struct clcnn_loss *op, const struct clcnn_loss_args *args,
                                 const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    TRY(check(op, args));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    int64_t rows = args->batch ? args->batch : op->params.batch, units = op->params.units;
    float scale = args->scale == 0.0f ? 1.0f / (float)rows : args->scale;
    struct clcnn_range r = clcnn_range_rows(op->device, rows, MINIMUM / units);
    const struct clcnn_buffer *label = is_sparse(op) ? args->target : NULL;
    if (is_crossentropy(&op->params))
        TRY(clcnn_launch(&s, op->rows, GRID1(r.groups, r.local),
                         ARGS(BUFFER(args->x), BUFFER(label ? NULL : args->target), BUFFER(label),
                              BUFFER(args->loss), BUFFER(op->correct), BUFFER(args->dx), LONG(rows),
                              LONG(units), LONG(r.chunk), INT(op->params.from_logits),
                              FLOAT(scale))));
    else
        TRY(clcnn_launch(&s, op->rows, GRID1(r.groups, r.local),
                         ARGS(BUFFER(args->x), BUFFER(args->target), BUFFER(args->loss),
                              BUFFER(op->correct), BUFFER(args->dx), LONG(rows), LONG(units),
                              LONG(r.chunk),
                              INT(op->params.kind == CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR),
                              INT(op->params.from_logits), FLOAT(scale))));
    if (args->totals)
        TRY(clcnn_launch(
            &s, op->totals, GRID1(1, r.local),
            ARGS(BUFFER(args->loss), BUFFER(op->correct), BUFFER(args->totals), LONG(rows))));
done:
    return clcnn_stream_end(&s, status);
}
