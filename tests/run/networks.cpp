#include "run/networks.hpp"

namespace
{

using Model = struct clcnn_model *;
using Node = clcnn_node;

Node image(Model m, int height, int width, int channels,
           enum clcnn_data_format format = CLCNN_DATA_FORMAT_CHANNELS_LAST)
{
    struct clcnn_input_params params = {};
    params.height = height;
    params.width = width;
    params.channels = channels;
    params.data_format = format;
    return clcnn_input(m, &params);
}

Node conv(Model m, Node x, int filters, int size,
          enum clcnn_activation activation = CLCNN_ACTIVATION_RELU)
{
    struct clcnn_conv2d_layer layer = {};
    layer.filters = filters;
    layer.kernel[0] = size;
    layer.activation = activation;
    layer.activation_alpha = 0.25f;
    layer.padding = CLCNN_PADDING_SAME;
    return clcnn_add_conv2d(m, x, &layer);
}

Node dense(Model m, Node x, int units, enum clcnn_activation activation, bool no_bias = false)
{
    struct clcnn_dense_layer layer = {};
    layer.units = units;
    layer.activation = activation;
    layer.no_bias = no_bias;
    return clcnn_add_dense(m, x, &layer);
}

Node classify(Model m, Node x, int classes = 3)
{
    return dense(m, clcnn_add_flatten(m, x), classes, CLCNN_ACTIVATION_SOFTMAX);
}

Node pool(Model m, Node x, bool max, int size, int stride)
{
    struct clcnn_pool2d_layer layer = {};
    layer.size[0] = layer.size[1] = size;
    layer.strides[0] = layer.strides[1] = stride;
    layer.padding = CLCNN_PADDING_SAME;
    return max ? clcnn_add_max_pool2d(m, x, &layer) : clcnn_add_average_pool2d(m, x, &layer);
}

Node small_cnn(Model m)
{
    Node x = conv(m, image(m, 8, 7, 1), 4, 3);
    x = conv(m, pool(m, x, true, 2, 2), 5, 3);
    x = dense(m, clcnn_add_flatten(m, x), 6, CLCNN_ACTIVATION_RELU);
    return dense(m, x, 3, CLCNN_ACTIVATION_SOFTMAX);
}

Node channels_first(Model m)
{
    Node x = image(m, 5, 4, 3, CLCNN_DATA_FORMAT_CHANNELS_FIRST);
    return conv(m, conv(m, x, 4, 3), 2, 1, CLCNN_ACTIVATION_LINEAR);
}

Node channels_first_classes(Model m)
{
    return classify(m, conv(m, image(m, 4, 4, 2, CLCNN_DATA_FORMAT_CHANNELS_FIRST), 4, 3));
}

Node residual(Model m)
{
    Node x = conv(m, image(m, 5, 5, 2), 4, 3);
    for (int i = 0; i < 2; i++) {
        Node y = conv(m, conv(m, x, 4, 3), 4, 3, CLCNN_ACTIVATION_LINEAR);
        x = clcnn_add_activation(m, clcnn_add_add(m, x, y), CLCNN_ACTIVATION_RELU, 0);
    }
    return classify(m, clcnn_add_global_average_pool2d(m, x));
}

/* Shortcuts that a convolution may add to in place, and others that it must leave alone. */
Node residual_kinds(Model m)
{
    const enum clcnn_activation linear = CLCNN_ACTIVATION_LINEAR;
    Node in = image(m, 5, 5, 4);
    Node x = clcnn_add_add(m, in, conv(m, in, 4, 3, linear)); /* the caller's image */
    Node y = conv(m, x, 6, 1, linear);                        /* a projection */
    x = clcnn_add_activation(m, clcnn_add_add(m, conv(m, conv(m, x, 3, 3), 6, 3, linear), y),
                             CLCNN_ACTIVATION_RELU, 0);
    y = conv(m, x, 6, 3, linear);
    Node later = conv(m, x, 2, 1); /* reads the shortcut after the convolution */
    Node z = clcnn_add_add(m, x, y);
    Node parts[] = {z, later, clcnn_add_add(m, z, conv(m, z, 6, 1))}; /* not linear; read again */
    x = clcnn_add_concatenate(m, parts, 3);
    x = clcnn_add_add(m, x, conv(m, x, 14, 1, linear)); /* reads what it would overwrite */
    return clcnn_add_add(m, conv(m, conv(m, x, 3, 1), 14, 1, linear), x); /* the output */
}

/* Of one value: an add with itself, a concatenation with itself, a pooling and a convolution. */
Node many_consumers(Model m)
{
    Node x = conv(m, image(m, 6, 6, 1), 3, 3);
    Node a = clcnn_add_add(m, x, x);
    Node parts[] = {x, a, conv(m, x, 2, 1), x};
    Node y = clcnn_add_concatenate(m, parts, 4);
    y = clcnn_add_add(m, clcnn_add_global_max_pool2d(m, y), clcnn_add_global_average_pool2d(m, y));
    return classify(m, y);
}

Node strides_and_groups(Model m)
{
    Node x = image(m, 9, 8, 2);
    struct clcnn_conv2d_layer layer = {};
    layer.filters = 6;
    layer.kernel[0] = 3;
    layer.kernel[1] = 2;
    layer.strides[0] = 2;
    layer.no_bias = true;
    layer.padding = CLCNN_PADDING_EXPLICIT;
    layer.pads[0] = 2;
    layer.pads[3] = 1;
    x = clcnn_add_conv2d(m, x, &layer);
    layer = {};
    layer.filters = 4;
    layer.groups = 2;
    layer.dilation_rate[0] = layer.dilation_rate[1] = 2;
    layer.padding = CLCNN_PADDING_SAME;
    layer.activation = CLCNN_ACTIVATION_LEAKY_RELU;
    x = clcnn_add_conv2d(m, x, &layer);
    return classify(m, pool(m, x, false, 3, 2));
}

Node activations(Model m)
{
    Node x = conv(m, image(m, 5, 5, 1), 3, 3, CLCNN_ACTIVATION_LINEAR);
    x = clcnn_add_activation(m, x, CLCNN_ACTIVATION_TANH, 0); /* fused */
    x = clcnn_add_activation(m, pool(m, x, true, 3, 2), CLCNN_ACTIVATION_LEAKY_RELU, 0.1f);
    x = clcnn_add_activation(m, x, CLCNN_ACTIVATION_LINEAR, 0);
    x = clcnn_add_activation(m, x, CLCNN_ACTIVATION_SOFTMAX, 0); /* of each pixel */
    x = dense(m, clcnn_add_flatten(m, x), 5, CLCNN_ACTIVATION_SIGMOID);
    x = clcnn_add_activation(m, x, CLCNN_ACTIVATION_SIGMOID, 0);
    return dense(m, x, 2, CLCNN_ACTIVATION_SOFTMAX, true);
}

Node dropouts(Model m)
{
    Node x = clcnn_add_dropout(m, conv(m, image(m, 4, 4, 1), 4, 3), 0.25f);
    x = clcnn_add_dropout(m, clcnn_add_flatten(m, x), 0.5f);
    x = clcnn_add_dropout(m, dense(m, x, 8, CLCNN_ACTIVATION_RELU), 0.0f);
    return dense(m, x, 3, CLCNN_ACTIVATION_SOFTMAX);
}

Node perceptron(Model m)
{
    struct clcnn_input_params params = {};
    params.features = 5;
    Node x = dense(m, clcnn_input(m, &params), 7, CLCNN_ACTIVATION_TANH);
    return dense(m, x, 1, CLCNN_ACTIVATION_SIGMOID);
}

Node logits_then_sigmoid(Model m)
{
    Node x = dense(m, clcnn_add_flatten(m, image(m, 2, 3, 2)), 4, CLCNN_ACTIVATION_LINEAR);
    return clcnn_add_activation(m, x, CLCNN_ACTIVATION_SIGMOID, 0);
}

Node nothing(Model m)
{
    return clcnn_add_flatten(m, image(m, 3, 2, 2));
}

Node pooling_first(Model m)
{
    return classify(m, conv(m, pool(m, image(m, 6, 6, 2), true, 2, 2), 3, 3));
}

} // namespace

const std::vector<TestNetwork> test_networks = {
    {"small cnn", small_cnn, CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY},
    {"channels first, image out", channels_first, CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR},
    {"channels first, classes", channels_first_classes, CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY},
    {"residual", residual, CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY},
    {"residual kinds", residual_kinds, CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR},
    {"many consumers", many_consumers, CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY},
    {"strides and groups", strides_and_groups, CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY},
    {"activations", activations, CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR},
    {"dropouts", dropouts, CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY},
    {"perceptron", perceptron, CLCNN_LOSS_KIND_BINARY_CROSSENTROPY},
    {"logits, then sigmoid", logits_then_sigmoid, CLCNN_LOSS_KIND_BINARY_CROSSENTROPY},
    {"pooling first", pooling_first, CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY},
    {"nothing", nothing, CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR, false},
};

TestModel::TestModel(const TestNetwork &network)
{
    CHECK_OK(clcnn_model_create(nullptr, &model));
    CHECK_OK(clcnn_model_finish(model, network.build(model)));
    for (int i = 0; i < clcnn_model_weight_count(model); i++) {
        struct clcnn_tensor *tensor = clcnn_model_weight(model, i);
        std::vector<float> values = test_values((size_t)clcnn_tensor_count(tensor), 100 + i);
        for (size_t j = 0; j < values.size(); j++)
            ((float *)clcnn_tensor_data(tensor))[j] = values[j] / 2;
    }
}

static size_t elements(const struct clcnn_shape *shape)
{
    size_t count = 1;
    for (int i = 1; i < shape->rank; i++)
        count *= (size_t)shape->dim[i];
    return count;
}

size_t TestModel::inputs() const
{
    return elements(clcnn_model_input_shape(model));
}

size_t TestModel::outputs() const
{
    return elements(clcnn_model_output_shape(model));
}

std::vector<float> TestModel::weights() const
{
    std::vector<float> all;
    for (int i = 0; i < clcnn_model_weight_count(model); i++) {
        struct clcnn_tensor *tensor = clcnn_model_weight(model, i);
        const float *values = (const float *)clcnn_tensor_const_data(tensor);
        all.insert(all.end(), values, values + clcnn_tensor_count(tensor));
    }
    return all;
}

void check_close(const std::vector<float> &y, const RefTensor &reference)
{
    REQUIRE(y.size() == reference.v.size());
    size_t wrong = 0, first = 0;
    for (size_t i = y.size(); i-- > 0;)
        if (!(std::fabs(y[i] - reference.v[i]) <= reference.e[i])) {
            wrong++;
            first = i;
        }
    INFO("first at " << first << ": " << y[first] << " instead of " << reference.v[first] << " +- "
                     << reference.e[first]);
    CHECK(wrong == 0);
}
