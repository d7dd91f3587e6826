#include "cli.h"
#include "preprocess.h"
#include "samples.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct evaluation {
    struct common_options common;
    const char *data, *weights, *storage_word;
    enum clcnn_dtype storage;
    long long batch, limit;
    struct clcnn_device *device;
    struct clcnn_model *model;
    struct clcnn_trainer *trainer;
    struct clcnn_session *session;
    struct clcnn_dataset test;
    struct preprocess preprocess;
};

#define LEAST_PROBABILITY 1e-7 /* as in Keras's loss of probabilities */

static void *allocate(int64_t count, size_t size)
{
    return calloc((size_t)(count > 0 ? count : 1), size);
}

/* The images as the model's input. */
static void spread(const struct evaluation *e, float *x)
{
    const void *data = clcnn_tensor_const_data(e->test.x);
    struct image_size size = model_image_size(e->model);
    int64_t all = clcnn_tensor_count(e->test.x), one = all / clcnn_tensor_count(e->test.labels);
    if (clcnn_tensor_dtype(e->test.x) == CLCNN_DTYPE_FLOAT32)
        memcpy(x, data, (size_t)all * sizeof(*x));
    else
        for (int64_t i = 0; i < all; i += one)
            preprocess_image(&e->preprocess, &size, (const unsigned char *)data + i, x + i);
}

/* -log of a class's probability; scores that are no probabilities go through softmax. */
static double loss_of(const float *y, int64_t classes, int32_t label)
{
    double sum = 0, largest = (double)y[0], total = 0;
    bool probabilities = true;
    for (int64_t c = 0; c < classes; c++) {
        sum += (double)y[c];
        largest = fmax(largest, (double)y[c]);
        probabilities = probabilities && y[c] >= 0.0f;
    }
    if (probabilities && fabs(sum - 1) < 1e-3)
        return -log(fmax((double)y[label], LEAST_PROBABILITY));
    for (int64_t c = 0; c < classes; c++)
        total += exp((double)y[c] - largest);
    return log(total) + largest - (double)y[label];
}

static void score(const struct clcnn_dataset *test, const float *y, int64_t classes,
                  struct clcnn_metrics *metrics)
{
    const int32_t *labels = clcnn_tensor_const_data(test->labels);
    *metrics = (struct clcnn_metrics){.samples = clcnn_tensor_count(test->labels)};
    for (int64_t i = 0; i < metrics->samples; i++, y += classes) {
        int64_t best = 0;
        for (int64_t c = 1; c < classes; c++)
            best = y[c] > y[best] ? c : best;
        metrics->accuracy += best == labels[i];
        metrics->loss += loss_of(y, classes, labels[i]);
    }
    metrics->accuracy /= (double)metrics->samples;
    metrics->loss /= (double)metrics->samples;
}

/* Training stores float32 alone, so float16 is evaluated by a session. */
static enum clcnn_status evaluate_session(struct evaluation *e, struct clcnn_metrics *metrics)
{
    const struct clcnn_shape *output = clcnn_model_output_shape(e->model);
    int64_t classes = output->dim[output->rank - 1], count = clcnn_tensor_count(e->test.labels);
    float *x = allocate(clcnn_tensor_count(e->test.x), sizeof(*x));
    float *y = allocate(count * classes, sizeof(*y));
    enum clcnn_status status = x && y ? CLCNN_STATUS_OK : CLCNN_STATUS_OUT_OF_MEMORY;
    if (status == CLCNN_STATUS_OK) {
        spread(e, x);
        status = clcnn_session_predict(e->session, count, x, y);
    }
    if (status == CLCNN_STATUS_OK)
        score(&e->test, y, classes, metrics);
    free(x);
    free(y);
    return status;
}

static enum clcnn_status evaluate(struct evaluation *e, const char *name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_metrics metrics;
    struct clcnn_trainer_params params = {.batch_size = (int)e->batch};
    struct clcnn_session_params storage = {.batch = (int)e->batch, .storage = e->storage};
    bool trains = e->storage == CLCNN_DTYPE_FLOAT32 && !is_onnx(name);
    CLI_TRY(load_model(name, 0, &e->model));
    if (e->weights)
        CLI_TRY(clcnn_model_load_weights(e->model, e->weights));
    CLI_TRY(load_samples(e->model, e->data, true, e->limit, &e->test));
    CLI_TRY(open_device(&e->common, false, &e->device));
    if (trains)
        CLI_TRY(clcnn_trainer_create(e->device, e->model, &params, &e->trainer));
    else
        CLI_TRY(clcnn_session_create(e->device, e->model, &storage, &e->session));
    double begin = seconds_now();
    CLI_TRY(trains ? clcnn_trainer_evaluate(e->trainer, &e->test, &metrics)
                   : evaluate_session(e, &metrics));
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
    struct evaluation e = {.batch = 64, .storage_word = "float32"};
    struct arguments arguments = {0};
    const struct option options[] = {
        {"weights", "FILE", "safetensors, as written by train --save", OPTION_TEXT, &e.weights, 0,
         0},
        {"data", "D", "fashion-mnist, or a directory of IDX files", OPTION_TEXT, &e.data, 0, 0},
        {"batch", "N", "images per run (64)", OPTION_INT, &e.batch, 1, 65536},
        {"storage", "T", "of activations and weights: float32 or float16 (float32)", OPTION_TEXT,
         &e.storage_word, 0, 0},
        {"preprocess", "P", PREPROCESS_HELP, OPTION_TEXT, &e.preprocess.word, 0, 0},
        {"mean", "M", "subtracted from unit pixels: one number or three", OPTION_TEXT,
         &e.preprocess.mean, 0, 0},
        {"std", "S", "divides them then", OPTION_TEXT, &e.preprocess.deviation, 0, 0},
        {"limit", "N", "use only the first N images", OPTION_INT, &e.limit, 1, 1e9},
        {0},
    };
    int code = begin_command(command, options, &e.common, argc, argv, 1, 1, &arguments);
    if (code < 0 && (!e.data || (!e.weights && !is_onnx(arguments.items[0])))) {
        fprintf(stderr, "clcnn evaluate: --data, and --weights but for an ONNX file, are "
                        "required\n");
        code = EXIT_USAGE;
    }
    if (code < 0 && (!parse_storage("evaluate", e.storage_word, &e.storage) ||
                     !preprocess_parse("evaluate", &e.preprocess)))
        code = EXIT_USAGE;
    if (code < 0)
        code = finish_command(command, evaluate(&e, arguments.items[0]));
    clcnn_trainer_destroy(&e.trainer);
    clcnn_session_destroy(&e.session);
    clcnn_model_destroy(&e.model);
    clcnn_device_destroy(&e.device);
    clcnn_dataset_clear(&e.test);
    free(arguments.items);
    return code;
}
