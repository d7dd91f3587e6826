#include "base/memory.h"
#include "op/range.h"
#include "op/storage.h"
#include <clcnn/activation.h>
#include <math.h>
#include <stdlib.h>

struct clcnn_activation_op {
    struct clcnn_device *device;
    struct clcnn_activation_params params;
    struct clcnn_kernel *forward, *backward;
};

#define DEFAULT_ALPHA 0.3f

/* Elements a work-group of the CPU family takes at least: about 2 us of memory traffic. */
#define MINIMUM 4096

static const char *const names[] = {
    [CLCNN_ACTIVATION_LINEAR] = "linear",
    [CLCNN_ACTIVATION_RELU] = "relu",
    [CLCNN_ACTIVATION_LEAKY_RELU] = "leaky_relu",
    [CLCNN_ACTIVATION_SIGMOID] = "sigmoid",
    [CLCNN_ACTIVATION_TANH] = "tanh",
    [CLCNN_ACTIVATION_SOFTMAX] = "softmax",
};

static bool known(enum clcnn_activation activation)
{
    return (size_t)activation < sizeof(names) / sizeof(names[0]);
}

const char *clcnn_activation_name(enum clcnn_activation activation)
{
    return known(activation) ? names[activation] : "unknown";
}

static enum clcnn_status validate(const struct clcnn_activation_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t count;
    size_t bytes;
    REQUIRE(known(params->activation), "activation: %d is no activation", (int)params->activation);
    TRY(clcnn_storage_check(params->storage, "activation"));
    REQUIRE(params->rows > 0 && params->units > 0,
            "activation: rows=%lld, units=%lld, not positive", (long long)params->rows,
            (long long)params->units);
    REQUIRE(!__builtin_mul_overflow(params->rows, params->units, &count) &&
                clcnn_storage_bytes(count, params->storage, &bytes),
            "activation: %lld rows of %lld are too large", (long long)params->rows,
            (long long)params->units);
    REQUIRE(params->alpha >= 0.0f && isfinite(params->alpha),
            "activation: alpha=%g is not a finite number >= 0", (double)params->alpha);
done:
    return status;
}

enum clcnn_status clcnn_activation_create(struct clcnn_device *device,
                                          const struct clcnn_activation_params *params,
                                          struct clcnn_activation_op **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_activation_op *op = NULL;
    REQUIRE(out, "activation: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "activation: device or params is NULL");
    TRY(validate(params));
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->device = clcnn_device_retain(device);
    op->params = *params;
    if (op->params.alpha == 0.0f)
        op->params.alpha = DEFAULT_ALPHA;
    bool softmax = params->activation == CLCNN_ACTIVATION_SOFTMAX;
    TRY(clcnn_kernel_create(device, "activation", clcnn_storage_option(params->storage),
                            softmax ? "softmax_forward" : "activation_forward", &op->forward));
    if (params->storage == CLCNN_DTYPE_FLOAT32)
        TRY(clcnn_kernel_create(device, "activation", "",
                                softmax ? "softmax_backward" : "activation_backward",
                                &op->backward));
    *out = op;
    op = NULL;
done:
    clcnn_activation_destroy(&op);
    return status;
}

void clcnn_activation_destroy(struct clcnn_activation_op **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->forward);
    clcnn_kernel_destroy(&(*op)->backward);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

static enum clcnn_status check_rows(const struct clcnn_activation_op *op, int64_t *rows,
                                    size_t *bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(op, "activation: op is NULL");
    if (*rows == 0)
        *rows = op->params.rows;
    REQUIRE(*rows > 0 && *rows <= op->params.rows, "activation: %lld rows are not in 1..%lld",
            (long long)*rows, (long long)op->params.rows);
    *bytes = (size_t)(*rows * op->params.units) * clcnn_dtype_size(op->params.storage);
done:
    return status;
}

enum clcnn_status clcnn_activation_forward(struct clcnn_activation_op *op, int64_t rows,
                                           const struct clcnn_buffer *x, struct clcnn_buffer *y,
                                           const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t bytes;
    TRY(check_rows(op, &rows, &bytes));
    TRY(clcnn_buffer_check(op->device, x, bytes, "activation", "x"));
    TRY(clcnn_buffer_check(op->device, y, bytes, "activation", "y"));
    TRY(clcnn_check_in_place(x, y, "activation", "x and y"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    int64_t units = op->params.units, count = rows * units;
    if (op->params.activation == CLCNN_ACTIVATION_SOFTMAX) {
        struct clcnn_range r = clcnn_range_rows(op->device, rows, MINIMUM / 4 / units);
        TRY(clcnn_launch(&s, op->forward, GRID1(r.groups, r.local),
                         ARGS(BUFFER(x), BUFFER(y), LONG(rows), LONG(units), LONG(r.chunk))));
    } else {
        struct clcnn_range r = clcnn_range_items(op->device, count, MINIMUM);
        TRY(clcnn_launch(&s, op->forward, GRID1(r.groups, r.local),
                         ARGS(BUFFER(x), BUFFER(y), LONG(count), LONG(r.chunk),
                              INT(op->params.activation), FLOAT(op->params.alpha))));
    }
done:
    return clcnn_stream_end(&s, status);
}

enum clcnn_status clcnn_activation_backward(struct clcnn_activation_op *op, int64_t rows,
                                            const struct clcnn_buffer *y,
                                            const struct clcnn_buffer *dy, struct clcnn_buffer *dx,
                                            const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t bytes;
    TRY(check_rows(op, &rows, &bytes));
    if (op->params.storage != CLCNN_DTYPE_FLOAT32)
        TRY(clcnn_storage_fail("activation", "backward"));
    TRY(clcnn_buffer_check(op->device, y, bytes, "activation", "y"));
    TRY(clcnn_buffer_check(op->device, dy, bytes, "activation", "dy"));
    TRY(clcnn_buffer_check(op->device, dx, bytes, "activation", "dx"));
    TRY(clcnn_check_in_place(dy, dx, "activation", "dy and dx"));
    TRY(clcnn_check_apart(y, dx, "activation", "y and dx"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    int64_t units = op->params.units, count = rows * units;
    if (op->params.activation == CLCNN_ACTIVATION_SOFTMAX) {
        struct clcnn_range r = clcnn_range_rows(op->device, rows, MINIMUM / 4 / units);
        TRY(clcnn_launch(
            &s, op->backward, GRID1(r.groups, r.local),
            ARGS(BUFFER(y), BUFFER(dy), BUFFER(dx), LONG(rows), LONG(units), LONG(r.chunk))));
    } else {
        struct clcnn_range r = clcnn_range_items(op->device, count, MINIMUM);
        TRY(clcnn_launch(&s, op->backward, GRID1(r.groups, r.local),
                         ARGS(BUFFER(y), BUFFER(dy), BUFFER(dx), LONG(count), LONG(r.chunk),
                              INT(op->params.activation), FLOAT(op->params.alpha))));
    }
done:
    return clcnn_stream_end(&s, status);
}
