/* What the tests of the trainer share. */
#ifndef CLCNN_TESTS_RUN_TRAINERS_HPP
#define CLCNN_TESTS_RUN_TRAINERS_HPP

#include "run/networks.hpp"
#include <cstdio>
#include <string>
#include <unistd.h>

struct TrainerOwner {
    struct clcnn_trainer *trainer = nullptr;
    TrainerOwner(struct clcnn_device *device, struct clcnn_model *model,
                 const struct clcnn_trainer_params &params)
    {
        CHECK_OK(clcnn_trainer_create(device, model, &params, &trainer));
    }
    ~TrainerOwner()
    {
        clcnn_trainer_destroy(&trainer);
    }
    TrainerOwner(const TrainerOwner &) = delete;
    operator struct clcnn_trainer *() const
    {
        return trainer;
    }
};

/* Images of noise with a bright band whose place is the label: easy to learn. */
struct TestData : clcnn_dataset {
    TestData(int count, int height, int width, int classes_, bool bytes, unsigned seed = 1)
        : clcnn_dataset{}
    {
        struct clcnn_shape shape = {4, {count, height, width, 1}};
        struct clcnn_shape label_shape = {1, {count}};
        CHECK_OK(clcnn_tensor_create(bytes ? CLCNN_DTYPE_UINT8 : CLCNN_DTYPE_FLOAT32, &shape, &x));
        CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_INT32, &label_shape, &labels));
        classes = classes_;
        std::vector<float> noise = test_values((size_t)(count * height * width), seed);
        for (int n = 0; n < count; n++) {
            int label = (n * 7 + n / 3) % classes;
            ((int32_t *)clcnn_tensor_data(labels))[n] = label;
            for (int i = 0; i < height * width; i++) {
                bool band = i / width * classes / height == label;
                float value = 0.2f + 0.2f * noise[n * height * width + i] + (band ? 0.5f : 0.0f);
                if (bytes)
                    ((uint8_t *)clcnn_tensor_data(x))[n * height * width + i] =
                        (uint8_t)(value * 255.0f);
                else
                    ((float *)clcnn_tensor_data(x))[n * height * width + i] = value;
            }
        }
    }
    ~TestData()
    {
        clcnn_dataset_clear(this);
    }
    TestData(const TestData &) = delete;
};

inline clcnn_node band_classifier(struct clcnn_model *m, int classes, float dropout)
{
    struct clcnn_input_params input = {};
    input.height = 8;
    input.width = 6;
    input.channels = 1;
    struct clcnn_conv2d_layer conv = {};
    conv.filters = 4;
    conv.activation = CLCNN_ACTIVATION_RELU;
    struct clcnn_pool2d_layer pool = {};
    struct clcnn_dense_layer dense = {};
    dense.units = classes;
    dense.activation = classes == 1 ? CLCNN_ACTIVATION_SIGMOID : CLCNN_ACTIVATION_SOFTMAX;
    clcnn_node x = clcnn_add_conv2d(m, clcnn_input(m, &input), &conv);
    x = clcnn_add_flatten(m, clcnn_add_max_pool2d(m, x, &pool));
    if (dropout > 0)
        x = clcnn_add_dropout(m, x, dropout);
    return clcnn_add_dense(m, x, &dense);
}
inline clcnn_node band4(struct clcnn_model *m)
{
    return band_classifier(m, 4, 0.0f);
}
inline clcnn_node band4_dropout(struct clcnn_model *m)
{
    return band_classifier(m, 4, 0.2f);
}
inline clcnn_node band1(struct clcnn_model *m)
{
    return band_classifier(m, 1, 0.0f);
}

inline struct clcnn_trainer_params learning(enum clcnn_optimizer_kind kind, float rate,
                                            int batch_size, uint64_t seed = 1)
{
    struct clcnn_trainer_params params = {};
    params.batch_size = batch_size;
    params.optimizer.kind = kind;
    params.optimizer.learning_rate = rate;
    params.seed = seed;
    return params;
}

inline bool message_has(const char *text)
{
    INFO(clcnn_error_message());
    bool found = std::string(clcnn_error_message()).find(text) != std::string::npos;
    CHECK(found);
    return found;
}

/* A file name of its own, gone at the end. */
struct TemporaryFile {
    char path[64] = "/tmp/clcnn-test-XXXXXX";
    TemporaryFile()
    {
        close(mkstemp(path));
    }
    ~TemporaryFile()
    {
        unlink(path);
    }
};

#endif
