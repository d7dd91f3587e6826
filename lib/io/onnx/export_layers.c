/* Layers that read others whole: convolution, pooling, dense layers and what stands between. */
#include "io/onnx/export.h"

static int64_t at_least_one(int value)
{
    return value > 0 ? value : 1;
}

/* ---- functions of each element --------------------------------------------------------------- */

/* f(value); softmax is along `axis`. `part` NULL: the node is the layer itself. */
static int add_activation(struct clcnn_export *e, const char *part, int value,
                          enum clcnn_activation activation, float alpha, int axis)
{
    static const char *const types[] = {
        [CLCNN_ACTIVATION_RELU] = "Relu",       [CLCNN_ACTIVATION_LEAKY_RELU] = "LeakyRelu",
        [CLCNN_ACTIVATION_SIGMOID] = "Sigmoid", [CLCNN_ACTIVATION_TANH] = "Tanh",
        [CLCNN_ACTIVATION_SOFTMAX] = "Softmax",
    };
    if (activation == CLCNN_ACTIVATION_LINEAR && part)
        return value;
    if (activation == CLCNN_ACTIVATION_LINEAR)
        return clcnn_export_emit(e, "Identity", part, &value, 1);
    int y = clcnn_export_emit(e, types[activation], part, &value, 1);
    if (activation == CLCNN_ACTIVATION_LEAKY_RELU)
        clcnn_export_put_float(e, "alpha", alpha);
    if (activation == CLCNN_ACTIVATION_SOFTMAX)
        clcnn_export_put_int(e, "axis", axis);
    return y;
}

static int add_fused(struct clcnn_export *e, int value, enum clcnn_activation activation,
                     float alpha)
{
    return add_activation(e, clcnn_activation_name(activation), value, activation, alpha, -1);
}

/* The layer stands for each element of its first input, in this form. */
static void made_like_input(struct clcnn_export *e, enum clcnn_export_form form, int value)
{
    struct clcnn_export_written *y = &e->written[e->layer - e->model->layers];
    const struct clcnn_export_written *x = &e->written[e->layer->inputs[0]];
    for (int i = 0; i < 3; i++)
        y->image[i] = x->image[i];
    y->value[form] = value;
}

void clcnn_export_save_activation(struct clcnn_export *e)
{
    const struct clcnn_layer *layer = e->layer;
    enum clcnn_activation activation = layer->u.activation.activation;
    enum clcnn_export_form form = clcnn_export_form_of_inputs(e);
    int axis = layer->shape.rank - 1;
    if (activation == CLCNN_ACTIVATION_SOFTMAX && layer->shape.rank != 4)
        form = CLCNN_EXPORT_AS_IT_LIES;
    if (activation == CLCNN_ACTIVATION_SOFTMAX && layer->shape.rank == 4)
        axis = form == CLCNN_EXPORT_CHANNELS_FIRST ? 1 : 3;
    int x = clcnn_export_whole(e, layer->inputs[0], form);
    made_like_input(e, form,
                    add_activation(e, NULL, x, activation, layer->u.activation.alpha, axis));
}

void clcnn_export_save_dropout(struct clcnn_export *e)
{
    enum clcnn_export_form form = clcnn_export_form_of_inputs(e);
    double rate = (double)e->layer->u.rate;
    int inputs[] = {clcnn_export_whole(e, e->layer->inputs[0], form),
                    clcnn_export_put_scalar(e, "ratio", CLCNN_DTYPE_FLOAT32, rate)};
    made_like_input(e, form, clcnn_export_emit(e, "Dropout", NULL, inputs, 2));
}

void clcnn_export_save_add(struct clcnn_export *e)
{
    enum clcnn_export_form form = clcnn_export_form_of_inputs(e);
    int inputs[] = {clcnn_export_whole(e, e->layer->inputs[0], form),
                    clcnn_export_whole(e, e->layer->inputs[1], form)};
    made_like_input(e, form, clcnn_export_emit(e, "Add", NULL, inputs, 2));
}

void clcnn_export_save_concatenate(struct clcnn_export *e)
{
    const struct clcnn_layer *layer = e->layer;
    enum clcnn_export_form form =
        layer->shape.rank == 4 ? clcnn_export_form_of_inputs(e) : CLCNN_EXPORT_AS_IT_LIES;
    int axis = clcnn_export_axis_in(form, layer->shape.rank - 1);
    int *inputs = clcnn_export_keep(e, (size_t)layer->input_count, sizeof(*inputs));
    for (int i = 0; inputs && i < layer->input_count; i++)
        inputs[i] = form == CLCNN_EXPORT_CHANNELS_FIRST
                        ? clcnn_export_whole(e, layer->inputs[i], form)
                        : clcnn_export_as_it_lies(e, layer->inputs[i]);
    if (!inputs)
        return;
    clcnn_export_made(e, form, clcnn_export_emit(e, "Concat", NULL, inputs, layer->input_count));
    clcnn_export_put_int(e, "axis", axis);
}

/* ---- images ---------------------------------------------------------------------------------- */

static void put_windows(struct clcnn_export *e, const int size[2], const int strides[2],
                        const int pads[4])
{
    int64_t sizes[] = {size[0], size[1]};
    int64_t steps[] = {at_least_one(strides[0]), at_least_one(strides[1])};
    int64_t padding[] = {pads[0], pads[1], pads[2], pads[3]};
    clcnn_export_put_ints(e, "kernel_shape", sizes, 2);
    clcnn_export_put_ints(e, "strides", steps, 2);
    clcnn_export_put_ints(e, "pads", padding, 4);
}

/* [K][C/G][R][S] of our w[K][R][S][C/G]. */
static int put_filter(struct clcnn_export *e, const struct clcnn_weight *weight)
{
    const int64_t *dim = weight->shape.dim;
    const float *from = clcnn_tensor_const_data(weight->tensor);
    int64_t field = dim[1] * dim[2], depth = dim[3];
    struct clcnn_shape shape = {4, {dim[0], depth, dim[1], dim[2]}};
    float *to = clcnn_export_keep(e, (size_t)clcnn_tensor_count(weight->tensor), sizeof(*to));
    if (!to)
        return -1;
    for (int64_t k = 0; k < dim[0]; k++)
        for (int64_t i = 0; i < field; i++)
            for (int64_t c = 0; c < depth; c++)
                to[(k * depth + c) * field + i] = from[(k * field + i) * depth + c];
    return clcnn_export_put_tensor(e, "kernel", CLCNN_DTYPE_FLOAT32, &shape, to);
}

static int put_bias(struct clcnn_export *e)
{
    if (e->layer->bias < 0)
        return -1;
    const struct clcnn_weight *bias = &e->model->weights[e->layer->bias];
    return clcnn_export_put_tensor(e, "bias", CLCNN_DTYPE_FLOAT32, &bias->shape,
                                   clcnn_tensor_const_data(bias->tensor));
}

void clcnn_export_save_conv2d(struct clcnn_export *e)
{
    const struct clcnn_conv2d_params *p = &e->layer->u.conv2d;
    int64_t image[] = {p->height, p->width, p->channels};
    int64_t dilations[] = {at_least_one(p->dilation_rate[0]), at_least_one(p->dilation_rate[1])};
    bool biased = e->layer->bias >= 0;
    int inputs[] = {clcnn_export_image(e, e->layer->inputs[0], image),
                    put_filter(e, &e->model->weights[e->layer->kernel]), put_bias(e)};
    int y = clcnn_export_emit(e, "Conv", NULL, inputs, biased ? 3 : 2);
    put_windows(e, p->kernel, p->strides, p->pads);
    clcnn_export_put_ints(e, "dilations", dilations, 2);
    clcnn_export_put_int(e, "group", at_least_one(p->groups));
    clcnn_export_made(e, CLCNN_EXPORT_CHANNELS_FIRST,
                      add_fused(e, y, p->activation, p->activation_alpha));
}

void clcnn_export_save_pool2d(struct clcnn_export *e)
{
    const struct clcnn_pool2d_params *p = &e->layer->u.pool2d;
    int64_t image[] = {p->height, p->width, p->channels};
    bool max = p->mode == CLCNN_POOL_MODE_MAX;
    int x = clcnn_export_image(e, e->layer->inputs[0], image);
    if (p->global) { /* (None, C, 1, 1), and our vectors are (None, C) */
        int y = clcnn_export_emit(e, max ? "GlobalMaxPool" : "GlobalAveragePool", NULL, &x, 1);
        clcnn_export_made(e, CLCNN_EXPORT_AS_IT_LIES,
                          clcnn_export_emit(e, "Flatten", "flatten", &y, 1));
        return;
    }
    int y = clcnn_export_emit(e, max ? "MaxPool" : "AveragePool", NULL, &x, 1);
    put_windows(e, p->size, p->strides, p->pads);
    if (!max)
        clcnn_export_put_int(e, "count_include_pad", 0);
    clcnn_export_made(e, CLCNN_EXPORT_CHANNELS_FIRST, y);
}

/* ---- vectors --------------------------------------------------------------------------------- */

/* The features of a flattened image stay in the file's order: dense layers turn their weights. */
static int flatten_first(struct clcnn_export *e, int layer, const char *part, int64_t image[3])
{
    const struct clcnn_shape *shape = &e->model->layers[layer].shape;
    int x = e->written[layer].value[CLCNN_EXPORT_CHANNELS_FIRST];
    for (int i = 0; i < 3; i++)
        image[i] = shape->dim[1 + i];
    return clcnn_export_emit(e, "Flatten", part, &x, 1);
}

static bool is_first(const struct clcnn_export *e, int layer)
{
    return e->written[layer].value[CLCNN_EXPORT_CHANNELS_FIRST] >= 0;
}

void clcnn_export_save_flatten(struct clcnn_export *e)
{
    int input = e->layer->inputs[0];
    struct clcnn_export_written *w = &e->written[e->layer - e->model->layers];
    int rank = e->model->layers[input].shape.rank;
    if (is_first(e, input) && rank == 4) {
        int y = flatten_first(e, input, NULL, w->image);
        bool same = w->image[0] * w->image[1] == 1 || w->image[2] == 1;
        clcnn_export_made(e, same ? CLCNN_EXPORT_AS_IT_LIES : CLCNN_EXPORT_CHANNELS_FIRST, y);
        return;
    }
    enum clcnn_export_form form =
        is_first(e, input) ? CLCNN_EXPORT_CHANNELS_FIRST : CLCNN_EXPORT_AS_IT_LIES;
    int x = form == CLCNN_EXPORT_CHANNELS_FIRST ? e->written[input].value[form]
                                                : clcnn_export_as_it_lies(e, input);
    made_like_input(e, form, clcnn_export_emit(e, "Flatten", NULL, &x, 1));
}

/* [U][C H W] of w[U][H W C]; `image` NULL: unchanged. */
static int put_matrix(struct clcnn_export *e, const int64_t *image)
{
    const struct clcnn_weight *weight = &e->model->weights[e->layer->kernel];
    const float *from = clcnn_tensor_const_data(weight->tensor);
    if (!image)
        return clcnn_export_put_tensor(e, "kernel", CLCNN_DTYPE_FLOAT32, &weight->shape, from);
    int64_t units = weight->shape.dim[0], field = image[0] * image[1], channels = image[2];
    float *to = clcnn_export_keep(e, (size_t)clcnn_tensor_count(weight->tensor), sizeof(*to));
    if (!to)
        return -1;
    for (int64_t u = 0; u < units; u++, to += field * channels, from += field * channels)
        for (int64_t i = 0; i < field; i++)
            for (int64_t c = 0; c < channels; c++)
                to[c * field + i] = from[i * channels + c];
    return clcnn_export_put_tensor(e, "kernel", CLCNN_DTYPE_FLOAT32, &weight->shape,
                                   to - units * field * channels);
}

static int add_gemm(struct clcnn_export *e, int x, const int64_t *image)
{
    int inputs[] = {x, put_matrix(e, image), put_bias(e)};
    int y = clcnn_export_emit(e, "Gemm", NULL, inputs, e->layer->bias >= 0 ? 3 : 2);
    clcnn_export_put_int(e, "transB", 1);
    return y;
}

/* Products of more than two dimensions, with [F][U]. */
static int add_matmul(struct clcnn_export *e, int x)
{
    const struct clcnn_weight *weight = &e->model->weights[e->layer->kernel];
    const float *from = clcnn_tensor_const_data(weight->tensor);
    int64_t units = weight->shape.dim[0], features = weight->shape.dim[1];
    struct clcnn_shape shape = {2, {features, units}};
    float *to = clcnn_export_keep(e, (size_t)(units * features), sizeof(*to));
    if (!to)
        return -1;
    for (int64_t u = 0; u < units; u++)
        for (int64_t f = 0; f < features; f++)
            to[f * units + u] = from[u * features + f];
    int inputs[] = {x, clcnn_export_put_tensor(e, "kernel", CLCNN_DTYPE_FLOAT32, &shape, to)};
    int y = clcnn_export_emit(e, "MatMul", NULL, inputs, 2);
    if (e->layer->bias < 0)
        return y;
    int sum[] = {y, put_bias(e)};
    return clcnn_export_emit(e, "Add", "add", sum, 2);
}

void clcnn_export_save_dense(struct clcnn_export *e)
{
    const struct clcnn_layer *layer = e->layer;
    int input = layer->inputs[0], y;
    const struct clcnn_layer *source = &e->model->layers[input];
    struct clcnn_shape rows = layer->shape;
    rows.dim[rows.rank - 1] = layer->u.dense.features;
    bool vector = rows.rank == 2 && is_first(e, input);
    int64_t *image = e->written[input].image, flat[3];
    if (vector && source->shape.rank == 4 && source->shape.dim[0] == rows.dim[0])
        y = add_gemm(e, flatten_first(e, input, "flatten", flat), flat);
    else if (vector && source->shape.rank == 2)
        y = add_gemm(e, e->written[input].value[CLCNN_EXPORT_CHANNELS_FIRST], image);
    else if (rows.rank == 2)
        y = add_gemm(e, clcnn_export_shaped(e, input, &rows), NULL);
    else
        y = add_matmul(e, clcnn_export_shaped(e, input, &rows));
    clcnn_export_made(e, CLCNN_EXPORT_AS_IT_LIES,
                      add_fused(e, y, layer->u.dense.activation, layer->u.dense.alpha));
}
