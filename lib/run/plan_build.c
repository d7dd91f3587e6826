/* From the graph to the forward steps: fusion, aliases, borders. */
#include "base/memory.h"
#include "run/plan.h"
#include <stdlib.h>

#define NONE (-1)

struct builder {
    struct clcnn_plan *plan;
    const struct clcnn_model *model;
    int *value;      /* [layers]: where its output is */
    int *consumer;   /* [layers]: the layer that reads it, if it is the only one; else NONE */
    bool *absorbed;  /* [layers]: an activation that its producer computes */
    int split_layer; /* its activation is left to a tail step; NONE if there is none */
};

static bool planar(const struct clcnn_shape *shape)
{
    return shape->rank == 4 && shape->dim[3] > 1 && shape->dim[1] * shape->dim[2] > 1;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static enum clcnn_status add_step(struct clcnn_plan *plan, const struct clcnn_step_impl *impl,
                                  const struct clcnn_layer *layer, int input_count,
                                  struct clcnn_step **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_grow(&plan->steps, &plan->step_capacity, (size_t)plan->step_count + 1,
                   sizeof(*plan->steps)));
    struct clcnn_step *step = &plan->steps[plan->step_count];
    *step = (struct clcnn_step){.impl = impl, .layer = layer, .input_count = input_count};
    TRY(clcnn_alloc((size_t)input_count, sizeof(*step->inputs), &step->inputs));
    for (int i = 0; i < input_count; i++)
        step->inputs[i].scratch = NONE;
    TRY(clcnn_plan_add_value(plan, clcnn_layer_elements(layer), plan->step_count, &step->output));
    plan->values[step->output].dtype = clcnn_plan_dtype(plan, layer->dtype);
    plan->step_count++;
    *out = step;
done:
    return status;
}

/* A step with one input. */
static enum clcnn_status add_simple(struct clcnn_plan *plan, const struct clcnn_step_impl *impl,
                                    const struct clcnn_layer *layer, int input,
                                    struct clcnn_step **out)
{
    enum clcnn_status status = add_step(plan, impl, layer, 1, out);
    if (status == CLCNN_STATUS_OK)
        (*out)->inputs[0].value = input;
    return status;
}

/* ---- fusion ---------------------------------------------------------------------------------- */

static void layer_activation(const struct clcnn_layer *layer, enum clcnn_activation *activation,
                             float *alpha)
{
    *activation = CLCNN_ACTIVATION_LINEAR;
    *alpha = 0.0f;
    if (layer->kind == CLCNN_LAYER_CONV2D) {
        *activation = layer->u.conv2d.activation;
        *alpha = layer->u.conv2d.activation_alpha;
    } else if (layer->kind == CLCNN_LAYER_DENSE) {
        *activation = layer->u.dense.activation;
        *alpha = layer->u.dense.alpha;
    } else if (layer->kind == CLCNN_LAYER_ACTIVATION) {
        *activation = layer->u.activation.activation;
        *alpha = layer->u.activation.alpha;
    }
}

static bool fusible(enum clcnn_layer_kind producer, enum clcnn_activation activation)
{
    if (producer == CLCNN_LAYER_ADD)
        return activation == CLCNN_ACTIVATION_RELU;
    return (producer == CLCNN_LAYER_CONV2D || producer == CLCNN_LAYER_DENSE) &&
           activation != CLCNN_ACTIVATION_SOFTMAX;
}

/* Gives the step the activation of its layer, or of the activation layer that alone follows. */
static void fuse_activation(struct builder *b, int index, struct clcnn_step *step)
{
    layer_activation(&b->model->layers[index], &step->activation, &step->alpha);
    if (index == b->split_layer) {
        step->activation = CLCNN_ACTIVATION_LINEAR;
        return;
    }
    int next = b->consumer[index];
    if (step->activation != CLCNN_ACTIVATION_LINEAR || next == NONE || next == b->split_layer)
        return;
    const struct clcnn_layer *follower = &b->model->layers[next];
    if (follower->kind != CLCNN_LAYER_ACTIVATION ||
        !fusible(step->layer->kind, follower->u.activation.activation))
        return;
    layer_activation(follower, &step->activation, &step->alpha);
    b->absorbed[next] = true;
    b->value[next] = step->output;
}

/* The step that makes the value; NONE for the caller's array. */
static int step_of(const struct clcnn_plan *plan, int value)
{
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].output == value)
            return i;
    return NONE;
}

/* True if nothing reads the value from step `from` on but the addition `index`. */
static bool free_after(const struct builder *b, int value, int from, int index)
{
    const struct clcnn_plan *plan = b->plan;
    for (int i = 0; i < b->model->output_count; i++)
        if (b->model->outputs[i].layer < index && b->value[b->model->outputs[i].layer] == value)
            return false;
    for (int i = from; i < plan->step_count; i++)
        for (int j = 0; j < plan->steps[i].input_count; j++)
            if (plan->steps[i].inputs[j].value == value)
                return false;
    for (size_t i = (size_t)index + 1; i < b->model->layer_count; i++) {
        const struct clcnn_layer *layer = &b->model->layers[i];
        for (int j = 0; j < layer->input_count; j++)
            if (layer->inputs[j] < index && b->value[layer->inputs[j]] == value)
                return false;
    }
    return true;
}

/* The convolution that can add its result to the addition's other input, in that one's memory;
 * NONE if input `slot` of the addition is not made by such a one. */
static int find_residual(const struct builder *b, int index, int slot)
{
    const struct clcnn_plan *plan = b->plan;
    const struct clcnn_layer *layer = &b->model->layers[index];
    int value = b->value[layer->inputs[slot]], other = b->value[layer->inputs[1 - slot]];
    int step = step_of(plan, value), before = step_of(plan, other);
    if (plan->params.training || step == NONE || before == NONE || before >= step)
        return NONE;
    const struct clcnn_step *made = &plan->steps[step];
    bool plain = made->impl == &clcnn_step_conv2d && !made->accumulate &&
                 made->activation == CLCNN_ACTIVATION_LINEAR;
    bool free = free_after(b, value, step, index) && free_after(b, other, step, index);
    return plain && free && other != plan->image && !plan->values[other].constant ? step : NONE;
}

/* y = f(a + conv) in one step, in the memory of a. */
static bool fuse_residual(struct builder *b, int index)
{
    const struct clcnn_layer *layer = &b->model->layers[index];
    struct clcnn_plan *plan = b->plan;
    for (int slot = 0; layer->kind == CLCNN_LAYER_ADD && slot < 2; slot++) {
        int found = find_residual(b, index, slot);
        if (found == NONE)
            continue;
        struct clcnn_step *step = &plan->steps[found];
        int other = b->value[layer->inputs[1 - slot]];
        plan->values[step->output].root = plan->values[other].root;
        clcnn_plan_touch(plan, step->output, found);
        step->accumulate = true;
        b->value[index] = step->output;
        fuse_activation(b, index, step);
        return true;
    }
    return false;
}

/* A probability at the end whose loss is better computed from what goes into it. */
static int find_split_layer(const struct clcnn_plan *plan)
{
    const struct clcnn_model *model = plan->model;
    enum clcnn_activation activation;
    float alpha;
    if (!plan->params.training || plan->params.from_logits)
        return NONE;
    layer_activation(&model->layers[model->output], &activation, &alpha);
    enum clcnn_loss_kind loss = plan->params.loss;
    bool split =
        activation == CLCNN_ACTIVATION_SOFTMAX
            ? loss == CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY ||
                  loss == CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY
            : activation == CLCNN_ACTIVATION_SIGMOID && loss == CLCNN_LOSS_KIND_BINARY_CROSSENTROPY;
    return split ? model->output : NONE;
}

static enum clcnn_status find_consumers(struct builder *b)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int *uses = NULL;
    size_t count = b->model->layer_count;
    TRY(clcnn_alloc(count, sizeof(*uses), &uses));
    for (size_t i = 0; i < count; i++) {
        const struct clcnn_layer *layer = &b->model->layers[i];
        b->consumer[i] = NONE;
        for (int j = 0; j < layer->input_count; j++) {
            int input = layer->inputs[j];
            b->consumer[input] = uses[input]++ == 0 ? (int)i : NONE;
        }
    }
    for (int i = 0; i < b->model->output_count; i++)
        b->consumer[b->model->outputs[i].layer] = NONE;
done:
    free(uses);
    return status;
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* Between the caller's float32 and the storage, where they differ. */
static enum clcnn_status add_conversion(struct clcnn_plan *plan, const struct clcnn_layer *layer,
                                        enum clcnn_dtype to, int *value)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_step *step = NULL;
    if (plan->values[*value].dtype == to)
        return status;
    TRY(add_simple(plan, &clcnn_step_convert, layer, *value, &step));
    *value = step->output;
    plan->values[*value].dtype = to;
done:
    return status;
}

static int port_of(const struct clcnn_model_port *ports, int count, int layer)
{
    int port = 0;
    while (port < count && ports[port].layer != layer)
        port++;
    return port;
}

static enum clcnn_status add_input(struct builder *b, int index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = b->plan;
    const struct clcnn_layer *layer = &b->model->layers[index];
    int port = port_of(b->model->inputs, b->model->input_count, index), value;
    TRY(clcnn_plan_add_value(plan, clcnn_layer_elements(layer), 0, &value));
    plan->inputs[port] = value;
    plan->values[value].dtype = layer->dtype;
    TRY(add_conversion(plan, layer, clcnn_plan_dtype(plan, layer->dtype), &value));
    if (b->model->inputs[port].channels_first && planar(&layer->shape)) {
        struct clcnn_step *step = NULL;
        TRY(add_simple(plan, &clcnn_step_transpose, layer, value, &step));
        step->to_nhwc = true;
        value = step->output;
    }
    b->value[index] = value;
    if (port == 0) {
        plan->input = plan->inputs[0];
        plan->image = value;
    }
done:
    return status;
}

static const struct clcnn_step_impl *impl_of(const struct clcnn_layer *layer)
{
    switch (layer->kind) {
    case CLCNN_LAYER_CONV2D:
        return &clcnn_step_conv2d;
    case CLCNN_LAYER_POOL2D:
        return &clcnn_step_pool2d;
    case CLCNN_LAYER_DENSE:
        return &clcnn_step_dense;
    case CLCNN_LAYER_ACTIVATION:
        return &clcnn_step_activation;
    case CLCNN_LAYER_DROPOUT:
        return &clcnn_step_dropout;
    case CLCNN_LAYER_ADD:
        return &clcnn_step_add;
    case CLCNN_LAYER_CONCATENATE:
        return &clcnn_step_concatenate;
    case CLCNN_LAYER_CONSTANT:
        return &clcnn_step_constant;
    case CLCNN_LAYER_MAP:
        return &clcnn_step_map;
    case CLCNN_LAYER_JOIN:
        return &clcnn_step_join;
    case CLCNN_LAYER_POOL_ND:
        return &clcnn_step_pool_nd;
    case CLCNN_LAYER_UNPOOL:
        return &clcnn_step_unpool;
    case CLCNN_LAYER_CONV_ND:
        return &clcnn_step_conv_nd;
    case CLCNN_LAYER_GATHER:
        return &clcnn_step_gather;
    case CLCNN_LAYER_RESIZE:
        return &clcnn_step_resize;
    case CLCNN_LAYER_REDUCE:
        return &clcnn_step_reduce;
    case CLCNN_LAYER_SOFTMAX:
        return &clcnn_step_softmax;
    case CLCNN_LAYER_NORMALIZE:
        return &clcnn_step_normalize;
    case CLCNN_LAYER_MATMUL:
        return &clcnn_step_matmul;
    case CLCNN_LAYER_INPUT:
    case CLCNN_LAYER_FLATTEN:
        break;
    }
    return NULL;
}

/* Layers that leave the array as it is have no step: their output is their input. */
static bool is_alias(const struct builder *b, int index)
{
    const struct clcnn_layer *layer = &b->model->layers[index];
    if (layer->kind == CLCNN_LAYER_ACTIVATION)
        return index == b->split_layer || layer->u.activation.activation == CLCNN_ACTIVATION_LINEAR;
    return layer->kind == CLCNN_LAYER_FLATTEN ||
           (layer->kind == CLCNN_LAYER_DROPOUT &&
            (!b->plan->params.training || layer->u.rate == 0.0f));
}

static enum clcnn_status add_layer(struct builder *b, int index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_layer *layer = &b->model->layers[index];
    struct clcnn_step *step = NULL;
    if (layer->kind == CLCNN_LAYER_INPUT)
        return add_input(b, index);
    if (b->absorbed[index])
        return status;
    if (is_alias(b, index)) {
        b->value[index] = b->value[layer->inputs[0]];
        return status;
    }
    if (fuse_residual(b, index))
        return status;
    TRY(add_step(b->plan, impl_of(layer), layer, layer->input_count, &step));
    for (int i = 0; i < layer->input_count; i++)
        step->inputs[i].value = b->value[layer->inputs[i]];
    b->value[index] = step->output;
    b->plan->values[step->output].constant = layer->kind == CLCNN_LAYER_CONSTANT;
    fuse_activation(b, index, step);
done:
    return status;
}

/* ---- the end --------------------------------------------------------------------------------- */

static bool is_callers(const struct clcnn_plan *plan, int value, int outputs_so_far)
{
    bool taken = value == plan->image || plan->values[value].root != value;
    for (int i = 0; i < plan->model->input_count; i++)
        taken = taken || value == plan->inputs[i];
    for (int i = 0; i < outputs_so_far; i++)
        taken = taken || value == plan->outputs[i];
    return taken;
}

/* A result must be an array of its own, in the caller's layout. */
static enum clcnn_status add_output(struct builder *b, int index)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_plan *plan = b->plan;
    const struct clcnn_model_port *port = &b->model->outputs[index];
    const struct clcnn_layer *last = &b->model->layers[port->layer];
    struct clcnn_step *step = NULL;
    int value = b->value[port->layer];
    if (port->channels_first && planar(&last->shape)) {
        TRY(add_simple(plan, &clcnn_step_transpose, last, value, &step));
        value = step->output;
    }
    TRY(add_conversion(plan, last, last->dtype, &value));
    if (index == 0)
        plan->scores = value;
    if (b->split_layer != NONE) {
        TRY(add_simple(plan, &clcnn_step_activation, last, value, &step));
        layer_activation(last, &step->activation, &step->alpha);
        step->tail = true;
        plan->fused_loss = true;
        value = step->output;
    } else if (is_callers(plan, value, index)) {
        TRY(add_simple(plan, &clcnn_step_copy, last, value, &step));
        value = step->output;
        if (index == 0)
            plan->scores = value;
    }
    plan->outputs[index] = value;
done:
    return status;
}

enum clcnn_status clcnn_plan_build(struct clcnn_plan *plan)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t count = plan->model->layer_count;
    struct builder b = {.plan = plan, .model = plan->model};
    TRY(clcnn_alloc(count, sizeof(*b.value), &b.value));
    TRY(clcnn_alloc(count, sizeof(*b.consumer), &b.consumer));
    TRY(clcnn_alloc(count, sizeof(*b.absorbed), &b.absorbed));
    TRY(find_consumers(&b));
    b.split_layer = find_split_layer(plan);
    plan->input = plan->image = NONE;
    for (size_t i = 0; i < count; i++)
        TRY(add_layer(&b, (int)i));
    for (int i = 0; i < plan->model->output_count; i++)
        TRY(add_output(&b, i));
    plan->output = plan->outputs[0];
    for (int i = 0; i < plan->step_count; i++)
        for (int j = 0; j < plan->steps[i].input_count; j++)
            clcnn_plan_touch(plan, plan->steps[i].inputs[j].value, i);
    clcnn_plan_touch(plan, plan->scores, plan->step_count);
    for (int i = 0; i < plan->model->output_count; i++)
        clcnn_plan_touch(plan, plan->outputs[i], plan->step_count);
done:
    free(b.value);
    free(b.consumer);
    free(b.absorbed);
    return status;
}
