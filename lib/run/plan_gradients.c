/* The backward pass: which values need a gradient, who writes it first and who adds to it. */
#include "base/memory.h"
#include "run/plan.h"
#include <stdlib.h>

#define NONE (-1)

/* Marks the values that weights act upon; no other gradient is ever asked for. */
static void mark_trained(const struct clcnn_plan *plan, bool *trained)
{
    for (int i = 0; i < plan->step_count; i++) {
        const struct clcnn_step *step = &plan->steps[i];
        bool any = step->impl->trains;
        for (int j = 0; j < step->input_count; j++)
            any = any || trained[step->inputs[j].value];
        trained[step->output] = any;
    }
}

/* The step that makes a value, if exactly one step reads it; else NULL. */
static struct clcnn_step *maker_for_one_reader(struct clcnn_plan *plan, int value)
{
    struct clcnn_step *maker = NULL;
    int readers = value == plan->scores || value == plan->output;
    for (int i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].output == value)
            maker = &plan->steps[i];
        for (int j = 0; j < plan->steps[i].input_count; j++)
            readers += plan->steps[i].inputs[j].value == value;
    }
    return readers == 1 ? maker : NULL;
}

/* A pooling reads x for its own gradient; passing it on through the activation that made x saves
 * the pass over the whole image that would do nothing else. */
static void move_gates(struct clcnn_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++) {
        struct clcnn_step *step = &plan->steps[i];
        if (!step->impl->gates_input)
            continue;
        struct clcnn_step *maker = maker_for_one_reader(plan, step->inputs[0].value);
        if (!maker || !maker->impl->gates)
            continue;
        step->input_gate = maker->activation;
        step->input_gate_alpha = maker->alpha;
        maker->gated_by_reader = true;
    }
}

/* In place over dy is possible for one input, and only if no other edge of the step still reads dy
 * for the same gradient. */
static bool may_share(const struct clcnn_step *step, int slot)
{
    if (!step->impl->shares || slot != 0)
        return false;
    for (int j = 1; j < step->input_count; j++)
        if (step->inputs[j].value == step->inputs[0].value)
            return false;
    return true;
}

static enum clcnn_status connect(struct clcnn_plan *plan, struct clcnn_step *step, int slot,
                                 int moment)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_edge *edge = &step->inputs[slot];
    int dy = plan->gradients[step->output], *dx = &plan->gradients[edge->value];
    int64_t elements = plan->values[edge->value].elements;
    if (*dx == NONE) {
        edge->mode = may_share(step, slot) ? CLCNN_EDGE_SHARE : CLCNN_EDGE_WRITE;
        TRY(clcnn_plan_add_value(plan, elements, moment, dx));
        if (edge->mode == CLCNN_EDGE_SHARE)
            plan->values[*dx].root = plan->values[dy].root;
    } else {
        edge->mode = CLCNN_EDGE_ADD;
        if (!step->impl->accumulates)
            TRY(clcnn_plan_add_value(plan, elements, moment, &edge->scratch));
    }
    clcnn_plan_touch(plan, *dx, moment);
done:
    return status;
}

static enum clcnn_status reverse(struct clcnn_plan *plan, int index, const bool *trained)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_step *step = &plan->steps[index];
    int moment = 2 * plan->step_count - index;
    unsigned reads = step->impl->backward_reads ? step->impl->backward_reads(step) : 0;
    step->backward = true;
    clcnn_plan_touch(plan, plan->gradients[step->output], moment);
    if (reads & CLCNN_READS_OUTPUT)
        clcnn_plan_touch(plan, step->output, moment);
    /* Backwards, because the step may hand dy's memory to its first input. */
    for (int slot = step->input_count - 1; slot >= 0; slot--) {
        if (reads & CLCNN_READS_INPUTS)
            clcnn_plan_touch(plan, step->inputs[slot].value, moment);
        if (trained[step->inputs[slot].value])
            TRY(connect(plan, step, slot, moment));
    }
done:
    return status;
}

enum clcnn_status clcnn_plan_build_gradients(struct clcnn_plan *plan)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int count = plan->value_count;
    bool *trained = NULL;
    TRY(clcnn_alloc((size_t)count, sizeof(*trained), &trained));
    TRY(clcnn_alloc((size_t)count, sizeof(*plan->gradients), &plan->gradients));
    for (int i = 0; i < count; i++)
        plan->gradients[i] = NONE;
    mark_trained(plan, trained);
    REQUIRE(trained[plan->scores], "trainer: model '%s' has no weights to train",
            plan->model->name);
    move_gates(plan);
    TRY(clcnn_plan_add_value(plan, plan->values[plan->scores].elements, plan->step_count,
                             &plan->gradients[plan->scores]));
    for (int i = plan->step_count - 1; i >= 0; i--)
        if (!plan->steps[i].tail && trained[plan->steps[i].output])
            TRY(reverse(plan, i, trained));
done:
    free(trained);
    return status;
}
