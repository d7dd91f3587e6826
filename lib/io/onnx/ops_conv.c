/* Convolution, and the affine functions of channels that go into it. */
#include "io/onnx/affine.h"
#include "io/onnx/windows.h"
#include <string.h>

/* w[K][R][S][C/G] of the file's [K][C/G][R][S]. */
static void rearrange(const float *from, const struct clcnn_shape *to_shape, float *to)
{
    int64_t filters = to_shape->dim[0], depth = to_shape->dim[3];
    int64_t field = to_shape->dim[1] * to_shape->dim[2];
    for (int64_t k = 0; k < filters; k++)
        for (int64_t c = 0; c < depth; c++)
            for (int64_t i = 0; i < field; i++)
                to[(k * field + i) * depth + c] = from[(k * depth + c) * field + i];
}

static enum clcnn_status add_kernel(struct clcnn_onnx_node *node, const float *w,
                                    const struct clcnn_shape *shape, int *index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *kernel = NULL;
    TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, shape, &kernel));
    rearrange(w, shape, clcnn_tensor_data(kernel));
    TRY(clcnn_onnx_add_weight(node, "kernel", &kernel, index));
done:
    clcnn_tensor_destroy(&kernel);
    return status;
}

static enum clcnn_status add_bias(struct clcnn_onnx_node *node, int input, int64_t filters,
                                  int *index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *bias = NULL;
    const float *values;
    int64_t count;
    struct clcnn_shape shape = {1, {filters}};
    *index = -1;
    if (!clcnn_onnx_given(node, input))
        return status;
    TRY(clcnn_onnx_need_floats(node, input, "bias", &values, &count));
    NODE_REQUIRE(count == filters, "its bias has %lld elements for %lld filters", (long long)count,
                 (long long)filters);
    TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &shape, &bias));
    memcpy(clcnn_tensor_data(bias), values, (size_t)count * sizeof(*values));
    TRY(clcnn_onnx_add_weight(node, "bias", &bias, index));
done:
    clcnn_tensor_destroy(&bias);
    return status;
}

static enum clcnn_status check_filter(const struct clcnn_shape *x, const struct clcnn_shape *w,
                                      int64_t groups)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    NODE_REQUIRE(w->rank == x->rank, "its input %s and its filter %s differ in rank",
                 clcnn_onnx_shape_words(x).text, clcnn_onnx_shape_words(w).text);
    NODE_REQUIRE(groups >= 1 && groups <= INT32_MAX && x->dim[1] % groups == 0 &&
                     w->dim[0] % groups == 0 && w->dim[1] == x->dim[1] / groups && w->dim[0] > 0 &&
                     w->dim[1] > 0,
                 "%lld channels in %lld groups do not fit the filter %s", (long long)x->dim[1],
                 (long long)groups, clcnn_onnx_shape_words(w).text);
    NODE_REQUIRE(clcnn_shape_count(x) > 0 && clcnn_shape_count(x) / x->dim[0] <= INT32_MAX &&
                     clcnn_shape_count(w) / w->dim[0] <= INT32_MAX && x->dim[0] <= INT32_MAX &&
                     w->dim[0] <= INT32_MAX,
                 "its input %s or its filter %s is empty or too large",
                 clcnn_onnx_shape_words(x).text, clcnn_onnx_shape_words(w).text);
done:
    return status;
}

static struct clcnn_layer conv_layer(const struct clcnn_shape *x, const struct clcnn_shape *w,
                                     int64_t groups, const struct clcnn_onnx_windows2d *win)
{
    struct clcnn_layer layer = {
        .kind = CLCNN_LAYER_CONV2D,
        .type = CLCNN_LAYER_TYPE_CONV2D,
        .shape = {4, {x->dim[0], win->output[0], win->output[1], w->dim[0]}},
        .kernel = -1,
        .bias = -1,
        .u.conv2d = {
            .height = win->input[0],
            .width = win->input[1],
            .channels = (int)x->dim[1],
            .filters = (int)w->dim[0],
            .kernel = {win->size[0], win->size[1]},
            .strides = {win->strides[0], win->strides[1]},
            .dilation_rate = {win->dilation[0], win->dilation[1]},
            .groups = (int)groups,
            .padding = CLCNN_PADDING_EXPLICIT,
            .pads = {win->pads[0], win->pads[1], win->pads[2], win->pads[3]},
        }};
    return layer;
}

static bool strided_and_dilated(const struct clcnn_onnx_windows2d *w)
{
    return (w->strides[0] > 1 || w->strides[1] > 1) && (w->dilation[0] > 1 || w->dilation[1] > 1);
}

enum clcnn_status clcnn_onnx_conv(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_windows windows;
    struct clcnn_onnx_windows2d flat;
    const struct clcnn_onnx_value *x = &node->inputs[0], *w = &node->inputs[1];
    const float *filter;
    int64_t count, groups = clcnn_onnx_int(node, "group", 1);
    int input, index;
    NODE_SUPPORTS(clcnn_onnx_is_float(x->type) && w->type == x->type, "a convolution of %s",
                  clcnn_onnx_type_name(x->type));
    TRY(check_filter(&x->shape, &w->shape, groups));
    TRY(clcnn_onnx_read_windows(node, &x->shape, &w->shape.dim[2], false, &windows));
    if (windows.axes > 2 || !clcnn_onnx_known(node->import, &node->inputs[1]) ||
        (clcnn_onnx_given(node, 2) && !clcnn_onnx_known(node->import, &node->inputs[2])))
        return clcnn_onnx_conv_nd(node, &windows, groups);
    TRY(clcnn_onnx_windows_2d(&windows, &flat));
    if (strided_and_dilated(&flat))
        return clcnn_onnx_conv_nd(node, &windows, groups);
    TRY(clcnn_onnx_need_floats(node, 1, "filter", &filter, &count));
    TRY(clcnn_onnx_lay_image(node, x, &input));
    struct clcnn_layer layer = conv_layer(&x->shape, &w->shape, groups, &flat);
    struct clcnn_shape shape = {4, {w->shape.dim[0], flat.size[0], flat.size[1], w->shape.dim[1]}};
    TRY(add_kernel(node, filter, &shape, &layer.kernel));
    TRY(add_bias(node, 2, w->shape.dim[0], &layer.bias));
    TRY(clcnn_onnx_add_layer(node, &layer, &input, NULL, 1, &index));
    clcnn_onnx_output_image(node, index, x->shape.rank, x->type);
done:
    return status;
}

/* ---- y = scale[c] x + shift[c] --------------------------------------------------------------- */

static enum clcnn_status need_bias(struct clcnn_onnx_node *node, struct clcnn_layer *layer,
                                   int64_t filters)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *bias = NULL;
    struct clcnn_shape shape = {1, {filters}};
    if (layer->bias >= 0)
        return status;
    TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &shape, &bias));
    TRY(clcnn_assemble_weight(node->import->model, layer->name, "bias", &bias, &layer->bias));
done:
    clcnn_tensor_destroy(&bias);
    return status;
}

/* In double, as the weights are what everything after depends on. */
static void scale_filters(struct clcnn_tensor *kernel, struct clcnn_tensor *bias,
                          const float *scale, const float *shift)
{
    int64_t filters = clcnn_tensor_shape(kernel)->dim[0];
    int64_t row = clcnn_tensor_count(kernel) / filters;
    float *w = clcnn_tensor_data(kernel), *b = clcnn_tensor_data(bias);
    for (int64_t k = 0; k < filters; k++) {
        double factor = scale ? (double)scale[k] : 1.0, more = shift ? (double)shift[k] : 0.0;
        for (int64_t i = 0; i < row; i++)
            w[k * row + i] = (float)(factor * (double)w[k * row + i]);
        b[k] = (float)(factor * (double)b[k] + more);
    }
}

/* The convolution or dense layer that the function can go into. */
static struct clcnn_layer *foldable(const struct clcnn_onnx_node *node,
                                    const struct clcnn_onnx_value *x)
{
    bool vectors = x->shape.rank == 2;
    struct clcnn_layer *layer =
        clcnn_onnx_sole_layer(node, x, vectors ? CLCNN_LAYER_DENSE : CLCNN_LAYER_CONV2D);
    if (!layer || (vectors ? layer->u.dense.activation : layer->u.conv2d.activation))
        return NULL;
    const int *order = vectors ? NULL : clcnn_onnx_channels_last(x->shape.rank);
    return clcnn_onnx_lies(&x->view, order, clcnn_shape_count(&layer->shape)) &&
                   layer->shape.dim[layer->shape.rank - 1] == x->shape.dim[1]
               ? layer
               : NULL;
}

/* A convolution of one channel per group, whose weights are all `weight`. */
static enum clcnn_status add_depthwise(struct clcnn_onnx_node *node,
                                       const struct clcnn_onnx_value *x,
                                       const struct clcnn_onnx_windows2d *windows, float weight,
                                       int *index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *kernel = NULL;
    int64_t channels = x->shape.dim[1];
    struct clcnn_shape shape = {4, {channels, windows->size[0], windows->size[1], 1}};
    int input;
    struct clcnn_layer layer = conv_layer(&x->shape, &shape, channels, windows);
    layer.class_name = node->op->type;
    TRY(clcnn_onnx_lay_image(node, x, &input));
    TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &shape, &kernel));
    for (int64_t i = 0; i < clcnn_tensor_count(kernel); i++)
        ((float *)clcnn_tensor_data(kernel))[i] = weight;
    TRY(clcnn_onnx_add_weight(node, "kernel", &kernel, &layer.kernel));
    TRY(clcnn_onnx_add_layer(node, &layer, &input, NULL, 1, index));
    clcnn_onnx_output_image(node, *index, x->shape.rank, x->type);
done:
    clcnn_tensor_destroy(&kernel);
    return status;
}

enum clcnn_status clcnn_onnx_average_all(struct clcnn_onnx_node *node,
                                         const struct clcnn_onnx_windows2d *windows)
{
    int index;
    float weight = 1.0f / ((float)windows->size[0] * (float)windows->size[1]);
    return add_depthwise(node, &node->inputs[0], windows, weight, &index);
}

static enum clcnn_status add_scale(struct clcnn_onnx_node *node, const struct clcnn_onnx_value *x,
                                   const float *scale, const float *shift)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_windows2d one = {
        .input = {1, 1}, .size = {1, 1}, .strides = {1, 1}, .dilation = {1, 1}};
    struct clcnn_model *model = node->import->model;
    int index;
    for (int i = 2; i < x->shape.rank; i++)
        one.input[4 - x->shape.rank + i - 2] = (int)x->shape.dim[i];
    memcpy(one.output, one.input, sizeof(one.output));
    TRY(add_depthwise(node, x, &one, 1.0f, &index));
    TRY(need_bias(node, &model->layers[index], x->shape.dim[1]));
    scale_filters(model->weights[model->layers[index].kernel].tensor,
                  model->weights[model->layers[index].bias].tensor, scale, shift);
done:
    return status;
}

enum clcnn_status clcnn_onnx_affine(struct clcnn_onnx_node *node, const struct clcnn_onnx_value *x,
                                    const float *scale, const float *shift)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_model *model = node->import->model;
    struct clcnn_layer *layer = foldable(node, x);
    if (!layer)
        return add_scale(node, x, scale, shift);
    TRY(need_bias(node, layer, x->shape.dim[1]));
    scale_filters(model->weights[layer->kernel].tensor, model->weights[layer->bias].tensor, scale,
                  shift);
    clcnn_onnx_output_view(node, 0, x, &x->view);
done:
    return status;
}

bool clcnn_onnx_affine_fits(const struct clcnn_onnx_node *node, const struct clcnn_onnx_value *x)
{
    int64_t count = clcnn_onnx_count(x);
    int rank = x->shape.rank;
    if (x->layer < 0 || rank < 2 || rank > 4 || count <= 0 || count / x->shape.dim[0] > INT32_MAX)
        return false;
    return rank > 2 || foldable(node, x);
}
