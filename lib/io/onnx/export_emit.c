/* Names, nodes, attributes and initialisers of a graph that is being written. */
#include "io/onnx/export.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool clcnn_export_note(struct clcnn_export *e, enum clcnn_status status)
{
    if (e->status == CLCNN_STATUS_OK)
        e->status = status;
    return e->status == CLCNN_STATUS_OK;
}

static void *adopt(struct clcnn_export *e, void *block)
{
    if (!clcnn_export_note(e, clcnn_grow(&e->blocks, &e->block_capacity, e->block_count + 1,
                                         sizeof(*e->blocks)))) {
        free(block);
        return NULL;
    }
    e->blocks[e->block_count++] = block;
    return block;
}

void *clcnn_export_keep(struct clcnn_export *e, size_t count, size_t size)
{
    void *block = NULL;
    if (e->status != CLCNN_STATUS_OK)
        return NULL;
    return clcnn_export_note(e, clcnn_alloc(count, size, &block)) ? adopt(e, block) : NULL;
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool value_taken(const struct clcnn_export *e, const char *name)
{
    for (size_t i = 0; i < e->value_count; i++)
        if (strcmp(e->values[i], name) == 0)
            return true;
    return false;
}

static bool node_taken(const struct clcnn_export *e, const char *name)
{
    for (size_t i = 0; i < e->node_count; i++)
        if (strcmp(e->nodes[i]->proto.name, name) == 0)
            return true;
    return false;
}

static char *unique_name(struct clcnn_export *e, const char *name,
                         bool (*taken)(const struct clcnn_export *, const char *))
{
    for (int i = 0; e->status == CLCNN_STATUS_OK; i++) {
        struct clcnn_text text = {0};
        char *made = NULL;
        clcnn_text_add(&text, i ? "%s_%d" : "%s", name, i);
        if (!clcnn_export_note(e, clcnn_text_take(&text, &made)))
            return NULL;
        if (!taken(e, made))
            return adopt(e, made);
        free(made);
    }
    return NULL;
}

int clcnn_export_new_value(struct clcnn_export *e, const char *name)
{
    char *made = unique_name(e, name, value_taken);
    if (!made || !clcnn_export_note(e, clcnn_grow(&e->values, &e->value_capacity,
                                                  e->value_count + 1, sizeof(*e->values))))
        return -1;
    e->values[e->value_count] = made;
    return (int)e->value_count++;
}

/* "layer" or "layer/part". */
static const char *part_name(struct clcnn_export *e, const char *part)
{
    struct clcnn_text text = {0};
    char *made = NULL;
    clcnn_text_add(&text, part ? "%s/%s" : "%s", e->layer->name, part);
    return clcnn_export_note(e, clcnn_text_take(&text, &made)) ? adopt(e, made) : NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

int clcnn_export_emit(struct clcnn_export *e, const char *type, const char *part, const int *inputs,
                      int input_count)
{
    const char *name = e->status == CLCNN_STATUS_OK ? part_name(e, part) : NULL;
    struct clcnn_export_node *node = clcnn_export_keep(e, 1, sizeof(*node));
    int *kept = clcnn_export_keep(e, (size_t)input_count, sizeof(*kept));
    if (!name || !kept ||
        !clcnn_export_note(
            e, clcnn_grow(&e->nodes, &e->node_capacity, e->node_count + 1, sizeof(*e->nodes))))
        return -1;
    clcnn__node_proto__init(&node->proto);
    node->proto.op_type = (char *)type;
    node->proto.name = unique_name(e, name, node_taken);
    node->proto.n_input = (size_t)input_count;
    node->inputs = kept;
    memcpy(kept, inputs, (size_t)input_count * sizeof(*inputs));
    node->output = node->proto.name ? clcnn_export_new_value(e, node->proto.name) : -1;
    if (e->status != CLCNN_STATUS_OK)
        return -1;
    e->nodes[e->node_count++] = node;
    return node->output;
}

static Clcnn__AttributeProto *add_attribute(struct clcnn_export *e, const char *name,
                                            Clcnn__AttributeProto__AttributeType type)
{
    Clcnn__AttributeProto *attribute = clcnn_export_keep(e, 1, sizeof(*attribute));
    if (!attribute)
        return NULL;
    Clcnn__NodeProto *node = &e->nodes[e->node_count - 1]->proto;
    Clcnn__AttributeProto **list = clcnn_export_keep(e, node->n_attribute + 1, sizeof(*list));
    if (!list)
        return NULL;
    clcnn__attribute_proto__init(attribute);
    attribute->name = (char *)name;
    attribute->has_type = 1;
    attribute->type = type;
    if (node->n_attribute)
        memcpy(list, node->attribute, node->n_attribute * sizeof(Clcnn__AttributeProto *));
    list[node->n_attribute++] = attribute;
    node->attribute = list;
    return attribute;
}

void clcnn_export_put_int(struct clcnn_export *e, const char *name, int64_t value)
{
    Clcnn__AttributeProto *attribute =
        add_attribute(e, name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!attribute)
        return;
    attribute->has_i = 1;
    attribute->i = value;
}

void clcnn_export_put_float(struct clcnn_export *e, const char *name, float value)
{
    Clcnn__AttributeProto *attribute =
        add_attribute(e, name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!attribute)
        return;
    attribute->has_f = 1;
    attribute->f = value;
}

void clcnn_export_put_ints(struct clcnn_export *e, const char *name, const int64_t *values,
                           size_t count)
{
    Clcnn__AttributeProto *attribute =
        add_attribute(e, name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *kept = clcnn_export_keep(e, count, sizeof(*kept));
    if (!attribute || !kept)
        return;
    memcpy(kept, values, count * sizeof(*kept));
    attribute->n_ints = count;
    attribute->ints = kept;
}

void clcnn_export_put_word(struct clcnn_export *e, const char *name, const char *word)
{
    Clcnn__AttributeProto *attribute =
        add_attribute(e, name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (!attribute)
        return;
    attribute->has_s = 1;
    attribute->s.data = (uint8_t *)word;
    attribute->s.len = strlen(word);
}

void clcnn_export_second_output(struct clcnn_export *e)
{
    if (e->status == CLCNN_STATUS_OK)
        e->nodes[e->node_count - 1]->second = true;
}

/* ---- initialisers ---------------------------------------------------------------------------- */

int clcnn_export_type(enum clcnn_dtype dtype)
{
    switch (dtype) {
    case CLCNN_DTYPE_INT32:
        return CLCNN__TENSOR_PROTO__DATA_TYPE__INT32;
    case CLCNN_DTYPE_INT64:
        return CLCNN__TENSOR_PROTO__DATA_TYPE__INT64;
    case CLCNN_DTYPE_UINT8: /* truth values */
        return CLCNN__TENSOR_PROTO__DATA_TYPE__BOOL;
    default:
        return CLCNN__TENSOR_PROTO__DATA_TYPE__FLOAT;
    }
}

int clcnn_export_put_tensor(struct clcnn_export *e, const char *part, enum clcnn_dtype dtype,
                            const struct clcnn_shape *shape, const void *data)
{
    const char *name = e->status == CLCNN_STATUS_OK ? part_name(e, part) : NULL;
    Clcnn__TensorProto *tensor = clcnn_export_keep(e, 1, sizeof(*tensor));
    int64_t *dims = clcnn_export_keep(e, (size_t)shape->rank, sizeof(*dims));
    if (!name || !dims ||
        !clcnn_export_note(
            e, clcnn_grow(&e->tensors, &e->tensor_capacity, e->tensor_count + 1, sizeof(tensor))))
        return -1;
    int value = clcnn_export_new_value(e, name);
    if (value < 0)
        return -1;
    memcpy(dims, shape->dim, (size_t)shape->rank * sizeof(*dims));
    clcnn__tensor_proto__init(tensor);
    tensor->name = e->values[value];
    tensor->has_data_type = 1;
    tensor->data_type = clcnn_export_type(dtype);
    tensor->n_dims = (size_t)shape->rank;
    tensor->dims = dims;
    tensor->has_raw_data = 1;
    tensor->raw_data.len = (size_t)clcnn_shape_count(shape) * clcnn_dtype_size(dtype);
    tensor->raw_data.data = (uint8_t *)data;
    e->tensors[e->tensor_count++] = tensor;
    return value;
}

int clcnn_export_put_integers(struct clcnn_export *e, const char *part, const int64_t *values,
                              int count)
{
    struct clcnn_shape shape = {1, {count}};
    int64_t *kept = clcnn_export_keep(e, (size_t)count, sizeof(*kept));
    if (!kept)
        return -1;
    memcpy(kept, values, (size_t)count * sizeof(*kept));
    return clcnn_export_put_tensor(e, part, CLCNN_DTYPE_INT64, &shape, kept);
}

int clcnn_export_put_scalar(struct clcnn_export *e, const char *part, enum clcnn_dtype dtype,
                            double value)
{
    struct clcnn_shape scalar = {0};
    void *kept = clcnn_export_keep(e, 1, sizeof(double));
    if (!kept)
        return -1;
    if (dtype == CLCNN_DTYPE_INT64)
        *(int64_t *)kept = (int64_t)value;
    else if (dtype == CLCNN_DTYPE_INT32)
        *(int32_t *)kept = (int32_t)value;
    else if (dtype == CLCNN_DTYPE_UINT8)
        *(uint8_t *)kept = value != 0;
    else
        *(float *)kept = (float)value;
    return clcnn_export_put_tensor(e, part, dtype, &scalar, kept);
}

/* ---- what cannot be written ------------------------------------------------------------------ */

void clcnn_export_refuse(struct clcnn_export *e, const char *format, ...)
{
    char reason[256];
    va_list arguments;
    const char *class_name =
        e->layer->class_name ? e->layer->class_name : clcnn_layer_types[e->layer->type].class_name;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    e->unsupported_count++;
    clcnn_text_add(&e->unsupported, "\n  '%s' (%s): %s", e->layer->name,
                   class_name ? class_name : "?", reason);
}
