#include "bench_conv_report.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The peer's own choice, and the fastest it has; NULL without one. */
struct rivals {
    const struct racer *automatic, *best;
};

static struct rivals find_rivals(const struct conv_result *result)
{
    struct rivals rivals = {0};
    for (int i = result->count; i < result->count + result->peers; i++) {
        const struct racer *racer = &result->racers[i];
        if (strcmp(racer->name, "auto") == 0)
            rivals.automatic = racer;
        if (!rivals.best || racer->timing.best < rivals.best->timing.best)
            rivals.best = racer;
    }
    return rivals;
}

/* Of the best rounds: other load on the machine disturbs those least. */
static double ratio(const struct racer *rival, const struct racer *ours)
{
    return rival->timing.best / ours->timing.best;
}

void conv_report_head(const struct clcnn_device_info *info, double peak, const char *pass,
                      bool peers, bool json)
{
    if (json) {
        json_begin();
        json_real("peak_gflops", peak * 1e-9);
        json_array("results");
        return;
    }
    printf("%s, measured peak %.0f GFLOP/s, pass %s\n", info->name, peak * 1e-9, pass);
    printf("%-30s %-14s %10s %10s %9s %8s %9s %8s", "layer", "ran", "median ms", "best ms",
           "GFLOP/s", "of peak", "work MiB", "error");
    if (peers)
        printf("  %9s %9s %-8s %9s %9s", "auto ms", "their ms", "by", "auto/ours", "best/ours");
    printf("\n");
}

static void print_row(const struct conv_result *result, int i, double peak, bool peers)
{
    const struct racer *ours = &result->racers[i];
    const struct conv_run *run = &result->runs[i];
    double rate = conv_case_flops(result->layer) / ours->timing.median;
    size_t workspace = clcnn_conv2d_workspace_size(run->op, run->phase);
    bool marked = result->count > 1 && i == result->chosen;
    printf("%-30s %-13s%c %10.4f %10.4f %9.1f %6.1f %% %9.1f %8.1e", result->layer->name,
           ours->name, marked ? '*' : ' ', 1e3 * ours->timing.median, 1e3 * ours->timing.best,
           1e-9 * rate, 100 * rate / peak, (double)workspace / 0x1p20, run->error);
    struct rivals rivals = find_rivals(result);
    if (rivals.automatic)
        printf("  %9.4f %9.4f %-8s %9.2f %9.2f", 1e3 * rivals.automatic->timing.best,
               1e3 * rivals.best->timing.best, rivals.best->name, ratio(rivals.automatic, ours),
               ratio(rivals.best, ours));
    else if (rivals.best)
        printf("  %9s %9.4f %-8s %9s %9.2f", "-", 1e3 * rivals.best->timing.best, rivals.best->name,
               "-", ratio(rivals.best, ours));
    else if (peers)
        printf("  %9s %9s", "-", "-");
    printf("\n");
    fflush(stdout);
}

static void print_json(const struct conv_result *result, int i, double peak)
{
    static const char *const passes[] = {"fwd", "bwd-data", "bwd-filter"};
    const struct racer *ours = &result->racers[i];
    const struct conv_run *run = &result->runs[i];
    double rate = conv_case_flops(result->layer) / ours->timing.median;
    json_object(NULL);
    json_text("name", result->layer->name);
    json_text("pass", passes[run->phase]);
    json_text("algorithm", ours->name);
    if (result->count > 1)
        json_boolean("chosen", i == result->chosen);
    json_real("median_ms", 1e3 * ours->timing.median);
    json_real("best_ms", 1e3 * ours->timing.best);
    json_real("gflops", 1e-9 * rate);
    json_real("peak_share", rate / peak);
    json_integer("workspace_bytes", (long long)clcnn_conv2d_workspace_size(run->op, run->phase));
    json_real("error", run->error);
    json_real("error_bound", clcnn_conv2d_error_bound(run->op, run->phase));
    if (result->peers) {
        json_object("peers_best_ms");
        for (int p = result->count; p < result->count + result->peers; p++)
            json_real(result->racers[p].name, 1e3 * result->racers[p].timing.best);
        json_close();
    }
    json_close();
}

static void add_ratios(const struct conv_result *result, struct conv_totals *totals)
{
    const struct clcnn_conv2d_params *p = &result->layer->params;
    const struct racer *ours = &result->racers[result->chosen];
    struct rivals rivals = find_rivals(result);
    if (!rivals.automatic || !rivals.best)
        return;
    double best = ratio(rivals.best, ours);
    bool square = p->kernel[0] == 3 && p->kernel[1] == 3 && p->strides[0] <= 1 &&
                  p->strides[1] <= 1 && p->channels >= 64 && p->groups <= 1;
    for (int i = 0; i <= square; i++) {
        totals->means[i].count++;
        totals->means[i].automatic += log(ratio(rivals.automatic, ours));
        totals->means[i].best += log(best);
    }
    if (!totals->worst_name[0] || best < totals->worst) {
        totals->worst = best;
        memcpy(totals->worst_name, result->layer->name, sizeof(totals->worst_name));
    }
}

/* How much slower the choice is than the fastest of ours. */
static void add_loss(const struct conv_result *result, struct conv_totals *totals)
{
    double fastest = INFINITY;
    for (int i = 0; i < result->count; i++)
        fastest = fmin(fastest, result->racers[i].timing.best);
    double loss = result->racers[result->chosen].timing.best / fastest;
    totals->losses++;
    totals->loss_sum += log(loss);
    if (loss > totals->worst_loss) {
        totals->worst_loss = loss;
        memcpy(totals->worst_loss_name, result->layer->name, sizeof(totals->worst_loss_name));
    }
}

void conv_report(const struct conv_result *result, double peak, bool peers, bool json,
                 struct conv_totals *totals)
{
    for (int i = 0; i < result->count; i++) {
        if (json)
            print_json(result, i, peak);
        else
            print_row(result, i, peak, peers);
    }
    for (int i = 0; i < result->count + result->peers; i++) {
        totals->rounds += result->racers[i].rounds;
        totals->disturbed += result->racers[i].disturbed;
    }
    if (result->chosen >= 0)
        add_ratios(result, totals);
    if (result->chosen >= 0 && result->count > 1)
        add_loss(result, totals);
}

static void mean_totals(const struct conv_mean *mean, const char *name, const char *words,
                        bool json)
{
    if (!mean->count)
        return;
    double automatic = exp(mean->automatic / mean->count), best = exp(mean->best / mean->count);
    if (json) {
        json_object(name);
        json_integer("layers", mean->count);
        json_real("auto_to_ours", automatic);
        json_real("best_to_ours", best);
        json_close();
    } else {
        printf("geometric mean of %s (%d): peer's choice / ours %.3f, peer's best / ours %.3f\n",
               words, mean->count, automatic, best);
    }
}

void conv_report_totals(const struct conv_totals *totals, bool json)
{
    if (json) {
        json_integer("rounds", totals->rounds);
        json_integer("disturbed_rounds", totals->disturbed);
    } else if (totals->disturbed) {
        printf("other processes disturbed %d of %d rounds\n", totals->disturbed, totals->rounds);
    }
    mean_totals(&totals->means[0], "mean", "all layers", json);
    mean_totals(&totals->means[1], "mean_3x3", "3x3, stride 1, C >= 64", json);
    if (totals->worst_name[0] && json) {
        json_text("worst_layer", totals->worst_name);
        json_real("worst_best_to_ours", totals->worst);
    } else if (totals->worst_name[0]) {
        printf("worst layer: %s, peer's best / ours %.3f\n", totals->worst_name, totals->worst);
    }
    if (!totals->losses)
        return;
    double loss = exp(totals->loss_sum / totals->losses);
    if (json) {
        json_real("choice_to_fastest", loss);
        json_text("worst_choice", totals->worst_loss_name);
        json_real("worst_choice_to_fastest", totals->worst_loss);
    } else {
        printf("automatic choice (*) / fastest of ours: geometric mean %.3f, worst %.3f (%s)\n",
               loss, totals->worst_loss, totals->worst_loss_name);
    }
}
