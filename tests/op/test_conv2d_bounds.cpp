/* Error bounds, budgets, gradients against each other, and worked examples of conv2d. */
#include "op/conv2d_runner.hpp"

typedef struct clcnn_conv2d_params conv_case;

static conv_case make(int n, int size, int c, int k, int filter)
{
    conv_case params = {};
    params.batch = n;
    params.height = params.width = size;
    params.channels = c;
    params.filters = k;
    params.kernel[0] = params.kernel[1] = filter;
    return params;
}

/* Creates the op, or says that the algorithm cannot. */
static bool create(struct clcnn_device *device, const conv_case &params, conv_op &op)
{
    enum clcnn_status status = clcnn_conv2d_create(device, &params, &op.op);
    if (status == CLCNN_STATUS_UNSUPPORTED)
        return false;
    CHECK_OK(status);
    return true;
}

/* conv_check compares every element with the op's own bound: measured <= declared. */
TEST_CASE("conv2d: the error stays inside the declared bound", "[conv2d]")
{
    conv_case padded = make(2, 9, 37, 19, 3), pointwise = make(3, 7, 130, 33, 1);
    conv_case deep = make(1, 5, 300, 5, 3), many = make(40, 12, 2, 7, 3),
              grouped = make(2, 8, 24, 24, 3);
    padded.padding = CLCNN_PADDING_SAME;
    grouped.groups = 4;
    grouped.strides[0] = grouped.strides[1] = 2;
    for (const conv_case &base : {padded, pointwise, deep, many, grouped}) {
        for (enum conv_inputs inputs : {CONV_RANDOM, CONV_POSITIVE, CONV_HUGE_RANGE}) {
            const conv_problem problem(base, inputs);
            for (enum clcnn_device_class device_class : test_classes) {
                struct clcnn_device *device = test_device(device_class);
                for (const conv_algorithm &algorithm : conv_algorithms) {
                    INFO(conv_describe(base) << " inputs " << inputs << " by " << algorithm.name);
                    conv_case params = base;
                    params.algorithm = algorithm.algorithm;
                    conv_op op;
                    if (!create(device, params, op))
                        continue;
                    for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
                        enum clcnn_conv2d_phase phase = (enum clcnn_conv2d_phase)i;
                        INFO("phase " << i);
                        double bound = clcnn_conv2d_error_bound(op.op, phase);
                        CHECK(bound > 0.0);
                        CHECK(bound < (std::strstr(algorithm.name, "winograd") ? 0.05 : 1e-3));
                        conv_check(problem, op.op, phase, conv_run(device, op.op, phase, problem));
                    }
                }
            }
        }
    }
}

TEST_CASE("conv2d: halving the workspace never fails and never exceeds it", "[conv2d]")
{
    conv_case bases[] = {make(2, 13, 20, 40, 3), make(3, 9, 24, 30, 1), make(2, 10, 8, 12, 3),
                         make(2, 9, 4, 9, 3)};
    bases[0].padding = CLCNN_PADDING_SAME;
    bases[1].use_bias = true;
    bases[2].groups = 2;
    bases[3].strides[0] = bases[3].strides[1] = 2;
    for (const conv_case &base : bases) {
        const conv_problem problem(base, CONV_INTEGERS);
        for (enum clcnn_device_class device_class : test_classes) {
            struct clcnn_device *device = test_device(device_class);
            for (const conv_algorithm &algorithm : conv_algorithms) {
                for (size_t bytes = (size_t)1 << 20; bytes > 0; bytes /= 2) {
                    INFO(conv_describe(base) << " by " << algorithm.name << " in " << bytes);
                    conv_case params = base;
                    params.algorithm = algorithm.algorithm;
                    params.max_workspace = bytes;
                    conv_op op;
                    bool direct = params.algorithm == CLCNN_CONV2D_ALGORITHM_DIRECT;
                    bool created = create(device, params, op);
                    if (direct)
                        REQUIRE(created);
                    if (!created)
                        break; /* and neither with less */
                    for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
                        enum clcnn_conv2d_phase phase = (enum clcnn_conv2d_phase)i;
                        CHECK(clcnn_conv2d_workspace_size(op.op, phase) <= bytes);
                        conv_check(problem, op.op, phase, conv_run(device, op.op, phase, problem));
                    }
                }
            }
            for (size_t bytes = (size_t)1 << 20; bytes > 0; bytes /= 4) {
                INFO(conv_describe(base) << " by any in " << bytes);
                conv_case params = base;
                params.max_workspace = bytes;
                conv_op op;
                REQUIRE(create(device, params, op));
                for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++)
                    CHECK(clcnn_conv2d_workspace_size(op.op, (enum clcnn_conv2d_phase)i) <= bytes);
            }
        }
    }
}

TEST_CASE("conv2d: im2col works down to a few rows of patches", "[conv2d]")
{
    conv_case params = make(2, 12, 5, 6, 3);
    params.padding = CLCNN_PADDING_SAME;
    params.algorithm = CLCNN_CONV2D_ALGORITHM_IM2COL_GEMM;
    const conv_problem problem(params, CONV_INTEGERS);
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_GPU);
    for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
        enum clcnn_conv2d_phase phase = (enum clcnn_conv2d_phase)i;
        size_t least = 0;
        for (size_t bytes = (size_t)1 << 16; bytes >= 64; bytes -= bytes / 4) {
            conv_op op;
            params.phases = 1u << i;
            params.max_workspace = bytes;
            if (!create(device, params, op))
                break;
            least = clcnn_conv2d_workspace_size(op.op, phase);
            CHECK(least <= bytes);
            conv_check(problem, op.op, phase, conv_run(device, op.op, phase, problem));
        }
        INFO("phase " << i << " needs " << least << " bytes");
        CHECK(least > 0);
        CHECK(least < 288 * 45 * sizeof(float)); /* all patches at once */
    }
}

TEST_CASE("conv2d: max_error drops what cannot promise it", "[conv2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_case params = make(1, 8, 16, 16, 3);
    conv_op strict, loose;
    params.max_error = 1e-9;
    CHECK(clcnn_conv2d_create(device, &params, &strict.op) == CLCNN_STATUS_UNSUPPORTED);
    CHECK(std::string(clcnn_error_message()).find("max_error") != std::string::npos);
    params.max_error = 1e-4;
    CHECK_OK(clcnn_conv2d_create(device, &params, &loose.op));
    for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++)
        CHECK(clcnn_conv2d_error_bound(loose.op, (enum clcnn_conv2d_phase)i) <= 1e-4);
}

TEST_CASE("conv2d: a filter packed beforehand", "[conv2d]")
{
    conv_case base = make(2, 9, 12, 20, 3);
    base.use_bias = true;
    base.activation = CLCNN_ACTIVATION_RELU;
    base.groups = 2;
    const conv_problem problem(base, CONV_INTEGERS, 1);
    int packing = 0;
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        for (const conv_algorithm &algorithm : conv_algorithms) {
            conv_case params = base;
            params.algorithm = algorithm.algorithm;
            conv_op op;
            if (!create(device, params, op))
                continue;
            INFO(algorithm.name << " on " << clcnn_device_class_name(device_class));
            if (clcnn_conv2d_packed_filter_size(op.op) == 0) {
                Guarded w(device, problem.w), packed(device, 64);
                CHECK(clcnn_conv2d_pack_filter(op.op, w, packed, nullptr) ==
                      CLCNN_STATUS_INVALID_ARGUMENT);
                continue;
            }
            packing++;
            conv_check(problem, op.op, CLCNN_CONV2D_PHASE_FORWARD,
                       conv_run(device, op.op, CLCNN_CONV2D_PHASE_FORWARD, problem, true));
        }
    }
    CHECK(packing >= 2);
}

static double dot(const std::vector<float> &a, const std::vector<float> &b)
{
    double sum = 0;
    for (size_t i = 0; i < a.size(); i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* <dy, conv(x, w)> = <conv_backward_data(dy, w), x> = <conv_backward_filter(x, dy), w>, exactly for
 * small integers; and the difference of the forward results along a direction is that gradient,
 * because the convolution is linear in x and in w. */
TEST_CASE("conv2d: the gradients are the adjoints of forward", "[conv2d]")
{
    conv_case bases[] = {make(2, 9, 6, 10, 3), make(1, 11, 4, 8, 5), make(2, 10, 8, 4, 3)};
    bases[0].padding = CLCNN_PADDING_SAME;
    bases[1].strides[0] = 2;
    bases[1].strides[1] = 3;
    bases[2].groups = 4;
    bases[2].dilation_rate[0] = 2;
    for (const conv_case &base : bases) {
        conv_problem problem(base, CONV_INTEGERS, 0);
        for (enum clcnn_device_class device_class : test_classes) {
            struct clcnn_device *device = test_device(device_class);
            conv_op op;
            REQUIRE(create(device, base, op));
            std::vector<float> y =
                conv_run(device, op.op, CLCNN_CONV2D_PHASE_FORWARD, problem).result;
            std::vector<float> dx =
                conv_run(device, op.op, CLCNN_CONV2D_PHASE_BACKWARD_DATA, problem).result;
            std::vector<float> dw =
                conv_run(device, op.op, CLCNN_CONV2D_PHASE_BACKWARD_FILTER, problem).result;
            CHECK(dot(problem.dy, y) == dot(dx, problem.x));
            CHECK(dot(problem.dy, y) == dot(dw, problem.w));

            conv_problem moved = problem;
            std::vector<float> step = test_values(problem.x.size(), 77, true);
            for (size_t i = 0; i < step.size(); i++)
                moved.x[i] += step[i];
            std::vector<float> y1 =
                conv_run(device, op.op, CLCNN_CONV2D_PHASE_FORWARD, moved).result;
            CHECK(dot(problem.dy, y1) - dot(problem.dy, y) == dot(dx, step));
            moved = problem;
            step = test_values(problem.w.size(), 78, true);
            for (size_t i = 0; i < step.size(); i++)
                moved.w[i] += step[i];
            y1 = conv_run(device, op.op, CLCNN_CONV2D_PHASE_FORWARD, moved).result;
            CHECK(dot(problem.dy, y1) - dot(problem.dy, y) == dot(dw, step));
        }
    }
}

/* Every implementation's forward result of a 5x5 image and a 3x3 filter, exactly but for Winograd's
 * roundings. */
static void check_example(const conv_case &base, const std::vector<float> &image,
                          const std::vector<float> &filter, const std::vector<float> &expected)
{
    conv_problem problem(base, CONV_INTEGERS, 0);
    problem.x = image;
    problem.w = filter;
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        for (const conv_algorithm &algorithm : conv_algorithms) {
            conv_case params = base;
            params.algorithm = algorithm.algorithm;
            params.phases = 1u << CLCNN_CONV2D_PHASE_FORWARD;
            conv_op op;
            if (!create(device, params, op))
                continue;
            std::vector<float> result =
                conv_run(device, op.op, CLCNN_CONV2D_PHASE_FORWARD, problem).result;
            if (std::strstr(algorithm.name, "winograd"))
                for (float &value : result)
                    value = std::fabs(value - std::round(value)) < 1e-3f ? std::round(value) : NAN;
            CHECK(result == expected);
        }
    }
}

TEST_CASE("conv2d: worked examples", "[conv2d]")
{
    conv_case valid = make(1, 5, 1, 1, 3), padded = valid;
    check_example(valid,
                  {7, 2, 3, 3, 8, 4, 5, 3, 8, 4, 3, 3, 2, 8, 4, 2, 8, 7, 2, 7, 5, 4, 4, 5, 4},
                  {1, 0, -1, 1, 0, -1, 1, 0, -1}, {6, -9, -8, -3, -2, -3, -3, 0, -2});
    padded.padding = CLCNN_PADDING_EXPLICIT;
    std::fill(padded.pads, padded.pads + 4, 1);
    check_example(padded, {60,  113, 56, 139, 85,  73, 121, 54,  84,  128, 131, 99, 70,
                           129, 127, 80, 57,  115, 93, 134, 104, 126, 123, 85,  170},
                  {0, -1, 0, -1, 5, -1, 0, -1, 0},
                  {114, 328, -26, 470,  158, 53, 266, -61, -30, 344, 403, 116, -47,
                   271, 244, 108, -135, 232, 2,  280, 314, 346, 289, 39,  631});
}

/* 227x227x3 by 96 filters 11x11, stride 4: 363 x 3025 patches, 55x55 outputs. A filter of ones sums
 * each patch, and im2col must agree with the definition. */
TEST_CASE("conv2d: the first layer of alexnet", "[conv2d]")
{
    conv_case params = make(1, 227, 3, 8, 11);
    params.strides[0] = params.strides[1] = 4;
    int output[2];
    CHECK_OK(clcnn_conv2d_output_size(&params, output));
    CHECK(output[0] == 55);
    CHECK(output[1] == 55);
    const conv_problem problem(params, CONV_INTEGERS, 1);
    params.algorithm = CLCNN_CONV2D_ALGORITHM_IM2COL_GEMM;
    params.phases = 1;
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_op op;
    REQUIRE(create(device, params, op));
    /* All of the 363 x 3025 patches are above the chunk that stays in the cache. */
    CHECK(clcnn_conv2d_workspace_size(op.op, CLCNN_CONV2D_PHASE_FORWARD) <
          363u * 3025 * sizeof(float));
    conv_check(problem, op.op, CLCNN_CONV2D_PHASE_FORWARD,
               conv_run(device, op.op, CLCNN_CONV2D_PHASE_FORWARD, problem));
}
