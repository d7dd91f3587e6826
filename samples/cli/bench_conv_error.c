#include "bench_conv.h"
#include "bench_stored.h"
#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 384 };

/* A convolution's sizes and one output's exact sum. */
struct problem {
    int64_t n, h, w, c, k, r, s, p, q, group_c, group_k;
    int64_t top, left, sh, sw, dh, dw;
    enum clcnn_dtype storage;
    double sum, magnitude;
};

static int or_one(int value)
{
    return value ? value : 1;
}

static struct problem resolve(const struct conv_case *c)
{
    const struct clcnn_conv2d_params *p = &c->params;
    int groups = or_one(p->groups);
    return (struct problem){
        .n = p->batch,
        .h = p->height,
        .w = p->width,
        .c = p->channels,
        .k = p->filters,
        .r = p->kernel[0],
        .s = p->kernel[1],
        .p = c->output[0],
        .q = c->output[1],
        .group_c = p->channels / groups,
        .group_k = p->filters / groups,
        .top = c->before[0],
        .left = c->before[1],
        .sh = or_one(p->strides[0]),
        .sw = or_one(p->strides[1]),
        .dh = or_one(p->dilation_rate[0]),
        .dw = or_one(p->dilation_rate[1]),
        .storage = p->storage,
    };
}

static void add(struct problem *o, double product)
{
    o->sum += product;
    o->magnitude += fabs(product);
}

static double x_at(const struct problem *o, int64_t n, int64_t h, int64_t w, int64_t c)
{
    return h < 0 || h >= o->h || w < 0 || w >= o->w
               ? 0.0
               : (double)stored_value(o->storage, CONV_SEED_X,
                                      ((n * o->h + h) * o->w + w) * o->c + c);
}
static double w_at(const struct problem *o, int64_t k, int64_t r, int64_t s, int64_t c)
{
    return (double)stored_value(o->storage, CONV_SEED_W,
                                ((k * o->r + r) * o->s + s) * o->group_c + c);
}
static double dy_at(const struct problem *o, int64_t n, int64_t p, int64_t q, int64_t k)
{
    return (double)bench_value(CONV_SEED_Y, ((n * o->p + p) * o->q + q) * o->k + k);
}

/* at = n, p, q, k. */
static void sum_forward(struct problem *o, const int64_t at[4])
{
    int64_t first = at[3] / o->group_k * o->group_c;
    for (int64_t r = 0; r < o->r; r++)
        for (int64_t s = 0; s < o->s; s++)
            for (int64_t c = 0; c < o->group_c; c++)
                add(o, x_at(o, at[0], at[1] * o->sh - o->top + r * o->dh,
                            at[2] * o->sw - o->left + s * o->dw, first + c) *
                           w_at(o, at[3], r, s, c));
}

/* at = n, h, w, c. */
static void sum_backward_data(struct problem *o, const int64_t at[4])
{
    int64_t group = at[3] / o->group_c;
    for (int64_t r = 0; r < o->r; r++) {
        for (int64_t s = 0; s < o->s; s++) {
            int64_t p = at[1] + o->top - r * o->dh, q = at[2] + o->left - s * o->dw;
            if (p < 0 || q < 0 || p % o->sh || q % o->sw || p / o->sh >= o->p || q / o->sw >= o->q)
                continue;
            for (int64_t k = group * o->group_k; k < (group + 1) * o->group_k; k++)
                add(o, dy_at(o, at[0], p / o->sh, q / o->sw, k) *
                           w_at(o, k, r, s, at[3] - group * o->group_c));
        }
    }
}

/* at = k, r, s, c. */
static void sum_backward_filter(struct problem *o, const int64_t at[4])
{
    int64_t c = at[0] / o->group_k * o->group_c + at[3];
    for (int64_t n = 0; n < o->n; n++)
        for (int64_t p = 0; p < o->p; p++)
            for (int64_t q = 0; q < o->q; q++)
                add(o, dy_at(o, n, p, q, at[0]) * x_at(o, n, p * o->sh - o->top + at[1] * o->dh,
                                                       q * o->sw - o->left + at[2] * o->dw, c));
}

static double activate(const struct clcnn_conv2d_params *p, double v)
{
    switch (p->activation) {
    case CLCNN_ACTIVATION_RELU:
        return v > 0 ? v : 0;
    case CLCNN_ACTIVATION_LEAKY_RELU:
        return v > 0 ? v : v * (p->activation_alpha != 0.0f ? (double)p->activation_alpha : 0.3);
    case CLCNN_ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-v));
    case CLCNN_ACTIVATION_TANH:
        return tanh(v);
    default:
        return v;
    }
}

/* The error of the output at `at`, in memory at `position`. */
static double error_at(struct problem *o, const struct conv_case *c, const int64_t at[4],
                       int64_t position, double value)
{
    o->sum = o->magnitude = 0;
    if (c->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        sum_backward_data(o, at);
    else if (c->phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        sum_backward_filter(o, at);
    else
        sum_forward(o, at);
    double exact = o->sum;
    if (c->phase == CLCNN_CONV2D_PHASE_FORWARD && c->params.use_bias)
        exact += (double)bench_value(CONV_SEED_BIAS, at[3]);
    if (c->phase == CLCNN_CONV2D_PHASE_FORWARD && c->params.accumulate)
        exact += (double)stored_value(o->storage, CONV_SEED_Y, position);
    if (c->phase == CLCNN_CONV2D_PHASE_FORWARD)
        exact = activate(&c->params, exact);
    double difference = fabs(value - exact);
    if (o->storage == CLCNN_DTYPE_FLOAT16) /* the bound excludes y's rounding */
        difference = fmax(0.0, difference - 0x1p-11 * fabs(value) - 0x1p-25);
    if (!isfinite(difference))
        return INFINITY;
    return difference == 0 ? 0 : difference / o->magnitude;
}

/* Number `index` of the samples: a quarter of each coordinate at either border. */
static int64_t pick(const int64_t dims[4], int index, int64_t at[4])
{
    int64_t position = 0;
    for (int i = 0; i < 4; i++) {
        double u = ((double)bench_value(100, index * 4 + i) + 1) / 2; /* [0, 1) */
        at[i] = u < 0.25 ? 0 : u < 0.5 ? dims[i] - 1 : (int64_t)((u - 0.5) * 2 * (double)dims[i]);
        position = position * dims[i] + at[i];
    }
    return position;
}

enum clcnn_status conv_run_check(struct conv_run *run, const struct conv_case *c)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct problem o = resolve(c);
    const int64_t dims[CLCNN_CONV2D_PHASE_COUNT][4] = {
        {o.n, o.p, o.q, o.k}, {o.n, o.h, o.w, o.c}, {o.k, o.r, o.s, o.group_c}};
    struct clcnn_buffer *const outputs[] = {run->y, run->x, run->w};
    struct racer racer = conv_run_racer(run);
    const struct clcnn_buffer *output = outputs[c->phase];
    int64_t count = (int64_t)(clcnn_buffer_bytes(output) / clcnn_dtype_size(o.storage));
    float *values = malloc((size_t)count * sizeof(*values));
    if (!values)
        return CLCNN_STATUS_OUT_OF_MEMORY;
    CLI_TRY(racer.run(racer.context, 1));
    CLI_TRY(stored_read(run->device, o.storage, output, count, values));
    run->error = 0;
    for (int i = 0; i < SAMPLES; i++) {
        int64_t at[4], position = pick(dims[c->phase], i, at);
        run->error = fmax(run->error, error_at(&o, c, at, position, (double)values[position]));
    }
done:
    free(values);
    return status;
}
