#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step {
    struct clcnn_trainer *trainer;
    int batch;
    float *x;
    int32_t *labels;
};

static enum clcnn_status call(void *context)
{
    struct step *s = context;
    return clcnn_trainer_train_on_batch(s->trainer, s->batch, s->x, s->labels, NULL);
}

/* Made-up images and labels: the time does not depend on them. */
static bool make_batch(const struct clcnn_model *model, struct step *s)
{
    struct clcnn_shape shape = *clcnn_model_input_shape(model);
    const struct clcnn_shape *output = clcnn_model_output_shape(model);
    shape.dim[0] = s->batch;
    int64_t count = clcnn_shape_count(&shape), classes = output->dim[output->rank - 1];
    s->x = malloc((size_t)count * sizeof(*s->x));
    s->labels = malloc((size_t)s->batch * sizeof(*s->labels));
    if (!s->x || !s->labels)
        return false;
    for (int64_t i = 0; i < count; i++)
        s->x[i] = (float)(i * 2654435761 % 256) / 255.0f;
    for (int i = 0; i < s->batch; i++)
        s->labels[i] = (int32_t)(i % classes);
    return true;
}

/* Waits by way of the metrics: a trainer has a queue of its own. */
static enum clcnn_status settle(struct step *s)
{
    struct clcnn_metrics metrics;
    return clcnn_trainer_train_on_batch(s->trainer, s->batch, s->x, s->labels, &metrics);
}

static enum clcnn_status measure(struct step *s, int rounds, int steps, struct timing *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    double times[64];
    CLI_TRY(settle(s));
    CLI_TRY(settle(s));
    for (int i = 0; i < rounds; i++) {
        double begin = seconds_now();
        for (int j = 0; j + 1 < steps; j++)
            CLI_TRY(call(s));
        CLI_TRY(settle(s));
        times[i] = (seconds_now() - begin) / steps;
        for (int j = i; j > 0 && times[j] < times[j - 1]; j--) {
            double swap = times[j];
            times[j] = times[j - 1];
            times[j - 1] = swap;
        }
    }
    out->median = times[rounds / 2];
    out->best = times[0];
done:
    return status;
}

struct train_options {
    struct common_options common;
    long long batch, steps;
    const char *optimizer;
    bool profile, tune;
};

static enum clcnn_status run(const struct train_options *o, const char *name,
                             enum clcnn_optimizer_kind kind)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    struct clcnn_model *model = NULL;
    struct clcnn_memory_info memory;
    struct timing timing = {0};
    struct step step = {.batch = (int)o->batch};
    struct clcnn_trainer_params params = {
        .batch_size = (int)o->batch, .optimizer.kind = kind, .tune = o->tune};
    CLI_TRY(clcnn_network_create(name, 0, &model));
    CLI_TRY(make_batch(model, &step) ? CLCNN_STATUS_OK : CLCNN_STATUS_OUT_OF_MEMORY);
    CLI_TRY(open_device(&o->common, o->profile, &device));
    CLI_TRY(clcnn_trainer_create(device, model, &params, &step.trainer));
    CLI_TRY(measure(&step, 7, (int)o->steps, &timing));
    clcnn_device_memory(device, &memory);
    if (o->common.json) {
        json_begin();
        json_text("model", name);
        json_text("device", clcnn_device_info(device)->name);
        json_integer("batch", o->batch);
        json_real("median_ms", 1e3 * timing.median);
        json_real("best_ms", 1e3 * timing.best);
        json_real("images_per_second", (double)o->batch / timing.median);
        json_integer("peak_bytes", (long long)memory.peak_bytes);
    } else {
        printf("%s, batch %lld on %s: %.3f ms a step (best %.3f), %.0f images/s, peak %.1f MiB\n",
               name, o->batch, clcnn_device_info(device)->name, 1e3 * timing.median,
               1e3 * timing.best, (double)o->batch / timing.median,
               (double)memory.peak_bytes / 0x1p20);
    }
    if (o->profile)
        CLI_TRY(report_profile(device, o->common.json));
    if (o->common.json)
        json_end();
done:
    clcnn_trainer_destroy(&step.trainer);
    clcnn_model_destroy(&model);
    clcnn_device_destroy(&device);
    free(step.x);
    free(step.labels);
    return status;
}

int bench_train_command(const struct command *command, int argc, char **argv)
{
    struct train_options o = {.batch = 64, .steps = 50, .optimizer = "rmsprop"};
    struct arguments arguments = {0};
    const struct option options[] = {
        {"batch", "N", "images per step (64)", OPTION_INT, &o.batch, 1, 65536},
        {"steps", "N", "steps per round (50), seven rounds", OPTION_INT, &o.steps, 1, 1e6},
        {"optimizer", "O", "sgd, rmsprop or adam (rmsprop)", OPTION_TEXT, &o.optimizer, 0, 0},
        {"profile", NULL, "print the time of each kernel", OPTION_FLAG, &o.profile, 0, 0},
        {"tune", NULL, "choose convolutions by timing, and keep the result", OPTION_FLAG, &o.tune,
         0, 0},
        {0},
    };
    enum clcnn_optimizer_kind kind = CLCNN_OPTIMIZER_KIND_RMSPROP;
    int code = begin_command(command, options, &o.common, argc, argv, 0, 1, &arguments);
    if (code < 0 && !parse_optimizer(o.optimizer, &kind))
        code = EXIT_USAGE;
    if (code < 0)
        code = finish_command(command,
                              run(&o, arguments.count ? arguments.items[0] : "mnist-cnn", kind));
    free(arguments.items);
    return code;
}
