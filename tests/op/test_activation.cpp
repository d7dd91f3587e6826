#include "ref/activation.hpp"
#include "support/compare.hpp"
#include "support/owned.hpp"
#include <cfloat>

using Activation = Owned<struct clcnn_activation_op, clcnn_activation_destroy>;

namespace
{

struct activation_case {
    enum clcnn_activation activation = CLCNN_ACTIVATION_LINEAR;
    int64_t rows = 1, units = 1;
    float alpha = 0;
    bool in_place = false;
};

/* What a case computes: y from x, and dx from y and dy. */
struct activation_result {
    std::vector<float> y, dx;
};

activation_result run(struct clcnn_device *device, const activation_case &c,
                      const std::vector<float> &x, const std::vector<float> &dy)
{
    struct clcnn_activation_params params = {c.activation, c.alpha, c.rows, c.units};
    Activation op;
    CHECK_OK(clcnn_activation_create(device, &params, &op));
    Guarded input(device, x), output(device, Guarded::poison(x.size()));
    Guarded gradient(device, dy), result(device, Guarded::poison(x.size()));
    Guarded &y = c.in_place ? input : output, &dx = c.in_place ? gradient : result;
    CHECK_OK(clcnn_activation_forward(op, 0, input, y, nullptr));
    CHECK_OK(clcnn_activation_backward(op, 0, y, gradient, dx, nullptr));
    return {y.read<float>(), dx.read<float>()};
}

/* Relative errors in the units of OpenCL 1.2, table 7.1: exp 3, tanh 5, division 2.5 ulp; one for
 * each sum and product. */
double forward_ulps(enum clcnn_activation activation)
{
    switch (activation) {
    case CLCNN_ACTIVATION_LEAKY_RELU:
        return 1;
    case CLCNN_ACTIVATION_SIGMOID:
        return 3 + 1 + 2.5;
    case CLCNN_ACTIVATION_TANH:
        return 5;
    default:
        return 0;
    }
}

void check_elements(struct clcnn_device *device, const activation_case &c)
{
    INFO(clcnn_activation_name(c.activation) << " " << c.rows << "x" << c.units);
    size_t count = (size_t)(c.rows * c.units);
    double alpha = c.alpha == 0 ? (double)0.3f : (double)c.alpha;
    std::vector<float> x = test_values(count, 1), dy = test_values(count, 2);
    std::transform(x.begin(), x.end(), x.begin(), [](float v) { return 10 * v; });
    activation_result got = run(device, c, x, dy);
    std::vector<double> y(count), dx(count);
    for (size_t i = 0; i < count; i++) {
        y[i] = ref_activate(c.activation, alpha, (double)x[i]);
        dx[i] = (double)dy[i] * ref_slope(c.activation, alpha, (double)got.y[i]);
    }
    double ulps = forward_ulps(c.activation);
    check_close(got.y, y, [&](size_t i) { return ulps * 2 * unit_roundoff * std::fabs(y[i]); });
    /* The slope is of size 1 at most, and 1 - y^2 loses digits where y is near 1. */
    check_close(got.dx, dx, [&](size_t i) {
        return ulps > 0 ? 4 * unit_roundoff * std::fabs((double)dy[i]) : 0;
    });
}

void check_softmax(struct clcnn_device *device, const activation_case &c, float spread)
{
    INFO("softmax " << c.rows << "x" << c.units << " spread " << spread);
    size_t count = (size_t)(c.rows * c.units), units = (size_t)c.units;
    std::vector<float> x = test_values(count, 1), dy = test_values(count, 2);
    std::transform(x.begin(), x.end(), x.begin(), [&](float v) { return spread * v; });
    activation_result got = run(device, c, x, dy);
    std::vector<double> y = ref_softmax(to_double(x), units);
    /* exp 3 ulp and the rounding of its argument (at most 2 spread), the sum, the division 2.5 ulp
     * and the product; what falls below the smallest normal number may be flushed. */
    double sum_ulps = (double)units / 4 + 8;
    double ulps = 3 + 2 * (double)spread + sum_ulps + 3.5;
    check_close(got.y, y,
                [&](size_t i) { return ulps * 2 * unit_roundoff * y[i] + (double)FLT_MIN; });
    std::vector<double> yd = to_double(got.y), dyd = to_double(dy);
    std::vector<double> dx = ref_softmax_backward(yd, dyd, units);
    check_close(got.dx, dx,
                [&](size_t i) { /* |dy| <= 1 and sum y = 1, so every term is at most 1 */
                                return (sum_ulps + 4) * 2 * unit_roundoff * yd[i] + (double)FLT_MIN;
                });
    for (size_t row = 0; row < count && spread <= 10; row += units) {
        double sum = 0;
        for (size_t u = 0; u < units; u++)
            sum += yd[row + u];
        CHECK(sum == Approx(1).margin(ulps * 2 * unit_roundoff));
    }
}

} // namespace

TEST_CASE("activation: elements against the reference", "[activation]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        int64_t width = clcnn_device_info(device)->vector_width;
        for (int a = CLCNN_ACTIVATION_LINEAR; a <= CLCNN_ACTIVATION_TANH; a++)
            for (int64_t units : {(int64_t)1, width - 1, width, width + 1, (int64_t)64,
                                  (int64_t)127, (int64_t)4096, (int64_t)100003})
                if (units > 0)
                    check_elements(device, {(enum clcnn_activation)a, 1, units});
        check_elements(device, {CLCNN_ACTIVATION_LEAKY_RELU, 3, 7, 0.01f});
        check_elements(device, {CLCNN_ACTIVATION_TANH, 3, 77, 0, true});
        check_elements(device, {CLCNN_ACTIVATION_RELU, 3, 77, 0, true});
    }
}

TEST_CASE("activation: softmax against the reference", "[activation]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        const enum clcnn_activation softmax = CLCNN_ACTIVATION_SOFTMAX;
        int64_t width = clcnn_device_info(device)->vector_width;
        for (int64_t units : {(int64_t)1, (int64_t)2, width - 1, width, width + 1, (int64_t)10,
                              (int64_t)63, (int64_t)64, (int64_t)65, (int64_t)1000})
            if (units > 0)
                check_softmax(device, {softmax, 5, units}, 10);
        check_softmax(device, {softmax, 3, 10007}, 10);
        check_softmax(device, {softmax, 997, 10}, 10);
        check_softmax(device, {softmax, 4, 33}, 1000); /* would overflow without the maximum */
        check_softmax(device, {softmax, 4, 33, 0, true}, 10);
        check_softmax(device, {softmax, 4, 300, 0, true}, 10);
    }
}

TEST_CASE("activation: NaN, infinities and the largest numbers", "[activation]")
{
    const float inf = INFINITY;
    std::vector<float> x = {NAN, inf, -inf, FLT_MAX, -FLT_MAX, 0}, dy(6, 1);
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        auto y = [&](enum clcnn_activation a) { return run(device, {a, 1, 6}, x, dy).y; };
        for (int a = CLCNN_ACTIVATION_LINEAR; a <= CLCNN_ACTIVATION_TANH; a++)
            CHECK(std::isnan(y((enum clcnn_activation)a)[0]));
        auto tail = [](std::vector<float> v) { return std::vector<float>(v.begin() + 1, v.end()); };
        CHECK(tail(y(CLCNN_ACTIVATION_RELU)) == std::vector<float>{inf, 0, FLT_MAX, 0, 0});
        CHECK(tail(y(CLCNN_ACTIVATION_SIGMOID)) == std::vector<float>{1, 0, 1, 0, 0.5f});
        check_close(tail(y(CLCNN_ACTIVATION_TANH)), {1, -1, 1, -1, 0},
                    [](size_t) { return 5 * unit_roundoff; });
        for (float value : y(CLCNN_ACTIVATION_SOFTMAX))
            CHECK(std::isnan(value));
        std::vector<float> masked = {-inf, 2, 2, -inf, -inf, -inf};
        CHECK(run(device, {CLCNN_ACTIVATION_SOFTMAX, 1, 6}, masked, dy).y ==
              std::vector<float>{0, 0.5f, 0.5f, 0, 0, 0});
    }
}

TEST_CASE("activation: slopes by finite differences", "[activation]")
{
    for (int a = CLCNN_ACTIVATION_LINEAR; a <= CLCNN_ACTIVATION_TANH; a++)
        for (double x : {-2.5, -0.3, 0.4, 1.7}) {
            auto activation = (enum clcnn_activation)a;
            double step = 1e-6, y = ref_activate(activation, 0.2, x);
            double numeric = (ref_activate(activation, 0.2, x + step) -
                              ref_activate(activation, 0.2, x - step)) /
                             (2 * step);
            CHECK(ref_slope(activation, 0.2, y) == Approx(numeric).margin(1e-8));
        }
    std::vector<double> x = {0.3, -1.2, 2.0}, dy = {0.5, 1.5, -1.0};
    std::vector<double> dx = ref_softmax_backward(ref_softmax(x, 3), dy, 3);
    for (size_t i = 0; i < 3; i++) {
        double sum = 0;
        for (int side : {1, -1}) {
            std::vector<double> moved = x;
            moved[i] += side * 1e-6;
            std::vector<double> y = ref_softmax(moved, 3);
            for (size_t u = 0; u < 3; u++)
                sum += side * y[u] * dy[u] / 2e-6;
        }
        CHECK(dx[i] == Approx(sum).margin(1e-8));
    }
}

TEST_CASE("activation: the same bits twice, and for fewer rows", "[activation]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_activation a : {CLCNN_ACTIVATION_SIGMOID, CLCNN_ACTIVATION_SOFTMAX}) {
            struct clcnn_device *device = test_device(device_class);
            struct clcnn_activation_params params = {a, 0, 9, 21};
            std::vector<float> x = test_values(9 * 21, 3);
            activation_result all = run(device, {a, 9, 21}, x, x);
            check_same_bits(all.dx, run(device, {a, 9, 21}, x, x).dx);
            Activation op;
            CHECK_OK(clcnn_activation_create(device, &params, &op));
            Guarded input(device, x), output(device, Guarded::poison(9 * 21));
            CHECK_OK(clcnn_activation_forward(op, 4, input, output, nullptr));
            std::vector<float> y = output.read<float>();
            CHECK(std::equal(y.begin(), y.begin() + 4 * 21, all.y.begin()));
            CHECK(std::all_of(y.begin() + 4 * 21, y.end(), [](float v) { return std::isnan(v); }));
        }
}

TEST_CASE("activation: names", "[activation]")
{
    CHECK(std::string(clcnn_activation_name(CLCNN_ACTIVATION_LINEAR)) == "linear");
    CHECK(std::string(clcnn_activation_name(CLCNN_ACTIVATION_LEAKY_RELU)) == "leaky_relu");
    CHECK(std::string(clcnn_activation_name(CLCNN_ACTIVATION_SOFTMAX)) == "softmax");
    CHECK(std::string(clcnn_activation_name((enum clcnn_activation)6)) == "unknown");
    CHECK(std::string(clcnn_activation_name((enum clcnn_activation) - 1)) == "unknown");
}

TEST_CASE("activation: what create and calls refuse", "[activation]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    const struct clcnn_activation_params good = {CLCNN_ACTIVATION_RELU, 0, 4, 8};
    struct clcnn_activation_params p = good;
    Activation op;
    auto refused = [&](const char *text) {
        CHECK_INVALID(clcnn_activation_create(device, &p, &op), text);
        CHECK((struct clcnn_activation_op *)op == nullptr);
        p = good;
    };
    CHECK_INVALID(clcnn_activation_create(nullptr, &p, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_activation_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_activation_create(device, &p, nullptr), "out is NULL");
    p.activation = (enum clcnn_activation)9, refused("9 is no activation");
    p.rows = 0, refused("rows=0");
    p.units = -8, refused("units=-8");
    p.rows = p.units = INT64_MAX / 2, refused("too large");
    p.alpha = -0.1f, refused("alpha=-0.1");
    p.alpha = INFINITY, refused("alpha=inf");
    p.alpha = NAN, refused("alpha=");

    CHECK_OK(clcnn_activation_create(device, &good, &op));
    Guarded x(device, 4 * 32), y(device, 4 * 32), dx(device, 4 * 32), small(device, 4 * 31);
    Guarded large(device, 8 * 32);
    CHECK_INVALID(clcnn_activation_forward(nullptr, 0, x, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_activation_forward(op, 5, x, y, nullptr), "5 rows are not in 1..4");
    CHECK_INVALID(clcnn_activation_forward(op, -1, x, y, nullptr), "-1 rows");
    CHECK_INVALID(clcnn_activation_forward(op, 0, small, y, nullptr), "activation: x");
    CHECK_INVALID(clcnn_activation_forward(op, 0, nullptr, y, nullptr), "activation: x");
    CHECK_INVALID(clcnn_activation_forward(op, 0, x, small, nullptr), "activation: y");
    CHECK_INVALID(clcnn_activation_forward(op, 0, x, nullptr, nullptr), "activation: y");
    CHECK_INVALID(clcnn_activation_backward(nullptr, 0, y, x, dx, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_activation_backward(op, 5, y, x, dx, nullptr), "5 rows");
    CHECK_INVALID(clcnn_activation_backward(op, -1, y, x, dx, nullptr), "-1 rows");
    CHECK_INVALID(clcnn_activation_backward(op, 0, small, x, dx, nullptr), "activation: y");
    CHECK_INVALID(clcnn_activation_backward(op, 0, nullptr, x, dx, nullptr), "activation: y");
    CHECK_INVALID(clcnn_activation_backward(op, 0, y, small, dx, nullptr), "activation: dy");
    CHECK_INVALID(clcnn_activation_backward(op, 0, y, nullptr, dx, nullptr), "activation: dy");
    CHECK_INVALID(clcnn_activation_backward(op, 0, y, x, small, nullptr), "activation: dx");
    CHECK_INVALID(clcnn_activation_backward(op, 0, y, x, nullptr, nullptr), "activation: dx");
    CHECK_INVALID(clcnn_activation_backward(op, 0, y, x, y, nullptr), "y and dx share memory");
    CHECK_OK(clcnn_activation_forward(op, 3, small, small, nullptr));

    size_t offset;
    cl_mem memory = clcnn_buffer_cl_mem(large, &offset);
    Owned<struct clcnn_buffer, clcnn_buffer_destroy> shifted;
    CHECK_OK(clcnn_buffer_wrap(device, memory, offset + 4, 4 * 32, &shifted));
    CHECK_INVALID(clcnn_activation_forward(op, 0, large, shifted, nullptr), "x and y share");
    CHECK_INVALID(clcnn_activation_backward(op, 0, y, large, shifted, nullptr), "dy and dx share");
    CHECK_INVALID(clcnn_activation_backward(op, 0, large, x, shifted, nullptr), "y and dx share");
}
