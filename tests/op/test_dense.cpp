#include "ref/gemm.hpp"
#include "support/guarded.hpp"

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

    if (t.packed && clcnn_dense_packed_weight_size(op) > 0) {
        CHECK_OK(clcnn_dense_pack_weight(op, buffers.w, buffers.packed, nullptr));
        args.packed_w = buffers.packed;
        args.w = nullptr;
    }
    CHECK_OK(clcnn_dense_forward(op, &args, nullptr));
    args.w = buffers.w;
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
        for (dense_case t :
             {dense_case{1, 1, 1}, dense_case{1, 500, 10}, dense_case{7, 33, 65},
              dense_case{64, 128, 10}, dense_case{64, 2304, 32}, dense_case{130, 50, 20}}) {
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
    CHECK(clcnn_dense_backward_data(op, &args, nullptr) == CLCNN_STATUS_UNSUPPORTED);
    CHECK(clcnn_dense_backward_weight(op, &args, nullptr) == CLCNN_STATUS_UNSUPPORTED);
    clcnn_dense_destroy(&op);
}

TEST_CASE("dense: errors", "[dense]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    dense_case t = {3, 5, 4};
    struct clcnn_dense_params good = {};
    good.batch = 3;
    good.features = 5;
    good.units = 4;
    good.use_bias = true;
    struct clcnn_dense *op = nullptr;
    CHECK(clcnn_dense_create(nullptr, &good, &op) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_dense_create(device, nullptr, &op) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_dense_create(device, &good, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    auto refused = [&](auto change) {
        struct clcnn_dense_params params = good;
        change(params);
        CHECK(clcnn_dense_create(device, &params, &op) == CLCNN_STATUS_INVALID_ARGUMENT);
        CHECK(op == nullptr);
    };
    using params_t = struct clcnn_dense_params;
    refused([](params_t &p) { p.batch = 0; });
    refused([](params_t &p) { p.features = -1; });
    refused([](params_t &p) { p.units = 0; });
    refused([](params_t &p) { p.activation = CLCNN_ACTIVATION_SOFTMAX; });
    clcnn_dense_destroy(nullptr);
    clcnn_dense_destroy(&op);

    CHECK_OK(clcnn_dense_create(device, &good, &op));
    dense_buffers buffers(device, t, op);
    Guarded tiny(device, 4);
    const struct clcnn_dense_args args = buffers.args(t);
    auto call_refused = [&](auto function, auto change) {
        struct clcnn_dense_args bad = args;
        change(bad);
        CHECK(function(op, &bad, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    };
    using args_t = struct clcnn_dense_args;
    call_refused(clcnn_dense_forward, [](args_t &a) { a.batch = 4; });
    call_refused(clcnn_dense_forward, [](args_t &a) { a.batch = -1; });
    call_refused(clcnn_dense_forward, [](args_t &a) { a.x = nullptr; });
    call_refused(clcnn_dense_forward, [](args_t &a) { a.w = nullptr; });
    call_refused(clcnn_dense_forward, [](args_t &a) { a.bias = nullptr; });
    call_refused(clcnn_dense_forward, [&](args_t &a) { a.y = tiny; });
    call_refused(clcnn_dense_forward, [&](args_t &a) { a.y = buffers.x; });
    call_refused(clcnn_dense_backward_data, [](args_t &a) { a.batch = 4; });
    call_refused(clcnn_dense_backward_data, [](args_t &a) { a.dy = nullptr; });
    call_refused(clcnn_dense_backward_data, [&](args_t &a) { a.dx = tiny; });
    call_refused(clcnn_dense_backward_weight, [](args_t &a) { a.batch = 4; });
    call_refused(clcnn_dense_backward_weight, [](args_t &a) { a.dw = nullptr; });
    call_refused(clcnn_dense_backward_weight, [&](args_t &a) { a.db = tiny; });
    call_refused(clcnn_dense_backward_weight, [&](args_t &a) { a.db = buffers.dy; });
    CHECK(clcnn_dense_forward(nullptr, &args, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_dense_backward_data(op, nullptr, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_dense_backward_weight(nullptr, &args, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_dense_pack_weight(nullptr, buffers.w, buffers.packed, nullptr) ==
          CLCNN_STATUS_INVALID_ARGUMENT);
    clcnn_dense_destroy(&op);
}
