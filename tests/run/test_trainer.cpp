/* One step of training against the double-precision reference. */
#include "run/trainers.hpp"

namespace
{

bool sparse(enum clcnn_loss_kind kind)
{
    return kind == CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY;
}

/* Targets as train_on_batch takes them, and as doubles for the reference. */
struct Targets {
    std::vector<int32_t> labels;
    std::vector<float> values;
    std::vector<double> reference;

    Targets(enum clcnn_loss_kind kind, int batch, size_t units)
    {
        std::vector<float> noise = test_values((size_t)batch * units, 77);
        for (int n = 0; n < batch; n++) {
            labels.push_back((n * 2 + 1) % (int)units);
            for (size_t u = 0; u < units; u++) {
                bool hit = labels.back() == (int)u;
                values.push_back(kind == CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR ? noise[n * units + u]
                                 : kind == CLCNN_LOSS_KIND_BINARY_CROSSENTROPY
                                     ? (float)((n + u) % 2)
                                     : (float)hit);
            }
        }
        if (sparse(kind))
            reference.assign(labels.begin(), labels.end());
        else
            reference.assign(values.begin(), values.end());
    }
    const void *data(enum clcnn_loss_kind kind) const
    {
        return sparse(kind) ? (const void *)labels.data() : values.data();
    }
};

double mean(const std::vector<double> &values)
{
    double sum = 0;
    for (double value : values)
        sum += value;
    return sum / (double)values.size();
}

struct Difference {
    double gradient, absolute; /* of the mean loss; of each sample's loss, absolute and added */
};

/* Central differences of the reference. The step is small beside the distance to the next kink of a
 * relu or a maximum, and large beside the rounding of double. */
Difference differentiate(RefNetwork &network, double &weight, enum clcnn_loss_kind loss, int batch,
                         const std::vector<float> &x, const Targets &targets,
                         const RefOptions &options)
{
    const double step = 1e-6, kept = weight;
    weight = kept + step;
    std::vector<double> above =
        network.losses(loss, batch, network.run(batch, x, options).v, targets.reference);
    weight = kept - step;
    std::vector<double> below =
        network.losses(loss, batch, network.run(batch, x, options).v, targets.reference);
    weight = kept;
    Difference d = {0, 0};
    for (int n = 0; n < batch; n++) {
        double slope = (above[n] - below[n]) / (2 * step) / batch;
        d.gradient += slope;
        d.absolute += std::fabs(slope);
    }
    return d;
}

/* With SGD at rate 1 a step moves a weight by its gradient. */
void check_gradients(struct clcnn_device *device, const TestNetwork &network, bool from_logits)
{
    const int batch = 3;
    TestModel model(network);
    RefNetwork reference(model);
    std::vector<float> x = test_values((size_t)batch * model.inputs(), 21);
    Targets targets(network.loss, batch, model.outputs());
    struct clcnn_trainer_params params = learning(CLCNN_OPTIMIZER_KIND_SGD, 1.0f, 4, 5);
    params.loss = network.loss;
    params.from_logits = from_logits;
    TrainerOwner trainer(device, model, params);
    struct clcnn_metrics metrics;
    RefOptions options = {true, params.seed, 0};
    CHECK_OK(clcnn_trainer_train_on_batch(trainer, batch, x.data(), targets.data(network.loss),
                                          &metrics));
    double loss = mean(reference.losses(network.loss, batch, reference.run(batch, x, options).v,
                                        targets.reference));
    double roundings = reference.roundings(batch) * 0x1p-24;
    CHECK(std::fabs(metrics.loss - loss) <= roundings * std::max(1.0, loss));
    CHECK(metrics.samples == batch);
    CHECK_OK(clcnn_trainer_read_weights(trainer));

    size_t wrong = 0, moved = 0;
    for (size_t w = 0; w < reference.weights.size(); w++) {
        const float *after =
            (const float *)clcnn_tensor_const_data(clcnn_model_weight(model, (int)w));
        std::vector<Difference> all;
        double scale = 0;
        for (double &weight : reference.weights[w]) {
            all.push_back(
                differentiate(reference, weight, network.loss, batch, x, targets, options));
            scale = std::max(scale, all.back().absolute);
        }
        for (size_t i = 0; i < all.size(); i++) {
            double before = reference.weights[w][i], expected = before - all[i].gradient;
            double tolerance = roundings * scale + 0x1p-23 * (std::fabs(before) + scale) + 1e-9;
            wrong += !(std::fabs(after[i] - expected) <= tolerance);
            moved += after[i] != (float)before;
        }
    }
    CHECK(wrong == 0);
    CHECK(moved > 0);
}

} // namespace

TEST_CASE("Gradients are those of the reference", "[trainer]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (const TestNetwork &network : test_networks) {
            if (!network.trains)
                continue;
            INFO(clcnn_device_class_name(device_class) << ": " << network.name);
            check_gradients(test_device(device_class), network, false);
        }
}

TEST_CASE("A trainer predicts as a session does, without dropout and with its softmax", "[trainer]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (const TestNetwork &network : test_networks) {
            if (!network.trains)
                continue;
            INFO(clcnn_device_class_name(device_class) << ": " << network.name);
            TestModel model(network);
            struct clcnn_trainer_params params = learning(CLCNN_OPTIMIZER_KIND_ADAM, 0, 4);
            params.loss = network.loss;
            TrainerOwner trainer(test_device(device_class), model, params);
            std::vector<float> x = test_values(9 * model.inputs(), 4);
            std::vector<float> y = Guarded::poison(9 * model.outputs());
            CHECK_OK(clcnn_trainer_predict(trainer, 9, x.data(), y.data()));
            check_close(y, RefNetwork(model).run(9, x));
        }
}

TEST_CASE("Values that are not logits are taken as probabilities, and logits as logits",
          "[trainer]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(test_networks[0]);
    std::vector<float> x = test_values(model.inputs(), 2);
    std::vector<float> p(model.outputs());
    int32_t label = 1;
    struct clcnn_metrics metrics;
    struct clcnn_trainer_params params = learning(CLCNN_OPTIMIZER_KIND_SGD, 1e-9f, 1);
    params.from_logits = true; /* of what is a probability already: the caller's word counts */
    TrainerOwner trainer(device, model, params);
    CHECK_OK(clcnn_trainer_predict(trainer, 1, x.data(), p.data()));
    CHECK_OK(clcnn_trainer_train_on_batch(trainer, 1, x.data(), &label, &metrics));
    double sum = 0;
    for (float value : p)
        sum += std::exp((double)value);
    CHECK(metrics.loss == Approx(std::log(sum) - p[1]).epsilon(1e-6));
}

TEST_CASE("Metrics count right answers", "[trainer]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(test_networks[0]);
    const int count = 7;
    std::vector<float> x = test_values(count * model.inputs(), 2), y(count * model.outputs());
    TrainerOwner trainer(device, model, learning(CLCNN_OPTIMIZER_KIND_SGD, 0.01f, count));
    CHECK_OK(clcnn_trainer_predict(trainer, count, x.data(), y.data()));
    std::vector<int32_t> labels;
    for (int n = 0; n < count; n++) {
        const float *row = &y[n * model.outputs()];
        int best = (int)(std::max_element(row, row + model.outputs()) - row);
        labels.push_back(n < 4 ? best : (best + 1) % 3);
    }
    struct clcnn_metrics metrics;
    CHECK_OK(clcnn_trainer_train_on_batch(trainer, count, x.data(), labels.data(), &metrics));
    CHECK(metrics.accuracy == Approx(4.0 / 7.0));
    CHECK(metrics.samples == 7);
}

TEST_CASE("Training reuses memory", "[trainer]")
{
    /* Trained for a batch of 64, the activations of mnist-cnn are 64 x 140,000 floats at least;
     * gradients take the place of values that are no longer read. */
    struct clcnn_model *model = nullptr;
    CHECK_OK(clcnn_network_create("mnist-cnn", 1, &model));
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    clcnn_device_memory_reset_peak(device);
    struct clcnn_memory_info before, after;
    clcnn_device_memory(device, &before);
    struct clcnn_trainer_params params = learning(CLCNN_OPTIMIZER_KIND_RMSPROP, 0, 64);
    params.max_workspace = 1 << 20;
    struct clcnn_trainer *trainer = nullptr;
    CHECK_OK(clcnn_trainer_create(device, model, &params, &trainer));
    clcnn_device_memory(device, &after);
    uint64_t values = 784 + 26 * 26 * 32 + 13 * 13 * 32 + 11 * 11 * 64 + 5 * 5 * 64 + 576 + 64 + 10;
    uint64_t held = after.in_use_bytes - before.in_use_bytes;
    CHECK(held < 64 * 4 * (values + 26 * 26 * 32 + 13 * 13 * 32) + 3 * 4 * 93322 + (4 << 20));
    clcnn_trainer_destroy(&trainer);
    clcnn_model_destroy(&model);
}

TEST_CASE("What creating a trainer refuses", "[trainer]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(test_networks[0]), image(test_networks[1]), nothing(test_networks.back());
    struct clcnn_trainer_params params = {};
    auto refused = [&](struct clcnn_device *on, struct clcnn_model *of, enum clcnn_status status,
                       const char *words) {
        struct clcnn_trainer *trainer = (struct clcnn_trainer *)&trainer;
        CHECK_FAILS(clcnn_trainer_create(on, of, &params, &trainer), status, words);
        CHECK(trainer == nullptr);
        params = {};
    };
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    CHECK_FAILS(clcnn_trainer_create(device, model, &params, nullptr), invalid, "out is NULL");
    refused(nullptr, model, invalid, "device and model must not be NULL");
    refused(device, nullptr, invalid, "device and model must not be NULL");
    params.batch_size = -1, refused(device, model, invalid, "batch_size -1");
    params.loss = (enum clcnn_loss_kind)9, refused(device, model, invalid, "loss 9 is unknown");
    params.max_error = -1, refused(device, model, invalid, "max_error -1");
    params.max_error = NAN, refused(device, model, invalid, "max_error");
    params.max_error = INFINITY, refused(device, model, invalid, "max_error inf");
    params.max_error = 1e-30, refused(device, model, CLCNN_STATUS_UNSUPPORTED, "max_error");
    params.optimizer.momentum = 2, refused(device, model, invalid, "momentum=2");
    params.batch_size = 1 << 30;
    refused(device, model, CLCNN_STATUS_OUT_OF_MEMORY, "smaller batch");
    params.loss = CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR;
    params.from_logits = true;
    refused(device, model, CLCNN_STATUS_UNSUPPORTED, "no logits");
    refused(device, image, invalid, "sparse_categorical_crossentropy needs an output");
    params.loss = CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY;
    refused(device, image, invalid, "flatten");
    params.loss = CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR;
    refused(device, nothing, invalid, "no weights");

    struct clcnn_model *unfinished = nullptr;
    CHECK_OK(clcnn_model_create(nullptr, &unfinished));
    refused(device, unfinished, invalid, "model 'model' is not finished");
    clcnn_model_destroy(&unfinished);
    clcnn_trainer_destroy(nullptr);
}

TEST_CASE("What a trainer's calls refuse", "[trainer]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(test_networks[0]);
    TrainerOwner owner(device, model, learning(CLCNN_OPTIMIZER_KIND_SGD, 0.1f, 2));
    std::vector<float> x = test_values(2 * model.inputs(), 1), y(2 * model.outputs());
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    int32_t good[] = {0, 2}, bad[] = {0, 3}, negative[] = {-1, 0};
    auto refused = [&](struct clcnn_trainer *trainer, int count, const float *images,
                       const void *targets, const char *words) {
        CHECK_FAILS(clcnn_trainer_train_on_batch(trainer, count, images, targets, nullptr), invalid,
                    words);
    };
    refused(nullptr, 1, x.data(), good, "trainer, x and targets must not be NULL");
    refused(owner, 1, nullptr, good, "trainer, x and targets must not be NULL");
    refused(owner, 1, x.data(), nullptr, "trainer, x and targets must not be NULL");
    refused(owner, 0, x.data(), good, "count 0 is not in 1..2");
    refused(owner, -1, x.data(), good, "count -1 is not in 1..2");
    refused(owner, 3, x.data(), good, "count 3 is not in 1..2");
    refused(owner, 2, x.data(), bad, "label 3 of sample 1 is not in 0..2");
    refused(owner, 2, x.data(), negative, "label -1 of sample 0 is not in 0..2");
    CHECK_FAILS(clcnn_trainer_predict(nullptr, 1, x.data(), y.data()), invalid, "trainer is NULL");
    CHECK_FAILS(clcnn_trainer_predict(owner, -1, x.data(), y.data()), invalid, "count -1");
    CHECK_FAILS(clcnn_trainer_predict(owner, 1, nullptr, y.data()), invalid, "x and y");
    CHECK_FAILS(clcnn_trainer_predict(owner, 1, x.data(), nullptr), invalid, "x and y");
    CHECK_OK(clcnn_trainer_predict(owner, 0, nullptr, nullptr));
    CHECK_FAILS(clcnn_trainer_read_weights(nullptr), invalid, "trainer is NULL");
    CHECK_OK(clcnn_trainer_train_on_batch(owner, 2, x.data(), good, nullptr));
}
