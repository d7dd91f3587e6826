/* Layers and weights that no output needs are dropped. */
#include "base/memory.h"
#include "model/assemble.h"
#include <stdlib.h>

static void mark_needed(const struct clcnn_model *model, bool *needed)
{
    for (int i = 0; i < model->output_count; i++)
        needed[model->outputs[i].layer] = true;
    for (int i = 0; i < model->input_count; i++)
        needed[model->inputs[i].layer] = true;
    for (size_t i = model->layer_count; i-- > 0;)
        for (int k = 0; needed[i] && k < model->layers[i].input_count; k++)
            needed[model->layers[i].inputs[k]] = true;
}

static void free_layer(struct clcnn_layer *layer)
{
    free(layer->name);
    free(layer->inputs);
    free(layer->views);
}

static void move_layers(struct clcnn_model *model, const bool *needed, int *place)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->layer_count; i++) {
        struct clcnn_layer *layer = &model->layers[i];
        if (!needed[i]) {
            free_layer(layer);
            continue;
        }
        for (int k = 0; k < layer->input_count; k++)
            layer->inputs[k] = place[layer->inputs[k]];
        place[i] = (int)kept;
        model->layers[kept++] = *layer;
    }
    model->layer_count = kept;
}

static void move_ports(struct clcnn_model_port *ports, int count, const int *place)
{
    for (int i = 0; i < count; i++)
        ports[i].layer = place[ports[i].layer];
}

static void move_weights(struct clcnn_model *model, int *place)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->layer_count; i++) {
        const struct clcnn_layer *layer = &model->layers[i];
        if (layer->kernel >= 0)
            place[layer->kernel] = 1;
        if (layer->bias >= 0)
            place[layer->bias] = 1;
    }
    for (size_t i = 0; i < model->weight_count; i++) {
        struct clcnn_weight weight = model->weights[i];
        if (!place[i]) {
            free(weight.name);
            clcnn_tensor_destroy(&weight.tensor);
            continue;
        }
        place[i] = (int)kept;
        model->weights[kept++] = weight;
    }
    model->weight_count = kept;
    for (size_t i = 0; i < model->layer_count; i++) {
        struct clcnn_layer *layer = &model->layers[i];
        layer->kernel = layer->kernel >= 0 ? place[layer->kernel] : -1;
        layer->bias = layer->bias >= 0 ? place[layer->bias] : -1;
    }
}

enum clcnn_status clcnn_assemble_compact(struct clcnn_model *model)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool *needed = NULL;
    int *layers = NULL, *weights = NULL;
    TRY(clcnn_alloc(model->layer_count, sizeof(*needed), &needed));
    TRY(clcnn_alloc(model->layer_count, sizeof(*layers), &layers));
    TRY(clcnn_alloc(model->weight_count, sizeof(*weights), &weights));
    mark_needed(model, needed);
    move_layers(model, needed, layers);
    move_ports(model->inputs, model->input_count, layers);
    move_ports(model->outputs, model->output_count, layers);
    move_weights(model, weights);
done:
    free(needed);
    free(layers);
    free(weights);
    return status;
}
