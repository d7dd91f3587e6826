#include "base/log.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/time.h"
#include "op/conv2d_choose.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRANTS      4   /* at most so many are timed */
#define HOPELESS      5.0 /* `direct` is not timed if it is predicted to take so often the best */
#define ROUNDS        5
#define ROUND_SECONDS 0.01 /* at least, of one round */
#define SLOW          3.0  /* who takes so often the fastest in the first round is out */
#define WRONG         "its answer was not that of direct"
#define BEFORE        0.25f /* what y holds before the call that is checked */

struct entrant {
    struct clcnn_conv2d_candidate *candidate;
    void *state;
    struct clcnn_buffer *packed, *workspace;
    double best; /* seconds */
    long calls;  /* of a round */
    bool out;    /* could not be run, or is wrong */
};

/* The tensors of the contest: `output` is y, dx or dw. */
struct tuner {
    const struct clcnn_conv2d_contest *contest;
    struct clcnn_buffer *image, *filter, *result,
        *vector; /* x or dx, w or dw, y or dy, bias or db */
    struct clcnn_buffer *output;
    float *expected, *found;
    int64_t count; /* of output */
    struct entrant entrants[ENTRANTS];
    int entrant_count;
    struct entrant reference; /* direct, if it is none of the entrants */
};

/* ---- tensors --------------------------------------------------------------------------------- */

/* Uniform in [0, scale): nothing cancels, so that sum(|x||w|) = sum(x w). */
static enum clcnn_status make_tensor(struct clcnn_device *device, int64_t count, float scale,
                                     struct clcnn_buffer **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_random random = clcnn_random_begin(7, CLCNN_PHILOX_STREAM_INITIALIZER, 0);
    float *values = NULL;
    TRY(clcnn_alloc((size_t)count, sizeof(*values), &values));
    for (int64_t i = 0; i < count; i++)
        values[i] = scale * clcnn_random_uniform(&random);
    TRY(clcnn_buffer_create(device, (size_t)count * sizeof(*values), out));
    TRY(clcnn_buffer_write(*out, 0, (size_t)count * sizeof(*values), values, NULL));
done:
    free(values);
    return status;
}

/* The factors are such that no sum exceeds 2: a fused sigmoid or tanh is not flat there. */
static enum clcnn_status make_tensors(struct tuner *tuner)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = tuner->contest->problem;
    enum clcnn_conv2d_phase phase = tuner->contest->phase;
    bool filter = phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
    float small = 2.0f / (float)clcnn_conv2d_terms(problem, phase);
    int64_t image = problem->n * problem->h * problem->w * problem->c;
    int64_t taps = problem->k * clcnn_conv2d_taps(problem);
    int64_t result = clcnn_conv2d_pixels(problem) * problem->k;
    TRY(make_tensor(problem->device, image, filter ? small : 1.0f, &tuner->image));
    TRY(make_tensor(problem->device, taps, small, &tuner->filter));
    TRY(make_tensor(problem->device, result, 1.0f, &tuner->result));
    TRY(make_tensor(problem->device, problem->k, 1.0f, &tuner->vector));
    tuner->output = phase == CLCNN_CONV2D_PHASE_FORWARD         ? tuner->result
                    : phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA ? tuner->image
                                                                : tuner->filter;
    tuner->count = phase == CLCNN_CONV2D_PHASE_FORWARD         ? result
                   : phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA ? image
                                                               : taps;
    TRY(clcnn_alloc((size_t)tuner->count, sizeof(float), &tuner->expected));
    TRY(clcnn_alloc((size_t)tuner->count, sizeof(float), &tuner->found));
done:
    return status;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static struct clcnn_conv2d_args args_of(const struct tuner *tuner, const struct entrant *entrant)
{
    struct clcnn_conv2d_args args = {.workspace = entrant->workspace};
    const struct clcnn_conv2d_problem *problem = tuner->contest->problem;
    switch (tuner->contest->phase) {
    case CLCNN_CONV2D_PHASE_BACKWARD_DATA:
        args.dy = tuner->result, args.w = tuner->filter, args.dx = tuner->image;
        break;
    case CLCNN_CONV2D_PHASE_BACKWARD_FILTER:
        args.dy = tuner->result, args.x = tuner->image, args.dw = tuner->filter;
        args.db = problem->use_bias ? tuner->vector : NULL;
        break;
    default:
        args.x = tuner->image, args.w = tuner->filter, args.y = tuner->result;
        args.bias = problem->use_bias ? tuner->vector : NULL;
        args.packed_w = entrant->packed;
    }
    return args;
}

/* Enqueues `calls` calls, the output overwritten by `before` first if that is not NULL. */
static enum clcnn_status enqueue(const struct tuner *tuner, struct entrant *entrant, long calls,
                                 const float *before)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = tuner->contest->problem;
    struct clcnn_stream stream = {0};
    struct clcnn_conv2d_args args = args_of(tuner, entrant);
    const struct clcnn_conv2d_call call = {problem->n, &stream, &args};
    uint32_t pattern;
    TRY(clcnn_stream_begin(&stream, problem->device, NULL));
    if (before) {
        memcpy(&pattern, before, sizeof(pattern));
        TRY(clcnn_stream_fill(&stream, tuner->output, 0, (size_t)tuner->count * sizeof(float),
                              pattern));
    }
    for (long i = 0; i < calls; i++)
        TRY(entrant->candidate->impl->run(entrant->state, &call));
done:
    return clcnn_stream_end(&stream, status);
}

static enum clcnn_status run(const struct tuner *tuner, struct entrant *entrant, long calls,
                             double *seconds)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    double begin = clcnn_seconds();
    TRY(enqueue(tuner, entrant, calls, NULL));
    TRY(clcnn_device_finish(tuner->contest->problem->device));
    *seconds = (clcnn_seconds() - begin) / (double)calls;
done:
    return status;
}

/* ---- entrants -------------------------------------------------------------------------------- */

static void leave(struct entrant *entrant)
{
    if (entrant->state)
        entrant->candidate->impl->destroy(entrant->state);
    clcnn_buffer_destroy(&entrant->packed);
    clcnn_buffer_destroy(&entrant->workspace);
    *entrant = (struct entrant){0};
}

static enum clcnn_status build(const struct tuner *tuner, struct entrant *entrant)
{
    return entrant->candidate->impl->create(tuner->contest->problem, tuner->contest->phase,
                                            &entrant->state);
}

/* Its buffers and, where sessions pack beforehand, its packed filter. */
static enum clcnn_status furnish(const struct tuner *tuner, struct entrant *entrant)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_conv2d_problem *problem = tuner->contest->problem;
    const struct clcnn_conv2d_impl *impl = entrant->candidate->impl;
    struct clcnn_stream stream = {0};
    size_t bytes = impl->workspace(entrant->state);
    if (bytes > 0)
        TRY(clcnn_buffer_create(problem->device, bytes, &entrant->workspace));
    bool packs = tuner->contest->phase == CLCNN_CONV2D_PHASE_FORWARD && problem->prepacked &&
                 impl->packed_filter;
    bytes = packs ? impl->packed_filter(entrant->state) : 0;
    if (bytes > 0) {
        TRY(clcnn_buffer_create(problem->device, bytes, &entrant->packed));
        TRY(clcnn_stream_begin(&stream, problem->device, NULL));
        TRY(impl->pack_filter(entrant->state, &stream, tuner->filter, entrant->packed));
    }
done:
    return clcnn_stream_end(&stream, status);
}

/* One call into an output that held something else, read back. */
static enum clcnn_status answer(const struct tuner *tuner, struct entrant *entrant, float *values)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const float before = tuner->contest->problem->accumulate ? BEFORE : NAN;
    TRY(enqueue(tuner, entrant, 1, &before));
    TRY(clcnn_buffer_read(tuner->output, 0, (size_t)tuner->count * sizeof(float), values, NULL));
done:
    return status;
}

/* Both may be off by their bound times the sum of everything that is added up: 2 of products, 1 of
 * bias, BEFORE. Activations have slopes of at most 1 and errors of some units in the last place. */
static void check(const struct tuner *tuner, struct entrant *entrant, double direct_bound)
{
    struct clcnn_conv2d_candidate *candidate = entrant->candidate;
    double bound = candidate->impl->error_bound(tuner->contest->problem, tuner->contest->phase);
    double limit = (2.0 + 1.0 + (double)BEFORE) * (bound + direct_bound + 0x1p-20), worst = 0.0;
    for (int64_t i = 0; i < tuner->count && worst <= limit; i++) {
        double difference = fabs((double)tuner->found[i] - (double)tuner->expected[i]);
        worst = difference <= limit ? fmax(worst, difference) : INFINITY;
    }
    entrant->out = worst > limit;
    if (entrant->out) {
        candidate->measured = -1.0;
        clcnn_conv2d_drop(candidate, WRONG);
        clcnn_logf(CLCNN_LOG_WARNING, "choose", "conv2d %s: %s gives a wrong answer",
                   clcnn_conv2d_phase_name(tuner->contest->phase), candidate->impl->name);
    }
}

static int by_cost(const void *a, const void *b)
{
    const struct clcnn_conv2d_candidate *const *x = a, *const *y = b;
    return ((*x)->cost > (*y)->cost) - ((*x)->cost < (*y)->cost);
}

/* The cheapest that are left, cheapest first. */
static void select_entrants(struct tuner *tuner, struct clcnn_conv2d_contest *contest)
{
    struct clcnn_conv2d_candidate *left[CLCNN_CONV2D_IMPLS];
    size_t count = 0;
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++)
        if (!contest->candidates[i].lost[0])
            left[count++] = &contest->candidates[i];
    qsort(left, count, sizeof(*left), by_cost);
    for (size_t i = 0; i < count && tuner->entrant_count < ENTRANTS; i++) {
        bool direct = left[i]->impl->algorithm == CLCNN_CONV2D_ALGORITHM_DIRECT;
        if (!direct || left[i]->cost < HOPELESS * left[0]->cost)
            tuner->entrants[tuner->entrant_count++].candidate = left[i];
    }
}

/* Who fails is not timed; whether that is final shows when the winner is built. */
static void exclude(struct entrant *entrant, enum clcnn_status status)
{
    if (status == CLCNN_STATUS_OK)
        return;
    entrant->out = true;
    clcnn_logf(CLCNN_LOG_INFO, "choose", "conv2d: %s is not timed: %s",
               entrant->candidate->impl->name, clcnn_error_message());
}

/* Builds them together. A kernel that does not build shows again when it is launched. */
static enum clcnn_status build_entrants(struct tuner *tuner)
{
    struct clcnn_device *device = tuner->contest->problem->device;
    clcnn_kernel_defer(device);
    for (int i = 0; i < tuner->entrant_count; i++)
        exclude(&tuner->entrants[i], build(tuner, &tuner->entrants[i]));
    enum clcnn_status status = build(tuner, &tuner->reference);
    clcnn_kernel_flush(device);
    return status;
}

/* ---- the contest ----------------------------------------------------------------------------- */

static enum clcnn_status check_entrants(struct tuner *tuner)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct entrant *reference = &tuner->reference;
    double bound =
        reference->candidate->impl->error_bound(tuner->contest->problem, tuner->contest->phase);
    TRY(furnish(tuner, reference));
    TRY(answer(tuner, reference, tuner->expected));
    for (int i = 0; i < tuner->entrant_count; i++) {
        struct entrant *entrant = &tuner->entrants[i];
        if (!entrant->out)
            exclude(entrant, furnish(tuner, entrant));
        if (!entrant->out)
            exclude(entrant, answer(tuner, entrant, tuner->found));
        if (!entrant->out)
            check(tuner, entrant, bound);
    }
done:
    return status;
}

/* One round of everyone who still has a chance; returns the fastest so far. */
static double time_round(struct tuner *tuner, double limit)
{
    double fastest = INFINITY;
    for (int i = 0; i < tuner->entrant_count; i++) {
        struct entrant *entrant = &tuner->entrants[i];
        double seconds = 0;
        if (entrant->out)
            continue;
        if (entrant->best <= limit) {
            exclude(entrant, run(tuner, entrant, entrant->calls, &seconds));
            entrant->best = fmin(entrant->best, seconds);
            entrant->calls = (long)(ROUND_SECONDS / (entrant->best + 1e-9)) + 1;
        }
        fastest = fmin(fastest, entrant->best);
    }
    return fastest;
}

/* Turn by turn, so that a slow moment of the machine hits all. The first round warms up. */
static void time_entrants(struct tuner *tuner)
{
    double limit = INFINITY;
    for (int i = 0; i < tuner->entrant_count; i++) {
        tuner->entrants[i].best = 1e30;
        tuner->entrants[i].calls = 1;
    }
    for (int round = 0; round <= ROUNDS; round++)
        limit = SLOW * time_round(tuner, round ? limit : INFINITY);
    for (int i = 0; i < tuner->entrant_count; i++)
        if (!tuner->entrants[i].out)
            tuner->entrants[i].candidate->measured = tuner->entrants[i].best;
}

static void destroy(struct tuner *tuner)
{
    for (int i = 0; i < tuner->entrant_count; i++)
        leave(&tuner->entrants[i]);
    leave(&tuner->reference);
    clcnn_buffer_destroy(&tuner->image);
    clcnn_buffer_destroy(&tuner->filter);
    clcnn_buffer_destroy(&tuner->result);
    clcnn_buffer_destroy(&tuner->vector);
    free(tuner->expected);
    free(tuner->found);
}

void clcnn_conv2d_tune(struct clcnn_conv2d_contest *contest)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct tuner tuner = {.contest = contest};
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++)
        if (contest->candidates[i].impl->algorithm == CLCNN_CONV2D_ALGORITHM_DIRECT)
            tuner.reference.candidate = &contest->candidates[i];
    select_entrants(&tuner, contest);
    TRY(build_entrants(&tuner));
    TRY(make_tensors(&tuner));
    TRY(check_entrants(&tuner));
    time_entrants(&tuner);
done:
    if (status != CLCNN_STATUS_OK)
        clcnn_logf(CLCNN_LOG_WARNING, "choose", "conv2d: not tuned: %s", clcnn_error_message());
    destroy(&tuner);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* What the times depend on; kernels and driver are part of the device's memory. */
static void spell_key(struct clcnn_text *text, const struct clcnn_conv2d_contest *contest)
{
    const struct clcnn_conv2d_problem *problem = contest->problem;
    clcnn_conv2d_spell(text, contest);
    clcnn_text_add(text, " forbidden=%x%s", problem->forbidden,
                   problem->prepacked ? " prepacked" : "");
}

/* "implicit_gemm 0.00123 winograd_4x4 -1 ": seconds; negative if the answer was wrong. */
void clcnn_conv2d_remember(const struct clcnn_conv2d_contest *contest)
{
    struct clcnn_text key = {0}, value = {0};
    spell_key(&key, contest);
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++)
        if (contest->candidates[i].measured != 0.0)
            clcnn_text_add(&value, "%s %.9g ", contest->candidates[i].impl->name,
                           contest->candidates[i].measured);
    if (!key.failed && !value.failed && value.data)
        clcnn_device_remember(contest->problem->device, key.data, value.data);
    clcnn_text_clear(&key);
    clcnn_text_clear(&value);
}

/* True if this one can win. */
static bool take_time(struct clcnn_conv2d_contest *contest, const char *name, double seconds)
{
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++) {
        struct clcnn_conv2d_candidate *candidate = &contest->candidates[i];
        if (candidate->lost[0] || strcmp(candidate->impl->name, name) != 0)
            continue;
        candidate->measured = seconds;
        if (seconds < 0.0)
            clcnn_conv2d_drop(candidate, WRONG);
        return seconds > 0.0;
    }
    return false;
}

bool clcnn_conv2d_recall(struct clcnn_conv2d_contest *contest)
{
    struct clcnn_text key = {0};
    char *value = NULL, name[64];
    double seconds;
    bool found = false;
    int used = 0;
    spell_key(&key, contest);
    if (!key.failed)
        clcnn_device_recall(contest->problem->device, key.data, &value);
    for (const char *rest = value; rest && sscanf(rest, "%63s %lf %n", name, &seconds, &used) == 2;
         rest += used)
        found |= take_time(contest, name, seconds);
    free(value);
    clcnn_text_clear(&key);
    return found;
}
