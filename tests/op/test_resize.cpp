#include "ref/array.hpp"
#include "support/owned.hpp"

using Resize = Owned<struct clcnn_resize, clcnn_resize_destroy>;

namespace
{

/* The value of a row between its elements, straight from the definitions. */
struct Line {
    const struct clcnn_resize_params &p;
    int axis;

    double place(int64_t o) const
    {
        auto in = (double)p.input.dim[axis], out = (double)p.output.dim[axis];
        double s = p.scale[axis] > 0 ? p.scale[axis] : out / in, at = (double)o;
        switch (p.place) {
        case CLCNN_RESIZE_PLACE_HALF_PIXEL:
            return (at + 0.5) / s - 0.5;
        case CLCNN_RESIZE_PLACE_HALF_PIXEL_SYMMETRIC:
            return in / 2 * (1 - out / (s * in)) + (at + 0.5) / s - 0.5;
        case CLCNN_RESIZE_PLACE_PYTORCH_HALF_PIXEL:
            return out > 1 ? (at + 0.5) / s - 0.5 : 0;
        case CLCNN_RESIZE_PLACE_ALIGN_CORNERS:
            return out > 1 ? at * (in - 1) / (out - 1) : 0;
        case CLCNN_RESIZE_PLACE_ASYMMETRIC:
            return at / s;
        case CLCNN_RESIZE_PLACE_TF_HALF_PIXEL_FOR_NN:
            return (at + 0.5) / s;
        default:
            return out > 1 ? p.start[axis] * (in - 1) +
                                 at * (p.end[axis] - p.start[axis]) * (in - 1) / (out - 1)
                           : 0.5 * (p.start[axis] + p.end[axis]) * (in - 1);
        }
    }
    double keys(double x) const
    {
        double a = p.cubic_a != 0 ? p.cubic_a : -0.75;
        x = std::fabs(x);
        if (x < 1)
            return (a + 2) * x * x * x - (a + 3) * x * x + 1;
        return x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0;
    }
    /* visit(index, weight) of each tap; false if the place is outside and that matters. */
    template <class Visit> bool taps(int64_t o, Visit visit) const
    {
        int64_t n = p.input.dim[axis];
        double x = place(o), sum = 0;
        if (p.place == CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE && (x < 0 || x > (double)n - 1))
            return false;
        auto inside = [&](double i) { return (int64_t)std::min(std::max(i, 0.0), (double)n - 1); };
        if (p.mode == CLCNN_RESIZE_MODE_NEAREST) {
            double whole = p.round == CLCNN_RESIZE_ROUND_FLOOR         ? std::floor(x)
                           : p.round == CLCNN_RESIZE_ROUND_CEIL        ? std::ceil(x)
                           : p.round == CLCNN_RESIZE_ROUND_PREFER_CEIL ? std::floor(x + 0.5)
                                                                       : std::ceil(x - 0.5);
            visit(inside(whole), 1.0);
            return true;
        }
        bool cubic = p.mode == CLCNN_RESIZE_MODE_CUBIC;
        double base = std::floor(x);
        auto weight = [&](double i) {
            double w = cubic ? keys(x - i) : 1 - std::fabs(x - i);
            bool out = i < 0 || i > (double)n - 1;
            return cubic && p.exclude_outside && out ? 0 : w;
        };
        for (double i = base - cubic; i <= base + 1 + cubic; i++)
            sum += weight(i);
        for (double i = base - cubic; i <= base + 1 + cubic; i++)
            visit(inside(i), weight(i) / sum);
        return true;
    }
};

double value_at(const struct clcnn_resize_params &p, const HostArray &x, Index at, int axis,
                const Index &o)
{
    if (axis == x.view.rank)
        return x[at];
    auto d = (size_t)axis;
    if (p.input.dim[axis] == p.output.dim[axis] && p.scale[axis] == 0) {
        at[d] = o[d];
        return value_at(p, x, at, axis + 1, o);
    }
    double sum = 0;
    bool inside = Line{p, axis}.taps(o[d], [&](int64_t i, double w) {
        at[d] = i;
        double v = w == 0 ? 0 : value_at(p, x, at, axis + 1, o);
        sum += w == 0 ? 0 : w * v;
    });
    return inside ? sum : NAN; /* NaN stands for what is extrapolated */
}

void check_resize(struct clcnn_device *device, const struct clcnn_resize_params &params,
                  Layout from = DENSE, Layout to = DENSE)
{
    INFO("mode " << params.mode << ", place " << params.place << ", round " << params.round
                 << " on " << clcnn_device_class_name(clcnn_device_info(device)->device_class));
    Resize op;
    CHECK_OK(clcnn_resize_create(device, &params, &op));
    HostArray x(params.type, Index(params.input.dim, params.input.dim + params.input.rank), from);
    HostArray y(params.type, Index(params.output.dim, params.output.dim + params.output.rank), to);
    x.random(1);
    each_index(y.sizes(), [&](const Index &o) {
        double v = value_at(params, x, o, 0, o);
        y[o] = in_type(std::isnan(v) ? (double)params.extrapolation : v, params.type);
    });
    DeviceArray source(device, x), result(device, y, true);
    CHECK_OK(clcnn_resize_forward(op, source, result, nullptr));
    bool exact = params.mode == CLCNN_RESIZE_MODE_NEAREST;
    double rounding = params.type == CLCNN_DTYPE_FLOAT16 ? 0x1p-11 : 0x1p-20;
    result.check(y, [&](const Index &) { return exact ? 0 : 4 * rounding; });
}

struct clcnn_resize_params params_of(const Index &input, const Index &output)
{
    struct clcnn_resize_params params = {};
    params.input = shape_of(input);
    params.output = shape_of(output);
    for (int i = 0; i < params.input.rank; i++)
        params.end[i] = 1;
    return params;
}

} // namespace

TEST_CASE("resize: every mode, place and rounding", "[resize]")
{
    const Index sizes[][2] = {{{1, 2, 5, 6}, {1, 2, 8, 3}}, {{2, 3, 4, 4}, {2, 3, 1, 12}}};
    for (enum clcnn_device_class device_class : test_classes)
        for (const auto &s : sizes)
            for (int mode = 0; mode <= CLCNN_RESIZE_MODE_CUBIC; mode++)
                for (int place = 0; place <= CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE; place++)
                    for (int round = 0; round <= (mode ? 0 : CLCNN_RESIZE_ROUND_CEIL); round++) {
                        struct clcnn_resize_params params = params_of(s[0], s[1]);
                        params.mode = (enum clcnn_resize_mode)mode;
                        params.place = (enum clcnn_resize_place)place;
                        params.round = (enum clcnn_resize_round)round;
                        params.start[2] = 0.2, params.end[2] = 1.4;
                        params.start[3] = 0.6, params.end[3] = 0.1;
                        params.extrapolation = 10;
                        params.exclude_outside = round == 0 && place % 2 == 0;
                        params.cubic_a = place % 3 ? 0 : -0.5;
                        check_resize(test_device(device_class), params);
                    }
}

TEST_CASE("resize: layouts, ranks, scales and types", "[resize]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        for (Layout from : layouts)
            for (Layout to : layouts)
                for (int mode = 0; mode <= CLCNN_RESIZE_MODE_LINEAR; mode++) {
                    struct clcnn_resize_params params = params_of({2, 19, 5, 7}, {2, 19, 10, 9});
                    params.mode = (enum clcnn_resize_mode)mode;
                    check_resize(device, params, from, to);
                }
        for (int mode = 0; mode <= CLCNN_RESIZE_MODE_CUBIC; mode++)
            for (const auto &s : {std::pair<Index, Index>{{7}, {11}},
                                  {{2, 3, 4, 5}, {3, 6, 4, 2}},
                                  {{1, 3, 2, 3, 4}, {1, 3, 4, 5, 6}},
                                  {{3, 3}, {3, 3}},
                                  {{}, {}}}) {
                struct clcnn_resize_params params = params_of(s.first, s.second);
                params.mode = (enum clcnn_resize_mode)mode;
                params.type = CLCNN_DTYPE_FLOAT16;
                check_resize(device, params);
            }
        struct clcnn_resize_params params = params_of({1, 1, 4, 4}, {1, 1, 7, 2});
        params.mode = CLCNN_RESIZE_MODE_LINEAR;
        params.scale[2] = 1.9, params.scale[3] = 0.6;
        check_resize(device, params);
    }
}

TEST_CASE("resize: views that are refused", "[resize]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_resize_params good = params_of({2, 4}, {2, 8});
    Resize op, wrong;
    CHECK_INVALID(clcnn_resize_create(nullptr, &good, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_resize_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_resize_create(device, &good, nullptr), "out is NULL");
    auto refused = [&](auto change, const char *words) {
        struct clcnn_resize_params p = good;
        change(p);
        CHECK_INVALID(clcnn_resize_create(device, &p, &wrong), words);
    };
    refused([](auto &p) { p.mode = (enum clcnn_resize_mode)9; }, "9 is no mode");
    refused([](auto &p) { p.place = (enum clcnn_resize_place)9; }, "9 is no place");
    refused([](auto &p) { p.round = (enum clcnn_resize_round)9; }, "9 is no rounding");
    refused([](auto &p) { p.type = CLCNN_DTYPE_INT32; }, "storage int32");
    refused([](auto &p) { p.input.rank = 1; }, "input of rank 1, output of rank 2");
    refused([](auto &p) { p.input.dim[0] = 0; }, "no elements");
    refused([](auto &p) { p.scale[1] = -1; }, "scale -1");
    refused([](auto &p) { p.start[1] = NAN; }, "start nan");
    refused([](auto &p) { p.cubic_a = INFINITY; }, "a=inf");
    struct clcnn_resize_params many = params_of({2, 2, 2, 2}, {3, 3, 3, 3});
    CHECK_FAILS(clcnn_resize_create(device, &many, &wrong), CLCNN_STATUS_UNSUPPORTED,
                "more than 3 dimensions");

    CHECK_OK(clcnn_resize_create(device, &good, &op));
    HostArray small(CLCNN_DTYPE_FLOAT32, {2, 4}), large(small.type, {2, 8});
    DeviceArray x(device, small), y(device, large);
    CHECK_INVALID(clcnn_resize_forward(nullptr, x, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_resize_forward(op, nullptr, y, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_resize_forward(op, x, nullptr, nullptr), "y is NULL");
    CHECK_INVALID(clcnn_resize_forward(op, y, x, nullptr), "8 to 4 elements in dimension 1");
    CHECK_INVALID(clcnn_resize_forward(op, x, x, nullptr), "x and y share memory");
    struct clcnn_array one = x, other = y;
    one.view.size[0] = 1;
    CHECK_INVALID(clcnn_resize_forward(op, &one, y, nullptr), "1 to 2 elements in dimension 0");
    other.view.size[0] = 1;
    CHECK_OK(clcnn_resize_forward(op, &one, &other, nullptr)); /* a smaller batch */
    one.view.rank = other.view.rank = 1;
    CHECK_INVALID(clcnn_resize_forward(op, &one, &other, nullptr), "made for 2");
}
