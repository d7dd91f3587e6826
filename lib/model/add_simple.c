/* Layers without weights of one input or none: input, flatten, activation, dropout. */
#include "model/builder.h"

static enum clcnn_status infer_input(struct clcnn_builder *b,
                                     const struct clcnn_input_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int h = params->height, w = params->width, c = params->channels;
    LAYER_REQUIRE(b, (unsigned)params->data_format <= CLCNN_DATA_FORMAT_CHANNELS_FIRST,
                  "data_format %d is unknown", (int)params->data_format);
    b->layer.u.data_format = params->data_format;
    if (params->features) {
        LAYER_REQUIRE(b, params->features > 0, "features=%d is negative", params->features);
        LAYER_REQUIRE(b, !h && !w && !c, "features=%d and an image %dx%dx%d exclude each other",
                      params->features, h, w, c);
        b->layer.shape = (struct clcnn_shape){2, {CLCNN_DIM_BATCH, params->features}};
    } else {
        LAYER_REQUIRE(b, h > 0 && w > 0 && c > 0,
                      "height=%d, width=%d, channels=%d are not all positive", h, w, c);
        b->layer.shape = (struct clcnn_shape){4, {CLCNN_DIM_BATCH, h, w, c}};
    }
done:
    return status;
}

clcnn_node clcnn_input(struct clcnn_model *model, const struct clcnn_input_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_builder b;
    TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_INPUT, params ? params->name : NULL, NULL,
                          0));
    LAYER_REQUIRE(&b, params, "params is NULL%s", "");
    LAYER_REQUIRE(&b, model->input < 0, "model '%s' has an input already", model->name);
    TRY(infer_input(&b, params));
    model->input = (int)model->layer_count;
done:
    return clcnn_build_end(&b, status);
}

clcnn_node clcnn_add_flatten(struct clcnn_model *model, clcnn_node x)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_builder b;
    TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_FLATTEN, NULL, &x, 1));
    struct clcnn_shape one = *b.x;
    one.dim[0] = 1;
    int64_t features = clcnn_shape_count(&one);
    LAYER_REQUIRE(&b, features <= INT32_MAX, "%lld features are more than 2^31-1",
                  (long long)features);
    b.layer.shape = (struct clcnn_shape){2, {CLCNN_DIM_BATCH, features}};
done:
    return clcnn_build_end(&b, status);
}

clcnn_node clcnn_add_activation(struct clcnn_model *model, clcnn_node x,
                                enum clcnn_activation activation, float alpha)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_builder b;
    TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_ACTIVATION, NULL, &x, 1));
    TRY(clcnn_build_activation(&b, activation, alpha, &b.layer.u.activation.alpha));
    b.layer.u.activation.activation = activation;
    b.layer.shape = *b.x;
done:
    return clcnn_build_end(&b, status);
}

clcnn_node clcnn_add_dropout(struct clcnn_model *model, clcnn_node x, float rate)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_builder b;
    TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_DROPOUT, NULL, &x, 1));
    LAYER_REQUIRE(&b, rate >= 0.0f && rate < 1.0f, "rate %g is not in [0, 1)", (double)rate);
    b.layer.u.rate = rate;
    b.layer.shape = *b.x;
done:
    return clcnn_build_end(&b, status);
}
