#include "onnx/onnx_file.hpp"
#include "support/check.hpp"
#include "support/owned.hpp"
#include <algorithm>
#include <catch2/catch.hpp>

extern "C" {
#include "model/graph.h"
}

namespace
{

using Model = Owned<clcnn_model, clcnn_model_destroy>;

const clcnn_model &in(const clcnn_model *model)
{
    return *model;
}

std::vector<enum clcnn_layer_kind> kinds(const clcnn_model *model)
{
    std::vector<enum clcnn_layer_kind> result;
    for (size_t i = 0; i < model->layer_count; i++)
        result.push_back(model->layers[i].kind);
    return result;
}

std::vector<int64_t> sizes(const clcnn_shape &shape)
{
    return {shape.dim, shape.dim + shape.rank};
}

std::vector<float> values(const clcnn_model *model, int weight)
{
    const clcnn_tensor *tensor = model->weights[weight].tensor;
    const float *data = static_cast<const float *>(clcnn_tensor_const_data(tensor));
    return {data, data + clcnn_tensor_count(tensor)};
}

std::vector<float> ramp(size_t count, float scale = 1.0f)
{
    std::vector<float> result(count);
    for (size_t i = 0; i < count; i++)
        result[i] = scale * (float)(i + 1);
    return result;
}

bool message_has(const char *text)
{
    INFO(clcnn_error_message());
    return std::string(clcnn_error_message()).find(text) != std::string::npos;
}

} // namespace

TEST_CASE("onnx: normalisation goes into the convolution, and its filter is laid out anew",
          "[onnx]")
{
    OnnxFile file;
    file.input("x", {0, 2, 4, 4}).output("y");
    file.floats("w", {3, 2, 1, 2}, ramp(12)).floats("b", {3}, {1, 2, 3});
    file.floats("scale", {3}, {2, 1, 4}).floats("shift", {3}, {10, 20, 30});
    file.floats("mean", {3}, {1, 0, 2}).floats("var", {3}, {3, 3, 15});
    file.node("Conv", {"x", "w", "b"}, {"c"}, "conv").list("pads", {0, 1, 0, 0});
    file.node("BatchNormalization", {"c", "scale", "shift", "mean", "var"}, {"n"})
        .number("epsilon", 1.0f);
    file.node("Relu", {"n"}, {"y"});
    Model model;
    CHECK_OK(file.load(&model));
    CHECK(kinds(model) == std::vector<enum clcnn_layer_kind>{CLCNN_LAYER_INPUT, CLCNN_LAYER_CONV2D,
                                                             CLCNN_LAYER_ACTIVATION});
    CHECK(clcnn_model_batched(model));
    CHECK(sizes(clcnn_model_input(model, 0)->shape) == std::vector<int64_t>{-1, 2, 4, 4});
    CHECK(sizes(clcnn_model_output(model, 0)->shape) == std::vector<int64_t>{-1, 3, 4, 4});
    CHECK(std::string(clcnn_model_output(model, 0)->name) == "y");
    CHECK(in(model).inputs[0].channels_first);
    CHECK(in(model).outputs[0].channels_first);
    /* Factors 2 / 2, 1 / 2, 4 / 4; [K][C][1][S] becomes [K][1][S][C]. */
    CHECK(values(model, in(model).layers[1].kernel) ==
          std::vector<float>{1, 3, 2, 4, 2.5, 3.5, 3, 4, 9, 11, 10, 12});
    CHECK(values(model, in(model).layers[1].bias) == std::vector<float>{10, 21, 31});
}

TEST_CASE("onnx: no transposition between layers of images", "[onnx]")
{
    OnnxFile file;
    file.input("x", {1, 2, 6, 6}).output("y");
    file.floats("w1", {2, 2, 3, 3}, ramp(36)).floats("w2", {2, 4, 1, 1}, ramp(8));
    file.floats("one", {2, 1, 1}, {1, 2});
    file.node("Conv", {"x", "w1"}, {"a"}).word("auto_pad", "SAME_UPPER");
    file.node("MaxPool", {"a"}, {"p"}).list("kernel_shape", {2, 2});
    file.node("AveragePool", {"a"}, {"q"}).list("kernel_shape", {2, 2});
    file.node("Concat", {"p", "q"}, {"c"}).integer("axis", 1);
    file.node("Conv", {"c", "w2"}, {"d"});
    file.node("Add", {"d", "one"}, {"e"});
    file.node("Identity", {"e"}, {"f"});
    file.node("Dropout", {"f"}, {"g"});
    file.node("Sum", {"g", "p"}, {"y"});
    Model model;
    CHECK_OK(file.load(&model));
    const auto made = kinds(model);
    CHECK(std::count(made.begin(), made.end(), CLCNN_LAYER_MAP) == 0);
    CHECK(std::count(made.begin(), made.end(), CLCNN_LAYER_CONCATENATE) == 1);
}

TEST_CASE("onnx: flattened images keep their order, the weights change theirs", "[onnx]")
{
    OnnxFile file;
    file.input("x", {1, 1, 1, 2}).output("y");
    file.floats("w", {2, 1, 1, 1}, {1, 10}).floats("b", {1, 4}, {1, 2, 3, 4});
    file.floats("c", {1}, {5});
    file.node("Conv", {"x", "w"}, {"a"});
    file.node("Flatten", {"a"}, {"f"});
    file.node("Relu", {"f"}, {"r"});
    file.node("Gemm", {"r", "b", "c"}, {"y"})
        .integer("transB", 1)
        .number("alpha", 2.0f)
        .number("beta", 3.0f);
    Model model;
    CHECK_OK(file.load(&model));
    CHECK(kinds(model) == std::vector<enum clcnn_layer_kind>{CLCNN_LAYER_INPUT, CLCNN_LAYER_CONV2D,
                                                             CLCNN_LAYER_ACTIVATION,
                                                             CLCNN_LAYER_DENSE});
    CHECK(values(model, in(model).layers[3].kernel) == std::vector<float>{2, 6, 4, 8});
    CHECK(values(model, in(model).layers[3].bias) == std::vector<float>{15});
}

TEST_CASE("onnx: shape arithmetic is folded, also with an open batch", "[onnx]")
{
    OnnxFile file;
    file.input("x", {0, 3, 4, 5}).output("y");
    file.integers("first", {0}).integers("rest", {-1});
    file.node("Shape", {"x"}, {"s"});
    file.node("Gather", {"s", "first"}, {"n"});
    file.node("Concat", {"n", "rest"}, {"t"}).integer("axis", 0);
    file.node("Reshape", {"x", "t"}, {"r"});
    file.node("Exp", {"r"}, {"y"});
    Model model;
    CHECK_OK(file.load(&model));
    CHECK(sizes(clcnn_model_output(model, 0)->shape) == std::vector<int64_t>{-1, 60});
    CHECK(clcnn_model_batched(model));
}

TEST_CASE("onnx: a graph that mixes images has fixed sizes", "[onnx]")
{
    OnnxFile file;
    file.input("x", {0, 3}).output("y");
    file.node("Transpose", {"x"}, {"t"}).node("Exp", {"t"}, {"y"});
    Model model;
    clcnn_shape shape = {2, {4, 3}};
    clcnn_onnx_input input = {};
    input.name = "x";
    input.shape = &shape;
    clcnn_onnx_params params = {};
    params.inputs = &input;
    params.input_count = 1;
    CHECK_OK(file.load(&model, &params));
    CHECK_FALSE(clcnn_model_batched(model));
    CHECK(sizes(clcnn_model_output(model, 0)->shape) == std::vector<int64_t>{3, 4});
}

TEST_CASE("onnx: an input that must be known becomes a constant", "[onnx]")
{
    OnnxFile file;
    file.input("x", {2, 6}).input("shape", {2}, 7).output("y");
    file.node("Reshape", {"x", "shape"}, {"r"}).node("Exp", {"r"}, {"y"});
    Model model;
    CHECK(file.load(&model) == CLCNN_STATUS_UNSUPPORTED);
    CHECK(message_has("'shape' is computed or given at run time"));
    Owned<clcnn_tensor, clcnn_tensor_destroy> value;
    clcnn_shape two = {1, {2}};
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_INT64, &two, &value));
    static_cast<int64_t *>(clcnn_tensor_data(value))[0] = 3;
    static_cast<int64_t *>(clcnn_tensor_data(value))[1] = 4;
    clcnn_onnx_input inputs[2] = {};
    inputs[1].value = value;
    clcnn_onnx_params params = {};
    params.inputs = inputs;
    params.input_count = 2;
    CHECK_OK(file.load(&model, &params));
    CHECK(clcnn_model_input_count(model) == 1);
    CHECK(sizes(clcnn_model_output(model, 0)->shape) == std::vector<int64_t>{3, 4});
}

TEST_CASE("onnx: all that is not supported is listed", "[onnx]")
{
    OnnxFile file;
    file.input("x", {1, 4}).output("y");
    file.node("Frobnicate", {"x"}, {"a"}, "first");
    file.node("Relu", {"a"}, {"b"});
    file.node("Scan", {"b"}, {"c"}, "second");
    file.node("Mish", {"x"}, {"d"}, "third"); /* since opset 18 */
    file.node("Add", {"c", "d"}, {"y"});
    Model model;
    CHECK(file.load(&model) == CLCNN_STATUS_UNSUPPORTED);
    CHECK(message_has("3 of 5 nodes are not supported:\n  'first' (Frobnicate, opset 13): "));
    CHECK(message_has("\n  'second' (Scan, opset 13): "));
    CHECK(message_has("\n  'third' (Mish, opset 13): "));
}

TEST_CASE("onnx: products of two inputs mix images", "[onnx]")
{
    OnnxFile file;
    file.input("a", {0, 7}).input("b", {7, 7}).output("y").node("MatMul", {"a", "b"}, {"y"});
    Model model;
    CHECK_OK(file.load(&model));
    CHECK_FALSE(clcnn_model_batched(model));
    CHECK(clcnn_model_input_count(model) == 2);
    CHECK(std::string(clcnn_model_input(model, 1)->name) == "b");
    CHECK(clcnn_model_input(model, 2) == nullptr);
    CHECK(sizes(clcnn_model_output(model, 0)->shape) == std::vector<int64_t>{1, 7});
}

TEST_CASE("onnx: a bias behind a dense layer goes into it", "[onnx]")
{
    OnnxFile file;
    file.input("x", {0, 2}).output("y").floats("w", {2, 3}, ramp(6)).floats("b", {1, 3}, ramp(3));
    file.floats("s", {3}, {2, 3, 4});
    file.node("MatMul", {"x", "w"}, {"m"}).node("Mul", {"m", "s"}, {"p"});
    file.node("Add", {"b", "p"}, {"y"});
    Model model;
    CHECK_OK(file.load(&model));
    CHECK(kinds(model) == std::vector<enum clcnn_layer_kind>{CLCNN_LAYER_INPUT, CLCNN_LAYER_DENSE});
    CHECK(values(model, in(model).layers[1].kernel) == std::vector<float>{2, 8, 6, 15, 12, 24});
    CHECK(values(model, in(model).layers[1].bias) == ramp(3));
}

TEST_CASE("onnx: what a second reader needs is not folded away", "[onnx]")
{
    OnnxFile file;
    file.input("x", {0, 2, 4, 4}).output("y").output("c");
    file.floats("w", {2, 2, 1, 1}, ramp(4)).floats("s", {2, 1, 1}, {2, 3});
    file.node("Conv", {"x", "w"}, {"c"}).node("Mul", {"c", "s"}, {"y"});
    Model model;
    CHECK_OK(file.load(&model));
    CHECK(values(model, in(model).layers[1].kernel) == ramp(4));
    CHECK(clcnn_model_output_count(model) == 2);
}

TEST_CASE("onnx: reductions of shapes are folded, resizing keeps channels last", "[onnx]")
{
    OnnxFile file;
    file.input("x", {0, 2, 4, 4}).output("y").output("z");
    file.floats("w", {2, 2, 1, 1}, ramp(4)).floats("scales", {4}, {1, 1, 2, 2});
    file.floats("none", {0}, {}).integers("rest", {-1});
    file.node("Conv", {"x", "w"}, {"a"});
    file.node("Resize", {"a", "none", "scales"}, {"b"});
    file.node("LRN", {"b"}, {"c"}).integer("size", 3);
    file.node("Conv", {"c", "w"}, {"y"});
    file.integers("axes", {1, 2, 3}).node("Shape", {"x"}, {"s"});
    file.node("Gather", {"s", "axes"}, {"sizes"});
    file.node("ReduceProd", {"sizes"}, {"count"});
    file.node("Concat", {"rest", "count"}, {"shape"}).integer("axis", 0);
    file.node("Reshape", {"x", "shape"}, {"flat"}).node("Exp", {"flat"}, {"z"});
    Model model;
    CHECK_OK(file.load(&model));
    CHECK(clcnn_model_batched(model));
    CHECK(sizes(clcnn_model_output(model, 0)->shape) == std::vector<int64_t>{-1, 2, 8, 8});
    CHECK(sizes(clcnn_model_output(model, 1)->shape) == std::vector<int64_t>{-1, 32});
    int copies = 0; /* the input alone, which is also read as it is written */
    for (size_t i = 0; i < in(model).layer_count; i++)
        copies += in(model).layers[i].kind == CLCNN_LAYER_MAP &&
                  in(model).layers[i].u.map.function == CLCNN_FUNCTION_COPY;
    CHECK(copies == 1);
}
