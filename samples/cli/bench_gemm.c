#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct product {
    struct clcnn_gemm *op;
    struct clcnn_gemm_args args;
    struct clcnn_buffer *a, *b, *c, *packed, *workspace;
};

static void clear(struct product *p)
{
    clcnn_buffer_destroy(&p->a);
    clcnn_buffer_destroy(&p->b);
    clcnn_buffer_destroy(&p->c);
    clcnn_buffer_destroy(&p->packed);
    clcnn_buffer_destroy(&p->workspace);
    clcnn_gemm_destroy(&p->op);
}

static enum clcnn_status prepare(struct clcnn_device *device,
                                 const struct clcnn_gemm_params *params, bool pack,
                                 struct product *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    CLI_TRY(clcnn_gemm_create(device, params, &p->op));
    CLI_TRY(bench_buffer(device, 1, params->m * params->k, &p->a));
    CLI_TRY(bench_buffer(device, 2, params->k * params->n, &p->b));
    CLI_TRY(bench_buffer(device, 3, params->m * params->n, &p->c));
    if (pack && clcnn_gemm_packed_b_size(p->op)) {
        CLI_TRY(clcnn_buffer_create(device, clcnn_gemm_packed_b_size(p->op), &p->packed));
        CLI_TRY(clcnn_gemm_pack_b(p->op, p->b, 0, p->packed, NULL));
    }
    size_t bytes = clcnn_gemm_workspace_size(p->op, p->packed != NULL);
    if (bytes)
        CLI_TRY(clcnn_buffer_create(device, bytes, &p->workspace));
    p->args = (struct clcnn_gemm_args){
        .a = p->a, .b = p->b, .c = p->c, .packed_b = p->packed, .workspace = p->workspace};
done:
    return status;
}

static enum clcnn_status call(void *context)
{
    struct product *p = context;
    return clcnn_gemm_run(p->op, &p->args, NULL);
}

struct gemm_options {
    struct common_options common;
    const char *algorithm, *transpose;
    bool pack;
};

static enum clcnn_status one(struct clcnn_device *device, const struct gemm_options *o,
                             struct clcnn_gemm_params params, double peak)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct product product = {0};
    struct timing timing;
    CLI_TRY(prepare(device, &params, o->pack, &product));
    CLI_TRY(bench_time(device, call, &product, 9, 0.1, &timing));
    double flops = 2.0 * (double)params.m * (double)params.n * (double)params.k / timing.median;
    const char *name = clcnn_gemm_algorithm_name(product.op);
    if (o->common.json) {
        json_object(NULL);
        json_integer("m", params.m);
        json_integer("n", params.n);
        json_integer("k", params.k);
        json_text("algorithm", name);
        json_real("median_ms", 1e3 * timing.median);
        json_real("best_ms", 1e3 * timing.best);
        json_real("gflops", flops * 1e-9);
        json_real("peak_share", flops / peak);
        json_close();
    } else {
        printf("%6lld %6lld %6lld  %-8s %10.4f %10.4f %9.1f %5.1f %%\n", (long long)params.m,
               (long long)params.n, (long long)params.k, name, 1e3 * timing.median,
               1e3 * timing.best, flops * 1e-9, 100 * flops / peak);
    }
done:
    clear(&product);
    return status;
}

static bool parse_size(const char *text, struct clcnn_gemm_params *params)
{
    long long m, n, k;
    char extra;
    int found = sscanf(text, "%lld,%lld,%lld%c", &m, &n, &k, &extra);
    if (found == 1 && !strchr(text, ','))
        n = k = m;
    else if (found != 3)
        return false;
    params->m = m;
    params->n = n;
    params->k = k;
    return m > 0 && n > 0 && k > 0 && m < 1 << 24 && n < 1 << 24 && k < 1 << 24;
}

static enum clcnn_status all(const struct gemm_options *o, const struct clcnn_gemm_params *params,
                             int count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    double peak = 0;
    CLI_TRY(open_device(&o->common, false, &device));
    CLI_TRY(bench_peak(device, &peak));
    if (o->common.json) {
        json_begin();
        json_real("peak_gflops", peak * 1e-9);
        json_array("results");
    } else {
        printf("%s, measured peak %.0f GFLOP/s\n", clcnn_device_info(device)->name, peak * 1e-9);
        printf("%6s %6s %6s  %-8s %10s %10s %9s %7s\n", "M", "N", "K", "ran", "median ms",
               "best ms", "GFLOP/s", "of peak");
    }
    for (int i = 0; i < count; i++)
        CLI_TRY(one(device, o, params[i], peak));
    if (o->common.json)
        json_end();
done:
    clcnn_device_destroy(&device);
    return status;
}

/* Fills the product's parameters from the options and "M,N,K" words; NULL after a message. */
static struct clcnn_gemm_params *read_sizes(const struct gemm_options *o, struct arguments *words)
{
    static const char *const names[] = {"auto", "cpu", "gpu", "clblast"};
    static const char *defaults[] = {"256", "512", "1024", "2048"};
    struct arguments sizes = *words;
    if (!sizes.count) {
        sizes.items = defaults;
        sizes.count = 4;
    }
    words->count = sizes.count;
    struct clcnn_gemm_params *params = calloc((size_t)sizes.count, sizeof(*params));
    for (int i = 0; params && i < sizes.count; i++) {
        params[i].transpose_a = strchr(o->transpose, 'a') != NULL;
        params[i].transpose_b = strchr(o->transpose, 'b') != NULL;
        int algorithm = 0;
        while (algorithm < 4 && strcmp(names[algorithm], o->algorithm) != 0)
            algorithm++;
        params[i].algorithm = (enum clcnn_gemm_algorithm)algorithm;
        if (algorithm == 4 || !parse_size(sizes.items[i], &params[i])) {
            fprintf(stderr, "clcnn bench gemm: %s: %s is expected\n",
                    algorithm == 4 ? o->algorithm : sizes.items[i],
                    algorithm == 4 ? "auto, cpu, gpu or clblast" : "N, or M,N,K, each below 2^24");
            free(params);
            return NULL;
        }
    }
    return params;
}

int bench_gemm_command(const struct command *command, int argc, char **argv)
{
    struct gemm_options o = {.algorithm = "auto", .transpose = ""};
    struct arguments arguments = {0};
    const struct option options[] = {
        {"algorithm", "A", "auto, cpu, gpu or clblast (auto)", OPTION_TEXT, &o.algorithm, 0, 0},
        {"transpose", "T", "a, b or ab: which operands are transposed", OPTION_TEXT, &o.transpose,
         0, 0},
        {"pack", NULL, "pack B once, before the timing", OPTION_FLAG, &o.pack, 0, 0},
        {0},
    };
    int code = begin_command(command, options, &o.common, argc, argv, 0, -1, &arguments);
    if (code < 0) {
        struct arguments sizes = arguments;
        struct clcnn_gemm_params *params = read_sizes(&o, &sizes);
        code = params ? finish_command(command, all(&o, params, sizes.count)) : EXIT_USAGE;
        free(params);
    }
    free(arguments.items);
    return code;
}
