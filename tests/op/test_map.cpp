#include "ref/array.hpp"
#include "ref/functions.hpp"
#include "support/owned.hpp"

using Map = Owned<struct clcnn_map, clcnn_map_destroy>;

namespace
{

const enum clcnn_dtype types[] = {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16, CLCNN_DTYPE_UINT8,
                                  CLCNN_DTYPE_INT32, CLCNN_DTYPE_INT64};

bool is_float(enum clcnn_dtype type)
{
    return type == CLCNN_DTYPE_FLOAT32 || type == CLCNN_DTYPE_FLOAT16;
}

struct clcnn_map_params params_of(enum clcnn_function function, enum clcnn_dtype type)
{
    struct clcnn_map_params params = {};
    params.function = function;
    params.type = params.to = type;
    return params;
}

/* y = f(operands) on the device against the reference, each operand broadcast to y. */
void check_map(struct clcnn_device *device, const struct clcnn_map_params &params,
               const std::vector<HostArray> &operands, const Index &sizes, Layout layout = DENSE,
               double ulps = 0)
{
    INFO(clcnn_function_name(params.function)
         << " of " << clcnn_dtype_name(params.type) << " on "
         << clcnn_device_class_name(clcnn_device_info(device)->device_class));
    Map op;
    CHECK_OK(clcnn_map_create(device, &params, &op));
    HostArray expected(clcnn_map_output_type(&params), sizes, layout);
    DeviceArray y(device, expected, true);
    std::vector<std::unique_ptr<DeviceArray>> copies;
    std::vector<struct clcnn_array> arrays;
    std::vector<struct clcnn_view> views;
    for (const HostArray &operand : operands) {
        copies.push_back(std::make_unique<DeviceArray>(device, operand));
        arrays.push_back(*copies.back());
        struct clcnn_shape shape = shape_of(sizes);
        struct clcnn_view view;
        CHECK_OK(clcnn_view_broadcast(&operand.view, &shape, &view));
        views.push_back(view);
    }
    CHECK_OK(clcnn_map_forward(op, arrays.data(), arrays.size(), y, nullptr));
    each_index(sizes, [&](const Index &index) {
        double v[3] = {};
        for (size_t k = 0; k < operands.size(); k++)
            v[k] = operands[k].elements[(size_t)element_of(views[k], index)];
        expected[index] = in_type(ref_function(params, v[0], v[1], v[2]), expected.type);
    });
    y.check(expected, [&](const Index &index) {
        double size = std::fabs(expected[index]);
        double rounding = expected.type == CLCNN_DTYPE_FLOAT16 ? 2 * half_rounding(size) : 0;
        return ulps > 0 ? rounding + ulps * 0x1p-23 * std::max(size, 1.0) : 0;
    });
}

/* Operands that suit a function. */
std::vector<HostArray> operands_of(const struct clcnn_map_params &params, const Index &sizes,
                                   Layout layout = DENSE)
{
    std::vector<HostArray> operands;
    bool whole = !is_float(params.type), bytes = params.type == CLCNN_DTYPE_UINT8;
    bool truths = params.function >= CLCNN_FUNCTION_AND && params.function <= CLCNN_FUNCTION_XOR;
    bool equal = params.function >= CLCNN_FUNCTION_EQUAL && params.function <= CLCNN_FUNCTION_XOR;
    for (int k = 0; k < clcnn_function_operands(params.function); k++) {
        bool condition = params.function == CLCNN_FUNCTION_WHERE && k == 0;
        HostArray operand(condition ? CLCNN_DTYPE_UINT8 : params.type, sizes, layout);
        double high = condition || truths || equal ? 2 : whole ? 100 : 3;
        double low = bytes || condition ? 0 : -high;
        if (ref_positive(params.function) && k == 0)
            low = 0.001;
        operands.push_back(operand.random((unsigned)k + 1, low, high));
    }
    return operands;
}

} // namespace

TEST_CASE("map: every function of every type", "[map]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (int f = 0; f < CLCNN_FUNCTION_COUNT; f++)
            for (enum clcnn_dtype type : types) {
                auto function = (enum clcnn_function)f;
                struct clcnn_map_params params = params_of(function, type);
                params.alpha = is_float(type) ? 0.75 : function == CLCNN_FUNCTION_ADD ? 1 : 2;
                params.beta = is_float(type) ? 1.5 : 40;
                struct clcnn_device *device = test_device(device_class);
                if (!ref_function_works(function, type)) {
                    Map op;
                    CHECK_INVALID(clcnn_map_create(device, &params, &op),
                                  std::string(clcnn_function_name(function)) + ": not of " +
                                      clcnn_dtype_name(type));
                    continue;
                }
                bool own = f >= CLCNN_FUNCTION_EXP && f <= CLCNN_FUNCTION_POWER;
                bool half = type == CLCNN_DTYPE_FLOAT16;
                bool gpu = device_class == CLCNN_DEVICE_CLASS_GPU;
                if (own && (half || gpu) && function != CLCNN_FUNCTION_SIGMOID &&
                    function != CLCNN_FUNCTION_GELU)
                    continue; /* each is a program: these say it for all */
                const Index sizes = {3, 37};
                check_map(device, params, operands_of(params, sizes), sizes, DENSE,
                          ref_ulps(function));
            }
}

TEST_CASE("map: add by counts around the vector, the tile and the group", "[map]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type : {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16, CLCNN_DTYPE_INT64})
            for (int64_t count : {1, 2, 3, 7, 15, 16, 17, 63, 64, 65, 4095, 4096, 4097, 70001}) {
                INFO("count " << count);
                struct clcnn_map_params params = params_of(CLCNN_FUNCTION_ADD, type);
                check_map(test_device(device_class), params, operands_of(params, {count}), {count});
            }
}

TEST_CASE("map: sums of every pair of layouts, of every rank", "[map]")
{
    const Index shapes[] = {{},
                            {5},
                            {3, 19},
                            {16, 16},
                            {17, 33},
                            {2, 3, 40},
                            {5, 1, 7, 3},
                            {2, 3, 1, 2, 17},
                            {2, 1, 2, 3, 2, 2, 1, 3}};
    for (enum clcnn_device_class device_class : test_classes)
        for (const Index &sizes : shapes)
            for (Layout from : layouts)
                for (Layout to : layouts) {
                    INFO("rank " << sizes.size() << ", layouts " << from << ", " << to);
                    struct clcnn_map_params params =
                        params_of(CLCNN_FUNCTION_ADD, CLCNN_DTYPE_FLOAT32);
                    HostArray a(params.type, sizes, from), b(params.type, sizes, DENSE);
                    check_map(test_device(device_class), params, {a.random(1), b.random(2)}, sizes,
                              to);
                }
}

TEST_CASE("map: operands are broadcast", "[map]")
{
    const Index sizes = {2, 5, 4, 18};
    const Index narrow[] = {{}, {18}, {1}, {4, 1}, {5, 1, 1}, {2, 1, 1, 18}, {1, 5, 4, 1}, {1, 1}};
    for (enum clcnn_device_class device_class : test_classes)
        for (const Index &a : narrow)
            for (Layout layout : {DENSE, TRANSPOSED, REVERSED}) {
                struct clcnn_map_params params =
                    params_of(CLCNN_FUNCTION_MULTIPLY_ADD, CLCNN_DTYPE_INT32);
                HostArray first(params.type, a), second(params.type, sizes, layout);
                HostArray third(params.type, {5, 1, 1});
                check_map(test_device(device_class), params,
                          {first.random(1, -9, 9), second.random(2, -9, 9), third.random(3, -9, 9)},
                          sizes);
                params = params_of(CLCNN_FUNCTION_WHERE, CLCNN_DTYPE_FLOAT16);
                HostArray condition(CLCNN_DTYPE_UINT8, a), yes(params.type, sizes, layout);
                HostArray no(params.type, {1, 18});
                check_map(test_device(device_class), params,
                          {condition.random(1, 0, 2), yes.random(2), no.random(3)}, sizes);
            }
}

TEST_CASE("map: casts between all types", "[map]")
{
    const double infinity = std::numeric_limits<double>::infinity();
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype from : types)
            for (enum clcnn_dtype to : types) {
                bool wide = from == CLCNN_DTYPE_FLOAT32 || to == CLCNN_DTYPE_FLOAT32;
                bool narrow = from > to && from >= CLCNN_DTYPE_INT32 && to >= CLCNN_DTYPE_UINT8;
                if (!wide && !narrow)
                    continue; /* each pair is a program: these say it for all */
                for (enum clcnn_function f : {CLCNN_FUNCTION_COPY, CLCNN_FUNCTION_TO_BOOL}) {
                    struct clcnn_map_params params = params_of(f, from);
                    params.to = to;
                    HostArray a(from, {20});
                    std::vector<double> v = {0, 1, 2, 3, 100, 7, 0, 127, 128, 255,
                                             1, 1, 0, 5, 6,   7, 8, 9,   10,  11};
                    if (from == CLCNN_DTYPE_FLOAT32 || from == CLCNN_DTYPE_FLOAT16)
                        v = {0,    -0.0, 0.5, -0.5, 1.5,      -1.5,      2.5,  255.9, 256,  NAN,
                             -1e9, 3e9,  1e5, -1e5, infinity, -infinity, 1e-3, 65504, 1e19, 17};
                    if (from >= CLCNN_DTYPE_INT32)
                        v[4] = -1, v[5] = 65520, v[6] = 1 << 24, v[7] = -300;
                    check_map(test_device(device_class), params, {a.set(v)}, {20});
                }
            }
}

TEST_CASE("map: special values", "[map]")
{
    const double infinity = std::numeric_limits<double>::infinity();
    const std::vector<double> special = {0.0,       -0.0, 1,     -1,     0.5, -0.5,
                                         1.5,       2.5,  -2.5,  88,     -88, infinity,
                                         -infinity, NAN,  1e-30, -1e-30, 100, -100};
    auto count = (int64_t)special.size();
    for (enum clcnn_device_class device_class : test_classes)
        for (int f = 0; f < CLCNN_FUNCTION_COUNT; f++) {
            auto function = (enum clcnn_function)f;
            if (device_class == CLCNN_DEVICE_CLASS_GPU && f >= CLCNN_FUNCTION_EXP &&
                f <= CLCNN_FUNCTION_POWER)
                continue; /* programs of their own */
            if (!ref_function_works(function, CLCNN_DTYPE_FLOAT32) ||
                function == CLCNN_FUNCTION_WHERE || ref_undefined_at_infinity(function))
                continue;
            struct clcnn_map_params params = params_of(function, CLCNN_DTYPE_FLOAT32);
            params.alpha = 0.5;
            params.beta = 0.75;
            std::vector<HostArray> operands;
            for (int k = 0; k < clcnn_function_operands(function); k++) {
                operands.emplace_back(CLCNN_DTYPE_FLOAT32,
                                      k == 0 ? Index{count, 1} : Index{1, count});
                operands.back().set(special);
            }
            check_map(test_device(device_class), params, operands, {count, count}, DENSE,
                      ref_ulps(function));
        }
}

TEST_CASE("map: integer division", "[map]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type : {CLCNN_DTYPE_UINT8, CLCNN_DTYPE_INT32, CLCNN_DTYPE_INT64})
            for (enum clcnn_function f :
                 {CLCNN_FUNCTION_DIV, CLCNN_FUNCTION_MOD, CLCNN_FUNCTION_FMOD}) {
                bool bytes = type == CLCNN_DTYPE_UINT8;
                HostArray a(type, {41, 1}), b(type, {1, 41});
                for (int64_t i = 0; i < 41; i++)
                    a[{i, 0}] = b[{0, i}] = (double)(bytes ? i * 6 : i - 20);
                check_map(test_device(device_class), params_of(f, type), {a, b}, {41, 41});
            }
}

TEST_CASE("map: in place, empty, concatenated and tiled", "[map]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        struct clcnn_map_params params = params_of(CLCNN_FUNCTION_ADD, CLCNN_DTYPE_FLOAT32);
        Map add, copy;
        CHECK_OK(clcnn_map_create(device, &params, &add));
        params.function = CLCNN_FUNCTION_COPY;
        CHECK_OK(clcnn_map_create(device, &params, &copy));

        HostArray a(params.type, {5, 33}, SLICED), b(params.type, {33}), sum(a);
        a.random(1), b.random(2);
        each_index(a.sizes(),
                   [&](const Index &i) { sum[i] = in_type(a[i] + b[{i[1]}], params.type); });
        DeviceArray x(device, a), bias(device, b);
        const struct clcnn_array both[] = {x, bias};
        CHECK_OK(clcnn_map_forward(add, both, 2, x, nullptr));
        x.check(sum);
        std::vector<unsigned char> before = x.bytes();
        struct clcnn_array none = x;
        none.view.size[0] = 0;
        CHECK_INVALID(clcnn_map_forward(copy, both, 1, &none, nullptr),
                      "size 5 does not broadcast to 0");
        CHECK_OK(clcnn_map_forward(copy, &none, 1, &none, nullptr));
        CHECK(x.bytes() == before);

        HostArray whole(params.type, {2, 7, 3});
        DeviceArray y(device, whole, true);
        for (int64_t part : {0, 1}) { /* 4 and 3 of the middle axis */
            HostArray piece(params.type, {2, 4 - part, 3});
            piece.random(7 + (unsigned)part);
            each_index(piece.sizes(), [&](const Index &i) {
                whole[{i[0], i[1] + 4 * part, i[2]}] = piece[i];
            });
            DeviceArray from(device, piece);
            struct clcnn_array to = y;
            CHECK_OK(clcnn_view_slice(&to.view, 1, 4 * part, 1, 4 - part, &to.view));
            CHECK_OK(clcnn_map_forward(copy, from, 1, &to, nullptr));
        }
        y.check(whole);

        HostArray tile(params.type, {1, 3, 1, 5}), tiled(params.type, {2, 3, 4, 5});
        tile.random(3);
        each_index(tiled.sizes(), [&](const Index &i) { tiled[i] = tile[{0, i[1], 0, i[3]}]; });
        DeviceArray small(device, tile), large(device, tiled, true);
        CHECK_OK(clcnn_map_forward(copy, small, 1, large, nullptr));
        large.check(tiled);
    }
}

TEST_CASE("map: two runs give the same bits", "[map]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        struct clcnn_map_params params = params_of(CLCNN_FUNCTION_GELU, CLCNN_DTYPE_FLOAT32);
        Map op;
        CHECK_OK(clcnn_map_create(device, &params, &op));
        HostArray a(params.type, {7, 501}, TRANSPOSED);
        DeviceArray x(device, a.random(1)), y(device, HostArray(params.type, {7, 501}), true);
        CHECK_OK(clcnn_map_forward(op, x, 1, y, nullptr));
        std::vector<unsigned char> first = y.bytes();
        CHECK_OK(clcnn_map_forward(op, x, 1, y, nullptr));
        CHECK(y.bytes() == first);
    }
}

TEST_CASE("map: what is refused", "[map]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_map_params params = params_of(CLCNN_FUNCTION_ADD, CLCNN_DTYPE_FLOAT32);
    Map op, wrong;
    auto create = [&](enum clcnn_function f, enum clcnn_dtype type, double alpha, double beta) {
        struct clcnn_map_params p = params_of(f, type);
        p.alpha = alpha;
        p.beta = beta;
        return clcnn_map_create(device, &p, &wrong);
    };
    CHECK_INVALID(clcnn_map_create(nullptr, &params, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_map_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_map_create(device, &params, nullptr), "out is NULL");
    CHECK_INVALID(create((enum clcnn_function)63, params.type, 0, 0), "63 is no function");
    CHECK_INVALID(create(CLCNN_FUNCTION_ABS, (enum clcnn_dtype)7, 0, 0), "abs: 7 is no type");
    CHECK_FAILS(create(CLCNN_FUNCTION_ABS, CLCNN_DTYPE_FLOAT64, 0, 0), CLCNN_STATUS_UNSUPPORTED,
                "abs: float64");
    CHECK_INVALID(create(CLCNN_FUNCTION_ELU, params.type, NAN, 0), "elu: alpha=nan");
    CHECK_INVALID(create(CLCNN_FUNCTION_ELU, params.type, 1, INFINITY), "beta=inf");
    CHECK_INVALID(create(CLCNN_FUNCTION_ADD, CLCNN_DTYPE_INT32, 0.5, 0), "add: alpha=0.5 of int32");
    CHECK(clcnn_function_name((enum clcnn_function)63) == std::string("unknown"));
    CHECK(clcnn_function_operands((enum clcnn_function)63) == 0);
    CHECK(clcnn_map_output_type(nullptr) == CLCNN_DTYPE_FLOAT32);

    CHECK_OK(clcnn_map_create(device, &params, &op));
    HostArray host(params.type, {3, 4});
    DeviceArray a(device, host), b(device, host), y(device, host);
    struct clcnn_array operands[] = {a, b, a}, to = y;
    auto forward = [&](size_t count) {
        return clcnn_map_forward(op, operands, count, &to, nullptr);
    };
    CHECK_INVALID(clcnn_map_forward(nullptr, operands, 2, y, nullptr), "map: op is NULL");
    CHECK_INVALID(clcnn_map_forward(op, nullptr, 2, y, nullptr), "add: operands is NULL");
    CHECK_INVALID(clcnn_map_forward(op, operands, 2, nullptr, nullptr), "add: y is NULL");
    CHECK_INVALID(forward(1), "add: 1 operands, it has 2");
    CHECK_INVALID(forward(3), "add: 3 operands, it has 2");
    operands[1].buffer = nullptr;
    CHECK_INVALID(forward(2), "add: b is NULL");
    operands[1] = b;
    operands[1].view.offset = 1;
    CHECK_INVALID(forward(2), "add: b has 48 bytes, 52 are needed");
    operands[1].view.offset = -1;
    CHECK_INVALID(forward(2), "add: b has elements from -1 to 10");
    operands[1] = b;
    operands[1].view.rank = 9;
    CHECK_INVALID(forward(2), "add: b: view: rank 9");
    operands[1] = b;
    operands[1].view.size[1] = 3;
    CHECK_INVALID(forward(2), "add: b: view: size 3 does not broadcast to 4");
    operands[1] = b;
    to.view.stride[0] = 0;
    CHECK_INVALID(forward(2), "add: y has several indices for one element");
    to.view.stride[0] = 2;
    to.view.size[1] = 3;
    CHECK_INVALID(forward(2), "add: y has several indices");
    to = a;
    CHECK_OK(forward(2));
    to.view = operands[0].view;
    to.view.size[0] = operands[1].view.size[0] = 2;
    operands[0].view.size[0] = 2;
    to.view.offset = 4;
    CHECK_INVALID(forward(2), "add: a and y share memory");
    operands[1] = to;
    operands[1].view.offset = 0;
    operands[0] = b;
    operands[0].view.size[0] = 2;
    CHECK_INVALID(forward(2), "add: b and y share memory");
    to.view = operands[0].view;
    to.view.size[0] = (int64_t)1 << 31;
    CHECK_INVALID(forward(2), "add: y has 8589934592 elements, 2^31 or more");

    Map longs;
    params.type = CLCNN_DTYPE_INT64;
    CHECK_OK(clcnn_map_create(device, &params, &longs));
    Guarded odd(device, 64);
    struct clcnn_array shifted = {odd, HostArray::view_of({2}, DENSE)};
    const struct clcnn_array twice[] = {shifted, shifted};
    CHECK_INVALID(clcnn_map_forward(longs, twice, 2, &shifted, nullptr),
                  "which is no multiple of its elements' 8");
}
