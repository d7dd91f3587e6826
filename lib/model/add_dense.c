#include "model/builder.h"

static enum clcnn_status add_weights(struct clcnn_builder *b, const struct clcnn_dense_layer *layer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t features = b->x->dim[1];
    struct clcnn_weight kernel = {
        .shape = {2, {layer->units, features}},
        .fan_in = (double)features,
        .fan_out = layer->units,
    };
    struct clcnn_weight bias = {
        .shape = {1, {layer->units}},
        .fan_in = layer->units,
        .fan_out = layer->units,
    };
    TRY(clcnn_build_initializer(b, layer->kernel_initializer, CLCNN_INITIALIZER_GLOROT_UNIFORM,
                                &kernel.initializer));
    TRY(clcnn_build_initializer(b, layer->bias_initializer, CLCNN_INITIALIZER_ZEROS,
                                &bias.initializer));
    TRY(clcnn_build_weight(b, "kernel", &kernel, &b->layer.kernel));
    if (!layer->no_bias)
        TRY(clcnn_build_weight(b, "bias", &bias, &b->layer.bias));
done:
    return status;
}

clcnn_node clcnn_add_dense(struct clcnn_model *model, clcnn_node x,
                           const struct clcnn_dense_layer *layer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    enum clcnn_activation activation = layer ? layer->activation : CLCNN_ACTIVATION_LINEAR;
    struct clcnn_builder b;
    TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_DENSE, layer ? layer->name : NULL, &x, 1));
    LAYER_REQUIRE(&b, layer, "layer is NULL%s", "");
    LAYER_REQUIRE(&b, layer->units > 0, "units=%d is not positive", layer->units);
    TRY(clcnn_build_need_vector(&b));
    b.layer.u.dense.features = (int)b.x->dim[1];
    b.layer.u.dense.units = layer->units;
    b.layer.u.dense.activation =
        activation == CLCNN_ACTIVATION_SOFTMAX ? CLCNN_ACTIVATION_LINEAR : activation;
    TRY(clcnn_build_activation(&b, activation, layer->activation_alpha, &b.layer.u.dense.alpha));
    TRY(add_weights(&b, layer));
    b.layer.shape = (struct clcnn_shape){2, {CLCNN_DIM_BATCH, layer->units}};
done:
    return clcnn_build_end_activated(&b, status, activation);
}
