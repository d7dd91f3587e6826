#include "support/guarded.hpp"
#include <cmath>
#include <string>

namespace
{

size_t bytes(size_t count)
{
    return count * sizeof(float);
}

} // namespace

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
    p.algorithm = (enum clcnn_gemm_algorithm)5, refused(invalid, "algorithm 5 does not exist");
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
