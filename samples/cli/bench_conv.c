#include "bench_conv_report.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OURS = CLCNN_CONV2D_ALGORITHM_COUNT, ALL = -1 };

struct conv_options {
    struct common_options common;
    const char *list, *filter, *pass, *algorithm;
    long long shape[7]; /* N C H W K R S */
    long long stride, groups, rounds;
    double seconds;
    bool same, profile, peers;
};

struct bench {
    const struct conv_options *options;
    struct clcnn_device *device;
    enum clcnn_conv2d_phase phase;
    int algorithm; /* or ALL */
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
        if (b->algorithm != ALL)
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
    int first = b->algorithm, last = b->algorithm;
    if (b->algorithm == ALL) {
        first = CLCNN_CONV2D_ALGORITHM_AUTO + 1;
        last = CLCNN_CONV2D_ALGORITHM_COUNT - 1;
    }
    for (int algorithm = first; algorithm <= last; algorithm++)
        if (clcnn_conv2d_algorithm_word((enum clcnn_conv2d_algorithm)algorithm))
            CLI_TRY(add_run(b, c, algorithm, runs, racers, result));
    if (b->algorithm == ALL)
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
    c->phase = b->phase;
    CLI_TRY(conv_case_resolve(c));
    CLI_TRY(add_runs(b, c, runs, racers, &result));
    if (o->peers)
        result.peers = onednn_racers(c, racers + result.count);
    if (result.count) {
        CLI_TRY(race_run(&race, racers, result.count + result.peers));
        conv_report(&result, b->peak, o->peers, o->common.json, &b->totals);
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
        struct conv_case c = {0};
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

static enum clcnn_status run_shape(struct bench *b)
{
    const struct conv_options *o = b->options;
    struct conv_case c = {
        .params = {.batch = (int)o->shape[0],
                   .channels = (int)o->shape[1],
                   .height = (int)o->shape[2],
                   .width = (int)o->shape[3],
                   .filters = (int)o->shape[4],
                   .kernel = {(int)o->shape[5], (int)o->shape[6]},
                   .strides = {(int)o->stride, (int)o->stride},
                   .groups = (int)o->groups,
                   .padding = o->same ? CLCNN_PADDING_SAME : CLCNN_PADDING_VALID}};
    snprintf(c.name, sizeof(c.name), "%lldx%lldx%lldx%lld-%lldx%lldx%lld", o->shape[0], o->shape[1],
             o->shape[2], o->shape[3], o->shape[4], o->shape[5], o->shape[6]);
    return run_case(b, &c);
}

static enum clcnn_status run(const struct conv_options *o, enum clcnn_conv2d_phase phase,
                             int algorithm)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct bench b = {.options = o, .phase = phase, .algorithm = algorithm};
    bool json = o->common.json;
    CLI_TRY(open_device(&o->common, o->profile, &b.device));
    CLI_TRY(bench_peak(b.device, &b.peak));
    conv_report_head(clcnn_device_info(b.device), b.peak, o->pass, o->peers, json);
    CLI_TRY((o->list ? run_list : run_shape)(&b));
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

/* The index of a word, or -1 after a message. */
static int find_pass(const char *word)
{
    static const char *const passes[] = {"fwd", "bwd-data", "bwd-filter"};
    for (int i = 0; i < 3; i++)
        if (strcmp(passes[i], word) == 0)
            return i;
    fprintf(stderr, "clcnn bench conv: --pass %s: fwd, bwd-data or bwd-filter is expected\n", word);
    return -1;
}

/* The algorithm of a word, or ALL; -2 after a message. */
static int find_algorithm(const char *word)
{
    const char *name;
    if (strcmp(word, "all") == 0)
        return ALL;
    for (int i = 0; i < CLCNN_CONV2D_ALGORITHM_COUNT; i++) {
        name = clcnn_conv2d_algorithm_word((enum clcnn_conv2d_algorithm)i);
        if (name && strcmp(name, word) == 0)
            return i;
    }
    fprintf(stderr, "clcnn bench conv: --algorithm %s: one of all", word);
    for (int i = 0; i < CLCNN_CONV2D_ALGORITHM_COUNT; i++)
        if ((name = clcnn_conv2d_algorithm_word((enum clcnn_conv2d_algorithm)i)) != NULL)
            fprintf(stderr, " %s", name);
    fprintf(stderr, " is expected\n");
    return -2;
}

static int check_and_run(const struct command *command, const struct conv_options *o)
{
    int pass = find_pass(o->pass), algorithm = find_algorithm(o->algorithm);
    if (pass < 0 || algorithm < ALL)
        return EXIT_USAGE;
    if (o->peers && !onednn_present()) {
        fprintf(stderr, "clcnn bench conv: --peers: built without oneDNN (bench_peers)\n");
        return EXIT_USAGE;
    }
    return finish_command(command, run(o, (enum clcnn_conv2d_phase)pass, algorithm));
}

int bench_conv_command(const struct command *command, int argc, char **argv)
{
    struct conv_options o = {.pass = "fwd",
                             .algorithm = "auto",
                             .stride = 1,
                             .groups = 1,
                             .rounds = 9,
                             .seconds = 0.03,
                             .shape = {64, 32, 13, 13, 64, 3, 3}};
    struct arguments arguments = {0};
    const double most = 1 << 20;
    const struct option options[] = {
        {"list", "FILE", "a table: name N C H W K R S G pads(4) strides(2) dilations(2)",
         OPTION_TEXT, &o.list, 0, 0},
        {"filter", "TEXT", "of the table, the layers with this in their names", OPTION_TEXT,
         &o.filter, 0, 0},
        {"batch", "N", "images (64)", OPTION_INT, &o.shape[0], 1, most},
        {"channels", "C", "input channels (32)", OPTION_INT, &o.shape[1], 1, most},
        {"height", "H", "input height (13)", OPTION_INT, &o.shape[2], 1, most},
        {"width", "W", "input width (13)", OPTION_INT, &o.shape[3], 1, most},
        {"filters", "K", "output channels (64)", OPTION_INT, &o.shape[4], 1, most},
        {"rows", "R", "filter height (3)", OPTION_INT, &o.shape[5], 1, most},
        {"columns", "S", "filter width (3)", OPTION_INT, &o.shape[6], 1, most},
        {"stride", "N", "in both directions (1)", OPTION_INT, &o.stride, 1, most},
        {"groups", "G", "groups (1)", OPTION_INT, &o.groups, 1, most},
        {"same", NULL, "same padding (valid)", OPTION_FLAG, &o.same, 0, 0},
        {"pass", "P", "fwd, bwd-data or bwd-filter (fwd)", OPTION_TEXT, &o.pass, 0, 0},
        {"algorithm", "A", "auto, all that can, or one by name (auto)", OPTION_TEXT, &o.algorithm,
         0, 0},
        {"peers", NULL, "time oneDNN beside ours", OPTION_FLAG, &o.peers, 0, 0},
        {"rounds", "N", "of which the median is taken (9)", OPTION_INT, &o.rounds, 1, RACE_ROUNDS},
        {"seconds", "S", "of one round (0.03)", OPTION_REAL, &o.seconds, 0, 60},
        {"profile", NULL, "print the time of each kernel", OPTION_FLAG, &o.profile, 0, 0},
        {0},
    };
    int code = begin_command(command, options, &o.common, argc, argv, 0, 0, &arguments);
    if (code < 0)
        code = check_and_run(command, &o);
    free(arguments.items);
    return code;
}
