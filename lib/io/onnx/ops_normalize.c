/* Normalisations. */
#include "io/onnx/affine.h"
#include <math.h>
#include <stdlib.h>

static enum clcnn_status take_channels(struct clcnn_onnx_node *node, int input, const char *what,
                                       int64_t channels, const float **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t count;
    TRY(clcnn_onnx_need_floats(node, input, what, out, &count));
    NODE_REQUIRE(count == channels, "its %s has %lld elements for %lld channels", what,
                 (long long)count, (long long)channels);
done:
    return status;
}

/* As a function of other ranks than images: y = x scale + shift, broadcast. */
static enum clcnn_status as_map(struct clcnn_onnx_node *node, const struct clcnn_onnx_value *x,
                                const float *scale, const float *shift)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensors[2] = {NULL, NULL};
    struct clcnn_onnx_value operands[3] = {*x};
    struct clcnn_map_params map = {.function = CLCNN_FUNCTION_MULTIPLY_ADD};
    const float *parts[] = {scale, shift};
    struct clcnn_shape shape = {.rank = x->shape.rank - 1, .dim = {x->shape.dim[1]}};
    for (int i = 1; i < shape.rank; i++)
        shape.dim[i] = 1;
    for (int k = 0; k < 2; k++) {
        TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &shape, &tensors[k]));
        for (int64_t c = 0; c < shape.dim[0]; c++)
            ((float *)clcnn_tensor_data(tensors[k]))[c] = parts[k][c];
        TRY(clcnn_onnx_keep_constant(node->import, x->type, &tensors[k], &operands[1 + k]));
    }
    TRY(clcnn_onnx_map(node, &map, operands, 3, x->type));
done:
    clcnn_tensor_destroy(&tensors[0]);
    clcnn_tensor_destroy(&tensors[1]);
    return status;
}

enum clcnn_status clcnn_onnx_batch_normalization(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    const float *gamma, *beta, *mean, *variance;
    float *scale = NULL, *shift = NULL;
    double epsilon = (double)clcnn_onnx_float(node, "epsilon", 1e-5f);
    NODE_REQUIRE(x->shape.rank >= 2, "its input is %s", clcnn_onnx_shape_words(&x->shape).text);
    NODE_SUPPORTS(clcnn_onnx_is_float(x->type), "it normalises %s", clcnn_onnx_type_name(x->type));
    NODE_SUPPORTS(!clcnn_onnx_int(node, "training_mode", 0), "it is in training mode");
    NODE_SUPPORTS(node->opset >= 9 || clcnn_onnx_int(node, "spatial", 1), "it is not spatial");
    int64_t channels = x->shape.dim[1];
    TRY(take_channels(node, 1, "scale", channels, &gamma));
    TRY(take_channels(node, 2, "B", channels, &beta));
    TRY(take_channels(node, 3, "mean", channels, &mean));
    TRY(take_channels(node, 4, "var", channels, &variance));
    TRY(clcnn_alloc((size_t)channels, sizeof(*scale), &scale));
    TRY(clcnn_alloc((size_t)channels, sizeof(*shift), &shift));
    for (int64_t c = 0; c < channels; c++) {
        double factor = (double)gamma[c] / sqrt((double)variance[c] + epsilon);
        scale[c] = (float)factor;
        shift[c] = (float)((double)beta[c] - factor * (double)mean[c]);
    }
    TRY(clcnn_onnx_affine_fits(node, x) ? clcnn_onnx_affine(node, x, scale, shift)
                                        : as_map(node, x, scale, shift));
done:
    free(scale);
    free(shift);
    return status;
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* x with scale and bias (may be NULL: none), both broadcast to it; axes are those of the file. */
static enum clcnn_status add_normalize(struct clcnn_onnx_node *node,
                                       const struct clcnn_normalize_params *params,
                                       const struct clcnn_onnx_value *scale,
                                       const struct clcnn_onnx_value *bias)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value operands[3] = {node->inputs[0]};
    const struct clcnn_onnx_value *x = &node->inputs[0];
    int order[CLCNN_MAX_RANK], layers[3], count = 1, index;
    struct clcnn_view views[3];
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_NORMALIZE,
                                .type = CLCNN_LAYER_TYPE_GENERAL,
                                .class_name = node->op->type,
                                .shape = {.rank = x->shape.rank},
                                .kernel = -1,
                                .bias = -1,
                                .u.normalize = *params};
    NODE_SUPPORTS(clcnn_onnx_is_float(x->type) && clcnn_onnx_count(x) > 0,
                  "it needs floats, and some");
    if (scale)
        operands[count++] = *scale;
    if (bias)
        operands[count++] = *bias;
    layer.u.normalize.axes = 0;
    for (int i = 0; i < count; i++) {
        TRY(clcnn_onnx_plain(node, &operands[i]));
        if (operands[i].layer < 0) {
            TRY(clcnn_onnx_lay(node, &operands[i], NULL, &operands[i].layer));
            TRY(clcnn_view_dense(&operands[i].shape, &operands[i].view));
        }
        layers[i] = operands[i].layer;
    }
    clcnn_onnx_memory_order(&operands[0].view, order);
    for (int i = 0; i < x->shape.rank; i++) {
        layer.shape.dim[i] = x->shape.dim[order[i]];
        layer.u.normalize.axes |= params->axes >> order[i] & 1 ? 1u << i : 0;
        layer.u.normalize.axis = params->axis == order[i] ? i : layer.u.normalize.axis;
    }
    for (int i = 0; i < count; i++) {
        TRY(clcnn_view_broadcast(&operands[i].view, &x->shape, &views[i]));
        TRY(clcnn_view_permute(&views[i], order, &views[i]));
    }
    TRY(clcnn_onnx_add_layer(node, &layer, layers, views, count, &index));
    clcnn_onnx_output_layer(node, 0, index, &x->shape, order, x->type);
done:
    return status;
}

enum clcnn_status clcnn_onnx_lrn(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t size = clcnn_onnx_int(node, "size", 0);
    struct clcnn_normalize_params params = {
        .normalization = CLCNN_NORMALIZATION_LOCAL_RESPONSE,
        .axis = 1,
        .size = (int)clcnn_min(clcnn_max(size, 0), INT32_MAX),
        .alpha = clcnn_onnx_float(node, "alpha", 1e-4f),
        .beta = clcnn_onnx_float(node, "beta", 0.75f),
        .k = clcnn_onnx_float(node, "bias", 1.0f),
    };
    NODE_REQUIRE(size >= 1, "'size' is %lld", (long long)size);
    NODE_REQUIRE(node->inputs[0].shape.rank >= 2, "its input is %s",
                 clcnn_onnx_shape_words(&node->inputs[0].shape).text);
    NODE_SUPPORTS(params.alpha > 0.0f && params.beta > 0.0f && params.k > 0.0f &&
                      isfinite(params.alpha) && isfinite(params.beta) && isfinite(params.k),
                  "alpha %g, beta %g, bias %g", (double)params.alpha, (double)params.beta,
                  (double)params.k);
    TRY(add_normalize(node, &params, NULL, NULL));
done:
    return status;
}

/* Vectors of the channels as (C, 1, ..., 1). */
static enum clcnn_status per_channel(struct clcnn_onnx_node *node, int input,
                                     struct clcnn_onnx_value *vector)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_shape *x = &node->inputs[0].shape;
    struct clcnn_shape shape = {.rank = x->rank - 1, .dim = {x->dim[1]}};
    for (int i = 1; i < shape.rank; i++)
        shape.dim[i] = 1;
    *vector = node->inputs[input];
    NODE_REQUIRE(clcnn_onnx_count(vector) == x->dim[1], "%s for %lld channels",
                 clcnn_onnx_shape_words(&vector->shape).text, (long long)x->dim[1]);
    TRY(clcnn_onnx_plain(node, vector));
    TRY(clcnn_view_reshape(&vector->view, &shape, &vector->view));
    vector->shape = shape;
done:
    return status;
}

static float positive_epsilon(struct clcnn_onnx_node *node, float fallback)
{
    float epsilon = clcnn_onnx_float(node, "epsilon", fallback);
    return epsilon > 0.0f && isfinite(epsilon) ? epsilon : 1e-30f; /* 0 would be the default */
}

enum clcnn_status clcnn_onnx_instance_normalization(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value scale, bias;
    struct clcnn_normalize_params params = {.epsilon = positive_epsilon(node, 1e-5f)};
    NODE_REQUIRE(node->inputs[0].shape.rank >= 3, "its input is %s",
                 clcnn_onnx_shape_words(&node->inputs[0].shape).text);
    for (int i = 2; i < node->inputs[0].shape.rank; i++)
        params.axes |= 1u << i;
    TRY(per_channel(node, 1, &scale));
    TRY(per_channel(node, 2, &bias));
    TRY(add_normalize(node, &params, &scale, &bias));
done:
    return status;
}

enum clcnn_status clcnn_onnx_layer_normalization(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_normalize_params params = {.epsilon = positive_epsilon(node, 1e-5f)};
    int axis;
    NODE_SUPPORTS(node->output_count == 1, "its mean and variance are asked for");
    TRY(clcnn_onnx_axis(clcnn_onnx_int(node, "axis", -1), node->inputs[0].shape.rank, &axis));
    for (int i = axis; i < node->inputs[0].shape.rank; i++)
        params.axes |= 1u << i;
    TRY(add_normalize(node, &params, &node->inputs[1],
                      clcnn_onnx_given(node, 2) ? &node->inputs[2] : NULL));
done:
    return status;
}
