#include "cli.h"
#include "picture.h"
#include "preprocess.h"
#include "samples.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP 5

struct prediction {
    struct common_options common;
    const char *weights, *data, *storage_word;
    enum clcnn_dtype storage;
    bool dark, tune;
    long long limit;
    struct clcnn_device *device;
    struct clcnn_model *model;
    struct clcnn_session *session;
    struct clcnn_dataset test; /* the pictures of --data; else only its class names */
    struct preprocess preprocess;
    const char *labels; /* a file of class names, one to a line */
    char *names_text, **names;
    int name_count, classes, right;
    bool rich;
};

/* The picture as the model's input. */
static enum clcnn_status run(struct prediction *p, const struct clcnn_tensor *image, float *scores)
{
    struct image_size size = model_image_size(p->model);
    float *x = malloc(clcnn_tensor_bytes(image) * sizeof(*x));
    if (!x)
        return CLCNN_STATUS_OUT_OF_MEMORY;
    preprocess_image(&p->preprocess, &size, clcnn_tensor_const_data(image), x);
    enum clcnn_status status = clcnn_session_predict(p->session, 1, x, scores);
    free(x);
    return status;
}

/* Scores that are no probabilities go through softmax. */
static void to_probabilities(float *scores, int classes)
{
    double sum = 0, total = 0, largest = (double)scores[0];
    bool probabilities = true;
    for (int c = 0; c < classes; c++) {
        sum += (double)scores[c];
        largest = fmax(largest, (double)scores[c]);
        probabilities = probabilities && scores[c] >= 0.0f;
    }
    if (probabilities && fabs(sum - 1) < 1e-2)
        return;
    for (int c = 0; c < classes; c++)
        total += exp((double)scores[c] - largest);
    for (int c = 0; c < classes; c++)
        scores[c] = (float)(exp((double)scores[c] - largest) / total);
}

static void rank(const float *scores, int classes, int best[TOP])
{
    for (int i = 0; i < TOP; i++) {
        best[i] = -1;
        for (int c = 0; c < classes; c++) {
            bool taken = false;
            for (int j = 0; j < i; j++)
                taken = taken || best[j] == c;
            if (!taken && (best[i] < 0 || scores[c] > scores[best[i]]))
                best[i] = c;
        }
    }
}

static const char *class_name(const struct prediction *p, int index, char number[16])
{
    if (index < p->name_count)
        return p->names[index];
    if (p->test.names && index < p->test.classes)
        return p->test.names[index];
    snprintf(number, 16, "%d", index);
    return number;
}

static void print_result(const struct prediction *p, const char *title,
                         const struct clcnn_tensor *image, const float *scores, const int best[TOP],
                         int label)
{
    char number[16];
    int lines = (int)(clcnn_tensor_shape(image)->dim[0] + 1) / 2;
    bool small = clcnn_tensor_shape(image)->dim[1] <= 64;
    printf("%s\n", title);
    for (int i = 0; i < (small && lines > TOP + 1 ? lines : TOP + 1); i++) {
        if (small && i < lines)
            print_picture_line(image, i, p->rich);
        int place = small && lines > TOP + 1 ? i - (lines - TOP) / 2 : i;
        if (place >= 0 && place < TOP && best[place] >= 0) {
            printf("  ");
            print_bar(scores[best[place]], 20, p->rich);
            printf(" %5.1f %%  %s", 100 * (double)scores[best[place]],
                   class_name(p, best[place], number));
        } else if (place == TOP && label >= 0) {
            printf("  %s: %s", best[0] == label ? "right" : "WRONG, it is",
                   class_name(p, label, number));
        }
        putchar('\n');
    }
}

static void json_result(const struct prediction *p, const char *title, const float *scores,
                        const int best[TOP], int label)
{
    char number[16];
    json_object(NULL);
    json_text("image", title);
    json_integer("class", best[0]);
    json_text("name", class_name(p, best[0], number));
    json_real("probability", scores[best[0]]);
    if (label >= 0)
        json_integer("label", label);
    json_array("scores");
    for (int c = 0; c < p->classes; c++)
        json_real(NULL, scores[c]);
    json_close();
    json_close();
}

/* Classifies one picture and prints it; label -1 = unknown. */
static enum clcnn_status show(struct prediction *p, const char *title,
                              const struct clcnn_tensor *image, int label)
{
    float *scores = calloc((size_t)p->classes, sizeof(*scores));
    int best[TOP];
    enum clcnn_status status = scores ? run(p, image, scores) : CLCNN_STATUS_OUT_OF_MEMORY;
    if (status == CLCNN_STATUS_OK) {
        to_probabilities(scores, p->classes);
        rank(scores, p->classes, best);
        p->right += best[0] == label;
        if (p->common.json)
            json_result(p, title, scores, best, label);
        else
            print_result(p, title, image, scores, best, label);
    }
    free(scores);
    return status;
}

static enum clcnn_status show_files(struct prediction *p, const struct arguments *arguments)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *image = NULL;
    for (int i = 1; i < arguments->count; i++) {
        CLI_TRY(load_picture(p->model, arguments->items[i], p->dark, &image));
        CLI_TRY(show(p, arguments->items[i], image, -1));
        clcnn_tensor_destroy(&image);
    }
done:
    clcnn_tensor_destroy(&image);
    return status;
}

static enum clcnn_status show_samples(struct prediction *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *image = NULL;
    int64_t count = clcnn_tensor_shape(p->test.x)->dim[0];
    const int32_t *labels = clcnn_tensor_data(p->test.labels);
    for (int64_t i = 0; i < count; i++) {
        char title[64];
        snprintf(title, sizeof(title), "test image %lld", (long long)i);
        CLI_TRY(take_picture(&p->test, i, &image));
        CLI_TRY(show(p, title, image, labels[i]));
        clcnn_tensor_destroy(&image);
    }
    if (!p->common.json)
        printf("%d of %lld right\n", p->right, (long long)count);
done:
    clcnn_tensor_destroy(&image);
    return status;
}

/* Class names, one to a line. */
static bool read_labels(struct prediction *p)
{
    FILE *file = fopen(p->labels, "rb");
    long size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    bool done = size >= 0 && size < 1 << 24 && fseek(file, 0, SEEK_SET) == 0;
    p->names_text = done ? calloc((size_t)size + 1, 1) : NULL;
    done = p->names_text && fread(p->names_text, 1, (size_t)size, file) == (size_t)size;
    p->names = done ? calloc((size_t)size + 1, sizeof(*p->names)) : NULL;
    for (char *line = p->names ? p->names_text : NULL; line && *line;) {
        char *end = strchr(line, '\n');
        p->names[p->name_count++] = line;
        if (end)
            *end = '\0';
        line[strcspn(line, "\r")] = '\0';
        line = end ? end + 1 : NULL;
    }
    if (file)
        fclose(file);
    if (!p->names)
        fprintf(stderr, "clcnn predict: --labels %s cannot be read\n", p->labels);
    return p->names != NULL;
}

static int count_classes(const struct clcnn_shape *output)
{
    int64_t count = 1;
    for (int i = 0; i < output->rank; i++)
        count *= output->dim[i] == CLCNN_DIM_BATCH ? 1 : output->dim[i];
    return (int)count;
}

static enum clcnn_status predict(struct prediction *p, const struct arguments *arguments)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    CLI_TRY(load_model(arguments->items[0], 0, &p->model));
    if (p->weights)
        CLI_TRY(clcnn_model_load_weights(p->model, p->weights));
    if (p->data)
        CLI_TRY(load_samples(p->model, p->data, true, p->limit, &p->test));
    CLI_TRY(open_device(&p->common, false, &p->device));
    struct clcnn_session_params params = {.tune = p->tune, .storage = p->storage};
    CLI_TRY(clcnn_session_create(p->device, p->model, &params, &p->session));
    p->classes = count_classes(clcnn_model_output_shape(p->model));
    p->rich = terminal_is_rich();
    if (p->common.json) {
        json_begin();
        json_array("predictions");
    }
    CLI_TRY(show_files(p, arguments));
    if (p->data && arguments->count == 1)
        CLI_TRY(show_samples(p));
done:
    if (p->common.json && status == CLCNN_STATUS_OK)
        json_end();
    return status;
}

int predict_command(const struct command *command, int argc, char **argv)
{
    struct prediction p = {.limit = 8, .storage_word = "float32"};
    struct arguments arguments = {0};
    const struct option options[] = {
        {"weights", "FILE", "safetensors, as written by train --save", OPTION_TEXT, &p.weights, 0,
         0},
        {"labels", "FILE", "class names, one to a line", OPTION_TEXT, &p.labels, 0, 0},
        {"preprocess", "P", PREPROCESS_HELP, OPTION_TEXT, &p.preprocess.word, 0, 0},
        {"mean", "M", "subtracted from unit pixels: one number or three", OPTION_TEXT,
         &p.preprocess.mean, 0, 0},
        {"std", "S", "divides them then", OPTION_TEXT, &p.preprocess.deviation, 0, 0},
        {"data", "D", "class names; without an IMAGE also pictures, from its test half",
         OPTION_TEXT, &p.data, 0, 0},
        {"limit", "N", "pictures taken from --data (8)", OPTION_INT, &p.limit, 1, 1e6},
        {"storage", "T", "of activations and weights: float32 or float16 (float32)", OPTION_TEXT,
         &p.storage_word, 0, 0},
        {"dark-on-light", NULL, "the images show dark on light: invert them", OPTION_FLAG, &p.dark,
         0, 0},
        {"tune", NULL, "choose convolutions by timing, and keep the result", OPTION_FLAG, &p.tune,
         0, 0},
        {0},
    };
    int code = begin_command(command, options, &p.common, argc, argv, 1, -1, &arguments);
    if (code < 0 &&
        ((!p.weights && !is_onnx(arguments.items[0])) || (arguments.count < 2 && !p.data))) {
        fprintf(stderr, "clcnn predict: --weights (but for an ONNX file), and an IMAGE or --data, "
                        "are required\n");
        code = EXIT_USAGE;
    }
    if (code < 0 && (!parse_storage("predict", p.storage_word, &p.storage) ||
                     !preprocess_parse("predict", &p.preprocess) || (p.labels && !read_labels(&p))))
        code = EXIT_USAGE;
    if (code < 0)
        code = finish_command(command, predict(&p, &arguments));
    clcnn_session_destroy(&p.session);
    clcnn_model_destroy(&p.model);
    clcnn_device_destroy(&p.device);
    clcnn_dataset_clear(&p.test);
    free(p.names);
    free(p.names_text);
    free(arguments.items);
    return code;
}
