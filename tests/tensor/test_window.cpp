extern "C" {
#include "tensor/window.h"
}
#include "support/check.hpp"
#include <cstdint>

namespace
{

struct clcnn_window window(int64_t input, int64_t filter, int64_t stride = 1, int64_t dilation = 1,
                           int64_t before = 0, int64_t after = 0)
{
    struct clcnn_window w = {};
    w.input = input;
    w.filter = filter;
    w.stride = stride;
    w.dilation = dilation;
    w.pad_before = before;
    w.pad_after = after;
    return w;
}

struct clcnn_window resolve(struct clcnn_window w, enum clcnn_window_padding padding)
{
    CHECK_OK(clcnn_window_resolve(&w, padding, "test: height"));
    return w;
}

/* The definition: how many positions of the window, from -pad_before on, lie within the padding. */
int64_t count_positions(const struct clcnn_window &w)
{
    int64_t span = (w.filter - 1) * w.dilation + 1, count = 0;
    for (int64_t at = -w.pad_before; at + span <= w.input + w.pad_after; at += w.stride)
        count++;
    return count;
}

} // namespace

TEST_CASE("window: worked examples", "[window]")
{
    const enum clcnn_window_padding given = CLCNN_WINDOW_EXPLICIT;
    CHECK(resolve(window(28, 3, 2, 1, 1, 1), given).output == 14);
    CHECK(resolve(window(7, 3, 2, 1, 1, 1), given).output == 4);
    CHECK(resolve(window(227, 11, 4), CLCNN_WINDOW_VALID).output == 55);
    CHECK(resolve(window(5, 3), CLCNN_WINDOW_VALID).output == 3);
    CHECK(resolve(window(5, 3, 1, 1, 1, 1), given).output == 5);
    /* the layers of mnist-cnn, and alexnet's pooling */
    CHECK(resolve(window(28, 3), CLCNN_WINDOW_VALID).output == 26);
    CHECK(resolve(window(26, 2, 2), CLCNN_WINDOW_VALID).output == 13);
    CHECK(resolve(window(11, 2, 2), CLCNN_WINDOW_VALID).output == 5);
    CHECK(resolve(window(55, 3, 2), CLCNN_WINDOW_VALID).output == 27);
    /* cnn-strided: 28, 14, 7, 4 */
    CHECK(resolve(window(28, 3, 2), CLCNN_WINDOW_SAME).output == 14);
    CHECK(resolve(window(14, 3, 2), CLCNN_WINDOW_SAME).output == 7);
    CHECK(resolve(window(7, 3, 2), CLCNN_WINDOW_SAME).output == 4);
}

TEST_CASE("window: same keeps ceil(n / s), an odd pixel goes behind", "[window]")
{
    for (int64_t n = 1; n <= 20; n++)
        for (int64_t f = 1; f <= 7; f++)
            for (int64_t s = 1; s <= 4; s++)
                for (int64_t d = 1; d <= (s > 1 ? 1 : 3); d++) {
                    struct clcnn_window w = resolve(window(n, f, s, d, 9, 9), CLCNN_WINDOW_SAME);
                    INFO("n=" << n << " f=" << f << " s=" << s << " d=" << d);
                    CHECK(w.output == (n + s - 1) / s);
                    CHECK(count_positions(w) == w.output);
                    CHECK((w.pad_after - w.pad_before == 0 || w.pad_after - w.pad_before == 1));
                    int64_t total = (w.output - 1) * s + (f - 1) * d + 1 - n;
                    CHECK(w.pad_before + w.pad_after == (total > 0 ? total : 0));
                }
}

TEST_CASE("window: output sizes by the definition", "[window]")
{
    for (int64_t n = 1; n <= 12; n++)
        for (int64_t f = 1; f <= 5; f++)
            for (int64_t s = 1; s <= 3; s++)
                for (int64_t d = 1; d <= 3; d++)
                    for (int64_t pads = 0; pads < 9; pads++) {
                        struct clcnn_window w = window(n, f, s, d, pads / 3, pads % 3);
                        bool fits = (f - 1) * d + 1 <= n + pads / 3 + pads % 3;
                        enum clcnn_status status =
                            clcnn_window_resolve(&w, CLCNN_WINDOW_EXPLICIT, "test");
                        REQUIRE((status == CLCNN_STATUS_OK) == fits);
                        if (fits)
                            REQUIRE(w.output == count_positions(w));
                    }
}

TEST_CASE("window: valid ignores what the padding was", "[window]")
{
    struct clcnn_window w = resolve(window(10, 3, 1, 1, 4, 5), CLCNN_WINDOW_VALID);
    CHECK(w.output == 8);
    CHECK(w.pad_before == 0);
    CHECK(w.pad_after == 0);
}

TEST_CASE("window: what is refused, and in which words", "[window]")
{
    auto refused = [](struct clcnn_window w, const char *words) {
        CHECK_FAILS(clcnn_window_resolve(&w, CLCNN_WINDOW_EXPLICIT, "conv2d: height"),
                    CLCNN_STATUS_INVALID_ARGUMENT, words);
        CHECK_THAT(clcnn_error_message(), Catch::Matchers::StartsWith("conv2d: height"));
    };
    const int64_t huge = INT64_MAX, limit = INT32_MAX;
    refused(window(0, 3), "0 is not in 1..2^31-1");
    refused(window(-5, 3), "-5 is not in 1..2^31-1");
    refused(window(limit + 1, 3), "2147483648 is not in 1..2^31-1");
    refused(window(5, 0), "filter size 0 is not positive");
    refused(window(5, huge), "filter size");
    refused(window(5, 3, 0), "stride 0 is not positive");
    refused(window(5, 3, -2), "stride -2 is not positive");
    refused(window(5, 3, huge), "stride");
    refused(window(5, 3, 1, 0), "dilation 0 is not positive");
    refused(window(5, 3, 1, huge), "dilation");
    refused(window(5, 3, 1, limit), "dilation");
    refused(window(5, 3, 1, 1, -1, 0), "padding -1, 0");
    refused(window(5, 3, 1, 1, 0, huge), "padding 0");
    refused(window(5, 6), "5 with padding 0 + 0 is smaller than the filter's span 6");
    refused(window(5, 3, 1, 3, 0, 1), "the filter's span 7");
    refused(window(limit, 3, 1, 1, 1, 0), "padded size 2147483648 exceeds");
    CHECK(resolve(window(limit, 3), CLCNN_WINDOW_VALID).output == limit - 2);
    CHECK(resolve(window(limit, 3), CLCNN_WINDOW_EXPLICIT).output == limit - 2);
}
