#include "base/memory.h"
#include "op/range.h"
#include <clcnn/optimizer.h>
#include <math.h>
#include <stdlib.h>

struct clcnn_optimizer {
    struct clcnn_device *device;
    struct clcnn_optimizer_params params; /* without zeros that mean a default */
    int64_t count;
    size_t bytes;
    struct clcnn_kernel *kernel;
};

/* Weights a work-group of the CPU family takes at least. */
#define MINIMUM   4096
#define MAX_SLOTS 2

static const char *const names[] = {
    [CLCNN_OPTIMIZER_KIND_SGD] = "sgd",
    [CLCNN_OPTIMIZER_KIND_RMSPROP] = "rmsprop",
    [CLCNN_OPTIMIZER_KIND_ADAM] = "adam",
};

static bool known(enum clcnn_optimizer_kind kind)
{
    return (size_t)kind < sizeof(names) / sizeof(names[0]);
}

const char *clcnn_optimizer_kind_name(enum clcnn_optimizer_kind kind)
{
    return known(kind) ? names[kind] : "unknown";
}

static bool fraction(float value)
{
    return value >= 0.0f && value < 1.0f;
}

static bool rate(float value)
{
    return value >= 0.0f && isfinite(value);
}

static enum clcnn_status validate(const struct clcnn_optimizer_params *p, int64_t count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t bytes;
    REQUIRE(known(p->kind), "optimizer: %d is no optimizer", (int)p->kind);
    REQUIRE(clcnn_float_bytes(count, &bytes), "optimizer: count=%lld is not positive, or too large",
            (long long)count);
    REQUIRE(rate(p->learning_rate) && rate(p->epsilon),
            "optimizer: learning_rate=%g, epsilon=%g, not finite numbers >= 0",
            (double)p->learning_rate, (double)p->epsilon);
    REQUIRE(fraction(p->momentum) && fraction(p->rho) && fraction(p->beta_1) && fraction(p->beta_2),
            "optimizer: momentum=%g, rho=%g, beta_1=%g, beta_2=%g, not all in [0, 1)",
            (double)p->momentum, (double)p->rho, (double)p->beta_1, (double)p->beta_2);
    REQUIRE(p->momentum == 0.0f || p->kind != CLCNN_OPTIMIZER_KIND_ADAM,
            "optimizer: adam has no momentum, but beta_1");
    REQUIRE(!p->nesterov || (p->momentum > 0.0f && p->kind == CLCNN_OPTIMIZER_KIND_SGD),
            "optimizer: nesterov needs sgd with momentum > 0");
done:
    return status;
}

static float or_default(float value, float standard)
{
    return value == 0.0f ? standard : value;
}

static void set_defaults(struct clcnn_optimizer_params *p)
{
    bool sgd = p->kind == CLCNN_OPTIMIZER_KIND_SGD;
    p->learning_rate = or_default(p->learning_rate, sgd ? 0.01f : 0.001f);
    p->rho = or_default(p->rho, 0.9f);
    p->beta_1 = or_default(p->beta_1, 0.9f);
    p->beta_2 = or_default(p->beta_2, 0.999f);
    p->epsilon = or_default(p->epsilon, 1e-7f);
}

enum clcnn_status clcnn_optimizer_create(struct clcnn_device *device,
                                         const struct clcnn_optimizer_params *params, int64_t count,
                                         struct clcnn_optimizer **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_optimizer *op = NULL;
    REQUIRE(out, "optimizer: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "optimizer: device or params is NULL");
    TRY(validate(params, count));
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->device = clcnn_device_retain(device);
    op->params = *params;
    op->count = count;
    op->bytes = (size_t)count * sizeof(float);
    set_defaults(&op->params);
    bool plain = params->kind == CLCNN_OPTIMIZER_KIND_SGD && params->momentum > 0.0f;
    TRY(clcnn_kernel_create(device, "optimizer", "", plain ? "sgd_momentum" : names[params->kind],
                            &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_optimizer_destroy(&op);
    return status;
}

void clcnn_optimizer_destroy(struct clcnn_optimizer **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

int clcnn_optimizer_slot_count(const struct clcnn_optimizer *op)
{
    if (!op)
        return 0;
    int momentum = op->params.momentum > 0.0f;
    switch (op->params.kind) {
    case CLCNN_OPTIMIZER_KIND_RMSPROP:
        return 1 + momentum;
    case CLCNN_OPTIMIZER_KIND_ADAM:
        return 2;
    default:
        return momentum;
    }
}

const char *clcnn_optimizer_slot_name(const struct clcnn_optimizer *op, int slot)
{
    static const char *const slots[][MAX_SLOTS] = {
        [CLCNN_OPTIMIZER_KIND_SGD] = {"momentum"},
        [CLCNN_OPTIMIZER_KIND_RMSPROP] = {"accumulator", "momentum"},
        [CLCNN_OPTIMIZER_KIND_ADAM] = {"m", "v"},
    };
    bool exists = slot >= 0 && slot < clcnn_optimizer_slot_count(op);
    return exists ? slots[op->params.kind][slot] : NULL;
}

static enum clcnn_status check(const struct clcnn_optimizer *op, int64_t step, float learning_rate,
                               const struct clcnn_buffer *w, const struct clcnn_buffer *g,
                               struct clcnn_buffer *const *slots)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(op, "optimizer: op is NULL");
    REQUIRE(step > 0, "optimizer: step=%lld does not count from 1", (long long)step);
    REQUIRE(rate(learning_rate), "optimizer: learning_rate=%g is not a finite number >= 0",
            (double)learning_rate);
    TRY(clcnn_buffer_check(op->device, w, op->bytes, "optimizer", "w"));
    TRY(clcnn_buffer_check(op->device, g, op->bytes, "optimizer", "g"));
    TRY(clcnn_check_apart(w, g, "optimizer", "w and g"));
    int count = clcnn_optimizer_slot_count(op);
    REQUIRE(slots || count == 0, "optimizer: slots is NULL, %d are needed", count);
    for (int i = 0; i < count; i++) {
        TRY(clcnn_buffer_check(op->device, slots[i], op->bytes, "optimizer",
                               clcnn_optimizer_slot_name(op, i)));
        TRY(clcnn_check_apart(slots[i], w, "optimizer", "a slot and w"));
        TRY(clcnn_check_apart(slots[i], g, "optimizer", "a slot and g"));
        TRY(clcnn_check_apart(slots[0], i ? slots[i] : NULL, "optimizer", "two slots"));
    }
done:
    return status;
}

/* 1 - value, rounded once. */
static float complement(float value)
{
    return (float)(1.0 - (double)value);
}

static enum clcnn_status launch_adam(struct clcnn_optimizer *op, struct clcnn_stream *s,
                                     struct clcnn_range r, int64_t step, double learning_rate,
                                     const struct clcnn_buffer *w, const struct clcnn_buffer *g,
                                     struct clcnn_buffer *const *slots)
{
    const struct clcnn_optimizer_params *p = &op->params;
    double corrected = learning_rate * sqrt(1.0 - pow((double)p->beta_2, (double)step)) /
                       (1.0 - pow((double)p->beta_1, (double)step));
    return clcnn_launch(s, op->kernel, GRID1(r.groups, r.local),
                        ARGS(BUFFER(g), BUFFER(w), BUFFER(slots[0]), BUFFER(slots[1]),
                             LONG(op->count), LONG(r.chunk), FLOAT(corrected), FLOAT(p->beta_1),
                             FLOAT(complement(p->beta_1)), FLOAT(p->beta_2),
                             FLOAT(complement(p->beta_2)), FLOAT(p->epsilon)));
}

enum clcnn_status clcnn_optimizer_step(struct clcnn_optimizer *op, int64_t step,
                                       float learning_rate, struct clcnn_buffer *w,
                                       const struct clcnn_buffer *g,
                                       struct clcnn_buffer *const *slots,
                                       const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    TRY(check(op, step, learning_rate, w, g, slots));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    const struct clcnn_optimizer_params *p = &op->params;
    float lr = or_default(learning_rate, p->learning_rate);
    struct clcnn_range r = clcnn_range_items(op->device, op->count, MINIMUM);
    if (p->kind == CLCNN_OPTIMIZER_KIND_ADAM)
        TRY(launch_adam(op, &s, r, step, (double)lr, w, g, slots));
    else if (p->kind == CLCNN_OPTIMIZER_KIND_RMSPROP)
        TRY(clcnn_launch(&s, op->kernel, GRID1(r.groups, r.local),
                         ARGS(BUFFER(g), BUFFER(w), BUFFER(slots[0]),
                              BUFFER(p->momentum > 0.0f ? slots[1] : NULL), LONG(op->count),
                              LONG(r.chunk), FLOAT(lr), FLOAT(p->momentum), FLOAT(p->rho),
                              FLOAT(complement(p->rho)), FLOAT(p->epsilon))));
    else if (p->momentum > 0.0f)
        TRY(clcnn_launch(&s, op->kernel, GRID1(r.groups, r.local),
                         ARGS(BUFFER(g), BUFFER(w), BUFFER(slots[0]), LONG(op->count),
                              LONG(r.chunk), FLOAT(lr), FLOAT(p->momentum), INT(p->nesterov))));
    else
        TRY(clcnn_launch(&s, op->kernel, GRID1(r.groups, r.local),
                         ARGS(BUFFER(g), BUFFER(w), LONG(op->count), LONG(r.chunk), FLOAT(lr))));
done:
    return clcnn_stream_end(&s, status);
}
