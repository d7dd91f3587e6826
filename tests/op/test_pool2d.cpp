#include "ref/activation.hpp"
#include "ref/pool2d.hpp"
#include "support/compare.hpp"
#include "support/owned.hpp"
#include <tuple>

using Pool2d = Owned<struct clcnn_pool2d, clcnn_pool2d_destroy>;

namespace
{

struct pool_case {
    int batch = 1, height = 1, width = 1, channels = 1;
    int size[2] = {2, 2}, strides[2] = {0, 0};
    enum clcnn_padding padding = CLCNN_PADDING_VALID;
    int pads[4] = {0, 0, 0, 0};
    bool global = false;
    enum clcnn_activation activation = CLCNN_ACTIVATION_LINEAR;

    struct clcnn_pool2d_params params(enum clcnn_pool_mode mode) const
    {
        struct clcnn_pool2d_params p = {};
        p.mode = mode;
        p.batch = batch;
        p.height = height;
        p.width = width;
        p.channels = channels;
        std::copy_n(size, 2, p.size);
        std::copy_n(strides, 2, p.strides);
        p.padding = padding;
        std::copy_n(pads, 4, p.pads);
        p.global = global;
        p.activation = activation;
        return p;
    }
};

struct ref_pool2d reference(const struct clcnn_pool2d_params &p)
{
    int out[2];
    CHECK_OK(clcnn_pool2d_output_size(&p, out));
    struct ref_pool2d r = {
        p.mode == CLCNN_POOL_MODE_AVERAGE, p.batch, p.height, p.width, p.channels, out[0], out[1]};
    int size[2] = {p.height, p.width}, pad[2] = {0, 0}, stride[2];
    for (int i = 0; i < 2; i++) {
        int n = size[i];
        if (!p.global)
            size[i] = p.size[i] ? p.size[i] : 2;
        stride[i] = p.global || !p.strides[i] ? size[i] : p.strides[i];
        if (!p.global && p.padding == CLCNN_PADDING_SAME)
            pad[i] = std::max((out[i] - 1) * stride[i] + size[i] - n, 0) / 2;
        if (!p.global && p.padding == CLCNN_PADDING_EXPLICIT)
            pad[i] = p.pads[i];
    }
    std::tie(r.R, r.S, r.sh, r.sw, r.pt, r.pl) =
        std::make_tuple(size[0], size[1], stride[0], stride[1], pad[0], pad[1]);
    return r;
}

/* Maxima are exact, and so are whole numbers through relu or nothing. Otherwise: every product and
 * sum rounds once, and a slope has at most two products. */
double tolerance(const struct ref_pool2d &r, bool exact, double magnitude)
{
    return exact ? 0 : (r.R * r.S + 4.0) * 2 * unit_roundoff * magnitude;
}

std::vector<float> run(struct clcnn_device *device, const struct clcnn_pool2d_params &p, int batch,
                       const std::vector<float> &x, const std::vector<float> *dy, size_t count)
{
    Pool2d op;
    CHECK_OK(clcnn_pool2d_create(device, &p, &op));
    Guarded image(device, x), result(device, Guarded::poison(count));
    if (dy) {
        Guarded gradient(device, *dy);
        bool needs_x = p.mode == CLCNN_POOL_MODE_MAX || p.activation != CLCNN_ACTIVATION_LINEAR;
        CHECK_OK(clcnn_pool2d_backward(op, batch, needs_x ? (struct clcnn_buffer *)image : nullptr,
                                       nullptr, gradient, result, nullptr));
        CHECK(gradient.read<float>() == *dy);
    } else {
        CHECK_OK(clcnn_pool2d_forward(op, batch, image, result, nullptr));
    }
    return result.read<float>();
}

void check_case(struct clcnn_device *device, const pool_case &c, enum clcnn_pool_mode mode)
{
    struct clcnn_pool2d_params p = c.params(mode);
    struct ref_pool2d r = reference(p);
    bool max = mode == CLCNN_POOL_MODE_MAX, bent = c.activation > CLCNN_ACTIVATION_LEAKY_RELU;
    INFO("mode " << mode << " N" << c.batch << " H" << c.height << " W" << c.width << " C"
                 << c.channels << " size " << r.R << "x" << r.S << " strides " << r.sh << "x"
                 << r.sw << " pads " << r.pt << "," << r.pl << " activation "
                 << clcnn_activation_name(c.activation));

    /* Whole numbers: many equal maxima. Outputs of sigmoid and tanh are within (-1, 1). */
    std::vector<float> x = test_values(r.x_count(), 1, !bent);
    std::vector<float> dy = test_values(r.y_count(), 2, true);
    std::vector<double> xd = to_double(x), dyd = to_double(dy), absolute(x.size());
    std::transform(xd.begin(), xd.end(), absolute.begin(), [](double v) { return std::fabs(v); });
    std::vector<float> y = run(device, p, 0, x, nullptr, r.y_count());
    std::vector<double> magnitude = r.forward(absolute);
    check_close(y, r.forward(xd), [&](size_t i) { return tolerance(r, max, magnitude[i]); });

    std::vector<float> dx = run(device, p, 0, x, &dy, r.x_count());
    std::vector<double> expected = r.backward(xd, dyd);
    std::transform(dyd.begin(), dyd.end(), dyd.begin(), [](double v) { return std::fabs(v); });
    magnitude = r.backward(xd, dyd);
    for (size_t i = 0; i < x.size(); i++)
        expected[i] *= ref_slope(c.activation, (double)0.3f, xd[i]);
    bool exact = max && c.activation <= CLCNN_ACTIVATION_RELU;
    check_close(dx, expected, [&](size_t i) { return tolerance(r, exact, magnitude[i]); });
    check_same_bits(dx, run(device, p, 0, x, &dy, r.x_count()));
}

std::vector<pool_case> window_cases()
{
    const enum clcnn_padding same = CLCNN_PADDING_SAME, given = CLCNN_PADDING_EXPLICIT;
    return {
        {1, 1, 1, 1, {1, 1}},
        {2, 4, 4, 3},
        {3, 5, 7, 5},                 /* a row and a column left over */
        {1, 6, 6, 2, {3, 3}, {2, 2}}, /* overlapping */
        {2, 13, 13, 4, {3, 3}, {2, 2}},
        {1, 9, 8, 3, {3, 2}, {1, 2}},       /* in one direction only */
        {1, 11, 10, 2, {2, 3}, {4, 5}},     /* gaps between the windows */
        {2, 5, 5, 3, {2, 2}, {2, 2}, same}, /* one more below and right */
        {1, 7, 6, 3, {3, 3}, {1, 1}, same},
        {1, 8, 9, 2, {5, 4}, {3, 2}, same},
        {2, 6, 5, 3, {3, 3}, {3, 3}, given, {2, 0, 1, 2}},
        {1, 5, 6, 4, {3, 4}, {2, 1}, given, {0, 3, 2, 1}},
        {1, 4, 4, 1, {4, 4}, {1, 1}, given, {3, 3, 3, 3}},
        {1, 3, 3, 2, {5, 5}, {5, 5}, given, {1, 1, 1, 1}}, /* larger than the image */
        {3, 7, 5, 6, {0, 0}, {0, 0}, CLCNN_PADDING_VALID, {0, 0, 0, 0}, true},
        {1, 31, 29, 3, {0, 0}, {0, 0}, CLCNN_PADDING_VALID, {0, 0, 0, 0}, true},
    };
}

} // namespace

TEST_CASE("pool2d: windows of every kind", "[pool2d]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_pool_mode mode : {CLCNN_POOL_MODE_MAX, CLCNN_POOL_MODE_AVERAGE})
            for (const pool_case &c : window_cases())
                check_case(test_device(device_class), c, mode);
}

TEST_CASE("pool2d: channels around the vector width, rows around the chunks", "[pool2d]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        int width = clcnn_device_info(device)->vector_width;
        for (enum clcnn_pool_mode mode : {CLCNN_POOL_MODE_MAX, CLCNN_POOL_MODE_AVERAGE}) {
            for (int channels : {1, width - 1, width, width + 1, 2 * width, 3 * width + 5, 67})
                for (int stride : {1, 2})
                    if (channels > 0)
                        check_case(device, {2, 5, 6, channels, {2, 2}, {stride, stride}}, mode);
            check_case(device, {1, 4, 4, 1031, {4, 4}}, mode); /* split across channels */
            check_case(device, {64, 26, 26, 8}, mode);         /* several chunks of rows */
            check_case(device, {5, 23, 23, 24, {3, 3}, {2, 2}}, mode);
        }
    }
}

TEST_CASE("pool2d: backward through the fused activation", "[pool2d]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_pool_mode mode : {CLCNN_POOL_MODE_MAX, CLCNN_POOL_MODE_AVERAGE})
            for (int a = CLCNN_ACTIVATION_RELU; a <= CLCNN_ACTIVATION_TANH; a++)
                for (int stride : {1, 2, 3}) {
                    pool_case c = {2, 7, 6, 19, {2, 2}, {stride, stride}};
                    c.activation = (enum clcnn_activation)a;
                    check_case(test_device(device_class), c, mode);
                }
}

TEST_CASE("pool2d: worked examples", "[pool2d]")
{
    struct example {
        std::vector<float> x, y;
    };
    const example examples[] = {
        {{12, 20, 30, 0, 8, 12, 2, 0, 34, 70, 37, 4, 112, 100, 25, 12}, {20, 30, 112, 37}},
        {{3, 1, 1, 3, 2, 5, 0, 2, 1, 4, 2, 1, 4, 7, 2, 4}, {5, 3, 7, 4}},
    };
    struct clcnn_pool2d_params p = {};
    p.batch = p.channels = 1;
    p.height = p.width = 4;
    for (enum clcnn_device_class device_class : test_classes)
        for (const example &e : examples)
            CHECK(run(test_device(device_class), p, 0, e.x, nullptr, 4) == e.y);
}

TEST_CASE("pool2d: the average divides by the elements inside the image", "[pool2d]")
{
    /* keras.layers.AveragePooling2D(2, padding="same") of [[1, 2, 3], [4, 5, 6], [7, 8, 9]] */
    struct clcnn_pool2d_params p = pool_case{1, 3, 3}.params(CLCNN_POOL_MODE_AVERAGE);
    p.padding = CLCNN_PADDING_SAME;
    for (enum clcnn_device_class device_class : test_classes)
        CHECK(run(test_device(device_class), p, 0, {1, 2, 3, 4, 5, 6, 7, 8, 9}, nullptr, 4) ==
              std::vector<float>{3, 4.5, 7.5, 9});
}

TEST_CASE("pool2d: NaN and infinities", "[pool2d]")
{
    const float nan = NAN, inf = INFINITY;
    struct clcnn_pool2d_params p = pool_case{1, 2, 4}.params(CLCNN_POOL_MODE_MAX);
    std::vector<float> x = {1, nan, -inf, -inf, 7, nan, -inf, -inf}, dy = {1, 1};
    for (enum clcnn_device_class device_class : test_classes)
        for (int stride : {2, 1}) {
            p.strides[0] = p.strides[1] = stride;
            size_t count = stride == 2 ? 2 : 3;
            dy.resize(count, 1);
            std::vector<float> y = run(test_device(device_class), p, 0, x, nullptr, count);
            CHECK(std::isnan(y[0]));
            CHECK(y[count - 1] == -inf);
            CHECK(run(test_device(device_class), p, 0, x, &dy, 8) ==
                  (stride == 2 ? std::vector<float>{0, 1, 1, 0, 0, 0, 0, 0}
                               : std::vector<float>{0, 2, 1, 0, 0, 0, 0, 0}));
        }
}

TEST_CASE("pool2d: the reference's gradient by finite differences", "[pool2d]")
{
    for (bool average : {false, true}) {
        struct ref_pool2d r = {average, 1, 5, 4, 2, 3, 4, 3, 2, 2, 1, 1, 0};
        std::vector<double> x = to_double(test_values(r.x_count(), 3));
        std::vector<double> dy = to_double(test_values(r.y_count(), 4)), dx = r.backward(x, dy);
        auto objective = [&] {
            double sum = 0;
            std::vector<double> y = r.forward(x);
            for (size_t i = 0; i < y.size(); i++)
                sum += y[i] * dy[i];
            return sum;
        };
        for (size_t i = 0; i < x.size(); i++) {
            double step = 1e-6, before = x[i];
            x[i] = before + step;
            double above = objective();
            x[i] = before - step;
            double below = objective();
            x[i] = before;
            CHECK(dx[i] == Approx((above - below) / (2 * step)).margin(1e-8));
        }
    }
}

TEST_CASE("pool2d: a batch below the planned one", "[pool2d]")
{
    struct clcnn_pool2d_params p = pool_case{5, 6, 6, 20}.params(CLCNN_POOL_MODE_MAX), q = p;
    q.batch = 2;
    std::vector<float> x = test_values(5 * 6 * 6 * 20, 5);
    for (enum clcnn_device_class device_class : test_classes) {
        std::vector<float> y = run(test_device(device_class), p, 2, x, nullptr, 5 * 3 * 3 * 20);
        size_t written = 2 * 3 * 3 * 20;
        for (size_t i = written; i < y.size(); i++)
            REQUIRE(std::isnan(y[i]));
        y.resize(written);
        check_same_bits(y, run(test_device(device_class), q, 0, x, nullptr, written));
    }
}

TEST_CASE("pool2d: output sizes", "[pool2d]")
{
    struct clcnn_pool2d_params p = {};
    int out[2];
    p.height = 26;
    p.width = 11;
    CHECK_OK(clcnn_pool2d_output_size(&p, out));
    CHECK((out[0] == 13 && out[1] == 5));
    p.padding = CLCNN_PADDING_SAME;
    CHECK_OK(clcnn_pool2d_output_size(&p, out));
    CHECK((out[0] == 13 && out[1] == 6));
    p.global = true;
    CHECK_OK(clcnn_pool2d_output_size(&p, out));
    CHECK((out[0] == 1 && out[1] == 1));
    CHECK_INVALID(clcnn_pool2d_output_size(nullptr, out), "pool2d: params");
    CHECK_INVALID(clcnn_pool2d_output_size(&p, nullptr), "output is NULL");

    struct clcnn_pool2d_params good = pool_case{1, 6, 6}.params(CLCNN_POOL_MODE_MAX);
    auto refused = [&](const char *text) {
        CHECK_INVALID(clcnn_pool2d_output_size(&p, out), text);
        p = good;
    };
    p = good;
    p.height = 0, refused("pool2d: height 0");
    p.width = -1, refused("pool2d: width -1");
    p.size[1] = 7, refused("smaller than the filter's span 7");
    p.size[0] = -2, refused("filter size -2");
    p.strides[0] = -1, refused("stride -1");
    p.padding = (enum clcnn_padding)3, refused("3 is no padding");
    p.pads[2] = 1, refused("padding is not explicit");
    p.padding = CLCNN_PADDING_EXPLICIT, p.pads[0] = 2, refused("is not below the window's size 2");
}

TEST_CASE("pool2d: what create refuses", "[pool2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_pool2d_params good = pool_case{2, 6, 6, 3}.params(CLCNN_POOL_MODE_MAX), p = good;
    Pool2d op;
    auto refused = [&](const char *text) {
        CHECK_INVALID(clcnn_pool2d_create(device, &p, &op), text);
        CHECK((struct clcnn_pool2d *)op == nullptr);
        p = good;
    };
    CHECK_INVALID(clcnn_pool2d_create(nullptr, &p, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_pool2d_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_pool2d_create(device, &p, nullptr), "out is NULL");
    p.batch = 0, refused("batch=0");
    p.batch = -2, refused("batch=-2");
    p.channels = 0, refused("channels=0");
    p.channels = -1, refused("channels=-1");
    p.height = 0, refused("pool2d: height 0");
    p.width = -2, refused("pool2d: width -2");
    p.size[0] = -1, refused("filter size -1");
    p.strides[1] = -3, refused("stride -3");
    p.size[0] = 7, refused("pool2d: height 6");
    p.mode = (enum clcnn_pool_mode)2, refused("2 is no mode");
    p.padding = (enum clcnn_padding)3, refused("3 is no padding");
    p.pads[0] = 1, refused("pads 1, 0, 0, 0 are given");
    p.padding = CLCNN_PADDING_EXPLICIT, p.pads[3] = 2,
    refused("width: padding 0, 2 is not below the window's size 2");
    p.padding = CLCNN_PADDING_EXPLICIT, p.pads[1] = -1, refused("padding -1");
    p.activation = CLCNN_ACTIVATION_SOFTMAX, refused("softmax");
    p.activation = (enum clcnn_activation)7, refused("(7) cannot be fused");
    p.activation_alpha = INFINITY, refused("activation_alpha=inf");
    p.activation_alpha = -1, refused("activation_alpha=-1");
    p.activation_alpha = NAN, refused("activation_alpha");
    p.height = p.width = 1 << 16, refused("is too large");
    p.batch = 1 << 20, p.height = 1 << 12, p.width = 1, p.size[1] = 1, refused("is too large");
    p.channels = INT32_MAX, refused("is too large");
}

TEST_CASE("pool2d: what a call refuses", "[pool2d]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_pool2d_params p = pool_case{2, 6, 6, 3}.params(CLCNN_POOL_MODE_MAX);
    Pool2d op, average;
    CHECK_OK(clcnn_pool2d_create(device, &p, &op));
    p.mode = CLCNN_POOL_MODE_AVERAGE;
    p.activation = CLCNN_ACTIVATION_RELU;
    CHECK_OK(clcnn_pool2d_create(device, &p, &average));
    size_t image = 4 * 2 * 6 * 6 * 3, output = image / 4;
    Guarded x(device, image), y(device, output), dx(device, image), small(device, output - 4);
    CHECK_INVALID(clcnn_pool2d_forward(nullptr, 0, x, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_pool2d_forward(op, 3, x, y, nullptr), "batch 3 is not in 1..2");
    CHECK_INVALID(clcnn_pool2d_forward(op, -1, x, y, nullptr), "batch -1");
    CHECK_INVALID(clcnn_pool2d_forward(op, 0, small, y, nullptr), "pool2d: x");
    CHECK_INVALID(clcnn_pool2d_forward(op, 0, nullptr, y, nullptr), "pool2d: x");
    CHECK_INVALID(clcnn_pool2d_forward(op, 0, x, small, nullptr), "pool2d: y");
    CHECK_INVALID(clcnn_pool2d_forward(op, 0, x, nullptr, nullptr), "pool2d: y");
    CHECK_INVALID(clcnn_pool2d_forward(op, 0, x, x, nullptr), "x and y share memory");
    CHECK_INVALID(clcnn_pool2d_backward(nullptr, 0, x, nullptr, y, dx, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_pool2d_backward(op, 3, x, nullptr, y, dx, nullptr), "batch 3");
    CHECK_INVALID(clcnn_pool2d_backward(op, -1, x, nullptr, y, dx, nullptr), "batch -1");
    CHECK_INVALID(clcnn_pool2d_backward(op, 0, small, nullptr, y, dx, nullptr), "pool2d: x");
    CHECK_INVALID(clcnn_pool2d_backward(op, 0, x, nullptr, nullptr, dx, nullptr), "pool2d: dy");
    CHECK_INVALID(clcnn_pool2d_backward(op, 0, x, nullptr, y, nullptr, nullptr), "pool2d: dx");
    CHECK_INVALID(clcnn_pool2d_backward(op, 0, nullptr, nullptr, y, dx, nullptr), "pool2d: x");
    CHECK_INVALID(clcnn_pool2d_backward(op, 0, x, nullptr, small, dx, nullptr), "pool2d: dy");
    CHECK_INVALID(clcnn_pool2d_backward(op, 0, x, nullptr, y, small, nullptr), "pool2d: dx");
    CHECK_INVALID(clcnn_pool2d_backward(op, 0, x, nullptr, y, x, nullptr), "x and dx share");
    CHECK_INVALID(clcnn_pool2d_backward(op, 0, x, nullptr, dx, dx, nullptr), "dy and dx share");
    CHECK_INVALID(clcnn_pool2d_backward(average, 0, nullptr, nullptr, y, dx, nullptr), "pool2d: x");
}
