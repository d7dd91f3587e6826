/* The inside of a convolution: the problem, what an implementation is, the chooser. */
#ifndef CLCNN_OP_CONV2D_H
#define CLCNN_OP_CONV2D_H

#include "device/launch.h"
#include <clcnn/conv2d.h>

/* max_workspace where none is given, in bytes. */
#define CLCNN_CONV2D_WORKSPACE ((size_t)256 << 20)

/* A legal problem with every default resolved, and the facts of the device that costs depend on. */
struct clcnn_conv2d_problem {
    int64_t n, h, w, c, k, r, s, p, q, groups;
    int64_t stride[2], dilation[2];
    int64_t pad[4]; /* top, left, bottom, right */
    bool use_bias, accumulate;
    enum clcnn_activation activation;
    float alpha;
    enum clcnn_dtype storage;             /* of x, w and y */
    size_t max_workspace;                 /* 0 if none is allowed */
    double max_error;                     /* 0 if no bound is asked */
    enum clcnn_conv2d_algorithm required; /* or AUTO */
    unsigned forbidden;                   /* bits 1 << algorithm */
    bool tune;
    bool prepacked; /* forward: the filter is packed beforehand, not in each call */

    struct clcnn_device *device; /* not a hold of its own */
    enum clcnn_device_class family;
    int compute_units, vector_width;
    double peak;      /* floating-point operations per second */
    double bandwidth; /* bytes per second from the nearer memory */
};

static inline int64_t clcnn_conv2d_channels(const struct clcnn_conv2d_problem *problem)
{
    return problem->c / problem->groups;
}
static inline int64_t clcnn_conv2d_filters(const struct clcnn_conv2d_problem *problem)
{
    return problem->k / problem->groups;
}
/* R S C/G: the terms of one output. */
static inline int64_t clcnn_conv2d_taps(const struct clcnn_conv2d_problem *problem)
{
    return problem->r * problem->s * clcnn_conv2d_channels(problem);
}
/* N P Q. */
static inline int64_t clcnn_conv2d_pixels(const struct clcnn_conv2d_problem *problem)
{
    return problem->n * problem->p * problem->q;
}

/* The terms of one element of the phase's result, at the planned batch. */
int64_t clcnn_conv2d_terms(const struct clcnn_conv2d_problem *problem,
                           enum clcnn_conv2d_phase phase);

/* 2 N P Q K R S C/G: what every phase costs by definition. */
double clcnn_conv2d_flops(const struct clcnn_conv2d_problem *problem);

/* Bytes of w, y and what is used of x together: what every phase must touch. */
double clcnn_conv2d_traffic(const struct clcnn_conv2d_problem *problem);

/* The error bound of every implementation that only adds products, in whatever order: on its way to
 * a sum of n terms a product passes at most n roundings (its own and n - 1 additions), and one more
 * each with the bias and with what y held; n roundings are bounded by n u / (1 - n u), u = 2^-24.
 * Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, lemma 3.1 and section
 * 4.2. */
double clcnn_conv2d_sum_bound(const struct clcnn_conv2d_problem *problem,
                              enum clcnn_conv2d_phase phase);

/* The buffers of a call, checked; n is the batch of the call. */
struct clcnn_conv2d_call {
    int64_t n;
    struct clcnn_stream *stream;
    const struct clcnn_conv2d_args *args;
};

/* One way to compute a phase. All functions but pack_filter are required. */
struct clcnn_conv2d_impl {
    const char *name;
    enum clcnn_conv2d_algorithm algorithm;
    bool stores_half; /* forward: storage FLOAT16 as well */
    /* NULL if the phase of the problem can be run, else why not, in static storage. */
    const char *(*unsupported)(const struct clcnn_conv2d_problem *problem,
                               enum clcnn_conv2d_phase phase);
    /* Predicted seconds at the planned batch. */
    double (*cost)(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase);
    double (*error_bound)(const struct clcnn_conv2d_problem *problem,
                          enum clcnn_conv2d_phase phase);
    /* Builds the kernels of one phase. UNSUPPORTED if max_workspace is too small. */
    enum clcnn_status (*create)(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase, void **state);
    void (*destroy)(void *state);
    size_t (*workspace)(const void *state);
    enum clcnn_status (*run)(void *state, const struct clcnn_conv2d_call *call);
    /* Both or neither; forward only. */
    size_t (*packed_filter)(const void *state);
    enum clcnn_status (*pack_filter)(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed);
    /* Workspace of a forward call with a packed filter, at most `workspace`. NULL: the same. */
    size_t (*packed_workspace)(const void *state);
    /* NULL, or what takes its place, under its name, on devices of the GPU class. */
    const struct clcnn_conv2d_impl *gpu;
};

#define IMPL(name, ENUM) extern const struct clcnn_conv2d_impl clcnn_conv2d_##name;
#include "op/conv2d_impls.inc"
#undef IMPL

/* The list, ended by NULL. */
extern const struct clcnn_conv2d_impl *const clcnn_conv2d_impls[];

/* The winner of one phase, built. */
struct clcnn_conv2d_choice {
    const struct clcnn_conv2d_impl *impl; /* NULL: the phase was not asked for */
    void *state;
};

/* Drops what does not support the problem, is forbidden or breaks a budget, builds the best of the
 * rest (timed now or before, else the cheapest) and logs the reasons. Errors: UNSUPPORTED (nothing
 * is left; the message names the reasons), DEVICE, OUT_OF_MEMORY. */
enum clcnn_status clcnn_conv2d_choose(const struct clcnn_conv2d_problem *problem,
                                      enum clcnn_conv2d_phase phase,
                                      struct clcnn_conv2d_choice *out);

/* "forward", "backward_data", "backward_filter". */
const char *clcnn_conv2d_phase_name(enum clcnn_conv2d_phase phase);

/* The arguments of cl/conv2d_shape.cl. */
#define CONV2D_SHAPE(problem, batch)                                                               \
    INT(batch), INT((problem)->h), INT((problem)->w), INT((problem)->c), INT((problem)->k),        \
        INT((problem)->r), INT((problem)->s), INT((problem)->p), INT((problem)->q),                \
        INT((problem)->groups), INT((problem)->stride[0]), INT((problem)->stride[1]),              \
        INT((problem)->dilation[0]), INT((problem)->dilation[1]), INT((problem)->pad[0]),          \
        INT((problem)->pad[1])

#endif
