#include "ref/array.hpp"
#include "support/owned.hpp"

using Softmax = Owned<struct clcnn_softmax, clcnn_softmax_destroy>;

namespace
{

/* y = softmax(x) in double. */
void ref_softmax(const HostArray &x, unsigned axes, bool logarithm, HostArray &y)
{
    Index kept = x.sizes(), inside = x.sizes();
    for (size_t i = 0; i < kept.size(); i++)
        (axes >> i & 1 ? kept : inside)[i] = 1;
    each_index(kept, [&](const Index &k) {
        double top = -std::numeric_limits<double>::infinity(), sum = 0;
        auto each = [&](auto visit) {
            each_index(inside, [&](const Index &i) {
                Index at = k;
                for (size_t d = 0; d < at.size(); d++)
                    at[d] += i[d];
                visit(at);
            });
        };
        each([&](const Index &at) { top = std::isnan(top) || x[at] <= top ? top : x[at]; });
        each([&](const Index &at) { sum += std::exp(x[at] - top); });
        each([&](const Index &at) {
            y[at] = in_type(logarithm ? x[at] - top - std::log(sum) : std::exp(x[at] - top) / sum,
                            y.type);
        });
    });
}

void check_softmax(struct clcnn_device *device, const HostArray &x, unsigned axes, bool logarithm,
                   Layout to)
{
    INFO("axes " << axes << (logarithm ? " logarithm of " : " of ") << clcnn_dtype_name(x.type)
                 << " on " << clcnn_device_class_name(clcnn_device_info(device)->device_class));
    struct clcnn_softmax_params params = {x.type, axes, logarithm};
    Softmax op;
    CHECK_OK(clcnn_softmax_create(device, &params, &op));
    HostArray expected(x.type, x.sizes(), to);
    DeviceArray from(device, x), y(device, expected, true);
    CHECK_OK(clcnn_softmax_forward(op, from, y, nullptr));
    ref_softmax(x, axes, logarithm, expected);
    auto tolerance = [&](const Index &i) {
        double size = std::fabs(expected[i]), reach = logarithm ? std::max(size, 100.0) : size;
        return 64 * unit_roundoff * reach + 1e-37 +
               (x.type == CLCNN_DTYPE_FLOAT16 ? 2 * half_rounding(size) : 0);
    };
    y.check(expected, tolerance);
    HostArray same(x);
    ref_softmax(x, axes, logarithm, same);
    CHECK_OK(clcnn_softmax_forward(op, from, from, nullptr));
    from.check(same, [&](const Index &i) { return tolerance(i); });
}

} // namespace

TEST_CASE("softmax: every set of axes in every layout", "[softmax]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (Layout layout : layouts)
            for (unsigned axes = 0; axes < 8; axes++)
                for (bool logarithm : {false, true}) {
                    HostArray x(CLCNN_DTYPE_FLOAT32, {3, 18, 5}, layout);
                    check_softmax(test_device(device_class), x.random(1, -5, 5), axes, logarithm,
                                  layout);
                }
}

TEST_CASE("softmax: counts around the vector and the group, both types", "[softmax]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type : {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16})
            for (int64_t count : {1, 2, 15, 16, 17, 63, 64, 65, 1000, 4100}) {
                INFO("count " << count);
                HostArray rows(type, {3, count}), columns(type, {count, 21});
                check_softmax(test_device(device_class), rows.random(1, -9, 9), 2, false, DENSE);
                check_softmax(test_device(device_class), columns.random(2, -9, 9), 1, true, DENSE);
            }
}

TEST_CASE("softmax: large values and NaN", "[softmax]")
{
    const double infinity = std::numeric_limits<double>::infinity();
    for (enum clcnn_device_class device_class : test_classes)
        for (bool logarithm : {false, true}) {
            HostArray x(CLCNN_DTYPE_FLOAT32, {5, 3});
            x.set(
                {1e30, 1, -1e30, 88, 89, 90, -infinity, 0, -infinity, NAN, 1, 2, -200, -200, -201});
            check_softmax(test_device(device_class), x, 2, logarithm, DENSE);
        }
}

TEST_CASE("softmax: what is refused", "[softmax]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_softmax_params params = {CLCNN_DTYPE_FLOAT32, 2, false};
    Softmax op, wrong;
    CHECK_INVALID(clcnn_softmax_create(nullptr, &params, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_softmax_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_softmax_create(device, &params, nullptr), "out is NULL");
    CHECK_OK(clcnn_softmax_create(device, &params, &op));
    params.type = CLCNN_DTYPE_INT32;
    CHECK_INVALID(clcnn_softmax_create(device, &params, &wrong), "storage int32");
    HostArray host(CLCNN_DTYPE_FLOAT32, {2, 3}), line(host.type, {6});
    DeviceArray x(device, host), y(device, host), flat(device, line);
    CHECK_INVALID(clcnn_softmax_forward(nullptr, x, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_softmax_forward(op, nullptr, y, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_softmax_forward(op, x, nullptr, nullptr), "y is NULL");
    CHECK_INVALID(clcnn_softmax_forward(op, x, flat, nullptr), "x has rank 2, y has rank 1");
    CHECK_INVALID(clcnn_softmax_forward(op, flat, flat, nullptr), "axes 0x2 of rank 1");
    struct clcnn_array turned = x, none = x;
    turned.view.stride[0] = 1;
    turned.view.stride[1] = 2;
    CHECK_INVALID(clcnn_softmax_forward(op, x, &turned, nullptr), "x and y share memory");
    turned.view.stride[1] = 1;
    CHECK_INVALID(clcnn_softmax_forward(op, y, &turned, nullptr), "y has several indices");
    turned.view.size[0] = 1;
    CHECK_INVALID(clcnn_softmax_forward(op, y, &turned, nullptr), "has size 2 in dimension 0");
    none.view.size[0] = 0;
    CHECK_OK(clcnn_softmax_forward(op, &none, &none, nullptr));
}
