#include "ref/array.hpp"
#include "support/owned.hpp"

using Pool = Owned<struct clcnn_pool_nd, clcnn_pool_nd_destroy>;
using Unpool = Owned<struct clcnn_unpool, clcnn_unpool_destroy>;
using Conv = Owned<struct clcnn_conv_nd, clcnn_conv_nd_destroy>;

namespace
{

struct window_case {
    Index input; /* D1, ..., Dr */
    Index size, strides, dilation, before, after;
    bool ceil = false;
};

const window_case windows[] = {
    {{7}, {3}, {}, {}, {}, {}},
    {{17}, {4}, {3}, {2}, {1}, {2}, true},
    {{5, 6}, {2, 3}, {2, 1}, {}, {1, 0}, {0, 2}},
    {{6, 6}, {3, 3}, {2, 2}, {2, 1}, {2, 1}, {2, 1}, true},
    {{4, 5, 6}, {2, 3, 2}, {1, 2, 3}, {2, 1, 1}, {0, 1, 1}, {1, 1, 0}},
    {{3, 3, 3}, {3, 3, 3}, {}, {}, {}, {}},
};

struct clcnn_window_nd window_of(const window_case &c)
{
    struct clcnn_window_nd w = {};
    auto set = [&](int64_t *to, const Index &from) { std::copy(from.begin(), from.end(), to); };
    w.rank = (int)c.input.size();
    set(w.size, c.size);
    set(w.strides, c.strides);
    set(w.dilation, c.dilation);
    set(w.before, c.before);
    set(w.after, c.after);
    return w;
}

int64_t or_one(int64_t v)
{
    return v ? v : 1;
}

/* visit(taps, h) for each tap of window o, inside x or not. */
template <class Visit> void each_tap(const struct clcnn_window_nd &w, const Index &o, Visit visit)
{
    each_index(Index(w.size, w.size + w.rank), [&](const Index &t) {
        Index h(t);
        for (size_t d = 0; d < t.size(); d++)
            h[d] = o[d] * or_one(w.strides[d]) - w.before[d] + t[d] * or_one(w.dilation[d]);
        visit(t, h);
    });
}

bool within(const Index &h, const Index &sizes, const int64_t *before = nullptr,
            const int64_t *after = nullptr)
{
    for (size_t d = 0; d < h.size(); d++)
        if (h[d] < (before ? -before[d] : 0) || h[d] >= sizes[d] + (after ? after[d] : 0))
            return false;
    return true;
}

Index join(int64_t n, int64_t c, const Index &space)
{
    Index all = {n, c};
    all.insert(all.end(), space.begin(), space.end());
    return all;
}

int64_t flat_index(const Index &at, const Index &sizes, bool column_major)
{
    int64_t flat = at[0] * sizes[1] + at[1];
    size_t r = at.size() - 2;
    int64_t inner = 0;
    for (size_t i = 0; i < r; i++) {
        size_t d = column_major ? r + 1 - i : i + 2;
        inner = inner * sizes[d] + at[d];
        flat *= sizes[d];
    }
    return flat + inner;
}

void check_pool(struct clcnn_device *device, struct clcnn_pool_nd_params params,
                const window_case &c, int64_t channels, Layout layout)
{
    params.window = window_of(c);
    INFO("mode " << params.mode << ", rank " << params.window.rank << ", layout " << layout
                 << " on " << clcnn_device_class_name(clcnn_device_info(device)->device_class));
    Pool op;
    CHECK_OK(clcnn_pool_nd_create(device, &params, &op));
    Index output(c.input.size());
    CHECK_OK(clcnn_window_nd_output(&params.window, c.input.data(), c.ceil, output.data()));
    HostArray x(params.type, join(2, channels, c.input), layout);
    HostArray y(params.type, join(2, channels, output), layout);
    HostArray where(CLCNN_DTYPE_INT64, y.sizes(), layout);
    x.random(1, -2, 2);
    if (params.mode == CLCNN_POOL_ND_MODE_MAX)
        for (size_t i = 0; i < x.elements.size(); i += 13)
            x.elements[i] = i % 2 ? NAN : 1.5;
    double p = params.p == 0 ? 2 : (double)params.p;
    each_index(y.sizes(), [&](const Index &o) {
        double r = params.mode == CLCNN_POOL_ND_MODE_MAX ? -INFINITY : 0, count = 0;
        int64_t index = -1;
        each_tap(params.window, Index(o.begin() + 2, o.end()), [&](const Index &, const Index &h) {
            if (within(h, c.input, params.include_pad ? params.window.before : nullptr,
                       params.include_pad ? params.window.after : nullptr))
                count++;
            if (!within(h, c.input))
                return;
            Index at = join(o[0], o[1], h);
            double v = x[at];
            if (params.mode == CLCNN_POOL_ND_MODE_AVERAGE)
                r += v;
            else if (params.mode == CLCNN_POOL_ND_MODE_LP)
                r += std::pow(std::fabs(v), p);
            else if (index < 0 || (!std::isnan(r) && !(v <= r))) {
                r = v;
                index = flat_index(at, x.sizes(), params.column_major);
            }
        });
        if (params.mode == CLCNN_POOL_ND_MODE_AVERAGE)
            r = count > 0 ? r / count : 0;
        if (params.mode == CLCNN_POOL_ND_MODE_LP)
            r = std::pow(r, 1 / p);
        y[o] = in_type(r, params.type);
        where[o] = (double)index;
    });
    bool max = params.mode == CLCNN_POOL_ND_MODE_MAX;
    double rounding = params.type == CLCNN_DTYPE_FLOAT16 ? 0x1p-10 : 0x1p-19;
    DeviceArray from(device, x), to(device, y, true), indices(device, where, true);
    CHECK_OK(
        clcnn_pool_nd_forward(op, from, to, max ? (const clcnn_array *)indices : nullptr, nullptr));
    to.check(y,
             [&](const Index &i) { return max ? 0 : rounding * std::max(1.0, std::fabs(y[i])); });
    if (max) {
        indices.check(where);
        DeviceArray again(device, y, true);
        CHECK_OK(clcnn_pool_nd_forward(op, from, again, nullptr, nullptr));
        again.check(y);
        std::vector<unsigned char> first = again.bytes();
        CHECK_OK(clcnn_pool_nd_forward(op, from, again, nullptr, nullptr));
        bool same_bits = again.bytes() == first;
        CHECK(same_bits);
    }
}

struct conv_case {
    window_case window;
    int64_t N, C, K;
    int groups;
    bool transposed;
    Index output_padding; /* of the transpose */
};

const conv_case convolutions[] = {
    {windows[0], 2, 3, 17, 0, false, {}},       {windows[1], 1, 8, 6, 2, false, {}},
    {windows[2], 2, 5, 33, 1, false, {}},       {windows[3], 1, 4, 4, 4, false, {}},
    {windows[4], 1, 3, 16, 1, false, {}},       {windows[5], 2, 2, 3, 1, false, {}},
    {windows[0], 2, 3, 17, 0, true, {0}},       {windows[1], 1, 8, 6, 2, true, {2}},
    {windows[2], 2, 5, 33, 1, true, {1, 0}},    {windows[3], 1, 4, 4, 4, true, {0, 1}},
    {windows[4], 1, 3, 16, 1, true, {0, 1, 2}},
};

Index conv_output(const conv_case &c, const struct clcnn_window_nd &w)
{
    Index output(c.window.input.size());
    if (!c.transposed) {
        CHECK_OK(clcnn_window_nd_output(&w, c.window.input.data(), false, output.data()));
        return output;
    }
    for (size_t d = 0; d < output.size(); d++)
        output[d] = (c.window.input[d] - 1) * or_one(w.strides[d]) +
                    (w.size[d] - 1) * or_one(w.dilation[d]) + 1 - w.before[d] - w.after[d] +
                    c.output_padding[d];
    return output;
}

/* y and, in `reach`, the sum of the products' sizes. */
void ref_conv(const conv_case &c, const struct clcnn_window_nd &window, const HostArray &x,
              const HostArray &w, const HostArray &b, HostArray &y, HostArray &reach)
{
    int64_t G = c.groups ? c.groups : 1, Cg = c.C / G, Kg = c.K / G;
    std::vector<double> sums(y.elements.size(), 0), sizes(sums);
    auto add = [&](const Index &to, double v) {
        auto at = (size_t)element_of(y.view, to);
        sums[at] += v;
        sizes[at] += std::fabs(v);
    };
    Index output(y.view.size + 2, y.view.size + y.view.rank);
    each_index(y.sizes(), [&](const Index &i) { add(i, b[{i[1]}]); });
    for (int64_t n = 0; n < c.N; n++)
        for (int64_t k = 0; k < c.K; k++)
            for (int64_t q = 0; q < Cg; q++) {
                int64_t g = k / Kg, channel = g * Cg + q;
                const Index &big = c.transposed ? output : c.window.input;
                each_index(c.transposed ? c.window.input : output, [&](const Index &o) {
                    each_tap(window, o, [&](const Index &t, const Index &h) {
                        if (!within(h, big))
                            return;
                        if (c.transposed)
                            add(join(n, k, h),
                                x[join(n, channel, o)] * w[join(channel, k - g * Kg, t)]);
                        else
                            add(join(n, k, o), x[join(n, channel, h)] * w[join(k, q, t)]);
                    });
                });
            }
    each_index(y.sizes(), [&](const Index &i) {
        auto at = (size_t)element_of(y.view, i);
        y.elements[at] = in_type(sums[at], y.type);
        reach.elements[at] = sizes[at];
    });
}

void check_conv(struct clcnn_device *device, const conv_case &c, enum clcnn_dtype type,
                Layout layout, bool whole)
{
    struct clcnn_conv_nd_params params = {};
    params.type = type;
    params.window = window_of(c.window);
    params.groups = c.groups;
    params.transposed = c.transposed;
    INFO("rank " << params.window.rank << ", C " << c.C << ", K " << c.K << ", groups " << c.groups
                 << (c.transposed ? ", transposed" : "") << ", layout " << layout << " on "
                 << clcnn_device_class_name(clcnn_device_info(device)->device_class));
    Conv op;
    CHECK_OK(clcnn_conv_nd_create(device, &params, &op));
    int64_t G = c.groups ? c.groups : 1;
    HostArray x(type, join(c.N, c.C, c.window.input), layout), b(type, {c.K});
    HostArray w(
        type, c.transposed ? join(c.C, c.K / G, c.window.size) : join(c.K, c.C / G, c.window.size),
        layout);
    HostArray y(type, join(c.N, c.K, conv_output(c, params.window)), layout), reach(y);
    double high = whole ? 3 : 1;
    x.random(1, -high, high, whole), w.random(2, -high, high, whole);
    b.random(3, -high, high, whole);
    ref_conv(c, params.window, x, w, b, y, reach);
    DeviceArray image(device, x), filters(device, w), bias(device, b), result(device, y, true);
    CHECK_OK(clcnn_conv_nd_forward(op, image, filters, bias, result, nullptr));
    double n = (double)(w.elements.size() / (size_t)c.K + 2);
    result.check(y, [&](const Index &i) {
        auto at = (size_t)element_of(y.view, i);
        double half = type == CLCNN_DTYPE_FLOAT16 ? half_rounding(y.elements[at]) : 0;
        return whole ? 0 : n * unit_roundoff * reach.elements[at] + 2 * half;
    });
}

} // namespace

TEST_CASE("pool_nd: modes, ranks and layouts", "[window_nd]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (int mode = 0; mode <= CLCNN_POOL_ND_MODE_LP; mode++)
            for (const window_case &c : windows)
                for (Layout layout : layouts)
                    for (bool flag : {false, true}) {
                        struct clcnn_pool_nd_params params = {};
                        params.mode = (enum clcnn_pool_nd_mode)mode;
                        params.include_pad = params.column_major = flag;
                        params.p = flag ? 1.0f : 0.0f;
                        check_pool(test_device(device_class), params, c, flag ? 3 : 18, layout);
                    }
}

TEST_CASE("pool_nd: float16, other norms, windows of nothing", "[window_nd]")
{
    window_case nothing = {{3}, {1}, {2}, {}, {2}, {2}};
    for (enum clcnn_device_class device_class : test_classes)
        for (int mode = 0; mode <= CLCNN_POOL_ND_MODE_LP; mode++) {
            struct clcnn_pool_nd_params params = {};
            params.mode = (enum clcnn_pool_nd_mode)mode;
            params.p = 3;
            check_pool(test_device(device_class), params, nothing, 2, DENSE);
            params.type = CLCNN_DTYPE_FLOAT16;
            check_pool(test_device(device_class), params, windows[3], 17, TRANSPOSED);
        }
}

TEST_CASE("unpool: puts maxima back", "[window_nd]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type : {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16})
            for (Layout layout : layouts) {
                struct clcnn_device *device = test_device(device_class);
                Unpool op;
                CHECK_OK(clcnn_unpool_create(device, type, &op));
                HostArray x(type, {2, 3, 2, 2}, layout), where(CLCNN_DTYPE_INT64, x.sizes());
                HostArray y(type, {2, 3, 4, 5}, layout);
                x.random(1);
                std::vector<double> flat(120, 0);
                int64_t next = 3;
                each_index(x.sizes(), [&](const Index &i) {
                    where[i] = (double)next;
                    if (next < 120)
                        flat[(size_t)next] = x[i];
                    next += 5;
                });
                where[{0, 0, 0, 1}] = -1, flat[8] = 0;
                where[{0, 0, 1, 0}] = 1e12, flat[13] = 0;
                DeviceArray from(device, x), which(device, where), to(device, y, true);
                CHECK_OK(clcnn_unpool_forward(op, from, which, to, nullptr));
                to.check(y.set(flat));
            }
    Unpool op, wrong;
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    CHECK_INVALID(clcnn_unpool_create(nullptr, CLCNN_DTYPE_FLOAT32, &op), "device is NULL");
    CHECK_INVALID(clcnn_unpool_create(device, CLCNN_DTYPE_FLOAT32, nullptr), "out is NULL");
    CHECK_INVALID(clcnn_unpool_create(device, CLCNN_DTYPE_INT32, &wrong), "storage int32");
    CHECK_OK(clcnn_unpool_create(device, CLCNN_DTYPE_FLOAT32, &op));
    HostArray four(CLCNN_DTYPE_FLOAT32, {4}), three(CLCNN_DTYPE_INT64, {3});
    DeviceArray x(device, four), y(device, four), which(device, three);
    CHECK_INVALID(clcnn_unpool_forward(nullptr, x, which, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_unpool_forward(op, nullptr, which, y, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_unpool_forward(op, x, nullptr, y, nullptr), "indices is NULL");
    CHECK_INVALID(clcnn_unpool_forward(op, x, which, nullptr, nullptr), "y is NULL");
    CHECK_INVALID(clcnn_unpool_forward(op, x, which, y, nullptr), "x has size 4 in dimension 0");
    struct clcnn_array part = x;
    part.view.size[0] = 3;
    CHECK_INVALID(clcnn_unpool_forward(op, &part, which, x, nullptr), "x and y share memory");
}

TEST_CASE("conv_nd: exact sums of integers, in every layout", "[window_nd]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (const conv_case &c : convolutions)
            for (Layout layout : layouts)
                check_conv(test_device(device_class), c, CLCNN_DTYPE_FLOAT32, layout, true);
}

TEST_CASE("conv_nd: reals, and float16", "[window_nd]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (const conv_case &c : convolutions)
            for (enum clcnn_dtype type : {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16})
                check_conv(test_device(device_class), c, type, DENSE, false);
}

TEST_CASE("window_nd: output sizes", "[window_nd]")
{
    struct clcnn_window_nd w = {};
    int64_t input[] = {7, 4, 1}, output[3];
    w.rank = 3;
    w.size[0] = 3, w.size[1] = 2, w.size[2] = 1;
    w.strides[0] = 3, w.strides[1] = 3;
    w.after[0] = 1;
    CHECK_OK(clcnn_window_nd_output(&w, input, false, output));
    CHECK(Index(output, output + 3) == Index{2, 1, 1});
    CHECK_OK(clcnn_window_nd_output(&w, input, true, output));
    CHECK(Index(output, output + 3) == Index{3, 2, 1});
    w.after[0] = 3; /* the fourth would begin in the padding behind */
    CHECK_OK(clcnn_window_nd_output(&w, input, true, output));
    CHECK(output[0] == 3);
    CHECK_INVALID(clcnn_window_nd_output(nullptr, input, true, output), "is NULL");
    input[2] = 0;
    CHECK_INVALID(clcnn_window_nd_output(&w, input, true, output), "0 elements in dimension 2");
    input[2] = 1;
    w.size[1] = 5;
    CHECK_INVALID(clcnn_window_nd_output(&w, input, true, output),
                  "a window of 5 by 1 is larger than 4 + 0 + 0");
}

TEST_CASE("pool_nd, conv_nd: what is refused", "[window_nd]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_pool_nd_params pool = {};
    pool.window = window_of(windows[0]);
    Pool average, max, no_pool;
    CHECK_INVALID(clcnn_pool_nd_create(nullptr, &pool, &max), "device or params is NULL");
    CHECK_INVALID(clcnn_pool_nd_create(device, nullptr, &max), "device or params is NULL");
    CHECK_INVALID(clcnn_pool_nd_create(device, &pool, nullptr), "out is NULL");
    auto refused = [&](auto change, const char *words) {
        struct clcnn_pool_nd_params p = pool;
        change(p);
        CHECK_INVALID(clcnn_pool_nd_create(device, &p, &no_pool), words);
    };
    refused([](auto &p) { p.mode = (enum clcnn_pool_nd_mode)5; }, "5 is no mode");
    refused([](auto &p) { p.type = CLCNN_DTYPE_UINT8; }, "storage uint8");
    refused([](auto &p) { p.p = -1; }, "p=-1");
    refused([](auto &p) { p.window.rank = 0; }, "window of rank 0");
    refused([](auto &p) { p.window.rank = 4; }, "window of rank 4");
    refused([](auto &p) { p.window.size[0] = 0; }, "size 0");
    refused([](auto &p) { p.window.strides[0] = -1; }, "stride -1");
    refused([](auto &p) { p.window.dilation[0] = -1; }, "dilation -1");
    refused([](auto &p) { p.window.before[0] = -1; }, "padding -1, 0");
    refused([](auto &p) { p.window.after[0] = INT64_MAX; }, "padding 0, 9223372036854775807");
    CHECK_OK(clcnn_pool_nd_create(device, &pool, &max));
    pool.mode = CLCNN_POOL_ND_MODE_AVERAGE;
    CHECK_OK(clcnn_pool_nd_create(device, &pool, &average));
    HostArray image(CLCNN_DTYPE_FLOAT32, {1, 2, 7}), result(image.type, {1, 2, 5});
    HostArray flat(image.type, {14}), where(CLCNN_DTYPE_INT64, {1, 2, 4});
    DeviceArray x(device, image), y(device, result), line(device, flat), index(device, where);
    CHECK_INVALID(clcnn_pool_nd_forward(nullptr, x, y, nullptr, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_pool_nd_forward(max, nullptr, y, nullptr, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_pool_nd_forward(max, x, nullptr, nullptr, nullptr), "y is NULL");
    CHECK_INVALID(clcnn_pool_nd_forward(max, line, y, nullptr, nullptr), "x has rank 1");
    CHECK_INVALID(clcnn_pool_nd_forward(max, x, y, index, nullptr), "indices has size 4");
    CHECK_INVALID(clcnn_pool_nd_forward(average, x, y, index, nullptr), "those of maxima");
    CHECK_INVALID(clcnn_pool_nd_forward(max, x, x, nullptr, nullptr), "x and y share memory");
    struct clcnn_array narrow = y;
    narrow.view.size[1] = 1;
    CHECK_INVALID(clcnn_pool_nd_forward(max, x, &narrow, nullptr, nullptr), "x has size 2 in");

    struct clcnn_conv_nd_params params = {};
    params.window = window_of(windows[0]);
    Conv op, twice, wrong;
    CHECK_INVALID(clcnn_conv_nd_create(nullptr, &params, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_conv_nd_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_conv_nd_create(device, &params, nullptr), "out is NULL");
    CHECK_OK(clcnn_conv_nd_create(device, &params, &op));
    params.groups = 2;
    CHECK_OK(clcnn_conv_nd_create(device, &params, &twice));
    params.groups = -1;
    CHECK_INVALID(clcnn_conv_nd_create(device, &params, &wrong), "groups=-1");
    params.groups = 1;
    params.type = CLCNN_DTYPE_INT64;
    CHECK_INVALID(clcnn_conv_nd_create(device, &params, &wrong), "storage int64");
    HostArray filters(image.type, {2, 2, 3}), bias(image.type, {3});
    DeviceArray w(device, filters), b(device, bias);
    struct clcnn_array few = w;
    CHECK_INVALID(clcnn_conv_nd_forward(nullptr, x, w, nullptr, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_conv_nd_forward(op, nullptr, w, nullptr, y, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_conv_nd_forward(op, x, nullptr, nullptr, y, nullptr), "w is NULL");
    CHECK_INVALID(clcnn_conv_nd_forward(op, x, w, nullptr, nullptr, nullptr), "y is NULL");
    CHECK_INVALID(clcnn_conv_nd_forward(op, x, w, b, y, nullptr), "b has 3 elements, not 2");
    CHECK_INVALID(clcnn_conv_nd_forward(op, x, w, w, y, nullptr), "b has rank 3, not 1");
    CHECK_INVALID(clcnn_conv_nd_forward(twice, x, w, nullptr, y, nullptr),
                  "w is 2x2, which does not fit C=2, K=2, groups=2");
    few.view.size[2] = 2;
    CHECK_INVALID(clcnn_conv_nd_forward(op, x, &few, nullptr, y, nullptr),
                  "w has size 2 in dimension 2, not 3");
    CHECK_INVALID(clcnn_conv_nd_forward(op, x, w, nullptr, x, nullptr), "x and y share memory");
    CHECK_INVALID(clcnn_conv_nd_forward(op, x, w, nullptr, w, nullptr), "w and y share memory");
    narrow.view.size[1] = 2;
    narrow.view.size[0] = 0;
    CHECK_INVALID(clcnn_conv_nd_forward(op, x, w, nullptr, &narrow, nullptr), "x has N=1, y has");
}
