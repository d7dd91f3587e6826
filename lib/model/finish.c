#include "base/memory.h"
#include "model/builder.h"
#include <stdlib.h>

/* Inputs have smaller indices than their layer, so one backward sweep marks all that is used. */
static enum clcnn_status check_all_used(const struct clcnn_model *model, int output)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool *used = NULL;
    TRY(clcnn_alloc(model->layer_count, sizeof(*used), &used));
    used[output] = true;
    for (size_t i = model->layer_count; i-- > 0;) {
        const struct clcnn_layer *layer = &model->layers[i];
        REQUIRE(used[i], "model '%s': layer '%s' does not lead to the output '%s'", model->name,
                layer->name, model->layers[output].name);
        for (int k = 0; k < layer->input_count; k++)
            used[layer->inputs[k]] = true;
    }
done:
    free(used);
    return status;
}

static enum clcnn_status set_port(const struct clcnn_model *model, int layer,
                                  struct clcnn_model_port *port)
{
    const struct clcnn_shape *shape = &model->layers[layer].shape;
    port->layer = layer;
    port->port.shape = clcnn_model_caller_shape(model, shape);
    port->channels_first = shape->rank == 4 && model->layers[model->input].u.data_format ==
                                                   CLCNN_DATA_FORMAT_CHANNELS_FIRST;
    enum clcnn_status status = clcnn_copy_string(model->layers[layer].name, &port->name);
    port->port.name = port->name;
    return status;
}

enum clcnn_status clcnn_model_set_ports(struct clcnn_model *model)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_alloc(1, sizeof(*model->inputs), &model->inputs));
    TRY(clcnn_alloc(1, sizeof(*model->outputs), &model->outputs));
    model->input_count = model->output_count = 1;
    TRY(set_port(model, model->input, model->inputs));
    TRY(set_port(model, model->output, model->outputs));
done:
    return status;
}

static enum clcnn_status finish(struct clcnn_model *model, clcnn_node output)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(model->layer_count, "model '%s' has no layers", model->name);
    TRY(clcnn_model_find_node(model, output, "model: the output", &model->output));
    REQUIRE(model->output != model->input, "model '%s': the output is the input itself",
            model->name);
    TRY(check_all_used(model, model->output));
    TRY(clcnn_model_initialise(model));
    TRY(clcnn_model_set_ports(model));
    model->batched = model->finished = true;
done:
    return status;
}

enum clcnn_status clcnn_model_finish(struct clcnn_model *model, clcnn_node output)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(model, "model: model is NULL");
    REQUIRE(!model->finished, "model '%s' is finished", model->name);
    if (model->error)
        return clcnn_fail(model->error, "%s",
                          model->error_text ? model->error_text : "model: out of memory");
    status = finish(model, output);
    if (status != CLCNN_STATUS_OK)
        clcnn_model_record_error(model, status);
done:
    return status;
}
