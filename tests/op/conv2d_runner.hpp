/* One convolution of a test: inputs, reference, and a run on a device with poisoned, guarded
 * buffers and a workspace of exactly the declared size. */
#ifndef CLCNN_TESTS_CONV2D_RUNNER_HPP
#define CLCNN_TESTS_CONV2D_RUNNER_HPP

#include "ref/conv2d.hpp"
#include "support/guarded.hpp"
#include <string>

struct conv_algorithm {
    const char *name;
    enum clcnn_conv2d_algorithm algorithm;
};

/* The rows of lib/op/conv2d_impls.inc. */
extern const std::vector<conv_algorithm> conv_algorithms;

enum conv_inputs {
    CONV_INTEGERS,   /* sums are exact in float32 */
    CONV_RANDOM,     /* uniform in [-1, 1) */
    CONV_POSITIVE,   /* all of one sign: no error cancels */
    CONV_HUGE_RANGE, /* magnitudes from 2^-20 to 2^20 */
};

/* "64x13x13x32 -> 64, 3x3 ..." */
std::string conv_describe(const struct clcnn_conv2d_params &params);

/* Batch 0: the planned one. */
ref_conv2d conv_shape(const struct clcnn_conv2d_params &params, int batch = 0);

/* The inputs of a case, as the storage holds them, and what is right. */
struct conv_problem {
    struct clcnn_conv2d_params params;
    ref_conv2d shape;
    enum conv_inputs inputs;
    int batch;
    std::vector<float> x, w, bias, dy;
    std::vector<float> y_before; /* with accumulate */
    ref_sums y, dx, dw, db;      /* those of `phases`; y without bias and activation */

    conv_problem(const struct clcnn_conv2d_params &params, enum conv_inputs inputs,
                 unsigned phases = 7, int batch = 0);
};

struct conv_outputs {
    std::vector<float> result, db; /* y, dx or dw; db with the filter gradient only */
};

/* Runs one phase of a built op, with tensors at odd multiples of 4 bytes or at multiples of 16. */
conv_outputs conv_run(struct clcnn_device *device, struct clcnn_conv2d *op,
                      enum clcnn_conv2d_phase phase, const conv_problem &problem,
                      bool packed = false, bool aligned = false);

/* Compares with the reference: exactly for integers (but not Winograd), else by the op's own error
 * bound; with float16 storage, y may be the nearest half of that. */
void conv_check(const conv_problem &problem, struct clcnn_conv2d *op, enum clcnn_conv2d_phase phase,
                const conv_outputs &outputs);

/* Deletes an op at the end of a scope. */
struct conv_op {
    struct clcnn_conv2d *op = nullptr;
    ~conv_op()
    {
        clcnn_conv2d_destroy(&op);
    }
};

#endif
