/* Epochs: learning, order, history, stopping, data. */
#include "run/trainers.hpp"
#include <algorithm>
extern "C" {
#include "run/trainer.h"
}

namespace
{

struct Watcher {
    std::vector<struct clcnn_progress> seen;
    int stop_after = -1; /* calls */
    static bool call(const struct clcnn_progress *progress, void *user)
    {
        Watcher *watcher = (Watcher *)user;
        watcher->seen.push_back(*progress);
        return watcher->stop_after < 0 || (int)watcher->seen.size() < watcher->stop_after;
    }
};

std::vector<float> fit_weights(struct clcnn_device *device, const TestData &data, uint64_t seed,
                               int epochs)
{
    TestModel model(band4_dropout);
    TrainerOwner trainer(device, model, learning(CLCNN_OPTIMIZER_KIND_RMSPROP, 0.01f, 16, seed));
    struct clcnn_fit_params params = {};
    params.epochs = epochs;
    CHECK_OK(clcnn_trainer_fit(trainer, &data, &params, nullptr));
    return model.weights();
}

} // namespace

TEST_CASE("Training learns a separable problem", "[trainer]")
{
    struct {
        enum clcnn_optimizer_kind kind;
        float rate;
    } optimizers[] = {{CLCNN_OPTIMIZER_KIND_SGD, 0.5f},
                      {CLCNN_OPTIMIZER_KIND_RMSPROP, 0.01f},
                      {CLCNN_OPTIMIZER_KIND_ADAM, 0.02f}};
    for (enum clcnn_device_class device_class : test_classes)
        for (const auto &optimizer : optimizers)
            for (enum clcnn_loss_kind loss :
                 {CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY,
                  CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY, CLCNN_LOSS_KIND_BINARY_CROSSENTROPY}) {
                INFO(clcnn_device_class_name(device_class)
                     << ", " << clcnn_optimizer_kind_name(optimizer.kind) << ", "
                     << clcnn_loss_kind_name(loss));
                bool binary = loss == CLCNN_LOSS_KIND_BINARY_CROSSENTROPY;
                TestModel model(binary ? band1 : band4);
                TestData data(203, 8, 6, binary ? 2 : 4, true),
                    test(50, 8, 6, binary ? 2 : 4, true, 9);
                struct clcnn_trainer_params params = learning(optimizer.kind, optimizer.rate, 16);
                params.loss = loss;
                TrainerOwner trainer(test_device(device_class), model, params);
                struct clcnn_fit_params fit = {};
                fit.epochs = 12;
                fit.validation = &test;
                struct clcnn_history history;
                CHECK_OK(clcnn_trainer_fit(trainer, &data, &fit, &history));
                REQUIRE(history.count == 12);
                CHECK_FALSE(history.stopped);
                CHECK(history.rows[11].validation.accuracy == 1.0);
                CHECK(history.rows[11].validation.samples == 50);
                CHECK(history.rows[11].training.samples == 203);
                CHECK(history.rows[11].training.loss < history.rows[0].training.loss);
                CHECK(clcnn_trainer_epoch(trainer) == 12);
                struct clcnn_metrics metrics;
                CHECK_OK(clcnn_trainer_evaluate(trainer, &data, &metrics));
                CHECK(metrics.accuracy == 1.0);
                CHECK(metrics.samples == 203);
                clcnn_free(history.rows);
            }
}

TEST_CASE("The same seed gives the same bits, another seed others", "[trainer]")
{
    TestData data(100, 8, 6, 4, true);
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        std::vector<float> first = fit_weights(device, data, 3, 2);
        CHECK(fit_weights(device, data, 3, 2) == first);
        CHECK(fit_weights(device, data, 4, 2) != first);
    }
}

TEST_CASE("Training in pieces equals training in one", "[trainer]")
{
    TestData data(100, 8, 6, 4, false);
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(band4_dropout);
    TrainerOwner trainer(device, model, learning(CLCNN_OPTIMIZER_KIND_RMSPROP, 0.01f, 16, 3));
    for (int epoch = 0; epoch < 3; epoch++) {
        struct clcnn_fit_params params = {};
        params.initial_epoch = epoch; /* epochs 0: one more */
        struct clcnn_history history;
        CHECK_OK(clcnn_trainer_fit(trainer, &data, &params, &history));
        REQUIRE(history.count == 1);
        CHECK(history.rows[0].epoch == epoch);
        clcnn_free(history.rows);
    }
    CHECK(model.weights() == fit_weights(device, data, 3, 3));
}

TEST_CASE("A batch of a data set is the same as the caller's batch", "[trainer]")
{
    /* Bytes are value / 255, and batches come in order without shuffling. */
    TestData data(24, 8, 6, 4, true);
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel a(band4), b(band4);
    TrainerOwner fitted(device, a, learning(CLCNN_OPTIMIZER_KIND_ADAM, 0.01f, 16));
    TrainerOwner stepped(device, b, learning(CLCNN_OPTIMIZER_KIND_ADAM, 0.01f, 16));
    struct clcnn_fit_params params = {};
    params.no_shuffle = true;
    CHECK_OK(clcnn_trainer_fit(fitted, &data, &params, nullptr));
    std::vector<float> x(24 * 48);
    for (size_t i = 0; i < x.size(); i++)
        x[i] = (float)((const uint8_t *)clcnn_tensor_const_data(data.x))[i] / 255.0f;
    const int32_t *labels = (const int32_t *)clcnn_tensor_const_data(data.labels);
    CHECK_OK(clcnn_trainer_train_on_batch(stepped, 16, x.data(), labels, nullptr));
    CHECK_OK(clcnn_trainer_train_on_batch(stepped, 8, &x[16 * 48], labels + 16, nullptr));
    CHECK_OK(clcnn_trainer_read_weights(stepped));
    CHECK(a.weights() == b.weights());
}

TEST_CASE("A channels-first model learns from images that are channels last", "[trainer]")
{
    /* The convolution sees the same numbers either way, so the weights must too. */
    auto build = [](struct clcnn_model *m, enum clcnn_data_format format) {
        struct clcnn_input_params input = {};
        input.height = input.width = 4;
        input.channels = 3;
        input.data_format = format;
        struct clcnn_conv2d_layer conv = {};
        conv.filters = 4;
        struct clcnn_dense_layer dense = {};
        dense.units = 3;
        dense.activation = CLCNN_ACTIVATION_SOFTMAX;
        clcnn_node x = clcnn_add_conv2d(m, clcnn_input(m, &input), &conv);
        return clcnn_add_dense(m, clcnn_add_flatten(m, x), &dense);
    };
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_dataset data = {};
    struct clcnn_shape shape = {4, {10, 4, 4, 3}}, label_shape = {1, {10}};
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_FLOAT32, &shape, &data.x));
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_INT32, &label_shape, &data.labels));
    std::vector<float> values = test_values(10 * 48, 6);
    std::copy(values.begin(), values.end(), (float *)clcnn_tensor_data(data.x));
    for (int i = 0; i < 10; i++)
        ((int32_t *)clcnn_tensor_data(data.labels))[i] = i % 3;
    std::vector<float> results[2];
    for (int first = 0; first < 2; first++) {
        struct clcnn_model *model = nullptr;
        CHECK_OK(clcnn_model_create(nullptr, &model));
        CHECK_OK(clcnn_model_finish(model, build(model, (enum clcnn_data_format)first)));
        TrainerOwner trainer(device, model, learning(CLCNN_OPTIMIZER_KIND_SGD, 0.1f, 4));
        CHECK_OK(clcnn_trainer_fit(trainer, &data, nullptr, nullptr));
        const struct clcnn_tensor *w = clcnn_model_weight(model, 0);
        const float *numbers = (const float *)clcnn_tensor_const_data(w);
        results[first].assign(numbers, numbers + clcnn_tensor_count(w));
        clcnn_model_destroy(&model);
    }
    CHECK(results[0] == results[1]);
    clcnn_dataset_clear(&data);
}

TEST_CASE("Progress is told at the beginning, in the middle and at the end", "[trainer]")
{
    TestData data(400, 8, 6, 4, true), test(10, 8, 6, 4, true);
    TestModel model(band4);
    TrainerOwner trainer(test_device(CLCNN_DEVICE_CLASS_CPU), model,
                         learning(CLCNN_OPTIMIZER_KIND_SGD, 0.1f, 1));
    Watcher watcher;
    struct clcnn_fit_params params = {};
    params.epochs = 2;
    params.validation = &test;
    params.on_progress = Watcher::call;
    params.user = &watcher;
    CHECK_OK(clcnn_trainer_fit(trainer, &data, &params, nullptr));
    REQUIRE(watcher.seen.size() >= 4);
    int64_t last = 0;
    for (const struct clcnn_progress &p : watcher.seen) {
        CHECK(p.epochs == 2);
        CHECK(p.samples == 400);
        CHECK(p.steps == 400);
        CHECK(p.sample == p.step);
        CHECK(p.training.samples == p.sample);
        CHECK((p.validation.samples == 10) == p.epoch_end);
        CHECK(p.sample >= last);
        CHECK(p.epoch_end == (p.sample == 400 && p.validation.samples > 0));
        last = p.epoch_end ? 0 : p.sample;
    }
    CHECK(watcher.seen.front().sample == 0);
    CHECK(watcher.seen.back().epoch == 1);
    CHECK(watcher.seen.back().epoch_end);
}

TEST_CASE("A callback may use the trainer without disturbing it", "[trainer]")
{
    struct Curious {
        struct clcnn_trainer *trainer;
        const struct clcnn_dataset *data;
        const char *path;
        int calls;
        static bool call(const struct clcnn_progress *, void *user)
        {
            Curious *curious = (Curious *)user;
            struct clcnn_metrics metrics;
            std::vector<float> x(48, 0.5f), y(4);
            curious->calls++;
            CHECK_OK(clcnn_trainer_evaluate(curious->trainer, curious->data, &metrics));
            CHECK_OK(clcnn_trainer_predict(curious->trainer, 1, x.data(), y.data()));
            CHECK_OK(clcnn_trainer_save_state(curious->trainer, curious->path));
            return true;
        }
    };
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestData data(100, 8, 6, 4, true);
    TestModel model(band4_dropout);
    TrainerOwner trainer(device, model, learning(CLCNN_OPTIMIZER_KIND_RMSPROP, 0.01f, 16, 3));
    TemporaryFile file;
    Curious curious = {trainer, &data, file.path, 0};
    struct clcnn_fit_params params = {};
    params.epochs = 2;
    params.on_progress = Curious::call;
    params.user = &curious;
    struct clcnn_history history;
    CHECK_OK(clcnn_trainer_fit(trainer, &data, &params, &history));
    CHECK(curious.calls >= 4);
    REQUIRE(history.count == 2);
    CHECK(history.rows[1].training.samples == 100);
    clcnn_free(history.rows);
    CHECK(model.weights() == fit_weights(device, data, 3, 2));
}

TEST_CASE("A callback stops training in good order", "[trainer]")
{
    TestData data(64, 8, 6, 4, true);
    struct clcnn_fit_params params = {};
    params.epochs = 5;
    params.on_progress = Watcher::call;
    struct clcnn_history history;
    for (int calls : {1, 2}) { /* as the first epoch begins; at its end */
        TestModel model(band4);
        std::vector<float> before = model.weights();
        TrainerOwner trainer(test_device(CLCNN_DEVICE_CLASS_CPU), model,
                             learning(CLCNN_OPTIMIZER_KIND_SGD, 0.1f, 16));
        Watcher watcher;
        watcher.stop_after = calls;
        params.user = &watcher;
        CHECK_OK(clcnn_trainer_fit(trainer, &data, &params, &history));
        CHECK(history.stopped);
        CHECK((int)watcher.seen.size() == calls);
        CHECK(history.count == calls - 1);
        CHECK(clcnn_trainer_epoch(trainer) == calls - 1);
        CHECK((model.weights() == before) == (calls == 1));
        clcnn_free(history.rows);
    }
}

TEST_CASE("A loss that is not a number shows in the history", "[trainer]")
{
    TestData data(64, 8, 6, 4, false);
    ((float *)clcnn_tensor_data(data.x))[5] = NAN;
    TestModel model(band4);
    TrainerOwner trainer(test_device(CLCNN_DEVICE_CLASS_CPU), model,
                         learning(CLCNN_OPTIMIZER_KIND_SGD, 0.1f, 16));
    struct clcnn_history history;
    CHECK_OK(clcnn_trainer_fit(trainer, &data, nullptr, &history));
    REQUIRE(history.count == 1);
    CHECK(std::isnan(history.rows[0].training.loss));
    clcnn_free(history.rows);
}

TEST_CASE("Shuffling is a permutation of the seed and the epoch", "[trainer]")
{
    std::vector<int64_t> a(1000), b(1000), c(1000), d(1000);
    clcnn_shuffle(1, 0, a.data(), 1000);
    clcnn_shuffle(1, 0, b.data(), 1000);
    clcnn_shuffle(1, 1, c.data(), 1000);
    clcnn_shuffle(2, 0, d.data(), 1000);
    CHECK(a == b);
    CHECK(a != c);
    CHECK(a != d);
    std::sort(a.begin(), a.end());
    for (int64_t i = 0; i < 1000; i++)
        CHECK(a[(size_t)i] == i);
}

TEST_CASE("Data that does not fit is refused with the reason", "[trainer]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(band4), binary(band1);
    TrainerOwner trainer(device, model, learning(CLCNN_OPTIMIZER_KIND_SGD, 0.1f, 16));
    struct clcnn_metrics metrics;
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    TestData good(8, 8, 6, 4, true);
    struct clcnn_fit_params params = {};

    struct clcnn_history history = {(struct clcnn_history_row *)&history, 7, true};

    CHECK_FAILS(clcnn_trainer_fit(nullptr, &good, nullptr, &history), invalid, "trainer is NULL");
    CHECK((!history.rows && history.count == 0 && !history.stopped));
    CHECK_FAILS(clcnn_trainer_fit(trainer, nullptr, nullptr, nullptr), invalid, "data");
    CHECK_FAILS(clcnn_trainer_evaluate(nullptr, &good, &metrics), invalid, "trainer and metrics");
    CHECK_FAILS(clcnn_trainer_evaluate(trainer, nullptr, &metrics), invalid, "data");
    CHECK_FAILS(clcnn_trainer_evaluate(trainer, &good, nullptr), invalid, "trainer and metrics");
    params.epochs = -1;
    CHECK_FAILS(clcnn_trainer_fit(trainer, &good, &params, nullptr), invalid, "epochs -1");
    params = {};
    params.initial_epoch = -1;
    CHECK_FAILS(clcnn_trainer_fit(trainer, &good, &params, nullptr), invalid, "initial_epoch -1");

    TestData wide(8, 8, 7, 4, true);
    CHECK(clcnn_trainer_fit(trainer, &wide, nullptr, nullptr) == invalid);
    message_has("images of shape (8, 7, 1) do not fit the model's input (8, 6, 1)");
    params = {};
    params.validation = &wide;
    CHECK(clcnn_trainer_fit(trainer, &good, &params, nullptr) == invalid);
    message_has("validation");

    TestData five(16, 8, 6, 5, true);
    CHECK(clcnn_trainer_evaluate(trainer, &five, &metrics) == invalid);
    message_has("label 4 of sample");
    params = {};
    params.validation = &five;
    CHECK(clcnn_trainer_fit(trainer, &good, &params, nullptr) == invalid);
    message_has("fit: validation: label 4 of sample");
    TestData below(8, 8, 6, 4, true);
    ((int32_t *)clcnn_tensor_data(below.labels))[5] = -1;
    CHECK(clcnn_trainer_fit(trainer, &below, nullptr, nullptr) == invalid);
    message_has("fit: label -1 of sample 5 is not in 0..3");

    TestData empty(0, 8, 6, 4, true);
    CHECK(clcnn_trainer_fit(trainer, &empty, nullptr, nullptr) == invalid);
    message_has("no samples");
    CHECK(clcnn_trainer_evaluate(trainer, &empty, &metrics) == invalid);
    message_has("evaluate: the data has no samples");

    TestData fewer(4, 8, 6, 4, true);
    struct clcnn_dataset mixed = {good.x, fewer.labels, 4, nullptr};
    CHECK(clcnn_trainer_fit(trainer, &mixed, nullptr, nullptr) == invalid);
    message_has("4 labels for 8 images");
    mixed = {good.x, nullptr, 4, nullptr};
    CHECK(clcnn_trainer_fit(trainer, &mixed, nullptr, nullptr) == invalid);
    message_has("its x and its labels must not be NULL");
    mixed = {nullptr, good.labels, 4, nullptr};
    CHECK(clcnn_trainer_fit(trainer, &mixed, nullptr, nullptr) == invalid);
    message_has("its x and its labels must not be NULL");
    mixed = {good.labels, good.labels, 4, nullptr};
    CHECK(clcnn_trainer_fit(trainer, &mixed, nullptr, nullptr) == invalid);
    message_has("x is int32");
    mixed = {good.x, good.x, 4, nullptr};
    CHECK(clcnn_trainer_fit(trainer, &mixed, nullptr, nullptr) == invalid);
    message_has("labels are uint8");

    struct clcnn_trainer_params loss = learning(CLCNN_OPTIMIZER_KIND_SGD, 0.1f, 16);
    loss.loss = CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR;
    TrainerOwner squared(device, model, loss);
    CHECK(clcnn_trainer_fit(squared, &good, nullptr, nullptr) == invalid);
    message_has("train_on_batch");
    loss.loss = CLCNN_LOSS_KIND_BINARY_CROSSENTROPY;
    TrainerOwner many(device, model, loss), one(device, binary, loss);
    CHECK(clcnn_trainer_fit(many, &good, nullptr, nullptr) == invalid);
    message_has("1 unit");
    CHECK(clcnn_trainer_fit(one, &good, nullptr, nullptr) == invalid);
    message_has("0..1");
}
