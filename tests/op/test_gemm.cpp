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
            /* AUTO is another one here. */
            if (device_class == CLCNN_DEVICE_CLASS_CPU && t.m <= 4 && transposes == 2)
                run(test_device(device_class), t, CLCNN_GEMM_ALGORITHM_CPU);
        }
}

} // namespace

TEST_CASE("gemm: the edges of the tiles", "[gemm]")
{
    /* CPU tiles are 14 x 32 (6 x 16, 8 x 8) with 8, 4 and 1 rows at the edge, blocks of 1024 in K;
     * GPU tiles 64 x 64, 16 deep. */
    for (int64_t m : {1, 2, 3, 4, 5, 7, 8, 9, 13, 14, 15, 28, 29, 63, 64, 65, 126, 128, 129, 131})
        run_all({m, 37, 19});
    for (int64_t n : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97})
        run_all({17, n, 21});
    for (int64_t k : {1, 2, 15, 16, 17, 31, 33, 255, 256, 257, 1023, 1025, 2049})
        run_all({15, 33, k});
    run_all({1, 1, 1});
    run_all({150, 70, 270});
    run_all({300, 130, 40});
    run_all({513, 260, 20}); /* GPU tiles 128 x 128 */
}

TEST_CASE("gemm: few rows", "[gemm]")
{
    /* 8 columns at a time, or 4 of 4 rows (2 of 2). */
    for (int64_t m : {1, 2, 3, 4})
        for (int64_t n : {1, 3, 4, 5, 8, 9, 67})
            for (int64_t k : {1, 3, 4, 7, 8, 15, 16, 17, 31, 35})
                for (bool transpose_b : {false, true})
                    run(test_device(CLCNN_DEVICE_CLASS_CPU), {m, n, k, false, transpose_b},
                        CLCNN_GEMM_ALGORITHM_FEW_ROWS);
    /* B in blocks of 1024 columns, 8 rows at a time, K in parts of 64 at least. */
    for (int64_t n : {1023, 1024, 1025, 2051})
        for (int64_t k : {63, 64, 65, 127, 129, 777})
            run(test_device(CLCNN_DEVICE_CLASS_CPU), {2, n, k}, CLCNN_GEMM_ALGORITHM_FEW_ROWS);
    gemm_case t = {4, 1000, 300, false, true};
    t.alpha = -0.5f;
    t.beta = 2;
    t.pad = 3;
    t.bias = true;
    t.call_m = 3;
    for (bool transpose_b : {false, true}) {
        t.transpose_b = transpose_b;
        t.integers = true;
        for (enum clcnn_activation activation : {CLCNN_ACTIVATION_RELU, CLCNN_ACTIVATION_TANH}) {
            t.activation = activation;
            run(test_device(CLCNN_DEVICE_CLASS_CPU), t, CLCNN_GEMM_ALGORITHM_FEW_ROWS);
        }
        t.integers = false;
        run(test_device(CLCNN_DEVICE_CLASS_CPU), t, CLCNN_GEMM_ALGORITHM_FEW_ROWS);
    }
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
        params.algorithm = CLCNN_GEMM_ALGORITHM_FEW_ROWS;
        params.transpose_b = true;
        params.m = 4;
        CHECK(clcnn_gemm_create(test_device(device_class), &params, &op) ==
              (cpu ? CLCNN_STATUS_OK : CLCNN_STATUS_UNSUPPORTED));
        clcnn_gemm_destroy(&op);
        for (int change = 0; change < 3; change++) {
            struct clcnn_gemm_params other = params;
            other.m = change == 0 ? 5 : 4;
            other.transpose_a = change == 1;
            other.transpose_b = change != 2;
            other.storage = change == 2 ? CLCNN_DTYPE_FLOAT16 : CLCNN_DTYPE_FLOAT32;
            CHECK(clcnn_gemm_create(test_device(device_class), &other, &op) ==
                  CLCNN_STATUS_UNSUPPORTED);
            CHECK(op == nullptr);
        }
        params.transpose_b = false;
        params.m = 8;
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
