#include "bench_conv_options.h"
#include "bench_conv_report.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OURS = CLCNN_CONV2D_ALGORITHM_COUNT };

struct bench {
    const struct conv_options *options;
    struct clcnn_device *device;
    double peak;
    struct conv_totals totals;
    bool wrong; /* an error above its bound was seen */
};

/* Adds one algorithm to the result, unless it cannot run the layer. */
static enum clcnn_status add_run(struct bench *b, const struct conv_case *c, int algorithm,
                                 struct conv_run *runs, struct racer *racers,
                                 struct conv_result *result)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct conv_run *run = &runs[result->count];
    status = conv_run_create(b->device, c, (enum clcnn_conv2d_algorithm)algorithm, run);
    if (status == CLCNN_STATUS_UNSUPPORTED && algorithm != CLCNN_CONV2D_ALGORITHM_AUTO) {
        if (b->options->algorithm != CONV_ALL_ALGORITHMS)
            fprintf(stderr, "%s: %s\n", c->name, clcnn_error_message());
        return CLCNN_STATUS_OK;
    }
    CLI_TRY(status);
    racers[result->count++] = conv_run_racer(run);
    CLI_TRY(conv_run_check(run, c));
    if (!(run->error <= clcnn_conv2d_error_bound(run->op, run->phase))) {
        fprintf(stderr, "%s: %s: the error %.3g exceeds the declared bound %.3g\n", c->name,
                clcnn_conv2d_algorithm_name(run->op, run->phase), run->error,
                clcnn_conv2d_error_bound(run->op, run->phase));
        b->wrong = true;
    }
done:
    return status;
}

/* Which of ours has the name of the automatic choice. */
static enum clcnn_status find_chosen(struct bench *b, const struct conv_case *c,
                                     struct conv_result *result)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv2d *op = NULL;
    result->chosen = -1;
    CLI_TRY(clcnn_conv2d_create(b->device, &c->params, &op));
    const char *name = clcnn_conv2d_algorithm_name(op, c->phase);
    for (int i = 0; i < result->count; i++)
        if (strcmp(result->racers[i].name, name) == 0)
            result->chosen = i;
done:
    clcnn_conv2d_destroy(&op);
    return status;
}

static enum clcnn_status add_runs(struct bench *b, const struct conv_case *c, struct conv_run *runs,
                                  struct racer *racers, struct conv_result *result)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int first = b->options->algorithm, last = b->options->algorithm;
    if (b->options->algorithm == CONV_ALL_ALGORITHMS) {
        first = CLCNN_CONV2D_ALGORITHM_AUTO + 1;
        last = CLCNN_CONV2D_ALGORITHM_COUNT - 1;
    }
    for (int algorithm = first; algorithm <= last; algorithm++)
        if (clcnn_conv2d_algorithm_word((enum clcnn_conv2d_algorithm)algorithm) &&
            !(b->options->algorithm == CONV_ALL_ALGORITHMS &&
              c->params.forbidden & 1u << algorithm))
            CLI_TRY(add_run(b, c, algorithm, runs, racers, result));
    if (b->options->algorithm == CONV_ALL_ALGORITHMS)
        CLI_TRY(find_chosen(b, c, result));
done:
    return status;
}

static enum clcnn_status run_case(struct bench *b, struct conv_case *c)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct conv_options *o = b->options;
    struct conv_run runs[MOST_OURS] = {0};
    struct racer racers[MOST_OURS + CONV_PEERS] = {0};
    struct conv_result result = {.layer = c, .runs = runs, .racers = racers};
    const struct race race = {(int)o->rounds, o->seconds, 10 * (double)o->rounds * o->seconds};
    CLI_TRY(conv_case_resolve(c));
    CLI_TRY(add_runs(b, c, runs, racers, &result));
    if (o->peers)
        result.peers = onednn_racers(c, racers + result.count);
    if (o->clblast)
        result.peers += convgemm_racers(b->device, c, racers + result.count + result.peers);
    if (result.count) {
        CLI_TRY(race_run(&race, racers, result.count + result.peers));
        conv_report(&result, b->peak, o->peers || o->clblast, o->common.json, &b->totals);
    }
done:
    race_clear(racers, result.count + result.peers);
    for (int i = 0; i < result.count; i++)
        conv_run_clear(&runs[i]);
    return status;
}

static enum clcnn_status run_list(struct bench *b)
{
    const char *path = b->options->list, *filter = b->options->filter;
    char line[512];
    FILE *file = fopen(path, "r");
    enum clcnn_status status = file ? CLCNN_STATUS_OK : CLCNN_STATUS_IO;
    if (!file)
        fprintf(stderr, "clcnn bench conv: %s cannot be read\n", path);
    for (int number = 1; file && status == CLCNN_STATUS_OK && fgets(line, sizeof(line), file);
         number++) {
        struct conv_case c = b->options->shape;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (!conv_case_parse(line, &c)) {
            fprintf(stderr, "clcnn bench conv: %s:%d: not 17 fields\n", path, number);
            status = CLCNN_STATUS_FORMAT;
        } else if (!filter || strstr(c.name, filter)) {
            status = run_case(b, &c);
        }
    }
    if (file)
        fclose(file);
    return status;
}

static enum clcnn_status run(const struct conv_options *o)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct bench b = {.options = o};
    struct conv_case shape = o->shape;
    bool json = o->common.json;
    CLI_TRY(open_device(&o->common, o->profile, &b.device));
    CLI_TRY(bench_peak(b.device, &b.peak));
    conv_report_head(clcnn_device_info(b.device), b.peak, o->pass, o->peers || o->clblast, json);
    CLI_TRY(o->list ? run_list(&b) : run_case(&b, &shape));
    if (json)
        json_close();
    conv_report_totals(&b.totals, json);
    if (o->profile)
        CLI_TRY(report_profile(b.device, json));
    if (json)
        json_end();
    if (b.wrong)
        status = CLCNN_STATUS_DEVICE;
done:
    clcnn_device_destroy(&b.device);
    return status;
}

int bench_conv_command(const struct command *command, int argc, char **argv)
{
    struct conv_options options;
    struct arguments arguments = {0};
    int code = conv_options_parse(command, argc, argv, &options, &arguments);
    if (code < 0)
        code = finish_command(command, run(&options));
    free(arguments.items);
    return code;
}
