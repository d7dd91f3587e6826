#include "cli.h"
#include "samples.h"
#include <stdio.h>
#include <stdlib.h>

struct evaluation {
    struct common_options common;
    const char *data, *weights;
    long long batch, limit;
    struct clcnn_device *device;
    struct clcnn_model *model;
    struct clcnn_trainer *trainer;
    struct clcnn_dataset test;
};

static enum clcnn_status evaluate(struct evaluation *e, const char *name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_metrics metrics;
    struct clcnn_trainer_params params = {.batch_size = (int)e->batch};
    CLI_TRY(clcnn_network_create(name, 0, &e->model));
    CLI_TRY(clcnn_model_load_weights(e->model, e->weights));
    CLI_TRY(load_samples(e->model, e->data, true, e->limit, &e->test));
    CLI_TRY(open_device(&e->common, false, &e->device));
    CLI_TRY(clcnn_trainer_create(e->device, e->model, &params, &e->trainer));
    double begin = seconds_now();
    CLI_TRY(clcnn_trainer_evaluate(e->trainer, &e->test, &metrics));
    double seconds = seconds_now() - begin;
    if (e->common.json) {
        json_begin();
        json_text("model", name);
        json_integer("samples", metrics.samples);
        json_real("accuracy", metrics.accuracy);
        json_real("loss", metrics.loss);
        json_real("images_per_second", (double)metrics.samples / seconds);
        json_end();
    } else {
        printf("accuracy: %.4f - loss: %.4f - %lld images, %.0f images/s\n", metrics.accuracy,
               metrics.loss, (long long)metrics.samples, (double)metrics.samples / seconds);
    }
done:
    return status;
}

int evaluate_command(const struct command *command, int argc, char **argv)
{
    struct evaluation e = {.batch = 64};
    struct arguments arguments = {0};
    const struct option options[] = {
        {"weights", "FILE", "safetensors, as written by train --save", OPTION_TEXT, &e.weights, 0,
         0},
        {"data", "D", "fashion-mnist, or a directory of IDX files", OPTION_TEXT, &e.data, 0, 0},
        {"batch", "N", "images per run (64)", OPTION_INT, &e.batch, 1, 65536},
        {"limit", "N", "use only the first N images", OPTION_INT, &e.limit, 1, 1e9},
        {0},
    };
    int code = begin_command(command, options, &e.common, argc, argv, 1, 1, &arguments);
    if (code < 0 && (!e.data || !e.weights)) {
        fprintf(stderr, "clcnn evaluate: --weights and --data are required\n");
        code = EXIT_USAGE;
    }
    if (code < 0)
        code = finish_command(command, evaluate(&e, arguments.items[0]));
    clcnn_trainer_destroy(&e.trainer);
    clcnn_model_destroy(&e.model);
    clcnn_device_destroy(&e.device);
    clcnn_dataset_clear(&e.test);
    free(arguments.items);
    return code;
}
