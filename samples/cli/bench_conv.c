#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct layer {
    char name[64];
    struct clcnn_conv2d_params params;
};

struct conv_options {
    struct common_options common;
    const char *list, *pass, *algorithm;
    long long shape[7]; /* N C H W K R S, filled from the options */
    long long stride, groups;
    bool same, profile;
};

struct run {
    struct clcnn_conv2d *op;
    enum clcnn_conv2d_phase phase;
    struct clcnn_conv2d_args args;
    struct clcnn_buffer *x, *w, *y, *packed, *workspace;
};

static enum clcnn_status call(void *context)
{
    struct run *r = context;
    switch (r->phase) {
    case CLCNN_CONV2D_PHASE_BACKWARD_DATA:
        return clcnn_conv2d_backward_data(r->op, &r->args, NULL);
    case CLCNN_CONV2D_PHASE_BACKWARD_FILTER:
        return clcnn_conv2d_backward_filter(r->op, &r->args, NULL);
    default:
        return clcnn_conv2d_forward(r->op, &r->args, NULL);
    }
}

static void clear(struct run *r)
{
    clcnn_buffer_destroy(&r->x);
    clcnn_buffer_destroy(&r->w);
    clcnn_buffer_destroy(&r->y);
    clcnn_buffer_destroy(&r->packed);
    clcnn_buffer_destroy(&r->workspace);
    clcnn_conv2d_destroy(&r->op);
}

static enum clcnn_status prepare(struct clcnn_device *device, const struct clcnn_conv2d_params *p,
                                 const int output[2], struct run *r)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t groups = p->groups ? p->groups : 1;
    CLI_TRY(clcnn_conv2d_create(device, p, &r->op));
    CLI_TRY(bench_buffer(device, (int64_t)p->batch * p->height * p->width * p->channels, &r->x));
    CLI_TRY(bench_buffer(
        device, (int64_t)p->filters * p->kernel[0] * p->kernel[1] * (p->channels / groups), &r->w));
    CLI_TRY(bench_buffer(device, (int64_t)p->batch * output[0] * output[1] * p->filters, &r->y));
    size_t bytes = clcnn_conv2d_workspace_size(r->op, r->phase);
    if (bytes)
        CLI_TRY(clcnn_buffer_create(device, bytes, &r->workspace));
    bytes = clcnn_conv2d_packed_filter_size(r->op);
    if (r->phase == CLCNN_CONV2D_PHASE_FORWARD && bytes) {
        CLI_TRY(clcnn_buffer_create(device, bytes, &r->packed));
        CLI_TRY(clcnn_conv2d_pack_filter(r->op, r->w, r->packed, NULL));
    }
    r->args = (struct clcnn_conv2d_args){.workspace = r->workspace};
    switch (r->phase) {
    case CLCNN_CONV2D_PHASE_BACKWARD_DATA:
        r->args.dy = r->y, r->args.w = r->w, r->args.dx = r->x;
        break;
    case CLCNN_CONV2D_PHASE_BACKWARD_FILTER:
        r->args.dy = r->y, r->args.x = r->x, r->args.dw = r->w;
        break;
    default:
        r->args.x = r->x, r->args.w = r->w, r->args.packed_w = r->packed, r->args.y = r->y;
    }
done:
    return status;
}

static void report(const struct conv_options *o, const struct layer *layer, const struct run *r,
                   const struct timing *timing, double flops, double peak)
{
    const char *name = clcnn_conv2d_algorithm_name(r->op, r->phase);
    size_t workspace = clcnn_conv2d_workspace_size(r->op, r->phase);
    if (o->common.json) {
        json_object(NULL);
        json_text("name", layer->name);
        json_text("pass", o->pass);
        json_text("algorithm", name);
        json_real("median_ms", 1e3 * timing->median);
        json_real("best_ms", 1e3 * timing->best);
        json_real("gflops", 1e-9 * flops / timing->median);
        json_real("peak_share", flops / timing->median / peak);
        json_integer("workspace_bytes", (long long)workspace);
        json_close();
    } else {
        printf("%-28s %-13s %10.4f %10.4f %9.1f %6.1f %% %9.1f\n", layer->name, name,
               1e3 * timing->median, 1e3 * timing->best, 1e-9 * flops / timing->median,
               100 * flops / timing->median / peak, (double)workspace / 0x1p20);
    }
}

static enum clcnn_status one(struct clcnn_device *device, const struct conv_options *o,
                             struct layer *layer, enum clcnn_conv2d_phase phase,
                             enum clcnn_conv2d_algorithm algorithm, double peak)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv2d_params *p = &layer->params;
    struct run r = {.phase = phase};
    struct timing timing;
    int output[2];
    p->phases = 1u << phase;
    p->algorithm = algorithm;
    CLI_TRY(clcnn_conv2d_output_size(p, output));
    CLI_TRY(prepare(device, p, output, &r));
    CLI_TRY(bench_time(device, call, &r, 7, 0.05, &timing));
    double flops = 2.0 * p->batch * output[0] * output[1] * p->filters * p->kernel[0] *
                   p->kernel[1] * (p->channels / (p->groups ? p->groups : 1));
    report(o, layer, &r, &timing, flops, peak);
done:
    clear(&r);
    return status;
}

/* One line of a table: name N C H W K R S G top left bottom right sh sw dh dw, tab-separated. */
static bool parse_line(const char *line, struct layer *layer)
{
    struct clcnn_conv2d_params *p = &layer->params;
    *layer = (struct layer){.params = {.padding = CLCNN_PADDING_EXPLICIT}};
    return sscanf(line, "%63s %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d", layer->name,
                  &p->batch, &p->channels, &p->height, &p->width, &p->filters, &p->kernel[0],
                  &p->kernel[1], &p->groups, &p->pads[0], &p->pads[1], &p->pads[2], &p->pads[3],
                  &p->strides[0], &p->strides[1], &p->dilation_rate[0], &p->dilation_rate[1]) == 17;
}

static enum clcnn_status run_list(struct clcnn_device *device, const struct conv_options *o,
                                  enum clcnn_conv2d_phase phase,
                                  enum clcnn_conv2d_algorithm algorithm, double peak)
{
    char line[512];
    FILE *file = fopen(o->list, "r");
    enum clcnn_status status = file ? CLCNN_STATUS_OK : CLCNN_STATUS_IO;
    if (!file)
        fprintf(stderr, "clcnn bench conv: %s cannot be read\n", o->list);
    for (int number = 1; file && status == CLCNN_STATUS_OK && fgets(line, sizeof(line), file);
         number++) {
        struct layer layer;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (parse_line(line, &layer)) {
            status = one(device, o, &layer, phase, algorithm, peak);
        } else {
            fprintf(stderr, "clcnn bench conv: %s:%d: not 17 fields\n", o->list, number);
            status = CLCNN_STATUS_FORMAT;
        }
    }
    if (file)
        fclose(file);
    return status;
}

static enum clcnn_status run_shape(struct clcnn_device *device, const struct conv_options *o,
                                   enum clcnn_conv2d_phase phase,
                                   enum clcnn_conv2d_algorithm algorithm, double peak)
{
    struct layer layer = {
        .params = {.batch = (int)o->shape[0],
                   .channels = (int)o->shape[1],
                   .height = (int)o->shape[2],
                   .width = (int)o->shape[3],
                   .filters = (int)o->shape[4],
                   .kernel = {(int)o->shape[5], (int)o->shape[6]},
                   .strides = {(int)o->stride, (int)o->stride},
                   .groups = (int)o->groups,
                   .padding = o->same ? CLCNN_PADDING_SAME : CLCNN_PADDING_VALID}};
    snprintf(layer.name, sizeof(layer.name), "%lldx%lldx%lldx%lld-%lldx%lldx%lld", o->shape[0],
             o->shape[1], o->shape[2], o->shape[3], o->shape[4], o->shape[5], o->shape[6]);
    return one(device, o, &layer, phase, algorithm, peak);
}

static enum clcnn_status run(const struct conv_options *o, enum clcnn_conv2d_phase phase,
                             enum clcnn_conv2d_algorithm algorithm)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    double peak = 0;
    CLI_TRY(open_device(&o->common, o->profile, &device));
    CLI_TRY(bench_peak(device, &peak));
    if (o->common.json) {
        json_begin();
        json_real("peak_gflops", peak * 1e-9);
        json_array("results");
    } else {
        printf("%s, measured peak %.0f GFLOP/s, pass %s\n", clcnn_device_info(device)->name,
               peak * 1e-9, o->pass);
        printf("%-28s %-13s %10s %10s %9s %8s %9s\n", "layer", "ran", "median ms", "best ms",
               "GFLOP/s", "of peak", "work MiB");
    }
    CLI_TRY((o->list ? run_list : run_shape)(device, o, phase, algorithm, peak));
    if (o->common.json)
        json_close();
    if (o->profile)
        CLI_TRY(report_profile(device, o->common.json));
    if (o->common.json)
        json_end();
done:
    clcnn_device_destroy(&device);
    return status;
}

/* The index of a word, or -1 after a message. */
static int word_index(const char *option, const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    fprintf(stderr, "clcnn bench conv: --%s %s: one of", option, word);
    for (int i = 0; i < count; i++)
        fprintf(stderr, " %s", words[i]);
    fprintf(stderr, " is expected\n");
    return -1;
}

int bench_conv_command(const struct command *command, int argc, char **argv)
{
    static const char *const passes[] = {"fwd", "bwd-data", "bwd-filter"};
    static const char *const algorithms[] = {"auto", "direct", "im2col_gemm", "gemm_1x1"};
    struct conv_options o = {.pass = "fwd",
                             .algorithm = "auto",
                             .stride = 1,
                             .groups = 1,
                             .shape = {64, 32, 13, 13, 64, 3, 3}};
    struct arguments arguments = {0};
    const double most = 1 << 20;
    const struct option options[] = {
        {"list", "FILE", "a table: name N C H W K R S G pads(4) strides(2) dilations(2)",
         OPTION_TEXT, &o.list, 0, 0},
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
        {"algorithm", "A", "auto, direct, im2col_gemm or gemm_1x1 (auto)", OPTION_TEXT,
         &o.algorithm, 0, 0},
        {"profile", NULL, "print the time of each kernel", OPTION_FLAG, &o.profile, 0, 0},
        {0},
    };
    int code = begin_command(command, options, &o.common, argc, argv, 0, 0, &arguments);
    if (code < 0) {
        int pass = word_index("pass", o.pass, passes, 3);
        int algorithm = word_index("algorithm", o.algorithm, algorithms, 4);
        code = pass < 0 || algorithm < 0
                   ? EXIT_USAGE
                   : finish_command(command, run(&o, (enum clcnn_conv2d_phase)pass,
                                                 (enum clcnn_conv2d_algorithm)algorithm));
    }
    free(arguments.items);
    return code;
}
