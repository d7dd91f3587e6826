#include "io/onnx/graph_writer.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IR_VERSION 8 /* the one that goes with opset 17 */

static void push(struct clcnn_graph_writer *w, struct clcnn_graph_list *list, void *item)
{
    if (w->status != CLCNN_STATUS_OK)
        return;
    w->status = clcnn_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));
    if (w->status == CLCNN_STATUS_OK)
        list->items[list->count++] = item;
}

void *clcnn_graph_take(struct clcnn_graph_writer *w, size_t count, size_t size)
{
    void *memory = NULL;
    if (w->status == CLCNN_STATUS_OK)
        w->status = clcnn_alloc(count, size, &memory);
    push(w, &w->owned, memory);
    if (w->status == CLCNN_STATUS_OK)
        return memory;
    free(memory);
    return NULL;
}

char *clcnn_graph_text(struct clcnn_graph_writer *w, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = clcnn_graph_take(w, (size_t)length + 1, 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

void clcnn_graph_node(struct clcnn_graph_writer *w, const char *type, const char *name,
                      const char *const *inputs, size_t input_count, const char *output)
{
    Clcnn__NodeProto *node = clcnn_graph_take(w, 1, sizeof(*node));
    char **names = clcnn_graph_take(w, input_count + 1, sizeof(*names));
    if (!node || !names)
        return;
    clcnn__node_proto__init(node);
    node->op_type = clcnn_graph_text(w, "%s", type);
    node->name = clcnn_graph_text(w, "%s", name);
    for (size_t i = 0; i < input_count; i++)
        names[i] = clcnn_graph_text(w, "%s", inputs[i]);
    names[input_count] = clcnn_graph_text(w, "%s", output);
    node->n_input = input_count;
    node->input = names;
    node->n_output = 1;
    node->output = names + input_count;
    w->node = node;
    push(w, &w->nodes, node);
}

#define MOST_ATTRIBUTES 8

static Clcnn__AttributeProto *add_attribute(struct clcnn_graph_writer *w, const char *name,
                                            Clcnn__AttributeProto__AttributeType type)
{
    Clcnn__AttributeProto *a = clcnn_graph_take(w, 1, sizeof(*a));
    if (!a)
        return NULL;
    clcnn__attribute_proto__init(a);
    a->name = clcnn_graph_text(w, "%s", name);
    a->has_type = 1;
    a->type = type;
    if (!w->node->attribute)
        w->node->attribute = clcnn_graph_take(w, MOST_ATTRIBUTES, sizeof(a));
    if (w->node->attribute && w->node->n_attribute < MOST_ATTRIBUTES)
        w->node->attribute[w->node->n_attribute++] = a;
    return a;
}

void clcnn_graph_int(struct clcnn_graph_writer *w, const char *name, int64_t value)
{
    Clcnn__AttributeProto *a = add_attribute(w, name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!a)
        return;
    a->has_i = 1;
    a->i = value;
}

void clcnn_graph_float(struct clcnn_graph_writer *w, const char *name, float value)
{
    Clcnn__AttributeProto *a =
        add_attribute(w, name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!a)
        return;
    a->has_f = 1;
    a->f = value;
}

void clcnn_graph_ints(struct clcnn_graph_writer *w, const char *name, const int64_t *values,
                      size_t count)
{
    Clcnn__AttributeProto *a = add_attribute(w, name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = clcnn_graph_take(w, count, sizeof(*copy));
    if (!a || !copy)
        return;
    memcpy(copy, values, count * sizeof(*copy));
    a->n_ints = count;
    a->ints = copy;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static Clcnn__TensorProto *add_tensor(struct clcnn_graph_writer *w, const char *name,
                                      const struct clcnn_shape *shape, int type)
{
    Clcnn__TensorProto *tensor = clcnn_graph_take(w, 1, sizeof(*tensor));
    int64_t *dims = clcnn_graph_take(w, (size_t)shape->rank, sizeof(*dims));
    if (!tensor || !dims)
        return NULL;
    clcnn__tensor_proto__init(tensor);
    memcpy(dims, shape->dim, (size_t)shape->rank * sizeof(*dims));
    tensor->name = clcnn_graph_text(w, "%s", name);
    tensor->n_dims = (size_t)shape->rank;
    tensor->dims = dims;
    tensor->has_data_type = 1;
    tensor->data_type = type;
    push(w, &w->initializers, tensor);
    return tensor;
}

void clcnn_graph_floats(struct clcnn_graph_writer *w, const char *name,
                        const struct clcnn_shape *shape, const float *data)
{
    Clcnn__TensorProto *tensor = add_tensor(w, name, shape, CLCNN__TENSOR_PROTO__DATA_TYPE__FLOAT);
    if (!tensor)
        return;
    tensor->n_float_data = (size_t)clcnn_shape_count(shape);
    tensor->float_data = (float *)data; /* packing only reads */
}

void clcnn_graph_integers(struct clcnn_graph_writer *w, const char *name, const int64_t *values,
                          size_t count)
{
    struct clcnn_shape shape = {1, {(int64_t)count}};
    Clcnn__TensorProto *tensor = add_tensor(w, name, &shape, CLCNN__TENSOR_PROTO__DATA_TYPE__INT64);
    int64_t *copy = clcnn_graph_take(w, count, sizeof(*copy));
    if (!tensor || !copy)
        return;
    memcpy(copy, values, count * sizeof(*copy));
    tensor->n_int64_data = count;
    tensor->int64_data = copy;
}

/* ---- ports ----------------------------------------------------------------------------------- */

static Clcnn__TensorShapeProto *make_shape(struct clcnn_graph_writer *w,
                                           const struct clcnn_shape *shape)
{
    Clcnn__TensorShapeProto *made = clcnn_graph_take(w, 1, sizeof(*made));
    Clcnn__TensorShapeProto__Dimension **dims =
        clcnn_graph_take(w, (size_t)shape->rank, sizeof(*dims));
    if (!made || !dims)
        return NULL;
    clcnn__tensor_shape_proto__init(made);
    made->n_dim = (size_t)shape->rank;
    made->dim = dims;
    for (int i = 0; i < shape->rank; i++) {
        dims[i] = clcnn_graph_take(w, 1, sizeof(*dims[i]));
        if (!dims[i])
            return NULL;
        clcnn__tensor_shape_proto__dimension__init(dims[i]);
        bool open = shape->dim[i] == CLCNN_DIM_BATCH;
        dims[i]->value_case = open ? CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                   : CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (open)
            dims[i]->dim_param = clcnn_graph_text(w, "N");
        else
            dims[i]->dim_value = shape->dim[i];
    }
    return made;
}

void clcnn_graph_port(struct clcnn_graph_writer *w, bool output, const char *name,
                      const struct clcnn_shape *shape)
{
    Clcnn__ValueInfoProto *info = clcnn_graph_take(w, 1, sizeof(*info));
    Clcnn__TypeProto *type = clcnn_graph_take(w, 1, sizeof(*type));
    Clcnn__TypeProto__Tensor *tensor = clcnn_graph_take(w, 1, sizeof(*tensor));
    if (!info || !type || !tensor)
        return;
    clcnn__value_info_proto__init(info);
    clcnn__type_proto__init(type);
    clcnn__type_proto__tensor__init(tensor);
    tensor->has_elem_type = 1;
    tensor->elem_type = CLCNN__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = make_shape(w, shape);
    type->value_case = CLCNN__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    info->name = clcnn_graph_text(w, "%s", name);
    info->type = type;
    push(w, output ? &w->outputs : &w->inputs, info);
}

/* ---- the whole ------------------------------------------------------------------------------- */

enum clcnn_status clcnn_graph_pack(struct clcnn_graph_writer *w, const char *name, int64_t opset,
                                   unsigned char **data, size_t *size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    Clcnn__ModelProto model = CLCNN__MODEL_PROTO__INIT;
    Clcnn__GraphProto graph = CLCNN__GRAPH_PROTO__INIT;
    Clcnn__OperatorSetIdProto id = CLCNN__OPERATOR_SET_ID_PROTO__INIT, *ids[] = {&id};
    char *title = clcnn_graph_text(w, "%s", name), *producer = clcnn_graph_text(w, "clcnn");
    TRY(w->status);
    graph.name = title;
    graph.n_node = w->nodes.count;
    graph.node = (Clcnn__NodeProto **)w->nodes.items;
    graph.n_initializer = w->initializers.count;
    graph.initializer = (Clcnn__TensorProto **)w->initializers.items;
    graph.n_input = w->inputs.count;
    graph.input = (Clcnn__ValueInfoProto **)w->inputs.items;
    graph.n_output = w->outputs.count;
    graph.output = (Clcnn__ValueInfoProto **)w->outputs.items;
    id.domain = clcnn_graph_text(w, "%s", "");
    id.has_version = 1;
    id.version = opset;
    model.has_ir_version = 1;
    model.ir_version = IR_VERSION;
    model.producer_name = producer;
    model.n_opset_import = 1;
    model.opset_import = ids;
    model.graph = &graph;
    TRY(w->status);
    *size = clcnn__model_proto__get_packed_size(&model);
    if (*size > INT32_MAX)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                       "the file would have %zu bytes, ONNX's limit is "
                       "2^31-1",
                       *size));
    TRY(clcnn_alloc(*size, 1, data));
    clcnn__model_proto__pack(&model, *data);
done:
    return status;
}

void clcnn_graph_clear(struct clcnn_graph_writer *w)
{
    for (size_t i = 0; i < w->owned.count; i++)
        free(w->owned.items[i]);
    free(w->owned.items);
    free(w->nodes.items);
    free(w->initializers.items);
    free(w->inputs.items);
    free(w->outputs.items);
    *w = (struct clcnn_graph_writer){0};
}
