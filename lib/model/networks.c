/* The reference networks. */
#include "base/status.h"
#include "base/text.h"
#include <clcnn/model.h>
#include <stdio.h>
#include <string.h>

static clcnn_node image(struct clcnn_model *m, int size, int channels)
{
    return clcnn_input(
        m, &(struct clcnn_input_params){.height = size, .width = size, .channels = channels});
}

static clcnn_node conv(struct clcnn_model *m, clcnn_node x, int filters, int kernel, int stride,
                       enum clcnn_padding padding, enum clcnn_activation activation)
{
    return clcnn_add_conv2d(m, x,
                            &(struct clcnn_conv2d_layer){.filters = filters,
                                                         .kernel = {kernel},
                                                         .strides = {stride},
                                                         .padding = padding,
                                                         .activation = activation});
}

static clcnn_node conv_relu(struct clcnn_model *m, clcnn_node x, int filters, int kernel)
{
    return conv(m, x, filters, kernel, 1, CLCNN_PADDING_VALID, CLCNN_ACTIVATION_RELU);
}

static clcnn_node max_pool(struct clcnn_model *m, clcnn_node x, int size, int stride)
{
    return clcnn_add_max_pool2d(m, x,
                                &(struct clcnn_pool2d_layer){.size = {size}, .strides = {stride}});
}

static clcnn_node dense(struct clcnn_model *m, clcnn_node x, int units,
                        enum clcnn_activation activation)
{
    return clcnn_add_dense(m, x,
                           &(struct clcnn_dense_layer){.units = units, .activation = activation});
}

static clcnn_node softmax(struct clcnn_model *m, clcnn_node x, int classes)
{
    return dense(m, x, classes, CLCNN_ACTIVATION_SOFTMAX);
}

/* Chollet, "Deep Learning with Python", 2nd ed., listing 8.1. */
static clcnn_node build_mnist_cnn(struct clcnn_model *m)
{
    clcnn_node x = image(m, 28, 1);
    x = conv_relu(m, x, 32, 3);
    x = max_pool(m, x, 2, 2);
    x = conv_relu(m, x, 64, 3);
    x = max_pool(m, x, 2, 2);
    x = conv_relu(m, x, 64, 3);
    x = clcnn_add_flatten(m, x);
    x = dense(m, x, 64, CLCNN_ACTIVATION_RELU);
    return softmax(m, x, 10);
}

/* Three equal convolutions: what padding and strides do to size and weights. */
static clcnn_node build_three(struct clcnn_model *m, int stride, enum clcnn_padding padding)
{
    clcnn_node x = image(m, 28, 1);
    for (int i = 0; i < 3; i++)
        x = conv(m, x, 32, 3, stride, padding, CLCNN_ACTIVATION_RELU);
    x = clcnn_add_flatten(m, x);
    x = dense(m, x, 128, CLCNN_ACTIVATION_RELU);
    return softmax(m, x, 10);
}

static clcnn_node build_cnn_valid(struct clcnn_model *m)
{
    return build_three(m, 1, CLCNN_PADDING_VALID);
}

static clcnn_node build_cnn_same(struct clcnn_model *m)
{
    return build_three(m, 1, CLCNN_PADDING_SAME);
}

static clcnn_node build_cnn_strided(struct clcnn_model *m)
{
    return build_three(m, 2, CLCNN_PADDING_SAME);
}

static clcnn_node build_cnn_pooled(struct clcnn_model *m)
{
    clcnn_node x = image(m, 28, 1);
    for (int i = 0; i < 2; i++) {
        x = conv_relu(m, x, 32, 3);
        x = max_pool(m, x, 2, 2);
    }
    x = clcnn_add_flatten(m, x);
    x = dense(m, x, 128, CLCNN_ACTIVATION_RELU);
    return softmax(m, x, 10);
}

typedef clcnn_node (*pool_function)(struct clcnn_model *, clcnn_node,
                                    const struct clcnn_pool2d_layer *);

/* After LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition",
 * Proc. IEEE 1998, section II.B, with full connections between the maps. */
static clcnn_node build_lenet(struct clcnn_model *m, pool_function pool, enum clcnn_activation f)
{
    clcnn_node x = image(m, 32, 1);
    x = conv(m, x, 6, 5, 1, CLCNN_PADDING_VALID, f);
    x = pool(m, x, NULL);
    x = conv(m, x, 16, 5, 1, CLCNN_PADDING_VALID, f);
    x = pool(m, x, NULL);
    x = clcnn_add_flatten(m, x);
    x = dense(m, x, 120, f);
    x = dense(m, x, 84, f);
    return softmax(m, x, 10);
}

static clcnn_node build_lenet_5(struct clcnn_model *m)
{
    return build_lenet(m, clcnn_add_average_pool2d, CLCNN_ACTIVATION_TANH);
}

static clcnn_node build_lenet_5_max(struct clcnn_model *m)
{
    return build_lenet(m, clcnn_add_max_pool2d, CLCNN_ACTIVATION_RELU);
}

/* Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
 * NIPS 2012, in one column, without groups and local response normalisation. */
static clcnn_node build_alexnet(struct clcnn_model *m)
{
    const enum clcnn_padding same = CLCNN_PADDING_SAME;
    const enum clcnn_activation relu = CLCNN_ACTIVATION_RELU;
    clcnn_node x = image(m, 227, 3);
    x = conv(m, x, 96, 11, 4, CLCNN_PADDING_VALID, relu);
    x = max_pool(m, x, 3, 2);
    x = conv(m, x, 256, 5, 1, same, relu);
    x = max_pool(m, x, 3, 2);
    x = conv(m, x, 384, 3, 1, same, relu);
    x = conv(m, x, 384, 3, 1, same, relu);
    x = conv(m, x, 256, 3, 1, same, relu);
    x = max_pool(m, x, 3, 2);
    x = clcnn_add_flatten(m, x);
    for (int i = 0; i < 2; i++) {
        x = clcnn_add_dropout(m, x, 0.5f);
        x = dense(m, x, 4096, relu);
    }
    return softmax(m, x, 1000);
}

/* "block1_conv1", ..., "block1_pool", as Keras's VGG16 calls them. */
static clcnn_node add_vgg_block(struct clcnn_model *m, clcnn_node x, int block, int convolutions,
                                int filters)
{
    char name[32];
    struct clcnn_conv2d_layer layer = {.name = name,
                                       .filters = filters,
                                       .padding = CLCNN_PADDING_SAME,
                                       .activation = CLCNN_ACTIVATION_RELU};
    for (int i = 1; i <= convolutions; i++) {
        snprintf(name, sizeof(name), "block%d_conv%d", block, i);
        x = clcnn_add_conv2d(m, x, &layer);
    }
    snprintf(name, sizeof(name), "block%d_pool", block);
    return clcnn_add_max_pool2d(m, x, &(struct clcnn_pool2d_layer){.name = name});
}

/* Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR
 * 2015, configuration D. */
static clcnn_node build_vgg_16(struct clcnn_model *m)
{
    static const struct {
        int convolutions, filters;
    } blocks[] = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}};
    static const struct clcnn_dense_layer head[] = {
        {.name = "fc1", .units = 4096, .activation = CLCNN_ACTIVATION_RELU},
        {.name = "fc2", .units = 4096, .activation = CLCNN_ACTIVATION_RELU},
        {.name = "predictions", .units = 1000, .activation = CLCNN_ACTIVATION_SOFTMAX},
    };
    clcnn_node x = image(m, 224, 3);
    for (int i = 0; i < 5; i++)
        x = add_vgg_block(m, x, i + 1, blocks[i].convolutions, blocks[i].filters);
    x = clcnn_add_flatten(m, x);
    for (int i = 0; i < 3; i++)
        x = clcnn_add_dense(m, x, &head[i]);
    return x;
}

static clcnn_node global_average_head(struct clcnn_model *m, clcnn_node x)
{
    return softmax(m, clcnn_add_global_average_pool2d(m, x), 1000);
}

/* Three convolutions beside a shortcut, which is a convolution itself where the shape changes. */
static clcnn_node add_bottleneck(struct clcnn_model *m, clcnn_node x, int filters, int stride,
                                 bool project)
{
    const enum clcnn_padding same = CLCNN_PADDING_SAME;
    const enum clcnn_activation relu = CLCNN_ACTIVATION_RELU, linear = CLCNN_ACTIVATION_LINEAR;
    clcnn_node shortcut = project ? conv(m, x, 4 * filters, 1, stride, same, linear) : x;
    x = conv(m, x, filters, 1, stride, same, relu);
    x = conv(m, x, filters, 3, 1, same, relu);
    x = conv(m, x, 4 * filters, 1, 1, same, linear);
    return clcnn_add_activation(m, clcnn_add_add(m, shortcut, x), relu, 0.0f);
}

/* He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1, 50
 * layers; with biases in place of batch normalisation, as after folding it for inference. */
static clcnn_node build_resnet_50(struct clcnn_model *m)
{
    static const int blocks[] = {3, 4, 6, 3};
    clcnn_node x = image(m, 224, 3);
    x = clcnn_add_conv2d(m, x,
                         &(struct clcnn_conv2d_layer){.filters = 64,
                                                      .kernel = {7},
                                                      .strides = {2},
                                                      .padding = CLCNN_PADDING_EXPLICIT,
                                                      .pads = {3, 3, 3, 3},
                                                      .activation = CLCNN_ACTIVATION_RELU});
    x = clcnn_add_max_pool2d(
        m, x,
        &(struct clcnn_pool2d_layer){
            .size = {3}, .strides = {2}, .padding = CLCNN_PADDING_EXPLICIT, .pads = {1, 1, 1, 1}});
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < blocks[stage]; i++)
            x = add_bottleneck(m, x, 64 << stage, stage > 0 && i == 0 ? 2 : 1, i == 0);
    return global_average_head(m, x);
}

static clcnn_node add_separable(struct clcnn_model *m, clcnn_node x, int channels, int filters,
                                int stride)
{
    x = clcnn_add_conv2d(m, x,
                         &(struct clcnn_conv2d_layer){.filters = channels,
                                                      .strides = {stride},
                                                      .groups = channels,
                                                      .padding = CLCNN_PADDING_SAME,
                                                      .activation = CLCNN_ACTIVATION_RELU});
    return conv(m, x, filters, 1, 1, CLCNN_PADDING_SAME, CLCNN_ACTIVATION_RELU);
}

/* Howard et al., "MobileNets", arXiv:1704.04861, table 1; with biases in place of batch
 * normalisation, as after folding it for inference. */
static clcnn_node build_mobilenet(struct clcnn_model *m)
{
    static const struct {
        int filters, stride;
    } blocks[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                  {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
    clcnn_node x = image(m, 224, 3);
    int channels = 32;
    x = conv(m, x, channels, 3, 2, CLCNN_PADDING_SAME, CLCNN_ACTIVATION_RELU);
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        x = add_separable(m, x, channels, blocks[i].filters, blocks[i].stride);
        channels = blocks[i].filters;
    }
    return global_average_head(m, x);
}

static const struct {
    const char *name;
    clcnn_node (*build)(struct clcnn_model *);
} networks[] = {
    {"mnist-cnn", build_mnist_cnn},     {"cnn-valid", build_cnn_valid},
    {"cnn-same", build_cnn_same},       {"cnn-strided", build_cnn_strided},
    {"cnn-pooled", build_cnn_pooled},   {"lenet-5", build_lenet_5},
    {"lenet-5-max", build_lenet_5_max}, {"alexnet", build_alexnet},
    {"vgg-16", build_vgg_16},           {"resnet-50", build_resnet_50},
    {"mobilenet", build_mobilenet},
};
#define NETWORK_COUNT (int)(sizeof(networks) / sizeof(networks[0]))

const char *clcnn_network_name(int index)
{
    return index >= 0 && index < NETWORK_COUNT ? networks[index].name : NULL;
}

static enum clcnn_status fail_unknown(const char *name)
{
    struct clcnn_text text = {0};
    for (int i = 0; i < NETWORK_COUNT; i++)
        clcnn_text_add(&text, "%s%s", i ? ", " : "", networks[i].name);
    enum clcnn_status status =
        clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "network '%s' is unknown; there are %s", name,
                   text.data ? text.data : "others");
    clcnn_text_clear(&text);
    return status;
}

enum clcnn_status clcnn_network_create(const char *name, uint64_t seed, struct clcnn_model **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_model *model = NULL;
    int index = 0;
    REQUIRE(out, "network: out is NULL");
    *out = NULL;
    REQUIRE(name, "network: name is NULL");
    while (index < NETWORK_COUNT && strcmp(networks[index].name, name) != 0)
        index++;
    if (index == NETWORK_COUNT)
        TRY(fail_unknown(name));
    TRY(clcnn_model_create(&(struct clcnn_model_params){.name = name, .seed = seed}, &model));
    TRY(clcnn_model_finish(model, networks[index].build(model)));
    *out = model;
    model = NULL;
done:
    clcnn_model_destroy(&model);
    return status;
}
