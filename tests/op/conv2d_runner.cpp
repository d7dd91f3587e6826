#include "op/conv2d_runner.hpp"
#include "ref/winograd.hpp"
#include "support/half.hpp"
#include <cmath>
#include <sstream>

#define IMPL(name, ENUM) {#name, CLCNN_CONV2D_ALGORITHM_##ENUM},
const std::vector<conv_algorithm> conv_algorithms = {
#include "op/conv2d_impls.inc"
};
#undef IMPL

std::string conv_describe(const struct clcnn_conv2d_params &p)
{
    std::ostringstream text;
    text << p.batch << "x" << p.height << "x" << p.width << "x" << p.channels << " -> " << p.filters
         << ", " << p.kernel[0] << "x" << p.kernel[1] << " strides " << p.strides[0] << ","
         << p.strides[1] << " dilation " << p.dilation_rate[0] << "," << p.dilation_rate[1]
         << " groups " << p.groups << " padding " << p.padding << " (" << p.pads[0] << ","
         << p.pads[1] << "," << p.pads[2] << "," << p.pads[3] << ") workspace " << p.max_workspace;
    return text.str();
}

static void resolve_padding(const struct clcnn_conv2d_params &params, ref_conv2d &shape)
{
    const int size[2] = {shape.H, shape.W}, filter[2] = {shape.R, shape.S};
    for (int i = 0; i < 2; i++) {
        int output = (size[i] + shape.stride[i] - 1) / shape.stride[i];
        int total =
            (output - 1) * shape.stride[i] + (filter[i] - 1) * shape.dilation[i] + 1 - size[i];
        total = params.padding == CLCNN_PADDING_SAME && total > 0 ? total : 0;
        bool given = params.padding == CLCNN_PADDING_EXPLICIT;
        shape.pad[i] = given ? params.pads[i] : total / 2;
        shape.pad[i + 2] = given ? params.pads[i + 2] : total - total / 2;
    }
}

ref_conv2d conv_shape(const struct clcnn_conv2d_params &params, int batch)
{
    ref_conv2d shape;
    shape.N = batch ? batch : params.batch;
    shape.H = params.height;
    shape.W = params.width;
    shape.C = params.channels;
    shape.K = params.filters;
    shape.G = params.groups ? params.groups : 1;
    shape.R = params.kernel[0];
    shape.S = params.kernel[1];
    for (int i = 0; i < 2; i++) {
        shape.stride[i] = params.strides[i] ? params.strides[i] : 1;
        shape.dilation[i] = params.dilation_rate[i] ? params.dilation_rate[i] : 1;
    }
    resolve_padding(params, shape);
    return shape;
}

static std::vector<float> make_values(size_t count, unsigned seed, enum conv_inputs inputs)
{
    std::vector<float> values = test_values(count, seed, inputs == CONV_INTEGERS);
    std::vector<float> powers = test_values(count, seed + 1000);
    for (size_t i = 0; i < count; i++) {
        if (inputs == CONV_POSITIVE)
            values[i] = std::fabs(values[i]) + 0.01f;
        else if (inputs == CONV_HUGE_RANGE)
            values[i] = std::ldexp(values[i], (int)(powers[i] * 20.0f));
    }
    return values;
}

conv_problem::conv_problem(const struct clcnn_conv2d_params &params_, enum conv_inputs inputs_,
                           unsigned phases, int batch_)
    : params(params_), shape(conv_shape(params_, batch_)), inputs(inputs_), batch(batch_)
{
    x = make_values(shape.x_count(), 1, inputs);
    w = make_values(shape.w_count(), 2, inputs);
    bias = make_values((size_t)shape.K, 3, inputs);
    dy = make_values(shape.y_count(), 4, inputs);
    y_before = make_values(shape.y_count(), 5, inputs);
    if (params.storage == CLCNN_DTYPE_FLOAT16)
        for (std::vector<float> *values : {&x, &w, &y_before})
            *values = round_to_half(*values);
    if (phases & 1)
        y = ref_conv2d_forward(shape, x, w);
    if (phases & 2)
        dx = ref_conv2d_backward_data(shape, dy, w);
    if (phases & 4) {
        dw = ref_conv2d_backward_filter(shape, x, dy);
        db = ref_conv2d_backward_bias(shape, dy);
    }
}

conv_outputs conv_run(struct clcnn_device *device, struct clcnn_conv2d *op,
                      enum clcnn_conv2d_phase phase, const conv_problem &problem, bool packed,
                      bool aligned)
{
    const ref_conv2d &shape = problem.shape;
    const size_t counts[] = {shape.y_count(), shape.x_count(), shape.w_count()};
    size_t workspace_bytes = packed ? clcnn_conv2d_packed_workspace_size(op)
                                    : clcnn_conv2d_workspace_size(op, phase);
    CHECK(workspace_bytes <= clcnn_conv2d_workspace_size(op, phase));
    const enum clcnn_dtype storage = problem.params.storage;
    Guarded x(device, to_storage(problem.x, storage), aligned);
    Guarded w(device, to_storage(problem.w, storage), aligned);
    Guarded bias(device, problem.bias);
    const bool accumulate = phase == CLCNN_CONV2D_PHASE_FORWARD && problem.params.accumulate;
    Guarded dy(device, problem.dy, aligned);
    Guarded result(
        device, to_storage(accumulate ? problem.y_before : Guarded::poison(counts[phase]), storage),
        aligned);
    Guarded db(device, Guarded::poison((size_t)shape.K));
    Guarded workspace(device, workspace_bytes ? workspace_bytes : 4, aligned);
    Guarded packed_w(device, packed ? clcnn_conv2d_packed_filter_size(op) : 4);
    struct clcnn_conv2d_args args = {};
    args.batch = problem.batch;
    args.workspace = workspace_bytes ? (struct clcnn_buffer *)workspace : nullptr;
    if (phase == CLCNN_CONV2D_PHASE_FORWARD) {
        args.x = x;
        args.w = w;
        args.bias = problem.params.use_bias ? (struct clcnn_buffer *)bias : nullptr;
        args.y = result;
        if (packed) {
            CHECK_OK(clcnn_conv2d_pack_filter(op, w, packed_w, nullptr));
            args.packed_w = packed_w;
            args.w = nullptr;
        }
        CHECK_OK(clcnn_conv2d_forward(op, &args, nullptr));
    } else if (phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA) {
        args.dy = dy;
        args.w = w;
        args.dx = result;
        CHECK_OK(clcnn_conv2d_backward_data(op, &args, nullptr));
    } else {
        args.x = x;
        args.dy = dy;
        args.dw = result;
        args.db = db;
        CHECK_OK(clcnn_conv2d_backward_filter(op, &args, nullptr));
    }
    CHECK_OK(clcnn_device_finish(device));
    workspace.check();
    packed_w.check();
    conv_outputs outputs;
    outputs.result = from_storage(result.read<unsigned char>(), storage);
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER)
        outputs.db = db.read<float>();
    return outputs;
}

static double activate(double x, enum clcnn_activation activation, double alpha)
{
    switch (activation) {
    case CLCNN_ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case CLCNN_ACTIVATION_LEAKY_RELU:
        return x > 0 ? x : alpha * x;
    case CLCNN_ACTIVATION_SIGMOID:
        return 1 / (1 + std::exp(-x));
    case CLCNN_ACTIVATION_TANH:
        return std::tanh(x);
    default:
        return x;
    }
}

/* How many of the values differ from the expected ones by more than they may; the worst is
 * reported. */
static void compare(const char *what, const std::vector<float> &got,
                    const std::vector<double> &expected, const std::vector<double> &allowed)
{
    size_t wrong = 0, worst = 0;
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); i++) {
        if (!(std::fabs(got[i] - expected[i]) <= allowed[i])) {
            if (wrong++ == 0 ||
                !(std::fabs(got[i] - expected[i]) <= std::fabs(got[worst] - expected[worst])))
                worst = i;
        }
    }
    INFO(what << ": " << wrong << " of " << got.size() << " wrong; [" << worst << "] is "
              << got[worst] << ", expected " << expected[worst] << " +- " << allowed[worst]);
    CHECK(wrong == 0);
}

/* The outputs of a side of a Winograd tile, 0 for other algorithms. */
static int tile_of(const struct clcnn_conv2d *op, enum clcnn_conv2d_phase phase)
{
    const std::string name = clcnn_conv2d_algorithm_name(op, phase);
    return name.compare(0, 9, "winograd_") == 0 ? name[9] - '0' : 0;
}

/* What the op's error bound is relative to. */
static std::vector<double> magnitudes(const conv_problem &problem, const struct clcnn_conv2d *op,
                                      enum clcnn_conv2d_phase phase)
{
    const ref_sums *const sums[] = {&problem.y, &problem.dx, &problem.dw};
    const int m = tile_of(op, phase);
    if (!m)
        return sums[phase]->magnitude;
    if (phase == CLCNN_CONV2D_PHASE_FORWARD)
        return ref_winograd_forward(problem.shape, problem.x, problem.w, m);
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        return ref_winograd_backward_data(problem.shape, problem.dy, problem.w, m);
    return ref_winograd_backward_filter(problem.shape, problem.x, problem.dy, m);
}

void conv_check(const conv_problem &problem, struct clcnn_conv2d *op, enum clcnn_conv2d_phase phase,
                const conv_outputs &outputs)
{
    const ref_sums *const sums[] = {&problem.y, &problem.dx, &problem.dw};
    const double bound = clcnn_conv2d_error_bound(op, phase), u = 0x1p-24;
    const struct clcnn_conv2d_params &params = problem.params;
    std::vector<double> expected = sums[phase]->value, allowed = magnitudes(problem, op, phase);
    const bool exact = problem.inputs == CONV_INTEGERS && !tile_of(op, phase);
    for (size_t i = 0; i < expected.size(); i++) {
        allowed[i] *= exact ? 0.0 : bound;
        if (phase != CLCNN_CONV2D_PHASE_FORWARD)
            continue;
        double shift = params.use_bias ? problem.bias[i % (size_t)problem.shape.K] : 0.0;
        double before = params.accumulate ? problem.y_before[i] : 0.0;
        double alpha = params.activation_alpha != 0.0f ? params.activation_alpha : 0.3f;
        /* One rounding each of the sum with the bias and with what y held; the slope of every
         * activation is at most 1, and OpenCL's exp and tanh are good to 5 ulp, a division to
         * 2.5. */
        if (!exact)
            allowed[i] += 2 * u * (std::fabs(expected[i] + shift) + std::fabs(before));
        expected[i] = activate(expected[i] + shift + before, params.activation, alpha);
        if (params.activation >= CLCNN_ACTIVATION_LEAKY_RELU)
            allowed[i] += 16 * u * std::fabs(expected[i]);
        if (params.storage == CLCNN_DTYPE_FLOAT16)
            allowed[i] += half_rounding(std::fabs(expected[i]) + allowed[i]);
    }
    compare("result", outputs.result, expected, allowed);
    if (phase == CLCNN_CONV2D_PHASE_BACKWARD_FILTER) {
        std::vector<double> limit = problem.db.magnitude;
        for (double &value : limit)
            value *= exact ? 0.0 : bound;
        compare("db", outputs.db, problem.db.value, limit);
    }
}
