#include "bench_conv_options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the table of options fills in. */
struct words {
    const char *pass, *algorithm, *forbid, *activation, *pads, *strides, *dilation, *storage;
    long long shape[7]; /* N C H W K R S */
    long long stride, groups, max_workspace;
    double alpha, max_error;
    bool same, bias, accumulate, training, tune;
};

static const char *const passes[] = {"fwd", "bwd-data", "bwd-filter"};

static bool find_pass(const char *word, enum clcnn_conv2d_phase *out)
{
    for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
        if (strcmp(passes[i], word) == 0) {
            *out = (enum clcnn_conv2d_phase)i;
            return true;
        }
    }
    fprintf(stderr, "clcnn bench conv: --pass %s: fwd, bwd-data or bwd-filter is expected\n", word);
    return false;
}

/* The algorithm of the first `length` letters of a word; -2 after a message. */
static int find_algorithm(const char *option, const char *word, size_t length)
{
    const char *name;
    for (int i = 0; i < CLCNN_CONV2D_ALGORITHM_COUNT; i++) {
        name = clcnn_conv2d_algorithm_word((enum clcnn_conv2d_algorithm)i);
        if (name && strlen(name) == length && strncmp(name, word, length) == 0)
            return i;
    }
    fprintf(stderr, "clcnn bench conv: --%s %.*s: one of", option, (int)length, word);
    for (int i = 0; i < CLCNN_CONV2D_ALGORITHM_COUNT; i++)
        if ((name = clcnn_conv2d_algorithm_word((enum clcnn_conv2d_algorithm)i)) != NULL)
            fprintf(stderr, " %s", name);
    fprintf(stderr, " is expected%s\n", strcmp(option, "algorithm") == 0 ? ", or all" : "");
    return -2;
}

/* Names between commas. */
static bool find_forbidden(const char *words, unsigned *out)
{
    *out = 0;
    while (words && *words) {
        size_t length = strcspn(words, ",");
        int algorithm = find_algorithm("forbid", words, length);
        if (algorithm < 0)
            return false;
        *out |= 1u << algorithm;
        words += length + (words[length] == ',');
    }
    return true;
}

static bool find_activation(const char *word, enum clcnn_activation *out)
{
    for (int i = CLCNN_ACTIVATION_LINEAR; i < CLCNN_ACTIVATION_SOFTMAX; i++) {
        if (strcmp(clcnn_activation_name((enum clcnn_activation)i), word) == 0) {
            *out = (enum clcnn_activation)i;
            return true;
        }
    }
    fprintf(stderr,
            "clcnn bench conv: --activation %s: linear, relu, leaky_relu, sigmoid or tanh is "
            "expected\n",
            word);
    return false;
}

/* `count` numbers of at least 0 between commas. */
static bool find_numbers(const char *option, const char *text, int count, int *out)
{
    const char *rest = text;
    char *end;
    for (int i = 0; rest && i < count; i++) {
        long value = strtol(rest, &end, 10);
        bool whole = end != rest && *end == (i + 1 < count ? ',' : '\0');
        rest = whole && value >= 0 && value <= 1 << 20 ? end + 1 : NULL;
        out[i] = (int)value;
    }
    if (!rest)
        fprintf(stderr, "clcnn bench conv: --%s %s: %d numbers between commas are expected\n",
                option, text, count);
    return rest != NULL;
}

static bool find_shape(const struct words *words, struct clcnn_conv2d_params *p)
{
    p->batch = (int)words->shape[0];
    p->channels = (int)words->shape[1];
    p->height = (int)words->shape[2];
    p->width = (int)words->shape[3];
    p->filters = (int)words->shape[4];
    p->kernel[0] = (int)words->shape[5];
    p->kernel[1] = (int)words->shape[6];
    p->groups = (int)words->groups;
    p->strides[0] = p->strides[1] = (int)words->stride;
    p->padding = words->same   ? CLCNN_PADDING_SAME
                 : words->pads ? CLCNN_PADDING_EXPLICIT
                               : CLCNN_PADDING_VALID;
    if (words->same && words->pads) {
        fprintf(stderr, "clcnn bench conv: --same or --pads, not both\n");
        return false;
    }
    return (!words->pads || find_numbers("pads", words->pads, 4, p->pads)) &&
           (!words->strides || find_numbers("strides", words->strides, 2, p->strides)) &&
           (!words->dilation || find_numbers("dilation", words->dilation, 2, p->dilation_rate));
}

static bool find_case(const struct words *words, struct conv_case *c)
{
    struct clcnn_conv2d_params *p = &c->params;
    p->use_bias = words->bias;
    p->accumulate = words->accumulate;
    p->activation_alpha = (float)words->alpha;
    p->max_workspace = (size_t)words->max_workspace;
    p->max_error = words->max_error;
    p->tune = words->tune;
    c->training = words->training;
    snprintf(c->name, sizeof(c->name), "%lldx%lldx%lldx%lld-%lldx%lldx%lld", words->shape[0],
             words->shape[1], words->shape[2], words->shape[3], words->shape[4], words->shape[5],
             words->shape[6]);
    return find_pass(words->pass, &c->phase) && find_shape(words, p) &&
           find_activation(words->activation, &p->activation) &&
           parse_storage("bench conv", words->storage, &p->storage) &&
           find_forbidden(words->forbid, &p->forbidden);
}

static int check(const struct words *words, struct conv_options *out)
{
    out->pass = words->pass;
    out->algorithm = CONV_ALL_ALGORITHMS;
    if (strcmp(words->algorithm, "all") != 0)
        out->algorithm = find_algorithm("algorithm", words->algorithm, strlen(words->algorithm));
    if (out->algorithm < CONV_ALL_ALGORITHMS || !find_case(words, &out->shape))
        return EXIT_USAGE;
    if (out->peers && !onednn_present()) {
        fprintf(stderr, "clcnn bench conv: --peers: built without oneDNN (bench_peers)\n");
        return EXIT_USAGE;
    }
    if (out->clblast && !convgemm_present()) {
        fprintf(stderr, "clcnn bench conv: --clblast: built without CLBlast\n");
        return EXIT_USAGE;
    }
    return -1;
}

int conv_options_parse(const struct command *command, int argc, char **argv,
                       struct conv_options *out, struct arguments *arguments)
{
    struct words w = {.pass = "fwd",
                      .algorithm = "auto",
                      .activation = "linear",
                      .storage = "float32",
                      .stride = 1,
                      .groups = 1,
                      .shape = {64, 32, 13, 13, 64, 3, 3}};
    *out = (struct conv_options){.rounds = 9, .seconds = 0.03};
    const double most = 1 << 20;
    const struct option options[] = {
        {"list", "FILE", "a table: name N C H W K R S G pads(4) strides(2) dilations(2)",
         OPTION_TEXT, &out->list, 0, 0},
        {"filter", "TEXT", "of the table, the layers with this in their names", OPTION_TEXT,
         &out->filter, 0, 0},
        {"batch", "N", "images (64)", OPTION_INT, &w.shape[0], 1, most},
        {"channels", "C", "input channels (32)", OPTION_INT, &w.shape[1], 1, most},
        {"height", "H", "input height (13)", OPTION_INT, &w.shape[2], 1, most},
        {"width", "W", "input width (13)", OPTION_INT, &w.shape[3], 1, most},
        {"filters", "K", "output channels (64)", OPTION_INT, &w.shape[4], 1, most},
        {"rows", "R", "filter height (3)", OPTION_INT, &w.shape[5], 1, most},
        {"columns", "S", "filter width (3)", OPTION_INT, &w.shape[6], 1, most},
        {"stride", "N", "in both directions (1)", OPTION_INT, &w.stride, 1, most},
        {"strides", "D,A", "down and across", OPTION_TEXT, &w.strides, 0, 0},
        {"dilation", "D,A", "down and across (1,1)", OPTION_TEXT, &w.dilation, 0, 0},
        {"groups", "G", "groups (1)", OPTION_INT, &w.groups, 1, most},
        {"same", NULL, "same padding (valid)", OPTION_FLAG, &w.same, 0, 0},
        {"pads", "T,L,B,R", "zeros above, left, below, right", OPTION_TEXT, &w.pads, 0, 0},
        {"pass", "P", "fwd, bwd-data or bwd-filter (fwd)", OPTION_TEXT, &w.pass, 0, 0},
        {"bias", NULL, "forward: add a bias; bwd-filter: its gradient", OPTION_FLAG, &w.bias, 0, 0},
        {"accumulate", NULL, "forward: add to what y holds", OPTION_FLAG, &w.accumulate, 0, 0},
        {"activation", "F", "forward: linear, relu, leaky_relu, sigmoid or tanh (linear)",
         OPTION_TEXT, &w.activation, 0, 0},
        {"alpha", "A", "of leaky_relu (0.3)", OPTION_REAL, &w.alpha, 0, 1e6},
        {"storage", "T", "of x, w and y: float32, or float16, whose rounding of y is no error",
         OPTION_TEXT, &w.storage, 0, 0},
        {"training", NULL, "forward: pack the filter in each call", OPTION_FLAG, &w.training, 0, 0},
        {"max-workspace", "B", "bytes (256 MiB; 1: none)", OPTION_INT, &w.max_workspace, 0, 1e18},
        {"max-error", "E", "bound on |y - exact| / sum(|x||w|) (none)", OPTION_REAL, &w.max_error,
         0, 1e6},
        {"algorithm", "A", "auto, all that can, or one by name (auto)", OPTION_TEXT, &w.algorithm,
         0, 0},
        {"forbid", "A,B..", "algorithms that must not be chosen", OPTION_TEXT, &w.forbid, 0, 0},
        {"tune", NULL, "choose by timing, and keep the result", OPTION_FLAG, &w.tune, 0, 0},
        {"peers", NULL, "time oneDNN beside ours", OPTION_FLAG, &out->peers, 0, 0},
        {"clblast", NULL, "time CLBlast's convgemm too; its first call may take long", OPTION_FLAG,
         &out->clblast, 0, 0},
        {"rounds", "N", "of which the median is taken (9)", OPTION_INT, &out->rounds, 1,
         RACE_ROUNDS},
        {"seconds", "S", "of one round (0.03)", OPTION_REAL, &out->seconds, 0, 60},
        {"profile", NULL, "print the time of each kernel", OPTION_FLAG, &out->profile, 0, 0},
        {0},
    };
    int code = begin_command(command, options, &out->common, argc, argv, 0, 0, arguments);
    return code < 0 ? check(&w, out) : code;
}
