#include "base/memory.h"
#include "base/status.h"
#include "base/utf8.h"
#include "model/builder.h"
#include "model/graph.h"
#include <stdlib.h>
#include <string.h>

/* Tags run from 1 to TAG_COUNT and then come again; 0 is never one, so small numbers are no
 * nodes. */
#define TAG_COUNT 2047

static int next_tag(void)
{
    static unsigned count;
    return 1 + (int)(__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED) % TAG_COUNT);
}

enum clcnn_status clcnn_model_create(const struct clcnn_model_params *params,
                                     struct clcnn_model **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_model *model = NULL;
    const char *name = params && params->name ? params->name : "model";
    REQUIRE(out, "model: out is NULL");
    *out = NULL;
    REQUIRE(*name && strlen(name) <= CLCNN_NAME_MAX, "model: the name is empty or longer than %d",
            CLCNN_NAME_MAX);
    REQUIRE(clcnn_utf8_valid(name), "model: the name is not UTF-8");
    TRY(clcnn_alloc(1, sizeof(*model), &model));
    model->references = 1;
    model->tag = next_tag();
    model->input = model->output = -1;
    model->seed = params ? params->seed : 0;
    TRY(clcnn_copy_string(name, &model->name));
    *out = model;
    model = NULL;
done:
    clcnn_model_destroy(&model);
    return status;
}

struct clcnn_model *clcnn_model_retain(struct clcnn_model *model)
{
    __atomic_fetch_add(&model->references, 1, __ATOMIC_RELAXED);
    return model;
}

static void free_ports(struct clcnn_model_port *ports, int count)
{
    for (int i = 0; i < count && ports; i++)
        free(ports[i].name);
    free(ports);
}

static void free_model(struct clcnn_model *model)
{
    for (size_t i = 0; i < model->layer_count; i++) {
        free(model->layers[i].name);
        free(model->layers[i].inputs);
        free(model->layers[i].views);
    }
    for (size_t i = 0; i < model->weight_count; i++) {
        free(model->weights[i].name);
        clcnn_tensor_destroy(&model->weights[i].tensor);
    }
    free_ports(model->inputs, model->input_count);
    free_ports(model->outputs, model->output_count);
    free(model->layers);
    free(model->weights);
    free(model->error_text);
    free(model->name);
    free(model);
}

void clcnn_model_destroy(struct clcnn_model **model)
{
    if (!model || !*model)
        return;
    if (__atomic_sub_fetch(&(*model)->references, 1, __ATOMIC_ACQ_REL) == 0)
        free_model(*model);
    *model = NULL;
}

struct clcnn_shape clcnn_model_caller_shape(const struct clcnn_model *model,
                                            const struct clcnn_shape *shape)
{
    struct clcnn_shape out = *shape;
    if (shape->rank == 4 &&
        model->layers[model->input].u.data_format == CLCNN_DATA_FORMAT_CHANNELS_FIRST) {
        out.dim[1] = shape->dim[3];
        out.dim[2] = shape->dim[1];
        out.dim[3] = shape->dim[2];
    }
    return out;
}

const struct clcnn_port *clcnn_model_input(const struct clcnn_model *model, int index)
{
    return index >= 0 && index < clcnn_model_input_count(model) ? &model->inputs[index].port : NULL;
}

const struct clcnn_port *clcnn_model_output(const struct clcnn_model *model, int index)
{
    return index >= 0 && index < clcnn_model_output_count(model) ? &model->outputs[index].port
                                                                 : NULL;
}

int clcnn_model_input_count(const struct clcnn_model *model)
{
    return model && model->finished ? model->input_count : 0;
}

int clcnn_model_output_count(const struct clcnn_model *model)
{
    return model && model->finished ? model->output_count : 0;
}

const struct clcnn_shape *clcnn_model_input_shape(const struct clcnn_model *model)
{
    const struct clcnn_port *port = clcnn_model_input(model, 0);
    return port ? &port->shape : NULL;
}

const struct clcnn_shape *clcnn_model_output_shape(const struct clcnn_model *model)
{
    const struct clcnn_port *port = clcnn_model_output(model, 0);
    return port ? &port->shape : NULL;
}

bool clcnn_model_batched(const struct clcnn_model *model)
{
    return model && model->batched;
}

const char *clcnn_model_name(const struct clcnn_model *model)
{
    return model ? model->name : NULL;
}

int clcnn_model_weight_count(const struct clcnn_model *model)
{
    return model && model->finished ? (int)model->weight_count : 0;
}

static const struct clcnn_weight *find_weight(const struct clcnn_model *model, int index)
{
    return index >= 0 && index < clcnn_model_weight_count(model) ? &model->weights[index] : NULL;
}

const char *clcnn_model_weight_name(const struct clcnn_model *model, int index)
{
    const struct clcnn_weight *weight = find_weight(model, index);
    return weight ? weight->name : NULL;
}

struct clcnn_tensor *clcnn_model_weight(struct clcnn_model *model, int index)
{
    const struct clcnn_weight *weight = find_weight(model, index);
    return weight ? weight->tensor : NULL;
}

int64_t clcnn_model_parameter_count(const struct clcnn_model *model)
{
    return model && model->finished ? model->parameter_count : 0;
}
