/* What conv2d refuses, and what it says. */
#include "op/conv2d_runner.hpp"
#include <set>

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
    REFUSE(p.channels = -4, "C=-4");
    REFUSE(p.filters = 0, "K=0");
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
    REFUSE(p.algorithm = CLCNN_CONV2D_ALGORITHM_COUNT, "is unknown");
    REFUSE(p.activation_alpha = -0.5f, "activation_alpha=-0.5");
    REFUSE(p.activation_alpha = std::nanf(""), "activation_alpha=");
    REFUSE(p.phases = 8, "phases 0x8");
    REFUSE(p.max_error = -1.0, "max_error");
    REFUSE(p.max_error = std::nan(""), "max_error");
    REFUSE((p.height = p.width = 30000, p.channels = 100000), "2^31-1");
    REFUSE(p.filters = 1 << 30, "Q=5 x K=1073741824 elements exceeds 2^31-1");
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

TEST_CASE("conv2d: output sizes that are refused", "[conv2d]")
{
    auto refused = [](const conv_case &params, const char *words) {
        int output[2];
        CHECK_FAILS(clcnn_conv2d_output_size(&params, output), CLCNN_STATUS_INVALID_ARGUMENT,
                    words);
    };
#define REFUSE_SIZE(change, words)                                                                 \
    do {                                                                                           \
        conv_case p = small();                                                                     \
        change;                                                                                    \
        refused(p, words);                                                                         \
    } while (0)
    REFUSE_SIZE(p.height = 0, "conv2d: height 0");
    REFUSE_SIZE(p.width = -7, "conv2d: width -7");
    REFUSE_SIZE(p.kernel[0] = 0, "conv2d: height: filter size 0");
    REFUSE_SIZE(p.kernel[1] = 8, "smaller than the filter's span 8");
    REFUSE_SIZE(p.strides[0] = -1, "stride -1");
    REFUSE_SIZE(p.dilation_rate[1] = -2, "dilation -2");
    REFUSE_SIZE((p.strides[0] = 2, p.dilation_rate[0] = 2), "cannot both be above 1");
    REFUSE_SIZE(p.padding = (enum clcnn_padding)3, "padding 3 is unknown");
    REFUSE_SIZE(p.pads[3] = 1, "padding is not CLCNN_PADDING_EXPLICIT");
    REFUSE_SIZE((p.padding = CLCNN_PADDING_EXPLICIT, p.pads[0] = -1), "is negative");
    /* What is not read may be anything. */
    conv_case params = small();
    params.batch = params.channels = params.filters = params.groups = -1;
    params.algorithm = CLCNN_CONV2D_ALGORITHM_COUNT;
    params.activation = CLCNN_ACTIVATION_SOFTMAX;
    int output[2];
    CHECK_OK(clcnn_conv2d_output_size(&params, output));
    CHECK((output[0] == 4 && output[1] == 5));
}

TEST_CASE("conv2d: an algorithm that cannot", "[conv2d]")
{
    conv_case params = small();
    params.algorithm = CLCNN_CONV2D_ALGORITHM_GEMM_1X1; /* the filter is 3x3 */
    struct clcnn_conv2d *op = (struct clcnn_conv2d *)&op;
    CHECK_FAILS(clcnn_conv2d_create(test_device(CLCNN_DEVICE_CLASS_CPU), &params, &op),
                CLCNN_STATUS_UNSUPPORTED, "the kernel is not 1x1");
    CHECK(op == nullptr);
    params.algorithm = CLCNN_CONV2D_ALGORITHM_IM2COL_GEMM;
    params.max_workspace = 1;
    CHECK_FAILS(clcnn_conv2d_create(test_device(CLCNN_DEVICE_CLASS_CPU), &params, &op),
                CLCNN_STATUS_UNSUPPORTED, "workspace");
}

TEST_CASE("conv2d: phases that do not exist", "[conv2d]")
{
    conv_case params = small();
    conv_op op;
    CHECK_OK(clcnn_conv2d_create(test_device(CLCNN_DEVICE_CLASS_CPU), &params, &op.op));
    CHECK(std::string(clcnn_conv2d_algorithm_name(op.op, CLCNN_CONV2D_PHASE_COUNT)) == "none");
    CHECK(clcnn_conv2d_error_bound(op.op, CLCNN_CONV2D_PHASE_COUNT) == 0.0);
    CHECK(clcnn_conv2d_workspace_size(op.op, CLCNN_CONV2D_PHASE_COUNT) == 0);
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
    REFUSED(clcnn_conv2d_forward, a.w = nullptr, "w is NULL");
    REFUSED(clcnn_conv2d_forward, a.y = nullptr, "y is NULL");
    REFUSED(clcnn_conv2d_forward, a.bias = tiny, "bias has 8 bytes");
    REFUSED(clcnn_conv2d_forward, a.w = a.y, "y overlaps w");
    REFUSED(clcnn_conv2d_forward, a.bias = a.y, "y overlaps bias");
    REFUSED(clcnn_conv2d_backward_data, a.batch = 3, "batch 3");
    REFUSED(clcnn_conv2d_backward_data, a.dy = tiny, "dy has 8 bytes");
    REFUSED(clcnn_conv2d_backward_data, a.w = tiny, "w has 8 bytes");
    REFUSED(clcnn_conv2d_backward_data, a.dx = nullptr, "dx is NULL");
    REFUSED(clcnn_conv2d_backward_data, a.w = a.dx, "dx overlaps w");
    REFUSED(clcnn_conv2d_backward_filter, a.batch = -1, "batch -1");
    REFUSED(clcnn_conv2d_backward_filter, a.x = nullptr, "x is NULL");
    REFUSED(clcnn_conv2d_backward_filter, a.x = tiny, "x has 8 bytes");
    REFUSED(clcnn_conv2d_backward_filter, a.dy = nullptr, "dy is NULL");
    REFUSED(clcnn_conv2d_backward_filter, a.dy = tiny, "dy has 8 bytes");
    REFUSED(clcnn_conv2d_backward_filter, a.dw = nullptr, "dw is NULL");
    REFUSED(clcnn_conv2d_backward_filter, a.dw = dy, "dw overlaps dy");
    REFUSED(clcnn_conv2d_backward_filter, a.db = x, "db overlaps x");
    REFUSED(clcnn_conv2d_backward_filter, a.db = dy, "db overlaps dy");
    CHECK_OK(clcnn_conv2d_forward(op.op, &good, nullptr));
    CHECK_OK(clcnn_conv2d_backward_data(op.op, &good, nullptr));
    good.db = nullptr; /* optional */
    CHECK_OK(clcnn_conv2d_backward_filter(op.op, &good, nullptr));
    CHECK_OK(clcnn_device_finish(device));
}

TEST_CASE("conv2d: a workspace that is missing, too small or shared", "[conv2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_GPU);
    conv_case params = small();
    params.algorithm = CLCNN_CONV2D_ALGORITHM_IM2COL_GEMM; /* needs some in every phase */
    const conv_problem problem(params, CONV_INTEGERS, 0);
    conv_op op;
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    Guarded x(device, problem.x), w(device, problem.w), dy(device, problem.dy);
    Guarded y(device, problem.dy), dx(device, problem.x), dw(device, problem.w);
    Guarded db(device, problem.bias), large(device, (size_t)1 << 20), tiny(device, 4);
    struct clcnn_conv2d_args good = {};
    good.x = x;
    good.w = w;
    good.dy = dy;
    good.y = y;
    good.dx = dx;
    good.dw = dw;
    good.db = db;
    good.workspace = large;
    struct {
        enum clcnn_status (*call)(struct clcnn_conv2d *, const struct clcnn_conv2d_args *,
                                  const struct clcnn_enqueue *);
        struct clcnn_buffer *output;
        const struct clcnn_buffer *inputs[2];
    } const calls[] = {{clcnn_conv2d_forward, y, {x, w}},
                       {clcnn_conv2d_backward_data, dx, {dy, w}},
                       {clcnn_conv2d_backward_filter, dw, {x, dy}},
                       {clcnn_conv2d_backward_filter, db, {x, dy}}};
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++)
        REQUIRE(clcnn_conv2d_workspace_size(op.op, (enum clcnn_conv2d_phase)i) > 4);
    for (const auto &c : calls) {
        struct clcnn_conv2d_args a = good;
        a.workspace = nullptr;
        CHECK_FAILS(c.call(op.op, &a, nullptr), invalid, "workspace is NULL");
        a.workspace = tiny;
        CHECK_FAILS(c.call(op.op, &a, nullptr), invalid, "workspace has 4 bytes");
        for (const struct clcnn_buffer *other :
             {(const struct clcnn_buffer *)c.output, c.inputs[0], c.inputs[1]}) {
            a = good;
            for (const struct clcnn_buffer **member : {&a.x, &a.w, &a.dy})
                *member = *member == other ? a.workspace : *member;
            for (struct clcnn_buffer **member : {&a.y, &a.dx, &a.dw, &a.db})
                *member = *member == other ? a.workspace : *member;
            CHECK_FAILS(c.call(op.op, &a, nullptr), invalid, "overlaps");
        }
    }
}

TEST_CASE("conv2d: packing that is refused", "[conv2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_case params = small();
    params.algorithm = CLCNN_CONV2D_ALGORITHM_IM2COL_GEMM;
    const conv_problem problem(params, CONV_INTEGERS, 0);
    conv_op op, direct;
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    REQUIRE(clcnn_conv2d_packed_filter_size(op.op) > 4);
    Guarded x(device, problem.x), y(device, problem.dy), w(device, problem.w), tiny(device, 4);
    Guarded packed(device, clcnn_conv2d_packed_filter_size(op.op)), large(device, (size_t)1 << 20);
    auto refused = [&](struct clcnn_conv2d *of, struct clcnn_buffer *from, struct clcnn_buffer *to,
                       const char *words) {
        CHECK_FAILS(clcnn_conv2d_pack_filter(of, from, to, nullptr), CLCNN_STATUS_INVALID_ARGUMENT,
                    words);
    };
    refused(nullptr, w, packed, "op must not be NULL");
    refused(op.op, nullptr, packed, "w is NULL");
    refused(op.op, tiny, packed, "w has 4 bytes");
    refused(op.op, w, nullptr, "packed is NULL");
    refused(op.op, w, tiny, "packed has 4 bytes");
    refused(op.op, large, large, "packed overlaps w");
    CHECK_OK(clcnn_conv2d_pack_filter(op.op, w, packed, nullptr));
    struct clcnn_conv2d_args args = {};
    args.x = x;
    args.y = y;
    args.workspace = large;
    args.packed_w = tiny;
    CHECK_FAILS(clcnn_conv2d_forward(op.op, &args, nullptr), CLCNN_STATUS_INVALID_ARGUMENT,
                "packed_w has 4 bytes");
    args.packed_w = args.workspace;
    CHECK_FAILS(clcnn_conv2d_forward(op.op, &args, nullptr), CLCNN_STATUS_INVALID_ARGUMENT,
                "workspace overlaps packed_w");
    Guarded both(device, (size_t)1 << 20);
    args.packed_w = args.y = both;
    CHECK_FAILS(clcnn_conv2d_forward(op.op, &args, nullptr), CLCNN_STATUS_INVALID_ARGUMENT,
                "y overlaps packed_w");

    params.algorithm = CLCNN_CONV2D_ALGORITHM_DIRECT;
    CHECK_OK(clcnn_conv2d_create(device, &params, &direct.op));
    REQUIRE(clcnn_conv2d_packed_filter_size(direct.op) == 0);
    refused(direct.op, w, packed, "direct does not pack filters");
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
                              "gemm_1x1: the kernel is not 1x1"})
        CHECK(choices[0].find(words) != std::string::npos);
    for (const conv_algorithm &algorithm : conv_algorithms)
        CHECK(choices[0].find(algorithm.name) != std::string::npos);
}

TEST_CASE("conv2d: every implementation has a word of its own", "[conv2d]")
{
    std::set<std::string> words = {"auto"};
    CHECK(clcnn_conv2d_algorithm_word(CLCNN_CONV2D_ALGORITHM_AUTO) == std::string("auto"));
    for (const conv_algorithm &each : conv_algorithms) {
        CHECK(clcnn_conv2d_algorithm_word(each.algorithm) == std::string(each.name));
        CHECK(words.insert(each.name).second);
    }
    CHECK(clcnn_conv2d_algorithm_word(CLCNN_CONV2D_ALGORITHM_COUNT) == nullptr);
}
