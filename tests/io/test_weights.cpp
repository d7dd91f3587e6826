#include "model/model.hpp"
#include "support/files.hpp"
#include <clcnn/log.h>

extern "C" {
#include "io/safetensors.h"
}

namespace
{

clcnn_model *network(const char *name, uint64_t seed)
{
    clcnn_model *model = nullptr;
    CHECK_OK(clcnn_network_create(name, seed, &model));
    return model;
}

std::string bytes_of(clcnn_model *model)
{
    std::string bytes;
    for (int i = 0; i < clcnn_model_weight_count(model); i++) {
        clcnn_tensor *tensor = clcnn_model_weight(model, i);
        bytes.append(static_cast<const char *>(clcnn_tensor_data(tensor)),
                     clcnn_tensor_bytes(tensor));
    }
    return bytes;
}

void collect(clcnn_log_level, const char *topic, const char *message, void *user)
{
    static_cast<std::vector<std::string> *>(user)->push_back(std::string(topic) + ": " + message);
}

} // namespace

TEST_CASE("weights: saved and loaded bit for bit", "[io][weights]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w.safetensors");
    clcnn_model *a = network("mnist-cnn", 1), *b = network("mnist-cnn", 2);
    REQUIRE(bytes_of(a) != bytes_of(b));
    CHECK_OK(clcnn_model_save_weights(a, path.c_str()));
    CHECK_OK(clcnn_model_load_weights(b, path.c_str()));
    CHECK(bytes_of(a) == bytes_of(b));
    CHECK_OK(clcnn_model_save_weights(b, path.c_str()));
    CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
    clcnn_model_destroy(&a);
    clcnn_model_destroy(&b);
}

TEST_CASE("weights: of another model change nothing", "[io][weights]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w");
    clcnn_model *strided = network("cnn-strided", 1), *pooled = network("cnn-pooled", 1);
    const std::string before = bytes_of(pooled);
    CHECK_OK(clcnn_model_save_weights(strided, path.c_str()));
    CHECK_FAILS(clcnn_model_load_weights(pooled, path.c_str()), CLCNN_STATUS_FORMAT,
                "tensor 'dense/kernel' has shape (128, 512); (128, 800) is needed");
    clcnn_model *lenet = network("lenet-5", 1);
    CHECK_FAILS(clcnn_model_load_weights(lenet, path.c_str()), CLCNN_STATUS_FORMAT,
                "tensor 'conv2d/kernel' has shape (32, 3, 3, 1); (6, 5, 5, 1) is needed");
    CHECK_OK(clcnn_model_save_weights(pooled, path.c_str()));
    CHECK_FAILS(clcnn_model_load_weights(strided, path.c_str()), CLCNN_STATUS_FORMAT,
                "has no tensor 'conv2d_2/kernel'");
    const std::string whole = read_file(path);
    write_file(path, whole.substr(0, whole.size() - 1));
    CHECK_FAILS(clcnn_model_load_weights(pooled, path.c_str()), CLCNN_STATUS_FORMAT,
                "the file is truncated");
    CHECK(bytes_of(pooled) == before);
    clcnn_model_destroy(&strided);
    clcnn_model_destroy(&pooled);
    clcnn_model_destroy(&lenet);
}

TEST_CASE("weights: other types are converted, other tensors ignored", "[io][weights]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w");
    Model m("small");
    CHECK_OK(clcnn_model_finish(m, m.dense(m.vector(2), 2)));
    const double kernel[] = {0.1, -0.25, 1e-50, 3};
    const uint16_t bias[] = {0x3C00, 0xC000}; /* 1, -2 */
    const uint8_t extra = 7;
    const clcnn_safetensor tensors[] = {
        {"dense/kernel", "F64", {2, {2, 2}}, kernel, 0},
        {"dense/bias", "F16", {1, {2}}, bias, 0},
        {"optimizer/step", "U8", {0, {}}, &extra, 0},
    };
    const clcnn_safetensors_contents contents = {tensors, 3, nullptr, 0};
    CHECK_OK(clcnn_safetensors_write(path.c_str(), &contents));
    std::vector<std::string> lines;
    clcnn_log_set(CLCNN_LOG_INFO, collect, &lines);
    const clcnn_status status = clcnn_model_load_weights(m, path.c_str());
    clcnn_log_set(CLCNN_LOG_ERROR, nullptr, nullptr);
    CHECK_OK(status);
    CHECK(lines ==
          std::vector<std::string>{"io: " + path +
                                   ": tensor 'optimizer/step' is not of model 'small': ignored"});
    auto w = static_cast<const float *>(clcnn_tensor_data(clcnn_model_weight(m, 0)));
    auto b = static_cast<const float *>(clcnn_tensor_data(clcnn_model_weight(m, 1)));
    CHECK(std::vector<float>(w, w + 4) == std::vector<float>{0.1f, -0.25f, 0.0f, 3.0f});
    CHECK(std::vector<float>(b, b + 2) == std::vector<float>{1.0f, -2.0f});
}

TEST_CASE("weights: what is refused", "[io][weights]")
{
    Model m;
    const auto invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    CHECK_FAILS(clcnn_model_save_weights(m, "w"), invalid, "not finished");
    CHECK_FAILS(clcnn_model_load_weights(m, "w"), invalid, "not finished");
    CHECK_FAILS(clcnn_model_save_weights(nullptr, "w"), invalid, "NULL");
    CHECK_FAILS(clcnn_model_load_weights(nullptr, "w"), invalid, "NULL");
    CHECK_OK(clcnn_model_finish(m, m.dense(m.vector(2), 2)));
    CHECK_FAILS(clcnn_model_save_weights(m, nullptr), invalid, "path");
    CHECK_FAILS(clcnn_model_load_weights(m, nullptr), invalid, "path");
    CHECK_FAILS(clcnn_model_load_weights(m, "/nowhere/w"), CLCNN_STATUS_IO, "No such file");
}
