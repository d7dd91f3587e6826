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
    TRY(clcnn_onnx_affine_fits(x) ? clcnn_onnx_affine(node, x, scale, shift)
                                  : as_map(node, x, scale, shift));
done:
    free(scale);
    free(shift);
    return status;
}
