#include "ref/array.hpp"
#include "support/owned.hpp"

using Normalize = Owned<struct clcnn_normalize, clcnn_normalize_destroy>;

namespace
{

const Index image = {2, 19, 5, 7}; /* N C H W */
const Index channels = {19, 1, 1};

double tolerance_of(const HostArray &y, const Index &i)
{
    double size = std::fabs(y[i]);
    return 0x1p-19 * std::max(size, 1.0) +
           (y.type == CLCNN_DTYPE_FLOAT16 ? 2 * half_rounding(size) : 0);
}

/* y = (x - mean) / sqrt(variance + epsilon) scale + bias over `axes`. */
void ref_own(const HostArray &x, unsigned axes, double epsilon, const HostArray *scale,
             const HostArray *bias, HostArray &y)
{
    Index kept = x.sizes(), inside = x.sizes();
    for (size_t i = 0; i < kept.size(); i++)
        (axes >> i & 1 ? kept : inside)[i] = 1;
    each_index(kept, [&](const Index &k) {
        double count = 0, mean = 0, variance = 0;
        auto each = [&](auto visit) {
            each_index(inside, [&](const Index &i) {
                Index at = k;
                for (size_t d = 0; d < at.size(); d++)
                    at[d] += i[d];
                visit(at);
            });
        };
        each([&](const Index &at) { mean += x[at], count++; });
        mean /= count;
        each([&](const Index &at) { variance += (x[at] - mean) * (x[at] - mean); });
        each([&](const Index &at) {
            Index c = {at[1], 0, 0};
            double v = (x[at] - mean) / std::sqrt(variance / count + epsilon);
            y[at] = in_type(v * (scale ? (*scale)[c] : 1) + (bias ? (*bias)[c] : 0), y.type);
        });
    });
}

} // namespace

TEST_CASE("normalize: by its own mean, over every set of axes, in every layout", "[normalize]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type : {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16})
            for (Layout layout : layouts)
                for (unsigned axes : {2u, 12u, 14u, 15u, 4u, 8u, 13u}) {
                    struct clcnn_device *device = test_device(device_class);
                    INFO("axes " << axes << ", layout " << layout << " on "
                                 << clcnn_device_class_name(device_class));
                    bool vectors = axes != 14;
                    struct clcnn_normalize_params params = {};
                    params.type = type;
                    params.axes = axes;
                    params.epsilon = vectors ? 0.0f : 0.5f;
                    Normalize op;
                    CHECK_OK(clcnn_normalize_create(device, &params, &op));
                    HostArray x(type, image, layout), scale(type, channels), bias(type, channels);
                    x.random(1, 2, 5), scale.random(2), bias.random(3);
                    HostArray expected(type, image, layout);
                    ref_own(x, axes, vectors ? 1e-5 : 0.5, vectors ? &scale : nullptr,
                            vectors ? &bias : nullptr, expected);
                    DeviceArray from(device, x), y(device, expected, true);
                    DeviceArray s(device, scale), b(device, bias);
                    const struct clcnn_normalize_vectors v = {s, b, nullptr, nullptr};
                    for (bool in_place : {false, true}) {
                        const DeviceArray &to = in_place ? from : y;
                        CHECK_OK(
                            clcnn_normalize_forward(op, from, vectors ? &v : nullptr, to, nullptr));
                        to.check(expected,
                                 [&](const Index &i) { return 8 * tolerance_of(expected, i); });
                    }
                }
}

TEST_CASE("normalize: batch", "[normalize]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type : {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16})
            for (Layout layout : layouts) {
                struct clcnn_device *device = test_device(device_class);
                struct clcnn_normalize_params params = {};
                params.normalization = CLCNN_NORMALIZATION_BATCH;
                params.type = type;
                params.epsilon = 0.01f;
                Normalize op;
                CHECK_OK(clcnn_normalize_create(device, &params, &op));
                HostArray x(type, image, layout), expected(x);
                std::vector<HostArray> given(4, HostArray(type, channels));
                x.random(1);
                for (unsigned i = 0; i < 4; i++)
                    given[i].random(i + 2, i == 3 ? 0.1 : -1, 1);
                each_index(image, [&](const Index &i) {
                    Index c = {i[1], 0, 0};
                    double v = (x[i] - given[2][c]) / std::sqrt(given[3][c] + 0.01);
                    expected[i] = in_type(v * given[0][c] + given[1][c], type);
                });
                DeviceArray from(device, x), y(device, expected, true);
                DeviceArray scale(device, given[0]), bias(device, given[1]);
                DeviceArray mean(device, given[2]), variance(device, given[3]);
                const struct clcnn_normalize_vectors v = {scale, bias, mean, variance};
                CHECK_OK(clcnn_normalize_forward(op, from, &v, y, nullptr));
                y.check(expected, [&](const Index &i) { return tolerance_of(expected, i); });
                CHECK_OK(clcnn_normalize_forward(op, from, &v, from, nullptr));
                if (layout == DENSE)
                    CHECK(from.bytes() == y.bytes());
            }
}

TEST_CASE("normalize: local response", "[normalize]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type : {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16})
            for (Layout layout : layouts)
                for (int size : {0, 1, 2, 3, 50}) {
                    struct clcnn_device *device = test_device(device_class);
                    struct clcnn_normalize_params params = {};
                    params.normalization = CLCNN_NORMALIZATION_LOCAL_RESPONSE;
                    params.type = type;
                    params.axis = 1;
                    params.size = size;
                    params.alpha = size ? 0.5f : 0.0f;
                    params.beta = size ? 0.5f : 0.0f;
                    params.k = size ? 2.0f : 0.0f;
                    Normalize op;
                    CHECK_OK(clcnn_normalize_create(device, &params, &op));
                    double n = size ? size : 5, alpha = size ? 0.5 : 1e-4;
                    double beta = size ? 0.5 : 0.75, k = size ? 2 : 1;
                    HostArray x(type, image, layout), expected(x);
                    x.random(1, -3, 3);
                    each_index(image, [&](const Index &i) {
                        double sum = 0;
                        for (int64_t c = 0; c < image[1]; c++)
                            if ((double)c >= (double)i[1] - std::floor((n - 1) / 2) &&
                                (double)c <= (double)i[1] + std::ceil((n - 1) / 2))
                                sum += x[{i[0], c, i[2], i[3]}] * x[{i[0], c, i[2], i[3]}];
                        expected[i] = in_type(x[i] / std::pow(k + alpha / n * sum, beta), type);
                    });
                    DeviceArray from(device, x), y(device, expected, true);
                    CHECK_OK(clcnn_normalize_forward(op, from, nullptr, y, nullptr));
                    y.check(expected, [&](const Index &i) { return tolerance_of(expected, i); });
                }
}

TEST_CASE("normalize: what is refused", "[normalize]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_normalize_params good = {};
    Normalize own, batch, local, wrong;
    CHECK_INVALID(clcnn_normalize_create(nullptr, &good, &own), "device or params is NULL");
    CHECK_INVALID(clcnn_normalize_create(device, nullptr, &own), "device or params is NULL");
    CHECK_INVALID(clcnn_normalize_create(device, &good, nullptr), "out is NULL");
    auto refused = [&](auto change, const char *words) {
        struct clcnn_normalize_params p = good;
        change(p);
        CHECK_INVALID(clcnn_normalize_create(device, &p, &wrong), words);
    };
    refused([](auto &p) { p.normalization = (enum clcnn_normalization)9; },
            "9 is no normalization");
    refused([](auto &p) { p.type = CLCNN_DTYPE_INT64; }, "storage int64");
    refused([](auto &p) { p.epsilon = -1; }, "epsilon=-1");
    refused([](auto &p) { p.epsilon = NAN; }, "epsilon=");
    refused([](auto &p) { p.size = -2; }, "size=-2");
    refused([](auto &p) { p.axis = 8; }, "axis=8 is not in 0..7");
    refused([](auto &p) { p.axis = -1; }, "axis=-1");
    refused([](auto &p) { p.alpha = NAN; }, "alpha=");
    refused([](auto &p) { p.beta = INFINITY; }, "beta=inf");
    refused([](auto &p) { p.k = -1; }, "k=-1");

    good.axes = 12;
    CHECK_OK(clcnn_normalize_create(device, &good, &own));
    good.normalization = CLCNN_NORMALIZATION_BATCH;
    CHECK_OK(clcnn_normalize_create(device, &good, &batch));
    good.normalization = CLCNN_NORMALIZATION_LOCAL_RESPONSE;
    good.axis = 4;
    CHECK_OK(clcnn_normalize_create(device, &good, &local));
    HostArray host(CLCNN_DTYPE_FLOAT32, image), vector(host.type, channels), line(host.type, {6});
    DeviceArray x(device, host), y(device, host), s(device, vector), flat(device, line);
    struct clcnn_normalize_vectors v = {s, s, s, nullptr};
    CHECK_INVALID(clcnn_normalize_forward(nullptr, x, nullptr, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_normalize_forward(own, nullptr, nullptr, y, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_normalize_forward(own, x, nullptr, nullptr, nullptr), "y is NULL");
    CHECK_INVALID(clcnn_normalize_forward(own, flat, nullptr, flat, nullptr), "axes 0xc of rank 1");
    CHECK_INVALID(clcnn_normalize_forward(own, x, nullptr, flat, nullptr), "x has rank 4, y has");
    CHECK_INVALID(clcnn_normalize_forward(local, x, nullptr, y, nullptr), "axis 4 of rank 4");
    CHECK_INVALID(clcnn_normalize_forward(local, x, nullptr, x, nullptr), "x and y share memory");
    CHECK_INVALID(clcnn_normalize_forward(batch, x, nullptr, y, nullptr), "scale is NULL");
    CHECK_INVALID(clcnn_normalize_forward(batch, x, &v, y, nullptr), "variance is NULL");
    struct clcnn_array single = s, part = y;
    single.view.size[0] = 1;
    v.variance = &single;
    CHECK_INVALID(clcnn_normalize_forward(batch, x, &v, y, nullptr),
                  "variance has not the shape and strides of scale");
    single.view.size[0] = 18;
    CHECK_INVALID(clcnn_normalize_forward(batch, x, &v, y, nullptr), "variance: view: size 18");
    part.view = s.array().view;
    v.bias = &part;
    CHECK_INVALID(clcnn_normalize_forward(own, x, &v, y, nullptr), "bias and y share memory");
    struct clcnn_array none = x;
    none.view.size[2] = 0;
    CHECK_OK(clcnn_normalize_forward(own, &none, nullptr, &none, nullptr));
}
