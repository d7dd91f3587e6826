#include "bench.h"
#include "bench_openblas.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct product {
    struct clcnn_device *device;
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
    p->device = device;
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

static enum clcnn_status run(void *context, long calls)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct product *p = context;
    for (long i = 0; i < calls; i++)
        CLI_TRY(clcnn_gemm_run(p->op, &p->args, NULL));
    CLI_TRY(clcnn_device_finish(p->device));
done:
    return status;
}

struct gemm_options {
    struct common_options common;
    const char *algorithm, *transpose;
    bool pack, networks, peers;
    long long rounds;
    double seconds;
};

/* Over the products that were timed beside the peer. */
struct gemm_totals {
    int count;
    double ratios; /* sum of logarithms */
    double worst;
};

/* racers: ours and, if there is one, the peer. The ratio is that of the best rounds, which other
 * load on the machine disturbs least. */
static void report(const struct gemm_options *o, const struct clcnn_gemm_params *params,
                   const struct racer *racers, double peak, struct gemm_totals *totals)
{
    const struct timing *ours = &racers[0].timing, *theirs = &racers[1].timing;
    double flops = 2.0 * (double)params->m * (double)params->n * (double)params->k;
    double rate = flops / ours->median, ratio = racers[1].run ? theirs->best / ours->best : 0;
    if (ratio > 0) {
        totals->worst = totals->count ? fmin(totals->worst, ratio) : ratio;
        totals->ratios += log(ratio);
        totals->count++;
    }
    if (o->common.json) {
        json_object(NULL);
        json_integer("m", params->m);
        json_integer("n", params->n);
        json_integer("k", params->k);
        json_text("algorithm", racers[0].name);
        json_real("median_ms", 1e3 * ours->median);
        json_real("best_ms", 1e3 * ours->best);
        json_real("gflops", rate * 1e-9);
        json_real("peak_share", rate / peak);
        if (ratio > 0)
            json_real("peer_best_ms", 1e3 * theirs->best);
        json_close();
        return;
    }
    printf("%6lld %6lld %6lld  %-8s %10.4f %10.4f %9.1f %5.1f %%", (long long)params->m,
           (long long)params->n, (long long)params->k, racers[0].name, 1e3 * ours->median,
           1e3 * ours->best, rate * 1e-9, 100 * rate / peak);
    if (ratio > 0)
        printf("  %10.4f %10.2f", 1e3 * theirs->best, ratio);
    printf("\n");
    fflush(stdout);
}

static enum clcnn_status one(struct clcnn_device *device, const struct gemm_options *o,
                             const struct clcnn_gemm_params *params, double peak,
                             struct gemm_totals *totals)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct product product = {0};
    struct racer racers[2] = {{.run = run, .context = &product}};
    const struct race race = {(int)o->rounds, o->seconds, 10 * (double)o->rounds * o->seconds};
    CLI_TRY(prepare(device, params, o->pack, &product));
    racers[0].name = clcnn_gemm_algorithm_name(product.op);
    int count = o->peers && openblas_racer(params, &racers[1]) ? 2 : 1;
    CLI_TRY(race_run(&race, racers, count));
    report(o, params, racers, peak, totals);
done:
    race_clear(racers, 2);
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

static void report_head(const struct gemm_options *o, const char *device, double peak)
{
    if (o->common.json) {
        json_begin();
        json_real("peak_gflops", peak * 1e-9);
        if (o->peers)
            json_text("openblas_kernels", openblas_kernels());
        json_array("results");
        return;
    }
    printf("%s, measured peak %.0f GFLOP/s", device, peak * 1e-9);
    if (o->peers)
        printf("; OpenBLAS's %s kernels (OPENBLAS_CORETYPE chooses)", openblas_kernels());
    printf("\n%6s %6s %6s  %-8s %10s %10s %9s %7s", "M", "N", "K", "ran", "median ms", "best ms",
           "GFLOP/s", "of peak");
    if (o->peers)
        printf("  %10s %10s", "their ms", "their/ours");
    printf("\n");
}

static void report_totals(const struct gemm_options *o, const struct gemm_totals *totals)
{
    double mean = totals->count ? exp(totals->ratios / totals->count) : 0;
    if (o->common.json)
        json_close();
    if (totals->count && o->common.json) {
        json_real("peer_to_ours", mean);
        json_real("worst_peer_to_ours", totals->worst);
    } else if (totals->count) {
        printf("OpenBLAS / ours: geometric mean %.3f, worst %.3f\n", mean, totals->worst);
    }
    if (o->common.json)
        json_end();
}

static enum clcnn_status all(const struct gemm_options *o, const struct clcnn_gemm_params *params,
                             int count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    struct gemm_totals totals = {0};
    double peak = 0;
    CLI_TRY(open_device(&o->common, false, &device));
    CLI_TRY(bench_peak(device, &peak));
    report_head(o, clcnn_device_info(device)->name, peak);
    for (int i = 0; i < count; i++)
        CLI_TRY(one(device, o, &params[i], peak, &totals));
    report_totals(o, &totals);
done:
    clcnn_device_destroy(&device);
    return status;
}

/* The algorithm of a word, or -1 after a message. */
static int find_algorithm(const char *word)
{
    const char *name;
    enum { LIMIT = 64 };
    for (int i = 0; i < LIMIT; i++) {
        name = clcnn_gemm_algorithm_word((enum clcnn_gemm_algorithm)i);
        if (name && strcmp(name, word) == 0)
            return i;
    }
    fprintf(stderr, "clcnn bench gemm: --algorithm %s: one of", word);
    for (int i = 0; i < LIMIT; i++)
        if ((name = clcnn_gemm_algorithm_word((enum clcnn_gemm_algorithm)i)) != NULL)
            fprintf(stderr, " %s", name);
    fprintf(stderr, " is expected\n");
    return -1;
}

/* The sizes to run: those given, or a default. The 1x1 convolutions are M = P Q, N = K, K = C. */
static struct arguments choose_sizes(const struct gemm_options *o, const struct arguments *given)
{
    static const char *squares[] = {"256", "512", "1024", "2048"};
    static const char *networks[] = {"512",          "1024",         "2048",        "12544,64,32",
                                     "3136,256,64",  "3136,64,256",  "784,512,128", "784,128,512",
                                     "196,1024,256", "196,256,1024", "49,2048,512", "49,512,2048",
                                     "49,1024,1024", "1,4096,9216",  "1,4096,4096", "1,1000,2048",
                                     "8,4096,9216",  "8,4096,4096",  "8,1000,2048", "64,4096,9216",
                                     "64,4096,4096", "64,1000,2048", "64,64,576",   "64,10,64"};
    if (given->count)
        return *given;
    if (o->networks)
        return (struct arguments){networks, sizeof(networks) / sizeof(networks[0])};
    return (struct arguments){squares, sizeof(squares) / sizeof(squares[0])};
}

/* The parameters of every size; NULL after a message. */
static struct clcnn_gemm_params *read_sizes(const struct gemm_options *o,
                                            const struct arguments *sizes)
{
    int algorithm = find_algorithm(o->algorithm);
    struct clcnn_gemm_params *params =
        algorithm < 0 ? NULL : calloc((size_t)sizes->count, sizeof(*params));
    for (int i = 0; params && i < sizes->count; i++) {
        params[i].transpose_a = strchr(o->transpose, 'a') != NULL;
        params[i].transpose_b = strchr(o->transpose, 'b') != NULL;
        params[i].algorithm = (enum clcnn_gemm_algorithm)algorithm;
        if (!parse_size(sizes->items[i], &params[i])) {
            fprintf(stderr, "clcnn bench gemm: %s: N, or M,N,K, each below 2^24, is expected\n",
                    sizes->items[i]);
            free(params);
            return NULL;
        }
    }
    return params;
}

static int check_and_run(const struct command *command, const struct gemm_options *o,
                         const struct arguments *given)
{
    if (o->peers && !openblas_kernels()) {
        fprintf(stderr, "clcnn bench gemm: --peers: built without OpenBLAS (bench_peers)\n");
        return EXIT_USAGE;
    }
    struct arguments sizes = choose_sizes(o, given);
    struct clcnn_gemm_params *params = read_sizes(o, &sizes);
    int code = params ? finish_command(command, all(o, params, sizes.count)) : EXIT_USAGE;
    free(params);
    return code;
}

int bench_gemm_command(const struct command *command, int argc, char **argv)
{
    struct gemm_options o = {.algorithm = "auto", .transpose = "", .rounds = 9, .seconds = 0.05};
    struct arguments arguments = {0};
    const struct option options[] = {
        {"algorithm", "A", "auto, or one by name (auto)", OPTION_TEXT, &o.algorithm, 0, 0},
        {"transpose", "T", "a, b or ab: which operands are transposed", OPTION_TEXT, &o.transpose,
         0, 0},
        {"pack", NULL, "pack B once, before the timing", OPTION_FLAG, &o.pack, 0, 0},
        {"networks", NULL, "the sizes of dense layers and 1x1 convolutions", OPTION_FLAG,
         &o.networks, 0, 0},
        {"peers", NULL, "time OpenBLAS beside ours", OPTION_FLAG, &o.peers, 0, 0},
        {"rounds", "N", "of which the median is taken (9)", OPTION_INT, &o.rounds, 1, RACE_ROUNDS},
        {"seconds", "S", "of one round (0.05)", OPTION_REAL, &o.seconds, 0, 60},
        {0},
    };
    int code = begin_command(command, options, &o.common, argc, argv, 0, -1, &arguments);
    if (code < 0)
        code = check_and_run(command, &o, &arguments);
    free(arguments.items);
    return code;
}
