#include "model/builder.h"
#include <string.h>

static enum clcnn_status check_pads(const struct clcnn_builder *b,
                                    const struct clcnn_build_windows *w)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int i = 0; i < 4; i++)
        LAYER_REQUIRE(b, w->pads[i] < w->size[i % 2],
                      "padding %d is not smaller than the window %dx%d", w->pads[i], w->size[0],
                      w->size[1]);
done:
    return status;
}

static clcnn_node add_pool2d(struct clcnn_model *model, clcnn_node x, enum clcnn_layer_type type,
                             enum clcnn_pool_mode mode, const struct clcnn_pool2d_layer *layer)
{
    static const struct clcnn_pool2d_layer defaults = {0};
    static const int two[2] = {2, 2};
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_builder b;
    layer = layer ? layer : &defaults;
    struct clcnn_build_windows w = {.dilation_rate = {1, 1}, .padding = layer->padding};
    memcpy(w.pads, layer->pads, sizeof(w.pads));
    TRY(clcnn_build_begin(&b, model, type, layer->name, &x, 1));
    TRY(clcnn_build_need_image(&b));
    TRY(clcnn_build_pair(&b, "size", layer->size, two, w.size));
    TRY(clcnn_build_pair(&b, "strides", layer->strides, w.size, w.strides));
    TRY(check_pads(&b, &w));
    TRY(clcnn_build_windows(&b, &w));
    b.layer.u.pool2d = (struct clcnn_pool2d_params){
        .mode = mode,
        .height = (int)b.x->dim[1],
        .width = (int)b.x->dim[2],
        .channels = (int)b.x->dim[3],
        .size = {w.size[0], w.size[1]},
        .strides = {w.strides[0], w.strides[1]},
        .padding = CLCNN_PADDING_EXPLICIT,
        .pads = {w.pads[0], w.pads[1], w.pads[2], w.pads[3]},
    };
    b.layer.shape =
        (struct clcnn_shape){4, {CLCNN_DIM_BATCH, w.output[0], w.output[1], b.x->dim[3]}};
done:
    return clcnn_build_end(&b, status);
}

static clcnn_node add_global(struct clcnn_model *model, clcnn_node x, enum clcnn_layer_type type,
                             enum clcnn_pool_mode mode)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_builder b;
    TRY(clcnn_build_begin(&b, model, type, NULL, &x, 1));
    TRY(clcnn_build_need_image(&b));
    b.layer.u.pool2d = (struct clcnn_pool2d_params){
        .mode = mode,
        .height = (int)b.x->dim[1],
        .width = (int)b.x->dim[2],
        .channels = (int)b.x->dim[3],
        .global = true,
    };
    b.layer.shape = (struct clcnn_shape){2, {CLCNN_DIM_BATCH, b.x->dim[3]}};
done:
    return clcnn_build_end(&b, status);
}

clcnn_node clcnn_add_max_pool2d(struct clcnn_model *model, clcnn_node x,
                                const struct clcnn_pool2d_layer *layer)
{
    return add_pool2d(model, x, CLCNN_LAYER_TYPE_MAX_POOL2D, CLCNN_POOL_MODE_MAX, layer);
}

clcnn_node clcnn_add_average_pool2d(struct clcnn_model *model, clcnn_node x,
                                    const struct clcnn_pool2d_layer *layer)
{
    return add_pool2d(model, x, CLCNN_LAYER_TYPE_AVERAGE_POOL2D, CLCNN_POOL_MODE_AVERAGE, layer);
}

clcnn_node clcnn_add_global_max_pool2d(struct clcnn_model *model, clcnn_node x)
{
    return add_global(model, x, CLCNN_LAYER_TYPE_GLOBAL_MAX_POOL2D, CLCNN_POOL_MODE_MAX);
}

clcnn_node clcnn_add_global_average_pool2d(struct clcnn_model *model, clcnn_node x)
{
    return add_global(model, x, CLCNN_LAYER_TYPE_GLOBAL_AVERAGE_POOL2D, CLCNN_POOL_MODE_AVERAGE);
}
