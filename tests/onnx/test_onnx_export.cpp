#include "onnx/onnx_file.hpp"
#include "run/networks.hpp"
#include "support/files.hpp"
#include "support/owned.hpp"
#include <algorithm>
#include <clcnn/session.h>
#include <cstring>
#include <set>

extern "C" {
#include "model/graph.h"
}

namespace
{

using Model = Owned<clcnn_model, clcnn_model_destroy>;
using Session = Owned<clcnn_session, clcnn_session_destroy>;

/* The bytes of a saved model, and what they say. */
class Saved
{
  public:
    explicit Saved(const clcnn_model *model)
    {
        CHECK_OK(clcnn_onnx_save_memory(model, &data_, &size_));
        proto_ = clcnn__model_proto__unpack(nullptr, size_, static_cast<const uint8_t *>(data_));
        REQUIRE(proto_ != nullptr);
    }
    ~Saved()
    {
        clcnn__model_proto__free_unpacked(proto_, nullptr);
        clcnn_free(data_);
    }
    Saved(const Saved &) = delete;

    const Clcnn__ModelProto &proto() const
    {
        return *proto_;
    }
    const Clcnn__GraphProto &graph() const
    {
        return *proto_->graph;
    }
    std::string bytes() const
    {
        return {static_cast<const char *>(data_), size_};
    }
    std::vector<std::string> operators() const
    {
        std::vector<std::string> result;
        for (size_t i = 0; i < graph().n_node; i++)
            result.emplace_back(graph().node[i]->op_type);
        return result;
    }
    void load(clcnn_model **out) const
    {
        CHECK_OK(clcnn_onnx_load_memory(data_, size_, nullptr, out));
    }

  private:
    void *data_ = nullptr;
    size_t size_ = 0;
    Clcnn__ModelProto *proto_ = nullptr;
};

size_t elements(const clcnn_shape &shape)
{
    size_t count = 1;
    for (int i = 0; i < shape.rank; i++)
        count *= shape.dim[i] == CLCNN_DIM_BATCH ? 1 : (size_t)shape.dim[i];
    return count;
}

std::vector<float> run(struct clcnn_device *device, const Model &model, int count)
{
    struct clcnn_session_params params = {};
    params.batch = count;
    Session session;
    CHECK_OK(clcnn_session_create(device, model, &params, &session));
    std::vector<float> x((size_t)count * elements(*clcnn_model_input_shape(model)));
    std::vector<float> y =
        Guarded::poison((size_t)count * elements(*clcnn_model_output_shape(model)));
    for (size_t i = 0; i < x.size(); i++)
        x[i] = (float)((i * 37 + 11) % 101) / 50.0f - 1.0f;
    CHECK_OK(
        clcnn_session_predict(session, clcnn_model_batched(model) ? count : 1, x.data(), y.data()));
    return y;
}

bool same_port(const clcnn_port *a, const clcnn_port *b)
{
    return std::string(a->name) == b->name && a->dtype == b->dtype &&
           a->shape.rank == b->shape.rank &&
           std::equal(a->shape.dim, a->shape.dim + a->shape.rank, b->shape.dim);
}

/* Saved and read back, a model has the same ports and gives the same bits. */
void check_round_trip(struct clcnn_device *device, const Model &model)
{
    Model again;
    Saved(model).load(&again);
    CHECK(clcnn_model_batched(again) == clcnn_model_batched(model));
    REQUIRE(clcnn_model_input_count(again) == 1);
    REQUIRE(clcnn_model_output_count(again) == 1);
    CHECK(same_port(clcnn_model_input(again, 0), clcnn_model_input(model, 0)));
    CHECK(same_port(clcnn_model_output(again, 0), clcnn_model_output(model, 0)));
    const int count = clcnn_model_batched(model) ? 3 : 1;
    const std::vector<float> expected = run(device, model, count);
    const std::vector<float> found = run(device, again, count);
    REQUIRE(found.size() == expected.size());
    CHECK(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
}

clcnn_node asymmetric_groups(struct clcnn_model *m)
{
    struct clcnn_input_params input = {};
    input.height = 13;
    input.width = 11;
    input.channels = 4;
    input.data_format = CLCNN_DATA_FORMAT_CHANNELS_FIRST;
    struct clcnn_conv2d_layer conv = {};
    conv.filters = 6;
    conv.groups = 2;
    conv.kernel[0] = 3;
    conv.kernel[1] = 4;
    conv.strides[0] = 2;
    conv.strides[1] = 1;
    conv.padding = CLCNN_PADDING_EXPLICIT;
    conv.pads[0] = 1;
    conv.pads[1] = 3;
    conv.pads[3] = 2;
    conv.activation = CLCNN_ACTIVATION_LEAKY_RELU;
    conv.activation_alpha = 0.2f;
    clcnn_node x = clcnn_add_conv2d(m, clcnn_input(m, &input), &conv);
    struct clcnn_pool2d_layer pool = {};
    pool.size[0] = 3;
    pool.strides[0] = 1;
    pool.padding = CLCNN_PADDING_EXPLICIT;
    pool.pads[0] = 2;
    pool.pads[3] = 1;
    clcnn_node parts[] = {clcnn_add_average_pool2d(m, x, &pool), clcnn_add_max_pool2d(m, x, &pool)};
    x = clcnn_add_concatenate(m, parts, 2);
    x = clcnn_add_add(m, clcnn_add_activation(m, x, CLCNN_ACTIVATION_TANH, 0), x);
    clcnn_node ends[] = {clcnn_add_global_average_pool2d(m, x), clcnn_add_flatten(m, x)};
    x = clcnn_add_concatenate(m, ends, 2);
    struct clcnn_dense_layer dense = {};
    dense.units = 5;
    dense.activation = CLCNN_ACTIVATION_SOFTMAX;
    return clcnn_add_dense(m, x, &dense);
}

void take_network(const char *name, Model &model)
{
    CHECK_OK(clcnn_network_create(name, 3, &model));
}

OnnxFile &add_block(OnnxFile &file)
{
    file.floats("w1", {4, 2, 3, 3}, std::vector<float>(72, 0.0625f));
    file.floats("scale", {4}, {1, 2, 0.5f, 3}).floats("shift", {4}, {0, 1, -1, 0.25f});
    file.floats("mean", {4}, {1, 0, 2, 0}).floats("var", {4}, {3, 2, 15, 1});
    file.integers("pads", {0, 0, 1, 2, 0, 0, 0, 1});
    file.node("Pad", {"x", "pads"}, {"p"}).node("Conv", {"p", "w1"}, {"c"}, "conv");
    file.node("BatchNormalization", {"c", "scale", "shift", "mean", "var"}, {"n"});
    return file.node("HardSwish", {"n"}, {"h"}, "swish");
}

} // namespace

TEST_CASE("onnx save: every kind of network comes back with the same bits", "[onnx][onnx-save]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    for (const TestNetwork &network : test_networks) {
        INFO(network.name);
        TestModel built(network);
        Model model;
        *&model = clcnn_model_retain(built);
        check_round_trip(device, model);
    }
    for (const char *name : {"mnist-cnn", "lenet-5", "cnn-strided"}) {
        INFO(name);
        Model model;
        take_network(name, model);
        check_round_trip(device, model);
    }
    TestModel built(asymmetric_groups);
    Model model;
    *&model = clcnn_model_retain(built);
    check_round_trip(device, model);
}

TEST_CASE("onnx save: networks that were read", "[onnx][onnx-save]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    OnnxFile file(14);
    SECTION("an image, cut, turned and joined")
    {
        file.input("x", {0, 2, 6, 5}).output("y");
        add_block(file).node("Split", {"h"}, {"a", "b"}).integer("axis", 1);
        file.floats("half", {1, 1, 1, 1}, {0.5f});
        file.node("Mul", {"a", "half"}, {"m"}).node("Exp", {"b"}, {"e"});
        file.node("Concat", {"e", "m", "h"}, {"j"}).integer("axis", 1);
        file.node("Transpose", {"j"}, {"t"}).list("perm", {0, 3, 1, 2});
        file.node("Softmax", {"t"}, {"y"}).integer("axis", 2);
    }
    SECTION("a sequence")
    {
        std::vector<float> weights(5 * 4);
        for (size_t i = 0; i < weights.size(); i++)
            weights[i] = (float)(i % 7) / 4 - 0.5f;
        file.input("x", {0, 3, 5}).output("y").floats("w", {5, 4}, weights);
        file.node("MatMul", {"x", "w"}, {"q"}, "query").node("Tanh", {"q"}, {"k"});
        file.node("Transpose", {"k"}, {"kt"}).list("perm", {0, 2, 1});
        file.node("MatMul", {"q", "kt"}, {"s"}).node("Softmax", {"s"}, {"p"});
        file.integers("axes", {2});
        file.node("ReduceSum", {"p", "axes"}, {"r"}).integer("keepdims", 0);
        file.node("ReduceMax", {"q"}, {"z"}).list("axes", {2}).integer("keepdims", 0);
        file.node("Sub", {"z", "r"}, {"y"});
    }
    SECTION("windows of every kind, resized and gathered")
    {
        std::vector<float> weights(2 * 3 * 3 * 2);
        for (size_t i = 0; i < weights.size(); i++)
            weights[i] = (float)(i % 11) / 8 - 0.5f;
        file.input("x", {0, 2, 6, 5}).output("y").floats("w", {2, 3, 3, 2}, weights);
        file.floats("b", {3}, {0.5f, 0, -1}).floats("scales", {4}, {1, 1, 2, 1.5f});
        file.integers("which", {2, 0, 0, 1});
        file.node("ConvTranspose", {"x", "w", "b"}, {"t"})
            .list("strides", {2, 1})
            .list("pads", {1, 0, 0, 1})
            .list("output_padding", {1, 0});
        file.node("MaxPool", {"t"}, {"m"}).list("kernel_shape", {2, 2}).list("dilations", {2, 1});
        file.node("AveragePool", {"m"}, {"a"})
            .list("kernel_shape", {3, 2})
            .list("strides", {2, 2})
            .list("pads", {1, 0, 1, 1})
            .integer("count_include_pad", 1);
        file.node("Resize", {"a", "", "scales"}, {"r"}).word("mode", "linear");
        file.node("Gather", {"r", "which"}, {"y"}).integer("axis", 1);
    }
    SECTION("features in the file's order")
    {
        file.input("x", {0, 2, 6, 5}).output("y");
        std::vector<float> weights(3 * 4 * 5 * 6);
        for (size_t i = 0; i < weights.size(); i++)
            weights[i] = (float)(i % 13) / 16 - 0.25f;
        file.floats("fc", {3, 4 * 5 * 6}, weights);
        add_block(file).node("LRN", {"h"}, {"l"}).integer("size", 3);
        file.node("Flatten", {"l"}, {"f"}).node("Gemm", {"f", "fc"}, {"y"}).integer("transB", 1);
    }
    Model model;
    CHECK_OK(file.load(&model));
    check_round_trip(device, model);
}

TEST_CASE("onnx save: what the file says", "[onnx][onnx-save]")
{
    Model model;
    take_network("mnist-cnn", model);
    const Saved saved(model);
    CHECK(saved.proto().ir_version == 8);
    CHECK(std::string(saved.proto().producer_name) == "clcnn");
    CHECK(std::string(saved.proto().producer_version) == clcnn_version());
    REQUIRE(saved.proto().n_opset_import == 1);
    CHECK(saved.proto().opset_import[0]->version == 17);
    CHECK(std::string(saved.graph().name) == "mnist-cnn");
    CHECK(saved.operators() == std::vector<std::string>{"Transpose", "Conv", "Relu", "MaxPool",
                                                        "Conv", "Relu", "MaxPool", "Conv", "Relu",
                                                        "Flatten", "Gemm", "Relu", "Gemm",
                                                        "Softmax"});
    CHECK(std::string(saved.graph().node[1]->name) == "conv2d");
    CHECK(std::string(saved.graph().node[2]->name) == "conv2d/relu");
    CHECK(std::string(saved.graph().initializer[0]->name) == "conv2d/kernel");
    REQUIRE(saved.graph().n_input == 1);
    const Clcnn__TensorShapeProto *shape = saved.graph().input[0]->type->tensor_type->shape;
    REQUIRE(shape->n_dim == 4);
    CHECK(std::string(shape->dim[0]->dim_param) == "N");
    CHECK(shape->dim[3]->dim_value == 1);
    CHECK(Saved(model).bytes() == saved.bytes());
}

TEST_CASE("onnx save: every name is used once", "[onnx][onnx-save]")
{
    OnnxFile file;
    file.input("x", {0, 2, 4, 4}).output("y").output("z").output("again");
    file.floats("w", {2, 2, 1, 1}, {1, 2, 3, 4});
    file.node("Conv", {"x", "w"}, {"a"}, "y").node("Relu", {"a"}, {"y"}, "y/relu");
    file.node("Identity", {"y"}, {"z"}, "z").node("Identity", {"x"}, {"again"}, "x");
    Model model, read;
    CHECK_OK(file.load(&model));
    const Saved saved(model);
    std::set<std::string> nodes, values;
    values.insert(saved.graph().input[0]->name);
    for (size_t i = 0; i < saved.graph().n_initializer; i++)
        CHECK(values.insert(saved.graph().initializer[i]->name).second);
    for (size_t i = 0; i < saved.graph().n_node; i++) {
        CHECK(nodes.insert(saved.graph().node[i]->name).second);
        CHECK(values.insert(saved.graph().node[i]->output[0]).second);
    }
    REQUIRE(saved.graph().n_output == 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK(values.count(saved.graph().output[i]->name) == 1);
        CHECK(std::string(saved.graph().output[i]->name) ==
              clcnn_model_output(model, (int)i)->name);
    }
    saved.load(&read);
    CHECK(clcnn_model_output_count(read) == 3);
}

TEST_CASE("onnx save: no transpose between images", "[onnx][onnx-save]")
{
    Model built, model;
    take_network("mobilenet", built);
    std::vector<std::string> made = Saved(built).operators();
    CHECK(std::count(made.begin(), made.end(), "Transpose") == 1);
    CHECK(made[0] == "Transpose");
    OnnxFile file(14);
    file.input("x", {0, 2, 6, 5}).output("y");
    add_block(file).node("GlobalAveragePool", {"h"}, {"g"}).node("Mul", {"h", "g"}, {"y"});
    CHECK_OK(file.load(&model));
    made = Saved(model).operators();
    CHECK(std::count(made.begin(), made.end(), "Transpose") == 0);
    CHECK(std::count(made.begin(), made.end(), "Pad") == 2);
}

TEST_CASE("onnx save: layers without an operator are listed together", "[onnx][onnx-save]")
{
    Model model;
    take_network("mnist-cnn", model);
    clcnn_model *inside = model;
    const enum clcnn_layer_kind kinds[] = {inside->layers[1].kind, inside->layers[4].kind};
    const int unknown = 1000; /* which C++ must not have in an enum */
    memcpy(&inside->layers[1].kind, &unknown, sizeof(unknown));
    memcpy(&inside->layers[4].kind, &unknown, sizeof(unknown));
    void *data = &inside;
    size_t size = 1;
    CHECK_FAILS(clcnn_onnx_save_memory(model, &data, &size), CLCNN_STATUS_UNSUPPORTED,
                "2 of 10 layers");
    CHECK_THAT(clcnn_error_message(), Catch::Matchers::Contains("'conv2d' (Conv2D)") &&
                                          Catch::Matchers::Contains("'max_pooling2d_1'"));
    CHECK(data == nullptr);
    CHECK(size == 0);
    inside->layers[1].kind = kinds[0];
    inside->layers[4].kind = kinds[1];
}

TEST_CASE("onnx save: files are whole or not there, arguments are checked", "[onnx][onnx-save]")
{
    TemporaryDirectory directory;
    Model model, unfinished, read;
    take_network("lenet-5", model);
    CHECK_OK(clcnn_model_create(nullptr, &unfinished));
    const std::string path = directory.path("net.onnx"), absent = directory.path("absent/n.onnx");
    write_file(path, "before");
    CHECK_OK(clcnn_onnx_save(model, path.c_str()));
    CHECK(read_file(path) == Saved(model).bytes());
    CHECK_OK(clcnn_onnx_load(path.c_str(), nullptr, &read));
    CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
    CHECK_FAILS(clcnn_onnx_save(model, absent.c_str()), CLCNN_STATUS_IO, "absent/n.onnx");
    CHECK_FAILS(clcnn_onnx_save(model, "/dev/full"), CLCNN_STATUS_IO, "/dev/full");
    CHECK_FAILS(clcnn_onnx_save(nullptr, path.c_str()), CLCNN_STATUS_INVALID_ARGUMENT, "NULL");
    CHECK_FAILS(clcnn_onnx_save(unfinished, path.c_str()), CLCNN_STATUS_INVALID_ARGUMENT,
                "not finished");
    CHECK_FAILS(clcnn_onnx_save(model, nullptr), CLCNN_STATUS_INVALID_ARGUMENT, "path");
    CHECK_FAILS(clcnn_onnx_save(model, ""), CLCNN_STATUS_INVALID_ARGUMENT, "path");
    void *data;
    size_t size;
    CHECK_FAILS(clcnn_onnx_save_memory(model, nullptr, &size), CLCNN_STATUS_INVALID_ARGUMENT,
                "data");
    CHECK_FAILS(clcnn_onnx_save_memory(model, &data, nullptr), CLCNN_STATUS_INVALID_ARGUMENT,
                "size");
}
