#include "support/compare.hpp"
#include "support/owned.hpp"
#include <algorithm>

extern "C" {
#include "base/philox.h"
}

using Elementwise = Owned<struct clcnn_elementwise, clcnn_elementwise_destroy>;

namespace
{

/* Counts around the vector width, four vectors (a step of dropout), the work-group and the
 * chunk. */
std::vector<int64_t> counts(struct clcnn_device *device)
{
    int64_t width = clcnn_device_info(device)->vector_width;
    std::vector<int64_t> all = {1, 2, 3, 4, 5, 7};
    for (int64_t edge : {width, 4 * width, (int64_t)64, (int64_t)256, (int64_t)4096})
        for (int64_t count : {edge - 1, edge, edge + 1})
            if (count > 0)
                all.push_back(count);
    all.push_back(100003);
    return all;
}

/* The definition of the header, in C. */
std::vector<float> ref_dropout(const std::vector<float> &x, float rate, uint64_t seed,
                               uint64_t step)
{
    std::vector<float> y(x.size());
    float scale = (float)(1.0 / (1.0 - (double)rate));
    for (size_t i = 0; i < x.size(); i++) {
        uint32_t counter[4] = {(uint32_t)(i / 4), (uint32_t)((uint64_t)(i / 4) >> 32),
                               (uint32_t)step, (uint32_t)(step >> 32) << 2},
                 words[4];
        clcnn_philox(seed, counter, words);
        y[i] = clcnn_philox_to_uniform(words[i % 4]) >= rate ? x[i] * scale : 0;
    }
    return y;
}

} // namespace

TEST_CASE("elementwise: fill", "[elementwise]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise op;
        CHECK_OK(clcnn_elementwise_create(device, nullptr, &op));
        for (float value : {0.0f, -1.25f, 3e38f})
            for (size_t count : {1, 5, 4097}) {
                Guarded y(device, Guarded::poison(count));
                CHECK_OK(clcnn_elementwise_fill(op, (int64_t)count, value, y, nullptr));
                CHECK(y.read<float>() == std::vector<float>(count, value));
            }
    }
}

TEST_CASE("elementwise: add", "[elementwise]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise op;
        CHECK_OK(clcnn_elementwise_create(device, nullptr, &op));
        for (int64_t count : counts(device))
            for (bool relu : {false, true}) {
                std::vector<float> a = test_values((size_t)count, 1);
                std::vector<float> b = test_values((size_t)count, 2), expected(a);
                for (size_t i = 0; i < a.size(); i++) {
                    expected[i] = a[i] + b[i];
                    if (relu)
                        expected[i] = std::max(expected[i], 0.0f);
                }
                Guarded first(device, a), second(device, b), y(device, Guarded::poison(a.size()));
                CHECK_OK(clcnn_elementwise_add(op, count, first, second, relu, y, nullptr));
                CHECK(y.read<float>() == expected);
                CHECK_OK(clcnn_elementwise_add(op, count, first, second, relu, second, nullptr));
                CHECK(second.read<float>() == expected);
                second.write(b);
                CHECK_OK(clcnn_elementwise_add(op, count, first, second, relu, first, nullptr));
                CHECK(first.read<float>() == expected);
            }
        Guarded x(device, std::vector<float>{1});
        CHECK_OK(clcnn_elementwise_add(op, 1, x, x, false, x, nullptr));
        CHECK(x.read<float>()[0] == 2);
        x.write(std::vector<float>{NAN});
        CHECK_OK(clcnn_elementwise_add(op, 1, x, x, true, x, nullptr));
        CHECK(std::isnan(x.read<float>()[0]));
    }
}

TEST_CASE("elementwise: copy a block, and concatenate", "[elementwise]")
{
    struct copy_case {
        int64_t rows, columns, x_stride, x_offset, y_stride, y_offset;
    };
    const copy_case cases[] = {
        {1, 1, 1, 0, 1, 0},
        {5, 3, 3, 0, 3, 0},
        {7, 17, 20, 3, 33, 16},
        {3, 16, 16, 0, 48, 32},
        {1, 30011, 30011, 0, 30011, 0},
        {2, 9000, 9001, 1, 9003, 2},
        {4001, 6, 10, 4, 6, 0},
        {65, 64, 64, 0, 129, 65},
    };
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise op;
        CHECK_OK(clcnn_elementwise_create(device, nullptr, &op));
        for (const copy_case &c : cases) {
            INFO(c.rows << "x" << c.columns << " of " << c.x_stride << " to " << c.y_stride);
            std::vector<float> x = test_values((size_t)(c.rows * c.x_stride), 1);
            std::vector<float> y = test_values((size_t)(c.rows * c.y_stride), 2), expected = y;
            for (int64_t i = 0; i < c.rows; i++)
                for (int64_t j = 0; j < c.columns; j++)
                    expected[(size_t)(i * c.y_stride + c.y_offset + j)] =
                        x[(size_t)(i * c.x_stride + c.x_offset + j)];
            Guarded from(device, x), to(device, y);
            CHECK_OK(clcnn_elementwise_copy(op, c.rows, c.columns, from, c.x_stride, c.x_offset, to,
                                            c.y_stride, c.y_offset, nullptr));
            CHECK(to.read<float>() == expected);
        }
    }
}

TEST_CASE("elementwise: dropout has the same bits everywhere", "[elementwise]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise op;
        CHECK_OK(clcnn_elementwise_create(device, nullptr, &op));
        for (int64_t count : counts(device)) {
            std::vector<float> x = test_values((size_t)count, 1);
            Guarded input(device, x), y(device, Guarded::poison(x.size()));
            const uint64_t seed = 0x123456789abcdef0, step = 0x2bcdef0198765432;
            CHECK_OK(clcnn_elementwise_dropout(op, count, 0.3f, seed, step, input, y, nullptr));
            CHECK(y.read<float>() == ref_dropout(x, 0.3f, seed, step));
            CHECK_OK(clcnn_elementwise_dropout(op, count, 0.5f, 7, 0, input, input, nullptr));
            CHECK(input.read<float>() == ref_dropout(x, 0.5f, 7, 0));
        }
    }
}

TEST_CASE("elementwise: dropout's share, and its extremes", "[elementwise]")
{
    const size_t count = 200000;
    std::vector<float> ones(count, 1.0f), first, second;
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise op;
        CHECK_OK(clcnn_elementwise_create(device, nullptr, &op));
        Guarded x(device, ones), y(device, Guarded::poison(count));
        auto drop = [&](float rate, uint64_t seed, uint64_t step) {
            CHECK_OK(clcnn_elementwise_dropout(op, count, rate, seed, step, x, y, nullptr));
            return y.read<float>();
        };
        CHECK(drop(0, 1, 1) == ones);
        for (float rate : {0.1f, 0.25f, 0.9f}) {
            std::vector<float> kept = drop(rate, 3, 5);
            auto zeros = (double)std::count(kept.begin(), kept.end(), 0.0f);
            double p = (double)rate, deviation = std::sqrt(p * (1 - p) * count);
            CHECK(std::fabs(zeros - p * count) < 4 * deviation);
        }
        CHECK(drop(0.5f, 3, 5) == drop(0.5f, 3, 5));
        CHECK(drop(0.5f, 3, 5) != drop(0.5f, 4, 5));
        CHECK(drop(0.5f, 3, 5) != drop(0.5f, 3, 6));
        CHECK(drop(0.5f, 3, 5) != drop(0.5f, 3, 5 + (1ull << 32)));
        x.write(std::vector<float>(count, NAN)); /* what is dropped is 0 */
        std::vector<float> kept = drop(0.5f, 3, 5);
        CHECK(std::count(kept.begin(), kept.end(), 0.0f) > 0);
    }
}

TEST_CASE("elementwise: transpose between NCHW and NHWC", "[elementwise]")
{
    const int cases[][4] = {/* N C H W */
                            {1, 1, 1, 1},   {2, 3, 5, 7},   {1, 16, 4, 4},
                            {3, 15, 1, 17}, {2, 17, 5, 3},  {1, 64, 16, 16},
                            {5, 3, 32, 32}, {1, 130, 1, 1}, {64, 1, 28, 28}};
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise op;
        CHECK_OK(clcnn_elementwise_create(device, nullptr, &op));
        for (const int(&c)[4] : cases) {
            size_t N = (size_t)c[0], C = (size_t)c[1], pixels = (size_t)(c[2] * c[3]);
            INFO("N" << N << " C" << C << " H" << c[2] << " W" << c[3]);
            std::vector<float> nchw = test_values(N * C * pixels, 1), nhwc(nchw.size());
            for (size_t n = 0; n < N; n++)
                for (size_t i = 0; i < C; i++)
                    for (size_t p = 0; p < pixels; p++)
                        nhwc[(n * pixels + p) * C + i] = nchw[(n * C + i) * pixels + p];
            Guarded x(device, nchw), y(device, Guarded::poison(nchw.size()));
            Guarded back(device, Guarded::poison(nchw.size()));
            CHECK_OK(clcnn_elementwise_transpose(op, true, c[0], c[1], c[2], c[3], x, y, nullptr));
            CHECK(y.read<float>() == nhwc);
            CHECK_OK(
                clcnn_elementwise_transpose(op, false, c[0], c[1], c[2], c[3], y, back, nullptr));
            CHECK(back.read<float>() == nchw);
        }
    }
}

TEST_CASE("elementwise: what is refused", "[elementwise]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    Elementwise op;
    CHECK_INVALID(clcnn_elementwise_create(nullptr, nullptr, &op), "device is NULL");
    CHECK_INVALID(clcnn_elementwise_create(device, nullptr, nullptr), "out is NULL");
    CHECK_OK(clcnn_elementwise_create(device, nullptr, &op));
    Guarded a(device, 48), b(device, 48), y(device, 48), small(device, 44), large(device, 96);
    size_t offset;
    cl_mem memory = clcnn_buffer_cl_mem(large, &offset);
    Owned<struct clcnn_buffer, clcnn_buffer_destroy> whole, shifted;
    CHECK_OK(clcnn_buffer_wrap(device, memory, offset, 48, &whole));
    CHECK_OK(clcnn_buffer_wrap(device, memory, offset + 16, 48, &shifted));

    CHECK_INVALID(clcnn_elementwise_fill(nullptr, 12, 0, y, nullptr), "fill: op is NULL");
    CHECK_INVALID(clcnn_elementwise_fill(op, 0, 0, y, nullptr), "fill: count=0");
    CHECK_INVALID(clcnn_elementwise_fill(op, INT64_MAX, 0, y, nullptr), "too large");
    CHECK_INVALID(clcnn_elementwise_fill(op, 12, 0, small, nullptr), "fill: y");
    CHECK_INVALID(clcnn_elementwise_fill(op, 12, 0, nullptr, nullptr), "fill: y");

    CHECK_INVALID(clcnn_elementwise_add(nullptr, 12, a, b, false, y, nullptr), "add: op is NULL");
    CHECK_INVALID(clcnn_elementwise_add(op, -1, a, b, false, y, nullptr), "add: count=-1");
    CHECK_INVALID(clcnn_elementwise_add(op, INT64_MAX, a, b, false, y, nullptr), "too large");
    CHECK_INVALID(clcnn_elementwise_add(op, 12, small, b, false, y, nullptr), "add: a");
    CHECK_INVALID(clcnn_elementwise_add(op, 12, nullptr, b, false, y, nullptr), "add: a");
    CHECK_INVALID(clcnn_elementwise_add(op, 12, a, small, false, y, nullptr), "add: b");
    CHECK_INVALID(clcnn_elementwise_add(op, 12, a, b, false, nullptr, nullptr), "add: y");
    CHECK_INVALID(clcnn_elementwise_add(op, 12, a, nullptr, false, y, nullptr), "add: b");
    CHECK_INVALID(clcnn_elementwise_add(op, 12, a, b, false, small, nullptr), "add: y");
    CHECK_INVALID(clcnn_elementwise_add(op, 12, whole, b, false, shifted, nullptr),
                  "a and y share");
    CHECK_INVALID(clcnn_elementwise_add(op, 12, a, shifted, false, whole, nullptr),
                  "b and y share");

    auto copy = [&](struct clcnn_buffer *x, int64_t rows, int64_t columns, int64_t x_stride,
                    int64_t x_offset, struct clcnn_buffer *to, int64_t y_stride, int64_t y_offset) {
        return clcnn_elementwise_copy(op, rows, columns, x, x_stride, x_offset, to, y_stride,
                                      y_offset, nullptr);
    };
    CHECK_INVALID(clcnn_elementwise_copy(nullptr, 1, 1, a, 1, 0, y, 1, 0, nullptr), "op is NULL");
    CHECK_INVALID(copy(a, 0, 1, 1, 0, y, 1, 0), "rows=0");
    CHECK_INVALID(copy(a, 1, -1, 1, 0, y, 1, 0), "columns=-1");
    CHECK_INVALID(copy(a, 3, 4, 4, -1, y, 4, 0), "x's rows of 4");
    CHECK_INVALID(copy(a, 3, 4, 4, 1, y, 4, 0), "x's rows of 4");
    CHECK_INVALID(copy(a, 3, 4, 4, 0, y, 3, 0), "y's rows of 3");
    CHECK_INVALID(copy(a, 3, 4, 3, 0, y, 4, 0), "x's rows of 3");
    CHECK_INVALID(copy(a, 3, 4, 4, 0, y, 4, -1), "y's rows of 4");
    CHECK_INVALID(copy(a, 3, 3, 4, 0, y, 4, 2), "y's rows of 4");
    CHECK_INVALID(copy(a, 3, 4, 4, 0, y, INT64_MAX, INT64_MAX - 2), "y's rows");
    CHECK_INVALID(copy(a, 3, 4, 4, 0, y, INT64_MAX, 0), "too large");
    CHECK_INVALID(copy(a, 4, 4, 4, 0, large, 4, 0), "copy: x");
    CHECK_INVALID(copy(nullptr, 3, 4, 4, 0, y, 4, 0), "copy: x");
    CHECK_INVALID(copy(a, 3, 4, 4, 0, small, 4, 0), "copy: y");
    CHECK_INVALID(copy(a, 3, 4, 4, 0, nullptr, 4, 0), "copy: y");
    CHECK_INVALID(copy(a, 3, 4, 4, 0, a, 4, 0), "x and y share memory");
    CHECK_OK(copy(a, 3, 3, 4, 0, small, 4, 0)); /* the last row may end early */

    auto drop = [&](int64_t count, float rate, struct clcnn_buffer *x, struct clcnn_buffer *to) {
        return clcnn_elementwise_dropout(op, count, rate, 1, 1, x, to, nullptr);
    };
    CHECK_INVALID(clcnn_elementwise_dropout(nullptr, 1, 0, 1, 1, a, y, nullptr), "op is NULL");
    CHECK_INVALID(drop(0, 0.5f, a, y), "dropout: count=0");
    CHECK_INVALID(drop(12, 1, a, y), "rate=1");
    CHECK_INVALID(drop(12, -0.5f, a, y), "rate=-0.5");
    CHECK_INVALID(drop(12, NAN, a, y), "rate=");
    CHECK_INVALID(drop(12, 0.5f, small, y), "dropout: x");
    CHECK_INVALID(drop(12, 0.5f, nullptr, y), "dropout: x");
    CHECK_INVALID(drop(12, 0.5f, a, small), "dropout: y");
    CHECK_INVALID(drop(12, 0.5f, a, nullptr), "dropout: y");
    CHECK_INVALID(drop(12, 0.5f, whole, shifted), "x and y share memory");
    CHECK_INVALID(clcnn_elementwise_dropout(op, 12, 0.5f, 1, 1ull << 62, a, y, nullptr), "step");

    auto transpose = [&](int n, int c, int h, int w, struct clcnn_buffer *x,
                         struct clcnn_buffer *to) {
        return clcnn_elementwise_transpose(op, true, n, c, h, w, x, to, nullptr);
    };
    CHECK_INVALID(clcnn_elementwise_transpose(nullptr, true, 1, 1, 1, 1, a, y, nullptr), "op is");
    CHECK_INVALID(transpose(0, 3, 2, 2, a, y), "N=0");
    CHECK_INVALID(transpose(1, 0, 2, 2, a, y), "C=0");
    CHECK_INVALID(transpose(1, 3, -2, 2, a, y), "H=-2");
    CHECK_INVALID(transpose(1, 3, 2, 0, a, y), "W=0");
    CHECK_INVALID(transpose(INT32_MAX, INT32_MAX, INT32_MAX, 2, a, y), "too large");
    CHECK_INVALID(transpose(1, 3, 2, 2, small, y), "transpose: x");
    CHECK_INVALID(transpose(1, 3, 2, 2, nullptr, y), "transpose: x");
    CHECK_INVALID(transpose(1, 3, 2, 2, a, small), "transpose: y");
    CHECK_INVALID(transpose(1, 3, 2, 2, a, nullptr), "transpose: y");
    CHECK_INVALID(transpose(1, 3, 2, 2, a, a), "x and y share memory");
}
