#include "ref/gemm.hpp"
#include "support/compare.hpp"
#include <algorithm>
extern "C" {
#include "device/launch.h"
}

namespace
{

struct dense_case {
    int batch, features, units;
    bool bias = true, packed = false;
    enum clcnn_activation activation = CLCNN_ACTIVATION_LINEAR;
    int call_batch = 0;
};

struct dense_buffers {
    Guarded x, w, bias, dy, y, dx, dw, db, packed, workspace;
    dense_buffers(struct clcnn_device *device, const dense_case &t, struct clcnn_dense *op)
        : x(device, test_values((size_t)t.batch * t.features, 1, true)),
          w(device, test_values((size_t)t.units * t.features, 2, true)),
          bias(device, test_values((size_t)t.units, 3, true)),
          dy(device, test_values((size_t)t.batch * t.units, 4, true)),
          y(device, Guarded::poison((size_t)t.batch * t.units)),
          dx(device, Guarded::poison((size_t)t.batch * t.features)),
          dw(device, Guarded::poison((size_t)t.units * t.features)),
          db(device, Guarded::poison((size_t)t.units)),
          packed(device, clcnn_dense_packed_weight_size(op) + 4),
          workspace(device, clcnn_dense_workspace_size(op) + 4)
    {
    }
    struct clcnn_dense_args args(const dense_case &t)
    {
        struct clcnn_dense_args a = {};
        a.batch = t.call_batch;
        a.x = x;
        a.w = w;
        a.bias = t.bias ? (struct clcnn_buffer *)bias : nullptr;
        a.dy = dy;
        a.y = y;
        a.dx = dx;
        a.dw = dw;
        a.db = db;
        a.workspace = workspace;
        return a;
    }
    void check()
    {
        for (Guarded *g : {&x, &w, &bias, &dy, &y, &dx, &dw, &db, &packed, &workspace})
            g->check();
    }
};

/* The first `rows` of `got` are the product; what lies behind is still NaN. */
void compare(const Guarded &got, const ref_gemm &g, const std::vector<float> &a,
             const std::vector<float> &b, const float *bias)
{
    std::vector<double> expected((size_t)(g.m * g.n));
    ref_gemm_run(g, a.data(), b.data(), bias, expected);
    std::vector<float> values = got.read<float>();
    size_t wrong = 0;
    for (size_t i = 0; i < values.size(); i++)
        wrong += i < expected.size() ? values[i] != expected[i] : !std::isnan(values[i]);
    CHECK(wrong == 0);
}

void run(struct clcnn_device *device, const dense_case &t)
{
    INFO("N=" << t.batch << " F=" << t.features << " U=" << t.units << " call " << t.call_batch);
    struct clcnn_dense_params params = {};
    params.batch = t.batch;
    params.features = t.features;
    params.units = t.units;
    params.use_bias = t.bias;
    params.activation = t.activation;
    struct clcnn_dense *op = nullptr;
    CHECK_OK(clcnn_dense_create(device, &params, &op));
    dense_buffers buffers(device, t, op);
    struct clcnn_dense_args args = buffers.args(t);
    const int64_t n = t.call_batch ? t.call_batch : t.batch, f = t.features, u = t.units;
    const std::vector<float> x = buffers.x.read<float>(), w = buffers.w.read<float>();
    const std::vector<float> bias = buffers.bias.read<float>(), dy = buffers.dy.read<float>();

    size_t less = clcnn_dense_packed_workspace_size(op);
    CHECK(less <= clcnn_dense_workspace_size(op));
    Guarded workspace(device, less + 4);
    if (t.packed && clcnn_dense_packed_weight_size(op) > 0) {
        args.workspace = less ? (struct clcnn_buffer *)workspace : nullptr;
        const int unit = CLCNN_DENSE_PACK_UNIT;
        for (int first = 0; first < t.units; first += unit) { /* in parts, the last to the end */
            const size_t row = (size_t)t.features * sizeof(float);
            struct clcnn_buffer part = clcnn_buffer_slice(
                buffers.w, (size_t)first * row, (size_t)std::min(unit, t.units - first) * row);
            int count = first + unit < t.units ? unit : 0;
            CHECK_OK(clcnn_dense_pack_weight(op, first, count, &part, buffers.packed, nullptr));
        }
        args.packed_w = buffers.packed;
        args.w = nullptr;
    }
    CHECK_OK(clcnn_dense_forward(op, &args, nullptr));
    workspace.check();
    args.w = buffers.w;
    args.workspace = buffers.workspace;
    CHECK_OK(clcnn_dense_backward_data(op, &args, nullptr));
    CHECK_OK(clcnn_dense_backward_weight(op, &args, nullptr));
    compare(buffers.y, {n, u, f, f, f, u, false, true, 1, 0, t.activation, 0.3}, x, w,
            t.bias ? bias.data() : nullptr);
    compare(buffers.dx, {n, f, u, u, f, f, false, false, 1, 0, CLCNN_ACTIVATION_LINEAR, 0}, dy, w,
            nullptr);
    compare(buffers.dw, {u, f, n, u, f, f, true, false, 1, 0, CLCNN_ACTIVATION_LINEAR, 0}, dy, x,
            nullptr);
    std::vector<float> db((size_t)u);
    for (size_t i = 0; i < (size_t)(n * u); i++)
        db[i % (size_t)u] += dy[i];
    CHECK(buffers.db.read<float>() == db);
    buffers.check();
    clcnn_dense_destroy(&op);
    CHECK(op == nullptr);
}

} // namespace

TEST_CASE("dense: forward and backward", "[dense]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        INFO(clcnn_device_class_name(device_class));
        for (dense_case t : {dense_case{1, 1, 1}, dense_case{1, 500, 10}, dense_case{7, 33, 65},
                             dense_case{64, 128, 10}, dense_case{64, 2304, 32},
                             dense_case{130, 50, 20}, dense_case{40, 30, 150}}) {
            run(test_device(device_class), t);
            t.packed = true;
            t.bias = false;
            t.activation = CLCNN_ACTIVATION_RELU;
            run(test_device(device_class), t);
            t.call_batch = (t.batch + 1) / 2;
            run(test_device(device_class), t);
        }
    }
}

TEST_CASE("dense: inference only", "[dense]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    dense_case t = {3, 5, 4};
    struct clcnn_dense_params params = {};
    params.batch = 3;
    params.features = 5;
    params.units = 4;
    params.use_bias = params.inference_only = true;
    struct clcnn_dense *op = nullptr;
    CHECK_OK(clcnn_dense_create(device, &params, &op));
    dense_buffers buffers(device, t, op);
    struct clcnn_dense_args args = buffers.args(t);
    CHECK_OK(clcnn_dense_forward(op, &args, nullptr));
    CHECK_FAILS(clcnn_dense_backward_data(op, &args, nullptr), CLCNN_STATUS_UNSUPPORTED,
                "inference_only");
    CHECK_FAILS(clcnn_dense_backward_weight(op, &args, nullptr), CLCNN_STATUS_UNSUPPORTED,
                "inference_only");
    clcnn_dense_destroy(&op);
}

TEST_CASE("dense: what create refuses", "[dense]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_dense_params good = {}, p;
    good.batch = 3;
    good.features = 5;
    good.units = 4;
    p = good;
    struct clcnn_dense *op = nullptr;
    auto refused = [&](const char *text) {
        op = (struct clcnn_dense *)&op;
        CHECK_INVALID(clcnn_dense_create(device, &p, &op), text);
        CHECK(op == nullptr);
        p = good;
    };
    CHECK_INVALID(clcnn_dense_create(nullptr, &good, &op), "device and params must not be NULL");
    CHECK_INVALID(clcnn_dense_create(device, nullptr, &op), "device and params must not be NULL");
    CHECK_INVALID(clcnn_dense_create(device, &good, nullptr), "out must not be NULL");
    p.batch = 0, refused("batch=0");
    p.batch = -3, refused("batch=-3");
    p.features = 0, refused("features=0");
    p.features = -1, refused("features=-1");
    p.units = 0, refused("units=0");
    p.units = -4, refused("units=-4");
    p.activation = CLCNN_ACTIVATION_SOFTMAX, refused("activation softmax cannot be fused");
    p.activation = (enum clcnn_activation)7, refused("activation unknown cannot be fused");
    p.activation_alpha = -1, refused("activation_alpha=-1");
    p.activation_alpha = NAN, refused("activation_alpha=");
    clcnn_dense_destroy(nullptr);
    clcnn_dense_destroy(&op);
}

TEST_CASE("dense: what calls refuse", "[dense]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    dense_case t = {150, 20, 20};
    struct clcnn_dense_params params = {};
    params.batch = t.batch;
    params.features = t.features;
    params.units = t.units;
    params.use_bias = true;
    struct clcnn_dense *op = nullptr;
    CHECK_OK(clcnn_dense_create(device, &params, &op));
    dense_buffers buffers(device, t, op);
    Guarded tiny(device, 4);
    const struct clcnn_dense_args good = buffers.args(t);
    struct clcnn_dense_args a = good;
    auto refused = [&](auto function, const char *text) {
        CHECK_INVALID(function(op, &a, nullptr), text);
        a = good;
    };
    for (auto function :
         {clcnn_dense_forward, clcnn_dense_backward_data, clcnn_dense_backward_weight}) {
        CHECK_INVALID(function(nullptr, &good, nullptr), "op and args must not be NULL");
        CHECK_INVALID(function(op, nullptr, nullptr), "op and args must not be NULL");
        a.batch = 151, refused(function, "batch=151 is not in 1 .. 150");
        a.batch = -1, refused(function, "batch=-1");
    }
    auto forward = clcnn_dense_forward;
    a.x = nullptr, refused(forward, "dense_forward: gemm: a is NULL");
    a.x = tiny, refused(forward, "a has 4 bytes");
    a.w = nullptr, refused(forward, "b is NULL");
    a.w = tiny, refused(forward, "b has 4 bytes");
    a.bias = nullptr, refused(forward, "bias is NULL");
    a.bias = tiny, refused(forward, "bias has 4 bytes");
    a.y = nullptr, refused(forward, "c is NULL");
    a.y = tiny, refused(forward, "c has 4 bytes");
    a.y = buffers.x, refused(forward, "c overlaps a");
    a.x = a.y, refused(forward, "c overlaps a");
    auto backward_data = clcnn_dense_backward_data;
    a.dy = nullptr, refused(backward_data, "dense_backward_data: gemm: a is NULL");
    a.dy = tiny, refused(backward_data, "a has 4 bytes");
    a.w = nullptr, refused(backward_data, "b is NULL");
    a.dx = nullptr, refused(backward_data, "c is NULL");
    a.dx = tiny, refused(backward_data, "c has 4 bytes");
    a.dy = a.dx, refused(backward_data, "c overlaps a");
    auto backward_weight = clcnn_dense_backward_weight;
    for (bool bias : {false, true}) { /* whether the gradient of the bias is asked for or not */
        a.dy = nullptr, a.db = bias ? a.db : nullptr, refused(backward_weight, "is NULL");
        a.x = nullptr, a.db = bias ? a.db : nullptr, refused(backward_weight, "b is NULL");
        a.dw = nullptr, a.db = bias ? a.db : nullptr, refused(backward_weight, "c is NULL");
        a.dw = tiny, a.db = bias ? a.db : nullptr, refused(backward_weight, "c has 4 bytes");
        a.dw = buffers.x, a.db = bias ? a.db : nullptr, refused(backward_weight, "overlaps");
    }
    a.db = tiny, refused(backward_weight, "dense_backward_weight: bias gradient: db has 4 bytes");
    a.db = buffers.dy, refused(backward_weight, "db overlaps dy");
    a.db = buffers.x, refused(backward_weight, "db overlaps x");
    a.db = buffers.dw, refused(backward_weight, "db overlaps dw");
    CHECK_OK(clcnn_device_finish(device));
    std::vector<float> untouched = buffers.dw.read<float>();
    CHECK(std::all_of(untouched.begin(), untouched.end(), [](float v) { return std::isnan(v); }));
    clcnn_dense_destroy(&op);
}

TEST_CASE("dense: a workspace or packed weights that do not fit", "[dense]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    for (dense_case t : {dense_case{4096, 1, 64}, dense_case{4096, 48, 64}}) {
        struct clcnn_dense_params params = {};
        params.batch = t.batch;
        params.features = t.features;
        params.units = t.units;
        struct clcnn_dense *op = nullptr;
        CHECK_OK(clcnn_dense_create(device, &params, &op));
        INFO("N=" << t.batch << ": workspace " << clcnn_dense_workspace_size(op) << ", packed "
                  << clcnn_dense_packed_weight_size(op));
        REQUIRE(clcnn_dense_workspace_size(op) > 4);
        dense_buffers buffers(device, t, op);
        Guarded tiny(device, 4);
        const struct clcnn_dense_args good = buffers.args(t);
        CHECK_OK(clcnn_dense_backward_weight(op, &good, nullptr));
        struct clcnn_dense_args a = good;
        a.workspace = nullptr;
        CHECK_INVALID(clcnn_dense_backward_weight(op, &a, nullptr), "workspace is NULL");
        a.workspace = tiny;
        CHECK_INVALID(clcnn_dense_backward_weight(op, &a, nullptr), "workspace has 4 bytes");
        Guarded large(device, Guarded::poison((size_t)1 << 20));
        for (size_t i = 0; i < 4; i++) {
            a = good;
            a.workspace = large;
            a.dy = i == 0 ? a.workspace : good.dy;
            a.x = i == 1 ? a.workspace : good.x;
            a.dw = i == 2 ? a.workspace : good.dw;
            a.db = i == 3 ? a.workspace : good.db;
            CHECK_INVALID(clcnn_dense_backward_weight(op, &a, nullptr), "overlaps");
        }
        if (clcnn_dense_packed_weight_size(op) > 4) {
            auto pack = clcnn_dense_pack_weight;
            struct clcnn_buffer *w = buffers.w, *packed = buffers.packed;
            CHECK_INVALID(pack(nullptr, 0, 0, w, packed, nullptr), "op must not be NULL");
            CHECK_INVALID(pack(op, 0, 0, nullptr, packed, nullptr), "b is NULL");
            CHECK_INVALID(pack(op, 0, 0, w, nullptr, nullptr), "packed_b is NULL");
            CHECK_INVALID(pack(op, 0, 0, w, tiny, nullptr), "packed_b has 4 bytes");
            CHECK_INVALID(pack(op, 0, 0, large, large, nullptr), "packed_b overlaps b");
            CHECK_INVALID(pack(op, 1, 0, w, packed, nullptr), "column 1 is none of 0, 64");
            CHECK_INVALID(pack(op, 64, 0, w, packed, nullptr), "column 64 is none of 0, 64");
            CHECK_INVALID(pack(op, -64, 0, w, packed, nullptr), "column -64 is none of");
            CHECK_INVALID(pack(op, 0, 1, w, packed, nullptr), "1 columns from 0 on are neither");
            CHECK_INVALID(pack(op, 0, -64, w, packed, nullptr), "-64 columns from 0 on");
            CHECK_INVALID(pack(op, 0, 1 << 20, w, packed, nullptr), "1048576 columns from");
            a = good;
            a.packed_w = tiny;
            CHECK_INVALID(clcnn_dense_forward(op, &a, nullptr), "packed_b has 4 bytes");
            a.packed_w = large;
            a.y = large;
            CHECK_INVALID(clcnn_dense_forward(op, &a, nullptr), "c overlaps packed_b");
        }
        clcnn_dense_destroy(&op);
    }
}
