#include "model/builder.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A node is tag * 2^20 + index. */
#define INDEX_BITS 20
#define MAX_LAYERS (1 << INDEX_BITS)

const struct clcnn_layer_type_names clcnn_layer_types[CLCNN_LAYER_TYPE_COUNT] = {
    [CLCNN_LAYER_TYPE_INPUT] = {"input_layer", "InputLayer"},
    [CLCNN_LAYER_TYPE_CONV2D] = {"conv2d", "Conv2D"},
    [CLCNN_LAYER_TYPE_MAX_POOL2D] = {"max_pooling2d", "MaxPooling2D"},
    [CLCNN_LAYER_TYPE_AVERAGE_POOL2D] = {"average_pooling2d", "AveragePooling2D"},
    [CLCNN_LAYER_TYPE_GLOBAL_MAX_POOL2D] = {"global_max_pooling2d", "GlobalMaxPooling2D"},
    [CLCNN_LAYER_TYPE_GLOBAL_AVERAGE_POOL2D] = {"global_average_pooling2d",
                                                "GlobalAveragePooling2D"},
    [CLCNN_LAYER_TYPE_DENSE] = {"dense", "Dense"},
    [CLCNN_LAYER_TYPE_FLATTEN] = {"flatten", "Flatten"},
    [CLCNN_LAYER_TYPE_ACTIVATION] = {"activation", "Activation"},
    [CLCNN_LAYER_TYPE_DROPOUT] = {"dropout", "Dropout"},
    [CLCNN_LAYER_TYPE_ADD] = {"add", "Add"},
    [CLCNN_LAYER_TYPE_CONCATENATE] = {"concatenate", "Concatenate"},
    [CLCNN_LAYER_TYPE_GENERAL] = {"layer", "Layer"},
};

static enum clcnn_layer_kind kind_of(enum clcnn_layer_type type)
{
    static const enum clcnn_layer_kind kinds[CLCNN_LAYER_TYPE_COUNT] = {
        [CLCNN_LAYER_TYPE_INPUT] = CLCNN_LAYER_INPUT,
        [CLCNN_LAYER_TYPE_CONV2D] = CLCNN_LAYER_CONV2D,
        [CLCNN_LAYER_TYPE_MAX_POOL2D] = CLCNN_LAYER_POOL2D,
        [CLCNN_LAYER_TYPE_AVERAGE_POOL2D] = CLCNN_LAYER_POOL2D,
        [CLCNN_LAYER_TYPE_GLOBAL_MAX_POOL2D] = CLCNN_LAYER_POOL2D,
        [CLCNN_LAYER_TYPE_GLOBAL_AVERAGE_POOL2D] = CLCNN_LAYER_POOL2D,
        [CLCNN_LAYER_TYPE_DENSE] = CLCNN_LAYER_DENSE,
        [CLCNN_LAYER_TYPE_FLATTEN] = CLCNN_LAYER_FLATTEN,
        [CLCNN_LAYER_TYPE_ACTIVATION] = CLCNN_LAYER_ACTIVATION,
        [CLCNN_LAYER_TYPE_DROPOUT] = CLCNN_LAYER_DROPOUT,
        [CLCNN_LAYER_TYPE_ADD] = CLCNN_LAYER_ADD,
        [CLCNN_LAYER_TYPE_CONCATENATE] = CLCNN_LAYER_CONCATENATE,
    };
    return kinds[type];
}

static bool name_taken(const struct clcnn_model *model, const char *name)
{
    for (size_t i = 0; i < model->layer_count; i++)
        if (strcmp(model->layers[i].name, name) == 0)
            return true;
    return false;
}

static enum clcnn_status name_automatically(struct clcnn_builder *b)
{
    char name[64];
    const char *stem = clcnn_layer_types[b->layer.type].stem;
    do {
        int count = b->model->automatic_names[b->layer.type]++;
        if (count == 0)
            snprintf(name, sizeof(name), "%s", stem);
        else
            snprintf(name, sizeof(name), "%s_%d", stem, count);
    } while (name_taken(b->model, name));
    return clcnn_copy_string(name, &b->layer.name);
}

static enum clcnn_status name_layer(struct clcnn_builder *b, const char *name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const char *stem = clcnn_layer_types[b->layer.type].stem;
    if (!name)
        return name_automatically(b);
    REQUIRE(*name && strlen(name) <= CLCNN_NAME_MAX,
            "%s: the layer's name is empty or longer than %d", stem, CLCNN_NAME_MAX);
    REQUIRE(clcnn_utf8_valid(name), "%s: the layer's name is not UTF-8", stem);
    REQUIRE(!strchr(name, '/'), "%s: the layer's name '%s' contains '/'", stem, name);
    REQUIRE(!name_taken(b->model, name), "%s: the name '%s' is already taken by another layer",
            stem, name);
    TRY(clcnn_copy_string(name, &b->layer.name));
done:
    return status;
}

enum clcnn_status clcnn_model_find_node(const struct clcnn_model *model, clcnn_node node,
                                        const char *what, int *index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(node >= 0, "%s: node %d is invalid", what, node);
    REQUIRE(node >> INDEX_BITS == model->tag &&
                (size_t)(node & (MAX_LAYERS - 1)) < model->layer_count,
            "%s: node %d is not of model '%s'", what, node, model->name);
    *index = node & (MAX_LAYERS - 1);
done:
    return status;
}

static enum clcnn_status take_inputs(struct clcnn_builder *b, const clcnn_node *inputs, int count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_alloc((size_t)count, sizeof(*b->layer.inputs), &b->layer.inputs));
    b->layer.input_count = count;
    for (int i = 0; i < count; i++)
        TRY(clcnn_model_find_node(b->model, inputs[i], b->layer.name, &b->layer.inputs[i]));
    if (count)
        b->x = &b->model->layers[b->layer.inputs[0]].shape;
done:
    return status;
}

enum clcnn_status clcnn_build_begin(struct clcnn_builder *b, struct clcnn_model *model,
                                    enum clcnn_layer_type type, const char *name,
                                    const clcnn_node *inputs, int input_count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    *b = (struct clcnn_builder){.model = model, .stray = true};
    b->layer.kind = kind_of(type);
    b->layer.type = type;
    b->layer.kernel = b->layer.bias = -1;
    REQUIRE(model, "%s: model is NULL", clcnn_layer_types[type].stem);
    REQUIRE(!model->finished, "%s: model '%s' is finished", clcnn_layer_types[type].stem,
            model->name);
    TRY(model->error);
    b->stray = false;
    TRY(name_layer(b, name));
    REQUIRE(model->layer_count < MAX_LAYERS, "%s: a model has at most %d layers", b->layer.name,
            MAX_LAYERS);
    TRY(take_inputs(b, inputs, input_count));
done:
    return status;
}

static enum clcnn_status push_layer(struct clcnn_builder *b)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_model *model = b->model;
    struct clcnn_shape one = b->layer.shape;
    one.dim[0] = (int64_t)sizeof(float);
    LAYER_REQUIRE(b, clcnn_shape_count(&one) >= 0, "the output has more than 2^63-1 bytes%s", "");
    TRY(clcnn_grow(&model->layers, &model->layer_capacity, model->layer_count + 1,
                   sizeof(*model->layers)));
    model->layers[model->layer_count++] = b->layer;
done:
    return status;
}

void clcnn_model_record_error(struct clcnn_model *model, enum clcnn_status error)
{
    if (model->error)
        return;
    model->error = error;
    clcnn_copy_string(clcnn_error_message(), &model->error_text);
}

clcnn_node clcnn_build_end(struct clcnn_builder *b, enum clcnn_status status)
{
    if (status == CLCNN_STATUS_OK)
        status = push_layer(b);
    if (status == CLCNN_STATUS_OK)
        return b->model->tag << INDEX_BITS | (int)(b->model->layer_count - 1);
    free(b->layer.name);
    free(b->layer.inputs);
    if (!b->stray)
        clcnn_model_record_error(b->model, status);
    return -1;
}

/* Its name cannot collide: none that the user gives contains '/'. */
static clcnn_node add_hidden_softmax(struct clcnn_model *model)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text name = {0};
    struct clcnn_builder b = {.model = model};
    int x = (int)(model->layer_count - 1);
    b.layer.kind = CLCNN_LAYER_ACTIVATION;
    b.layer.type = CLCNN_LAYER_TYPE_ACTIVATION;
    b.layer.kernel = b.layer.bias = -1;
    b.layer.shape = model->layers[x].shape;
    b.layer.u.activation.activation = CLCNN_ACTIVATION_SOFTMAX;
    b.layer.hidden = true;
    clcnn_text_add(&name, "%s/softmax", model->layers[x].name);
    TRY(clcnn_text_take(&name, &b.layer.name));
    TRY(clcnn_alloc(1, sizeof(*b.layer.inputs), &b.layer.inputs));
    b.layer.inputs[0] = x;
    b.layer.input_count = 1;
done:
    return clcnn_build_end(&b, status);
}

clcnn_node clcnn_build_end_activated(struct clcnn_builder *b, enum clcnn_status status,
                                     enum clcnn_activation activation)
{
    clcnn_node node = clcnn_build_end(b, status);
    return node >= 0 && activation == CLCNN_ACTIVATION_SOFTMAX ? add_hidden_softmax(b->model)
                                                               : node;
}

enum clcnn_status clcnn_build_weight(struct clcnn_builder *b, const char *part,
                                     const struct clcnn_weight *weight, int *index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_model *model = b->model;
    struct clcnn_text name = {0};
    struct clcnn_weight made = *weight;
    int64_t count = clcnn_shape_count(&weight->shape), total = 0, bytes = 0;
    LAYER_REQUIRE(b,
                  count >= 0 && !__builtin_add_overflow(model->parameter_count, count, &total) &&
                      !__builtin_mul_overflow(total, (int64_t)sizeof(float), &bytes),
                  "with its %s the model has more than 2^63-1 bytes of weights", part);
    clcnn_text_add(&name, "%s/%s", b->layer.name, part);
    TRY(clcnn_grow(&model->weights, &model->weight_capacity, model->weight_count + 1,
                   sizeof(*model->weights)));
    TRY(clcnn_text_take(&name, &made.name));
    *index = (int)model->weight_count;
    model->weights[model->weight_count++] = made;
    model->parameter_count = total;
done:
    clcnn_text_clear(&name);
    return status;
}
