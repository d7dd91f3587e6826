/* Depthwise convolution, with one and more filters per channel, on both kernel families. */
#include "op/conv2d_cases.hpp"

static const unsigned every_phase = 7;

static void test_on(struct clcnn_device *device, const conv_problem &problem)
{
    conv_case params = problem.params;
    params.algorithm = CLCNN_CONV2D_ALGORITHM_DEPTHWISE;
    conv_op op;
    INFO(conv_describe(params) << ", vectors of " << clcnn_device_info(device)->vector_width);
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
        enum clcnn_conv2d_phase phase = (enum clcnn_conv2d_phase)i;
        INFO("phase " << i);
        conv_outputs first = conv_run(device, op.op, phase, problem);
        conv_check(problem, op.op, phase, first);
        conv_outputs second = conv_run(device, op.op, phase, problem, false, true);
        CHECK(std::memcmp(first.result.data(), second.result.data(),
                          first.result.size() * sizeof(float)) == 0);
    }
}

static void test(const conv_case &base, enum conv_inputs inputs = CONV_INTEGERS, int batch = 0)
{
    const conv_problem problem(base, inputs, every_phase, batch);
    for (enum clcnn_device_class device_class : test_classes) {
        INFO("on " << clcnn_device_class_name(device_class));
        test_on(test_device(device_class), problem);
    }
}

/* N H W, C channels with `multiplier` filters each, R S. */
static conv_case depthwise(int n, int h, int w, int c, int multiplier, int r, int s)
{
    return groups(make(n, h, w, c, c * multiplier, r, s), c);
}
static conv_case ends(conv_case params, bool accumulate, enum clcnn_activation activation)
{
    params.use_bias = true;
    params.accumulate = accumulate;
    params.activation = activation;
    return params;
}

/* Vectors of 4, 8 and 16 channels, whole and cut, and filters that cut them elsewhere. */
TEST_CASE("conv2d depthwise: channels and multipliers, exactly", "[conv2d][depthwise]")
{
    const enum clcnn_activation relu = CLCNN_ACTIVATION_RELU;
    for (int channels : {1, 3, 4, 7, 8, 9, 15, 16, 17, 32, 33}) {
        for (int multiplier : {1, 2, 3}) {
            conv_case params = same(depthwise(2, 5, 6, channels, multiplier, 3, 3));
            test(ends(params, (channels + multiplier) % 2 == 0, relu));
            test(strides(params, 2, 2));
        }
    }
}

/* Tiles of 4 and 7 outputs, an image row or column at a time, and steps of the last one. */
TEST_CASE("conv2d depthwise: edges of the tiles, exactly", "[conv2d][depthwise]")
{
    for (int size : {1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 29}) {
        test(same(depthwise(1, size, size, 17, 1, 3, 3)));
        test(same(depthwise(1, 3, size, 16, 1, 5, 3)));
        test(strides(same(depthwise(2, size, 4, 16, 1, 3, 5)), 2, 3));
        test(strides(pads(depthwise(1, 3, size + 1, 16, 1, 3, 3), 1, 1, 0, 0), 1, 2));
    }
}

TEST_CASE("conv2d depthwise: kinds of problems, exactly", "[conv2d][depthwise]")
{
    const enum clcnn_activation relu = CLCNN_ACTIVATION_RELU;
    const conv_case cases[] = {
        depthwise(1, 1, 1, 1, 1, 1, 1),
        depthwise(3, 4, 5, 20, 1, 1, 1),
        strides(depthwise(2, 9, 9, 18, 1, 1, 1), 3, 2), /* pixels that no output sees */
        strides(depthwise(1, 10, 11, 16, 2, 2, 2), 3, 4),
        pads(depthwise(2, 5, 4, 5, 1, 3, 3), 4, 0, 1, 5), /* outputs that see only padding */
        pads(depthwise(1, 2, 2, 16, 1, 2, 2), 5, 4, 3, 6),
        same(depthwise(1, 3, 2, 16, 1, 7, 7)), /* the filter is larger than the image */
        same(depthwise(1, 16, 15, 16, 1, 7, 5)),
        dilation(same(depthwise(1, 12, 9, 17, 1, 3, 3)), 2, 3),
        dilation(pads(depthwise(2, 9, 8, 5, 2, 3, 3), 1, 2, 3, 0), 2, 3),
        dilation(depthwise(1, 9, 14, 32, 1, 2, 4), 5, 1),
        ends(same(depthwise(2, 8, 8, 19, 1, 3, 3)), true, CLCNN_ACTIVATION_LINEAR),
        ends(same(depthwise(1, 8, 8, 16, 1, 3, 3)), false, relu),
        ends(strides(depthwise(1, 9, 9, 16, 3, 3, 3), 2, 2), true, relu),
        same(depthwise(1, 70, 75, 16, 1, 3, 3)), /* several blocks, in both directions */
        strides(same(depthwise(1, 3, 700, 17, 1, 3, 3)), 2, 2),
        strides(pads(depthwise(1, 80, 62, 16, 1, 5, 5), 2, 2, 1, 1), 2, 2),
        depthwise(1, 40, 40, 16, 1, 31, 31), /* little but filter */
    };
    for (const conv_case &params : cases)
        test(params);
}

TEST_CASE("conv2d depthwise: layers of networks", "[conv2d][depthwise]")
{
    test(ends(same(depthwise(1, 28, 28, 32, 1, 3, 3)), false, CLCNN_ACTIVATION_RELU), CONV_RANDOM);
    test(ends(same(depthwise(2, 7, 7, 64, 1, 3, 3)), true, CLCNN_ACTIVATION_TANH), CONV_RANDOM);
    test(ends(strides(pads(depthwise(1, 28, 28, 33, 1, 3, 3), 1, 1, 0, 0), 2, 2), false,
              CLCNN_ACTIVATION_SIGMOID),
         CONV_RANDOM);
    test(ends(same(depthwise(1, 9, 9, 10, 2, 5, 5)), false, CLCNN_ACTIVATION_LEAKY_RELU),
         CONV_RANDOM);
    for (enum conv_inputs inputs : {CONV_POSITIVE, CONV_HUGE_RANGE})
        test(same(depthwise(3, 14, 14, 24, 1, 3, 3)), inputs);
}

TEST_CASE("conv2d depthwise: a batch below the planned one", "[conv2d][depthwise]")
{
    test(same(depthwise(7, 6, 5, 18, 1, 3, 3)), CONV_INTEGERS, 1);
    test(strides(same(depthwise(6, 9, 9, 16, 2, 3, 3)), 2, 2), CONV_INTEGERS, 4);
}

/* The kernels that a processor with shorter vectors gets. */
TEST_CASE("conv2d depthwise: shorter vectors", "[conv2d][depthwise]")
{
    for (int width : {4, 8}) {
        struct clcnn_device_params params = {};
        struct clcnn_device *device = nullptr;
        params.force_class = CLCNN_DEVICE_CLASS_CPU;
        CHECK_OK(clcnn_device_open(&params, &device));
        const_cast<struct clcnn_device_info *>(clcnn_device_info(device))->vector_width = width;
        for (const conv_case &base : {same(depthwise(2, 9, 13, 19, 1, 3, 3)),
                                      strides(same(depthwise(1, 9, 13, 19, 1, 3, 3)), 2, 2),
                                      strides(same(depthwise(1, 8, 9, 3, 2, 3, 3)), 2, 2)})
            test_on(device, conv_problem(ends(base, true, CLCNN_ACTIVATION_RELU), CONV_INTEGERS,
                                         every_phase));
        clcnn_device_destroy(&device);
    }
}

/* Windows and strides that programs are built for, in strips of every width, and just not. */
TEST_CASE("conv2d depthwise: windows, exactly", "[conv2d][depthwise]")
{
    for (int window : {5, 7}) {
        test(same(depthwise(1, 16, 29, 32, 1, window, window)));
        test(strides(same(depthwise(2, 17, 18, 20, 1, window, window)), 2, 2));
    }
    test(strides(pads(depthwise(1, 9, 23, 16, 1, 3, 3), 2, 2, 2, 2), 2, 1));
    test(pads(depthwise(1, 9, 9, 16, 1, 3, 3), 3, 0, 0, 3));
    test(strides(same(depthwise(1, 9, 9, 16, 1, 3, 3)), 3, 3));
}

TEST_CASE("conv2d depthwise: small", "[conv2d][depthwise]")
{
    test(ends(same(depthwise(2, 4, 5, 5, 1, 3, 3)), true, CLCNN_ACTIVATION_RELU));
    test(strides(same(depthwise(1, 5, 5, 3, 2, 3, 3)), 2, 2));
}

/* What cannot be run is refused with the reason, and no budget makes a run fail that could do. */
TEST_CASE("conv2d depthwise: limits", "[conv2d][depthwise]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        conv_case params = depthwise(1, 5, 5, 8, 1, 3, 3);
        params.algorithm = CLCNN_CONV2D_ALGORITHM_DEPTHWISE;
        params.groups = 4;
        conv_op grouped;
        CHECK(clcnn_conv2d_create(device, &params, &grouped.op) == CLCNN_STATUS_UNSUPPORTED);
        CHECK(std::string(clcnn_error_message()).find("more than one channel per group") !=
              std::string::npos);
        params.groups = 8;
        params.max_workspace = 1;
        params.phases = 3;
        conv_op bare;
        CHECK_OK(clcnn_conv2d_create(device, &params, &bare.op));
        CHECK(clcnn_conv2d_workspace_size(bare.op, CLCNN_CONV2D_PHASE_FORWARD) == 0);
        CHECK(clcnn_conv2d_workspace_size(bare.op, CLCNN_CONV2D_PHASE_BACKWARD_DATA) == 0);
    }
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_case params = same(depthwise(4, 20, 20, 16, 1, 3, 3));
    params.algorithm = CLCNN_CONV2D_ALGORITHM_DEPTHWISE;
    params.phases = 1u << CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
    const conv_problem problem(params, CONV_INTEGERS, params.phases);
    for (size_t bytes = (size_t)1 << 16; bytes > 0; bytes /= 4) {
        INFO(bytes << " bytes");
        params.max_workspace = bytes;
        conv_op op;
        CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
        CHECK(clcnn_conv2d_workspace_size(op.op, CLCNN_CONV2D_PHASE_BACKWARD_FILTER) <= bytes);
        conv_check(problem, op.op, CLCNN_CONV2D_PHASE_BACKWARD_FILTER,
                   conv_run(device, op.op, CLCNN_CONV2D_PHASE_BACKWARD_FILTER, problem));
    }
}
