#include "onnx/onnx_file.hpp"
#include "support/check.hpp"
#include "support/files.hpp"
#include "support/owned.hpp"
#include <catch2/catch.hpp>

namespace
{

using Model = Owned<clcnn_model, clcnn_model_destroy>;

bool message_has(const char *text)
{
    INFO(clcnn_error_message());
    return std::string(clcnn_error_message()).find(text) != std::string::npos;
}

enum clcnn_status load(const std::string &bytes)
{
    Model model;
    clcnn_onnx_params params = {};
    params.max_bytes = 1 << 20;
    return clcnn_onnx_load_memory(bytes.data(), bytes.size(), &params, &model);
}

OnnxFile small()
{
    OnnxFile file;
    file.input("x", {1, 2, 4, 4}).output("y");
    file.floats("w", {1, 2, 1, 1}, {1, 2}).integers("s", {1, -1});
    file.node("Conv", {"x", "w"}, {"a"}).list("strides", {2, 2});
    file.node("Reshape", {"a", "s"}, {"y"});
    return file;
}

struct Broken {
    const char *what, *message;
    void (*make)(OnnxFile &);
};

const Broken broken[] = {
    {"a cycle", "has a cycle or is not sorted",
     [](OnnxFile &f) {
         f.node("Add", {"x", "b"}, {"a"}).node("Relu", {"a"}, {"b"}).node("Relu", {"b"}, {"y"});
     }},
    {"an unknown name", "'nobody', which nothing in the graph makes",
     [](OnnxFile &f) {
         f.node("Add", {"x", "nobody"}, {"y"});
     }},
    {"a name twice", "defines 'a' twice",
     [](OnnxFile &f) {
         f.node("Relu", {"x"}, {"a"}).node("Exp", {"x"}, {"a"}).node("Relu", {"a"}, {"y"});
     }},
    {"an output that nobody makes", "nothing in the graph makes its output 'y'",
     [](OnnxFile &f) { f.node("Relu", {"x"}, {"z"}); }},
    {"a tensor that is too short", "tensor 'w': it has 3 elements, its shape says 8",
     [](OnnxFile &f) {
         f.floats("w", {1, 2, 2, 2}, {1, 2, 3}).node("Conv", {"x", "w"}, {"y"});
     }},
    {"a billion elements in no bytes", "its shape says 1000000000000",
     [](OnnxFile &f) {
         f.floats("w", {1000000, 1000000}, {}).node("Add", {"x", "w"}, {"y"});
     }},
    {"a shape that overflows", "too many elements",
     [](OnnxFile &f) {
         f.floats("w", {1LL << 40, 1LL << 40}, {1}).node("Add", {"x", "w"}, {"y"});
     }},
    {"a negative size", "a size below 0",
     [](OnnxFile &f) {
         f.floats("w", {-2}, {1}).node("Add", {"x", "w"}, {"y"});
     }},
    {"a filter that does not fit", "2 channels in 1 groups do not fit the filter (1, 3, 1, 1)",
     [](OnnxFile &f) {
         f.floats("w", {1, 3, 1, 1}, {1, 2, 3}).node("Conv", {"x", "w"}, {"y"});
     }},
    {"a window that does not fit", "a window that spans 9 does not fit 4 elements",
     [](OnnxFile &f) {
         f.node("MaxPool", {"x"}, {"y"}).list("kernel_shape", {9, 1});
     }},
    {"an attribute of another type", "the attribute 'kernel_shape' is not a list of integers",
     [](OnnxFile &f) { f.node("MaxPool", {"x"}, {"y"}).number("kernel_shape", 2.0f); }},
    {"an impossible shape", "(1, 2, 4, 4) cannot be (3, 5)",
     [](OnnxFile &f) {
         f.integers("s", {3, 5}).node("Reshape", {"x", "s"}, {"y"});
     }},
    {"an axis out of range", "axis 4 is not one of 4 dimensions",
     [](OnnxFile &f) {
         f.node("Concat", {"x", "x"}, {"y"}).integer("axis", 4);
     }},
    {"unbroadcastable shapes", "(1, 2, 4, 4) and (3) do not broadcast together",
     [](OnnxFile &f) {
         f.floats("w", {3}, {1, 2, 3}).node("Mul", {"x", "w"}, {"y"});
     }},
    {"too many inputs", "it has 2 inputs, 1 to 1 are legal",
     [](OnnxFile &f) {
         f.node("Relu", {"x", "x"}, {"y"});
     }},
    {"external data outside", "is not below the model's directory",
     [](OnnxFile &f) {
         f.floats("w", {4}, {});
         f.external("../secret");
         f.node("Add", {"x", "w"}, {"y"});
     }},
    {"external data at an absolute path", "is not below the model's directory",
     [](OnnxFile &f) {
         f.floats("w", {4}, {});
         f.external("/etc/passwd");
         f.node("Add", {"x", "w"}, {"y"});
     }},
};

} // namespace

TEST_CASE("onnx: damaged files are told what is wrong", "[onnx][damaged]")
{
    for (const Broken &b : broken) {
        INFO(b.what);
        OnnxFile file;
        file.input("x", {1, 2, 4, 4}).output("y");
        b.make(file);
        Model model;
        clcnn_onnx_params params = {};
        params.directory = "/nonexistent";
        CHECK(file.load(&model, &params) == CLCNN_STATUS_FORMAT);
        CHECK(message_has(b.message));
    }
}

TEST_CASE("onnx: files cut short or changed in one byte", "[onnx][damaged]")
{
    const std::string whole = small().bytes();
    REQUIRE(load(whole) == CLCNN_STATUS_OK);
    for (size_t size = 0; size < whole.size(); size++)
        load(whole.substr(0, size)); /* may be legal where an optional field is cut off */
    CHECK(load("") == CLCNN_STATUS_FORMAT);
    CHECK(load(whole.substr(0, whole.size() - 1)) == CLCNN_STATUS_FORMAT);
    for (size_t at = 0; at < whole.size(); at++)
        for (int bit = 0; bit < 8; bit++) {
            std::string changed = whole;
            changed[at] = (char)(changed[at] ^ 1 << bit);
            load(changed);
        }
}

TEST_CASE("onnx: nesting is bounded", "[onnx][damaged]")
{
    std::string graph;
    for (int level = 0; level < 20000; level++) {
        /* graph { node { attribute { g { ... */
        for (int field : {6, 5, 1}) {
            std::string size;
            for (size_t left = graph.size(); left >= 128; left >>= 7)
                size += (char)(left & 127 | 128);
            size_t last = graph.size();
            while (last >= 128)
                last >>= 7;
            graph = std::string(1, (char)(field << 3 | 2)) + size + (char)last + graph;
        }
        if (graph.size() > 100000)
            break;
    }
    std::string size;
    size_t left = graph.size();
    for (; left >= 128; left >>= 7)
        size += (char)(left & 127 | 128);
    CHECK(load("\x3a" + size + (char)left + graph) == CLCNN_STATUS_FORMAT);
    CHECK(message_has("nested more than 64 levels deep"));
}

TEST_CASE("onnx: a constant that is too large is refused before it is made", "[onnx][damaged]")
{
    OnnxFile file;
    file.input("x", {1, 4}).output("y").integers("s", {4, 1 << 30});
    file.node("ConstantOfShape", {"s"}, {"w"}).node("MatMul", {"x", "w"}, {"y"});
    CHECK(load(file.bytes()) == CLCNN_STATUS_OUT_OF_MEMORY);
    CHECK(message_has("more bytes than"));
}

TEST_CASE("onnx: external data below the directory", "[onnx]")
{
    TemporaryDirectory directory;
    const float data[] = {9, 1, 2, 3, 4};
    write_file(directory.path("w.bin"), std::string(reinterpret_cast<const char *>(data), 20));
    OnnxFile file;
    file.input("x", {1, 5}).output("y").floats("w", {5}, {});
    file.external("w.bin", "20");
    file.node("Mul", {"x", "w"}, {"y"});
    Model model;
    clcnn_onnx_params params = {};
    CHECK(file.load(&model, &params) == CLCNN_STATUS_UNSUPPORTED);
    CHECK(message_has("no directory"));
    write_file(directory.path("m.onnx"), file.bytes());
    CHECK_OK(clcnn_onnx_load(directory.path("m.onnx").c_str(), nullptr, &model));
    clcnn_model_destroy(&model);
    write_file(directory.path("w.bin"), "short");
    CHECK(clcnn_onnx_load(directory.path("m.onnx").c_str(), nullptr, &model) ==
          CLCNN_STATUS_FORMAT);
    CHECK(message_has("which has 5 bytes"));
}

TEST_CASE("onnx: arguments", "[onnx]")
{
    Model model;
    Owned<clcnn_tensor, clcnn_tensor_destroy> tensor;
    CHECK(clcnn_onnx_load(nullptr, nullptr, &model) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_onnx_load("x", nullptr, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_onnx_load("/nonexistent.onnx", nullptr, &model) == CLCNN_STATUS_IO);
    CHECK(clcnn_onnx_load_memory(nullptr, 4, nullptr, &model) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_onnx_load_memory("", 0, nullptr, &model) == CLCNN_STATUS_FORMAT);
    CHECK(clcnn_onnx_read_tensor(nullptr, &tensor, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_onnx_read_tensor("/nonexistent.pb", &tensor, nullptr) == CLCNN_STATUS_IO);
}
