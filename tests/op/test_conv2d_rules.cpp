/* What conv2d refuses, and what it says. */
#include "op/conv2d_runner.hpp"

typedef struct clcnn_conv2d_params conv_case;

static conv_case small()
{
    conv_case params = {};
    params.batch = 2;
    params.height = 6;
    params.width = 7;
    params.channels = 4;
    params.filters = 6;
    params.kernel[0] = params.kernel[1] = 3;
    return params;
}

/* create must fail so, with the words in the message. */
static void refuse(const conv_case &params, const char *words)
{
    struct clcnn_conv2d *op = (struct clcnn_conv2d *)&op;
    INFO(words);
    CHECK(clcnn_conv2d_create(test_device(CLCNN_DEVICE_CLASS_CPU), &params, &op) ==
          CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(op == nullptr);
    INFO(clcnn_error_message());
    CHECK(std::string(clcnn_error_message()).find(words) != std::string::npos);
}

#define REFUSE(change, words)                                                                      \
    do {                                                                                           \
        conv_case p = small();                                                                     \
        change;                                                                                    \
        refuse(p, words);                                                                          \
    } while (0)

TEST_CASE("conv2d: parameters that are refused", "[conv2d]")
{
    REFUSE(p.batch = 0, "N=0");
    REFUSE(p.batch = -1, "N=-1");
    REFUSE(p.channels = 0, "C=0");
    REFUSE(p.filters = -3, "K=-3");
    REFUSE(p.height = 0, "height");
    REFUSE(p.width = -7, "width");
    REFUSE(p.kernel[0] = 0, "height: filter");
    REFUSE(p.kernel[1] = 0, "width: filter");
    REFUSE(p.kernel[0] = 7, "height");
    REFUSE(p.kernel[1] = 8, "width");
    REFUSE(p.strides[0] = -1, "stride");
    REFUSE(p.dilation_rate[1] = -2, "dilation");
    REFUSE(p.dilation_rate[0] = 3, "span 7");
    REFUSE((p.strides[0] = 2, p.dilation_rate[1] = 2),
           "strides 2x1 and dilation_rate 1x2 cannot both be above 1");
    REFUSE(p.groups = -1, "groups=-1");
    REFUSE((p.channels = 30, p.groups = 4), "conv2d: C=30 is not divisible by groups=4");
    REFUSE((p.channels = 8, p.groups = 4), "conv2d: K=6 is not divisible by groups=4");
    REFUSE(p.padding = (enum clcnn_padding)3, "padding 3");
    REFUSE(p.padding = (enum clcnn_padding) - 1, "padding -1");
    REFUSE(p.pads[2] = 1, "not CLCNN_PADDING_EXPLICIT");
    REFUSE((p.padding = CLCNN_PADDING_SAME, p.pads[1] = 1), "not CLCNN_PADDING_EXPLICIT");
    REFUSE((p.padding = CLCNN_PADDING_EXPLICIT, p.pads[3] = -1), "negative");
    REFUSE(p.activation = CLCNN_ACTIVATION_SOFTMAX, "cannot be fused");
    REFUSE(p.activation = (enum clcnn_activation)77, "cannot be fused");
    REFUSE(p.algorithm = CLCNN_CONV2D_ALGORITHM_COUNT, "algorithm");
    REFUSE(p.phases = 8, "phases 0x8");
    REFUSE(p.max_error = -1.0, "max_error");
    REFUSE(p.max_error = std::nan(""), "max_error");
    REFUSE((p.height = p.width = 30000, p.channels = 100000), "2^31-1");
    REFUSE((p.height = p.width = 1 << 20, p.batch = 1 << 30), "do not fit");
    REFUSE((p.height = p.width = 50000, p.kernel[0] = p.kernel[1] = 50000), "2^31-1");
}

TEST_CASE("conv2d: output sizes", "[conv2d]")
{
    struct {
        int size, filter, stride, pad;
        enum clcnn_padding padding;
        int expected;
    } const cases[] = {
        {28, 3, 2, 1, CLCNN_PADDING_EXPLICIT, 14}, {7, 3, 2, 1, CLCNN_PADDING_EXPLICIT, 4},
        {227, 11, 4, 0, CLCNN_PADDING_VALID, 55},  {28, 3, 1, 0, CLCNN_PADDING_VALID, 26},
        {28, 3, 2, 0, CLCNN_PADDING_SAME, 14},     {7, 3, 2, 0, CLCNN_PADDING_SAME, 4},
        {7, 4, 3, 0, CLCNN_PADDING_SAME, 3},       {5, 5, 1, 0, CLCNN_PADDING_VALID, 1},
    };
    for (const auto &c : cases) {
        conv_case params = small();
        params.height = params.width = c.size;
        params.kernel[0] = params.kernel[1] = c.filter;
        params.strides[0] = params.strides[1] = c.stride;
        params.padding = c.padding;
        std::fill(params.pads, params.pads + 4, c.pad);
        int output[2];
        CHECK_OK(clcnn_conv2d_output_size(&params, output));
        CHECK(output[0] == c.expected);
        CHECK(output[1] == c.expected);
    }
    conv_case params = small();
    int output[2];
    CHECK(clcnn_conv2d_output_size(nullptr, output) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_conv2d_output_size(&params, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
}

TEST_CASE("conv2d: missing arguments", "[conv2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_case params = small();
    conv_op op;
    CHECK(clcnn_conv2d_create(device, &params, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_conv2d_create(nullptr, &params, &op.op) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_conv2d_create(device, nullptr, &op.op) == CLCNN_STATUS_INVALID_ARGUMENT);
    struct clcnn_conv2d_args args = {};
    CHECK(clcnn_conv2d_forward(nullptr, &args, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    CHECK(clcnn_conv2d_forward(op.op, nullptr, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_conv2d_pack_filter(nullptr, nullptr, nullptr, nullptr) ==
          CLCNN_STATUS_INVALID_ARGUMENT);
    clcnn_conv2d_destroy(nullptr);
    struct clcnn_conv2d *none = nullptr;
    clcnn_conv2d_destroy(&none);
    CHECK(std::string(clcnn_conv2d_algorithm_name(nullptr, CLCNN_CONV2D_PHASE_FORWARD)) == "none");
}

TEST_CASE("conv2d: phases that were not prepared", "[conv2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_case params = small();
    params.phases = 1u << CLCNN_CONV2D_PHASE_FORWARD;
    conv_op op;
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    struct clcnn_conv2d_args args = {};
    CHECK(clcnn_conv2d_backward_data(op.op, &args, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(std::string(clcnn_error_message()).find("not prepared") != std::string::npos);
    CHECK(clcnn_conv2d_backward_filter(op.op, &args, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_conv2d_workspace_size(op.op, CLCNN_CONV2D_PHASE_BACKWARD_DATA) == 0);
    CHECK(std::string(clcnn_conv2d_algorithm_name(op.op, CLCNN_CONV2D_PHASE_BACKWARD_DATA)) ==
          "none");
}

TEST_CASE("conv2d: buffers that are refused", "[conv2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_case params = small();
    params.use_bias = true;
    const conv_problem problem(params, CONV_INTEGERS, 0);
    conv_op op;
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    size_t bytes = 4;
    for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++)
        bytes = std::max(bytes, clcnn_conv2d_workspace_size(op.op, (enum clcnn_conv2d_phase)i));
    Guarded x(device, problem.x), w(device, problem.w), bias(device, problem.bias);
    Guarded dy(device, problem.dy), y(device, problem.dy), dx(device, problem.x);
    Guarded dw(device, problem.w), db(device, problem.bias), workspace(device, bytes);
    Guarded tiny(device, 8);
    struct clcnn_conv2d_args good = {};
    good.x = x;
    good.w = w;
    good.bias = bias;
    good.dy = dy;
    good.y = y;
    good.dx = dx;
    good.dw = dw;
    good.db = db;
    good.workspace = workspace;

    auto refused = [&](enum clcnn_status (*call)(struct clcnn_conv2d *,
                                                 const struct clcnn_conv2d_args *,
                                                 const struct clcnn_enqueue *),
                       const struct clcnn_conv2d_args &args, const char *words) {
        INFO(words);
        CHECK(call(op.op, &args, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
        INFO(clcnn_error_message());
        CHECK(std::string(clcnn_error_message()).find(words) != std::string::npos);
    };
#define REFUSED(call, change, words)                                                               \
    do {                                                                                           \
        struct clcnn_conv2d_args a = good;                                                         \
        change;                                                                                    \
        refused(call, a, words);                                                                   \
    } while (0)
    REFUSED(clcnn_conv2d_forward, a.x = nullptr, "x");
    REFUSED(clcnn_conv2d_forward, a.x = tiny, "x has 8 bytes");
    REFUSED(clcnn_conv2d_forward, a.w = tiny, "w has 8 bytes");
    REFUSED(clcnn_conv2d_forward, a.bias = nullptr, "bias");
    REFUSED(clcnn_conv2d_forward, a.y = tiny, "y has 8 bytes");
    REFUSED(clcnn_conv2d_forward, a.batch = 3, "batch 3");
    REFUSED(clcnn_conv2d_forward, a.batch = -1, "batch -1");
    REFUSED(clcnn_conv2d_forward, a.y = x, "y overlaps x");
    if (clcnn_conv2d_workspace_size(op.op, CLCNN_CONV2D_PHASE_FORWARD) > 8) {
        REFUSED(clcnn_conv2d_forward, a.workspace = tiny, "workspace has 8 bytes");
        REFUSED(clcnn_conv2d_forward, a.workspace = nullptr, "workspace");
    }
    if (clcnn_conv2d_packed_filter_size(op.op) > 8)
        REFUSED(clcnn_conv2d_forward, a.packed_w = tiny, "packed_w has 8 bytes");
    REFUSED(clcnn_conv2d_backward_data, a.dy = nullptr, "dy");
    REFUSED(clcnn_conv2d_backward_data, a.w = nullptr, "w");
    REFUSED(clcnn_conv2d_backward_data, a.dx = tiny, "dx has 8 bytes");
    REFUSED(clcnn_conv2d_backward_data, a.dy = dx, "dx overlaps dy");
    REFUSED(clcnn_conv2d_backward_filter, a.dw = tiny, "dw has 8 bytes");
    REFUSED(clcnn_conv2d_backward_filter, a.db = tiny, "db has 8 bytes");
    REFUSED(clcnn_conv2d_backward_filter, a.dw = x, "dw overlaps x");
    REFUSED(clcnn_conv2d_backward_filter, a.db = dw, "dw overlaps db");
    CHECK_OK(clcnn_conv2d_forward(op.op, &good, nullptr));
    CHECK_OK(clcnn_conv2d_backward_data(op.op, &good, nullptr));
    good.db = nullptr; /* optional */
    CHECK_OK(clcnn_conv2d_backward_filter(op.op, &good, nullptr));
    CHECK_OK(clcnn_device_finish(device));
}

static std::vector<std::string> choices;
static void record(enum clcnn_log_level, const char *topic, const char *message, void *)
{
    if (std::string(topic) == "choose" && std::string(message).find("conv2d ") == 0)
        choices.push_back(message);
}

TEST_CASE("conv2d: the choice is logged with every loser's reason", "[conv2d]")
{
    conv_case params = small();
    params.phases = 1u << CLCNN_CONV2D_PHASE_FORWARD;
    conv_op op;
    choices.clear();
    clcnn_log_set(CLCNN_LOG_INFO, record, nullptr);
    enum clcnn_status status =
        clcnn_conv2d_create(test_device(CLCNN_DEVICE_CLASS_GPU), &params, &op.op);
    clcnn_log_set(CLCNN_LOG_INFO, nullptr, nullptr);
    CHECK_OK(status);
    REQUIRE(choices.size() == 1);
    INFO(choices[0]);
    for (const char *words : {"forward N=2 H=6 W=7 C=4 K=6 kernel=3x3", "ms predicted",
                              "gemm_1x1: the kernel is not 1x1", "implicit_gemm: CPU class only"})
        CHECK(choices[0].find(words) != std::string::npos);
    for (const conv_algorithm &algorithm : conv_algorithms)
        CHECK(choices[0].find(algorithm.name) != std::string::npos);
}
