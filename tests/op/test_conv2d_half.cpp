/* conv2d with float16 storage: every implementation either computes it, to the bound it declares
 * for the stored inputs and the rounding of y to half, or says that it does not. */
#include "op/conv2d_runner.hpp"
#include "support/compare.hpp"

typedef struct clcnn_conv2d_params conv_case;

namespace
{

conv_case make(int n, int size, int c, int k, int kernel, int stride, int groups,
               enum clcnn_activation activation = CLCNN_ACTIVATION_LINEAR, bool accumulate = false)
{
    conv_case params = {};
    params.batch = n;
    params.height = size;
    params.width = size + 1;
    params.channels = c;
    params.filters = k;
    params.kernel[0] = params.kernel[1] = kernel;
    params.strides[0] = params.strides[1] = stride;
    params.groups = groups;
    params.padding = CLCNN_PADDING_SAME;
    params.use_bias = activation != CLCNN_ACTIVATION_LINEAR;
    params.activation = activation;
    params.accumulate = accumulate;
    params.storage = CLCNN_DTYPE_FLOAT16;
    return params;
}

/* An algorithm that cannot run the problem in float32 either is left out. */
bool can_run(struct clcnn_device *device, conv_case params, bool *half)
{
    conv_op wide, narrow;
    *half = clcnn_conv2d_create(device, &params, &narrow.op) == CLCNN_STATUS_OK;
    std::string reason = clcnn_error_message();
    params.storage = CLCNN_DTYPE_FLOAT32;
    bool runs = clcnn_conv2d_create(device, &params, &wide.op) == CLCNN_STATUS_OK;
    if (runs && !*half)
        CHECK(reason.find("stores float32 alone") != std::string::npos);
    return runs && *half;
}

void check_case(const conv_case &base, enum conv_inputs inputs, int batch = 0)
{
    const conv_problem problem(base, inputs, 1, batch);
    const enum clcnn_conv2d_phase forward = CLCNN_CONV2D_PHASE_FORWARD;
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        for (const conv_algorithm &algorithm : conv_algorithms) {
            INFO(conv_describe(base)
                 << " by " << algorithm.name << " on " << clcnn_device_class_name(device_class));
            conv_case params = base;
            params.algorithm = algorithm.algorithm;
            params.phases = 1u << forward;
            bool half;
            if (!can_run(device, params, &half)) {
                CHECK(algorithm.algorithm != CLCNN_CONV2D_ALGORITHM_DIRECT);
                continue;
            }
            conv_op op;
            CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
            conv_outputs first = conv_run(device, op.op, forward, problem);
            conv_check(problem, op.op, forward, first);
            bool packs = clcnn_conv2d_packed_filter_size(op.op) > 0;
            conv_outputs second = conv_run(device, op.op, forward, problem, packs, true);
            check_same_bits(first.result, second.result);
        }
    }
}

} // namespace

TEST_CASE("conv2d in half storage: every implementation", "[conv2d][half]")
{
    const enum clcnn_activation relu = CLCNN_ACTIVATION_RELU, tanh = CLCNN_ACTIVATION_TANH;
    const conv_case cases[] = {
        make(1, 1, 1, 1, 1, 1, 1),
        make(2, 7, 3, 5, 3, 1, 1, relu),
        make(1, 9, 16, 33, 3, 1, 1, relu),
        make(1, 12, 17, 40, 3, 2, 1, tanh),
        make(2, 6, 70, 64, 1, 1, 1, relu, true),
        make(1, 10, 300, 37, 1, 1, 1, relu), /* deeper than a block of K */
        make(1, 5, 64, 20, 3, 1, 1, relu, true),
        make(1, 5, 600, 33, 3, 1, 1, relu, true),
        make(1, 8, 12, 18, 5, 1, 3),
        make(1, 11, 40, 40, 3, 1, 40, relu), /* depthwise */
        make(1, 11, 19, 38, 3, 2, 19),
        make(1, 23, 3, 64, 11, 4, 1, relu), /* a first layer */
    };
    for (const conv_case &params : cases)
        for (enum conv_inputs inputs : {CONV_RANDOM, CONV_POSITIVE})
            check_case(params, inputs);
    check_case(make(3, 8, 40, 34, 3, 1, 1, relu), CONV_RANDOM, 2);
}

TEST_CASE("conv2d in half storage: whole numbers, exactly", "[conv2d][half]")
{
    for (const conv_case &params : {make(1, 8, 20, 33, 3, 1, 1), make(2, 5, 40, 16, 1, 1, 1)})
        check_case(params, CONV_INTEGERS);
}

TEST_CASE("conv2d in half storage: from 65520 on y is infinite", "[conv2d][half]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        conv_problem problem(make(1, 1, 32, 1, 1, 1, 1), CONV_POSITIVE, 1);
        std::fill(problem.x.begin(), problem.x.end(), 2048.0f);
        std::fill(problem.w.begin(), problem.w.end(), 1.0f);
        conv_op op;
        CHECK_OK(clcnn_conv2d_create(device, &problem.params, &op.op));
        for (float value : conv_run(device, op.op, CLCNN_CONV2D_PHASE_FORWARD, problem).result)
            CHECK(value == std::numeric_limits<float>::infinity());
    }
}

TEST_CASE("conv2d in half storage: forward alone", "[conv2d][half]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_case params = make(1, 8, 4, 4, 3, 1, 1);
    conv_op op, none;
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    CHECK(clcnn_conv2d_algorithm_name(op.op, CLCNN_CONV2D_PHASE_BACKWARD_DATA) ==
          std::string("none"));
    params.phases = 1u << CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    CHECK_FAILS(clcnn_conv2d_create(device, &params, &none.op), CLCNN_STATUS_UNSUPPORTED,
                "direct: stores float32 alone");
    params.phases = 0;
    params.storage = CLCNN_DTYPE_UINT8;
    CHECK_INVALID(clcnn_conv2d_create(device, &params, &none.op),
                  "storage uint8 (3) is neither float32 nor float16");
}
