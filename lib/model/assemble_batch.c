/* Finds out whether a model works image by image along the first dimension, and opens it. */
#include "model/assemble.h"

/* Whether element n of the view's first dimension stays within image n of a layer whose images have
 * `image` elements. */
static bool follows_batch(const struct clcnn_view *view, int64_t batch, int64_t image)
{
    struct clcnn_view one = *view;
    int64_t first, last;
    if (view->rank == 0 || view->size[0] != batch || (batch > 1 && view->stride[0] != image))
        return false;
    one.size[0] = 1;
    return clcnn_view_range(&one, &first, &last) == CLCNN_STATUS_OK && first >= 0 && last < image;
}

static bool repeats(const struct clcnn_view *view)
{
    return view->rank == 0 || view->size[0] == 1 || view->stride[0] == 0;
}

/* Indices and filters are the same for every image. */
static bool is_parameter(const struct clcnn_layer *layer, int slot)
{
    return (layer->kind == CLCNN_LAYER_GATHER || layer->kind == CLCNN_LAYER_CONV_ND) && slot > 0;
}

static bool reads_by_image(const struct clcnn_model *model, const struct clcnn_layer *layer,
                           int slot, int64_t batch)
{
    const struct clcnn_layer *input = &model->layers[layer->inputs[slot]];
    if (is_parameter(layer, slot))
        return input->kind == CLCNN_LAYER_CONSTANT;
    if (input->kind == CLCNN_LAYER_CONSTANT) /* operands of full rank alone say what they repeat */
        return (layer->kind == CLCNN_LAYER_MAP || layer->kind == CLCNN_LAYER_JOIN ||
                layer->kind == CLCNN_LAYER_NORMALIZE) &&
               repeats(&layer->views[slot]) && layer->views[slot].rank == layer->shape.rank;
    if (!layer->views)
        return true;
    return (layer->kind == CLCNN_LAYER_GATHER || layer->views[slot].rank == layer->shape.rank) &&
           follows_batch(&layer->views[slot], batch, clcnn_shape_count(&input->shape) / batch);
}

/* Whether the layer's work itself keeps the images apart. */
static bool keeps_images_apart(const struct clcnn_layer *layer)
{
    switch (layer->kind) {
    case CLCNN_LAYER_JOIN:
    case CLCNN_LAYER_GATHER:
        return layer->u.axis != 0;
    case CLCNN_LAYER_SOFTMAX:
        return !(layer->u.softmax.axes & 1);
    case CLCNN_LAYER_NORMALIZE:
        return !(layer->u.normalize.axes & 1) &&
               (layer->u.normalize.normalization != CLCNN_NORMALIZATION_LOCAL_RESPONSE ||
                layer->u.normalize.axis > 0);
    case CLCNN_LAYER_MATMUL:
        return layer->shape.rank > 2;
    case CLCNN_LAYER_POOL_ND: /* indices count from the first image */
        return !layer->u.pool_nd.indices;
    case CLCNN_LAYER_UNPOOL:
        return false;
    case CLCNN_LAYER_RESIZE:
        return layer->u.resize.place != CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE &&
               layer->u.resize.input.dim[0] == layer->u.resize.output.dim[0];
    case CLCNN_LAYER_ACTIVATION:
        return layer->u.activation.activation != CLCNN_ACTIVATION_SOFTMAX || layer->shape.rank > 1;
    default:
        return true;
    }
}

/* Inputs are known to have the batch first. */
static bool works_by_image(const struct clcnn_model *model, const struct clcnn_layer *layer,
                           int64_t batch)
{
    if (layer->kind == CLCNN_LAYER_CONSTANT)
        return true;
    if (layer->shape.rank < 1 || layer->shape.dim[0] != batch)
        return false;
    if (!keeps_images_apart(layer))
        return false;
    bool from_batch = layer->kind == CLCNN_LAYER_INPUT;
    for (int i = 0; i < layer->input_count; i++) {
        if (!reads_by_image(model, layer, i, batch))
            return false;
        from_batch = from_batch || model->layers[layer->inputs[i]].kind != CLCNN_LAYER_CONSTANT;
    }
    return from_batch;
}

static bool is_batched(const struct clcnn_model *model, int64_t batch)
{
    for (size_t i = 0; i < model->layer_count; i++)
        if (!works_by_image(model, &model->layers[i], batch))
            return false;
    for (int i = 0; i < model->output_count; i++)
        if (model->layers[model->outputs[i].layer].kind == CLCNN_LAYER_CONSTANT)
            return false;
    return true;
}

static void open_batch(struct clcnn_model *model)
{
    for (size_t i = 0; i < model->layer_count; i++) {
        struct clcnn_layer *layer = &model->layers[i];
        if (layer->kind == CLCNN_LAYER_CONSTANT)
            continue;
        layer->shape.dim[0] = CLCNN_DIM_BATCH;
        if (layer->kind == CLCNN_LAYER_RESIZE)
            layer->u.resize.input.dim[0] = layer->u.resize.output.dim[0] = CLCNN_DIM_BATCH;
        for (int k = 0; layer->views && k < layer->input_count; k++) {
            const struct clcnn_layer *input = &model->layers[layer->inputs[k]];
            bool constant = input->kind == CLCNN_LAYER_CONSTANT;
            if (is_parameter(layer, k))
                continue;
            layer->views[k].size[0] = constant ? 1 : CLCNN_DIM_BATCH;
            layer->views[k].stride[0] = constant ? 0 : clcnn_layer_elements(input);
        }
    }
    for (int i = 0; i < model->input_count; i++)
        model->inputs[i].port.shape.dim[0] = CLCNN_DIM_BATCH;
    for (int i = 0; i < model->output_count; i++)
        model->outputs[i].port.shape.dim[0] = CLCNN_DIM_BATCH;
}

/* The file's first dimension may be the batch of one input and something else of another, so all
 * of them must agree. */
void clcnn_assemble_batch(struct clcnn_model *model)
{
    int64_t batch = 0;
    for (int i = 0; i < model->input_count; i++) {
        const struct clcnn_shape *shape = &model->inputs[i].port.shape;
        if (shape->rank < 2 || (batch && shape->dim[0] != batch))
            return;
        batch = shape->dim[0];
    }
    for (int i = 0; i < model->output_count; i++)
        if (model->outputs[i].port.shape.rank < 1 || model->outputs[i].port.shape.dim[0] != batch)
            return;
    if (batch < 1 || !is_batched(model, batch))
        return;
    open_batch(model);
    model->batched = true;
}
