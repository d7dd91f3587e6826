/* Concatenation. */
#include "io/onnx/import.h"
#include <stdlib.h>
#include <string.h>

static enum clcnn_status joined_shape(const struct clcnn_onnx_node *node, int axis,
                                      struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *inputs = node->inputs;
    *shape = inputs[0].shape;
    for (int i = 1; i < node->input_count; i++) {
        struct clcnn_shape other = inputs[i].shape;
        NODE_REQUIRE(inputs[i].name && inputs[i].type == inputs[0].type,
                     "input %d is missing or of another type", i);
        int64_t size = other.rank == shape->rank ? other.dim[axis] : 0;
        other.dim[axis] = shape->dim[axis];
        NODE_REQUIRE(clcnn_onnx_same_shape(&other, shape), "inputs %s and %s differ beside axis %d",
                     clcnn_onnx_shape_words(&inputs[0].shape).text,
                     clcnn_onnx_shape_words(&inputs[i].shape).text, axis);
        NODE_REQUIRE(!__builtin_add_overflow(shape->dim[axis], size, &shape->dim[axis]),
                     "the result is too large");
    }
    NODE_REQUIRE(clcnn_shape_count(shape) >= 0, "the result is too large");
done:
    return status;
}

/* ---- constants ------------------------------------------------------------------------------- */

enum clcnn_status clcnn_onnx_join_constants(struct clcnn_onnx_node *node, int axis,
                                            const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *y = NULL;
    bool floats = clcnn_onnx_is_float(node->inputs[0].type);
    size_t size = floats ? 4 : 8, done_bytes = 0;
    int64_t outer = 1;
    for (int i = 0; i < axis; i++)
        outer *= shape->dim[i];
    TRY(clcnn_onnx_new_tensor(node->import, floats ? CLCNN_DTYPE_FLOAT32 : CLCNN_DTYPE_INT64, shape,
                              &y));
    size_t row = outer ? clcnn_tensor_bytes(y) / (size_t)outer : 0;
    for (int i = 0; i < node->input_count; i++) {
        const void *from;
        TRY(floats ? clcnn_onnx_floats(node->import, &node->inputs[i], (const float **)&from)
                   : clcnn_onnx_integers(node->import, &node->inputs[i], (const int64_t **)&from));
        size_t part = outer ? size * (size_t)(clcnn_onnx_count(&node->inputs[i]) / outer) : 0;
        for (int64_t k = 0; k < outer; k++)
            memcpy((char *)clcnn_tensor_data(y) + (size_t)k * row + done_bytes,
                   (const char *)from + (size_t)k * part, part);
        done_bytes += part;
    }
    TRY(clcnn_onnx_output_constant(node, 0, node->inputs[0].type, &y));
done:
    clcnn_tensor_destroy(&y);
    return status;
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* Whether every input is all of a layer that lies in this order: rows are then joined. */
static bool are_rows(const struct clcnn_onnx_node *node, const int *order)
{
    for (int i = 0; i < node->input_count; i++) {
        const struct clcnn_onnx_value *x = &node->inputs[i];
        if (x->layer < 0 || !clcnn_onnx_is_float(x->type))
            return false;
        const struct clcnn_shape *shape = &node->import->model->layers[x->layer].shape;
        struct clcnn_shape ordered = {.rank = x->shape.rank};
        for (int k = 0; k < ordered.rank; k++)
            ordered.dim[k] = x->shape.dim[order[k]];
        if (!clcnn_onnx_same_shape(shape, &ordered) ||
            !clcnn_onnx_lies(&x->view, order, clcnn_shape_count(shape)))
            return false;
    }
    return true;
}

/* One element that is repeated stays one. */
static enum clcnn_status lay_constant(struct clcnn_onnx_node *node,
                                      const struct clcnn_onnx_value *x, int *layer,
                                      struct clcnn_view *view)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value one = *x;
    bool same = true;
    for (int i = 0; i < x->view.rank; i++)
        same = same && (x->view.size[i] == 1 || x->view.stride[i] == 0);
    if (same) {
        one.shape.rank = one.view.rank = 0;
        TRY(clcnn_onnx_lay(node, &one, NULL, layer));
        *view = x->view;
        view->offset = 0;
        memset(view->stride, 0, sizeof(view->stride));
    } else {
        TRY(clcnn_onnx_lay(node, x, NULL, layer));
        TRY(clcnn_view_dense(&x->shape, view));
    }
done:
    return status;
}

enum clcnn_status clcnn_onnx_join(struct clcnn_onnx_node *node, int axis,
                                  const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int order[CLCNN_MAX_RANK], *layers = NULL, count = 0, index;
    struct clcnn_view *views = NULL;
    static const int as_written[] = {0, 1, 2, 3, 4, 5, 6, 7};
    bool image = axis == 1 && shape->rank == 4;
    const int *last = image ? clcnn_onnx_channels_last(4) : as_written;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_JOIN,
                                .type = CLCNN_LAYER_TYPE_CONCATENATE,
                                .shape = {.rank = shape->rank},
                                .kernel = -1,
                                .bias = -1};
    int largest = -1;
    TRY(clcnn_alloc((size_t)node->input_count, sizeof(*layers), &layers));
    TRY(clcnn_alloc((size_t)node->input_count, sizeof(*views), &views));
    for (int i = 0; i < node->input_count; i++) {
        TRY(clcnn_onnx_plain(node, &node->inputs[i]));
        if (node->inputs[i].layer >= 0 &&
            (largest < 0 ||
             clcnn_onnx_count(&node->inputs[i]) > clcnn_onnx_count(&node->inputs[largest])))
            largest = i;
    }
    clcnn_onnx_memory_order(&node->inputs[largest < 0 ? 0 : largest].view, order);
    bool rows = (image || axis == shape->rank - 1) && shape->dim[axis] <= INT32_MAX &&
                shape->rank > 1 && are_rows(node, last);
    if (rows)
        memcpy(order, last, (size_t)shape->rank * sizeof(*order));
    for (int i = 0; i < shape->rank; i++) {
        layer.shape.dim[i] = shape->dim[order[i]];
        layer.u.axis = order[i] == axis ? i : layer.u.axis;
    }
    for (int i = 0; i < node->input_count; i++) {
        struct clcnn_onnx_value *x = &node->inputs[i];
        if (clcnn_onnx_count(x) == 0)
            continue;
        layers[count] = x->layer;
        views[count] = x->view;
        if (x->layer < 0)
            TRY(lay_constant(node, x, &layers[count], &views[count]));
        TRY(clcnn_view_permute(&views[count], order, &views[count]));
        count++;
    }
    TRY(clcnn_onnx_device_type(node->inputs[0].type, &layer.dtype));
    if (rows)
        layer.kind = CLCNN_LAYER_CONCATENATE;
    TRY(clcnn_onnx_add_layer(node, &layer, layers, rows ? NULL : views, count, &index));
    clcnn_onnx_output_layer(node, 0, index, shape, order, node->inputs[0].type);
done:
    free(layers);
    free(views);
    return status;
}

enum clcnn_status clcnn_onnx_concat(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_shape shape;
    int axis, constants = 0;
    NODE_REQUIRE(node->opset < 4 || clcnn_onnx_has_attribute(node, "axis"), "'axis' is missing");
    TRY(clcnn_onnx_axis(clcnn_onnx_int(node, "axis", 1), node->inputs[0].shape.rank, &axis));
    TRY(joined_shape(node, axis, &shape));
    for (int i = 0; i < node->input_count; i++)
        constants += node->inputs[i].layer < 0;
    if (node->input_count == 1)
        clcnn_onnx_output_view(node, 0, &node->inputs[0], &node->inputs[0].view);
    else if (constants == node->input_count || clcnn_shape_count(&shape) == 0)
        TRY(clcnn_onnx_join_constants(node, axis, &shape));
    else
        TRY(clcnn_onnx_join(node, axis, &shape));
    if (node->input_count == 1)
        node->outputs[0].shape = shape;
done:
    return status;
}
