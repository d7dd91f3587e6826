#include "onnx/onnx_file.hpp"

namespace
{

template <class T> std::vector<T *> pointers(std::deque<T> &items)
{
    std::vector<T *> result;
    for (T &item : items)
        result.push_back(&item);
    return result;
}

} // namespace

OnnxFile::OnnxFile(int64_t opset) : opset_(opset)
{
}

char *OnnxFile::text(const std::string &value)
{
    texts_.push_back(value);
    return &texts_.back()[0];
}

int64_t *OnnxFile::keep(const std::vector<int64_t> &values)
{
    lists_.push_back(values);
    return lists_.back().data();
}

OnnxFile &OnnxFile::input(const std::string &name, const std::vector<int64_t> &shape, int type)
{
    dimension_lists_.emplace_back();
    for (int64_t size : shape) {
        dimensions_.push_back(CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__INIT);
        Clcnn__TensorShapeProto__Dimension &d = dimensions_.back();
        d.value_case = size ? CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                            : CLCNN__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        if (size)
            d.dim_value = size;
        else
            d.dim_param = text("N");
        dimension_lists_.back().push_back(&d);
    }
    shapes_.push_back(CLCNN__TENSOR_SHAPE_PROTO__INIT);
    shapes_.back().n_dim = shape.size();
    shapes_.back().dim = dimension_lists_.back().data();
    tensor_types_.push_back(CLCNN__TYPE_PROTO__TENSOR__INIT);
    tensor_types_.back().has_elem_type = 1;
    tensor_types_.back().elem_type = type;
    tensor_types_.back().shape = &shapes_.back();
    types_.push_back(CLCNN__TYPE_PROTO__INIT);
    types_.back().value_case = CLCNN__TYPE_PROTO__VALUE_TENSOR_TYPE;
    types_.back().tensor_type = &tensor_types_.back();
    inputs_.push_back(CLCNN__VALUE_INFO_PROTO__INIT);
    inputs_.back().name = text(name);
    inputs_.back().type = &types_.back();
    return *this;
}

OnnxFile &OnnxFile::output(const std::string &name)
{
    outputs_.push_back(CLCNN__VALUE_INFO_PROTO__INIT);
    outputs_.back().name = text(name);
    return *this;
}

OnnxFile &OnnxFile::floats(const std::string &name, const std::vector<int64_t> &shape,
                           const std::vector<float> &values)
{
    numbers_.push_back(values);
    tensors_.push_back(CLCNN__TENSOR_PROTO__INIT);
    Clcnn__TensorProto &t = tensors_.back();
    t.name = text(name);
    t.n_dims = shape.size();
    t.dims = keep(shape);
    t.has_data_type = 1;
    t.data_type = CLCNN__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t.n_float_data = values.size();
    t.float_data = numbers_.back().data();
    return *this;
}

OnnxFile &OnnxFile::integers(const std::string &name, const std::vector<int64_t> &values)
{
    tensors_.push_back(CLCNN__TENSOR_PROTO__INIT);
    Clcnn__TensorProto &t = tensors_.back();
    t.name = text(name);
    t.n_dims = 1;
    t.dims = keep({(int64_t)values.size()});
    t.has_data_type = 1;
    t.data_type = CLCNN__TENSOR_PROTO__DATA_TYPE__INT64;
    t.n_int64_data = values.size();
    t.int64_data = keep(values);
    return *this;
}

void OnnxFile::external(const std::string &location, const std::string &length)
{
    entry_lists_.emplace_back();
    for (const auto &entry : {std::make_pair("location", location), {"length", length}}) {
        if (entry.second.empty())
            continue;
        entries_.push_back(CLCNN__STRING_STRING_ENTRY_PROTO__INIT);
        entries_.back().key = text(entry.first);
        entries_.back().value = text(entry.second);
        entry_lists_.back().push_back(&entries_.back());
    }
    Clcnn__TensorProto &t = tensors_.back();
    t.n_float_data = 0;
    t.has_data_location = 1;
    t.data_location = CLCNN__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    t.n_external_data = entry_lists_.back().size();
    t.external_data = entry_lists_.back().data();
}

OnnxFile &OnnxFile::node(const std::string &type, const std::vector<std::string> &inputs,
                         const std::vector<std::string> &outputs, const std::string &name)
{
    nodes_.push_back(CLCNN__NODE_PROTO__INIT);
    Clcnn__NodeProto &n = nodes_.back();
    n.op_type = text(type);
    n.name = text(name);
    names_.emplace_back();
    for (const std::string &input : inputs)
        names_.back().push_back(text(input));
    n.n_input = inputs.size();
    n.input = names_.back().data();
    names_.emplace_back();
    for (const std::string &output : outputs)
        names_.back().push_back(text(output));
    n.n_output = outputs.size();
    n.output = names_.back().data();
    attribute_lists_.emplace_back();
    return *this;
}

Clcnn__AttributeProto &OnnxFile::add_attribute(const std::string &name, int type)
{
    attributes_.push_back(CLCNN__ATTRIBUTE_PROTO__INIT);
    Clcnn__AttributeProto &a = attributes_.back();
    a.name = text(name);
    a.has_type = 1;
    a.type = (Clcnn__AttributeProto__AttributeType)type;
    attribute_lists_.back().push_back(&a);
    nodes_.back().n_attribute = attribute_lists_.back().size();
    nodes_.back().attribute = attribute_lists_.back().data();
    return a;
}

OnnxFile &OnnxFile::integer(const std::string &name, int64_t value)
{
    Clcnn__AttributeProto &a = add_attribute(name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a.has_i = 1;
    a.i = value;
    return *this;
}

OnnxFile &OnnxFile::number(const std::string &name, float value)
{
    Clcnn__AttributeProto &a = add_attribute(name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a.has_f = 1;
    a.f = value;
    return *this;
}

OnnxFile &OnnxFile::list(const std::string &name, const std::vector<int64_t> &values)
{
    Clcnn__AttributeProto &a = add_attribute(name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a.n_ints = values.size();
    a.ints = keep(values);
    return *this;
}

OnnxFile &OnnxFile::word(const std::string &name, const std::string &word)
{
    Clcnn__AttributeProto &a = add_attribute(name, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    a.has_s = 1;
    a.s.data = (uint8_t *)text(word);
    a.s.len = word.size();
    return *this;
}

std::string OnnxFile::bytes()
{
    Clcnn__ModelProto model = CLCNN__MODEL_PROTO__INIT;
    Clcnn__GraphProto graph = CLCNN__GRAPH_PROTO__INIT;
    Clcnn__OperatorSetIdProto opset = CLCNN__OPERATOR_SET_ID_PROTO__INIT;
    Clcnn__OperatorSetIdProto *opsets[] = {&opset};
    auto nodes = pointers(nodes_);
    auto tensors = pointers(tensors_);
    auto inputs = pointers(inputs_), outputs = pointers(outputs_);
    opset.has_version = 1;
    opset.version = opset_;
    graph.name = text("test");
    graph.n_node = nodes.size();
    graph.node = nodes.data();
    graph.n_initializer = tensors.size();
    graph.initializer = tensors.data();
    graph.n_input = inputs.size();
    graph.input = inputs.data();
    graph.n_output = outputs.size();
    graph.output = outputs.data();
    model.has_ir_version = 1;
    model.ir_version = 8;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    model.graph = &graph;
    std::string packed(clcnn__model_proto__get_packed_size(&model), '\0');
    clcnn__model_proto__pack(&model, (uint8_t *)&packed[0]);
    return packed;
}

enum clcnn_status OnnxFile::load(clcnn_model **out, const clcnn_onnx_params *params)
{
    std::string packed = bytes();
    return clcnn_onnx_load_memory(packed.data(), packed.size(), params, out);
}
