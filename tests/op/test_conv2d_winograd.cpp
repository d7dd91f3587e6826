/* The Winograd implementations of conv2d on both classes phase by phase, with every vector width of
 * the CPU class: every result against the reference by the declared bound, and the same bits
 * twice. */
#include "op/conv2d_cases.hpp"
#include "support/owned.hpp"
#include <cstring>
#include <filesystem>

typedef Owned<struct clcnn_device, clcnn_device_destroy> device_owner;

static const enum clcnn_conv2d_algorithm algorithms[] = {CLCNN_CONV2D_ALGORITHM_WINOGRAD_2X2,
                                                         CLCNN_CONV2D_ALGORITHM_WINOGRAD_4X4,
                                                         CLCNN_CONV2D_ALGORITHM_WINOGRAD_6X6};
static const int tiles[] = {2, 4, 6};
static const enum clcnn_conv2d_phase phases[] = {CLCNN_CONV2D_PHASE_FORWARD,
                                                 CLCNN_CONV2D_PHASE_BACKWARD_DATA,
                                                 CLCNN_CONV2D_PHASE_BACKWARD_FILTER};

/* A square filter and as many zeros on every side. */
static conv_case square(int n, int h, int w, int c, int k, int filter, int pad)
{
    return pads(make(n, h, w, c, k, filter, filter), pad, pad, pad, pad);
}

/* A device of the CPU class whose kernels take it for one with vectors of `width` floats. */
static void open_narrow(int width, struct clcnn_device **device)
{
    struct clcnn_device_params params = {};
    params.force_class = CLCNN_DEVICE_CLASS_CPU;
    CHECK_OK(clcnn_device_open(&params, device));
    const_cast<struct clcnn_device_info *>(clcnn_device_info(*device))->vector_width = width;
}

/* One algorithm and phase, twice; the second forward call with a filter packed beforehand. */
static void check_phase(struct clcnn_device *device, const conv_problem &problem,
                        enum clcnn_conv2d_algorithm algorithm, enum clcnn_conv2d_phase phase)
{
    conv_case params = problem.params;
    conv_op op;
    params.algorithm = algorithm;
    params.phases = 1u << phase;
    INFO(conv_describe(params) << " by algorithm " << algorithm << ", phase " << phase
                               << ", vectors of " << clcnn_device_info(device)->vector_width);
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    const bool forward = phase == CLCNN_CONV2D_PHASE_FORWARD;
    const conv_outputs first = conv_run(device, op.op, phase, problem);
    conv_check(problem, op.op, phase, first);
    const conv_outputs second = conv_run(device, op.op, phase, problem, forward);
    CHECK(std::memcmp(first.result.data(), second.result.data(),
                      first.result.size() * sizeof(float)) == 0);
}

static void check(const conv_case &params, enum conv_inputs inputs)
{
    const conv_problem problem(params, inputs);
    for (enum clcnn_device_class device_class : test_classes)
        for (int i = 0; i < (params.kernel[0] == 3 ? 3 : 2); i++)
            for (enum clcnn_conv2d_phase phase : phases)
                check_phase(test_device(device_class), problem, algorithms[i], phase);
}

TEST_CASE("conv2d winograd: edges of the tiles", "[conv2d][winograd]")
{
    for (int m : tiles) {
        for (int size : {1, m - 1, m, m + 1, 2 * m + 1, 17})
            check(square(1, size, 19 - size, 5, 7, 3, 1), CONV_RANDOM);
        check(square(1, m + 2, 2 * m + 3, 5, 7, 3, 0), CONV_RANDOM); /* P = m, Q = 2 m + 1 */
    }
    for (int size : {1, 2, 3, 4, 5, 9, 13})
        check(square(1, size, 14 - size, 6, 5, 5, 2), CONV_RANDOM);
}

TEST_CASE("conv2d winograd: edges of the vectors", "[conv2d][winograd]")
{
    for (int size : {1, 3, 15, 16, 17, 33})
        for (int other : {1, 17})
            check(square(1, 5, 6, size, other, 3, 1), CONV_RANDOM);
    for (int size : {15, 16, 33})
        check(square(2, 4, 7, 3, size, 3, 1), CONV_RANDOM);
    check(square(1, 6, 5, 17, 33, 5, 2), CONV_RANDOM);
}

/* 4x4 for all: to build one program takes a second. */
TEST_CASE("conv2d winograd: shorter vectors", "[conv2d][winograd]")
{
    for (int width : {8, 4}) {
        device_owner device;
        open_narrow(width, &device);
        for (int size : {1, width - 1, width, width + 1, 2 * width, 2 * width + 1}) {
            for (const conv_case &params :
                 {square(1, 9, 6, size, 2 * width + 3, 3, 1), square(3, 4, 11, 5, size, 3, 1),
                  groups(square(2, 5, 7, 4, 2 * size, 3, 1), 2)}) {
                const conv_problem problem(params, CONV_RANDOM);
                for (enum clcnn_conv2d_phase phase : phases)
                    check_phase(device, problem, CLCNN_CONV2D_ALGORITHM_WINOGRAD_4X4, phase);
            }
        }
    }
}

/* Every height of the register tile: 1 .. 15 tiles of F(2), and more blocks than one. */
TEST_CASE("conv2d winograd: numbers of tiles", "[conv2d][winograd]")
{
    for (int count = 1; count <= 15; count++)
        check(square(1, 2, 2 * count, 18, 20, 3, 1), CONV_RANDOM);
    for (int batch : {2, 13, 29})
        check(square(batch, 3, 5, 3, 4, 3, 1), CONV_RANDOM);
    check(square(1, 61, 59, 4, 5, 3, 1), CONV_RANDOM);
}

TEST_CASE("conv2d winograd: pads, groups, epilogues", "[conv2d][winograd]")
{
    check(pads(square(2, 6, 5, 3, 4, 3, 0), 2, 0, 1, 2), CONV_RANDOM);
    check(pads(square(1, 6, 7, 3, 4, 3, 0), 0, 2, 2, 1), CONV_RANDOM);
    check(pads(square(1, 6, 7, 3, 4, 5, 0), 4, 1, 0, 3), CONV_RANDOM);
    check(groups(square(1, 7, 6, 6, 9, 3, 1), 3), CONV_RANDOM);
    check(groups(square(1, 7, 6, 5, 5, 3, 1), 5), CONV_RANDOM);
    check(groups(square(1, 7, 9, 8, 4, 5, 2), 2), CONV_RANDOM);
    for (int activation = 0; activation < CLCNN_ACTIVATION_SOFTMAX; activation++) {
        conv_case params = square(2, 7, 9, 4, 21, 3, 1);
        params.use_bias = activation % 2;
        params.accumulate = activation > 1;
        params.activation = (enum clcnn_activation)activation;
        check(params, CONV_RANDOM);
    }
    /* Pads that reach beyond the image: outputs that see nothing but zeros. */
    const conv_problem wide(pads(square(1, 3, 2, 2, 2, 3, 0), 7, 5, 6, 8), CONV_RANDOM, 1);
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_conv2d_algorithm algorithm : algorithms)
            check_phase(test_device(device_class), wide, algorithm, CLCNN_CONV2D_PHASE_FORWARD);
}

TEST_CASE("conv2d winograd: a batch below the planned one", "[conv2d][winograd]")
{
    const conv_problem problem(square(5, 6, 7, 3, 4, 3, 1), CONV_RANDOM, 7, 2);
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_conv2d_algorithm algorithm : algorithms)
            for (enum clcnn_conv2d_phase phase : phases)
                check_phase(test_device(device_class), problem, algorithm, phase);
}

/* conv_check compares every element with the op's own bound: measured <= declared. */
TEST_CASE("conv2d winograd: the error stays inside the declared bound", "[conv2d][winograd]")
{
    for (enum conv_inputs inputs : {CONV_INTEGERS, CONV_POSITIVE, CONV_HUGE_RANGE}) {
        check(square(1, 13, 14, 70, 18, 3, 1), inputs);
        check(square(2, 9, 8, 37, 19, 5, 2), inputs);
    }
}

/* Photographs are positive and smooth: neighbours hardly differ, and nothing cancels. */
TEST_CASE("conv2d winograd: the bound on a photograph", "[conv2d][winograd]")
{
    const std::string path = data_path("images/kitten_224.png");
    NEED_FILE(path);
    Owned<struct clcnn_tensor, clcnn_tensor_destroy> whole, small;
    if (clcnn_image_read(path.c_str(), 3, &whole) == CLCNN_STATUS_UNSUPPORTED) {
        WARN("SKIPPED: " << clcnn_error_message());
        return;
    }
    CHECK_OK(clcnn_image_resize(whole, 45, 38, &small));
    const uint8_t *pixels = (const uint8_t *)clcnn_tensor_const_data(small);
    conv_problem problem(square(1, 45, 38, 3, 17, 3, 1), CONV_RANDOM, 7);
    problem.x.assign(pixels, pixels + problem.x.size());
    problem.y = ref_conv2d_forward(problem.shape, problem.x, problem.w);
    problem.dw = ref_conv2d_backward_filter(problem.shape, problem.x, problem.dy);
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_conv2d_algorithm algorithm : algorithms)
            for (enum clcnn_conv2d_phase phase : phases)
                check_phase(test_device(device_class), problem, algorithm, phase);
}

/* With less and less workspace, until it is refused. */
static void check_shrinking(struct clcnn_device *device, const conv_problem &problem,
                            enum clcnn_conv2d_algorithm algorithm, enum clcnn_conv2d_phase phase)
{
    conv_case params = problem.params;
    params.algorithm = algorithm;
    params.phases = 1u << phase;
    size_t least = 0;
    for (size_t bytes = (size_t)1 << 24; bytes > 1 << 12; bytes -= bytes / 3) {
        conv_op op;
        params.max_workspace = bytes;
        enum clcnn_status status = clcnn_conv2d_create(device, &params, &op.op);
        if (status == CLCNN_STATUS_UNSUPPORTED)
            break;
        CHECK_OK(status);
        least = clcnn_conv2d_workspace_size(op.op, phase);
        INFO("phase " << phase << " in " << bytes << " bytes");
        CHECK(least <= bytes);
        conv_check(problem, op.op, phase, conv_run(device, op.op, phase, problem));
    }
    INFO("needs " << least);
    CHECK(least > 0);
    CHECK(std::string(clcnn_error_message()).find("bytes of workspace") != std::string::npos);
}

TEST_CASE("conv2d winograd: the workspace shrinks to a minimum", "[conv2d][winograd]")
{
    const conv_problem problem(square(3, 14, 15, 20, 130, 3, 1), CONV_RANDOM);
    const conv_problem small(square(2, 9, 10, 6, 30, 3, 1), CONV_RANDOM);
    for (enum clcnn_conv2d_phase phase : phases) {
        for (enum clcnn_conv2d_algorithm algorithm : algorithms)
            check_shrinking(test_device(CLCNN_DEVICE_CLASS_CPU), problem, algorithm, phase);
        check_shrinking(test_device(CLCNN_DEVICE_CLASS_GPU), small,
                        CLCNN_CONV2D_ALGORITHM_WINOGRAD_4X4, phase);
    }
}

TEST_CASE("conv2d winograd: what it does not support", "[conv2d][winograd]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    const conv_case base = square(1, 9, 9, 3, 4, 3, 1);
    conv_case strided = base, dilated = base, oblong = base, large = base, wide = base;
    strided.strides[1] = 2;
    dilated.dilation_rate[0] = 2;
    oblong.kernel[1] = 5;
    large.kernel[0] = large.kernel[1] = 7;
    wide.pads[2] = 3;
    for (conv_case params : {strided, dilated, oblong, large, wide}) {
        for (enum clcnn_conv2d_algorithm algorithm : algorithms) {
            conv_op op;
            params.algorithm = algorithm;
            params.phases = 1u << CLCNN_CONV2D_PHASE_BACKWARD_DATA;
            CHECK(clcnn_conv2d_create(device, &params, &op.op) == CLCNN_STATUS_UNSUPPORTED);
            CHECK(std::string(clcnn_error_message()).find("winograd") != std::string::npos);
        }
    }
}
