#include "ref/gemm.hpp"
#include "support/guarded.hpp"
#include <cstdlib>
#include <string>

namespace
{

struct gemm_case {
    int64_t m, n, k;
    bool transpose_a = false, transpose_b = false;
    float alpha = 0, beta = 0; /* as in clcnn_gemm_args */
    int pad = 0;               /* added to each leading dimension */
    bool bias = false, packed = false;
    enum clcnn_activation activation = CLCNN_ACTIVATION_LINEAR;
    float activation_alpha = 0.5f;
    int64_t call_m = 0, call_k = 0;
    bool integers = true;
};

std::string describe(const gemm_case &t, enum clcnn_device_class device_class)
{
    return std::string(clcnn_device_class_name(device_class)) + " m=" + std::to_string(t.m) +
           " n=" + std::to_string(t.n) + " k=" + std::to_string(t.k) +
           (t.transpose_a ? " A^T" : "") + (t.transpose_b ? " B^T" : "") +
           " alpha=" + std::to_string(t.alpha) + " beta=" + std::to_string(t.beta) +
           " pad=" + std::to_string(t.pad) + (t.bias ? " bias" : "") + (t.packed ? " packed" : "") +
           " activation " + std::to_string((int)t.activation) + " call " +
           std::to_string(t.call_m) + "," + std::to_string(t.call_k);
}

/* The bytes that `count` floats need, at least one. */
size_t bytes(size_t count)
{
    return (count ? count : 1) * sizeof(float);
}

void run(struct clcnn_device *device, const gemm_case &t, enum clcnn_gemm_algorithm algorithm)
{
    const int64_t m = t.call_m ? t.call_m : t.m, k = t.call_k ? t.call_k : t.k, n = t.n;
    const ref_gemm g = {m,
                        n,
                        k,
                        (t.transpose_a ? m : k) + t.pad,
                        (t.transpose_b ? t.k : n) + t.pad,
                        n + t.pad,
                        t.transpose_a,
                        t.transpose_b,
                        t.alpha == 0 ? 1 : t.alpha,
                        t.beta,
                        t.activation,
                        t.activation_alpha};
    const int64_t a_rows = t.transpose_a ? k : m, b_rows = t.transpose_b ? n : t.k;
    struct clcnn_gemm_params params = {};
    params.m = t.m;
    params.n = n;
    params.k = t.k;
    params.transpose_a = t.transpose_a;
    params.transpose_b = t.transpose_b;
    params.use_bias = t.bias;
    params.activation = t.activation;
    params.activation_alpha = t.activation_alpha;
    params.algorithm = algorithm;
    struct clcnn_gemm *op = nullptr;
    CHECK_OK(clcnn_gemm_create(device, &params, &op));

    std::vector<float> a =
        test_values((size_t)((a_rows - 1) * g.lda + (t.transpose_a ? m : k)), 1, t.integers);
    std::vector<float> b =
        test_values((size_t)((b_rows - 1) * g.ldb + (t.transpose_b ? t.k : n)), 2, t.integers);
    std::vector<float> bias = test_values((size_t)n, 3, t.integers);
    std::vector<float> c0 = t.beta != 0 ? test_values((size_t)((m - 1) * g.ldc + n), 4, t.integers)
                                        : Guarded::poison((size_t)((m - 1) * g.ldc + n));
    std::vector<double> expected(c0.begin(), c0.end()), sizes(c0.size());
    ref_gemm_run(g, a.data(), b.data(), t.bias ? bias.data() : nullptr, expected, &sizes);

    Guarded da(device, a), db(device, b), dbias(device, bias), dc(device, c0);
    const bool packed = t.packed && clcnn_gemm_packed_b_size(op) > 0;
    Guarded dpacked(device, packed ? clcnn_gemm_packed_b_size(op) : 4);
    Guarded workspace(device, bytes(clcnn_gemm_workspace_size(op, packed) / sizeof(float)));
    if (packed)
        CHECK_OK(clcnn_gemm_pack_b(op, db, g.ldb, dpacked, nullptr));

    struct clcnn_gemm_args args = {};
    args.m = t.call_m;
    args.k = t.call_k;
    args.a = da;
    args.b = packed ? nullptr : (struct clcnn_buffer *)db;
    args.packed_b = packed ? (struct clcnn_buffer *)dpacked : nullptr;
    args.c = dc;
    args.bias = t.bias ? (struct clcnn_buffer *)dbias : nullptr;
    args.lda = t.pad ? g.lda : 0;
    args.ldb = t.pad || t.call_k ? g.ldb : 0;
    args.ldc = t.pad ? g.ldc : 0;
    args.alpha = t.alpha;
    args.beta = t.beta;
    args.workspace =
        clcnn_gemm_workspace_size(op, packed) ? (struct clcnn_buffer *)workspace : nullptr;
    CHECK_OK(clcnn_gemm_run(op, &args, nullptr));
    std::vector<float> once = dc.read<float>();
    Guarded aligned_a(device, a, true), aligned_b(device, b, true), aligned_c(device, c0, true);
    args.a = aligned_a;
    args.b = packed ? nullptr : (struct clcnn_buffer *)aligned_b;
    args.c = aligned_c;
    CHECK_OK(clcnn_gemm_run(op, &args, nullptr));
    std::vector<float> twice = aligned_c.read<float>();
    CHECK(std::memcmp(once.data(), twice.data(), once.size() * sizeof(float)) == 0);
    da.check();
    db.check();
    dbias.check();
    dpacked.check();
    workspace.check();

    /* Whole numbers are exact up to the activation; else the classic bound of a sum of k products
     * in any order. exp and tanh: OpenCL allows 3 and 5 units in the last place. */
    const bool smooth = t.activation >= CLCNN_ACTIVATION_SIGMOID;
    size_t wrong = 0, first = 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            size_t at = (size_t)(i * g.ldc + j);
            double bound = (t.integers ? 0 : (double)(k + 4) * 0x1p-24 * sizes[at]) +
                           (smooth ? 8 * 0x1p-24 : 0);
            if (!(std::fabs(once[at] - expected[at]) <= bound) && wrong++ == 0)
                first = at;
        }
    /* Nothing is written between the rows. */
    for (int64_t i = 0; i + 1 < m; i++)
        for (int64_t j = n; j < g.ldc; j++)
            wrong +=
                std::memcmp(&once[(size_t)(i * g.ldc + j)], &c0[(size_t)(i * g.ldc + j)], 4) != 0;
    INFO("first wrong element " << first << ": " << once[first] << " instead of "
                                << expected[first]);
    CHECK(wrong == 0);
    clcnn_gemm_destroy(&op);
    CHECK(op == nullptr);
}

/* All transpositions on both classes' kernels. */
void run_all(const gemm_case &base)
{
    for (enum clcnn_device_class device_class : test_classes)
        for (int transposes = 0; transposes < 4; transposes++) {
            gemm_case t = base;
            t.transpose_a = transposes & 1;
            t.transpose_b = transposes & 2;
            if (t.call_k && !t.transpose_a)
                continue;
            INFO(describe(t, device_class));
            run(test_device(device_class), t, CLCNN_GEMM_ALGORITHM_AUTO);
        }
}

} // namespace

TEST_CASE("gemm: the edges of the tiles", "[gemm]")
{
    /* CPU tiles are 14 x 32 (6 x 16, 8 x 8) with 8 and 4 rows at the edge, blocks of 256 in K, B
     * packed beforehand from 129 rows on; GPU tiles 64 x 64, 16 deep. */
    for (int64_t m : {1, 2, 4, 5, 8, 9, 13, 14, 15, 28, 29, 63, 64, 65, 126, 128, 129, 131})
        run_all({m, 37, 19});
    for (int64_t n : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97})
        run_all({17, n, 21});
    for (int64_t k : {1, 2, 15, 16, 17, 31, 33, 255, 256, 257, 511, 513})
        run_all({15, 33, k});
    run_all({1, 1, 1});
    run_all({150, 70, 270});
    run_all({300, 130, 40});
    run_all({513, 260, 20}); /* GPU tiles 128 x 128 */
}

TEST_CASE("gemm: long K is divided and summed in a second stage", "[gemm]")
{
    run_all({32, 9, 5000});
    run_all({20, 40, 3001});
    run_all({140, 33, 4097});
    gemm_case t = {33, 34, 4099};
    t.beta = -2;
    t.bias = true;
    t.pad = 3;
    t.activation = CLCNN_ACTIVATION_LEAKY_RELU;
    run_all(t);
}

TEST_CASE("gemm: alpha, beta, leading dimensions", "[gemm]")
{
    for (int64_t m : {17, 150})
        for (float alpha : {0.0f, 0.5f, -2.0f})
            for (float beta : {0.0f, 1.0f, -0.5f}) {
                gemm_case t = {m, 45, 300};
                t.alpha = alpha;
                t.beta = beta;
                t.pad = 5;
                run_all(t);
            }
}

TEST_CASE("gemm: bias and activations", "[gemm]")
{
    for (enum clcnn_activation activation :
         {CLCNN_ACTIVATION_LINEAR, CLCNN_ACTIVATION_RELU, CLCNN_ACTIVATION_LEAKY_RELU,
          CLCNN_ACTIVATION_SIGMOID, CLCNN_ACTIVATION_TANH})
        for (int64_t m : {16, 140}) {
            gemm_case t = {m, 50, 9};
            t.activation = activation;
            t.bias = true;
            t.pad = 1;
            run_all(t);
            t.bias = false;
            t.alpha = 0.0625f; /* where sigmoid and tanh are not flat */
            t.beta = 1;
            run_all(t);
        }
}

TEST_CASE("gemm: leaky_relu's slope is 0.3 by default", "[gemm]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_gemm_params params = {};
    params.m = params.n = params.k = 1;
    params.activation = CLCNN_ACTIVATION_LEAKY_RELU;
    struct clcnn_gemm *op = nullptr;
    CHECK_OK(clcnn_gemm_create(device, &params, &op));
    Guarded a(device, std::vector<float>{-1}), b(device, std::vector<float>{2});
    Guarded c(device, 4), workspace(device, bytes(clcnn_gemm_workspace_size(op, false) / 4));
    struct clcnn_gemm_args args = {};
    args.a = a;
    args.b = b;
    args.c = c;
    args.workspace = workspace;
    CHECK_OK(clcnn_gemm_run(op, &args, nullptr));
    CHECK(c.read<float>()[0] == 0.3f * -2);
    clcnn_gemm_destroy(&op);
}

TEST_CASE("gemm: B packed once", "[gemm]")
{
    for (int64_t m : {1, 15, 200})
        for (int64_t n : {10, 64, 100})
            for (int64_t k : {9, 256, 700}) {
                gemm_case t = {m, n, k};
                t.packed = true;
                t.pad = 2;
                run_all(t);
            }
}

TEST_CASE("gemm: smaller calls", "[gemm]")
{
    gemm_case t = {200, 40, 2500};
    for (int64_t m : {1, 15, 200}) {
        t.call_m = m;
        run_all(t);
    }
    for (int64_t k : {1, 300, 2499}) {
        t.call_k = k;
        run_all(t);
        t.packed = !t.packed;
    }
    t = {60, 40, 9000};
    t.call_m = 3;
    run_all(t);
    t.call_k = 5000;
    run_all(t);
}

TEST_CASE("gemm: rounding stays within the bound of a sum", "[gemm]")
{
    for (int64_t k : {27, 1000, 9000}) {
        gemm_case t = {30, 40, k};
        t.integers = false;
        t.beta = 0.7f;
        t.alpha = 0.3f;
        t.bias = true;
        run_all(t);
    }
}

/* A device of our own whose facts are changed before anything is built for it. */
TEST_CASE("gemm: narrower vectors and smaller work-groups", "[gemm]")
{
    for (int variant = 0; variant < 3; variant++) {
        struct clcnn_device_params params = {};
        params.force_class = variant < 2 ? CLCNN_DEVICE_CLASS_CPU : CLCNN_DEVICE_CLASS_GPU;
        params.cache_path = "";
        struct clcnn_device *device = nullptr;
        CHECK_OK(clcnn_device_open(&params, &device));
        auto info = const_cast<struct clcnn_device_info *>(clcnn_device_info(device));
        if (variant < 2)
            info->vector_width = variant == 0 ? 4 : 8;
        else
            info->max_work_group = 128;
        for (int64_t m : {1, 2, 3, 5, 6, 7, 8, 9, 130})
            for (bool transpose_a : {false, true}) {
                gemm_case t = {m, 19, 300};
                t.transpose_a = transpose_a;
                t.transpose_b = m % 2;
                t.bias = true;
                t.activation = CLCNN_ACTIVATION_RELU;
                INFO("variant " << variant << " " << describe(t, params.force_class));
                run(device, t, CLCNN_GEMM_ALGORITHM_AUTO);
            }
        clcnn_device_destroy(&device);
    }
}

TEST_CASE("gemm: NaN and infinity", "[gemm]")
{
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        struct clcnn_gemm_params params = {};
        params.m = 3;
        params.n = 2;
        params.k = 1;
        params.activation = CLCNN_ACTIVATION_RELU;
        struct clcnn_gemm *op = nullptr;
        CHECK_OK(clcnn_gemm_create(device, &params, &op));
        Guarded a(device, std::vector<float>{nan, 1, infinity});
        Guarded b(device, std::vector<float>{1, -1});
        Guarded c(device, Guarded::poison(6));
        Guarded workspace(device, bytes(clcnn_gemm_workspace_size(op, false) / 4));
        struct clcnn_gemm_args args = {};
        args.a = a;
        args.b = b;
        args.c = c;
        args.workspace = workspace;
        CHECK_OK(clcnn_gemm_run(op, &args, nullptr));
        std::vector<float> y = c.read<float>();
        CHECK((std::isnan(y[0]) && std::isnan(y[1])));
        CHECK((y[2] == 1 && y[3] == 0));
        CHECK((y[4] == infinity && y[5] == 0));
        clcnn_gemm_destroy(&op);
    }
}

TEST_CASE("gemm: algorithms can be required", "[gemm]")
{
    struct clcnn_gemm_params params = {};
    params.m = params.n = params.k = 8;
    for (enum clcnn_device_class device_class : test_classes) {
        const bool cpu = device_class == CLCNN_DEVICE_CLASS_CPU;
        struct clcnn_gemm *op = nullptr;
        params.algorithm = CLCNN_GEMM_ALGORITHM_AUTO;
        CHECK_OK(clcnn_gemm_create(test_device(device_class), &params, &op));
        CHECK(std::string(clcnn_gemm_algorithm_name(op)) == (cpu ? "cpu" : "gpu"));
        clcnn_gemm_destroy(&op);
        params.algorithm = cpu ? CLCNN_GEMM_ALGORITHM_CPU : CLCNN_GEMM_ALGORITHM_GPU;
        CHECK_OK(clcnn_gemm_create(test_device(device_class), &params, &op));
        clcnn_gemm_destroy(&op);
        params.algorithm = cpu ? CLCNN_GEMM_ALGORITHM_GPU : CLCNN_GEMM_ALGORITHM_CPU;
        CHECK(clcnn_gemm_create(test_device(device_class), &params, &op) ==
              CLCNN_STATUS_UNSUPPORTED);
        CHECK(op == nullptr);
    }
}

TEST_CASE("gemm: errors of create", "[gemm]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_gemm_params good = {};
    good.m = good.n = good.k = 4;
    struct clcnn_gemm *op = nullptr;
    CHECK(clcnn_gemm_create(nullptr, &good, &op) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_gemm_create(device, nullptr, &op) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_gemm_create(device, &good, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    auto refused = [&](auto change) {
        struct clcnn_gemm_params params = good;
        change(params);
        CHECK(clcnn_gemm_create(device, &params, &op) == CLCNN_STATUS_INVALID_ARGUMENT);
        CHECK(op == nullptr);
    };
    using params_t = struct clcnn_gemm_params;
    refused([](params_t &p) { p.m = 0; });
    refused([](params_t &p) { p.n = -1; });
    refused([](params_t &p) { p.k = 0; });
    refused([](params_t &p) { p.m = p.k = INT64_C(1) << 40; });
    refused([](params_t &p) { p.activation = CLCNN_ACTIVATION_SOFTMAX; });
    refused([](params_t &p) { p.algorithm = (enum clcnn_gemm_algorithm)17; });
    clcnn_gemm_destroy(nullptr);
    clcnn_gemm_destroy(&op);
}

TEST_CASE("gemm: errors of run", "[gemm]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_gemm_params params = {};
    params.m = 150;
    params.n = 20;
    params.k = 30;
    params.use_bias = true;
    struct clcnn_gemm *op = nullptr;
    CHECK_OK(clcnn_gemm_create(device, &params, &op));
    const size_t workspace_bytes = clcnn_gemm_workspace_size(op, false);
    REQUIRE(workspace_bytes > 0);
    Guarded a(device, bytes(150 * 30)), b(device, bytes(30 * 20)), c(device, bytes(150 * 20));
    Guarded bias(device, bytes(20)), workspace(device, workspace_bytes), tiny(device, 4);
    Guarded packed(device, clcnn_gemm_packed_b_size(op));
    struct clcnn_gemm_args good = {};
    good.a = a;
    good.b = b;
    good.c = c;
    good.bias = bias;
    good.workspace = workspace;
    CHECK_OK(clcnn_gemm_run(op, &good, nullptr));
    CHECK(clcnn_gemm_run(nullptr, &good, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_gemm_run(op, nullptr, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    auto refused = [&](auto change) {
        struct clcnn_gemm_args args = good;
        change(args);
        CHECK(clcnn_gemm_run(op, &args, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    };
    using args_t = struct clcnn_gemm_args;
    refused([](args_t &g) { g.a = nullptr; });
    refused([](args_t &g) { g.b = nullptr; });
    refused([](args_t &g) { g.c = nullptr; });
    refused([](args_t &g) { g.bias = nullptr; });
    refused([](args_t &g) { g.workspace = nullptr; });
    refused([&](args_t &g) { g.a = tiny; });
    refused([&](args_t &g) { g.b = tiny; });
    refused([&](args_t &g) { g.c = tiny; });
    refused([&](args_t &g) { g.bias = tiny; });
    refused([&](args_t &g) { g.workspace = tiny; });
    refused([&](args_t &g) { g.packed_b = tiny; });
    refused([](args_t &g) { g.m = 151; });
    refused([](args_t &g) { g.m = -1; });
    refused([](args_t &g) { g.k = 29; }); /* only with transpose_a */
    refused([](args_t &g) { g.lda = 29; });
    refused([](args_t &g) { g.ldb = 19; });
    refused([](args_t &g) { g.ldc = 19; });
    refused([](args_t &g) { g.lda = 31; }); /* a is then too small */
    refused([](args_t &g) { g.ldc = INT64_MAX / 2; });
    refused([&](args_t &g) { g.c = a; });
    refused([&](args_t &g) { g.workspace = c; });
    refused([&](args_t &g) { g.b = c; });
    CHECK(clcnn_gemm_pack_b(nullptr, b, 0, packed, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_gemm_pack_b(op, tiny, 0, packed, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_gemm_pack_b(op, b, 0, tiny, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    clcnn_gemm_destroy(&op);
}

TEST_CASE("gemm: what create refuses, and what it says", "[gemm]")
{
    struct clcnn_gemm_params good = {}, p;
    good.m = good.n = good.k = 4;
    p = good;
    auto refused = [&](enum clcnn_status status, const char *text) {
        struct clcnn_gemm *op = (struct clcnn_gemm *)&op;
        CHECK_FAILS(clcnn_gemm_create(test_device(CLCNN_DEVICE_CLASS_CPU), &p, &op), status, text);
        CHECK(op == nullptr);
        p = good;
    };
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    p.m = 0, refused(invalid, "m=0");
    p.m = -4, refused(invalid, "m=-4");
    p.n = 0, refused(invalid, "n=0");
    p.k = -1, refused(invalid, "k=-1");
    p.m = p.k = INT64_C(1) << 40, refused(invalid, "too large to address");
    p.k = p.n = INT64_C(1) << 40, refused(invalid, "too large to address");
    p.m = p.n = INT64_C(1) << 40, refused(invalid, "too large to address");
    p.activation = CLCNN_ACTIVATION_SOFTMAX, refused(invalid, "softmax cannot be fused");
    p.activation = (enum clcnn_activation)7, refused(invalid, "unknown cannot be fused");
    p.algorithm = (enum clcnn_gemm_algorithm)4, refused(invalid, "algorithm 4 does not exist");
    p.activation_alpha = -0.5f, refused(invalid, "activation_alpha=-0.5");
    p.activation_alpha = INFINITY, refused(invalid, "activation_alpha=inf");
    p.algorithm = CLCNN_GEMM_ALGORITHM_GPU;
    refused(CLCNN_STATUS_UNSUPPORTED, "gemm: no implementation");
}

TEST_CASE("gemm: what calls refuse, and what they say", "[gemm]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    for (bool transposed : {false, true}) {
        struct clcnn_gemm_params params = {};
        params.m = 150;
        params.n = 20;
        params.k = 30;
        params.use_bias = true;
        params.transpose_a = params.transpose_b = transposed;
        struct clcnn_gemm *op = nullptr;
        CHECK_OK(clcnn_gemm_create(device, &params, &op));
        REQUIRE(clcnn_gemm_workspace_size(op, false) > 4);
        REQUIRE(clcnn_gemm_packed_b_size(op) > 4);
        Guarded a(device, bytes(150 * 30)), b(device, bytes(30 * 20)), c(device, bytes(150 * 20));
        Guarded bias(device, bytes(20)), tiny(device, 4), large(device, (size_t)1 << 20);
        Guarded workspace(device, clcnn_gemm_workspace_size(op, false));
        Guarded packed(device, clcnn_gemm_packed_b_size(op));
        struct clcnn_gemm_args good = {}, g;
        good.a = a;
        good.b = b;
        good.c = c;
        good.bias = bias;
        good.workspace = workspace;
        g = good;
        auto refused = [&](const char *text) {
            CHECK_FAILS(clcnn_gemm_run(op, &g, nullptr), CLCNN_STATUS_INVALID_ARGUMENT, text);
            g = good;
        };
        g.m = 151, refused("m=151 is not in 1 .. 150");
        g.m = -1, refused("m=-1");
        g.k = 31, refused("k=31 does not fit the planned k=30");
        g.k = -1, refused("k=-1");
        if (!transposed)
            g.k = 29, refused("needs transpose_a");
        g.lda = transposed ? 149 : 29, refused("lda=");
        g.ldb = transposed ? 29 : 19, refused("ldb=");
        g.ldc = 19, refused("ldc=19 is less than the 20 columns of c");
        g.ldc = -20, refused("ldc=-20");
        g.lda = INT64_MAX, refused("too large to address");
        g.lda = 151, refused("a has 18000 bytes");
        g.ldb = 31, refused("b has 2400 bytes");
        g.ldc = 21, refused("c has 12000 bytes");
        g.a = nullptr, refused("a is NULL");
        g.b = nullptr, refused("b is NULL");
        g.c = nullptr, refused("c is NULL");
        g.bias = nullptr, refused("bias is NULL");
        g.workspace = nullptr, refused("workspace is NULL");
        g.a = tiny, refused("a has 4 bytes");
        g.bias = tiny, refused("bias has 4 bytes");
        g.workspace = tiny, refused("workspace has 4 bytes");
        g.packed_b = tiny, refused("packed_b has 4 bytes");
        g.a = g.c = large, refused("c overlaps a");
        g.b = g.c = large, refused("c overlaps b");
        g.bias = g.c = large, refused("c overlaps bias");
        g.packed_b = g.c = large, refused("c overlaps packed_b");
        g.a = g.workspace = large, refused("workspace overlaps a");
        g.b = g.workspace = large, refused("workspace overlaps b");
        g.bias = g.workspace = large, refused("workspace overlaps bias");
        g.c = g.workspace = large, refused("c overlaps workspace");

        auto packing = [&](struct clcnn_buffer *from, int64_t ldb, struct clcnn_buffer *to,
                           const char *text) {
            CHECK_FAILS(clcnn_gemm_pack_b(op, from, ldb, to, nullptr),
                        CLCNN_STATUS_INVALID_ARGUMENT, text);
        };
        packing(nullptr, 0, packed, "b is NULL");
        packing(tiny, 0, packed, "b has 4 bytes");
        packing(b, transposed ? 29 : 19, packed, "ldb=");
        packing(b, 31, packed, "b has 2400 bytes");
        packing(b, 0, nullptr, "packed_b is NULL");
        packing(b, 0, tiny, "packed_b has 4 bytes");
        packing(large, 0, large, "packed_b overlaps b");
        CHECK_OK(clcnn_gemm_pack_b(op, b, 0, packed, nullptr));
        CHECK_OK(clcnn_gemm_run(op, &good, nullptr));
        clcnn_gemm_destroy(&op);
    }
}

/* GPU kernels read B as it is: packing does nothing, whatever it is given. */
TEST_CASE("gemm: an implementation that does not pack", "[gemm]")
{
    struct clcnn_gemm_params params = {};
    params.m = params.n = params.k = 4;
    struct clcnn_gemm *op = nullptr;
    CHECK_OK(clcnn_gemm_create(test_device(CLCNN_DEVICE_CLASS_GPU), &params, &op));
    if (clcnn_gemm_packed_b_size(op) == 0)
        CHECK_OK(clcnn_gemm_pack_b(op, nullptr, 0, nullptr, nullptr));
    clcnn_gemm_destroy(&op);
}

/* CLBlast compiles its kernels for many seconds on a CPU. */
TEST_CASE("gemm: CLBlast", "[gemm]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_gemm_params params = {};
    params.m = params.n = params.k = 8;
    params.algorithm = CLCNN_GEMM_ALGORITHM_CLBLAST;
    struct clcnn_gemm *op = nullptr;
    if (clcnn_gemm_create(device, &params, &op) == CLCNN_STATUS_UNSUPPORTED) {
        WARN("SKIPPED, not built in: " << clcnn_error_message());
        return;
    }
    CHECK(std::string(clcnn_gemm_algorithm_name(op)) == "clblast");
    clcnn_gemm_destroy(&op);
    if (!std::getenv("CLCNN_TEST_CLBLAST")) {
        WARN("SKIPPED: set CLCNN_TEST_CLBLAST=1 to run CLBlast, which compiles for 15 s");
        return;
    }
    gemm_case t = {19, 21, 23};
    t.bias = true;
    t.beta = 2;
    t.pad = 1;
    t.activation = CLCNN_ACTIVATION_RELU;
    run(device, t, CLCNN_GEMM_ALGORITHM_CLBLAST);
}

TEST_CASE("gemm: every implementation has a word", "[gemm]")
{
    CHECK(clcnn_gemm_algorithm_word(CLCNN_GEMM_ALGORITHM_AUTO) == std::string("auto"));
    CHECK(clcnn_gemm_algorithm_word(CLCNN_GEMM_ALGORITHM_CPU) == std::string("cpu"));
    CHECK(clcnn_gemm_algorithm_word(CLCNN_GEMM_ALGORITHM_GPU) == std::string("gpu"));
    CHECK(clcnn_gemm_algorithm_word((enum clcnn_gemm_algorithm)1000) == nullptr);
}
