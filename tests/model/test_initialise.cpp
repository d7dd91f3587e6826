#include "model/model.hpp"
#include <cmath>

namespace
{

struct Values {
    clcnn_model *model = nullptr;
    const float *data = nullptr;
    int64_t count = 0;
    ~Values()
    {
        clcnn_model_destroy(&model);
    }
    /* Weight `index` of a network. */
    Values(const char *network, uint64_t seed, int index)
    {
        CHECK_OK(clcnn_network_create(network, seed, &model));
        clcnn_tensor *tensor = clcnn_model_weight(model, index);
        REQUIRE(tensor);
        data = static_cast<const float *>(clcnn_tensor_const_data(tensor));
        count = clcnn_tensor_count(tensor);
    }
};

/* A dense layer from 300 to 200, so n is 300 for "in" and 250 for the average. */
const float *dense_weights(Model &m, clcnn_initializer initializer, int64_t *count)
{
    clcnn_dense_layer layer = {};
    layer.units = 200;
    layer.kernel_initializer = layer.bias_initializer = initializer;
    clcnn_node x = m.vector(300);
    CHECK_OK(clcnn_model_finish(m, clcnn_add_dense(m, x, &layer)));
    *count = clcnn_tensor_count(clcnn_model_weight(m, 0));
    return static_cast<const float *>(clcnn_tensor_const_data(clcnn_model_weight(m, 0)));
}

} // namespace

/* Computed apart from this library, in Python. */
TEST_CASE("initialise: known bits of uniform weights", "[model][initialise]")
{
    const float first[] = {-0x1.f21bf6p-4f, -0x1.bda70cp-4f, -0x1.f8b612p-5f,
                           -0x1.0bd72ap-3f, -0x1.f9c6aap-4f, 0x1.787cbap-5f};
    const Values conv("mnist-cnn", 1, 0);
    CHECK(std::memcmp(conv.data, first, sizeof(first)) == 0);

    const float seventh[] = {0x1.431762p-6f, -0x1.2a54c4p-6f, -0x1.327bd8p-5f,
                             0x1.4cb7bap-4f, -0x1.1a80c0p-4f, -0x1.0ebe7ep-4f};
    const Values dense("mnist-cnn", 0x123456789abcdef0, 6);
    CHECK(std::memcmp(dense.data, seventh, sizeof(seventh)) == 0);
}

TEST_CASE("initialise: known values of normal weights", "[model][initialise]")
{
    const double expected[] = {-0x1.61e53ep-3, 0x1.0be5a8p-2, -0x1.1e3eeep-3,
                               -0x1.989ee6p-3, 0x1.4f33fep-3, 0x1.009ca4p-4};
    Model m(nullptr, 7);
    clcnn_conv2d_layer layer = {};
    layer.filters = 8;
    layer.kernel_initializer = CLCNN_INITIALIZER_HE_NORMAL;
    clcnn_node x = m.image(5, 5, 3);
    CHECK_OK(clcnn_model_finish(m, clcnn_add_conv2d(m, x, &layer)));
    auto data = static_cast<const float *>(clcnn_tensor_const_data(clcnn_model_weight(m, 0)));
    /* Two roundings to float, and what log and cos may differ by in double. */
    for (int i = 0; i < 6; i++)
        CHECK(std::fabs(data[i] - expected[i]) <= 0x1p-23 * std::fabs(expected[i]));
}

TEST_CASE("initialise: the seed and the weight decide the bits", "[model][initialise]")
{
    const Values a("cnn-pooled", 5, 2), b("cnn-pooled", 5, 2), c("cnn-pooled", 6, 2);
    const Values other("cnn-valid", 5, 2), first("cnn-pooled", 5, 0);
    const size_t bytes = (size_t)a.count * sizeof(float);
    CHECK(std::memcmp(a.data, b.data, bytes) == 0);
    CHECK(std::memcmp(a.data, c.data, bytes) != 0);
    CHECK(std::memcmp(a.data, other.data, bytes) == 0); /* same index, same fans */
    CHECK(std::memcmp(a.data, first.data, 32) != 0);
}

/* Moments of 60,000 values. The bounds are six standard errors: of the mean s / sqrt(n), of the
 * variance at most s^2 sqrt(2 / n). */
TEST_CASE("initialise: mean, variance and range", "[model][initialise]")
{
    const struct {
        clcnn_initializer initializer;
        double variance;
        bool normal;
    } cases[] = {
        {CLCNN_INITIALIZER_GLOROT_UNIFORM, 1.0 / 250, false},
        {CLCNN_INITIALIZER_GLOROT_NORMAL, 1.0 / 250, true},
        {CLCNN_INITIALIZER_HE_UNIFORM, 2.0 / 300, false},
        {CLCNN_INITIALIZER_HE_NORMAL, 2.0 / 300, true},
        {CLCNN_INITIALIZER_LECUN_UNIFORM, 1.0 / 300, false},
        {CLCNN_INITIALIZER_LECUN_NORMAL, 1.0 / 300, true},
    };
    for (const auto &c : cases) {
        INFO("initializer " << c.initializer);
        Model m(nullptr, 11);
        int64_t count = 0;
        const float *data = dense_weights(m, c.initializer, &count);
        REQUIRE(count == 60000);
        double sum = 0, squares = 0, largest = 0;
        for (int64_t i = 0; i < count; i++) {
            sum += data[i];
            squares += (double)data[i] * data[i];
            largest = std::max(largest, std::fabs((double)data[i]));
        }
        const double deviation = std::sqrt(c.variance);
        const double limit =
            c.normal ? 2.0 * deviation / 0.8796256610342398 : std::sqrt(3.0) * deviation;
        CHECK(std::fabs(sum / count) < 6 * deviation / std::sqrt(count));
        CHECK(std::fabs(squares / count - c.variance) < 6 * c.variance * std::sqrt(2.0 / count));
        CHECK(largest <= limit * (1 + 0x1p-22));
        CHECK(largest > 0.99 * limit);
    }
}

TEST_CASE("initialise: constants and defaults", "[model][initialise]")
{
    const struct {
        clcnn_initializer initializer;
        float kernel, bias;
    } cases[] = {{CLCNN_INITIALIZER_ZEROS, 0, 0}, {CLCNN_INITIALIZER_ONES, 1, 1}};
    for (const auto &c : cases) {
        Model m;
        int64_t count = 0;
        const float *kernel = dense_weights(m, c.initializer, &count);
        auto bias = static_cast<const float *>(clcnn_tensor_const_data(clcnn_model_weight(m, 1)));
        CHECK(std::all_of(kernel, kernel + count, [&](float v) { return v == c.kernel; }));
        CHECK(std::all_of(bias, bias + 200, [&](float v) { return v == c.bias; }));
    }
    Model plain(nullptr, 3), glorot(nullptr, 3);
    int64_t count = 0;
    const float *a = dense_weights(plain, CLCNN_INITIALIZER_DEFAULT, &count);
    const float *b = dense_weights(glorot, CLCNN_INITIALIZER_GLOROT_UNIFORM, &count);
    CHECK(std::memcmp(a, b, (size_t)count * sizeof(float)) == 0);
    auto bias = static_cast<const float *>(clcnn_tensor_const_data(clcnn_model_weight(plain, 1)));
    CHECK(std::all_of(bias, bias + 200, [](float v) { return v == 0.0f; }));
}

/* Keras counts a kernel's fans over all filters, whatever the groups: 3 3 8/2 in, 3 3 16 out. */
TEST_CASE("initialise: fans of a grouped convolution", "[model][initialise]")
{
    Model m;
    clcnn_conv2d_layer layer = {};
    layer.filters = 16;
    layer.groups = 2;
    clcnn_node x = m.image(5, 5, 8);
    clcnn_add_conv2d(m, x, &layer);
    REQUIRE(m->weight_count == 2);
    CHECK(m->weights[0].fan_in == 36);
    CHECK(m->weights[0].fan_out == 144);
    CHECK(dims(m->weights[0].shape) == Dims{16, 3, 3, 4});
}
