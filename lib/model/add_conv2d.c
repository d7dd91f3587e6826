#include "model/builder.h"
#include <string.h>

static enum clcnn_status resolve_sizes(struct clcnn_builder *b,
                                       const struct clcnn_conv2d_layer *layer,
                                       struct clcnn_build_windows *w)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    static const int three[2] = {3, 3}, one[2] = {1, 1};
    w->padding = layer->padding;
    memcpy(w->pads, layer->pads, sizeof(w->pads));
    TRY(clcnn_build_pair(b, "kernel", layer->kernel, three, w->size));
    TRY(clcnn_build_pair(b, "strides", layer->strides, one, w->strides));
    TRY(clcnn_build_pair(b, "dilation_rate", layer->dilation_rate, one, w->dilation_rate));
    bool strided = w->strides[0] > 1 || w->strides[1] > 1;
    bool dilated = w->dilation_rate[0] > 1 || w->dilation_rate[1] > 1;
    LAYER_REQUIRE(b, !strided || !dilated,
                  "strides (%d, %d) above 1 together with dilation_rate (%d, %d) above 1 are not "
                  "supported (as in Keras)",
                  w->strides[0], w->strides[1], w->dilation_rate[0], w->dilation_rate[1]);
    TRY(clcnn_build_windows(b, w));
done:
    return status;
}

static enum clcnn_status check_groups(struct clcnn_builder *b, int channels, int filters,
                                      int groups)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    LAYER_REQUIRE(b, filters > 0, "filters=%d is not positive", filters);
    LAYER_REQUIRE(b, groups > 0, "groups=%d is negative", groups);
    LAYER_REQUIRE(b, channels % groups == 0, "C=%d is not divisible by groups=%d", channels,
                  groups);
    LAYER_REQUIRE(b, filters % groups == 0, "filters=%d is not divisible by groups=%d", filters,
                  groups);
done:
    return status;
}

static struct clcnn_conv2d_params params_of(const struct clcnn_builder *b,
                                            const struct clcnn_conv2d_layer *layer,
                                            const struct clcnn_build_windows *w)
{
    struct clcnn_conv2d_params params = {
        .height = (int)b->x->dim[1],
        .width = (int)b->x->dim[2],
        .channels = (int)b->x->dim[3],
        .filters = layer->filters,
        .kernel = {w->size[0], w->size[1]},
        .strides = {w->strides[0], w->strides[1]},
        .dilation_rate = {w->dilation_rate[0], w->dilation_rate[1]},
        .groups = layer->groups ? layer->groups : 1,
        .padding = CLCNN_PADDING_EXPLICIT,
        .pads = {w->pads[0], w->pads[1], w->pads[2], w->pads[3]},
        .use_bias = !layer->no_bias,
        .activation = layer->activation == CLCNN_ACTIVATION_SOFTMAX ? CLCNN_ACTIVATION_LINEAR
                                                                    : layer->activation,
    };
    return params;
}

/* Fans are products of up to three ints. */
static enum clcnn_status add_weights(struct clcnn_builder *b,
                                     const struct clcnn_conv2d_layer *layer,
                                     const struct clcnn_conv2d_params *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t depth = p->channels / p->groups;
    double field = (double)p->kernel[0] * p->kernel[1];
    struct clcnn_weight kernel = {
        .shape = {4, {p->filters, p->kernel[0], p->kernel[1], depth}},
        .fan_in = field * (double)depth,
        .fan_out = field * p->filters,
    };
    struct clcnn_weight bias = {
        .shape = {1, {p->filters}},
        .fan_in = p->filters,
        .fan_out = p->filters,
    };
    TRY(clcnn_build_initializer(b, layer->kernel_initializer, CLCNN_INITIALIZER_GLOROT_UNIFORM,
                                &kernel.initializer));
    TRY(clcnn_build_initializer(b, layer->bias_initializer, CLCNN_INITIALIZER_ZEROS,
                                &bias.initializer));
    TRY(clcnn_build_weight(b, "kernel", &kernel, &b->layer.kernel));
    if (p->use_bias)
        TRY(clcnn_build_weight(b, "bias", &bias, &b->layer.bias));
done:
    return status;
}

clcnn_node clcnn_add_conv2d(struct clcnn_model *model, clcnn_node x,
                            const struct clcnn_conv2d_layer *layer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    enum clcnn_activation activation = layer ? layer->activation : CLCNN_ACTIVATION_LINEAR;
    struct clcnn_builder b;
    struct clcnn_build_windows w = {0};
    TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_CONV2D, layer ? layer->name : NULL, &x, 1));
    LAYER_REQUIRE(&b, layer, "layer is NULL%s", "");
    TRY(clcnn_build_need_image(&b));
    TRY(check_groups(&b, (int)b.x->dim[3], layer->filters, layer->groups ? layer->groups : 1));
    TRY(resolve_sizes(&b, layer, &w));
    struct clcnn_conv2d_params *params = &b.layer.u.conv2d;
    *params = params_of(&b, layer, &w);
    TRY(clcnn_build_activation(&b, activation, layer->activation_alpha, &params->activation_alpha));
    TRY(add_weights(&b, layer, params));
    b.layer.shape =
        (struct clcnn_shape){4, {CLCNN_DIM_BATCH, w.output[0], w.output[1], layer->filters}};
done:
    return clcnn_build_end_activated(&b, status, activation);
}
