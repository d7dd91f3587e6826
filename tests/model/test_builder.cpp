#include "model/model.hpp"
#include <functional>

using Catch::Matchers::Contains;

/* ---- what is inferred ------------------------------------------------------------------------ */

TEST_CASE("builder: Keras's automatic names", "[model][builder]")
{
    Model m;
    clcnn_node x = m.image(16, 16, 4);
    x = m.conv(x, 4);
    x = m.conv(x, 4);
    x = clcnn_add_max_pool2d(m, x, nullptr);
    x = clcnn_add_average_pool2d(m, x, nullptr);
    clcnn_node a = clcnn_add_global_average_pool2d(m, x), b = clcnn_add_global_max_pool2d(m, x);
    clcnn_node both[] = {clcnn_add_add(m, a, b), clcnn_add_flatten(m, x)};
    x = clcnn_add_concatenate(m, both, 2);
    x = clcnn_add_dropout(m, x, 0.5f);
    x = m.dense(x, 3, CLCNN_ACTIVATION_RELU, "dense_1"); /* taken by hand */
    x = m.dense(x, 3);
    x = m.dense(x, 3);
    x = clcnn_add_activation(m, x, CLCNN_ACTIVATION_TANH, 0);
    CHECK_OK(clcnn_model_finish(m, m.dense(x, 2, CLCNN_ACTIVATION_SOFTMAX)));
    std::vector<std::string> names;
    for (size_t i = 0; i < m->layer_count; i++)
        names.push_back(m->layers[i].name);
    CHECK(names == std::vector<std::string>{"input_layer", "conv2d", "conv2d_1", "max_pooling2d",
                                            "average_pooling2d", "global_average_pooling2d",
                                            "global_max_pooling2d", "add", "flatten", "concatenate",
                                            "dropout", "dense_1", "dense", "dense_2", "activation",
                                            "dense_3", "dense_3/softmax"});
    CHECK(std::string(clcnn_model_weight_name(m, 0)) == "conv2d/kernel");
    CHECK(std::string(clcnn_model_weight_name(m, 1)) == "conv2d/bias");
    CHECK(std::string(clcnn_model_weight_name(m, 11)) == "dense_3/bias");
    CHECK(clcnn_model_weight_count(m) == 12);
}

TEST_CASE("builder: sizes of convolutions", "[model][builder]")
{
    struct Case {
        int n, kernel[2], strides[2], dilation[2];
        clcnn_padding padding;
        int pads[4];
        int output[2], resolved[4];
    };
    const Case cases[] = {
        {28, {}, {}, {}, CLCNN_PADDING_VALID, {}, {26, 26}, {}},
        {28, {3}, {2}, {}, CLCNN_PADDING_SAME, {}, {14, 14}, {0, 0, 1, 1}},
        {7, {3}, {2}, {}, CLCNN_PADDING_SAME, {}, {4, 4}, {1, 1, 1, 1}},
        {227, {11}, {4}, {}, CLCNN_PADDING_VALID, {}, {55, 55}, {}},
        {28, {3}, {2}, {}, CLCNN_PADDING_EXPLICIT, {1, 1, 1, 1}, {14, 14}, {1, 1, 1, 1}},
        {10, {3, 5}, {1, 2}, {}, CLCNN_PADDING_VALID, {}, {8, 3}, {}},
        {10, {3}, {}, {2}, CLCNN_PADDING_SAME, {}, {10, 10}, {2, 2, 2, 2}},
        {10, {3}, {}, {1, 4}, CLCNN_PADDING_VALID, {}, {8, 2}, {}},
        {10, {0, 2}, {}, {}, CLCNN_PADDING_VALID, {}, {8, 9}, {}},
        {4, {3}, {}, {}, CLCNN_PADDING_EXPLICIT, {0, 1, 2, 3}, {4, 6}, {0, 1, 2, 3}},
        {1, {1}, {}, {}, CLCNN_PADDING_VALID, {}, {1, 1}, {}},
        {4, {2}, {}, {}, CLCNN_PADDING_SAME, {}, {4, 4}, {0, 0, 1, 1}},
    };
    int number = 0;
    for (const Case &c : cases) {
        INFO("case " << number++);
        Model m;
        clcnn_conv2d_layer layer = {};
        layer.filters = 6;
        layer.padding = c.padding;
        std::copy(c.kernel, c.kernel + 2, layer.kernel);
        std::copy(c.strides, c.strides + 2, layer.strides);
        std::copy(c.dilation, c.dilation + 2, layer.dilation_rate);
        std::copy(c.pads, c.pads + 4, layer.pads);
        clcnn_node x = clcnn_add_conv2d(m, m.image(c.n, c.n, 3), &layer);
        INFO(clcnn_error_message());
        REQUIRE(x >= 0);
        const clcnn_conv2d_params &p = m.last().u.conv2d;
        CHECK(dims(m.last().shape) == Dims{CLCNN_DIM_BATCH, c.output[0], c.output[1], 6});
        CHECK(p.padding == CLCNN_PADDING_EXPLICIT);
        CHECK(std::equal(p.pads, p.pads + 4, c.resolved));
        CHECK(p.groups == 1);
        CHECK(p.use_bias);
        CHECK(p.activation_alpha == 0.3f);
    }
}

TEST_CASE("builder: sizes of pools", "[model][builder]")
{
    struct Case {
        int n, size[2], strides[2];
        clcnn_padding padding;
        int pads[4], output[2];
    };
    const Case cases[] = {
        {26, {}, {}, CLCNN_PADDING_VALID, {}, {13, 13}},
        {11, {}, {}, CLCNN_PADDING_VALID, {}, {5, 5}},
        {11, {}, {}, CLCNN_PADDING_SAME, {}, {6, 6}},
        {55, {3}, {2}, CLCNN_PADDING_VALID, {}, {27, 27}},
        {9, {3, 2}, {}, CLCNN_PADDING_VALID, {}, {3, 4}},
        {9, {3}, {0, 1}, CLCNN_PADDING_VALID, {}, {3, 7}},
        {9, {3}, {2}, CLCNN_PADDING_EXPLICIT, {1, 0, 1, 2}, {5, 5}},
    };
    int number = 0;
    for (const Case &c : cases) {
        INFO("case " << number++);
        Model m;
        clcnn_pool2d_layer layer = {};
        layer.padding = c.padding;
        std::copy(c.size, c.size + 2, layer.size);
        std::copy(c.strides, c.strides + 2, layer.strides);
        std::copy(c.pads, c.pads + 4, layer.pads);
        clcnn_node x = clcnn_add_max_pool2d(m, m.image(c.n, c.n, 5), &layer);
        INFO(clcnn_error_message());
        REQUIRE(x >= 0);
        CHECK(dims(m.last().shape) == Dims{CLCNN_DIM_BATCH, c.output[0], c.output[1], 5});
        CHECK(m.last().u.pool2d.mode == CLCNN_POOL_MODE_MAX);
        CHECK(m.last().u.pool2d.padding == CLCNN_PADDING_EXPLICIT);
    }
    Model m;
    clcnn_add_global_average_pool2d(m, m.image(4, 5, 6));
    CHECK(m.last().u.pool2d.global);
    CHECK(m.last().u.pool2d.mode == CLCNN_POOL_MODE_AVERAGE);
    CHECK(dims(m.last().shape) == Dims{CLCNN_DIM_BATCH, 6});
}

TEST_CASE("builder: merging layers", "[model][builder]")
{
    Model m;
    clcnn_node x = m.image(4, 6, 3);
    clcnn_node parts[] = {x, m.conv(x, 5, 1), x};
    clcnn_node y = clcnn_add_concatenate(m, parts, 3);
    CHECK(dims(m.last().shape) == Dims{CLCNN_DIM_BATCH, 4, 6, 11});
    y = clcnn_add_add(m, y, y);
    CHECK(dims(m.last().shape) == Dims{CLCNN_DIM_BATCH, 4, 6, 11});
    y = clcnn_add_flatten(m, y);
    CHECK(dims(m.last().shape) == Dims{CLCNN_DIM_BATCH, 264});
    y = clcnn_add_flatten(m, y);
    CHECK(dims(m.last().shape) == Dims{CLCNN_DIM_BATCH, 264});
    CHECK_OK(clcnn_model_finish(m, y));
}

TEST_CASE("builder: a softmax of conv2d and dense is a hidden layer", "[model][builder]")
{
    Model m;
    clcnn_node x = m.image(3, 3, 2);
    x = m.conv(x, 4, 3, CLCNN_PADDING_VALID, CLCNN_ACTIVATION_SOFTMAX);
    REQUIRE(m->layer_count == 3);
    CHECK(m->layers[1].u.conv2d.activation == CLCNN_ACTIVATION_LINEAR);
    CHECK(!m->layers[1].hidden);
    CHECK(m.last().hidden);
    CHECK(m.last().kind == CLCNN_LAYER_ACTIVATION);
    CHECK(m.last().u.activation.activation == CLCNN_ACTIVATION_SOFTMAX);
    CHECK(dims(m.last().shape) == dims(m->layers[1].shape));
    CHECK(m.last().inputs[0] == 1);
    x = m.dense(clcnn_add_flatten(m, x), 5, CLCNN_ACTIVATION_SOFTMAX);
    CHECK(m->layer_count == 6);
    CHECK_OK(clcnn_model_finish(m, x));
    CHECK(m->output == 5);
}

TEST_CASE("builder: shapes as the caller's arrays are laid out", "[model][builder]")
{
    Model m;
    CHECK(clcnn_model_input_shape(m) == nullptr);
    CHECK(clcnn_model_output_shape(m) == nullptr);
    clcnn_node x = m.conv(m.image(10, 20, 3, CLCNN_DATA_FORMAT_CHANNELS_FIRST), 7);
    CHECK_OK(clcnn_model_finish(m, x));
    CHECK(dims(*clcnn_model_input_shape(m)) == Dims{CLCNN_DIM_BATCH, 3, 10, 20});
    CHECK(dims(*clcnn_model_output_shape(m)) == Dims{CLCNN_DIM_BATCH, 7, 8, 18});
    CHECK(dims(m->layers[0].shape) == Dims{CLCNN_DIM_BATCH, 10, 20, 3});

    Model v;
    CHECK_OK(clcnn_model_finish(v, v.dense(v.vector(9), 2)));
    CHECK(dims(*clcnn_model_input_shape(v)) == Dims{CLCNN_DIM_BATCH, 9});
    CHECK(dims(*clcnn_model_output_shape(v)) == Dims{CLCNN_DIM_BATCH, 2});
}

TEST_CASE("builder: weights", "[model][builder]")
{
    Model m;
    clcnn_node x = m.vector(4);
    CHECK(clcnn_model_weight_count(m) == 0);
    clcnn_dense_layer layer = {};
    layer.units = 3;
    layer.no_bias = true;
    x = clcnn_add_dense(m, x, &layer);
    CHECK(m.last().bias == -1);
    CHECK(clcnn_model_weight_count(m) == 0);
    CHECK(clcnn_model_weight(m, 0) == nullptr);
    CHECK_OK(clcnn_model_finish(m, x));
    CHECK(clcnn_model_weight_count(m) == 1);
    CHECK(dims(*clcnn_tensor_shape(clcnn_model_weight(m, 0))) == Dims{3, 4});
    CHECK(clcnn_model_parameter_count(m) == 12);
    for (int index : {-1, 1, 1 << 30}) {
        CHECK(clcnn_model_weight(m, index) == nullptr);
        CHECK(clcnn_model_weight_name(m, index) == nullptr);
    }
}

/* ---- what is refused ------------------------------------------------------------------------- */

namespace
{

using Build = std::function<clcnn_node(Model &)>;

struct Refusal {
    const char *words;
    Build build;
};

Build conv(std::function<void(clcnn_conv2d_layer &)> change, int channels = 30)
{
    return [=](Model &m) {
        clcnn_conv2d_layer layer = {};
        layer.filters = 8;
        change(layer);
        return clcnn_add_conv2d(m, m.image(8, 9, channels), &layer);
    };
}

Build pool(std::function<void(clcnn_pool2d_layer &)> change)
{
    return [=](Model &m) {
        clcnn_pool2d_layer layer = {};
        change(layer);
        return clcnn_add_average_pool2d(m, m.image(8, 9, 3), &layer);
    };
}

Build dense(std::function<void(clcnn_dense_layer &)> change)
{
    return [=](Model &m) {
        clcnn_dense_layer layer = {};
        layer.units = 8;
        change(layer);
        return clcnn_add_dense(m, m.vector(5), &layer);
    };
}

Build input(std::function<void(clcnn_input_params &)> change)
{
    return [=](Model &m) {
        clcnn_input_params params = {};
        change(params);
        return clcnn_input(m, &params);
    };
}

/* A value that C++ knows no way to write into an enum, but C does. */
template <class T> void set(T &member, int value)
{
    static_assert(sizeof(T) == sizeof(int));
    std::memcpy(&member, &value, sizeof(value));
}

/* Each is INVALID_ARGUMENT of a call after which nothing was added. */
const Refusal refusals[] = {
    { "input_layer: params is NULL", [](Model &m) { return clcnn_input(m, nullptr); } },
    { "input_layer: height=0, width=0, channels=0 are not all positive",
      input([](auto &) {}) },
    { "height=5, width=-1, channels=1", input([](auto &p) {
          p.height = 5;
          p.width = -1;
          p.channels = 1;
      }) },
    { "features=-3 is negative", input([](auto &p) { p.features = -3; }) },
    { "features=3 and an image 0x0x1 exclude each other", input([](auto &p) {
          p.features = 3;
          p.channels = 1;
      }) },
    { "data_format 2 is unknown",
      input([](auto &p) { set(p.data_format, 2); }) },
    { "input_layer: the layer's name is empty or longer than 255",
      input([](auto &p) { p.name = ""; }) },
    { "name 'a/b' contains '/'", input([](auto &p) { p.name = "a/b"; }) },
    { "conv2d: the layer's name is empty or longer than 255", conv([](auto &l) {
          static const std::string name(256, 'x');
          l.name = name.c_str();
      }) },
    { "average_pooling2d: the layer's name '/' contains '/'", pool([](auto &l) { l.name = "/"; }) },
    { "dense: the layer's name is not UTF-8", dense([](auto &l) { l.name = "\xc3("; }) },
    { "is not UTF-8", input([](auto &p) { p.name = "\xff"; }) },
    { "input_layer_1: model 'model' has an input already", [](Model &m) {
         m.image(3, 3, 3);
         return m.vector(3);
     } },

    { "conv2d: layer is NULL",
      [](Model &m) { return clcnn_add_conv2d(m, m.image(3, 3, 3), nullptr); } },
    { "conv2d: filters=0 is not positive", conv([](auto &l) { l.filters = 0; }) },
    { "conv2d: filters=-4 is not positive", conv([](auto &l) { l.filters = -4; }) },
    { "conv2d: groups=-1 is negative", conv([](auto &l) { l.groups = -1; }) },
    { "conv2d: C=30 is not divisible by groups=4", conv([](auto &l) { l.groups = 4; }) },
    { "conv2d: filters=8 is not divisible by groups=3", conv([](auto &l) { l.groups = 3; }) },
    { "conv2d: kernel (-1, 0) is negative", conv([](auto &l) { l.kernel[0] = -1; }) },
    { "conv2d: strides (1, -2) is negative", conv([](auto &l) {
          l.strides[0] = 1;
          l.strides[1] = -2;
      }) },
    { "conv2d: dilation_rate (-1, 0) is negative",
      conv([](auto &l) { l.dilation_rate[0] = -1; }) },
    { "strides (2, 2) above 1 together with dilation_rate (3, 3) above 1", conv([](auto &l) {
          l.strides[0] = 2;
          l.dilation_rate[0] = 3;
      }) },
    { "conv2d: padding 7 is unknown",
      conv([](auto &l) { set(l.padding, 7); }) },
    { "pads (0, 1, 0, 0) are given, but the padding is 'valid'",
      conv([](auto &l) { l.pads[1] = 1; }) },
    { "but the padding is 'same'", conv([](auto &l) {
          l.padding = CLCNN_PADDING_SAME;
          l.pads[3] = 1;
      }) },
    { "conv2d: width: padding -1, 0 is negative", conv([](auto &l) {
          l.padding = CLCNN_PADDING_EXPLICIT;
          l.pads[1] = -1;
      }) },
    { "conv2d: height 8 with padding 0 + 0 is smaller than the filter's span 9",
      conv([](auto &l) { l.kernel[0] = 9; }) },
    { "conv2d: width 9 with padding 0 + 0 is smaller than the filter's span 11", conv([](auto &l) {
          l.dilation_rate[0] = 1;
          l.dilation_rate[1] = 5;
      }) },
    { "conv2d: activation 6 is unknown",
      conv([](auto &l) { set(l.activation, 6); }) },
    { "conv2d: activation -1 is unknown",
      conv([](auto &l) { set(l.activation, -1); }) },
    { "leaky_relu's alpha -0.5 is not finite and positive", conv([](auto &l) {
          l.activation = CLCNN_ACTIVATION_LEAKY_RELU;
          l.activation_alpha = -0.5f;
      }) },
    { "leaky_relu's alpha nan", conv([](auto &l) {
          l.activation = CLCNN_ACTIVATION_LEAKY_RELU;
          l.activation_alpha = NAN;
      }) },
    { "conv2d: initializer 9 is unknown",
      conv([](auto &l) { set(l.kernel_initializer, 9); }) },
    { "conv2d: initializer -2 is unknown",
      conv([](auto &l) { set(l.bias_initializer, -2); }) },
    { "conv2d: needs images (None, height, width, channels); the input is (None, 4)",
      [](Model &m) { return m.conv(m.vector(4), 3); } },
    { "conv2d: with its kernel the model has more than 2^63-1 bytes of weights", [](Model &m) {
         return m.conv(m.image(1 << 20, 1 << 20, 1 << 20), 1 << 30, 1 << 20);
     } },
    { "the output has more than 2^63-1 bytes", [](Model &m) {
         return m.image(INT32_MAX, INT32_MAX, INT32_MAX);
     } },

    { "average_pooling2d: size (-2, 0) is negative", pool([](auto &l) { l.size[0] = -2; }) },
    { "average_pooling2d: strides (0, -1) is negative", pool([](auto &l) { l.strides[1] = -1; }) },
    { "average_pooling2d: height 8 with padding 0 + 0 is smaller than the filter's span 10",
      pool([](auto &l) { l.size[0] = 10; }) },
    { "average_pooling2d: padding 2 is not smaller than the window 2x2", pool([](auto &l) {
          l.padding = CLCNN_PADDING_EXPLICIT;
          l.pads[2] = 2;
      }) },
    { "average_pooling2d: pads (1, 0, 0, 0) are given", pool([](auto &l) { l.pads[0] = 1; }) },
    { "average_pooling2d: padding -1 is unknown",
      pool([](auto &l) { set(l.padding, -1); }) },
    { "max_pooling2d: needs images",
      [](Model &m) { return clcnn_add_max_pool2d(m, m.vector(4), nullptr); } },
    { "global_max_pooling2d: needs images",
      [](Model &m) { return clcnn_add_global_max_pool2d(m, m.vector(4)); } },
    { "global_average_pooling2d: needs images",
      [](Model &m) { return clcnn_add_global_average_pool2d(m, m.vector(4)); } },

    { "dense: layer is NULL",
      [](Model &m) { return clcnn_add_dense(m, m.vector(3), nullptr); } },
    { "dense: units=0 is not positive", dense([](auto &l) { l.units = 0; }) },
    { "dense: units=-8 is not positive", dense([](auto &l) { l.units = -8; }) },
    { "dense: leaky_relu's alpha -1", dense([](auto &l) {
          l.activation = CLCNN_ACTIVATION_LEAKY_RELU;
          l.activation_alpha = -1;
      }) },
    { "dense: initializer -1 is unknown",
      dense([](auto &l) { set(l.kernel_initializer, -1); }) },
    { "dense: activation 99 is unknown",
      dense([](auto &l) { set(l.activation, 99); }) },
    { "dense: initializer 9 is unknown",
      dense([](auto &l) { set(l.bias_initializer, 9); }) },
    { "dense: needs vectors (None, features); the input is (None, 3, 4, 5): flatten it",
      [](Model &m) { return m.dense(m.image(3, 4, 5), 2); } },

    { "flatten: 2147549184 features are more than 2^31-1",
      [](Model &m) { return clcnn_add_flatten(m, m.image(65536, 32769, 1)); } },
    { "activation: activation 6 is unknown",
      [](Model &m) {
          return clcnn_add_activation(m, m.vector(3), (clcnn_activation)6, 0);
      } },
    { "activation: leaky_relu's alpha inf",
      [](Model &m) {
          return clcnn_add_activation(m, m.vector(3), CLCNN_ACTIVATION_LEAKY_RELU, INFINITY);
      } },
    { "dropout: rate 1 is not in [0, 1)",
      [](Model &m) { return clcnn_add_dropout(m, m.vector(3), 1.0f); } },
    { "dropout: rate -0.1 is not in [0, 1)",
      [](Model &m) { return clcnn_add_dropout(m, m.vector(3), -0.1f); } },
    { "dropout: rate nan", [](Model &m) { return clcnn_add_dropout(m, m.vector(3), NAN); } },

    { "add: inputs (None, 3) and (None, 4) differ",
      [](Model &m) {
          clcnn_node x = m.vector(3);
          return clcnn_add_add(m, x, m.dense(x, 4));
      } },
    { "add: inputs (None, 3, 3, 3) and (None, 27) differ",
      [](Model &m) {
          clcnn_node x = m.image(3, 3, 3);
          return clcnn_add_add(m, x, clcnn_add_flatten(m, x));
      } },
    { "add: node -1 is invalid",
      [](Model &m) { return clcnn_add_add(m, m.vector(3), -1); } },
    { "concatenate: node -7 is invalid",
      [](Model &m) {
          clcnn_node both[] = { m.vector(3), -7 };
          return clcnn_add_concatenate(m, both, 2);
      } },
    { "concatenate: inputs (None, 3, 3, 3) and (None, 27) differ before the last axis",
      [](Model &m) {
          clcnn_node x = m.image(3, 3, 3), both[] = { x, clcnn_add_flatten(m, x) };
          return clcnn_add_concatenate(m, both, 2);
      } },
    { "concatenate: inputs is NULL",
      [](Model &m) { return clcnn_add_concatenate(m, nullptr, 2); } },
    { "concatenate: 1 inputs are given, at least 2 are needed",
      [](Model &m) {
          clcnn_node x = m.vector(3);
          return clcnn_add_concatenate(m, &x, 1);
      } },
    { "concatenate: -5 inputs are given",
      [](Model &m) {
          clcnn_node x = m.vector(3);
          return clcnn_add_concatenate(m, &x, -5);
      } },
    { "concatenate: inputs (None, 8, 8, 3) and (None, 6, 6, 3) differ before the last axis",
      [](Model &m) {
          clcnn_node x = m.image(8, 8, 3), both[] = { x, m.conv(x, 3) };
          return clcnn_add_concatenate(m, both, 2);
      } },
    { "concatenate: the last axis of 4294967294 is longer than 2^31-1",
      [](Model &m) {
          clcnn_node x = m.vector(INT32_MAX), both[] = { x, x };
          return clcnn_add_concatenate(m, both, 2);
      } },

    { "flatten: node 0 is not of model 'model'",
      [](Model &m) {
          m.vector(3);
          return clcnn_add_flatten(m, 0);
      } },
    { "dense: node -1 is invalid", [](Model &m) { return m.dense(-1, 3); } },
    { "is not of model 'model'", [](Model &m) { return m.dense(m.vector(3) + 1, 3); } },
    { "is not of model 'model'",
      [](Model &m) {
          Model other;
          m.vector(3);
          return m.dense(other.vector(3), 3);
      } },
    { "dense: the name 'twin' is already taken",
      [](Model &m) {
          clcnn_node x = m.dense(m.vector(3), 3, CLCNN_ACTIVATION_RELU, "twin");
          return m.dense(x, 3, CLCNN_ACTIVATION_RELU, "twin");
      } },
};

} // namespace

TEST_CASE("builder: every broken rule is told, and told again", "[model][builder]")
{
    for (const Refusal &r : refusals) {
        INFO(r.words);
        Model m;
        clcnn_node x = r.build(m);
        CHECK(x < 0);
        const std::string first = clcnn_error_message();
        CHECK_THAT(first, Contains(r.words));
        size_t count = m->layer_count;

        /* Later calls change nothing, and the first error is the one that counts. */
        CHECK(m.vector(4) < 0);
        CHECK(clcnn_add_flatten(m, -1) < 0);
        CHECK(clcnn_add_dropout(m, x, 7.0f) < 0);
        CHECK(m->layer_count == count);
        for (int again = 0; again < 2; again++) {
            CHECK(clcnn_model_finish(m, x) == CLCNN_STATUS_INVALID_ARGUMENT);
            CHECK(clcnn_error_message() == first);
        }
        CHECK(clcnn_model_weight_count(m) == 0);
    }
}

TEST_CASE("builder: what finish refuses", "[model][builder]")
{
    const Refusal cases[] = {
        {"model 'model' has no layers", [](Model &) { return 0; }},
        {"the output: node -1 is invalid",
         [](Model &m) {
             m.vector(3);
             return -1;
         }},
        {"the output: node 12345 is not of model 'model'",
         [](Model &m) {
             m.vector(3);
             return 12345;
         }},
        {"the output is the input itself", [](Model &m) { return m.vector(3); }},
        {"layer 'dense_1' does not lead to the output 'dense'",
         [](Model &m) {
             clcnn_node x = m.vector(3), y = m.dense(x, 3);
             m.dense(x, 4);
             return y;
         }},
        {"layer 'side' does not lead to the output 'dense_1/softmax'",
         [](Model &m) {
             clcnn_node x = m.dense(m.vector(3), 3);
             m.dense(x, 3, CLCNN_ACTIVATION_LINEAR, "side");
             return m.dense(x, 3, CLCNN_ACTIVATION_SOFTMAX);
         }},
    };
    for (const Refusal &c : cases) {
        INFO(c.words);
        Model m;
        CHECK_FAILS(clcnn_model_finish(m, c.build(m)), CLCNN_STATUS_INVALID_ARGUMENT, c.words);
        CHECK_FAILS(clcnn_model_finish(m, 0), CLCNN_STATUS_INVALID_ARGUMENT, c.words);
    }
    CHECK_FAILS(clcnn_model_finish(nullptr, 0), CLCNN_STATUS_INVALID_ARGUMENT, "model is NULL");
}

TEST_CASE("builder: a finished model does not change", "[model][builder]")
{
    Model m("done");
    clcnn_node x = m.dense(m.vector(3), 2);
    CHECK_OK(clcnn_model_finish(m, x));
    CHECK_FAILS(clcnn_model_finish(m, x), CLCNN_STATUS_INVALID_ARGUMENT, "'done' is finished");
    CHECK(m.dense(x, 4) < 0);
    CHECK_THAT(clcnn_error_message(), Contains("dense: model 'done' is finished"));
    CHECK(m->layer_count == 2);
    CHECK(clcnn_model_weight_count(m) == 2); /* still finished, and in order */
}

TEST_CASE("builder: a weight too large for memory", "[model][builder]")
{
    Model m;
    clcnn_node x = m.dense(m.vector(INT32_MAX), 1 << 20);
    CHECK_FAILS(clcnn_model_finish(m, x), CLCNN_STATUS_OUT_OF_MEMORY,
                "model 'model': weight 'dense/kernel': ");
    CHECK_FAILS(clcnn_model_finish(m, x), CLCNN_STATUS_OUT_OF_MEMORY, "dense/kernel");
}

TEST_CASE("builder: NULL models", "[model][builder]")
{
    clcnn_model *none = nullptr;
    CHECK(clcnn_input(none, nullptr) < 0);
    CHECK(clcnn_add_flatten(none, 0) < 0);
    CHECK_THAT(clcnn_error_message(), Contains("flatten: model is NULL"));
    CHECK_FAILS(clcnn_model_create(nullptr, nullptr), CLCNN_STATUS_INVALID_ARGUMENT, "out is NULL");
    clcnn_model_destroy(nullptr);
    clcnn_model_destroy(&none);
}

TEST_CASE("builder: names of models", "[model][builder]")
{
    clcnn_model *model = nullptr;
    CHECK_OK(clcnn_model_create(nullptr, &model));
    CHECK(std::string(clcnn_model_name(model)) == "model");
    clcnn_model_destroy(&model);
    for (const std::string &name : {std::string(), std::string(256, 'x'), std::string("\xc3")}) {
        clcnn_model_params params = {name.c_str(), 0};
        CHECK(clcnn_model_create(&params, &model) == CLCNN_STATUS_INVALID_ARGUMENT);
        CHECK(model == nullptr);
    }
    Model longest(std::string(255, 'x').c_str());
    CHECK(std::string(clcnn_model_name(longest)).size() == 255);
}

TEST_CASE("builder: a model lives as long as somebody holds it", "[model][builder]")
{
    clcnn_model *model = nullptr;
    CHECK_OK(clcnn_network_create("lenet-5", 1, &model));
    clcnn_model *held = clcnn_model_retain(model);
    clcnn_model_destroy(&model);
    CHECK(model == nullptr);
    CHECK(clcnn_model_parameter_count(held) == 61706);
    clcnn_model_destroy(&held);
}
