/* Values: shapes, axes, the order in which elements lie in memory. */
#include "io/onnx/import.h"
#include <stdio.h>
#include <string.h>

struct clcnn_shape clcnn_onnx_shape_of_view(const struct clcnn_view *view)
{
    struct clcnn_shape shape = {.rank = view->rank};
    memcpy(shape.dim, view->size, sizeof(shape.dim));
    return shape;
}

int64_t clcnn_onnx_count(const struct clcnn_onnx_value *value)
{
    return clcnn_shape_count(&value->shape);
}

struct clcnn_onnx_words clcnn_onnx_shape_words(const struct clcnn_shape *shape)
{
    struct clcnn_onnx_words words = {"("};
    size_t used = 1;
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(words.text + used, sizeof(words.text) - used, "%s%lld",
                                 i ? ", " : "", (long long)shape->dim[i]);
    snprintf(words.text + used, sizeof(words.text) - used, ")");
    return words;
}

bool clcnn_onnx_same_shape(const struct clcnn_shape *a, const struct clcnn_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof(a->dim[0])) == 0;
}

enum clcnn_status clcnn_onnx_axis(int64_t axis, int rank, int *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    NODE_REQUIRE(axis >= -rank && axis < rank, "axis %lld is not one of %d dimensions",
                 (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
done:
    return status;
}

/* Insertion keeps axes of size 1, whose strides mean nothing, behind the one before them. */
void clcnn_onnx_memory_order(const struct clcnn_view *view, int order[CLCNN_MAX_RANK])
{
    int64_t strides[CLCNN_MAX_RANK];
    for (int i = 0; i < view->rank; i++) {
        int64_t stride = view->stride[i] < 0 ? -view->stride[i] : view->stride[i];
        int place = i;
        if (view->size[i] == 1)
            stride = i ? strides[i - 1] : INT64_MAX;
        strides[i] = stride;
        while (place > 0 && view->size[i] != 1 && strides[order[place - 1]] < stride) {
            order[place] = order[place - 1];
            place--;
        }
        order[place] = i;
    }
}

bool clcnn_onnx_lies(const struct clcnn_view *view, const int *order, int64_t count)
{
    int64_t expected = 1;
    if (view->offset != 0)
        return false;
    for (int i = view->rank - 1; i >= 0; i--) {
        int axis = order ? order[i] : i;
        if (view->size[axis] != 1 && view->stride[axis] != expected)
            return false;
        expected *= view->size[axis];
    }
    return expected == count;
}

const int *clcnn_onnx_channels_last(int rank)
{
    static const int orders[CLCNN_MAX_RANK + 1][CLCNN_MAX_RANK] = {{0},
                                                                   {0},
                                                                   {0, 1},
                                                                   {0, 2, 1},
                                                                   {0, 2, 3, 1},
                                                                   {0, 2, 3, 4, 1},
                                                                   {0, 2, 3, 4, 5, 1},
                                                                   {0, 2, 3, 4, 5, 6, 1},
                                                                   {0, 2, 3, 4, 5, 6, 7, 1}};
    return orders[rank];
}

enum clcnn_status clcnn_onnx_device_type(int type, enum clcnn_dtype *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    switch (type) {
    case CLCNN_ONNX_FLOAT:
    case CLCNN_ONNX_FLOAT16:
    case CLCNN_ONNX_DOUBLE:
        *out = CLCNN_DTYPE_FLOAT32;
        break;
    case CLCNN_ONNX_INT32:
        *out = CLCNN_DTYPE_INT32;
        break;
    case CLCNN_ONNX_INT64:
        *out = CLCNN_DTYPE_INT64;
        break;
    case CLCNN_ONNX_BOOL:
        *out = CLCNN_DTYPE_UINT8;
        break;
    default:
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "it computes with the type %s",
                       clcnn_onnx_type_name(type)));
    }
done:
    return status;
}

/* ---- into layers ----------------------------------------------------------------------------- */

/* The host's elements in the type that the device keeps them in. */
static enum clcnn_status narrow(struct clcnn_onnx_node *node, const struct clcnn_onnx_value *value,
                                enum clcnn_dtype dtype, struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const int64_t *integers;
    const float *floats;
    int64_t count = clcnn_onnx_count(value);
    TRY(clcnn_onnx_new_tensor(node->import, dtype, &value->shape, out));
    void *to = clcnn_tensor_data(*out);
    if (dtype == CLCNN_DTYPE_FLOAT32) {
        TRY(clcnn_onnx_floats(node->import, value, &floats));
        memcpy(to, floats, (size_t)count * sizeof(*floats));
        return status;
    }
    TRY(clcnn_onnx_integers(node->import, value, &integers));
    for (int64_t i = 0; i < count; i++) {
        if (dtype == CLCNN_DTYPE_INT64)
            ((int64_t *)to)[i] = integers[i];
        else if (dtype == CLCNN_DTYPE_INT32)
            ((int32_t *)to)[i] = (int32_t)integers[i];
        else
            ((uint8_t *)to)[i] = (uint8_t)(integers[i] != 0);
    }
done:
    return status;
}

/* A layer of the constant's elements in its own order. */
static enum clcnn_status add_constant(struct clcnn_onnx_node *node,
                                      const struct clcnn_onnx_value *value, int *layer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    struct clcnn_layer made = {.kind = CLCNN_LAYER_CONSTANT,
                               .type = CLCNN_LAYER_TYPE_GENERAL,
                               .class_name = "Constant",
                               .shape = value->shape,
                               .kernel = -1,
                               .bias = -1};
    TRY(clcnn_onnx_device_type(value->type, &made.dtype));
    TRY(narrow(node, value, made.dtype, &tensor));
    TRY(clcnn_onnx_add_weight(node, "constant", &tensor, &made.kernel));
    TRY(clcnn_onnx_add_layer(node, &made, NULL, NULL, 0, layer));
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

static struct clcnn_shape ordered_shape(const struct clcnn_view *view, const int *order)
{
    struct clcnn_shape shape = {.rank = view->rank};
    for (int i = 0; i < view->rank; i++)
        shape.dim[i] = view->size[order ? order[i] : i];
    return shape;
}

/* A copy that was made before, of the same elements into the same order. */
static int find_copy(const struct clcnn_model *model, int source, const struct clcnn_view *view,
                     const struct clcnn_shape *shape)
{
    for (size_t i = (size_t)source + 1; i < model->layer_count; i++) {
        const struct clcnn_layer *layer = &model->layers[i];
        if (layer->kind == CLCNN_LAYER_MAP && layer->u.map.function == CLCNN_FUNCTION_COPY &&
            layer->inputs[0] == source && layer->dtype == model->layers[source].dtype &&
            clcnn_onnx_same_shape(&layer->shape, shape) && layer->views[0].rank == view->rank &&
            layer->views[0].offset == view->offset &&
            memcmp(layer->views[0].stride, view->stride, (size_t)view->rank * sizeof(int64_t)) == 0)
            return (int)i;
    }
    return -1;
}

static enum clcnn_status add_copy(struct clcnn_onnx_node *node, int source,
                                  const struct clcnn_view *view, const int *order, bool again,
                                  int *layer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_model *model = node->import->model;
    struct clcnn_view ordered = *view;
    enum clcnn_dtype dtype = model->layers[source].dtype;
    struct clcnn_layer made = {.kind = CLCNN_LAYER_MAP,
                               .type = CLCNN_LAYER_TYPE_GENERAL,
                               .class_name = "Copy",
                               .shape = ordered_shape(view, order),
                               .dtype = dtype,
                               .kernel = -1,
                               .bias = -1,
                               .u.map = {.type = dtype, .to = dtype},
                               .hidden = true};
    struct clcnn_text name = {0};
    if (order)
        TRY(clcnn_view_permute(view, order, &ordered));
    *layer = again ? -1 : find_copy(model, source, &ordered, &made.shape);
    if (*layer >= 0)
        return status;
    clcnn_text_add(&name, "%s/copy", node->name);
    if (name.failed)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "a name"));
    TRY(clcnn_assemble_layer(node->import->model, &made, name.data, &source, &ordered, 1, layer));
done:
    clcnn_text_clear(&name);
    return status;
}

enum clcnn_status clcnn_onnx_lay(struct clcnn_onnx_node *node, const struct clcnn_onnx_value *value,
                                 const int *order, int *layer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value plain = *value;
    TRY(clcnn_onnx_plain(node, &plain));
    if (plain.layer < 0) { /* in order at once */
        if (order)
            TRY(clcnn_view_permute(&plain.view, order, &plain.view));
        plain.shape = clcnn_onnx_shape_of_view(&plain.view);
        return add_constant(node, &plain, layer);
    }
    *layer = plain.layer;
    if (!clcnn_onnx_lies(&plain.view, order,
                         clcnn_shape_count(&node->import->model->layers[plain.layer].shape)))
        TRY(add_copy(node, plain.layer, &plain.view, order, false, layer));
done:
    return status;
}

enum clcnn_status clcnn_onnx_copy(struct clcnn_onnx_node *node,
                                  const struct clcnn_onnx_value *value, int source, int *layer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_view view;
    TRY(clcnn_view_dense(&value->shape, &view));
    TRY(add_copy(node, source, &view, NULL, true, layer));
done:
    return status;
}

enum clcnn_status clcnn_onnx_plain(struct clcnn_onnx_node *node, struct clcnn_onnx_value *value)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_shape sizes = clcnn_onnx_shape_of_view(&value->view);
    if (clcnn_onnx_same_shape(&sizes, &value->shape))
        return status;
    if (clcnn_view_reshape(&value->view, &value->shape, &value->view) == CLCNN_STATUS_OK)
        return status;
    if (value->layer < 0) {
        const float *floats;
        const int64_t *integers;
        const struct clcnn_tensor *tensor = node->import->constants[value->constant];
        bool is_float = clcnn_tensor_dtype(tensor) == CLCNN_DTYPE_FLOAT32;
        TRY(is_float ? clcnn_onnx_floats(node->import, value, &floats)
                     : clcnn_onnx_integers(node->import, value, &integers));
        value->constant = (int)node->import->constant_count - 1;
    } else {
        TRY(add_copy(node, value->layer, &value->view, NULL, false, &value->layer));
    }
    TRY(clcnn_view_dense(&value->shape, &value->view));
done:
    return status;
}
