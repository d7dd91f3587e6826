/* Gathering: a slice where the indices allow it, a layer where they do not. */
#include "io/onnx/import.h"
#include <string.h>

static enum clcnn_status gather_constants(struct clcnn_onnx_node *node, int axis,
                                          const int64_t *indices, int64_t count,
                                          const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *y = NULL;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    bool floats = clcnn_onnx_is_float(x->type);
    const void *from;
    size_t inner = floats ? 4 : 8;
    int64_t outer = 1, size = x->shape.dim[axis];
    for (int i = 0; i < axis; i++)
        outer *= x->shape.dim[i];
    for (int i = axis + 1; i < x->shape.rank; i++)
        inner *= (size_t)x->shape.dim[i];
    TRY(floats ? clcnn_onnx_floats(node->import, x, (const float **)&from)
               : clcnn_onnx_integers(node->import, x, (const int64_t **)&from));
    TRY(clcnn_onnx_new_tensor(node->import, floats ? CLCNN_DTYPE_FLOAT32 : CLCNN_DTYPE_INT64, shape,
                              &y));
    for (int64_t k = 0; k < outer; k++)
        for (int64_t i = 0; i < count; i++) {
            int64_t at = indices[i] < 0 ? indices[i] + size : indices[i];
            memcpy((char *)clcnn_tensor_data(y) + (size_t)(k * count + i) * inner,
                   (const char *)from + (size_t)(k * size + at) * inner, inner);
        }
    TRY(clcnn_onnx_output_constant(node, 0, x->type, &y));
done:
    clcnn_tensor_destroy(&y);
    return status;
}

/* Indices at equal distances are a slice. */
static bool is_progression(const int64_t *indices, int64_t count, int64_t size, int64_t *step)
{
    int64_t first = indices[0] < 0 ? indices[0] + size : indices[0];
    int64_t second = count > 1 ? indices[1] + (indices[1] < 0 ? size : 0) : first + 1;
    *step = second - first;
    for (int64_t i = 0; i < count; i++)
        if (indices[i] + (indices[i] < 0 ? size : 0) != first + i * *step)
            return false;
    return *step != 0;
}

static enum clcnn_status gathered_shape(const struct clcnn_shape *x,
                                        const struct clcnn_shape *index, int axis,
                                        struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    *shape = (struct clcnn_shape){0};
    NODE_SUPPORTS(x->rank - 1 + index->rank <= CLCNN_MAX_RANK, "%d dimensions",
                  x->rank - 1 + index->rank);
    for (int i = 0; i < axis; i++)
        shape->dim[shape->rank++] = x->dim[i];
    for (int i = 0; i < index->rank; i++)
        shape->dim[shape->rank++] = index->dim[i];
    for (int i = axis + 1; i < x->rank; i++)
        shape->dim[shape->rank++] = x->dim[i];
    NODE_REQUIRE(clcnn_shape_count(shape) >= 0, "the result is too large");
done:
    return status;
}

/* Indices that are computed, or at no equal distances. */
static enum clcnn_status add_gather(struct clcnn_onnx_node *node, int axis,
                                    const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int layers[2], index;
    struct clcnn_view views[2];
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_GATHER,
                                .type = CLCNN_LAYER_TYPE_GENERAL,
                                .class_name = node->op->type,
                                .shape = *shape,
                                .kernel = -1,
                                .bias = -1,
                                .u.axis = axis};
    TRY(clcnn_onnx_device_type(node->inputs[0].type, &layer.dtype));
    NODE_SUPPORTS(node->inputs[0].shape.dim[axis] > 0, "a gathering from nothing");
    for (int i = 0; i < 2; i++) {
        struct clcnn_onnx_value value = node->inputs[i];
        TRY(clcnn_onnx_plain(node, &value));
        layers[i] = value.layer;
        views[i] = value.view;
        if (value.layer < 0) {
            TRY(clcnn_onnx_lay(node, &value, NULL, &layers[i]));
            TRY(clcnn_view_dense(&value.shape, &views[i]));
        }
    }
    TRY(clcnn_onnx_add_layer(node, &layer, layers, views, 2, &index));
    clcnn_onnx_output_layer(node, 0, index, shape, NULL, node->inputs[0].type);
done:
    return status;
}

enum clcnn_status clcnn_onnx_gather(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *x = &node->inputs[0];
    const int64_t *indices;
    int64_t count, step;
    int axis;
    struct clcnn_shape shape;
    TRY(clcnn_onnx_axis(clcnn_onnx_int(node, "axis", 0), x->shape.rank, &axis));
    NODE_REQUIRE(node->inputs[1].type == CLCNN_ONNX_INT32 ||
                     node->inputs[1].type == CLCNN_ONNX_INT64,
                 "its indices are %s", clcnn_onnx_type_name(node->inputs[1].type));
    TRY(gathered_shape(&x->shape, &node->inputs[1].shape, axis, &shape));
    if (!clcnn_onnx_known(node->import, &node->inputs[1]))
        return add_gather(node, axis, &shape);
    TRY(clcnn_onnx_need_integers(node, 1, "indices", &indices, &count));
    int64_t size = x->shape.dim[axis];
    for (int64_t i = 0; i < count; i++)
        NODE_REQUIRE(indices[i] >= -size && indices[i] < size, "index %lld of %lld elements",
                     (long long)indices[i], (long long)size);
    if (x->layer < 0 || clcnn_shape_count(&shape) == 0)
        return gather_constants(node, axis, indices, count, &shape);
    if (!is_progression(indices, count, size, &step))
        return add_gather(node, axis, &shape);
    TRY(clcnn_onnx_plain(node, x));
    TRY(clcnn_view_slice(&x->view, axis, indices[0] + (indices[0] < 0 ? size : 0), step, count,
                         &x->view));
    TRY(clcnn_view_reshape(&x->view, &shape, &x->view));
    clcnn_onnx_output_view(node, 0, x, &x->view);
done:
    return status;
}
