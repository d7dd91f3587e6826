/* A plan: the steps that run a model on one device, and the memory between them. One mechanism
 * serves sessions (forward) and trainers (forward and backward).
 *
 * Time runs from 0: step i runs forward at moment i, the loss at moment S (the number of steps),
 * and step i runs backward at moment 2 S - i. A value is alive from the moment that writes it to
 * the last one that reads it; values that never live together share memory.
 *
 * Border steps convert the caller's float32 and NCHW arrays; tail steps (a softmax that training
 * fuses into the loss) run in predictions only. */
#ifndef CLCNN_RUN_PLAN_H
#define CLCNN_RUN_PLAN_H

#include "device/launch.h"
#include "model/graph.h"
#include <clcnn/elementwise.h>
#include <clcnn/loss.h>
#include <clcnn/session.h>

/* A tensor on the device: the output of a step, or a gradient. */
struct clcnn_value {
    int64_t elements; /* per image */
    enum clcnn_dtype dtype;
    int first, last; /* life; kept for the root of those that share */
    int root;        /* the value whose memory this is: its own index, or another's */
    bool constant;   /* a weight: its memory is not the plan's */
    struct clcnn_buffer buffer;
};

/* What happens to the gradient that a step gives to one of its inputs. */
enum clcnn_edge_mode {
    CLCNN_EDGE_NONE = 0, /* nobody asks for it */
    CLCNN_EDGE_WRITE,    /* first of the consumers: written into the gradient */
    CLCNN_EDGE_SHARE,    /* first, and the step may work in place: it takes over dy's memory */
    CLCNN_EDGE_ADD,      /* later: written to `scratch` and added, or added by the step itself */
};

struct clcnn_edge {
    int value;
    enum clcnn_edge_mode mode;
    int scratch; /* value; -1 = none */
};

struct clcnn_step {
    const struct clcnn_step_impl *impl;
    const struct clcnn_layer *layer; /* for a border step the layer whose array is converted */
    struct clcnn_edge *inputs;
    int input_count;
    int output;
    enum clcnn_activation activation; /* the layer's own, or the fused one */
    float alpha;
    bool tail, backward; /* predictions only; takes part in the backward pass */
    bool to_nhwc;        /* a transposition's direction */
    bool accumulate;     /* conv2d: the output's memory holds what is added to it */
    void *op;
    struct clcnn_activation_op *gate; /* the fused activation's gradient, unless ... */
    bool gated_by_reader;             /* ... the only reader of the output takes it over */
    enum clcnn_activation input_gate; /* the activation of the input that it takes over */
    float input_gate_alpha;
    size_t workspace;
    const struct clcnn_buffer *packed; /* the kernel, packed; NULL = use the public layout */
};

/* One pass over the plan, as part of a stream. */
struct clcnn_run {
    struct clcnn_plan *plan;
    struct clcnn_stream *stream;
    int batch;
    bool training; /* dropout drops */
    uint64_t seed, step;
    enum clcnn_status status; /* of clcnn_run_next */
};

enum {
    CLCNN_READS_INPUTS = 1,
    CLCNN_READS_OUTPUT = 2,
};

/* A kind of step. Functions that a kind does not need are NULL. */
struct clcnn_step_impl {
    const char *name;
    bool shares;      /* dx may be written over dy */
    bool accumulates; /* adds to a gradient by itself when an edge's mode is ADD */
    bool trains;      /* has weights */
    bool gates;       /* its gradient begins with a fused activation's */
    bool gates_input; /* can take over the gate of what made its input */
    unsigned (*backward_reads)(const struct clcnn_step *step);
    enum clcnn_status (*create)(struct clcnn_plan *plan, struct clcnn_step *step);
    void (*destroy)(struct clcnn_step *step);
    enum clcnn_status (*forward)(struct clcnn_run *run, const struct clcnn_step *step);
    enum clcnn_status (*backward)(struct clcnn_run *run, const struct clcnn_step *step);
    size_t (*packed_bytes)(const struct clcnn_step *step);
    /* Packs rows (filters or units) first .. first + count, which w holds; all of them at once
     * unless pack_unit > 0, of which `first` is then a multiple. */
    int pack_unit;
    enum clcnn_status (*pack)(const struct clcnn_step *step, int64_t first, int64_t count,
                              const struct clcnn_buffer *w, struct clcnn_buffer *packed,
                              const struct clcnn_enqueue *enqueue);
};

extern const struct clcnn_step_impl clcnn_step_conv2d, clcnn_step_dense, clcnn_step_pool2d,
    clcnn_step_activation, clcnn_step_dropout, clcnn_step_add, clcnn_step_concatenate,
    clcnn_step_convert, clcnn_step_copy, clcnn_step_transpose, clcnn_step_constant, clcnn_step_map,
    clcnn_step_join, clcnn_step_matmul, clcnn_step_reduce, clcnn_step_softmax, clcnn_step_normalize,
    clcnn_step_gather, clcnn_step_resize, clcnn_step_pool_nd, clcnn_step_unpool, clcnn_step_conv_nd;

struct clcnn_plan_params {
    int batch;
    bool training;
    enum clcnn_loss_kind loss; /* training: decides whether the last activation is a tail step */
    bool from_logits;
    size_t max_workspace;
    double max_error;
    bool tune;
    enum clcnn_dtype storage; /* of all but the caller's arrays and biases; training: FLOAT32 */
};

struct clcnn_plan {
    struct clcnn_device *device;
    struct clcnn_model *model;
    struct clcnn_plan_params params;
    struct clcnn_step *steps;
    int step_count;
    size_t step_capacity;
    struct clcnn_value *values;
    int value_count;
    size_t value_capacity;
    int *value_arena;  /* [values] */
    int *gradients;    /* [values before gradients]: the value that is its gradient, or -1 */
    int *inputs;       /* [model inputs]: the caller's arrays */
    int *outputs;      /* [model outputs]: the caller's results */
    int image;         /* the first input in NHWC; itself if no conversion is needed */
    int scores;        /* what the loss reads */
    int input, output; /* the first of each; input NONE (-1) of a model without one */
    bool fused_loss;   /* scores are logits although the model ends in a probability */
    struct clcnn_buffer *weights, *weight_gradients; /* [model weights]: slices, set by the owner */
    size_t *arena_bytes;
    struct clcnn_buffer **arenas;
    int arena_count;
    size_t workspace_bytes;
    struct clcnn_buffer *workspace;
    struct clcnn_elementwise *elementwise;
    struct clcnn_enqueue *next; /* storage of clcnn_run_next */
};

/* Builds the steps, their ops and the layout of memory; allocates no device memory of its own. */
enum clcnn_status clcnn_plan_create(struct clcnn_device *device, struct clcnn_model *model,
                                    const struct clcnn_plan_params *params,
                                    struct clcnn_plan **out);
void clcnn_plan_destroy(struct clcnn_plan **plan);

/* Allocates arenas and workspace. `weight_bytes` is for the message of a failure. */
enum clcnn_status clcnn_plan_allocate(struct clcnn_plan *plan);
uint64_t clcnn_plan_activation_bytes(const struct clcnn_plan *plan);

/* Refuses what the device's memory cannot hold, and explains a failed allocation. */
enum clcnn_status clcnn_plan_check_memory(const struct clcnn_plan *plan, uint64_t weight_bytes);
enum clcnn_status clcnn_plan_explain(const struct clcnn_plan *plan, enum clcnn_status status,
                                     uint64_t weight_bytes);

/* Enqueue the steps. forward runs the tail steps only if `tail`, and starts behind the border
 * conversion if the image is already NHWC (`from_image`). */
enum clcnn_status clcnn_plan_forward(struct clcnn_run *run, bool from_image, bool tail);
enum clcnn_status clcnn_plan_backward(struct clcnn_run *run);

/* Runs `count` images from host to host memory in parts of the planned batch, and waits. x and y
 * have an array per input and output; results of a NULL are left on the device. */
enum clcnn_status clcnn_plan_predict(struct clcnn_plan *plan, struct clcnn_queue *queue,
                                     int64_t count, const void *const *x, void *const *y);

/* The bytes of `count` images of a value. */
static inline size_t clcnn_plan_bytes(const struct clcnn_plan *plan, int value, int64_t count)
{
    const struct clcnn_value *v = &plan->values[value];
    return (size_t)count * (size_t)v->elements * clcnn_dtype_size(v->dtype);
}

/* For the next op of the run: an enqueue that comes after everything before it, on in-order and
 * out-of-order queues. Valid until the next call. A failure shows in run->status. */
const struct clcnn_enqueue *clcnn_run_next(struct clcnn_run *run);

/* ---- between the files of the plan ----------------------------------------------------------- */

enum clcnn_status clcnn_plan_build(struct clcnn_plan *plan);           /* plan_build.c */
enum clcnn_status clcnn_plan_build_gradients(struct clcnn_plan *plan); /* plan_gradients.c */
enum clcnn_status clcnn_plan_add_value(struct clcnn_plan *plan, int64_t elements, int first,
                                       int *out);
void clcnn_plan_touch(struct clcnn_plan *plan, int value, int moment);

/* ---- for the kinds of steps ------------------------------------------------------------------ */

static inline struct clcnn_buffer *clcnn_step_buffer(const struct clcnn_run *run, int value)
{
    return &run->plan->values[value].buffer;
}
static inline struct clcnn_buffer *clcnn_step_input(const struct clcnn_run *run,
                                                    const struct clcnn_step *step, int slot)
{
    return clcnn_step_buffer(run, step->inputs[slot].value);
}
static inline struct clcnn_buffer *clcnn_step_output(const struct clcnn_run *run,
                                                     const struct clcnn_step *step)
{
    return clcnn_step_buffer(run, step->output);
}
/* dy, and where the gradient to an input goes (NULL: not wanted). */
static inline struct clcnn_buffer *clcnn_step_dy(const struct clcnn_run *run,
                                                 const struct clcnn_step *step)
{
    return clcnn_step_buffer(run, run->plan->gradients[step->output]);
}
struct clcnn_buffer *clcnn_step_dx(const struct clcnn_run *run, const struct clcnn_step *step,
                                   int slot);

/* A view of a layer for this run's batch, and the dense output of a step. */
struct clcnn_view clcnn_step_view(const struct clcnn_run *run, const struct clcnn_view *view);
struct clcnn_array clcnn_step_array(const struct clcnn_run *run, const struct clcnn_step *step,
                                    int slot);
struct clcnn_array clcnn_step_output_array(const struct clcnn_run *run,
                                           const struct clcnn_step *step);

/* FLOAT32 stands for the storage of the plan. */
static inline enum clcnn_dtype clcnn_plan_dtype(const struct clcnn_plan *plan,
                                                enum clcnn_dtype dtype)
{
    return dtype == CLCNN_DTYPE_FLOAT32 ? plan->params.storage : dtype;
}

/* After dx has been written: adds it to what other consumers gave, where the edge says so. */
enum clcnn_status clcnn_step_accumulate(struct clcnn_run *run, const struct clcnn_step *step,
                                        int slot);

/* The gradient of a fused activation: made if the step is part of a backward pass; then dy becomes
 * the gradient before the activation, in place. */
static inline unsigned clcnn_step_gate_reads(const struct clcnn_step *step)
{
    bool gated = step->activation != CLCNN_ACTIVATION_LINEAR && !step->gated_by_reader;
    return gated ? CLCNN_READS_OUTPUT : 0;
}
enum clcnn_status clcnn_step_create_gate(struct clcnn_plan *plan, struct clcnn_step *step);
enum clcnn_status clcnn_step_run_gate(struct clcnn_run *run, const struct clcnn_step *step);

#endif
