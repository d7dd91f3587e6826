#include "op/conv2d_choose.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>

#define IMPL(name, ENUM) &clcnn_conv2d_##name,
const struct clcnn_conv2d_impl *const clcnn_conv2d_impls[] = {
#include "op/conv2d_impls.inc"
    NULL,
};
#undef IMPL

const char *clcnn_conv2d_algorithm_word(enum clcnn_conv2d_algorithm algorithm)
{
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++) {
        if (clcnn_conv2d_impls[i]->algorithm == algorithm)
            return clcnn_conv2d_impls[i]->name;
    }
    return algorithm == CLCNN_CONV2D_ALGORITHM_AUTO ? "auto" : NULL;
}

int64_t clcnn_conv2d_terms(const struct clcnn_conv2d_problem *problem,
                           enum clcnn_conv2d_phase phase)
{
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        return clcnn_conv2d_pixels(problem);
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        return problem->r * problem->s * clcnn_conv2d_filters(problem);
    return clcnn_conv2d_taps(problem);
}

double clcnn_conv2d_flops(const struct clcnn_conv2d_problem *problem)
{
    return 2.0 * (double)clcnn_conv2d_pixels(problem) * (double)problem->k *
           (double)clcnn_conv2d_taps(problem);
}

double clcnn_conv2d_traffic(const struct clcnn_conv2d_problem *problem)
{
    /* Large strides skip pixels. */
    int64_t rows = clcnn_min(problem->h, problem->p * problem->r);
    int64_t columns = clcnn_min(problem->w, problem->q * problem->s);
    return (double)clcnn_dtype_size(problem->storage) *
           ((double)(problem->n * rows * columns) * (double)problem->c +
            (double)clcnn_conv2d_pixels(problem) * (double)problem->k +
            (double)problem->k * (double)clcnn_conv2d_taps(problem));
}

double clcnn_conv2d_sum_bound(const struct clcnn_conv2d_problem *problem,
                              enum clcnn_conv2d_phase phase)
{
    double nu = (double)(clcnn_conv2d_terms(problem, phase) + 1 + problem->accumulate) * 0x1p-24;
    return nu < 0.5 ? nu / (1.0 - nu) : 1.0;
}

void clcnn_conv2d_drop(struct clcnn_conv2d_candidate *candidate, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(candidate->lost, sizeof(candidate->lost), format, arguments);
    va_end(arguments);
}

/* Its cost, or why it cannot be used. */
static void judge(struct clcnn_conv2d_candidate *candidate,
                  const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase)
{
    const struct clcnn_conv2d_impl *impl = candidate->impl;
    const char *reason = impl->unsupported(problem, phase);
    if (problem->storage != CLCNN_DTYPE_FLOAT32 &&
        (!impl->stores_half || phase != CLCNN_CONV2D_PHASE_FORWARD))
        reason = "stores float32 alone";
    if (problem->required != CLCNN_CONV2D_ALGORITHM_AUTO && problem->required != impl->algorithm) {
        clcnn_conv2d_drop(candidate, "not the required algorithm");
    } else if (problem->forbidden & 1u << impl->algorithm) {
        clcnn_conv2d_drop(candidate, "forbidden");
    } else if (reason) {
        clcnn_conv2d_drop(candidate, "%s", reason);
    } else {
        double bound = impl->error_bound(problem, phase);
        if (problem->max_error > 0.0 && bound > problem->max_error)
            clcnn_conv2d_drop(candidate, "error bound %.3g exceeds max_error %.3g", bound,
                              problem->max_error);
        candidate->cost = impl->cost(problem, phase);
    }
}

/* The fastest of those that were timed, else the cheapest. */
static struct clcnn_conv2d_candidate *find_best(struct clcnn_conv2d_contest *contest)
{
    struct clcnn_conv2d_candidate *best = NULL;
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++) {
        struct clcnn_conv2d_candidate *other = &contest->candidates[i];
        if (other->lost[0])
            continue;
        bool timed = other->measured > 0.0, best_timed = best && best->measured > 0.0;
        bool better = !best || (timed && !best_timed) ||
                      (timed && other->measured < best->measured) ||
                      (!timed && !best_timed && other->cost < best->cost);
        if (better)
            best = other;
    }
    return best;
}

/* Names the one algorithm that was required, or all of them, with the reasons. */
static enum clcnn_status fail_unsupported(const struct clcnn_conv2d_contest *contest)
{
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++) {
        const struct clcnn_conv2d_candidate *candidate = &contest->candidates[i];
        if (candidate->impl->algorithm == contest->problem->required)
            return clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "conv2d: %s cannot run %s: %s",
                              candidate->impl->name, clcnn_conv2d_phase_name(contest->phase),
                              candidate->lost);
    }
    struct clcnn_text text = {0};
    clcnn_conv2d_spell(&text, contest);
    clcnn_text_add(&text, ": no algorithm is left");
    clcnn_conv2d_spell_losers(&text, contest, NULL);
    enum clcnn_status status = clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "%s",
                                          text.failed ? "conv2d: no algorithm is left" : text.data);
    clcnn_text_clear(&text);
    return status;
}

static int count_left(const struct clcnn_conv2d_contest *contest)
{
    int count = 0;
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++)
        count += !contest->candidates[i].lost[0];
    return count;
}

enum clcnn_status clcnn_conv2d_choose(const struct clcnn_conv2d_problem *problem,
                                      enum clcnn_conv2d_phase phase,
                                      struct clcnn_conv2d_choice *out)
{
    struct clcnn_conv2d_contest contest = {.problem = problem, .phase = phase};
    struct clcnn_conv2d_candidate *winner;
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++) {
        const struct clcnn_conv2d_impl *impl = clcnn_conv2d_impls[i];
        bool gpu = impl->gpu && problem->family == CLCNN_DEVICE_CLASS_GPU;
        contest.candidates[i].impl = gpu ? impl->gpu : impl;
        judge(&contest.candidates[i], problem, phase);
    }
    bool tune = problem->tune && problem->storage == CLCNN_DTYPE_FLOAT32;
    if (count_left(&contest) > 1 && !clcnn_conv2d_recall(&contest) && tune) {
        clcnn_conv2d_tune(&contest);
        clcnn_conv2d_remember(&contest);
    }
    while ((winner = find_best(&contest)) != NULL) {
        void *state = NULL;
        enum clcnn_status status = winner->impl->create(problem, phase, &state);
        if (status == CLCNN_STATUS_OK) {
            *out = (struct clcnn_conv2d_choice){winner->impl, state};
            clcnn_conv2d_log_choice(&contest, winner, winner->impl->workspace(state));
            return status;
        }
        if (status != CLCNN_STATUS_UNSUPPORTED)
            return status;
        clcnn_conv2d_drop(winner, "%s", clcnn_error_message());
    }
    return fail_unsupported(&contest);
}
