/* Checkpoints. */
#include "run/trainers.hpp"
#include <fstream>
#include <sstream>

namespace
{

std::string contents(const char *path)
{
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void write(const char *path, const std::string &text)
{
    std::ofstream(path, std::ios::binary) << text;
}

struct clcnn_trainer_params params_of(enum clcnn_optimizer_kind kind, uint64_t seed)
{
    struct clcnn_trainer_params params = learning(kind, 0.01f, 16, seed);
    params.optimizer.momentum = kind == CLCNN_OPTIMIZER_KIND_ADAM ? 0.0f : 0.5f;
    return params;
}

/* The first layer of both has the same weights under the same names. */
clcnn_node dense_layers(struct clcnn_model *m, int count)
{
    struct clcnn_input_params input = {};
    input.features = 3;
    struct clcnn_dense_layer dense = {};
    dense.units = 3;
    clcnn_node x = clcnn_input(m, &input);
    for (int i = 0; i < count; i++)
        x = clcnn_add_dense(m, x, &dense);
    return x;
}
clcnn_node dense_alone(struct clcnn_model *m)
{
    return dense_layers(m, 1);
}
clcnn_node dense_twice(struct clcnn_model *m)
{
    return dense_layers(m, 2);
}

void fit(struct clcnn_trainer *trainer, const struct clcnn_dataset *data, int from, int to)
{
    struct clcnn_fit_params params = {};
    params.initial_epoch = from;
    params.epochs = to;
    CHECK_OK(clcnn_trainer_fit(trainer, data, &params, nullptr));
}

} // namespace

TEST_CASE("Training resumed from a state gives the bits of training that never stopped", "[state]")
{
    TestData data(100, 8, 6, 4, true);
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_optimizer_kind kind :
             {CLCNN_OPTIMIZER_KIND_SGD, CLCNN_OPTIMIZER_KIND_RMSPROP, CLCNN_OPTIMIZER_KIND_ADAM}) {
            INFO(clcnn_device_class_name(device_class) << ", " << clcnn_optimizer_kind_name(kind));
            struct clcnn_device *device = test_device(device_class);
            TemporaryFile file;
            TestModel whole(band4_dropout), first(band4_dropout), second(band4_dropout);
            {
                TrainerOwner trainer(device, whole, params_of(kind, 11));
                fit(trainer, &data, 0, 4);
            }
            {
                TrainerOwner trainer(device, first, params_of(kind, 11));
                fit(trainer, &data, 0, 2);
                CHECK_OK(clcnn_trainer_save_state(trainer, file.path));
            }
            TrainerOwner trainer(device, second,
                                 params_of(kind, 999)); /* the state's seed counts */
            CHECK_OK(clcnn_trainer_load_state(trainer, file.path));
            CHECK(clcnn_trainer_epoch(trainer) == 2);
            fit(trainer, &data, clcnn_trainer_epoch(trainer), 4);
            CHECK(second.weights() == whole.weights());
        }
}

TEST_CASE("A state's weights load into a model", "[state]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(band4), other(test_networks[0]);
    TemporaryFile file;
    TrainerOwner trainer(device, model, params_of(CLCNN_OPTIMIZER_KIND_ADAM, 1));
    CHECK_OK(clcnn_trainer_save_state(trainer, file.path));
    std::vector<float> before = model.weights();
    ((float *)clcnn_tensor_data(clcnn_model_weight(model, 0)))[0] = 9.0f;
    CHECK_OK(clcnn_model_load_weights(model, file.path));
    CHECK(model.weights() == before);
}

TEST_CASE("A state that does not fit changes nothing", "[state]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(band4), narrow(band1);
    TestData data(20, 8, 6, 4, true);
    TrainerOwner trainer(device, model, params_of(CLCNN_OPTIMIZER_KIND_ADAM, 1));
    fit(trainer, &data, 0, 1);
    std::vector<float> before = model.weights();
    TemporaryFile good, bad;
    CHECK_OK(clcnn_trainer_save_state(trainer, good.path));
    std::string text = contents(good.path);
    const enum clcnn_status format = CLCNN_STATUS_FORMAT;

    CHECK(clcnn_trainer_load_state(trainer, "/nowhere/state") == CLCNN_STATUS_IO);
    CHECK(clcnn_trainer_save_state(trainer, "/nowhere/state") == CLCNN_STATUS_IO);
    CHECK(clcnn_trainer_load_state(nullptr, good.path) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_trainer_load_state(trainer, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_trainer_save_state(nullptr, good.path) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_trainer_save_state(trainer, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);

    write(bad.path, text.substr(0, text.size() - 5));
    CHECK(clcnn_trainer_load_state(trainer, bad.path) == format);
    CHECK_OK(clcnn_model_save_weights(model, bad.path));
    CHECK(clcnn_trainer_load_state(trainer, bad.path) == format);
    message_has("no training state");

    std::string damaged = text;
    size_t at = damaged.find("\"step\":\"");
    if (at == std::string::npos)
        at = damaged.find("\"step\": \"") + 1;
    REQUIRE(at < damaged.size());
    damaged[at + 8] = 'x';
    write(bad.path, damaged);
    CHECK(clcnn_trainer_load_state(trainer, bad.path) == format);
    message_has("step");

    TrainerOwner plain(device, model, params_of(CLCNN_OPTIMIZER_KIND_SGD, 1));
    CHECK(clcnn_trainer_load_state(plain, good.path) == format);
    message_has("optimizer adam");
    struct clcnn_trainer_params binary = params_of(CLCNN_OPTIMIZER_KIND_ADAM, 1);
    binary.loss = CLCNN_LOSS_KIND_BINARY_CROSSENTROPY;
    TrainerOwner other(device, narrow, binary);
    CHECK(clcnn_trainer_load_state(other, good.path) == format);
    message_has("shape");

    TestModel one(dense_alone), two(dense_twice);
    TrainerOwner small(device, one, params_of(CLCNN_OPTIMIZER_KIND_SGD, 1));
    TrainerOwner large(device, two, params_of(CLCNN_OPTIMIZER_KIND_SGD, 1));
    struct clcnn_trainer_params plain_sgd = params_of(CLCNN_OPTIMIZER_KIND_SGD, 1);
    plain_sgd.optimizer.momentum = 0;
    TrainerOwner forgetful(device, one, plain_sgd);
    CHECK_OK(clcnn_trainer_save_state(large, bad.path));
    CHECK(clcnn_trainer_load_state(small, bad.path) == format);
    message_has("has 8 tensors, the trainer's state has 4");
    CHECK_OK(clcnn_trainer_save_state(small, bad.path));
    CHECK(clcnn_trainer_load_state(large, bad.path) == format);
    message_has("has no tensor 'dense_1/kernel'");
    CHECK(clcnn_trainer_load_state(forgetful, bad.path) == format);
    message_has("has 4 tensors, the trainer's state has 2");

    CHECK_OK(clcnn_trainer_read_weights(trainer));
    CHECK(model.weights() == before);
    CHECK(clcnn_trainer_epoch(trainer) == 1);
    TemporaryFile again;
    CHECK_OK(clcnn_trainer_save_state(trainer, again.path));
    CHECK(contents(again.path) == text);
}
