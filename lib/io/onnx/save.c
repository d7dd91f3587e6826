/* A model as an ONNX graph. Layers of rank 4 are [N][H][W][C] here and (N, C, H, W) there. */
#include "base/memory.h"
#include "io/file.h"
#include "io/onnx/graph_writer.h"
#include "model/graph.h"
#include <clcnn/onnx.h>
#include <stdlib.h>
#include <string.h>

#define OPSET 17

struct exporter {
    struct clcnn_graph_writer w;
    const struct clcnn_model *model;
    const char **values; /* [layers]: the name of the output */
};

static const int64_t to_nchw[] = {0, 3, 1, 2}, to_nhwc[] = {0, 2, 3, 1};

/* ---- values ---------------------------------------------------------------------------------- */

static void add_transpose(struct exporter *e, const char *from, const int64_t perm[4],
                          const char *to)
{
    clcnn_graph_node(&e->w, "Transpose", to, &from, 1, to);
    clcnn_graph_ints(&e->w, "perm", perm, 4);
}

/* A Reshape to the sizes, 0 = as it is. */
static void add_reshape(struct exporter *e, const char *from, const int64_t *sizes, size_t count,
                        const char *to)
{
    char *shape = clcnn_graph_text(&e->w, "%s/shape", to ? to : "");
    clcnn_graph_integers(&e->w, shape ? shape : "", sizes, count);
    const char *inputs[] = {from, shape ? shape : ""};
    clcnn_graph_node(&e->w, "Reshape", to, inputs, 2, to);
}

/* The name of what a layer's activation is applied to, and of its output. */
static const char *value_of(struct exporter *e, int layer)
{
    const struct clcnn_model *model = e->model;
    for (int i = 0; i < model->output_count; i++) {
        const struct clcnn_model_port *port = &model->outputs[i];
        bool direct = port->layer == layer &&
                      (port->channels_first || port->port.shape.rank != 4) &&
                      port->port.shape.rank == model->layers[layer].shape.rank;
        if (direct)
            return port->name;
    }
    return clcnn_graph_text(&e->w, "%s/output", model->layers[layer].name);
}

/* An input as an image of these sizes, whatever it was before. */
static const char *image_of(struct exporter *e, const struct clcnn_layer *layer, int channels,
                            int height, int width)
{
    int input = layer->inputs[0];
    const struct clcnn_shape *shape = &e->model->layers[input].shape;
    const int64_t sizes[] = {0, channels, height, width};
    if (shape->rank == 4 && shape->dim[3] == channels && shape->dim[1] == height &&
        shape->dim[2] == width)
        return e->values[input];
    const char *name = clcnn_graph_text(&e->w, "%s/image", layer->name);
    add_reshape(e, e->values[input], sizes, 4, name);
    return name;
}

/* An input as rows of vectors in the order of memory. */
static const char *vectors_of(struct exporter *e, const struct clcnn_layer *layer)
{
    int input = layer->inputs[0];
    if (e->model->layers[input].shape.rank != 4)
        return e->values[input];
    const char *name = clcnn_graph_text(&e->w, "%s/channels_last", layer->name);
    add_transpose(e, e->values[input], to_nhwc, name);
    return name;
}

/* ---- layers ---------------------------------------------------------------------------------- */

static enum clcnn_status add_activation(struct exporter *e, const char *name, const char *from,
                                        enum clcnn_activation activation, float alpha, int rank,
                                        const char *to)
{
    static const char *const types[] = {[CLCNN_ACTIVATION_LINEAR] = "Identity",
                                        [CLCNN_ACTIVATION_RELU] = "Relu",
                                        [CLCNN_ACTIVATION_LEAKY_RELU] = "LeakyRelu",
                                        [CLCNN_ACTIVATION_SIGMOID] = "Sigmoid",
                                        [CLCNN_ACTIVATION_TANH] = "Tanh",
                                        [CLCNN_ACTIVATION_SOFTMAX] = "Softmax"};
    clcnn_graph_node(&e->w, types[activation], name, &from, 1, to);
    if (activation == CLCNN_ACTIVATION_LEAKY_RELU)
        clcnn_graph_float(&e->w, "alpha", alpha);
    if (activation == CLCNN_ACTIVATION_SOFTMAX)
        clcnn_graph_int(&e->w, "axis", rank == 4 ? 1 : -1);
    return e->w.status;
}

/* Where a layer with a fused activation leaves its result: the activation's input, or the output
 * itself. */
static const char *before_activation(struct exporter *e, int index,
                                     enum clcnn_activation activation)
{
    if (activation == CLCNN_ACTIVATION_LINEAR)
        return e->values[index];
    return clcnn_graph_text(&e->w, "%s/linear", e->model->layers[index].name);
}

static enum clcnn_status end_activation(struct exporter *e, int index, const char *from,
                                        enum clcnn_activation activation, float alpha)
{
    const struct clcnn_layer *layer = &e->model->layers[index];
    char *name;
    if (activation == CLCNN_ACTIVATION_LINEAR)
        return e->w.status;
    name = clcnn_graph_text(&e->w, "%s/activation", layer->name);
    return add_activation(e, name, from, activation, alpha, layer->shape.rank, e->values[index]);
}

static const char *add_bias(struct exporter *e, const struct clcnn_layer *layer)
{
    const struct clcnn_weight *bias = &e->model->weights[layer->bias];
    clcnn_graph_floats(&e->w, bias->name, clcnn_tensor_shape(bias->tensor),
                       clcnn_tensor_const_data(bias->tensor));
    return bias->name;
}

/* [K][R][S][C/G] as (K, C/G, R, S). */
static const char *add_filter(struct exporter *e, const struct clcnn_layer *layer)
{
    const struct clcnn_weight *kernel = &e->model->weights[layer->kernel];
    const int64_t *dim = clcnn_tensor_shape(kernel->tensor)->dim;
    const float *from = clcnn_tensor_const_data(kernel->tensor);
    struct clcnn_shape shape = {4, {dim[0], dim[3], dim[1], dim[2]}};
    int64_t field = dim[1] * dim[2];
    float *to = clcnn_graph_take(&e->w, (size_t)clcnn_shape_count(&shape), sizeof(*to));
    for (int64_t k = 0; to && k < dim[0]; k++)
        for (int64_t c = 0; c < dim[3]; c++)
            for (int64_t i = 0; i < field; i++)
                to[(k * dim[3] + c) * field + i] = from[(k * field + i) * dim[3] + c];
    if (to)
        clcnn_graph_floats(&e->w, kernel->name, &shape, to);
    return kernel->name;
}

static void add_window(struct exporter *e, const int size[2], const int strides[2],
                       const int pads[4])
{
    clcnn_graph_ints(&e->w, "kernel_shape", (const int64_t[]){size[0], size[1]}, 2);
    clcnn_graph_ints(&e->w, "strides", (const int64_t[]){strides[0], strides[1]}, 2);
    clcnn_graph_ints(&e->w, "pads", (const int64_t[]){pads[0], pads[1], pads[2], pads[3]}, 4);
}

static enum clcnn_status add_conv2d(struct exporter *e, int index)
{
    const struct clcnn_layer *layer = &e->model->layers[index];
    const struct clcnn_conv2d_params *p = &layer->u.conv2d;
    const char *inputs[3] = {image_of(e, layer, p->channels, p->height, p->width),
                             add_filter(e, layer)};
    size_t count = 2;
    if (layer->bias >= 0)
        inputs[count++] = add_bias(e, layer);
    const char *to = before_activation(e, index, p->activation);
    if (e->w.status != CLCNN_STATUS_OK)
        return e->w.status;
    clcnn_graph_node(&e->w, "Conv", layer->name, inputs, count, to);
    add_window(e, p->kernel, p->strides, p->pads);
    clcnn_graph_ints(&e->w, "dilations",
                     (const int64_t[]){p->dilation_rate[0], p->dilation_rate[1]}, 2);
    clcnn_graph_int(&e->w, "group", p->groups);
    return end_activation(e, index, to, p->activation, p->activation_alpha);
}

static enum clcnn_status add_pool2d(struct exporter *e, int index)
{
    const struct clcnn_layer *layer = &e->model->layers[index];
    const struct clcnn_pool2d_params *p = &layer->u.pool2d;
    bool max = p->mode == CLCNN_POOL_MODE_MAX;
    const char *from = image_of(e, layer, p->channels, p->height, p->width);
    if (!p->global) {
        clcnn_graph_node(&e->w, max ? "MaxPool" : "AveragePool", layer->name, &from, 1,
                         e->values[index]);
        add_window(e, p->size, p->strides, p->pads);
        return e->w.status;
    }
    const char *pooled = clcnn_graph_text(&e->w, "%s/pooled", layer->name);
    clcnn_graph_node(&e->w, max ? "GlobalMaxPool" : "GlobalAveragePool", layer->name, &from, 1,
                     pooled);
    clcnn_graph_node(&e->w, "Flatten", pooled, &pooled, 1, e->values[index]);
    return e->w.status;
}

static enum clcnn_status add_dense(struct exporter *e, int index)
{
    const struct clcnn_layer *layer = &e->model->layers[index];
    const struct clcnn_weight *kernel = &e->model->weights[layer->kernel];
    const char *from = vectors_of(e, layer);
    const struct clcnn_shape *x = &e->model->layers[layer->inputs[0]].shape;
    if (layer->shape.rank != 2)
        return clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                          "layer '%s' multiplies more than one vector of an image", layer->name);
    if (x->rank != 2 || x->dim[1] != layer->u.dense.features) {
        const char *flat = clcnn_graph_text(&e->w, "%s/vectors", layer->name);
        clcnn_graph_node(&e->w, "Flatten", flat, &from, 1, flat);
        from = flat;
    }
    const char *inputs[3] = {from, kernel->name};
    clcnn_graph_floats(&e->w, kernel->name, clcnn_tensor_shape(kernel->tensor),
                       clcnn_tensor_const_data(kernel->tensor));
    size_t count = 2;
    if (layer->bias >= 0)
        inputs[count++] = add_bias(e, layer);
    const char *to = before_activation(e, index, layer->u.dense.activation);
    if (e->w.status != CLCNN_STATUS_OK)
        return e->w.status;
    clcnn_graph_node(&e->w, "Gemm", layer->name, inputs, count, to);
    clcnn_graph_int(&e->w, "transB", 1);
    return end_activation(e, index, to, layer->u.dense.activation, layer->u.dense.alpha);
}

static enum clcnn_status add_merge(struct exporter *e, int index, const char *type)
{
    const struct clcnn_layer *layer = &e->model->layers[index];
    const char **inputs = clcnn_graph_take(&e->w, (size_t)layer->input_count, sizeof(*inputs));
    for (int i = 0; inputs && i < layer->input_count; i++)
        inputs[i] = e->values[layer->inputs[i]];
    if (!inputs)
        return e->w.status;
    clcnn_graph_node(&e->w, type, layer->name, inputs, (size_t)layer->input_count,
                     e->values[index]);
    if (layer->kind == CLCNN_LAYER_CONCATENATE)
        clcnn_graph_int(&e->w, "axis", layer->shape.rank == 4 ? 1 : layer->shape.rank - 1);
    return e->w.status;
}

static enum clcnn_status add_dropout(struct exporter *e, int index)
{
    static const struct clcnn_shape scalar = {0};
    const struct clcnn_layer *layer = &e->model->layers[index];
    const char *ratio = clcnn_graph_text(&e->w, "%s/ratio", layer->name);
    if (!ratio)
        return e->w.status;
    clcnn_graph_floats(&e->w, ratio, &scalar, &layer->u.rate);
    const char *inputs[] = {e->values[layer->inputs[0]], ratio};
    clcnn_graph_node(&e->w, "Dropout", layer->name, inputs, 2, e->values[index]);
    return e->w.status;
}

static enum clcnn_status add_input(struct exporter *e, int index)
{
    const struct clcnn_layer *layer = &e->model->layers[index];
    int port = 0;
    while (e->model->inputs[port].layer != index)
        port++;
    const struct clcnn_model_port *p = &e->model->inputs[port];
    clcnn_graph_port(&e->w, false, p->name, &p->port.shape);
    if (layer->shape.rank == 4 && !p->channels_first) {
        e->values[index] = clcnn_graph_text(&e->w, "%s/channels_first", p->name);
        add_transpose(e, p->name, to_nchw, e->values[index]);
    } else {
        e->values[index] = p->name;
    }
    return e->w.status;
}

static enum clcnn_status add_layer(struct exporter *e, int index)
{
    const struct clcnn_layer *layer = &e->model->layers[index];
    if (layer->kind == CLCNN_LAYER_INPUT)
        return add_input(e, index);
    e->values[index] = value_of(e, index);
    if (!e->values[index])
        return e->w.status;
    switch (layer->kind) {
    case CLCNN_LAYER_CONV2D:
        return add_conv2d(e, index);
    case CLCNN_LAYER_POOL2D:
        return add_pool2d(e, index);
    case CLCNN_LAYER_DENSE:
        return add_dense(e, index);
    case CLCNN_LAYER_FLATTEN: {
        const char *from = vectors_of(e, layer);
        clcnn_graph_node(&e->w, "Flatten", layer->name, &from, 1, e->values[index]);
        return e->w.status;
    }
    case CLCNN_LAYER_ACTIVATION:
        return add_activation(e, layer->name, e->values[layer->inputs[0]],
                              layer->u.activation.activation, layer->u.activation.alpha,
                              layer->shape.rank, e->values[index]);
    case CLCNN_LAYER_DROPOUT:
        return add_dropout(e, index);
    case CLCNN_LAYER_ADD:
        return add_merge(e, index, "Add");
    case CLCNN_LAYER_CONCATENATE:
        return add_merge(e, index, "Concat");
    default:
        return clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "layer '%s' (%s) cannot be written yet",
                          layer->name, layer->class_name ? layer->class_name : "?");
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Channels-last results, and those that a file numbers by other axes than their layer. */
static enum clcnn_status add_output(struct exporter *e, const struct clcnn_model_port *port)
{
    const char *from = e->values[port->layer];
    const struct clcnn_shape *shape = &port->port.shape;
    int rank = e->model->layers[port->layer].shape.rank;
    int64_t sizes[CLCNN_MAX_RANK];
    if (port->port.dtype != CLCNN_DTYPE_FLOAT32)
        return clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "output '%s' is not float32", port->name);
    clcnn_graph_port(&e->w, true, port->name, shape);
    if (strcmp(from, port->name) == 0)
        return e->w.status;
    if (rank == 4 && !port->channels_first) {
        const char *last = rank == shape->rank
                               ? port->name
                               : clcnn_graph_text(&e->w, "%s/channels_last", port->name);
        add_transpose(e, from, to_nhwc, last);
        from = last;
    }
    if (rank != shape->rank) {
        for (int i = 0; i < shape->rank; i++)
            sizes[i] = shape->dim[i] == CLCNN_DIM_BATCH ? 0 : shape->dim[i];
        add_reshape(e, from, sizes, (size_t)shape->rank, port->name);
    }
    return e->w.status;
}

static enum clcnn_status write_file(const char *path, const unsigned char *data, size_t size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_file_writer file = {0};
    TRY(clcnn_file_create(path, &file));
    TRY(clcnn_file_write(&file, data, size));
    TRY(clcnn_file_commit(&file));
done:
    clcnn_file_discard(&file);
    return status;
}

enum clcnn_status clcnn_onnx_save(const struct clcnn_model *model, const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct exporter e = {.model = model};
    unsigned char *data = NULL;
    size_t size = 0;
    REQUIRE(model && model->finished, "onnx: the model is NULL or not finished");
    REQUIRE(path && *path, "onnx: the path is NULL or empty");
    TRY(clcnn_alloc(model->layer_count, sizeof(*e.values), &e.values));
    for (size_t i = 0; i < model->layer_count; i++)
        TRY(add_layer(&e, (int)i));
    for (int i = 0; i < model->output_count; i++)
        TRY(add_output(&e, &model->outputs[i]));
    TRY(clcnn_graph_pack(&e.w, model->name, OPSET, &data, &size));
    TRY(write_file(path, data, size));
done:
    clcnn_graph_clear(&e.w);
    free(e.values);
    free(data);
    return status;
}
