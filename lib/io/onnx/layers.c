/* From nodes to layers of the model. */
#include "io/onnx/import.h"

enum clcnn_status clcnn_onnx_add_layer(struct clcnn_onnx_node *node,
                                       const struct clcnn_layer *layer, const int *inputs,
                                       const struct clcnn_view *views, int input_count, int *index)
{
    return clcnn_assemble_layer(node->import->model, layer, node->name, inputs, views, input_count,
                                index);
}

enum clcnn_status clcnn_onnx_add_weight(struct clcnn_onnx_node *node, const char *part,
                                        struct clcnn_tensor **tensor, int *index)
{
    return clcnn_assemble_weight(node->import->model, node->name, part, tensor, index);
}

void clcnn_onnx_output_layer(struct clcnn_onnx_node *node, int index, int layer,
                             const struct clcnn_shape *shape, const int *order, int type)
{
    if (index >= node->output_count)
        return;
    struct clcnn_onnx_value *value = &node->outputs[index];
    int64_t stride = 1;
    value->type = type;
    value->shape = *shape;
    value->layer = layer;
    value->constant = -1;
    value->view = (struct clcnn_view){.rank = shape->rank};
    for (int i = shape->rank - 1; i >= 0; i--) {
        int axis = order ? order[i] : i;
        value->view.size[axis] = shape->dim[axis];
        value->view.stride[axis] = stride;
        stride *= shape->dim[axis];
    }
}

void clcnn_onnx_output_view(struct clcnn_onnx_node *node, int index,
                            const struct clcnn_onnx_value *value, const struct clcnn_view *view)
{
    if (index >= node->output_count)
        return;
    struct clcnn_onnx_value *output = &node->outputs[index];
    output->type = value->type;
    output->shape = clcnn_onnx_shape_of_view(view);
    output->view = *view;
    output->layer = value->layer;
    output->constant = value->constant;
}

struct clcnn_layer *clcnn_onnx_sole_layer(const struct clcnn_onnx_node *node,
                                          const struct clcnn_onnx_value *value,
                                          enum clcnn_layer_kind kind)
{
    struct clcnn_model *model = node->import->model;
    struct clcnn_layer *layer = value->layer >= 0 ? &model->layers[value->layer] : NULL;
    if (!layer || layer->kind != kind || value->readers != 1)
        return NULL;
    for (size_t i = (size_t)value->layer + 1; i < model->layer_count; i++)
        for (int k = 0; k < model->layers[i].input_count; k++)
            if (model->layers[i].inputs[k] == value->layer)
                return NULL;
    for (size_t i = 0; i < node->import->name_count; i++) {
        const struct clcnn_onnx_name *name = &node->import->names[i];
        bool other = name->ready && name->value.layer == value->layer && name->left > 0 &&
                     name->name != value->name;
        if (other)
            return NULL;
    }
    return layer;
}

/* ---- element by element ---------------------------------------------------------------------- */

/* The order of memory of the largest operand, so that it is read as it lies. */
static void choose_order(const struct clcnn_onnx_value *values, int count,
                         const struct clcnn_shape *shape, int order[CLCNN_MAX_RANK])
{
    int best = -1;
    for (int i = 0; i < count; i++)
        if (values[i].layer >= 0 && values[i].shape.rank == shape->rank &&
            (best < 0 || clcnn_onnx_count(&values[i]) > clcnn_onnx_count(&values[best])))
            best = i;
    if (best >= 0)
        clcnn_onnx_memory_order(&values[best].view, order);
    else
        for (int i = 0; i < shape->rank; i++)
            order[i] = i;
}

/* The operand as the layer reads it. */
static enum clcnn_status take_operand(struct clcnn_onnx_node *node,
                                      const struct clcnn_onnx_value *value,
                                      const struct clcnn_shape *shape, const int *order, int *layer,
                                      struct clcnn_view *view)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    *layer = value->layer;
    *view = value->view;
    if (value->layer < 0) {
        TRY(clcnn_onnx_lay(node, value, NULL, layer));
        TRY(clcnn_view_dense(&value->shape, view));
    }
    TRY(clcnn_view_broadcast(view, shape, view));
    TRY(clcnn_view_permute(view, order, view));
done:
    return status;
}

static enum clcnn_status broadcast_shape(const struct clcnn_onnx_value *values, int count,
                                         struct clcnn_shape *shape)
{
    struct clcnn_shape shapes[3];
    for (int i = 0; i < count; i++)
        shapes[i] = values[i].shape;
    if (clcnn_shape_broadcast(shapes, (size_t)count, shape) == CLCNN_STATUS_OK)
        return CLCNN_STATUS_OK;
    return clcnn_fail(CLCNN_STATUS_FORMAT, "shapes %s and %s do not broadcast together",
                      clcnn_onnx_shape_words(&shapes[0]).text,
                      clcnn_onnx_shape_words(&shapes[count - 1]).text);
}

static enum clcnn_status add_map(struct clcnn_onnx_node *node, const struct clcnn_map_params *map,
                                 const struct clcnn_onnx_value *values, int count,
                                 const struct clcnn_shape *shape, int type)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int order[CLCNN_MAX_RANK], layers[3], index;
    struct clcnn_view views[3];
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_MAP,
                                .type = CLCNN_LAYER_TYPE_GENERAL,
                                .class_name = node->op->type,
                                .shape = {.rank = shape->rank},
                                .dtype = clcnn_map_output_type(map),
                                .kernel = -1,
                                .bias = -1,
                                .u.map = *map};
    choose_order(values, count, shape, order);
    for (int i = 0; i < shape->rank; i++)
        layer.shape.dim[i] = shape->dim[order[i]];
    for (int i = 0; i < count; i++)
        TRY(take_operand(node, &values[i], shape, order, &layers[i], &views[i]));
    TRY(clcnn_onnx_add_layer(node, &layer, layers, views, count, &index));
    clcnn_onnx_output_layer(node, 0, index, shape, order, type);
done:
    return status;
}

enum clcnn_status clcnn_onnx_map(struct clcnn_onnx_node *node, const struct clcnn_map_params *map,
                                 const struct clcnn_onnx_value *values, int count, int type)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_shape shape;
    struct clcnn_tensor *empty = NULL;
    struct clcnn_onnx_value plain[3];
    bool folded = false;
    for (int i = 0; i < count; i++) {
        plain[i] = values[i];
        TRY(clcnn_onnx_plain(node, &plain[i]));
    }
    TRY(broadcast_shape(plain, count, &shape));
    TRY(clcnn_onnx_fold_map(node, map, plain, count, type, &folded));
    if (folded)
        return status;
    if (clcnn_shape_count(&shape) == 0) {
        TRY(clcnn_onnx_new_tensor(
            node->import, clcnn_onnx_is_float(type) ? CLCNN_DTYPE_FLOAT32 : CLCNN_DTYPE_INT64,
            &shape, &empty));
        return clcnn_onnx_output_constant(node, 0, type, &empty);
    }
    TRY(add_map(node, map, plain, count, &shape, type));
done:
    return status;
}
