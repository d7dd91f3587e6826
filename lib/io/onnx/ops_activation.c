/* Functions of one operand, and softmax. */
#include "io/onnx/import.h"
#include <math.h>

/* ---- layers that plans fuse ------------------------------------------------------------------ */

/* Whether the value is all of a layer's output, in whatever order of axes. */
static bool is_whole(const struct clcnn_onnx_node *node, const struct clcnn_onnx_value *x)
{
    int order[CLCNN_MAX_RANK];
    if (x->layer < 0 || clcnn_onnx_count(x) == 0)
        return false;
    clcnn_onnx_memory_order(&x->view, order);
    return clcnn_onnx_lies(&x->view, order,
                           clcnn_shape_count(&node->import->model->layers[x->layer].shape));
}

static enum clcnn_status add_activation(struct clcnn_onnx_node *node,
                                        const struct clcnn_onnx_value *x,
                                        enum clcnn_activation activation, float alpha)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value y = *x;
    struct clcnn_layer layer = {
        .kind = CLCNN_LAYER_ACTIVATION,
        .type = CLCNN_LAYER_TYPE_ACTIVATION,
        .class_name = node->op->type,
        .shape = node->import->model->layers[x->layer].shape,
        .kernel = -1,
        .bias = -1,
        .u.activation = {.activation = activation, .alpha = alpha},
    };
    TRY(clcnn_onnx_add_layer(node, &layer, &x->layer, NULL, 1, &y.layer));
    if (node->output_count > 0) {
        clcnn_onnx_output_view(node, 0, &y, &x->view);
        node->outputs[0].shape = x->shape;
    }
done:
    return status;
}

static enum clcnn_status map_floats(struct clcnn_onnx_node *node, enum clcnn_function function,
                                    float alpha, float beta)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_map_params map = {.function = function, .alpha = alpha, .beta = beta};
    TRY(clcnn_onnx_device_type(node->inputs[0].type, &map.type));
    map.to = map.type;
    TRY(clcnn_onnx_map(node, &map, &node->inputs[0], 1, node->inputs[0].type));
done:
    return status;
}

static enum clcnn_status activate(struct clcnn_onnx_node *node, enum clcnn_activation activation,
                                  enum clcnn_function function, float alpha)
{
    const struct clcnn_onnx_value *x = &node->inputs[0];
    bool fits = clcnn_onnx_is_float(x->type) && is_whole(node, x);
    return fits ? add_activation(node, x, activation, alpha)
                : map_floats(node, function, alpha, 0.0f);
}

enum clcnn_status clcnn_onnx_relu(struct clcnn_onnx_node *node)
{
    return activate(node, CLCNN_ACTIVATION_RELU, CLCNN_FUNCTION_RELU, 0.0f);
}

enum clcnn_status clcnn_onnx_sigmoid(struct clcnn_onnx_node *node)
{
    return activate(node, CLCNN_ACTIVATION_SIGMOID, CLCNN_FUNCTION_SIGMOID, 0.0f);
}

enum clcnn_status clcnn_onnx_tanh(struct clcnn_onnx_node *node)
{
    return activate(node, CLCNN_ACTIVATION_TANH, CLCNN_FUNCTION_TANH, 0.0f);
}

enum clcnn_status clcnn_onnx_leaky_relu(struct clcnn_onnx_node *node)
{
    float alpha = clcnn_onnx_float(node, "alpha", 0.01f);
    if (!(alpha > 0.0f && isfinite(alpha))) /* the layer's slope is positive */
        return map_floats(node, CLCNN_FUNCTION_LEAKY_RELU, alpha, 0.0f);
    return activate(node, CLCNN_ACTIVATION_LEAKY_RELU, CLCNN_FUNCTION_LEAKY_RELU, alpha);
}

/* ---- functions of one operand ---------------------------------------------------------------- */

#define FUNCTION(name, function, alpha, beta)                                                      \
    enum clcnn_status clcnn_onnx_##name(struct clcnn_onnx_node *node)                              \
    {                                                                                              \
        return map_floats(node, CLCNN_FUNCTION_##function, (alpha), (beta));                       \
    }
FUNCTION(abs, ABS, 0.0f, 0.0f)
FUNCTION(ceil, CEIL, 0.0f, 0.0f)
FUNCTION(celu, CELU, clcnn_onnx_float(node, "alpha", 1.0f), 0.0f)
FUNCTION(cos, COS, 0.0f, 0.0f)
FUNCTION(elu, ELU, clcnn_onnx_float(node, "alpha", 1.0f), 0.0f)
FUNCTION(erf, ERF, 0.0f, 0.0f)
FUNCTION(exp, EXP, 0.0f, 0.0f)
FUNCTION(floor, FLOOR, 0.0f, 0.0f)
FUNCTION(hard_sigmoid, HARD_SIGMOID, clcnn_onnx_float(node, "alpha", 0.2f),
         clcnn_onnx_float(node, "beta", 0.5f))
FUNCTION(hard_swish, HARD_SWISH, 0.0f, 0.0f)
FUNCTION(log, LOG, 0.0f, 0.0f)
FUNCTION(mish, MISH, 0.0f, 0.0f)
FUNCTION(neg, NEG, 0.0f, 0.0f)
FUNCTION(reciprocal, RECIPROCAL, 0.0f, 0.0f)
FUNCTION(round, ROUND, 0.0f, 0.0f)
FUNCTION(selu, SELU, clcnn_onnx_float(node, "alpha", node->opset < 6 ? 1.6732f : 1.67326319f),
         clcnn_onnx_float(node, "gamma", node->opset < 6 ? 1.0507f : 1.05070102f))
FUNCTION(sign, SIGN, 0.0f, 0.0f)
FUNCTION(sin, SIN, 0.0f, 0.0f)
FUNCTION(softplus, SOFTPLUS, 0.0f, 0.0f)
FUNCTION(softsign, SOFTSIGN, 0.0f, 0.0f)
FUNCTION(sqrt, SQRT, 0.0f, 0.0f)
FUNCTION(thresholded_relu, THRESHOLDED_RELU, clcnn_onnx_float(node, "alpha", 1.0f), 0.0f)
#undef FUNCTION

enum clcnn_status clcnn_onnx_gelu(struct clcnn_onnx_node *node)
{
    static const char *const words[] = {"none", "tanh", NULL};
    int word = clcnn_onnx_word(node, "approximate", words);
    if (word < 0)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "'approximate' is an unknown word");
    return map_floats(node, word ? CLCNN_FUNCTION_GELU_TANH : CLCNN_FUNCTION_GELU, 0.0f, 0.0f);
}

static enum clcnn_status take_limit(struct clcnn_onnx_node *node, int input, const char *what,
                                    float *limit)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const float *value;
    int64_t count;
    if (!clcnn_onnx_given(node, input))
        return status;
    TRY(clcnn_onnx_need_floats(node, input, what, &value, &count));
    NODE_REQUIRE(count == 1, "its %s has %lld elements", what, (long long)count);
    *limit = *value;
done:
    return status;
}

enum clcnn_status clcnn_onnx_clip(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    float low = -INFINITY, high = INFINITY;
    NODE_SUPPORTS(clcnn_onnx_is_float(node->inputs[0].type), "it clips %s",
                  clcnn_onnx_type_name(node->inputs[0].type));
    if (node->opset < 11) {
        low = clcnn_onnx_float(node, "min", low);
        high = clcnn_onnx_float(node, "max", high);
    } else {
        TRY(take_limit(node, 1, "min", &low));
        TRY(take_limit(node, 2, "max", &high));
    }
    NODE_REQUIRE(!isnan(low) && !isnan(high), "a limit is not a number");
    TRY(map_floats(node, CLCNN_FUNCTION_CLIP, low, high));
done:
    return status;
}

/* ---- softmax --------------------------------------------------------------------------------- */

/* Softmax over the last axis of a layer that lies in this order. */
static enum clcnn_status softmax_last(struct clcnn_onnx_node *node,
                                      const struct clcnn_onnx_value *x, const int *order)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int input, index;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_ACTIVATION,
                                .type = CLCNN_LAYER_TYPE_ACTIVATION,
                                .class_name = node->op->type,
                                .shape = {.rank = x->shape.rank},
                                .kernel = -1,
                                .bias = -1,
                                .u.activation = {.activation = CLCNN_ACTIVATION_SOFTMAX}};
    for (int i = 0; i < x->shape.rank; i++)
        layer.shape.dim[i] = x->shape.dim[order[i]];
    TRY(clcnn_onnx_lay(node, x, order, &input));
    TRY(clcnn_onnx_add_layer(node, &layer, &input, NULL, 1, &index));
    clcnn_onnx_output_layer(node, 0, index, &x->shape, order, x->type);
done:
    return status;
}

/* The order of memory of x with `axis` moved to the end. */
static void order_ending_in(const struct clcnn_onnx_value *x, int axis, int order[CLCNN_MAX_RANK])
{
    int memory[CLCNN_MAX_RANK], kept = 0;
    clcnn_onnx_memory_order(&x->view, memory);
    for (int i = 0; i < x->shape.rank; i++)
        if (memory[i] != axis)
            order[kept++] = memory[i];
    order[kept] = axis;
}

/* Softmax, or its logarithm, over several axes. */
static enum clcnn_status softmax_over(struct clcnn_onnx_node *node,
                                      const struct clcnn_onnx_value *x, unsigned axes,
                                      bool logarithm)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value from = *x;
    struct clcnn_view view;
    int order[CLCNN_MAX_RANK], index;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_SOFTMAX,
                                .type = CLCNN_LAYER_TYPE_GENERAL,
                                .class_name = node->op->type,
                                .shape = {.rank = x->shape.rank},
                                .kernel = -1,
                                .bias = -1,
                                .u.softmax.logarithm = logarithm};
    if (from.layer < 0) {
        TRY(clcnn_onnx_lay(node, x, NULL, &from.layer));
        TRY(clcnn_view_dense(&x->shape, &from.view));
    }
    clcnn_onnx_memory_order(&from.view, order);
    for (int i = 0; i < x->shape.rank; i++) {
        layer.shape.dim[i] = x->shape.dim[order[i]];
        layer.u.softmax.axes |= axes >> order[i] & 1 ? 1u << i : 0;
    }
    TRY(clcnn_view_permute(&from.view, order, &view));
    TRY(clcnn_onnx_add_layer(node, &layer, &from.layer, &view, 1, &index));
    clcnn_onnx_output_layer(node, 0, index, &x->shape, order, x->type);
done:
    return status;
}

/* Until opset 12 the axes from `axis` on are one. */
static enum clcnn_status softmax(struct clcnn_onnx_node *node, bool logarithm)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value x = node->inputs[0];
    int axis, order[CLCNN_MAX_RANK];
    bool one_axis = node->opset >= 13;
    unsigned axes = 0;
    TRY(clcnn_onnx_axis(clcnn_onnx_int(node, "axis", one_axis ? -1 : 1), x.shape.rank, &axis));
    NODE_SUPPORTS(clcnn_onnx_is_float(x.type) && clcnn_onnx_count(&x) > 0,
                  "it needs floats, and some");
    TRY(clcnn_onnx_plain(node, &x));
    int64_t behind = 1;
    for (int i = axis + 1; i < x.shape.rank; i++)
        behind *= x.shape.dim[i];
    for (int i = axis; i < (one_axis ? axis + 1 : x.shape.rank); i++)
        axes |= 1u << i;
    if (logarithm || (!one_axis && behind > 1))
        return softmax_over(node, &x, axes, logarithm);
    order_ending_in(&x, axis, order);
    TRY(softmax_last(node, &x, order));
done:
    return status;
}

enum clcnn_status clcnn_onnx_softmax(struct clcnn_onnx_node *node)
{
    return softmax(node, false);
}

enum clcnn_status clcnn_onnx_log_softmax(struct clcnn_onnx_node *node)
{
    return softmax(node, true);
}
