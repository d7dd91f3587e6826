/* Pooling. */
#include "io/onnx/windows.h"

static enum clcnn_status check_image(const struct clcnn_shape *x)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t count = clcnn_shape_count(x);
    NODE_REQUIRE(x->rank >= 3, "its input %s has no spatial dimension",
                 clcnn_onnx_shape_words(x).text);
    NODE_REQUIRE(count > 0 && count / x->dim[0] <= INT32_MAX && x->dim[0] <= INT32_MAX,
                 "its input %s is empty or too large", clcnn_onnx_shape_words(x).text);
done:
    return status;
}

/* Whether the 2-D layer does it. */
static bool is_simple(struct clcnn_onnx_node *node, const struct clcnn_onnx_windows *w)
{
    bool simple = w->axes <= 2 && !(node->output_count > 1 && *node->proto->output[1]);
    for (int i = 0; i < w->axes; i++)
        simple =
            simple && w->dilation[i] == 1 && w->before[i] < w->size[i] && w->after[i] < w->size[i];
    return simple;
}

/* Whether an average counts its padding, and there is some. */
static bool counts_padding(struct clcnn_onnx_node *node, const struct clcnn_onnx_windows *w)
{
    bool padded = false;
    for (int i = 0; i < w->axes; i++)
        padded = padded || w->before[i] || w->after[i];
    return padded && clcnn_onnx_int(node, "count_include_pad", 0);
}

static enum clcnn_status add_pool(struct clcnn_onnx_node *node, enum clcnn_pool_mode mode,
                                  const struct clcnn_onnx_windows2d *w)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    bool max = mode == CLCNN_POOL_MODE_MAX;
    int input, index;
    struct clcnn_layer layer = {
        .kind = CLCNN_LAYER_POOL2D,
        .type = max ? CLCNN_LAYER_TYPE_MAX_POOL2D : CLCNN_LAYER_TYPE_AVERAGE_POOL2D,
        .shape = {4, {x->shape.dim[0], w->output[0], w->output[1], x->shape.dim[1]}},
        .kernel = -1,
        .bias = -1,
        .u.pool2d = {.mode = mode,
                     .height = w->input[0],
                     .width = w->input[1],
                     .channels = (int)x->shape.dim[1],
                     .size = {w->size[0], w->size[1]},
                     .strides = {w->strides[0], w->strides[1]},
                     .padding = CLCNN_PADDING_EXPLICIT,
                     .pads = {w->pads[0], w->pads[1], w->pads[2], w->pads[3]}}};
    TRY(clcnn_onnx_lay_image(node, x, &input));
    TRY(clcnn_onnx_add_layer(node, &layer, &input, NULL, 1, &index));
    clcnn_onnx_output_image(node, index, x->shape.rank, x->type);
done:
    return status;
}

static enum clcnn_status pool(struct clcnn_onnx_node *node, enum clcnn_pool_mode mode)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_windows windows;
    struct clcnn_onnx_windows2d flat;
    bool average = mode == CLCNN_POOL_MODE_AVERAGE;
    TRY(check_image(&node->inputs[0].shape));
    NODE_SUPPORTS(clcnn_onnx_is_float(node->inputs[0].type), "a pool of %s",
                  clcnn_onnx_type_name(node->inputs[0].type));
    TRY(clcnn_onnx_read_windows(node, &node->inputs[0].shape, NULL, true, &windows));
    bool counts = average && counts_padding(node, &windows);
    if (!is_simple(node, &windows) || (counts && windows.ceiled)) {
        struct clcnn_pool_nd_params params = {
            .mode = average ? CLCNN_POOL_ND_MODE_AVERAGE : CLCNN_POOL_ND_MODE_MAX,
            .include_pad = counts,
            .column_major = clcnn_onnx_int(node, "storage_order", 0) != 0};
        return clcnn_onnx_pool_nd(node, &windows, &params);
    }
    TRY(clcnn_onnx_windows_2d(&windows, &flat));
    TRY(counts ? clcnn_onnx_average_all(node, &flat) : add_pool(node, mode, &flat));
done:
    return status;
}

enum clcnn_status clcnn_onnx_max_pool(struct clcnn_onnx_node *node)
{
    return pool(node, CLCNN_POOL_MODE_MAX);
}

enum clcnn_status clcnn_onnx_average_pool(struct clcnn_onnx_node *node)
{
    return pool(node, CLCNN_POOL_MODE_AVERAGE);
}

static enum clcnn_status global_pool(struct clcnn_onnx_node *node, enum clcnn_pool_mode mode)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    bool max = mode == CLCNN_POOL_MODE_MAX;
    int input, index;
    TRY(check_image(&x->shape));
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_POOL2D,
                                .type = max ? CLCNN_LAYER_TYPE_GLOBAL_MAX_POOL2D
                                            : CLCNN_LAYER_TYPE_GLOBAL_AVERAGE_POOL2D,
                                .shape = {2, {x->shape.dim[0], x->shape.dim[1]}},
                                .kernel = -1,
                                .bias = -1,
                                .u.pool2d = {.mode = mode,
                                             .height = 1,
                                             .width = 1,
                                             .channels = (int)x->shape.dim[1],
                                             .global = true}};
    struct clcnn_shape shape = {.rank = x->shape.rank, .dim = {x->shape.dim[0], x->shape.dim[1]}};
    for (int i = 2; i < x->shape.rank; i++) {
        shape.dim[i] = 1;
        if (i == 2)
            layer.u.pool2d.height = (int)x->shape.dim[i];
        else
            layer.u.pool2d.width *= (int)x->shape.dim[i];
    }
    TRY(clcnn_onnx_lay_image(node, x, &input));
    TRY(clcnn_onnx_add_layer(node, &layer, &input, NULL, 1, &index));
    clcnn_onnx_output_layer(node, 0, index, &shape, NULL, x->type);
done:
    return status;
}

enum clcnn_status clcnn_onnx_global_max_pool(struct clcnn_onnx_node *node)
{
    return global_pool(node, CLCNN_POOL_MODE_MAX);
}

enum clcnn_status clcnn_onnx_global_average_pool(struct clcnn_onnx_node *node)
{
    return global_pool(node, CLCNN_POOL_MODE_AVERAGE);
}
