#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "op/conv2d.h"
#include <stdio.h>
#include <stdlib.h>

#define IMPL(name, ENUM) &clcnn_conv2d_##name,
const struct clcnn_conv2d_impl *const clcnn_conv2d_impls[] = {
#include "op/conv2d_impls.inc"
    NULL,
};
#undef IMPL

enum { IMPL_COUNT = sizeof(clcnn_conv2d_impls) / sizeof(clcnn_conv2d_impls[0]) - 1 };

const char *clcnn_conv2d_algorithm_word(enum clcnn_conv2d_algorithm algorithm)
{
    for (int i = 0; i < IMPL_COUNT; i++) {
        if (clcnn_conv2d_impls[i]->algorithm == algorithm)
            return clcnn_conv2d_impls[i]->name;
    }
    return algorithm == CLCNN_CONV2D_ALGORITHM_AUTO ? "auto" : NULL;
}

const char *clcnn_conv2d_phase_name(enum clcnn_conv2d_phase phase)
{
    static const char *const names[] = {"forward", "backward_data", "backward_filter"};
    return names[phase];
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
    return 4.0 * ((double)(problem->n * problem->h * problem->w) * (double)problem->c +
                  (double)clcnn_conv2d_pixels(problem) * (double)problem->k +
                  (double)problem->k * (double)clcnn_conv2d_taps(problem));
}

double clcnn_conv2d_sum_bound(const struct clcnn_conv2d_problem *problem,
                              enum clcnn_conv2d_phase phase)
{
    double nu = (double)(clcnn_conv2d_terms(problem, phase) + 1 + problem->accumulate) * 0x1p-24;
    return nu < 0.5 ? nu / (1.0 - nu) : 1.0;
}

/* What became of one row of the list. `lost` is empty for the winner. */
struct candidate {
    const struct clcnn_conv2d_impl *impl;
    double cost;
    char lost[200];
};

static void drop(struct candidate *candidate, const char *reason)
{
    snprintf(candidate->lost, sizeof(candidate->lost), "%s", reason);
}

/* Fills in every candidate: its cost, or why it cannot be used. */
static void judge(struct candidate *candidate, const struct clcnn_conv2d_problem *problem,
                  enum clcnn_conv2d_phase phase, enum clcnn_conv2d_algorithm required)
{
    const struct clcnn_conv2d_impl *impl = candidate->impl;
    const char *reason = impl->unsupported(problem, phase);
    if (required != CLCNN_CONV2D_ALGORITHM_AUTO && required != impl->algorithm) {
        drop(candidate, "not the required algorithm");
    } else if (reason) {
        drop(candidate, reason);
    } else {
        double bound = impl->error_bound(problem, phase);
        if (problem->max_error > 0.0 && bound > problem->max_error)
            snprintf(candidate->lost, sizeof(candidate->lost),
                     "error bound %.3g exceeds max_error %.3g", bound, problem->max_error);
        candidate->cost = impl->cost(problem, phase);
    }
}

static struct candidate *cheapest(struct candidate *candidates)
{
    struct candidate *best = NULL;
    for (int i = 0; i < IMPL_COUNT; i++) {
        struct candidate *other = &candidates[i];
        if (!other->lost[0] && (!best || other->cost < best->cost))
            best = other;
    }
    return best;
}

static void spell(struct clcnn_text *text, const struct clcnn_conv2d_problem *problem,
                  enum clcnn_conv2d_phase phase)
{
    clcnn_text_add(
        text,
        "conv2d %s N=%lld H=%lld W=%lld C=%lld K=%lld kernel=%lldx%lld "
        "strides=%lldx%lld pads=%lld,%lld,%lld,%lld dilation=%lldx%lld groups=%lld "
        "max_workspace=%zu max_error=%g on %s",
        clcnn_conv2d_phase_name(phase), (long long)problem->n, (long long)problem->h,
        (long long)problem->w, (long long)problem->c, (long long)problem->k, (long long)problem->r,
        (long long)problem->s, (long long)problem->stride[0], (long long)problem->stride[1],
        (long long)problem->pad[0], (long long)problem->pad[1], (long long)problem->pad[2],
        (long long)problem->pad[3], (long long)problem->dilation[0],
        (long long)problem->dilation[1], (long long)problem->groups, problem->max_workspace,
        problem->max_error, clcnn_device_class_name(problem->family));
}

static void spell_losers(struct clcnn_text *text, const struct candidate *candidates,
                         const struct candidate *winner)
{
    for (int i = 0; i < IMPL_COUNT; i++) {
        const struct candidate *loser = &candidates[i];
        if (loser == winner)
            continue;
        if (loser->lost[0])
            clcnn_text_add(text, "; %s: %s", loser->impl->name, loser->lost);
        else
            clcnn_text_add(text, "; %s: %.3g ms predicted", loser->impl->name, loser->cost * 1e3);
    }
}

static void log_choice(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase,
                       const struct candidate *candidates, const struct candidate *winner,
                       size_t workspace)
{
    if (!clcnn_log_enabled(CLCNN_LOG_INFO))
        return;
    struct clcnn_text text = {0};
    spell(&text, problem, phase);
    clcnn_text_add(&text, " -> %s: %.3g ms predicted, %zu bytes of workspace, error bound %.3g",
                   winner->impl->name, winner->cost * 1e3, workspace,
                   winner->impl->error_bound(problem, phase));
    spell_losers(&text, candidates, winner);
    if (!text.failed)
        clcnn_logf(CLCNN_LOG_INFO, "choose", "%s", text.data);
    clcnn_text_clear(&text);
}

/* Names the one algorithm that was required, or all of them, with the reasons. */
static enum clcnn_status fail_unsupported(const struct clcnn_conv2d_problem *problem,
                                          enum clcnn_conv2d_phase phase,
                                          const struct candidate *candidates,
                                          enum clcnn_conv2d_algorithm required)
{
    for (int i = 0; i < IMPL_COUNT; i++) {
        if (candidates[i].impl->algorithm == required)
            return clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "conv2d: %s cannot run %s: %s",
                              candidates[i].impl->name, clcnn_conv2d_phase_name(phase),
                              candidates[i].lost);
    }
    struct clcnn_text text = {0};
    spell(&text, problem, phase);
    clcnn_text_add(&text, ": no algorithm is left");
    spell_losers(&text, candidates, NULL);
    enum clcnn_status status = clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "%s",
                                          text.failed ? "conv2d: no algorithm is left" : text.data);
    clcnn_text_clear(&text);
    return status;
}

enum clcnn_status clcnn_conv2d_choose(const struct clcnn_conv2d_problem *problem,
                                      enum clcnn_conv2d_phase phase,
                                      enum clcnn_conv2d_algorithm required,
                                      struct clcnn_conv2d_choice *out)
{
    struct candidate candidates[IMPL_COUNT] = {0}, *winner;
    for (int i = 0; i < IMPL_COUNT; i++) {
        const struct clcnn_conv2d_impl *impl = clcnn_conv2d_impls[i];
        bool gpu = impl->gpu && problem->family == CLCNN_DEVICE_CLASS_GPU;
        candidates[i].impl = gpu ? impl->gpu : impl;
        judge(&candidates[i], problem, phase, required);
    }
    while ((winner = cheapest(candidates)) != NULL) {
        void *state = NULL;
        enum clcnn_status status = winner->impl->create(problem, phase, &state);
        if (status == CLCNN_STATUS_OK) {
            *out = (struct clcnn_conv2d_choice){winner->impl, state};
            log_choice(problem, phase, candidates, winner, winner->impl->workspace(state));
            return status;
        }
        if (status != CLCNN_STATUS_UNSUPPORTED)
            return status;
        drop(winner, clcnn_error_message());
    }
    return fail_unsupported(problem, phase, candidates, required);
}
