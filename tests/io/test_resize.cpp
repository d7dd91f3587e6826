#include "io/image_files.hpp"
#include <cmath>

namespace
{

clcnn_tensor *make_image(int64_t height, int64_t width, int64_t channels, const Bytes &pixels)
{
    clcnn_tensor *tensor = nullptr;
    const clcnn_shape shape = {3, {height, width, channels}};
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_UINT8, &shape, &tensor));
    REQUIRE((int64_t)pixels.size() == clcnn_tensor_count(tensor));
    std::copy(pixels.begin(), pixels.end(), static_cast<uint8_t *>(clcnn_tensor_data(tensor)));
    return tensor;
}

Bytes resize(int64_t height, int64_t width, int64_t channels, const Bytes &pixels, int new_height,
             int new_width)
{
    clcnn_tensor *image = make_image(height, width, channels, pixels), *out = nullptr;
    CHECK_OK(clcnn_image_resize(image, new_height, new_width, &out));
    clcnn_tensor_destroy(&image);
    const Image result(out);
    REQUIRE(result.height == new_height);
    REQUIRE(result.width == new_width);
    REQUIRE(result.channels == channels);
    return result.pixels;
}

Bytes noise(size_t count, uint32_t seed)
{
    Bytes out(count);
    for (uint8_t &value : out) {
        seed = seed * 1664525u + 1013904223u;
        value = (uint8_t)(seed >> 24);
    }
    return out;
}

/* Weight of source k in output i of one axis, in double, from the definition. */
double weight(int64_t in, int64_t out, int64_t i, int64_t k)
{
    if (out < in) {
        const double begin = (double)(i * in) / out, end = (double)((i + 1) * in) / out;
        const double shared = std::min(end, k + 1.0) - std::max(begin, (double)k);
        return std::max(shared, 0.0) * out / in;
    }
    const double place = (i + 0.5) * in / out - 0.5;
    const double clamped = std::min(std::max(place, 0.0), in - 1.0);
    return std::max(1.0 - std::fabs(clamped - (double)k), 0.0);
}

} // namespace

TEST_CASE("resize: worked examples", "[io][resize]")
{
    CHECK(resize(2, 2, 1, {1, 2, 3, 4}, 1, 1) == Bytes{3}); /* 2.5: halves go up */
    CHECK(resize(2, 2, 1, {1, 2, 2, 4}, 1, 1) == Bytes{2});
    CHECK(resize(1, 2, 1, {0, 100}, 1, 4) == Bytes{0, 25, 75, 100});
    CHECK(resize(2, 1, 1, {0, 100}, 4, 1) == Bytes{0, 25, 75, 100});
    CHECK(resize(1, 3, 1, {0, 90, 255}, 1, 2) == Bytes{30, 200});
    CHECK(resize(1, 4, 2, {0, 9, 2, 9, 4, 9, 6, 9}, 1, 2) == Bytes{1, 9, 5, 9});
    CHECK(resize(1, 1, 3, {7, 8, 9}, 2, 2) == Bytes{7, 8, 9, 7, 8, 9, 7, 8, 9, 7, 8, 9});
    CHECK(resize(2, 2, 1, {0, 255, 255, 0}, 1, 2) == Bytes{128, 128});
}

TEST_CASE("resize: the same size is the same image", "[io][resize]")
{
    const Bytes pixels = noise(17 * 23 * 3, 5);
    CHECK(resize(17, 23, 3, pixels, 17, 23) == pixels);
}

TEST_CASE("resize: a flat image stays flat", "[io][resize]")
{
    for (int size : {1, 2, 7, 30, 31, 100})
        CHECK(resize(31, 31, 1, Bytes(31 * 31, 201), size, size) ==
              Bytes((size_t)size * size, 201));
}

TEST_CASE("resize: against the definition", "[io][resize]")
{
    const int sizes[][4] = {{28, 28, 7, 14},  {30, 20, 28, 28}, {5, 5, 32, 32},
                            {64, 48, 28, 28}, {13, 17, 5, 29},  {13, 17, 29, 5},
                            {1, 50, 3, 7},    {50, 1, 7, 3},    {9, 9, 8, 10}};
    for (const auto &s : sizes) {
        INFO(s[0] << " x " << s[1] << " to " << s[2] << " x " << s[3]);
        const Bytes pixels = noise((size_t)s[0] * s[1] * 3, (uint32_t)s[0]);
        const Bytes got = resize(s[0], s[1], 3, pixels, s[2], s[3]);
        double worst = 0;
        for (int i = 0; i < s[2]; i++)
            for (int j = 0; j < s[3]; j++)
                for (int c = 0; c < 3; c++) {
                    double sum = 0;
                    for (int y = 0; y < s[0]; y++)
                        for (int x = 0; x < s[1]; x++)
                            sum += weight(s[0], s[2], i, y) * weight(s[1], s[3], j, x) *
                                   pixels[(y * s[1] + x) * 3 + c];
                    worst = std::max(worst, std::fabs(sum - got[(i * s[3] + j) * 3 + c]));
                }
        CHECK(worst <= 0.5 + 1e-9); /* one rounding, and that of the reference */
    }
}

TEST_CASE("resize: what is refused", "[io][resize]")
{
    clcnn_tensor *image = make_image(2, 2, 1, Bytes(4)), *out = nullptr;
    const auto invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    CHECK_FAILS(clcnn_image_resize(nullptr, 1, 1, &out), invalid, "image is NULL");
    CHECK_FAILS(clcnn_image_resize(image, 1, 1, nullptr), invalid, "out is NULL");
    CHECK_FAILS(clcnn_image_resize(image, 0, 1, &out), invalid, "1 x 0 pixels are not in");
    CHECK_FAILS(clcnn_image_resize(image, 1, -1, &out), invalid, "-1 x 1 pixels are not in");
    CHECK_FAILS(clcnn_image_resize(image, 1 << 15, 1 << 14, &out), invalid, "are not in 1 .. 2^28");
    clcnn_tensor_destroy(&image);

    /* A result that no memory holds. */
    clcnn_tensor *deep = make_image(1, 1, 1 << 20, Bytes(1 << 20));
    CHECK_FAILS(clcnn_image_resize(deep, 1 << 28, 1, &out), CLCNN_STATUS_OUT_OF_MEMORY,
                "281474976710656 elements of uint8");
    clcnn_tensor_destroy(&deep);
    /* A line more than 2^28 pixels. */
    const clcnn_shape large = {3, {(1 << 14) + 1, 1 << 14, 1}};
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_UINT8, &large, &image));
    CHECK_FAILS(clcnn_image_resize(image, 1, 1, &out), invalid, "has more than 2^28 pixels");
    clcnn_tensor_destroy(&image);

    clcnn_tensor *wrong[3] = {};
    const clcnn_shape vector = {1, {4}}, empty = {3, {0, 2, 1}}, good = {3, {1, 1, 1}};
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_UINT8, &vector, &wrong[0]));
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_UINT8, &empty, &wrong[1]));
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_FLOAT32, &good, &wrong[2]));
    for (clcnn_tensor *&tensor : wrong) {
        CHECK_FAILS(clcnn_image_resize(tensor, 1, 1, &out), invalid, "is not uint8");
        clcnn_tensor_destroy(&tensor);
    }
    CHECK(out == nullptr);
}
