#include "ref/array.hpp"
#include "support/owned.hpp"

using Pad = Owned<struct clcnn_pad, clcnn_pad_destroy>;

namespace
{

/* The element of x that j means, or -1. */
int64_t rule(enum clcnn_pad_mode mode, int64_t j, int64_t n)
{
    if (j >= 0 && j < n)
        return j;
    if (mode == CLCNN_PAD_MODE_CONSTANT)
        return -1;
    if (mode == CLCNN_PAD_MODE_EDGE)
        return j < 0 ? 0 : n - 1;
    if (mode == CLCNN_PAD_MODE_WRAP)
        return (j % n + n) % n;
    while (n > 1 && (j < 0 || j >= n))
        j = j < 0 ? -j : 2 * (n - 1) - j;
    return n > 1 ? j : 0;
}

void check_pad(struct clcnn_device *device, const struct clcnn_pad_params &params,
               const HostArray &x, const Index &before, const Index &after, Layout to)
{
    INFO("mode " << params.mode << " of " << clcnn_dtype_name(params.type) << " on "
                 << clcnn_device_class_name(clcnn_device_info(device)->device_class));
    Pad op;
    CHECK_OK(clcnn_pad_create(device, &params, &op));
    Index sizes = x.sizes();
    for (size_t i = 0; i < sizes.size(); i++)
        sizes[i] += before[i] + after[i];
    HostArray expected(x.type, sizes, to);
    each_index(sizes, [&](const Index &i) {
        Index from = i;
        bool outside = false;
        for (size_t d = 0; d < i.size(); d++) {
            from[d] = rule(params.mode, i[d] - before[d], x.view.size[d]);
            outside = outside || from[d] < 0;
        }
        expected[i] = outside ? in_type(params.value, x.type) : x[from];
    });
    DeviceArray source(device, x), y(device, expected, true);
    CHECK_OK(clcnn_pad_forward(op, before.data(), source, y, nullptr));
    y.check(expected);
}

} // namespace

TEST_CASE("pad: every mode, in every layout", "[pad]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (Layout from : layouts)
            for (Layout to : layouts)
                for (int mode = 0; mode <= CLCNN_PAD_MODE_WRAP; mode++) {
                    struct clcnn_device *device = test_device(device_class);
                    struct clcnn_pad_params params = {(enum clcnn_pad_mode)mode,
                                                      CLCNN_DTYPE_FLOAT32, 0.75};
                    HostArray x(params.type, {2, 5, 4, 1}, from);
                    x.random(1);
                    check_pad(device, params, x, {0, 2, 0, 1}, {0, 1, 3, 2}, to);
                    check_pad(device, params, x, {1, -1, 3, 0}, {0, 2, -2, 0}, to);
                    check_pad(device, params, x, {0, 13, 0, 0}, {0, 17, 0, 0}, to);
                }
}

TEST_CASE("pad: types, ranks and nothing to pad", "[pad]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type :
             {CLCNN_DTYPE_FLOAT16, CLCNN_DTYPE_UINT8, CLCNN_DTYPE_INT32, CLCNN_DTYPE_INT64}) {
            struct clcnn_device *device = test_device(device_class);
            struct clcnn_pad_params params = {CLCNN_PAD_MODE_CONSTANT, type, 7};
            HostArray scalar(type, {}), empty(type, {0}), x(type, {3, 40});
            check_pad(device, params, scalar.random(1, 0, 9), {}, {}, DENSE);
            check_pad(device, params, empty, {2}, {1}, DENSE);
            check_pad(device, params, x.random(2, 0, 9), {0, 0}, {0, 0}, PADDED);
            check_pad(device, params, x, {1, 20}, {1, 30}, DENSE);
        }
}

TEST_CASE("pad: what is refused", "[pad]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_pad_params params = {CLCNN_PAD_MODE_EDGE, CLCNN_DTYPE_FLOAT32, 0}, bad = params;
    Pad op, wrong;
    CHECK_INVALID(clcnn_pad_create(nullptr, &params, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_pad_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_pad_create(device, &params, nullptr), "out is NULL");
    CHECK_OK(clcnn_pad_create(device, &params, &op));
    bad.mode = (enum clcnn_pad_mode)7;
    CHECK_INVALID(clcnn_pad_create(device, &bad, &wrong), "pad: 7 is no mode");
    bad = params;
    bad.value = NAN;
    CHECK_INVALID(clcnn_pad_create(device, &bad, &wrong), "fill: alpha=nan");
    bad.type = CLCNN_DTYPE_FLOAT64;
    CHECK_FAILS(clcnn_pad_create(device, &bad, &wrong), CLCNN_STATUS_UNSUPPORTED, "float64");
    HostArray host(params.type, {3}), more(params.type, {2, 3});
    DeviceArray x(device, host), y(device, more);
    const int64_t before[] = {0, 0}, huge[] = {INT64_MIN, 0};
    struct clcnn_array none = y;
    CHECK_INVALID(clcnn_pad_forward(nullptr, before, x, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_pad_forward(op, before, nullptr, y, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_pad_forward(op, before, x, nullptr, nullptr), "y is NULL");
    CHECK_INVALID(clcnn_pad_forward(op, before, x, y, nullptr), "x has rank 1, y has rank 2");
    CHECK_INVALID(clcnn_pad_forward(op, before, x, x, nullptr), "x and y share memory");
    DeviceArray z(device, more);
    CHECK_INVALID(clcnn_pad_forward(op, nullptr, z, y, nullptr), "before is NULL");
    CHECK_INVALID(clcnn_pad_forward(op, huge, z, y, nullptr), "in dimension 0");
    none.view.size[1] = 0;
    CHECK_INVALID(clcnn_pad_forward(op, before, &none, z, nullptr), "dimension 1 of x is empty");
    CHECK_OK(clcnn_pad_forward(op, before, z, &none, nullptr));
}
