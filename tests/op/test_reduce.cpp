#include "ref/array.hpp"
#include "support/owned.hpp"

using Reduce = Owned<struct clcnn_reduce, clcnn_reduce_destroy>;

namespace
{

const enum clcnn_dtype types[] = {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16, CLCNN_DTYPE_UINT8,
                                  CLCNN_DTYPE_INT32, CLCNN_DTYPE_INT64};

double beats(double v, double best, bool smallest, bool last)
{
    if (std::isnan(v) || std::isnan(best))
        return std::isnan(v) && (!std::isnan(best) || last);
    return (smallest ? v < best : v > best) || (last && v == best);
}

/* The reduction of a list of elements, in double. */
double ref_reduce(const struct clcnn_reduce_params &p, const std::vector<double> &x)
{
    double sum = 0, product = 1, size = 0, square = 0;
    double infinity = std::numeric_limits<double>::infinity(), top = -infinity, bottom = infinity;
    size_t where = 0;
    for (size_t i = 0; i < x.size(); i++) {
        sum += x[i];
        product *= x[i];
        size += std::fabs(x[i]);
        square += x[i] * x[i];
        top = std::isnan(top) || x[i] <= top ? top : x[i];
        bottom = std::isnan(bottom) || x[i] >= bottom ? bottom : x[i];
        if (beats(x[i], x[where], p.reduction == CLCNN_REDUCTION_ARG_MIN, p.last_index))
            where = i;
    }
    double powers = 0, shift = std::isinf(top) ? 0 : top;
    for (double v : x)
        powers += std::exp(v - shift);
    switch (p.reduction) {
    case CLCNN_REDUCTION_SUM:
        return sum;
    case CLCNN_REDUCTION_MEAN:
        return sum / (double)x.size();
    case CLCNN_REDUCTION_MAX:
        return top;
    case CLCNN_REDUCTION_MIN:
        return bottom;
    case CLCNN_REDUCTION_PROD:
        return product;
    case CLCNN_REDUCTION_L1:
        return size;
    case CLCNN_REDUCTION_L2:
        return std::sqrt(square);
    case CLCNN_REDUCTION_SUM_SQUARE:
        return square;
    case CLCNN_REDUCTION_LOG_SUM:
        return std::log(sum);
    case CLCNN_REDUCTION_LOG_SUM_EXP:
        return std::log(powers) + shift;
    default:
        return (double)where;
    }
}

/* y has size 1 in `axes` (bits). Tolerance: integers and extremes exact; else that of sums in
 * float32, count u of the sum of sizes, and a few roundings. */
void check_reduce(struct clcnn_device *device, const struct clcnn_reduce_params &params,
                  const HostArray &x, unsigned axes, Layout to = DENSE)
{
    INFO(clcnn_reduction_name(params.reduction)
         << " of " << clcnn_dtype_name(params.type) << ", axes " << axes << " on "
         << clcnn_device_class_name(clcnn_device_info(device)->device_class));
    Reduce op;
    CHECK_OK(clcnn_reduce_create(device, &params, &op));
    Index sizes = x.sizes();
    for (size_t i = 0; i < sizes.size(); i++)
        if (axes >> i & 1)
            sizes[i] = 1;
    bool arg = params.reduction >= CLCNN_REDUCTION_ARG_MAX;
    HostArray expected(arg ? params.index : params.type, sizes, to), reach(expected);
    DeviceArray from(device, x), y(device, expected, true);
    CHECK_OK(clcnn_reduce_forward(op, from, y, nullptr));
    each_index(sizes, [&](const Index &index) {
        Index inside = x.sizes();
        for (size_t i = 0; i < sizes.size(); i++)
            if (!(axes >> i & 1))
                inside[i] = 1;
        std::vector<double> elements;
        double size = 0;
        each_index(inside, [&](const Index &i) {
            Index at = index;
            for (size_t d = 0; d < at.size(); d++)
                at[d] += i[d];
            elements.push_back(x[at]);
            size += std::fabs(x[at]);
        });
        double result = ref_reduce(params, elements);
        expected[index] = in_type(result, expected.type);
        bool scale = params.reduction == CLCNN_REDUCTION_MEAN && !elements.empty();
        double rounded = scale ? size / (double)elements.size() : size;
        reach[index] = 0x1p-24 * (32 * std::max(rounded, std::fabs(result)) + 32) +
                       (expected.type == CLCNN_DTYPE_FLOAT16 ? half_rounding(result) : 0);
    });
    bool exact = !x.is_float() || params.reduction == CLCNN_REDUCTION_MAX ||
                 params.reduction == CLCNN_REDUCTION_MIN || arg;
    y.check(expected, [&](const Index &index) { return exact ? 0 : reach[index]; });
}

struct clcnn_reduce_params params_of(enum clcnn_reduction reduction,
                                     enum clcnn_dtype type = CLCNN_DTYPE_FLOAT32)
{
    struct clcnn_reduce_params params = {};
    params.reduction = reduction;
    params.type = type;
    params.index = CLCNN_DTYPE_INT64;
    return params;
}

} // namespace

TEST_CASE("reduce: every reduction of every type", "[reduce]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (int r = 0; r < CLCNN_REDUCTION_COUNT; r++)
            for (enum clcnn_dtype type : types) {
                struct clcnn_reduce_params params = params_of((enum clcnn_reduction)r, type);
                bool floats = r == CLCNN_REDUCTION_L2 || r == CLCNN_REDUCTION_LOG_SUM ||
                              r == CLCNN_REDUCTION_LOG_SUM_EXP;
                HostArray x(type, {3, 5, 20});
                if (floats && !x.is_float()) {
                    Reduce op;
                    CHECK_INVALID(clcnn_reduce_create(test_device(device_class), &params, &op),
                                  std::string(": not of ") + clcnn_dtype_name(type));
                    continue;
                }
                bool both = type == CLCNN_DTYPE_FLOAT32 || type == CLCNN_DTYPE_INT64;
                if (device_class == CLCNN_DEVICE_CLASS_GPU && !both)
                    continue;
                bool arg = r >= CLCNN_REDUCTION_ARG_MAX; /* a program per pair of types */
                if (arg && !both)
                    continue;
                bool product = r == CLCNN_REDUCTION_PROD;
                double low = r == CLCNN_REDUCTION_LOG_SUM || !x.is_float() ? 0.0 : -1.0;
                x.random(1, product ? 1 : low, product ? 1.01 : x.is_float() ? 1 : 2);
                check_reduce(test_device(device_class), params, x, 4);
                check_reduce(test_device(device_class), params, x, 2);
                params.index = x.is_float() ? CLCNN_DTYPE_INT32 : CLCNN_DTYPE_INT64;
                params.last_index = true;
                check_reduce(test_device(device_class), params, x, 1, TRANSPOSED);
            }
}

TEST_CASE("reduce: every set of axes in every layout", "[reduce]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (Layout layout : layouts)
            for (enum clcnn_reduction r :
                 {CLCNN_REDUCTION_SUM, CLCNN_REDUCTION_MAX, CLCNN_REDUCTION_LOG_SUM_EXP}) {
                HostArray x(CLCNN_DTYPE_FLOAT32, {3, 17, 1, 33}, layout);
                x.random(1);
                for (unsigned axes = 0; axes < 16; axes++)
                    check_reduce(test_device(device_class), params_of(r), x, axes, layout);
            }
}

TEST_CASE("reduce: counts around the vector, the block and the group", "[reduce]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (int64_t count : {0, 1, 2, 15, 16, 17, 63, 64, 65, 1023, 1024, 1025, 4097, 70000})
            for (enum clcnn_reduction r : {CLCNN_REDUCTION_SUM, CLCNN_REDUCTION_MEAN,
                                           CLCNN_REDUCTION_MIN, CLCNN_REDUCTION_PROD}) {
                INFO("count " << count);
                HostArray rows(CLCNN_DTYPE_FLOAT32, {2, count}),
                    columns(rows.type, {count, count < 2000 ? 19 : 3});
                double near = r == CLCNN_REDUCTION_PROD ? 1 - 1e-5 : -1;
                check_reduce(test_device(device_class), params_of(r), rows.random(1, near), 2);
                check_reduce(test_device(device_class), params_of(r), columns.random(2, near), 1);
            }
    HostArray scalar(CLCNN_DTYPE_FLOAT32, {}), deep(CLCNN_DTYPE_INT32, {2, 1, 2, 3, 2, 2, 1, 3});
    for (enum clcnn_device_class device_class : test_classes) {
        check_reduce(test_device(device_class), params_of(CLCNN_REDUCTION_L1), scalar.random(1), 0);
        check_reduce(test_device(device_class), params_of(CLCNN_REDUCTION_SUM, CLCNN_DTYPE_INT32),
                     deep.random(2, -9, 9), 0x5A);
    }
}

TEST_CASE("reduce: NaN, infinities and ties", "[reduce]")
{
    const double infinity = std::numeric_limits<double>::infinity();
    const std::vector<double> rows[] = {
        {1, NAN, 3, NAN, 5, 5},
        {5, 1, 5, 1, 5, 1},
        {-infinity, -infinity, -infinity, -infinity, -infinity, -infinity},
        {1, 2, infinity, 3, infinity, 4},
        {NAN, NAN, NAN, NAN, NAN, NAN},
        {1000, 999, 998, -1000, 0, 1000},
        {-0.0, 0, -0.0, 0, 0, 0},
    };
    for (enum clcnn_device_class device_class : test_classes)
        for (int r = 0; r < CLCNN_REDUCTION_COUNT; r++)
            for (const std::vector<double> &row : rows)
                for (bool last : {false, true}) {
                    struct clcnn_reduce_params params = params_of((enum clcnn_reduction)r);
                    params.last_index = last;
                    HostArray x(params.type, {1, 6}), y(params.type, {6, 2}, TRANSPOSED);
                    check_reduce(test_device(device_class), params, x.set(row), 2);
                    each_index(y.sizes(), [&](const Index &i) { y[i] = row[(size_t)i[0]]; });
                    check_reduce(test_device(device_class), params, y, 1);
                }
}

TEST_CASE("reduce: what is refused", "[reduce]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_reduce_params params = params_of(CLCNN_REDUCTION_SUM);
    Reduce op, arg, mean, wrong;
    CHECK_INVALID(clcnn_reduce_create(nullptr, &params, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_reduce_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_reduce_create(device, &params, nullptr), "out is NULL");
    CHECK_OK(clcnn_reduce_create(device, &params, &op));
    params.reduction = (enum clcnn_reduction)15;
    CHECK_INVALID(clcnn_reduce_create(device, &params, &wrong), "15 is no reduction");
    params = params_of(CLCNN_REDUCTION_MAX, CLCNN_DTYPE_FLOAT64);
    CHECK_FAILS(clcnn_reduce_create(device, &params, &wrong), CLCNN_STATUS_UNSUPPORTED, "float64");
    params = params_of(CLCNN_REDUCTION_ARG_MAX);
    CHECK_OK(clcnn_reduce_create(device, &params, &arg));
    params.index = CLCNN_DTYPE_FLOAT32;
    CHECK_INVALID(clcnn_reduce_create(device, &params, &wrong), "index float32 is neither");
    params = params_of(CLCNN_REDUCTION_MEAN, CLCNN_DTYPE_INT32);
    CHECK_OK(clcnn_reduce_create(device, &params, &mean));
    CHECK(clcnn_reduction_name((enum clcnn_reduction)15) == std::string("unknown"));

    HostArray host(CLCNN_DTYPE_FLOAT32, {3, 4}), one(host.type, {3, 1}),
        indices(CLCNN_DTYPE_INT64, {1, 1});
    DeviceArray x(device, host), y(device, one), index(device, indices);
    CHECK_INVALID(clcnn_reduce_forward(nullptr, x, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_reduce_forward(op, nullptr, y, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_reduce_forward(op, x, nullptr, nullptr), "y is NULL");
    struct clcnn_array to = y;
    to.view.rank = 1;
    CHECK_INVALID(clcnn_reduce_forward(op, x, &to, nullptr), "x has rank 2, y has rank 1");
    to = y;
    to.view.size[0] = 2;
    CHECK_INVALID(clcnn_reduce_forward(op, x, &to, nullptr),
                  "y has size 2 in dimension 0, x has 3");
    to = x;
    to.view.size[1] = 1;
    CHECK_INVALID(clcnn_reduce_forward(op, x, &to, nullptr), "x and y share memory");
    to = y;
    to.view.stride[0] = 0;
    CHECK_INVALID(clcnn_reduce_forward(op, x, &to, nullptr), "y has several indices");
    struct clcnn_array turned = x;
    turned.view = HostArray::view_of({3, 3}, TRANSPOSED);
    turned.view.stride[1] = 4;
    CHECK_INVALID(clcnn_reduce_forward(arg, &turned, index, nullptr), "more than one dimension");
    struct clcnn_array none = x;
    none.view.size[1] = 0;
    none.view.size[0] = 1;
    CHECK_INVALID(clcnn_reduce_forward(arg, &none, index, nullptr), "arg_max: of no elements");
    to = y;
    to.view.size[0] = 1;
    CHECK_INVALID(clcnn_reduce_forward(mean, &none, &to, nullptr), "of no elements of int32");
    none.view.size[0] = to.view.size[0] = 0;
    CHECK_OK(clcnn_reduce_forward(op, &none, &to, nullptr));
}
