#include "op/conv2d.h"
#include "base/memory.h"
#include "op/storage.h"
#include "tensor/window.h"
#include <math.h>
#include <stdlib.h>

struct clcnn_conv2d {
    struct clcnn_device *device;
    struct clcnn_conv2d_problem problem;
    struct clcnn_conv2d_choice choices[CLCNN_CONV2D_PHASE_COUNT];
};

/* ---- parameters ------------------------------------------------------------------------------ */

/* One dimension, 0 = down, 1 = across. */
static enum clcnn_status resolve_window(const struct clcnn_conv2d_params *params, int i,
                                        struct clcnn_window *window)
{
    static const enum clcnn_window_padding paddings[] = {
        [CLCNN_PADDING_VALID] = CLCNN_WINDOW_VALID,
        [CLCNN_PADDING_SAME] = CLCNN_WINDOW_SAME,
        [CLCNN_PADDING_EXPLICIT] = CLCNN_WINDOW_EXPLICIT,
    };
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool explicit_pads = params->padding == CLCNN_PADDING_EXPLICIT;
    REQUIRE((unsigned)params->padding <= CLCNN_PADDING_EXPLICIT, "conv2d: padding %d is unknown",
            (int)params->padding);
    REQUIRE(explicit_pads || (!params->pads[i] && !params->pads[i + 2]),
            "conv2d: pads %d, %d are given, but padding is not CLCNN_PADDING_EXPLICIT",
            params->pads[i], params->pads[i + 2]);
    *window = (struct clcnn_window){
        .input = i == 0 ? params->height : params->width,
        .filter = params->kernel[i],
        .stride = params->strides[i] ? params->strides[i] : 1,
        .dilation = params->dilation_rate[i] ? params->dilation_rate[i] : 1,
        .pad_before = params->pads[i],
        .pad_after = params->pads[i + 2],
    };
    TRY(clcnn_window_resolve(window, paddings[params->padding],
                             i == 0 ? "conv2d: height" : "conv2d: width"));
done:
    return status;
}

static enum clcnn_status resolve_windows(const struct clcnn_conv2d_params *params,
                                         struct clcnn_window windows[2])
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(resolve_window(params, 0, &windows[0]));
    TRY(resolve_window(params, 1, &windows[1]));
    REQUIRE((windows[0].stride == 1 && windows[1].stride == 1) ||
                (windows[0].dilation == 1 && windows[1].dilation == 1),
            "conv2d: strides %dx%d and dilation_rate %dx%d cannot both be above 1",
            (int)windows[0].stride, (int)windows[1].stride, (int)windows[0].dilation,
            (int)windows[1].dilation);
done:
    return status;
}

enum clcnn_status clcnn_conv2d_output_size(const struct clcnn_conv2d_params *params, int output[2])
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_window windows[2];
    REQUIRE(params && output, "conv2d_output_size: params and output must not be NULL");
    TRY(resolve_windows(params, windows));
    output[0] = (int)windows[0].output;
    output[1] = (int)windows[1].output;
done:
    return status;
}

static enum clcnn_status check_params(const struct clcnn_conv2d_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(params->batch > 0, "conv2d: batch N=%d is not positive", params->batch);
    REQUIRE(params->channels > 0, "conv2d: channels C=%d is not positive", params->channels);
    REQUIRE(params->filters > 0, "conv2d: filters K=%d is not positive", params->filters);
    REQUIRE(params->groups >= 0, "conv2d: groups=%d is negative", params->groups);
    int groups = params->groups ? params->groups : 1;
    REQUIRE(params->channels % groups == 0, "conv2d: C=%d is not divisible by groups=%d",
            params->channels, groups);
    REQUIRE(params->filters % groups == 0, "conv2d: K=%d is not divisible by groups=%d",
            params->filters, groups);
    REQUIRE((unsigned)params->activation < CLCNN_ACTIVATION_SOFTMAX,
            "conv2d: activation %d cannot be fused; linear, relu, leaky_relu, sigmoid and tanh can",
            (int)params->activation);
    REQUIRE((unsigned)params->algorithm < CLCNN_CONV2D_ALGORITHM_COUNT,
            "conv2d: algorithm %d is unknown", (int)params->algorithm);
    REQUIRE(params->forbidden < 1u << CLCNN_CONV2D_ALGORITHM_COUNT && !(params->forbidden & 1u),
            "conv2d: forbidden 0x%x has bits that are no algorithm's", params->forbidden);
    REQUIRE(!(params->forbidden & 1u << params->algorithm), "conv2d: %s is required and forbidden",
            clcnn_conv2d_algorithm_word(params->algorithm));
    REQUIRE(params->phases < 1u << CLCNN_CONV2D_PHASE_COUNT, "conv2d: phases 0x%x has unknown bits",
            params->phases);
    TRY(clcnn_storage_check(params->storage, "conv2d"));
    REQUIRE(params->max_error >= 0.0, "conv2d: max_error %g is not >= 0", params->max_error);
    REQUIRE(params->activation_alpha >= 0.0f && isfinite(params->activation_alpha),
            "conv2d: activation_alpha=%g is not a finite number >= 0",
            (double)params->activation_alpha);
done:
    return status;
}

/* The bytes of every tensor must fit, and int32 the elements of one filter and of one image row. */
static enum clcnn_status check_sizes(const struct clcnn_conv2d_problem *problem)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t taps, count, limit = INT64_MAX / 64;
    bool fits =
        !__builtin_mul_overflow(problem->r * problem->s, clcnn_conv2d_channels(problem), &taps) &&
        taps <= INT32_MAX;
    REQUIRE(fits, "conv2d: a filter of %lldx%lldx%lld elements exceeds 2^31-1",
            (long long)problem->r, (long long)problem->s,
            (long long)clcnn_conv2d_channels(problem));
    REQUIRE(problem->w * problem->c <= INT32_MAX && problem->q * problem->k <= INT32_MAX,
            "conv2d: a row of W=%lld x C=%lld or Q=%lld x K=%lld elements exceeds 2^31-1",
            (long long)problem->w, (long long)problem->c, (long long)problem->q,
            (long long)problem->k);
    fits = !__builtin_mul_overflow(problem->n * problem->h, problem->w * problem->c, &count) &&
           count <= limit;
    fits = fits &&
           !__builtin_mul_overflow(problem->n * problem->p, problem->q * problem->k, &count) &&
           count <= limit;
    REQUIRE(fits, "conv2d: N=%lld images of %lldx%lldx%lld or %lldx%lldx%lld do not fit in memory",
            (long long)problem->n, (long long)problem->h, (long long)problem->w,
            (long long)problem->c, (long long)problem->p, (long long)problem->q,
            (long long)problem->k);
done:
    return status;
}

static enum clcnn_status resolve(struct clcnn_device *device,
                                 const struct clcnn_conv2d_params *params,
                                 struct clcnn_conv2d_problem *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_device_info *info = clcnn_device_info(device);
    struct clcnn_window window[2];
    TRY(check_params(params));
    TRY(resolve_windows(params, window));
    *out = (struct clcnn_conv2d_problem){
        .n = params->batch,
        .h = params->height,
        .w = params->width,
        .c = params->channels,
        .k = params->filters,
        .r = params->kernel[0],
        .s = params->kernel[1],
        .p = window[0].output,
        .q = window[1].output,
        .groups = params->groups ? params->groups : 1,
        .stride = {window[0].stride, window[1].stride},
        .dilation = {window[0].dilation, window[1].dilation},
        .pad = {window[0].pad_before, window[1].pad_before, window[0].pad_after,
                window[1].pad_after},
        .use_bias = params->use_bias,
        .accumulate = params->accumulate,
        .activation = params->activation,
        .alpha = params->activation_alpha != 0.0f ? params->activation_alpha : 0.3f,
        .storage = params->storage,
        .max_workspace = params->max_workspace ? params->max_workspace : CLCNN_CONV2D_WORKSPACE,
        .max_error = params->max_error,
        .required = params->algorithm,
        .forbidden = params->forbidden,
        .tune = params->tune,
        .prepacked = params->phases == 1u << CLCNN_CONV2D_PHASE_FORWARD,
        .device = device,
        .family = clcnn_device_family(device),
        .compute_units = info->compute_units > 0 ? info->compute_units : 1,
        .vector_width = info->vector_width > 0 ? info->vector_width : 1,
    };
    /* A fused multiply-add is two operations; cores have two such units, and the compute units of
     * GPUs 64 lanes or so. Only ratios matter. */
    int lanes = out->family == CLCNN_DEVICE_CLASS_GPU ? 64 : 2 * out->vector_width;
    double clock = info->clock_mhz > 0 ? info->clock_mhz : 1000; /* MHz */
    out->peak = 2e6 * lanes * out->compute_units * clock;
    out->bandwidth = 8e6 * out->compute_units * clock;
    TRY(check_sizes(out));
done:
    return status;
}

/* ---- life ------------------------------------------------------------------------------------ */

static unsigned phases_of(const struct clcnn_conv2d_params *params)
{
    if (params->phases)
        return params->phases;
    return params->storage == CLCNN_DTYPE_FLOAT32 ? (1u << CLCNN_CONV2D_PHASE_COUNT) - 1
                                                  : 1u << CLCNN_CONV2D_PHASE_FORWARD;
}

enum clcnn_status clcnn_conv2d_create(struct clcnn_device *device,
                                      const struct clcnn_conv2d_params *params,
                                      struct clcnn_conv2d **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK, built;
    struct clcnn_conv2d *op = NULL;
    REQUIRE(out, "conv2d_create: out must not be NULL");
    *out = NULL;
    REQUIRE(device && params, "conv2d_create: device and params must not be NULL");
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->device = clcnn_device_retain(device);
    TRY(resolve(device, params, &op->problem));
    unsigned phases = phases_of(params);
    clcnn_kernel_defer(device);
    for (int phase = 0; status == CLCNN_STATUS_OK && phase < CLCNN_CONV2D_PHASE_COUNT; phase++) {
        if (phases & 1u << phase)
            status = clcnn_conv2d_choose(&op->problem, (enum clcnn_conv2d_phase)phase,
                                         &op->choices[phase]);
    }
    built = clcnn_kernel_flush(device);
    TRY(status != CLCNN_STATUS_OK ? status : built);
    *out = op;
    op = NULL;
done:
    clcnn_conv2d_destroy(&op);
    return status;
}

void clcnn_conv2d_destroy(struct clcnn_conv2d **op)
{
    if (!op || !*op)
        return;
    for (int phase = 0; phase < CLCNN_CONV2D_PHASE_COUNT; phase++) {
        struct clcnn_conv2d_choice *choice = &(*op)->choices[phase];
        if (choice->impl)
            choice->impl->destroy(choice->state);
    }
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* ---- facts ----------------------------------------------------------------------------------- */

/* NULL if the phase was not prepared or does not exist. */
static const struct clcnn_conv2d_choice *chosen(const struct clcnn_conv2d *op,
                                                enum clcnn_conv2d_phase phase)
{
    if (!op || (unsigned)phase >= CLCNN_CONV2D_PHASE_COUNT || !op->choices[phase].impl)
        return NULL;
    return &op->choices[phase];
}

const char *clcnn_conv2d_algorithm_name(const struct clcnn_conv2d *op,
                                        enum clcnn_conv2d_phase phase)
{
    const struct clcnn_conv2d_choice *choice = chosen(op, phase);
    return choice ? choice->impl->name : "none";
}

double clcnn_conv2d_error_bound(const struct clcnn_conv2d *op, enum clcnn_conv2d_phase phase)
{
    const struct clcnn_conv2d_choice *choice = chosen(op, phase);
    return choice ? choice->impl->error_bound(&op->problem, phase) : 0.0;
}

size_t clcnn_conv2d_workspace_size(const struct clcnn_conv2d *op, enum clcnn_conv2d_phase phase)
{
    const struct clcnn_conv2d_choice *choice = chosen(op, phase);
    return choice ? choice->impl->workspace(choice->state) : 0;
}

size_t clcnn_conv2d_packed_filter_size(const struct clcnn_conv2d *op)
{
    const struct clcnn_conv2d_choice *choice = chosen(op, CLCNN_CONV2D_PHASE_FORWARD);
    return choice && choice->impl->packed_filter ? choice->impl->packed_filter(choice->state) : 0;
}

size_t clcnn_conv2d_packed_workspace_size(const struct clcnn_conv2d *op)
{
    const struct clcnn_conv2d_choice *choice = chosen(op, CLCNN_CONV2D_PHASE_FORWARD);
    if (!choice)
        return 0;
    bool packs = clcnn_conv2d_packed_filter_size(op) > 0 && choice->impl->packed_workspace;
    return packs ? choice->impl->packed_workspace(choice->state)
                 : choice->impl->workspace(choice->state);
}

/* ---- calls ----------------------------------------------------------------------------------- */

enum { MAX_BUFFERS = 6 };

/* The buffers of one call with the bytes each must hold, outputs first. */
struct operands {
    int count, outputs;
    struct {
        const char *name;
        const struct clcnn_buffer *buffer;
        size_t bytes;
    } list[MAX_BUFFERS];
};

static void add_operand(struct operands *operands, const char *name,
                        const struct clcnn_buffer *buffer, size_t bytes)
{
    operands->list[operands->count].name = name;
    operands->list[operands->count].buffer = buffer;
    operands->list[operands->count++].bytes = bytes;
}

/* Outputs (the workspace is one) overlap nothing. */
static enum clcnn_status check_operands(const struct clcnn_conv2d *op,
                                        const struct operands *operands)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int i = 0; i < operands->count; i++)
        TRY(clcnn_buffer_check(op->device, operands->list[i].buffer, operands->list[i].bytes,
                               "conv2d", operands->list[i].name));
    for (int i = 0; i < operands->outputs; i++) {
        for (int j = i + 1; j < operands->count; j++)
            REQUIRE(!clcnn_buffer_overlap(operands->list[i].buffer, operands->list[j].buffer),
                    "conv2d: %s overlaps %s", operands->list[i].name, operands->list[j].name);
    }
done:
    return status;
}

static size_t bytes_of(const struct clcnn_conv2d_problem *p, int64_t elements)
{
    return (size_t)elements * clcnn_dtype_size(p->storage);
}
static size_t image_bytes(const struct clcnn_conv2d_problem *p, int64_t n)
{
    return bytes_of(p, n * p->h * p->w * p->c);
}
static size_t output_bytes(const struct clcnn_conv2d_problem *p, int64_t n)
{
    return bytes_of(p, n * p->p * p->q * p->k);
}
static size_t filter_bytes(const struct clcnn_conv2d_problem *p)
{
    return bytes_of(p, p->k * clcnn_conv2d_taps(p));
}
static size_t bias_bytes(const struct clcnn_conv2d_problem *p)
{
    return (size_t)p->k * sizeof(float);
}

/* Outputs, then inputs, of the phase; in between (`outputs` counts it) the workspace. */
static void list_operands(const struct clcnn_conv2d *op, enum clcnn_conv2d_phase phase,
                          const struct clcnn_conv2d_args *args, int64_t n, struct operands *list)
{
    const struct clcnn_conv2d_problem *problem = &op->problem;
    size_t packed = clcnn_conv2d_packed_filter_size(op);
    bool use_packed = phase == CLCNN_CONV2D_PHASE_FORWARD && args->packed_w && packed > 0;
    size_t workspace = use_packed ? clcnn_conv2d_packed_workspace_size(op)
                                  : clcnn_conv2d_workspace_size(op, phase);
    if (phase == CLCNN_CONV2D_PHASE_FORWARD)
        add_operand(list, "y", args->y, output_bytes(problem, n));
    else if (phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        add_operand(list, "dx", args->dx, image_bytes(problem, n));
    else
        add_operand(list, "dw", args->dw, filter_bytes(problem));
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER && args->db)
        add_operand(list, "db", args->db, bias_bytes(problem));
    if (workspace > 0)
        add_operand(list, "workspace", args->workspace, workspace);
    list->outputs = list->count;
    if (phase != CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        add_operand(list, "x", args->x, image_bytes(problem, n));
    if (phase != CLCNN_CONV2D_PHASE_FORWARD)
        add_operand(list, "dy", args->dy, output_bytes(problem, n));
    if (use_packed)
        add_operand(list, "packed_w", args->packed_w, packed);
    else if (phase != CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        add_operand(list, "w", args->w, filter_bytes(problem));
    if (phase == CLCNN_CONV2D_PHASE_FORWARD && problem->use_bias)
        add_operand(list, "bias", args->bias, bias_bytes(problem));
}

static enum clcnn_status run(struct clcnn_conv2d *op, enum clcnn_conv2d_phase phase,
                             const struct clcnn_conv2d_args *args,
                             const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    struct operands operands = {0};
    const char *name = clcnn_conv2d_phase_name(phase);
    REQUIRE(op && args, "conv2d_%s: op and args must not be NULL", name);
    const struct clcnn_conv2d_choice *choice = chosen(op, phase);
    REQUIRE(choice, "conv2d_%s: the phase was not prepared (see phases)", name);
    REQUIRE(args->batch >= 0 && args->batch <= op->problem.n,
            "conv2d_%s: batch %d is not in 0..%lld, the planned one", name, args->batch,
            (long long)op->problem.n);
    int64_t n = args->batch ? args->batch : op->problem.n;
    list_operands(op, phase, args, n, &operands);
    TRY(check_operands(op, &operands));
    /* Implementations see only what was checked. */
    struct clcnn_conv2d_args used = *args;
    if (!op->problem.use_bias)
        used.bias = NULL;
    if (clcnn_conv2d_packed_filter_size(op) == 0)
        used.packed_w = NULL;
    TRY(clcnn_stream_begin(&stream, op->device, enqueue));
    TRY(choice->impl->run(choice->state, &(struct clcnn_conv2d_call){n, &stream, &used}));
done:
    return clcnn_stream_end(&stream, status);
}

enum clcnn_status clcnn_conv2d_forward(struct clcnn_conv2d *op,
                                       const struct clcnn_conv2d_args *args,
                                       const struct clcnn_enqueue *enqueue)
{
    return run(op, CLCNN_CONV2D_PHASE_FORWARD, args, enqueue);
}

enum clcnn_status clcnn_conv2d_backward_data(struct clcnn_conv2d *op,
                                             const struct clcnn_conv2d_args *args,
                                             const struct clcnn_enqueue *enqueue)
{
    return run(op, CLCNN_CONV2D_PHASE_BACKWARD_DATA, args, enqueue);
}

enum clcnn_status clcnn_conv2d_backward_filter(struct clcnn_conv2d *op,
                                               const struct clcnn_conv2d_args *args,
                                               const struct clcnn_enqueue *enqueue)
{
    return run(op, CLCNN_CONV2D_PHASE_BACKWARD_FILTER, args, enqueue);
}

enum clcnn_status clcnn_conv2d_pack_filter(struct clcnn_conv2d *op, const struct clcnn_buffer *w,
                                           struct clcnn_buffer *packed,
                                           const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    struct operands operands = {.outputs = 1};
    REQUIRE(op, "conv2d_pack_filter: op must not be NULL");
    size_t bytes = clcnn_conv2d_packed_filter_size(op);
    REQUIRE(bytes > 0, "conv2d_pack_filter: %s does not pack filters",
            clcnn_conv2d_algorithm_name(op, CLCNN_CONV2D_PHASE_FORWARD));
    add_operand(&operands, "packed", packed, bytes);
    add_operand(&operands, "w", w, filter_bytes(&op->problem));
    TRY(check_operands(op, &operands));
    TRY(clcnn_stream_begin(&stream, op->device, enqueue));
    const struct clcnn_conv2d_choice *choice = chosen(op, CLCNN_CONV2D_PHASE_FORWARD);
    TRY(choice->impl->pack_filter(choice->state, &stream, w, packed));
done:
    return clcnn_stream_end(&stream, status);
}
