/* Makes the seed corpus: CLCNN_SEEDS/<target>/<name>, small files that every target reads, and a
 * few that it must refuse. */
#include "io/image_files.hpp"
#include <clcnn/model.h>
#if HAVE_PNG
#include <png.h>
#endif
#if HAVE_ONNX
#include "onnx/onnx_file.hpp"
#endif

using namespace std::string_literals;

namespace
{
void seed(const std::string &target, const std::string &name, const std::string &contents)
{
    const char *root = getenv("CLCNN_SEEDS");
    REQUIRE(root);
    const std::string directory = root + "/"s + target;
    std::filesystem::create_directories(directory);
    write_file(directory + "/" + name, contents);
}

void image_seed(const std::string &name, const std::string &contents)
{
    seed("image", name + "-rgb", '\0' + contents);
    seed("image", name + "-gray", '\1' + contents);
}

std::string safetensors(const std::string &header, const std::string &data)
{
    std::string size(8, '\0');
    size[0] = (char)header.size();
    return size + header + data;
}
} // namespace

TEST_CASE("seeds: idx")
{
    seed("idx", "images",
         "\0\0\x08\x03\0\0\0\2\0\0\0\2\0\0\0\2"
         "abcdefgh"s);
    seed("idx", "labels", "\0\0\x08\x01\0\0\0\3\1\2\3"s);
    seed("idx", "floats", "\0\0\x0d\x01\0\0\0\1\x3f\x80\0\0"s);
    seed("idx", "short", "\0\0\x08\x02\0\0\1\0\0\0\1\0a"s);
    seed("idx", "gzip-start", "\x1f\x8b\x08\0\0\0\0\0\0\3"s);
}

TEST_CASE("seeds: images")
{
    image_seed("pgm", "P5\n2 2\n255\nabcd");
    image_seed("pgm-text", "P2 2 1 15 # comment\n3 15\n");
    image_seed("ppm-16", "P6 1 1 65535\nabcdef");
#if HAVE_PNG
    const Bytes bytes = {0, 64, 128, 255, 1, 65, 129, 254, 2, 66, 130, 253, 3, 67, 131, 252};
    image_seed("png-gray", encode_png({4, 4, 8, PNG_COLOR_TYPE_GRAY, bytes}));
    image_seed("png-rgba", encode_png({2, 2, 8, PNG_COLOR_TYPE_RGB_ALPHA, bytes}));
    image_seed("png-16", encode_png({2, 2, 16, PNG_COLOR_TYPE_GRAY_ALPHA, bytes}));
    Png palette = {4, 2, 8, PNG_COLOR_TYPE_PALETTE, {0, 1, 1, 0, 0, 0, 1, 1}};
    palette.palette = {255, 0, 0, 0, 0, 255};
    palette.transparency = {128};
    palette.interlaced = true;
    image_seed("png-palette", encode_png(palette));
#endif
#if HAVE_JPEG
    const Bytes pixels(8 * 8 * 4, 100);
    image_seed("jpeg-gray", encode_jpeg({8, 8, 1, pixels}));
    image_seed("jpeg-rgb", encode_jpeg({8, 8, 3, pixels, true}));
    image_seed("jpeg-cmyk", encode_jpeg({8, 8, 4, pixels}));
#endif
}

TEST_CASE("seeds: safetensors")
{
    seed("safetensors", "one",
         safetensors(R"({"dense/bias":{"dtype":"F32","shape":[2],)"
                     R"("data_offsets":[0,8]}})",
                     std::string(8, '\0')));
    seed("safetensors", "half",
         safetensors(R"({"__metadata__":{"a":"b"},"x":{"dtype":"F16",)"
                     R"("shape":[1,2],"data_offsets":[0,4]}})",
                     "abcd"));
    seed("safetensors", "empty", safetensors("{}", ""));
    seed("safetensors", "lie",
         safetensors(R"({"x":{"dtype":"F32","shape":[999999999],)"
                     R"("data_offsets":[0,4]}})",
                     "abcd"));
    struct clcnn_model *model = nullptr;
    REQUIRE(clcnn_model_create(nullptr, &model) == CLCNN_STATUS_OK);
    struct clcnn_input_params input = {};
    input.features = 3;
    struct clcnn_dense_layer two = {}, one = {};
    two.units = 2;
    one.units = 1;
    one.no_bias = true;
    clcnn_node x = clcnn_add_dense(model, clcnn_input(model, &input), &two);
    REQUIRE(clcnn_model_finish(model, clcnn_add_dense(model, x, &one)) == CLCNN_STATUS_OK);
    TemporaryDirectory directory;
    REQUIRE(clcnn_model_save_weights(model, directory.path("w").c_str()) == CLCNN_STATUS_OK);
    clcnn_model_destroy(&model);
    seed("safetensors", "whole", read_file(directory.path("w")));
}

#if HAVE_ONNX
TEST_CASE("seeds: onnx")
{
    OnnxFile cnn;
    cnn.input("x", {0, 2, 8, 8}).output("y");
    cnn.floats("w", {2, 2, 3, 3}, std::vector<float>(36, 0.5f)).floats("v", {4}, {1, 1, 0, 1});
    cnn.floats("d", {18, 3}, std::vector<float>(54, 0.1f)).integers("shape", {0, -1});
    cnn.node("Conv", {"x", "w"}, {"a"}).list("pads", {1, 1, 1, 1});
    cnn.node("Relu", {"a"}, {"b"});
    cnn.node("MaxPool", {"b"}, {"c"}).list("kernel_shape", {3, 3}).list("strides", {2, 2});
    cnn.node("Reshape", {"c", "shape"}, {"e"});
    cnn.node("MatMul", {"e", "d"}, {"f"});
    cnn.node("Softmax", {"f"}, {"y"}).integer("axis", 1);
    seed("onnx", "cnn", cnn.bytes());

    OnnxFile shapes;
    shapes.input("x", {2, 3, 4}).output("y");
    shapes.integers("i", {1}).integers("minus", {-1}).integers("zero", {0});
    shapes.node("Shape", {"x"}, {"s"}).node("Gather", {"s", "i"}, {"n"});
    shapes.node("Concat", {"n", "minus"}, {"t"}).integer("axis", 0);
    shapes.node("Reshape", {"x", "t"}, {"r"});
    shapes.node("Transpose", {"r"}, {"p"}).list("perm", {1, 0});
    shapes.node("ReduceMean", {"p"}, {"y"}).list("axes", {0});
    seed("onnx", "shapes", shapes.bytes());

    OnnxFile joins(9);
    joins.input("x", {1, 4, 6, 6}).output("y");
    joins.floats("scale", {4}, {1, 2, 3, 4}).floats("zeros", {4}, {0, 0, 0, 0});
    joins.node("BatchNormalization", {"x", "scale", "zeros", "zeros", "scale"}, {"a"});
    joins.node("AveragePool", {"a"}, {"b"}).list("kernel_shape", {2, 2}).word("auto_pad", "VALID");
    joins.node("LRN", {"x"}, {"c"}).integer("size", 3);
    joins.node("GlobalAveragePool", {"b"}, {"d"}).node("GlobalMaxPool", {"c"}, {"e"});
    joins.node("Concat", {"d", "e"}, {"f"}).integer("axis", 1);
    joins.node("Clip", {"f"}, {"y"}).number("min", 0).number("max", 6);
    seed("onnx", "joins", joins.bytes());
}
#endif
