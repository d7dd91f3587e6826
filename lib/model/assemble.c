#include "model/assemble.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

static bool taken(const struct clcnn_model *model, const char *name)
{
    for (size_t i = 0; i < model->layer_count; i++)
        if (strcmp(model->layers[i].name, name) == 0)
            return true;
    return false;
}

static enum clcnn_status name_layer(const struct clcnn_model *model, const char *name, char **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int i = 0;; i++) {
        struct clcnn_text text = {0};
        clcnn_text_add(&text, i ? "%s_%d" : "%s", name, i);
        TRY(clcnn_text_take(&text, out));
        if (!taken(model, *out))
            break;
        free(*out);
        *out = NULL;
    }
done:
    return status;
}

enum clcnn_status clcnn_assemble_layer(struct clcnn_model *model, const struct clcnn_layer *layer,
                                       const char *name, const int *inputs,
                                       const struct clcnn_view *views, int input_count, int *index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_layer made = *layer;
    int64_t count = clcnn_shape_count(&layer->shape), bytes = 0;
    made.name = NULL;
    made.inputs = NULL;
    made.views = NULL;
    made.input_count = input_count;
    REQUIRE(count >= 0 && !__builtin_mul_overflow(count, (int64_t)sizeof(double), &bytes),
            "the output has more than 2^63-1 bytes");
    TRY(clcnn_alloc((size_t)input_count, sizeof(*made.inputs), &made.inputs));
    if (input_count)
        memcpy(made.inputs, inputs, (size_t)input_count * sizeof(*inputs));
    if (views) {
        TRY(clcnn_alloc((size_t)input_count, sizeof(*made.views), &made.views));
        memcpy(made.views, views, (size_t)input_count * sizeof(*views));
    }
    TRY(name_layer(model, name, &made.name));
    TRY(clcnn_grow(&model->layers, &model->layer_capacity, model->layer_count + 1,
                   sizeof(*model->layers)));
    *index = (int)model->layer_count;
    model->layers[model->layer_count++] = made;
    made = (struct clcnn_layer){0};
done:
    free(made.name);
    free(made.inputs);
    free(made.views);
    return status;
}

enum clcnn_status clcnn_assemble_weight(struct clcnn_model *model, const char *name,
                                        const char *part, struct clcnn_tensor **tensor, int *index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    struct clcnn_weight weight = {.shape = *clcnn_tensor_shape(*tensor), .tensor = *tensor};
    clcnn_text_add(&text, "%s/%s", name, part);
    TRY(clcnn_grow(&model->weights, &model->weight_capacity, model->weight_count + 1,
                   sizeof(*model->weights)));
    TRY(clcnn_text_take(&text, &weight.name));
    *index = (int)model->weight_count;
    model->weights[model->weight_count++] = weight;
    *tensor = NULL;
done:
    clcnn_tensor_destroy(tensor);
    clcnn_text_clear(&text);
    return status;
}

enum clcnn_status clcnn_assemble_port(struct clcnn_model *model, bool output, const char *name,
                                      const struct clcnn_port *port, int layer, bool channels_first)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_model_port **ports = output ? &model->outputs : &model->inputs;
    int *count = output ? &model->output_count : &model->input_count;
    size_t capacity = (size_t)*count;
    TRY(clcnn_grow(ports, &capacity, (size_t)*count + 1, sizeof(**ports)));
    struct clcnn_model_port *made = &(*ports)[(*count)++];
    *made =
        (struct clcnn_model_port){.port = *port, .layer = layer, .channels_first = channels_first};
    TRY(clcnn_copy_string(name, &made->name));
    made->port.name = made->name;
done:
    return status;
}

/* ---- the end --------------------------------------------------------------------------------- */

static int only_reader(const struct clcnn_model *model, int layer)
{
    int reader = -1;
    for (size_t i = 0; i < model->layer_count; i++)
        for (int k = 0; k < model->layers[i].input_count; k++)
            if (model->layers[i].inputs[k] == layer) {
                if (reader >= 0)
                    return -1;
                reader = (int)i;
            }
    for (int i = 0; i < model->output_count; i++)
        if (model->outputs[i].layer == layer)
            return -1;
    return reader;
}

/* True for a copy of a whole dense [N][C][H][W] into [N][H][W][C]. */
static bool is_to_nhwc(const struct clcnn_layer *copy, const struct clcnn_layer *input)
{
    if (copy->kind != CLCNN_LAYER_MAP || copy->u.map.function != CLCNN_FUNCTION_COPY ||
        copy->dtype != input->dtype || copy->shape.rank != 4 || input->shape.rank != 4)
        return false;
    const int64_t *x = input->shape.dim, *y = copy->shape.dim;
    const int64_t strides[] = {x[1] * x[2] * x[3], x[3], 1, x[2] * x[3]};
    bool same = y[0] == x[0] && y[1] == x[2] && y[2] == x[3] && y[3] == x[1];
    for (int i = 0; i < 4; i++)
        same = same && (y[i] == 1 || copy->views[0].stride[i] == strides[i]);
    return same && copy->views[0].offset == 0;
}

/* With one channel both orders are the same memory: layers of images say what it is. */
static bool is_gray_image(const struct clcnn_model *model, int input)
{
    bool image = false;
    if (model->layers[input].shape.rank != 4 || model->layers[input].shape.dim[1] != 1)
        return false;
    for (size_t i = 0; i < model->layer_count; i++)
        for (int k = 0; k < model->layers[i].input_count; k++)
            if (model->layers[i].inputs[k] == input) {
                enum clcnn_layer_kind kind = model->layers[i].kind;
                if (kind != CLCNN_LAYER_CONV2D && kind != CLCNN_LAYER_POOL2D)
                    return false;
                image = true;
            }
    return image;
}

/* An input that is read through one such copy alone becomes channels-last itself: the plan then
 * converts the caller's array, and training reaches the layers behind it. */
static void convert_at_border(struct clcnn_model *model, struct clcnn_model_port *port)
{
    int reader = only_reader(model, port->layer);
    struct clcnn_layer *input = &model->layers[port->layer];
    if (is_gray_image(model, port->layer)) {
        const int64_t *x = input->shape.dim;
        input->shape = (struct clcnn_shape){4, {x[0], x[2], x[3], 1}};
        input->u.data_format = CLCNN_DATA_FORMAT_CHANNELS_FIRST;
        port->channels_first = true;
        return;
    }
    if (reader < 0 || !is_to_nhwc(&model->layers[reader], input))
        return;
    input->shape = model->layers[reader].shape;
    input->u.data_format = CLCNN_DATA_FORMAT_CHANNELS_FIRST;
    port->channels_first = true;
    for (size_t i = 0; i < model->layer_count; i++)
        for (int k = 0; k < model->layers[i].input_count; k++)
            if (model->layers[i].inputs[k] == reader)
                model->layers[i].inputs[k] = port->layer;
    for (int i = 0; i < model->output_count; i++)
        if (model->outputs[i].layer == reader)
            model->outputs[i].layer = port->layer;
}

static void count_parameters(struct clcnn_model *model)
{
    model->parameter_count = 0;
    for (size_t i = 0; i < model->weight_count; i++)
        model->parameter_count += clcnn_tensor_count(model->weights[i].tensor);
}

enum clcnn_status clcnn_assemble_finish(struct clcnn_model *model)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int i = 0; i < model->input_count; i++)
        convert_at_border(model, &model->inputs[i]);
    TRY(clcnn_assemble_compact(model));
    clcnn_assemble_batch(model);
    count_parameters(model);
    model->input = model->input_count ? model->inputs[0].layer : -1;
    model->output = model->outputs[0].layer;
    model->finished = true;
done:
    return status;
}
