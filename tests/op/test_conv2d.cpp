/* Every implementation of conv2d against the reference in double precision, on both kernel
 * families. */
#include "op/conv2d_cases.hpp"
#include <algorithm>
#include <random>

/* What the implementations say of themselves, said again. */
static bool can_run(const std::string &name, const conv_case &params)
{
    ref_conv2d shape = conv_shape(params);
    if (name == "depthwise")
        return shape.G == shape.C;
    if (name.compare(0, 8, "winograd") == 0)
        return shape.R == shape.S && (shape.R == 3 || (shape.R == 5 && name != "winograd_6x6")) &&
               shape.stride[0] * shape.stride[1] * shape.dilation[0] * shape.dilation[1] == 1 &&
               *std::max_element(shape.pad, shape.pad + 4) < shape.R;
    if (name == "gemm_1x1")
        return shape.R == 1 && shape.S == 1 && shape.stride[0] == 1 && shape.stride[1] == 1 &&
               !shape.pad[0] && !shape.pad[1] && !shape.pad[2] && !shape.pad[3];
    return true;
}

/* Every implementation, both families, all phases, twice, the second time with buffers that allow
 * aligned loads of vectors: right, and the same bits again. */
static void test_everywhere(const conv_case &base, enum conv_inputs inputs, int batch = 0)
{
    const conv_problem problem(base, inputs, 7, batch);
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        for (const conv_algorithm &algorithm : conv_algorithms) {
            INFO(conv_describe(base)
                 << " by " << algorithm.name << " on " << clcnn_device_class_name(device_class));
            conv_case params = base;
            params.algorithm = algorithm.algorithm;
            conv_op op;
            if (!can_run(algorithm.name, params)) {
                REQUIRE(clcnn_conv2d_create(device, &params, &op.op) == CLCNN_STATUS_UNSUPPORTED);
                REQUIRE(op.op == nullptr);
                CHECK(std::string(clcnn_error_message()).find(algorithm.name) != std::string::npos);
                continue;
            }
            CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
            for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
                enum clcnn_conv2d_phase phase = (enum clcnn_conv2d_phase)i;
                INFO("phase " << i);
                CHECK(clcnn_conv2d_algorithm_name(op.op, phase) == std::string(algorithm.name));
                conv_outputs first = conv_run(device, op.op, phase, problem);
                conv_check(problem, op.op, phase, first);
                conv_outputs second = conv_run(device, op.op, phase, problem, false, true);
                CHECK(std::memcmp(first.result.data(), second.result.data(),
                                  first.result.size() * sizeof(float)) == 0);
                CHECK((first.db.empty() || std::memcmp(first.db.data(), second.db.data(),
                                                       first.db.size() * sizeof(float)) == 0));
            }
        }
    }
}

TEST_CASE("conv2d: kinds of problems, exactly", "[conv2d]")
{
    const enum clcnn_activation relu = CLCNN_ACTIVATION_RELU;
    const conv_case cases[] = {
        make(1, 1, 1, 1, 1, 1, 1),
        make(2, 5, 6, 3, 4, 3, 3),
        make(1, 3, 3, 2, 2, 3, 3), /* one output */
        with_bias(make(2, 7, 5, 5, 7, 3, 2), relu),
        same(make(1, 7, 8, 4, 3, 3, 3)),
        same(make(1, 6, 6, 2, 2, 4, 2)), /* an odd total of padding */
        same(make(1, 2, 2, 3, 3, 5, 5)), /* the filter is larger than the image */
        pads(make(1, 4, 5, 2, 3, 3, 3), 2, 0, 1, 3),
        pads(make(1, 2, 2, 1, 2, 2, 2), 5, 4, 3, 6), /* outputs that see only padding */
        strides(make(2, 9, 11, 3, 5, 3, 3), 2, 2),
        strides(same(make(1, 8, 8, 3, 5, 3, 3)), 2, 3),
        strides(make(1, 9, 9, 4, 4, 1, 1), 2, 2), /* pixels that no output sees */
        strides(make(1, 11, 10, 2, 3, 2, 2), 4, 3),
        strides(pads(make(1, 23, 23, 3, 4, 11, 11), 1, 2, 0, 1), 4, 4),
        dilation(make(1, 9, 10, 3, 2, 3, 3), 2, 2),
        dilation(same(make(1, 9, 9, 2, 3, 3, 3)), 3, 2),
        dilation(make(1, 12, 8, 17, 3, 2, 3), 1, 3),
        groups(make(2, 5, 5, 6, 4, 3, 3), 2),
        groups(same(with_bias(make(1, 6, 5, 8, 12, 3, 3), relu)), 4),
        groups(strides(make(1, 7, 7, 34, 36, 3, 3), 2, 2), 2),
        groups(make(1, 6, 6, 9, 9, 3, 3), 9),          /* depthwise */
        groups(same(make(2, 6, 7, 19, 19, 3, 5)), 19), /* depthwise, more than a vector */
        groups(strides(same(make(1, 9, 8, 32, 32, 3, 3)), 2, 2), 32),
        groups(dilation(pads(make(1, 9, 8, 5, 5, 3, 3), 1, 2, 3, 0), 2, 3), 5),
        groups(make(1, 5, 5, 3, 12, 3, 3), 3), /* depth multiplier 4 */
        make(3, 4, 5, 20, 24, 1, 1),           /* 1x1 */
        groups(with_bias(make(2, 3, 3, 12, 18, 1, 1), relu), 3),
        same(make(1, 4, 4, 6, 5, 1, 1)),
    };
    for (const conv_case &params : cases)
        test_everywhere(params, CONV_INTEGERS);
}

/* T - 1, T, T + 1 of everything that has a tile: vectors 4, 8, 16 and 32 along C and K, 14 pixels,
 * 48 pixels, a depth of 112 and 512 terms. */
TEST_CASE("conv2d: edges of the tiles, exactly", "[conv2d]")
{
    for (int size : {3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65}) {
        test_everywhere(make(1, 4, 4, size, 3, 3, 3), CONV_INTEGERS);
        test_everywhere(make(1, 4, 4, 3, size, 3, 3), CONV_INTEGERS);
        test_everywhere(with_bias(make(1, 3, 3, size, size, 2, 2), CLCNN_ACTIVATION_RELU),
                        CONV_INTEGERS);
    }
    for (int size : {13, 14, 15, 27, 28, 29, 47, 48, 49, 63, 64, 65, 97})
        test_everywhere(make(1, 2, size + 1, 2, 5, 2, 2), CONV_INTEGERS);
    for (int channels : {27, 28, 29, 56, 127, 128, 129, 256, 257})
        test_everywhere(make(1, 3, 4, channels, 5, 2, 2), CONV_INTEGERS);
}

/* Tiles of 128 x 128 and 64 x 64 sums of a work-group, and a little more, in every phase. */
TEST_CASE("conv2d: large tiles, exactly", "[conv2d]")
{
    test_everywhere(make(1, 25, 24, 33, 130, 2, 2), CONV_INTEGERS);
    test_everywhere(make(1, 25, 24, 132, 33, 2, 2), CONV_INTEGERS);
    test_everywhere(make(2, 12, 13, 64, 68, 2, 1), CONV_INTEGERS);
}

/* Whole panels of filters and no padding: nothing needs gathering in the filter gradient. */
TEST_CASE("conv2d: patches read in place, exactly", "[conv2d]")
{
    const conv_case cases[] = {
        make(2, 9, 9, 16, 32, 3, 3),
        make(1, 12, 13, 5, 64, 3, 3),
        strides(make(2, 11, 12, 15, 32, 3, 3), 2, 3),
        dilation(make(2, 9, 11, 17, 16, 3, 3), 2, 3),
        groups(make(2, 8, 7, 32, 64, 3, 3), 2),
        groups(strides(make(2, 8, 7, 45, 96, 3, 2), 1, 2), 3),
        make(40, 3, 3, 14, 32, 3, 3), /* one output an image */
        same(make(9, 4, 4, 32, 32, 3, 3)),
        same(make(15, 3, 5, 16, 16, 3, 5)),
        strides(same(make(16, 6, 6, 16, 32, 5, 5)), 2, 2),
    };
    for (const conv_case &params : cases)
        test_everywhere(params, CONV_INTEGERS);
}

/* Whole vectors of channels: the gradients read x, dy and w where they are. */
TEST_CASE("conv2d: gradients from tensors in place, exactly", "[conv2d]")
{
    for (int pixels : {8, 13, 14, 15, 20, 21, 22, 29})
        test_everywhere(make(1, 1, pixels, 32, 5, 1, 1), CONV_INTEGERS);
    const conv_case cases[] = {
        make(1, 4, 5, 48, 14, 1, 1), /* half a panel, a tile and a filter */
        with_bias(make(2, 5, 3, 80, 27, 1, 1), CLCNN_ACTIVATION_LINEAR),
        make(1, 4, 4, 32, 600, 1, 1), /* deeper than a block */
        groups(make(2, 5, 5, 96, 30, 1, 1), 2),
        pads(make(1, 4, 5, 32, 13, 1, 1), 1, 0, 2, 3),
        strides(make(2, 9, 11, 48, 20, 1, 1), 2, 3),
        strides(groups(make(2, 10, 8, 64, 32, 1, 1), 2), 3, 1),
        same(make(2, 5, 6, 32, 13, 3, 3)),
        dilation(same(make(1, 5, 9, 48, 27, 3, 3)), 4, 1), /* taps that meet few outputs */
        pads(make(2, 4, 5, 32, 16, 3, 2), 3, 0, 2, 5),
        groups(same(make(1, 7, 7, 64, 32, 3, 3)), 2),
        /* More than the nearer cache holds. */
        with_bias(make(1, 108, 108, 32, 13, 1, 1), CLCNN_ACTIVATION_LINEAR),
        same(make(2, 75, 76, 32, 14, 2, 1)),
    };
    for (const conv_case &params : cases)
        test_everywhere(params, CONV_INTEGERS);
    test_everywhere(make(4, 54, 55, 32, 13, 1, 1), CONV_INTEGERS, 1);
}

TEST_CASE("conv2d: small gradients in place, exactly", "[conv2d]")
{
    test_everywhere(with_bias(make(1, 3, 5, 32, 14, 1, 1), CLCNN_ACTIVATION_LINEAR), CONV_INTEGERS);
    test_everywhere(strides(make(1, 5, 7, 16, 10, 1, 1), 2, 3), CONV_INTEGERS);
    test_everywhere(same(make(1, 3, 4, 16, 5, 3, 3)), CONV_INTEGERS);
}

/* Few channels: strips of image rows, longer than local memory holds in the last. */
TEST_CASE("conv2d: first layers, exactly", "[conv2d]")
{
    const conv_case cases[] = {
        make(3, 9, 30, 1, 32, 3, 3),
        with_bias(strides(make(2, 30, 31, 3, 20, 7, 7), 2, 2), CLCNN_ACTIVATION_RELU),
        dilation(same(make(1, 20, 21, 4, 9, 3, 3)), 2, 3),
        pads(make(2, 8, 40, 2, 33, 5, 5), 3, 4, 1, 6),
        make(1, 12, 1300, 3, 4, 11, 5),
        strides(make(2, 39, 43, 3, 33, 11, 11), 4, 4), /* tiles of 11, 9, 6 and 3 taps */
        same(make(3, 17, 18, 3, 32, 3, 3)),
        same(make(2, 12, 13, 1, 16, 5, 5)),
        dilation(same(make(2, 14, 15, 3, 17, 4, 3)), 2, 2),
        make(1, 9, 10, 4, 48, 1, 1),
        same(make(1, 3, 8000, 1, 3, 2, 3)),
    };
    for (const conv_case &params : cases)
        test_everywhere(params, CONV_INTEGERS);
}

TEST_CASE("conv2d: added to what y holds, exactly", "[conv2d]")
{
    const conv_case cases[] = {
        make(2, 5, 6, 3, 4, 3, 3),
        with_bias(same(make(2, 7, 9, 17, 33, 3, 3)), CLCNN_ACTIVATION_RELU),
        with_bias(make(3, 4, 5, 20, 24, 1, 1), CLCNN_ACTIVATION_RELU),
        strides(same(make(1, 9, 8, 300, 35, 3, 3)), 2, 2), /* the sum in several parts */
        with_bias(groups(same(make(2, 6, 7, 19, 19, 3, 5)), 19), CLCNN_ACTIVATION_RELU),
        groups(dilation(make(1, 9, 9, 8, 12, 3, 3), 2, 2), 4),
        strides(make(2, 30, 31, 3, 20, 7, 7), 2, 2),
        same(make(1, 2, 2, 3, 3, 5, 5)),
    };
    for (conv_case params : cases) {
        params.accumulate = true;
        test_everywhere(params, CONV_INTEGERS);
    }
}

TEST_CASE("conv2d: random legal problems, exactly", "[conv2d]")
{
    std::mt19937 random(20240607);
    auto draw = [&](int low, int high) {
        return low + (int)(random() % (unsigned)(high - low + 1));
    };
    for (int i = 0; i < 60; i++) {
        int group_count = draw(0, 2) ? 1 : draw(1, 4);
        conv_case params = make(draw(1, 3), draw(1, 9), draw(1, 9), group_count * draw(1, 9),
                                group_count * draw(1, 9), draw(1, 4), draw(1, 4));
        params.groups = group_count;
        params.use_bias = draw(0, 1) != 0;
        params.accumulate = draw(0, 3) == 0;
        params.activation = draw(0, 1) ? CLCNN_ACTIVATION_RELU : CLCNN_ACTIVATION_LINEAR;
        if (draw(0, 1))
            params = strides(params, draw(1, 3), draw(1, 3));
        else
            params = dilation(params, draw(1, 3), draw(1, 3));
        params.padding = (enum clcnn_padding)draw(0, 2);
        if (params.padding == CLCNN_PADDING_EXPLICIT)
            params = pads(params, draw(0, 3), draw(0, 3), draw(0, 3), draw(0, 3));
        int output[2];
        if (clcnn_conv2d_output_size(&params, output) != CLCNN_STATUS_OK)
            params = same(params);
        std::fill(params.pads, params.pads + (params.padding == CLCNN_PADDING_SAME ? 4 : 0), 0);
        test_everywhere(params, CONV_INTEGERS);
    }
}

TEST_CASE("conv2d: layers of networks", "[conv2d]")
{
    const conv_case cases[] = {
        with_bias(make(2, 28, 28, 1, 32, 3, 3), CLCNN_ACTIVATION_RELU), /* mnist-cnn */
        with_bias(make(3, 13, 13, 32, 64, 3, 3), CLCNN_ACTIVATION_RELU),
        with_bias(make(5, 5, 5, 64, 64, 3, 3), CLCNN_ACTIVATION_RELU),
        with_bias(make(1, 32, 32, 1, 6, 5, 5), CLCNN_ACTIVATION_TANH), /* lenet-5 */
        with_bias(make(2, 14, 14, 6, 16, 5, 5), CLCNN_ACTIVATION_TANH),
        with_bias(strides(make(1, 39, 39, 3, 24, 11, 11), 4, 4),
                  CLCNN_ACTIVATION_RELU), /* alexnet */
        with_bias(same(make(1, 7, 7, 24, 48, 5, 5)), CLCNN_ACTIVATION_RELU),
        with_bias(same(make(1, 5, 5, 96, 64, 3, 3)), CLCNN_ACTIVATION_LEAKY_RELU),
        with_bias(strides(same(make(1, 14, 14, 16, 32, 3, 3)), 2, 2), CLCNN_ACTIVATION_SIGMOID),
    };
    for (conv_case params : cases) {
        test_everywhere(params, CONV_RANDOM);
        params.accumulate = !params.accumulate;
        test_everywhere(params, CONV_RANDOM);
    }
}

TEST_CASE("conv2d: a batch below the planned one", "[conv2d]")
{
    test_everywhere(make(7, 5, 6, 5, 9, 3, 3), CONV_INTEGERS, 1);
    test_everywhere(strides(same(make(64, 6, 6, 3, 8, 3, 3)), 2, 2), CONV_INTEGERS, 37);
    test_everywhere(groups(make(5, 4, 4, 6, 6, 1, 1), 2), CONV_INTEGERS, 3);
    test_everywhere(groups(same(make(4, 4, 4, 6, 6, 3, 3)), 6), CONV_INTEGERS, 3);
}
