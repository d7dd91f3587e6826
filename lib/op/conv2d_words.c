#include "base/log.h"
#include "op/conv2d_choose.h"

const char *clcnn_conv2d_phase_name(enum clcnn_conv2d_phase phase)
{
    static const char *const names[] = {"forward", "backward_data", "backward_filter"};
    return names[phase];
}

void clcnn_conv2d_spell(struct clcnn_text *text, const struct clcnn_conv2d_contest *contest)
{
    const struct clcnn_conv2d_problem *problem = contest->problem;
    clcnn_text_add(
        text,
        "conv2d %s N=%lld H=%lld W=%lld C=%lld K=%lld kernel=%lldx%lld "
        "strides=%lldx%lld pads=%lld,%lld,%lld,%lld dilation=%lldx%lld groups=%lld "
        "max_workspace=%zu max_error=%g%s%s%s%s%s on %s",
        clcnn_conv2d_phase_name(contest->phase), (long long)problem->n, (long long)problem->h,
        (long long)problem->w, (long long)problem->c, (long long)problem->k, (long long)problem->r,
        (long long)problem->s, (long long)problem->stride[0], (long long)problem->stride[1],
        (long long)problem->pad[0], (long long)problem->pad[1], (long long)problem->pad[2],
        (long long)problem->pad[3], (long long)problem->dilation[0],
        (long long)problem->dilation[1], (long long)problem->groups, problem->max_workspace,
        problem->max_error, problem->use_bias ? " bias" : "",
        problem->accumulate ? " accumulate" : "", problem->activation ? " " : "",
        problem->activation ? clcnn_activation_name(problem->activation) : "",
        problem->storage == CLCNN_DTYPE_FLOAT16 ? " float16" : "",
        clcnn_device_class_name(problem->family));
}

static void add_pair(struct clcnn_text *text, const char *option, const int64_t pair[2])
{
    if (pair[0] != 1 || pair[1] != 1)
        clcnn_text_add(text, " --%s %lld,%lld", option, (long long)pair[0], (long long)pair[1]);
}

static void add_limits(struct clcnn_text *text, const struct clcnn_conv2d_problem *problem)
{
    if (problem->max_workspace != CLCNN_CONV2D_WORKSPACE)
        clcnn_text_add(text, " --max-workspace %zu",
                       problem->max_workspace ? problem->max_workspace : 1);
    if (problem->max_error > 0.0)
        clcnn_text_add(text, " --max-error %.17g", problem->max_error);
    if (problem->required != CLCNN_CONV2D_ALGORITHM_AUTO)
        clcnn_text_add(text, " --algorithm %s", clcnn_conv2d_algorithm_word(problem->required));
    const char *separator = " --forbid ";
    for (int i = 0; clcnn_conv2d_impls[i]; i++) {
        if (problem->forbidden & 1u << clcnn_conv2d_impls[i]->algorithm) {
            clcnn_text_add(text, "%s%s", separator, clcnn_conv2d_impls[i]->name);
            separator = ",";
        }
    }
}

void clcnn_conv2d_spell_command(struct clcnn_text *text, const struct clcnn_conv2d_contest *contest)
{
    static const char *const passes[] = {"fwd", "bwd-data", "bwd-filter"};
    const struct clcnn_conv2d_problem *problem = contest->problem;
    const struct clcnn_device_info *info = clcnn_device_info(problem->device);
    const int64_t *pad = problem->pad;
    clcnn_text_add(text,
                   "clcnn bench conv --batch %lld --channels %lld --height %lld --width %lld "
                   "--filters %lld --rows %lld --columns %lld --pass %s",
                   (long long)problem->n, (long long)problem->c, (long long)problem->h,
                   (long long)problem->w, (long long)problem->k, (long long)problem->r,
                   (long long)problem->s, passes[contest->phase]);
    if (pad[0] || pad[1] || pad[2] || pad[3])
        clcnn_text_add(text, " --pads %lld,%lld,%lld,%lld", (long long)pad[0], (long long)pad[1],
                       (long long)pad[2], (long long)pad[3]);
    add_pair(text, "strides", problem->stride);
    add_pair(text, "dilation", problem->dilation);
    if (problem->groups != 1)
        clcnn_text_add(text, " --groups %lld", (long long)problem->groups);
    if (problem->use_bias)
        clcnn_text_add(text, " --bias");
    if (problem->accumulate)
        clcnn_text_add(text, " --accumulate");
    if (problem->activation != CLCNN_ACTIVATION_LINEAR)
        clcnn_text_add(text, " --activation %s", clcnn_activation_name(problem->activation));
    if (problem->activation == CLCNN_ACTIVATION_LEAKY_RELU)
        clcnn_text_add(text, " --alpha %.9g", (double)problem->alpha);
    if (problem->storage != CLCNN_DTYPE_FLOAT32)
        clcnn_text_add(text, " --storage %s", clcnn_dtype_name(problem->storage));
    if (contest->phase == CLCNN_CONV2D_PHASE_FORWARD && !problem->prepacked)
        clcnn_text_add(text, " --training");
    add_limits(text, problem);
    if (info->platform_index >= 0)
        clcnn_text_add(text, " --device %d:%d", info->platform_index, info->device_index);
    clcnn_text_add(text, " --class %s", clcnn_device_class_name(problem->family));
}

void clcnn_conv2d_spell_losers(struct clcnn_text *text, const struct clcnn_conv2d_contest *contest,
                               const struct clcnn_conv2d_candidate *winner)
{
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++) {
        const struct clcnn_conv2d_candidate *loser = &contest->candidates[i];
        if (loser == winner)
            continue;
        clcnn_text_add(text, "; %s: ", loser->impl->name);
        if (loser->lost[0])
            clcnn_text_add(text, "%s", loser->lost);
        else
            clcnn_text_add(text, "%.3g ms predicted", loser->cost * 1e3);
        if (!loser->lost[0] && loser->measured > 0.0)
            clcnn_text_add(text, ", %.3g ms measured", loser->measured * 1e3);
    }
}

void clcnn_conv2d_log_choice(const struct clcnn_conv2d_contest *contest,
                             const struct clcnn_conv2d_candidate *winner, size_t workspace)
{
    if (!clcnn_log_enabled(CLCNN_LOG_INFO))
        return;
    struct clcnn_text line = {0}, command = {0};
    clcnn_conv2d_spell(&line, contest);
    clcnn_text_add(&line, " -> %s: %.3g ms predicted", winner->impl->name, winner->cost * 1e3);
    if (winner->measured > 0.0)
        clcnn_text_add(&line, ", %.3g ms measured", winner->measured * 1e3);
    clcnn_text_add(&line, ", %zu bytes of workspace, error bound %.3g", workspace,
                   winner->impl->error_bound(contest->problem, contest->phase));
    clcnn_conv2d_spell_losers(&line, contest, winner);
    clcnn_conv2d_spell_command(&command, contest);
    if (!line.failed && !command.failed) {
        clcnn_logf(CLCNN_LOG_INFO, "choose", "%s", line.data);
        clcnn_logf(CLCNN_LOG_INFO, "choose", "again: %s", command.data);
    }
    clcnn_text_clear(&line);
    clcnn_text_clear(&command);
}
