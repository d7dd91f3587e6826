/* How conv2d chooses: what is forbidden, budgets, timing and what is kept of it. */
#include "device/log.hpp"
#include "op/conv2d_runner.hpp"
#include "support/files.hpp"
#include "support/owned.hpp"
#include <cmath>

extern "C" {
#include "config.h"
#include "op/conv2d_choose.h"
}

typedef struct clcnn_conv2d_params conv_case;
using Device = Owned<struct clcnn_device, clcnn_device_destroy>;

/* N H W C K and a square filter, padded to the same size. */
static conv_case make(int n, int size, int c, int k, int filter)
{
    conv_case params = {};
    params.batch = n;
    params.height = params.width = size;
    params.channels = c;
    params.filters = k;
    params.kernel[0] = params.kernel[1] = filter;
    params.padding = CLCNN_PADDING_SAME;
    return params;
}

static std::string choose(struct clcnn_device *device, const conv_case &params,
                          enum clcnn_conv2d_phase phase = CLCNN_CONV2D_PHASE_FORWARD)
{
    conv_op op;
    CHECK_OK(clcnn_conv2d_create(device, &params, &op.op));
    return clcnn_conv2d_algorithm_name(op.op, phase);
}

TEST_CASE("conv2d: what is forbidden is not chosen", "[conv2d]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        conv_case params = make(1, 6, 8, 8, 1);
        unsigned all = 0;
        std::string last;
        /* Each time the winner is forbidden too, until none is left. */
        for (size_t i = 0; i <= conv_algorithms.size(); i++) {
            conv_op op;
            if (clcnn_conv2d_create(device, &params, &op.op) != CLCNN_STATUS_OK)
                break;
            last = clcnn_conv2d_algorithm_name(op.op, CLCNN_CONV2D_PHASE_FORWARD);
            for (const conv_algorithm &each : conv_algorithms)
                if (last == each.name)
                    params.forbidden |= 1u << each.algorithm;
        }
        INFO("last chosen: " << last);
        CHECK(params.forbidden & 1u << CLCNN_CONV2D_ALGORITHM_DIRECT);
        for (const conv_algorithm &each : conv_algorithms)
            all |= 1u << each.algorithm;
        params.forbidden = all;
        for (const conv_algorithm &each : conv_algorithms) {
            conv_op op;
            CHECK_FAILS(clcnn_conv2d_create(device, &params, &op.op), CLCNN_STATUS_UNSUPPORTED,
                        std::string(each.name) + ": forbidden");
        }
        params.forbidden = all & ~(1u << CLCNN_CONV2D_ALGORITHM_DIRECT);
        CHECK(choose(device, params) == "direct");
    }
}

TEST_CASE("conv2d: what cannot be forbidden", "[conv2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    conv_case params = make(1, 6, 8, 8, 3);
    conv_op op;
    for (unsigned bits : {1u, 1u << CLCNN_CONV2D_ALGORITHM_COUNT, ~0u}) {
        params.forbidden = bits;
        CHECK_FAILS(clcnn_conv2d_create(device, &params, &op.op), CLCNN_STATUS_INVALID_ARGUMENT,
                    "bits that are no algorithm's");
    }
    params.algorithm = CLCNN_CONV2D_ALGORITHM_DIRECT;
    params.forbidden = 1u << CLCNN_CONV2D_ALGORITHM_DIRECT;
    CHECK_FAILS(clcnn_conv2d_create(device, &params, &op.op), CLCNN_STATUS_INVALID_ARGUMENT,
                "conv2d: direct is required and forbidden");
}

/* Down from what is asked for without a limit to none: always an answer, always a right one. */
TEST_CASE("conv2d: any limit of workspace will do", "[conv2d]")
{
    conv_case strided = make(2, 11, 3, 20, 5), grouped = make(1, 9, 12, 18, 3);
    conv_case depthwise = make(1, 9, 20, 20, 3);
    strided.strides[0] = strided.strides[1] = 2;
    grouped.groups = 2;
    depthwise.groups = 20;
    const conv_case cases[] = {make(2, 12, 32, 40, 3), make(3, 7, 48, 33, 1), strided, grouped,
                               depthwise};
    for (const conv_case &params : cases) {
        const conv_problem problem(params, CONV_RANDOM);
        for (enum clcnn_device_class device_class : test_classes) {
            struct clcnn_device *device = test_device(device_class);
            for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
                const enum clcnn_conv2d_phase phase = (enum clcnn_conv2d_phase)i;
                conv_case limited = params;
                limited.phases = 1u << i;
                size_t used = 0;
                do {
                    conv_op op;
                    INFO(conv_describe(limited)
                         << " phase " << i << " on " << clcnn_device_class_name(device_class));
                    CHECK_OK(clcnn_conv2d_create(device, &limited, &op.op));
                    INFO(clcnn_conv2d_algorithm_name(op.op, phase));
                    used = clcnn_conv2d_workspace_size(op.op, phase);
                    CHECK((limited.max_workspace == 0 || used <= limited.max_workspace));
                    conv_check(problem, op.op, phase, conv_run(device, op.op, phase, problem));
                    if (limited.max_workspace == 0 || used < limited.max_workspace)
                        limited.max_workspace = used;
                    limited.max_workspace = std::max(limited.max_workspace / 2, (size_t)1);
                } while (used > 0);
            }
        }
    }
}

#if HAVE_SQLITE
static void open_with_cache(const std::string &cache, enum clcnn_device_class device_class,
                            Device &device)
{
    struct clcnn_device_params params = {};
    params.cache_path = cache.c_str();
    params.force_class = device_class;
    CHECK_OK(clcnn_device_open(&params, &device));
}

TEST_CASE("conv2d: tuning times the likely ones and is kept", "[conv2d]")
{
    TemporaryDirectory folder;
    for (enum clcnn_device_class device_class : test_classes) {
        INFO(clcnn_device_class_name(device_class));
        const std::string cache = folder.path(clcnn_device_class_name(device_class));
        conv_case params = make(1, 7, 16, 16, 1);
        std::string tuned[CLCNN_CONV2D_PHASE_COUNT];
        Device device, later;
        open_with_cache(cache, device_class, device);
        {
            Log log;
            choose(device, params);
            CHECK(log.count("choose", "measured") == 0);
        }
        params.tune = true;
        for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
            Log log;
            params.phases = 1u << i;
            tuned[i] = choose(device, params, (enum clcnn_conv2d_phase)i);
            CHECK(log.count("choose", tuned[i] + ": ") == 1);
            CHECK(log.count("choose", "ms measured") == 1);
            CHECK(log.count("choose", "wrong answer") == 0);
            CHECK(log.count("choose", "not tuned") == 0);
        }
        params.tune = false;
        open_with_cache(cache, device_class, later);
        for (int i = 0; i < CLCNN_CONV2D_PHASE_COUNT; i++) {
            Log log;
            params.phases = 1u << i;
            CHECK(choose(later, params, (enum clcnn_conv2d_phase)i) == tuned[i]);
            CHECK(log.count("choose", "ms measured") == 1);
        }
        Log log;
        params.phases = 1;
        params.batch = 2; /* another problem */
        choose(later, params);
        CHECK(log.count("choose", "ms measured") == 0);
    }
}

TEST_CASE("conv2d: earlier timings decide, except for what is not left", "[conv2d]")
{
    TemporaryDirectory folder;
    Device device;
    open_with_cache(folder.path("cache"), CLCNN_DEVICE_CLASS_CPU, device);
    conv_case params = make(1, 16, 32, 32, 3);
    struct clcnn_conv2d_problem problem = {};
    params.phases = 1;
    CHECK(choose(device, params) != "direct");

    /* The problem as create sees it; a made-up memory says that direct is the fastest. */
    struct clcnn_conv2d_contest contest = {};
    problem.n = 1;
    problem.h = problem.w = problem.p = problem.q = 16;
    problem.c = problem.k = 32;
    problem.r = problem.s = 3;
    problem.groups = 1;
    for (int i = 0; i < 2; i++)
        problem.stride[i] = problem.dilation[i] = 1;
    for (int i = 0; i < 4; i++)
        problem.pad[i] = 1;
    problem.max_workspace = CLCNN_CONV2D_WORKSPACE;
    problem.prepacked = true;
    problem.device = device;
    problem.family = CLCNN_DEVICE_CLASS_CPU;
    contest.problem = &problem;
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++) {
        contest.candidates[i].impl = clcnn_conv2d_impls[i];
        bool direct = clcnn_conv2d_impls[i]->algorithm == CLCNN_CONV2D_ALGORITHM_DIRECT;
        contest.candidates[i].measured = direct ? 1e-6 : 1e-3;
    }
    clcnn_conv2d_remember(&contest);
    CHECK(choose(device, params) == "direct");

    /* It gave a wrong answer. */
    for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++)
        if (contest.candidates[i].impl->algorithm == CLCNN_CONV2D_ALGORITHM_DIRECT)
            contest.candidates[i].measured = -1;
    clcnn_conv2d_remember(&contest);
    Log log;
    CHECK(choose(device, params) != "direct");
    CHECK(log.count("choose", "direct: its answer was not that of direct") == 1);
}
#endif

/* An implementation that forgets one output. */
static enum clcnn_status run_wrongly(void *state, const struct clcnn_conv2d_call *call)
{
    const uint32_t pattern = 0;
    enum clcnn_status status = clcnn_conv2d_direct.run(state, call);
    return status ? status : clcnn_stream_fill(call->stream, call->args->y, 64, 4, pattern);
}

static double cheap(const struct clcnn_conv2d_problem *, enum clcnn_conv2d_phase)
{
    return 1e-9;
}

TEST_CASE("conv2d: tuning drops who answers wrongly", "[conv2d]")
{
    for (enum clcnn_activation activation : {CLCNN_ACTIVATION_LINEAR, CLCNN_ACTIVATION_TANH}) {
        struct clcnn_conv2d_problem problem = {};
        struct clcnn_conv2d_contest contest = {};
        struct clcnn_conv2d_impl liar = clcnn_conv2d_direct;
        liar.name = "liar";
        liar.algorithm = CLCNN_CONV2D_ALGORITHM_COUNT;
        liar.run = run_wrongly;
        liar.cost = cheap;
        problem.n = problem.stride[0] = problem.stride[1] = problem.groups = 1;
        problem.dilation[0] = problem.dilation[1] = problem.r = problem.s = 1;
        problem.h = problem.w = problem.p = problem.q = 4;
        problem.c = problem.k = 8;
        problem.activation = activation;
        problem.max_workspace = CLCNN_CONV2D_WORKSPACE;
        problem.device = test_device(CLCNN_DEVICE_CLASS_CPU);
        problem.family = CLCNN_DEVICE_CLASS_CPU;
        problem.compute_units = problem.vector_width = 1;
        problem.peak = problem.bandwidth = 1e9;
        contest.problem = &problem;
        for (int i = 0; i < CLCNN_CONV2D_IMPLS; i++) {
            struct clcnn_conv2d_candidate *candidate = &contest.candidates[i];
            candidate->impl = i == 0 ? &liar : clcnn_conv2d_impls[i];
            candidate->cost = candidate->impl->cost(&problem, CLCNN_CONV2D_PHASE_FORWARD);
            if (candidate->impl != &liar &&
                candidate->impl->algorithm != CLCNN_CONV2D_ALGORITHM_DIRECT)
                clcnn_conv2d_drop(candidate, "not in this test");
        }
        Log log;
        clcnn_conv2d_tune(&contest);
        CHECK(contest.candidates[0].lost == std::string("its answer was not that of direct"));
        CHECK(contest.candidates[0].measured < 0);
        CHECK(log.count("choose", "conv2d forward: liar gives a wrong answer") == 1);
        CHECK(std::isfinite(contest.candidates[CLCNN_CONV2D_IMPLS - 1].cost));
    }
}
