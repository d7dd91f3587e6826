/* Steps without an op of their own: dropout, add, concatenate, and the borders' copies. */
#include "run/plan.h"

static int64_t elements(struct clcnn_run *run, int value)
{
    return run->batch * run->plan->values[value].elements;
}

static enum clcnn_status copy(struct clcnn_run *run, int64_t count, const struct clcnn_buffer *x,
                              struct clcnn_buffer *y)
{
    return clcnn_elementwise_copy(run->plan->elementwise, 1, count, x, count, 0, y, count, 0,
                                  clcnn_run_next(run));
}

/* ---- dropout --------------------------------------------------------------------------------- */

/* Layers draw from generators of their own: the key is the seed and the step's place. */
static uint64_t dropout_key(struct clcnn_run *run, const struct clcnn_step *step)
{
    uint64_t place = (uint64_t)(step->layer - run->plan->model->layers);
    return run->seed ^ place * UINT64_C(0x9E3779B97F4A7C15);
}

static enum clcnn_status drop(struct clcnn_run *run, const struct clcnn_step *step,
                              const struct clcnn_buffer *x, struct clcnn_buffer *y)
{
    return clcnn_elementwise_dropout(run->plan->elementwise, elements(run, step->output),
                                     step->layer->u.rate, dropout_key(run, step), run->step, x, y,
                                     clcnn_run_next(run));
}

static enum clcnn_status dropout_forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    const struct clcnn_buffer *x = clcnn_step_input(run, step, 0);
    struct clcnn_buffer *y = clcnn_step_output(run, step);
    return run->training ? drop(run, step, x, y) : copy(run, elements(run, step->output), x, y);
}

static enum clcnn_status dropout_backward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status =
        drop(run, step, clcnn_step_dy(run, step), clcnn_step_dx(run, step, 0));
    return status == CLCNN_STATUS_OK ? clcnn_step_accumulate(run, step, 0) : status;
}

const struct clcnn_step_impl clcnn_step_dropout = {
    .name = "dropout",
    .shares = true,
    .forward = dropout_forward,
    .backward = dropout_backward,
};

/* ---- add ------------------------------------------------------------------------------------- */

static unsigned add_reads(const struct clcnn_step *step)
{
    return clcnn_step_gate_reads(step);
}

static enum clcnn_status add_forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    return clcnn_elementwise_add(run->plan->elementwise, elements(run, step->output),
                                 clcnn_step_input(run, step, 0), clcnn_step_input(run, step, 1),
                                 step->activation == CLCNN_ACTIVATION_RELU,
                                 clcnn_step_output(run, step), clcnn_run_next(run));
}

/* Both inputs get dy; the first may take over its memory, so it comes last. */
static enum clcnn_status add_backward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer *dy = clcnn_step_dy(run, step);
    int64_t count = elements(run, step->output);
    TRY(clcnn_step_run_gate(run, step));
    for (int slot = step->input_count - 1; slot >= 0; slot--) {
        struct clcnn_buffer *dx = clcnn_step_dx(run, step, slot);
        if (step->inputs[slot].mode == CLCNN_EDGE_WRITE)
            TRY(copy(run, count, dy, dx));
        else if (step->inputs[slot].mode == CLCNN_EDGE_ADD)
            TRY(clcnn_elementwise_add(run->plan->elementwise, count, dx, dy, false, dx,
                                      clcnn_run_next(run)));
    }
done:
    return status;
}

const struct clcnn_step_impl clcnn_step_add = {
    .name = "add",
    .shares = true,
    .accumulates = true,
    .gates = true,
    .backward_reads = add_reads,
    .create = clcnn_step_create_gate,
    .forward = add_forward,
    .backward = add_backward,
};

/* ---- concatenate ----------------------------------------------------------------------------- */

static int64_t last_axis(const struct clcnn_layer *layer)
{
    return layer->shape.dim[layer->shape.rank - 1];
}

static const struct clcnn_layer *input_layer(struct clcnn_run *run, const struct clcnn_step *step,
                                             int slot)
{
    return &run->plan->model->layers[step->layer->inputs[slot]];
}

static enum clcnn_status concatenate_forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t stride = last_axis(step->layer), rows = elements(run, step->output) / stride;
    int64_t offset = 0;
    for (int slot = 0; slot < step->input_count; slot++) {
        int64_t columns = last_axis(input_layer(run, step, slot));
        TRY(clcnn_elementwise_copy(
            run->plan->elementwise, rows, columns, clcnn_step_input(run, step, slot), columns, 0,
            clcnn_step_output(run, step), stride, offset, clcnn_run_next(run)));
        offset += columns;
    }
done:
    return status;
}

static enum clcnn_status concatenate_backward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t stride = last_axis(step->layer), rows = elements(run, step->output) / stride;
    int64_t offset = stride;
    for (int slot = step->input_count - 1; slot >= 0; slot--) {
        int64_t columns = last_axis(input_layer(run, step, slot));
        struct clcnn_buffer *dx = clcnn_step_dx(run, step, slot);
        offset -= columns;
        if (!dx)
            continue;
        TRY(clcnn_elementwise_copy(run->plan->elementwise, rows, columns, clcnn_step_dy(run, step),
                                   stride, offset, dx, columns, 0, clcnn_run_next(run)));
        TRY(clcnn_step_accumulate(run, step, slot));
    }
done:
    return status;
}

const struct clcnn_step_impl clcnn_step_concatenate = {
    .name = "concatenate",
    .forward = concatenate_forward,
    .backward = concatenate_backward,
};

/* ---- borders --------------------------------------------------------------------------------- */

static enum clcnn_status copy_forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    return copy(run, elements(run, step->output), clcnn_step_input(run, step, 0),
                clcnn_step_output(run, step));
}

/* Copies the input to the output of a model that computes nothing: no gradient passes here. */
const struct clcnn_step_impl clcnn_step_copy = {
    .name = "copy",
    .forward = copy_forward,
};

static enum clcnn_status convert_forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    bool widen = run->plan->values[step->output].dtype == CLCNN_DTYPE_FLOAT32;
    return clcnn_elementwise_convert(run->plan->elementwise, widen, elements(run, step->output),
                                     clcnn_step_input(run, step, 0), clcnn_step_output(run, step),
                                     clcnn_run_next(run));
}

/* Between the caller's float32 and the storage; training stores float32. */
const struct clcnn_step_impl clcnn_step_convert = {
    .name = "convert",
    .forward = convert_forward,
};

static enum clcnn_status transpose(struct clcnn_run *run, const struct clcnn_step *step,
                                   bool to_nhwc, const struct clcnn_buffer *x,
                                   struct clcnn_buffer *y)
{
    const int64_t *dim = step->layer->shape.dim;
    int batch = run->batch * (int)clcnn_layer_images(step->layer);
    return clcnn_elementwise_transpose(run->plan->elementwise, to_nhwc, batch, (int)dim[3],
                                       (int)dim[1], (int)dim[2], x, y, clcnn_run_next(run));
}

static enum clcnn_status transpose_forward(struct clcnn_run *run, const struct clcnn_step *step)
{
    return transpose(run, step, step->to_nhwc, clcnn_step_input(run, step, 0),
                     clcnn_step_output(run, step));
}

static enum clcnn_status transpose_backward(struct clcnn_run *run, const struct clcnn_step *step)
{
    enum clcnn_status status =
        transpose(run, step, !step->to_nhwc, clcnn_step_dy(run, step), clcnn_step_dx(run, step, 0));
    return status == CLCNN_STATUS_OK ? clcnn_step_accumulate(run, step, 0) : status;
}

const struct clcnn_step_impl clcnn_step_transpose = {
    .name = "transpose",
    .forward = transpose_forward,
    .backward = transpose_backward,
};
