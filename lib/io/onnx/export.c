/* From a model to bytes. */
#include "io/onnx/export.h"
#include "io/file.h"
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES INT32_MAX /* of a message, by protobuf's rules */

/* ---- layers ---------------------------------------------------------------------------------- */

static void save_input(struct clcnn_export *e)
{
    (void)e; /* a port of the graph */
}

static void (*const writers[])(struct clcnn_export *) = {
    [CLCNN_LAYER_INPUT] = save_input,
    [CLCNN_LAYER_CONV2D] = clcnn_export_save_conv2d,
    [CLCNN_LAYER_POOL2D] = clcnn_export_save_pool2d,
    [CLCNN_LAYER_DENSE] = clcnn_export_save_dense,
    [CLCNN_LAYER_FLATTEN] = clcnn_export_save_flatten,
    [CLCNN_LAYER_ACTIVATION] = clcnn_export_save_activation,
    [CLCNN_LAYER_DROPOUT] = clcnn_export_save_dropout,
    [CLCNN_LAYER_ADD] = clcnn_export_save_add,
    [CLCNN_LAYER_CONCATENATE] = clcnn_export_save_concatenate,
    [CLCNN_LAYER_CONSTANT] = clcnn_export_save_constant,
    [CLCNN_LAYER_MAP] = clcnn_export_save_map,
    [CLCNN_LAYER_JOIN] = clcnn_export_save_join,
    [CLCNN_LAYER_MATMUL] = clcnn_export_save_matmul,
    [CLCNN_LAYER_REDUCE] = clcnn_export_save_reduce,
    [CLCNN_LAYER_SOFTMAX] = clcnn_export_save_softmax,
    [CLCNN_LAYER_NORMALIZE] = clcnn_export_save_normalize,
    [CLCNN_LAYER_GATHER] = clcnn_export_save_gather,
    [CLCNN_LAYER_RESIZE] = clcnn_export_save_resize,
    [CLCNN_LAYER_POOL_ND] = clcnn_export_save_pool_nd,
    [CLCNN_LAYER_UNPOOL] = clcnn_export_save_unpool,
    [CLCNN_LAYER_CONV_ND] = clcnn_export_save_conv_nd,
};

static void save_layers(struct clcnn_export *e)
{
    for (size_t i = 0; i < e->model->layer_count && e->status == CLCNN_STATUS_OK; i++) {
        e->layer = &e->model->layers[i];
        size_t kind = (size_t)e->layer->kind;
        if (kind < sizeof(writers) / sizeof(writers[0]) && writers[kind])
            writers[kind](e);
        else
            clcnn_export_refuse(e, "there is no operator of ONNX for it");
    }
}

/* ---- ports ----------------------------------------------------------------------------------- */

static Clcnn__TensorShapeProto *make_shape(struct clcnn_export *e, const struct clcnn_shape *shape)
{
    size_t rank = (size_t)shape->rank;
    Clcnn__TensorShapeProto *made = clcnn_export_keep(e, 1, sizeof(*made));
    Clcnn__TensorShapeProto__Dimension *dims = clcnn_export_keep(e, rank, sizeof(*dims));
    Clcnn__TensorShapeProto__Dimension **list = clcnn_export_keep(e, rank, sizeof(*list));
    if (!list)
        return NULL;
    clcnn__tensor_shape_proto__init(made);
    made->n_dim = rank;
    made->dim = list;
    for (size_t i = 0; i < rank; i++) {
        clcnn__tensor_shape_proto__dimension__init(&dims[i]);
        list[i] = &dims[i];
        if (shape->dim[i] == CLCNN_DIM_BATCH) {
            dims[i].value_case = CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dims[i].dim_param = (char *)"N";
        } else {
            dims[i].value_case = CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dims[i].dim_value = shape->dim[i];
        }
    }
    return made;
}

static Clcnn__ValueInfoProto *make_info(struct clcnn_export *e, char *name,
                                        const struct clcnn_port *port)
{
    Clcnn__ValueInfoProto *info = clcnn_export_keep(e, 1, sizeof(*info));
    Clcnn__TypeProto *type = clcnn_export_keep(e, 1, sizeof(*type));
    Clcnn__TypeProto__Tensor *tensor = clcnn_export_keep(e, 1, sizeof(*tensor));
    Clcnn__TensorShapeProto *shape = make_shape(e, &port->shape);
    if (!shape)
        return NULL;
    clcnn__type_proto__tensor__init(tensor);
    tensor->has_elem_type = 1;
    tensor->elem_type = clcnn_export_type(port->dtype);
    tensor->shape = shape;
    clcnn__type_proto__init(type);
    type->value_case = CLCNN__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    clcnn__value_info_proto__init(info);
    info->name = name;
    info->type = type;
    return info;
}

/* Inputs, and the names that the outputs will have, so that nothing else takes them. */
static void begin_ports(struct clcnn_export *e, Clcnn__GraphProto *graph, int *outputs)
{
    const struct clcnn_model *model = e->model;
    graph->input = clcnn_export_keep(e, (size_t)model->input_count, sizeof(*graph->input));
    for (int i = 0; i < model->input_count && e->status == CLCNN_STATUS_OK; i++) {
        const struct clcnn_model_port *port = &model->inputs[i];
        int value = clcnn_export_new_value(e, port->name);
        if (value < 0)
            return;
        e->written[port->layer]
            .value[port->channels_first ? CLCNN_EXPORT_CHANNELS_FIRST : CLCNN_EXPORT_AS_IT_LIES] =
            value;
        graph->input[graph->n_input++] = make_info(e, e->values[value], &port->port);
    }
    for (int i = 0; i < model->output_count; i++)
        outputs[i] = clcnn_export_new_value(e, model->outputs[i].name);
}

static bool is_made_by_node(const struct clcnn_export *e, int value)
{
    for (size_t i = 0; i < e->node_count; i++)
        if (e->nodes[i]->output == value)
            return true;
    return false;
}

/* The node that makes the value makes the output instead, and whoever read it reads that; a value
 * that is no node's, or another output already, is copied by an Identity. */
static void name_output(struct clcnn_export *e, int value, int output)
{
    if (!is_made_by_node(e, value)) {
        clcnn_export_emit(e, "Identity", "output", &value, 1);
        if (e->status == CLCNN_STATUS_OK)
            e->nodes[e->node_count - 1]->output = output;
        return;
    }
    for (size_t i = 0; i < e->node_count; i++) {
        struct clcnn_export_node *node = e->nodes[i];
        for (size_t k = 0; k < node->proto.n_input; k++)
            if (node->inputs[k] == value)
                node->inputs[k] = output;
        if (node->output == value)
            node->output = output;
    }
    for (size_t i = 0; i < e->model->layer_count; i++)
        for (int form = 0; form < CLCNN_EXPORT_FORM_COUNT; form++)
            if (e->written[i].value[form] == value)
                e->written[i].value[form] = output;
}

static int value_of_output(struct clcnn_export *e, const struct clcnn_model_port *port,
                           const int *outputs, int before)
{
    e->layer = &e->model->layers[port->layer];
    int value = -1;
    if (port->channels_first && e->layer->shape.rank == 4)
        value = clcnn_export_whole(e, port->layer, CLCNN_EXPORT_CHANNELS_FIRST);
    else
        value = clcnn_export_shaped(e, port->layer, &port->port.shape);
    for (int i = 0; i < before; i++)
        if (outputs[i] == value)
            value = clcnn_export_emit(e, "Identity", "again", &value, 1);
    return value;
}

static void end_ports(struct clcnn_export *e, Clcnn__GraphProto *graph, const int *outputs)
{
    const struct clcnn_model *model = e->model;
    graph->output = clcnn_export_keep(e, (size_t)model->output_count, sizeof(*graph->output));
    for (int i = 0; i < model->output_count && e->status == CLCNN_STATUS_OK; i++) {
        const struct clcnn_model_port *port = &model->outputs[i];
        int value = value_of_output(e, port, outputs, i);
        if (e->status != CLCNN_STATUS_OK)
            return;
        name_output(e, value, outputs[i]);
        graph->output[graph->n_output++] = make_info(e, e->values[outputs[i]], &port->port);
    }
}

/* ---- the messages ---------------------------------------------------------------------------- */

static void name_values(struct clcnn_export *e, Clcnn__GraphProto *graph)
{
    graph->node = clcnn_export_keep(e, e->node_count, sizeof(*graph->node));
    for (size_t i = 0; i < e->node_count && graph->node; i++) {
        struct clcnn_export_node *node = e->nodes[i];
        Clcnn__NodeProto *proto = &node->proto;
        proto->input = clcnn_export_keep(e, proto->n_input, sizeof(*proto->input));
        proto->output = clcnn_export_keep(e, 2, sizeof(*proto->output));
        int unused = node->second ? clcnn_export_new_value(e, proto->name) : -1;
        if (!proto->output || (node->second && unused < 0))
            return;
        for (size_t k = 0; k < proto->n_input; k++)
            proto->input[k] = node->inputs[k] >= 0 ? e->values[node->inputs[k]] : (char *)"";
        if (node->second)
            proto->output[proto->n_output++] = e->values[unused];
        proto->output[proto->n_output++] = e->values[node->output];
        graph->node[graph->n_node++] = proto;
    }
    graph->initializer = e->tensors;
    graph->n_initializer = e->tensor_count;
}

static enum clcnn_status build_graph(struct clcnn_export *e, Clcnn__GraphProto *graph)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_model *model = e->model;
    e->written = clcnn_export_keep(e, model->layer_count, sizeof(*e->written));
    int *outputs = clcnn_export_keep(e, (size_t)model->output_count, sizeof(*outputs));
    TRY(e->status);
    for (size_t i = 0; i < model->layer_count; i++)
        for (int form = 0; form < CLCNN_EXPORT_FORM_COUNT; form++)
            e->written[i].value[form] = -1;
    begin_ports(e, graph, outputs);
    save_layers(e);
    TRY(e->status);
    if (e->unsupported_count)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "onnx: %d of %zu layers cannot be written:%s",
                       e->unsupported_count, model->layer_count,
                       e->unsupported.data ? e->unsupported.data : ""));
    end_ports(e, graph, outputs);
    name_values(e, graph);
    TRY(e->status);
done:
    return status;
}

struct sink {
    ProtobufCBuffer base;
    enum clcnn_status status;
    struct clcnn_file_writer *file;
    size_t length;
    unsigned char pending[1 << 16];
};

static void flush(struct sink *sink)
{
    if (sink->status == CLCNN_STATUS_OK)
        sink->status = clcnn_file_write(sink->file, sink->pending, sink->length);
    sink->length = 0;
}

/* Messages come in pieces of a few bytes between large ones. */
static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data)
{
    struct sink *sink = (struct sink *)buffer;
    if (sink->length + size > sizeof(sink->pending))
        flush(sink);
    if (size > sizeof(sink->pending)) {
        if (sink->status == CLCNN_STATUS_OK)
            sink->status = clcnn_file_write(sink->file, data, size);
        return;
    }
    memcpy(sink->pending + sink->length, data, size);
    sink->length += size;
}

static enum clcnn_status write_file(const Clcnn__ModelProto *proto, const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_file_writer file = {0};
    struct sink *sink = NULL;
    TRY(clcnn_alloc(1, sizeof(*sink), &sink));
    TRY(clcnn_file_create(path, &file));
    sink->base.append = append;
    sink->file = &file;
    clcnn__model_proto__pack_to_buffer(proto, &sink->base);
    flush(sink);
    TRY(sink->status);
    TRY(clcnn_file_commit(&file));
done:
    clcnn_file_discard(&file);
    free(sink);
    return status;
}

static enum clcnn_status write_memory(const Clcnn__ModelProto *proto, size_t bytes, void **data,
                                      size_t *size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_alloc(bytes, 1, data));
    *size = clcnn__model_proto__pack(proto, *data);
done:
    return status;
}

/* To a file, or with path NULL to memory. */
static enum clcnn_status save(const struct clcnn_model *model, const char *path, void **data,
                              size_t *size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_export e = {.model = model};
    Clcnn__ModelProto proto = CLCNN__MODEL_PROTO__INIT;
    Clcnn__GraphProto graph = CLCNN__GRAPH_PROTO__INIT;
    Clcnn__OperatorSetIdProto opset = CLCNN__OPERATOR_SET_ID_PROTO__INIT, *opsets[] = {&opset};
    TRY(build_graph(&e, &graph));
    graph.name = model->name;
    opset.domain = (char *)"";
    opset.has_version = 1;
    opset.version = CLCNN_EXPORT_OPSET;
    proto.has_ir_version = 1;
    proto.ir_version = CLCNN_EXPORT_IR;
    proto.n_opset_import = 1;
    proto.opset_import = opsets;
    proto.producer_name = (char *)"clcnn";
    proto.producer_version = (char *)clcnn_version();
    proto.graph = &graph;
    size_t bytes = clcnn__model_proto__get_packed_size(&proto);
    if (bytes > MOST_BYTES)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                       "onnx: model '%s' takes %zu bytes, and an ONNX file at most %d; "
                       "clcnn_model_save_weights writes weights of any size",
                       model->name, bytes, MOST_BYTES));
    TRY(path ? write_file(&proto, path) : write_memory(&proto, bytes, data, size));
done:
    for (size_t i = 0; i < e.block_count; i++)
        free(e.blocks[i]);
    free(e.blocks);
    free(e.values);
    free(e.nodes);
    free(e.tensors);
    clcnn_text_clear(&e.unsupported);
    return status;
}

enum clcnn_status clcnn_onnx_save(const struct clcnn_model *model, const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(model && model->finished, "onnx: the model is NULL or not finished");
    REQUIRE(path && *path, "onnx: the path is NULL or empty");
    TRY(save(model, path, NULL, NULL));
done:
    return status;
}

enum clcnn_status clcnn_onnx_save_memory(const struct clcnn_model *model, void **data, size_t *size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(data && size, "onnx: data or size is NULL");
    *data = NULL;
    *size = 0;
    REQUIRE(model && model->finished, "onnx: the model is NULL or not finished");
    TRY(save(model, NULL, data, size));
done:
    return status;
}
