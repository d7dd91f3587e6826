/* Predictions of a whole network: time, images per second, memory. */
#include "bench.h"
#include "samples.h"
#include <stdio.h>
#include <stdlib.h>

struct model_options {
    struct common_options common;
    const char *batches, *storage_word;
    enum clcnn_dtype storage;
    long long rounds;
    bool profile, tune;
};

struct prediction {
    struct clcnn_session *session;
    struct clcnn_buffer *x, *y;
    int batch;
};

static enum clcnn_status call(void *context)
{
    struct prediction *p = context;
    return clcnn_session_enqueue(p->session, p->batch, p->x, p->y, NULL);
}

static enum clcnn_status make_buffer(struct clcnn_device *device, const struct clcnn_shape *shape,
                                     int batch, struct clcnn_buffer **out)
{
    struct clcnn_shape whole = *shape;
    if (whole.rank > 0 && whole.dim[0] == CLCNN_DIM_BATCH)
        whole.dim[0] = batch;
    return bench_buffer(device, 0, clcnn_shape_count(&whole), out);
}

static void report(const struct model_options *o, const struct prediction *p,
                   const struct timing *timing, uint64_t peak_bytes)
{
    struct clcnn_plan_info info;
    clcnn_session_info(p->session, &info);
    if (o->common.json) {
        json_object(NULL);
        json_integer("batch", p->batch);
        json_real("median_ms", 1e3 * timing->median);
        json_real("best_ms", 1e3 * timing->best);
        json_real("images_per_second", p->batch / timing->median);
        json_integer("weight_bytes", (long long)info.weight_bytes);
        json_integer("activation_bytes", (long long)info.activation_bytes);
        json_integer("workspace_bytes", (long long)info.workspace_bytes);
        json_integer("peak_bytes", (long long)peak_bytes);
        json_close();
    } else {
        printf("%5d %10.3f %10.3f %10.1f %10.1f %11.1f %10.1f %10.1f\n", p->batch,
               1e3 * timing->median, 1e3 * timing->best, p->batch / timing->median,
               (double)info.weight_bytes / 0x1p20, (double)info.activation_bytes / 0x1p20,
               (double)info.workspace_bytes / 0x1p20, (double)peak_bytes / 0x1p20);
    }
}

static enum clcnn_status one(const struct model_options *o, struct clcnn_device *device,
                             struct clcnn_model *model, int batch)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct prediction p = {.batch = batch};
    struct clcnn_memory_info memory;
    struct timing timing;
    clcnn_device_memory_reset_peak(device);
    struct clcnn_session_params params = {.batch = batch, .tune = o->tune, .storage = o->storage};
    CLI_TRY(clcnn_session_create(device, model, &params, &p.session));
    clcnn_device_memory(device, &memory);
    CLI_TRY(make_buffer(device, clcnn_model_input_shape(model), batch, &p.x));
    CLI_TRY(make_buffer(device, clcnn_model_output_shape(model), batch, &p.y));
    CLI_TRY(bench_time(device, call, &p, (int)o->rounds, 0.1, &timing));
    report(o, &p, &timing, memory.peak_bytes);
done:
    clcnn_session_destroy(&p.session);
    clcnn_buffer_destroy(&p.x);
    clcnn_buffer_destroy(&p.y);
    return status;
}

/* The next number of "1,8"; 0 at the end, -1 if there is something else. */
static long next_batch(const char **text)
{
    char *end;
    if (!**text)
        return 0;
    long batch = strtol(*text, &end, 10);
    bool whole = end != *text && (*end == '\0' || (*end == ',' && end[1]));
    *text = *end ? end + 1 : end;
    return whole && batch >= 1 && batch <= 65536 ? batch : -1;
}

static bool check_batches(const char *text)
{
    const char *rest = text;
    long batch;
    while ((batch = next_batch(&rest)) > 0)
        continue;
    if (batch == 0 && *text)
        return true;
    fprintf(stderr, "clcnn bench model: --batch %s: numbers from 1 to 65536 are expected, as 1,8\n",
            text);
    return false;
}

static enum clcnn_status run(const struct model_options *o, const char *name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    struct clcnn_model *model = NULL;
    const char *rest = o->batches;
    CLI_TRY(load_model(name, 0, &model));
    CLI_TRY(open_device(&o->common, o->profile, &device));
    if (o->common.json) {
        json_begin();
        json_text("model", name);
        json_text("device", clcnn_device_info(device)->name);
        json_text("storage", clcnn_dtype_name(o->storage));
        json_array("results");
    } else {
        printf("%s in %s on %s\n%5s %10s %10s %10s %10s %11s %10s %10s\n", name,
               clcnn_dtype_name(o->storage), clcnn_device_info(device)->name, "batch", "median ms",
               "best ms", "images/s", "weight MiB", "activ. MiB", "work MiB", "peak MiB");
    }
    for (long batch; (batch = next_batch(&rest)) > 0;)
        CLI_TRY(one(o, device, model, (int)batch));
    if (o->common.json)
        json_close();
    if (o->profile)
        CLI_TRY(report_profile(device, o->common.json));
    if (o->common.json)
        json_end();
done:
    clcnn_model_destroy(&model);
    clcnn_device_destroy(&device);
    return status;
}

int bench_model_command(const struct command *command, int argc, char **argv)
{
    struct model_options o = {.batches = "1,8", .storage_word = "float32", .rounds = 11};
    struct arguments arguments = {0};
    const struct option options[] = {
        {"batch", "N,...", "images in a run (1,8)", OPTION_TEXT, &o.batches, 0, 0},
        {"storage", "T", "of activations and weights: float32 or float16 (float32)", OPTION_TEXT,
         &o.storage_word, 0, 0},
        {"rounds", "N", "timed rounds; the median counts (11)", OPTION_INT, &o.rounds, 1,
         RACE_ROUNDS},
        {"profile", NULL, "print the time of each kernel", OPTION_FLAG, &o.profile, 0, 0},
        {"tune", NULL, "choose convolutions by timing, and keep the result", OPTION_FLAG, &o.tune,
         0, 0},
        {0},
    };
    int code = begin_command(command, options, &o.common, argc, argv, 0, 1, &arguments);
    if (code < 0)
        code = check_batches(o.batches) && parse_storage("bench model", o.storage_word, &o.storage)
                   ? finish_command(command,
                                    run(&o, arguments.count ? arguments.items[0] : "mnist-cnn"))
                   : EXIT_USAGE;
    free(arguments.items);
    return code;
}
