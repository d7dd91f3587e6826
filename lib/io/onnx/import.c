/* The graph, node by node, into a model. */
#include "io/onnx/import.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

/* ---- the table of operators ------------------------------------------------------------------ */

static const struct clcnn_onnx_operator operators[] = {
#define OPERATOR(type, since, until, least, most, function)                                        \
    {#type, since, until, least, most, function},
#include "io/onnx/ops.inc"
#undef OPERATOR
};

const struct clcnn_onnx_operator *clcnn_onnx_find_operator(const char *type, int64_t opset)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (strcmp(operators[i].type, type) == 0 && opset >= operators[i].since &&
            opset <= operators[i].until)
            return &operators[i];
    return NULL;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static const struct clcnn_onnx_input *find_given(const struct clcnn_onnx_import *import,
                                                 const char *name, int position)
{
    const struct clcnn_onnx_params *params = import->params;
    for (int i = 0; i < params->input_count; i++) {
        const char *given = params->inputs[i].name;
        if (given ? strcmp(given, name) == 0 : i == position)
            return &params->inputs[i];
    }
    return NULL;
}

static enum clcnn_status check_given_shape(const char *name, const struct clcnn_shape *given,
                                           const Clcnn__TensorShapeProto *declared)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(clcnn_shape_count(given) >= 0, "input '%s': the given shape is none", name);
    if (!declared)
        return status;
    REQUIRE((size_t)given->rank == declared->n_dim,
            "input '%s' has %zu dimensions, the given shape %s has %d", name, declared->n_dim,
            clcnn_onnx_shape_words(given).text, given->rank);
    for (int i = 0; i < given->rank; i++) {
        const Clcnn__TensorShapeProto__Dimension *dim = declared->dim[i];
        bool fixed = dim->value_case == CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
                     dim->dim_value > 0;
        REQUIRE(!fixed || dim->dim_value == given->dim[i],
                "input '%s': dimension %d is %lld, the given shape %s has %lld", name, i,
                fixed ? (long long)dim->dim_value : 0LL, clcnn_onnx_shape_words(given).text,
                (long long)given->dim[i]);
    }
done:
    return status;
}

/* The file's shape; an open first dimension is the batch. */
static enum clcnn_status take_shape(struct clcnn_onnx_import *import, const char *name,
                                    const Clcnn__TensorShapeProto *declared,
                                    struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(declared, "input '%s' has no shape in the file; it must be given", name);
    NODE_SUPPORTS(declared->n_dim <= CLCNN_MAX_RANK, "input '%s' has %zu dimensions, more than %d",
                  name, declared->n_dim, CLCNN_MAX_RANK);
    *shape = (struct clcnn_shape){.rank = (int)declared->n_dim};
    for (int i = 0; i < shape->rank; i++) {
        const Clcnn__TensorShapeProto__Dimension *dim = declared->dim[i];
        bool named = dim->value_case == CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        bool fixed = dim->value_case == CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
                     dim->dim_value != 0 && dim->dim_value != -1;
        if (i == 0 && !fixed)
            import->open_batch = true;
        REQUIRE(fixed || i == 0, "input '%s': dimension %d ('%s') is open; give its shape", name, i,
                named && dim->dim_param ? dim->dim_param : "?");
        shape->dim[i] = fixed ? dim->dim_value : import->batch;
    }
    NODE_REQUIRE(clcnn_shape_count(shape) >= 0, "input '%s' has the impossible shape %s", name,
                 clcnn_onnx_shape_words(shape).text);
done:
    return status;
}

/* A given value as a constant of the import. */
static enum clcnn_status take_given_value(struct clcnn_onnx_import *import,
                                          const struct clcnn_tensor *given, int type, int *constant)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    struct clcnn_onnx_value value = {0};
    bool floats = clcnn_onnx_is_float(type);
    enum clcnn_dtype dtype = clcnn_tensor_dtype(given);
    const void *from = clcnn_tensor_const_data(given);
    bool integers = dtype == CLCNN_DTYPE_INT64 || dtype == CLCNN_DTYPE_UINT8;
    REQUIRE(floats ? dtype == CLCNN_DTYPE_FLOAT32 : integers,
            "a given value is %s; floats are given as float32, integers as int64, truth as uint8",
            clcnn_dtype_name(dtype));
    TRY(clcnn_onnx_new_tensor(import, floats ? CLCNN_DTYPE_FLOAT32 : CLCNN_DTYPE_INT64,
                              clcnn_tensor_shape(given), &tensor));
    if (dtype == clcnn_tensor_dtype(tensor))
        memcpy(clcnn_tensor_data(tensor), from, clcnn_tensor_bytes(tensor));
    else
        for (int64_t i = 0; i < clcnn_tensor_count(given); i++)
            ((int64_t *)clcnn_tensor_data(tensor))[i] = ((const uint8_t *)from)[i];
    TRY(clcnn_onnx_keep_constant(import, type, &tensor, &value));
    *constant = value.constant;
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

/* Types that no layer computes with stay out of the device: an input of them is no layer, and those
 * that read it are not supported unless its value is given. */
static enum clcnn_status add_input_layer(struct clcnn_onnx_import *import,
                                         struct clcnn_onnx_name *name, int position)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *value = &name->value;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_INPUT,
                                .type = CLCNN_LAYER_TYPE_INPUT,
                                .shape = value->shape,
                                .kernel = -1,
                                .bias = -1};
    TRY(clcnn_onnx_device_type(value->type, &layer.dtype));
    struct clcnn_port port = {.shape = value->shape, .dtype = layer.dtype, .position = position};
    TRY(clcnn_assemble_layer(import->model, &layer, name->name, NULL, NULL, 0, &value->layer));
    TRY(clcnn_assemble_port(import->model, false, name->name, &port, value->layer, false));
    import->narrowed = import->narrowed || value->type == CLCNN_ONNX_DOUBLE;
done:
    return status;
}

static enum clcnn_status add_input(struct clcnn_onnx_import *import,
                                   const Clcnn__ValueInfoProto *info, int *position)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_name *name = clcnn_onnx_find_name(import, info->name);
    const Clcnn__TypeProto *type = info->type;
    struct clcnn_onnx_value *value = &name->value;
    if (name->initializer)
        return status;
    const struct clcnn_onnx_input *given = find_given(import, info->name, *position);
    NODE_SUPPORTS(type && type->value_case == CLCNN__TYPE_PROTO__VALUE_TENSOR_TYPE &&
                      type->tensor_type,
                  "input '%s' is not a tensor", info->name);
    *value = (struct clcnn_onnx_value){.name = name->name,
                                       .type = type->tensor_type->elem_type,
                                       .layer = -1,
                                       .constant = -1,
                                       .readers = name->readers};
    enum clcnn_dtype dtype;
    if (clcnn_onnx_device_type(value->type, &dtype) != CLCNN_STATUS_OK)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "input '%s' is of the type %s", name->name,
                       clcnn_onnx_type_name(value->type)));
    const struct clcnn_shape *shape = given && given->value   ? clcnn_tensor_shape(given->value)
                                      : given && given->shape ? given->shape
                                                              : NULL;
    if (shape) {
        TRY(check_given_shape(info->name, shape, type->tensor_type->shape));
        value->shape = *shape;
    } else {
        TRY(take_shape(import, info->name, type->tensor_type->shape, &value->shape));
    }
    if (given && given->value)
        TRY(take_given_value(import, given->value, value->type, &value->constant));
    TRY(clcnn_view_dense(&value->shape, &value->view));
    TRY(add_input_layer(import, name, (*position)++));
    name->ready = true;
done:
    return status;
}

static enum clcnn_status add_initializer(struct clcnn_onnx_import *import,
                                         struct clcnn_onnx_name *name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    TRY(clcnn_onnx_unpack_tensor(import, name->initializer, &tensor));
    TRY(clcnn_onnx_keep_constant(import, name->initializer->data_type, &tensor, &name->value));
    name->value.name = name->name;
    name->value.readers = name->readers;
    name->ready = true;
done:
    return status;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void list_unsupported(struct clcnn_onnx_node *node, const char *reason)
{
    struct clcnn_onnx_import *import = node->import;
    const char *type = node->proto->op_type;
    bool foreign =
        node->proto->domain && *node->proto->domain && strcmp(node->proto->domain, "ai.onnx") != 0;
    import->unsupported_count++;
    clcnn_text_add(&import->unsupported, "\n  '%s' (%s%s%s, opset %lld): %s", node->name,
                   foreign ? node->proto->domain : "", foreign ? "." : "",
                   type && clcnn_utf8_valid(type) ? type : "?", (long long)node->opset, reason);
}

/* False if an input comes from a node that is not supported: there is nothing to say of this one
 * but whether its operator is known. */
static enum clcnn_status take_inputs(struct clcnn_onnx_node *node, bool *whole)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_import *import = node->import;
    *whole = true;
    for (int i = 0; i < node->input_count; i++) {
        const char *text = node->proto->input[i];
        struct clcnn_onnx_name *name = *text ? clcnn_onnx_find_name(import, text) : NULL;
        if (!name)
            continue;
        if (!name->ready && !name->failed && name->initializer)
            TRY(add_initializer(import, name));
        name->left--;
        *whole = *whole && name->ready;
        node->inputs[i] = name->value;
        node->inputs[i].name = name->name;
        node->inputs[i].readers = name->readers;
    }
done:
    return status;
}

static enum clcnn_status check_counts(const struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_operator *op = node->op;
    NODE_REQUIRE(node->output_count >= 1, "it has no output");
    NODE_REQUIRE(node->input_count >= op->least && (op->most < 0 || node->input_count <= op->most),
                 "it has %d inputs, %d to %d are legal", node->input_count, op->least,
                 op->most < 0 ? INT32_MAX : op->most);
    for (int i = 0; i < op->least; i++)
        NODE_REQUIRE(clcnn_onnx_given(node, i), "its input %d is left out", i);
done:
    return status;
}

static enum clcnn_status run_operator(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int i = 0; i < node->output_count; i++)
        node->outputs[i].type = 0;
    TRY(check_counts(node));
    TRY(node->op->run(node));
    TRY(node->error);
    for (int i = 0; i < node->output_count; i++)
        NODE_SUPPORTS(!*node->proto->output[i] || node->outputs[i].type, "it gives no output %d",
                      i);
done:
    return status;
}

static void keep_outputs(struct clcnn_onnx_node *node, bool ready)
{
    for (int i = 0; i < node->output_count; i++) {
        const char *text = node->proto->output[i];
        struct clcnn_onnx_name *name = *text ? clcnn_onnx_find_name(node->import, text) : NULL;
        if (!name)
            continue;
        name->ready = ready;
        name->failed = !ready;
        name->value = node->outputs[i];
        name->value.name = name->name;
        name->value.readers = name->readers;
    }
}

static bool is_ours(const char *domain)
{
    return !domain || !*domain || strcmp(domain, "ai.onnx") == 0;
}

static enum clcnn_status import_known_node(struct clcnn_onnx_node *node)
{
    bool whole = false;
    enum clcnn_status status = take_inputs(node, &whole);
    if (status == CLCNN_STATUS_OK && whole)
        status = run_operator(node);
    keep_outputs(node, status == CLCNN_STATUS_OK && whole);
    if (status == CLCNN_STATUS_UNSUPPORTED) {
        list_unsupported(node, clcnn_error_message());
        return CLCNN_STATUS_OK;
    }
    return clcnn_fail_prefix(status, "node '%s' (%s, opset %lld): ", node->name, node->op->type,
                             (long long)node->opset);
}

static enum clcnn_status import_node(struct clcnn_onnx_import *import,
                                     const Clcnn__NodeProto *proto)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_node node = {.import = import,
                                   .proto = proto,
                                   .opset = import->opset,
                                   .input_count = (int)proto->n_input,
                                   .output_count = (int)proto->n_output};
    const char *type = proto->op_type ? proto->op_type : "";
    bool has_output = proto->n_output && *proto->output[0];
    node.name = proto->name && *proto->name ? proto->name : has_output ? proto->output[0] : type;
    if (!clcnn_utf8_valid(node.name))
        node.name = "?";
    TRY(clcnn_alloc(proto->n_input, sizeof(*node.inputs), &node.inputs));
    TRY(clcnn_alloc(proto->n_output, sizeof(*node.outputs), &node.outputs));
    node.op = is_ours(proto->domain) ? clcnn_onnx_find_operator(type, import->opset) : NULL;
    if (node.op) {
        TRY(import_known_node(&node));
    } else {
        list_unsupported(&node, "there is no such operator here");
        keep_outputs(&node, false);
    }
done:
    free(node.inputs);
    free(node.outputs);
    return status;
}

static enum clcnn_status fail_unsupported(const struct clcnn_onnx_import *import)
{
    return clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "%d of %zu nodes %s not supported:%s",
                      import->unsupported_count, import->graph->n_node,
                      import->unsupported_count == 1 ? "is" : "are",
                      import->unsupported.data ? import->unsupported.data : "");
}

/* ---- outputs --------------------------------------------------------------------------------- */

/* Whether a layer's memory can be the caller's result. */
static bool is_free(const struct clcnn_model *model, int layer)
{
    for (int i = 0; i < model->output_count; i++)
        if (model->outputs[i].layer == layer)
            return false;
    return model->layers[layer].kind != CLCNN_LAYER_INPUT &&
           model->layers[layer].kind != CLCNN_LAYER_CONSTANT;
}

/* The value as an output of the model: channels-last images are converted at the border, anything
 * else that does not lie as the file says is copied. */
static enum clcnn_status add_output(struct clcnn_onnx_import *import, const char *text,
                                    int position)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_name *name = clcnn_onnx_find_name(import, text);
    struct clcnn_onnx_node node = {.import = import, .name = text};
    if (!name->ready && name->initializer)
        TRY(add_initializer(import, name));
    struct clcnn_onnx_value value = name->value;
    const int *last = clcnn_onnx_channels_last(value.shape.rank);
    TRY(clcnn_onnx_plain(&node, &value));
    const struct clcnn_layer *source =
        value.layer >= 0 ? &import->model->layers[value.layer] : NULL;
    int64_t count = clcnn_onnx_count(&value);
    bool image =
        source && value.shape.rank == 4 && source->dtype == CLCNN_DTYPE_FLOAT32 &&
        source->shape.rank == 4 && source->kind != CLCNN_LAYER_INPUT &&
        clcnn_onnx_lies(&value.view, last, count) && clcnn_shape_count(&source->shape) == count &&
        source->shape.dim[3] == value.shape.dim[1] && source->shape.dim[1] == value.shape.dim[2];
    struct clcnn_port port = {.shape = value.shape, .position = position};
    int layer = value.layer;
    TRY(clcnn_onnx_device_type(value.type, &port.dtype));
    if (!image)
        TRY(clcnn_onnx_lay(&node, &value, NULL, &layer));
    if (!image && !is_free(import->model, layer))
        TRY(clcnn_onnx_copy(&node, &value, layer, &layer));
    TRY(clcnn_assemble_port(import->model, true, text, &port, layer, image));
done:
    return clcnn_fail_prefix(status, "output '%s': ", text);
}

/* Inputs whose value became part of the model are none any more. */
static void drop_known_inputs(struct clcnn_onnx_import *import)
{
    struct clcnn_model *model = import->model;
    int kept = 0;
    for (int i = 0; i < model->input_count; i++) {
        struct clcnn_model_port port = model->inputs[i];
        const struct clcnn_onnx_name *name = clcnn_onnx_find_name(import, port.name);
        bool read = name->value.layer >= 0;
        for (size_t k = 0; k < model->layer_count && !read; k++)
            for (int j = 0; j < model->layers[k].input_count; j++)
                read = read || model->layers[k].inputs[j] == port.layer;
        if (read)
            model->inputs[kept++] = port;
        else
            free(port.name);
    }
    model->input_count = kept;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static enum clcnn_status find_opset(struct clcnn_onnx_import *import,
                                    const Clcnn__ModelProto *proto)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    import->opset = 0;
    for (size_t i = 0; i < proto->n_opset_import; i++)
        if (is_ours(proto->opset_import[i]->domain))
            import->opset = proto->opset_import[i]->version;
    if (import->opset == 0)
        import->opset = 1; /* as in files of the first version */
    NODE_REQUIRE(import->opset >= 1, "opset %lld", (long long)import->opset);
    NODE_SUPPORTS(import->opset <= CLCNN_ONNX_LAST_OPSET, "opset %lld is newer than %d",
                  (long long)import->opset, CLCNN_ONNX_LAST_OPSET);
done:
    return status;
}

enum clcnn_status clcnn_onnx_import_graph(struct clcnn_onnx_import *import,
                                          const Clcnn__ModelProto *proto)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const Clcnn__GraphProto *graph = import->graph;
    int position = 0;
    TRY(find_opset(import, proto));
    TRY(clcnn_onnx_collect_names(import));
    NODE_SUPPORTS(graph->n_sparse_initializer == 0, "it has sparse initializers");
    NODE_REQUIRE(graph->n_output > 0, "the graph has no output");
    for (size_t i = 0; i < graph->n_input; i++)
        TRY(add_input(import, graph->input[i], &position));
    for (size_t i = 0; i < graph->n_node; i++)
        TRY(import_node(import, graph->node[i]));
    if (import->unsupported_count)
        TRY(fail_unsupported(import));
    for (size_t i = 0; i < graph->n_output; i++)
        TRY(add_output(import, graph->output[i]->name, (int)i));
    drop_known_inputs(import);
    TRY(clcnn_assemble_finish(import->model));
done:
    return status;
}
