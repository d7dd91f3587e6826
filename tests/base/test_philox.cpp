extern "C" {
#include "base/philox.h"
}
#include <catch2/catch.hpp>
#include <cmath>

/* Known answers of Random123 1.14, tests/kat_vectors, philox4x32 10 rounds. */
TEST_CASE("philox: the published vectors", "[philox]")
{
    struct vector {
        uint32_t counter[4], key[2], expected[4];
    };
    const vector vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (const vector &v : vectors) {
        uint32_t out[4];
        clcnn_philox((uint64_t)v.key[1] << 32 | v.key[0], v.counter, out);
        for (int i = 0; i < 4; i++)
            CHECK(out[i] == v.expected[i]);
    }
}

namespace
{

struct moments {
    double mean, variance;
};

template <class Next> moments measure(Next next, int count)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) {
        double value = (double)next();
        sum += value;
        squares += value * value;
    }
    double mean = sum / count;
    return {mean, squares / count - mean * mean};
}

} // namespace

TEST_CASE("philox: a sequence is the words of successive counters", "[philox]")
{
    const uint64_t seed = 0x0123456789abcdef;
    struct clcnn_random random = clcnn_random_begin(seed, CLCNN_PHILOX_STREAM_SHUFFLE, 5);
    for (uint32_t block = 0; block < 10; block++) {
        uint32_t counter[4] = {block, 0, 5, CLCNN_PHILOX_STREAM_SHUFFLE}, words[4];
        clcnn_philox(seed, counter, words);
        for (uint32_t word : words)
            CHECK(clcnn_random_u32(&random) == word);
    }
    random.counter[0] = UINT32_MAX; /* the counter carries */
    uint32_t counter[4] = {0, 1, 5, CLCNN_PHILOX_STREAM_SHUFFLE}, words[4];
    for (int i = 0; i < 4; i++)
        clcnn_random_u32(&random);
    clcnn_philox(seed, counter, words);
    CHECK(clcnn_random_u32(&random) == words[0]);
}

TEST_CASE("philox: seeds, streams and substreams differ", "[philox]")
{
    const enum clcnn_philox_stream shuffle = CLCNN_PHILOX_STREAM_SHUFFLE,
                                   initializer = CLCNN_PHILOX_STREAM_INITIALIZER;
    struct clcnn_random all[] = {
        clcnn_random_begin(1, shuffle, 0),          clcnn_random_begin(2, shuffle, 0),
        clcnn_random_begin(1ull << 32, shuffle, 0), clcnn_random_begin(1, initializer, 0),
        clcnn_random_begin(1, shuffle, 1),
    };
    uint32_t first[5];
    for (int i = 0; i < 5; i++) {
        first[i] = clcnn_random_u32(&all[i]);
        for (int j = 0; j < i; j++)
            CHECK(first[i] != first[j]);
    }
}

TEST_CASE("philox: uniform numbers", "[philox]")
{
    CHECK(clcnn_philox_to_uniform(0) == 0.0f);
    CHECK(clcnn_philox_to_uniform(UINT32_MAX) == 1.0f - 0x1p-24f);
    struct clcnn_random random = clcnn_random_begin(7, CLCNN_PHILOX_STREAM_INITIALIZER, 0);
    const int count = 200000;
    moments m = measure([&] { return clcnn_random_uniform(&random); }, count);
    /* four standard deviations of the estimates */
    CHECK(m.mean == Approx(0.5).margin(4 * std::sqrt(1.0 / 12 / count)));
    CHECK(m.variance == Approx(1.0 / 12).margin(4 * std::sqrt(1.0 / 180 / count)));
}

TEST_CASE("philox: whole numbers below a bound", "[philox]")
{
    struct clcnn_random random = clcnn_random_begin(7, CLCNN_PHILOX_STREAM_SHUFFLE, 0);
    for (int i = 0; i < 100; i++)
        CHECK(clcnn_random_below(&random, 1) == 0);
    for (uint64_t bound : {(uint64_t)UINT64_MAX, ((uint64_t)1 << 63) + 1})
        for (int i = 0; i < 100; i++)
            CHECK(clcnn_random_below(&random, bound) < bound);
    int seen[6] = {};
    for (int i = 0; i < 60000; i++)
        seen[clcnn_random_below(&random, 6)]++;
    for (int times : seen)
        CHECK(std::abs(times - 10000) < 4 * std::sqrt(60000 * (1.0 / 6) * (5.0 / 6)));
}

TEST_CASE("philox: truncated normal numbers", "[philox]")
{
    struct clcnn_random random = clcnn_random_begin(7, CLCNN_PHILOX_STREAM_INITIALIZER, 1);
    const int count = 200000;
    moments m = measure(
        [&] {
            float value = clcnn_random_truncated_normal(&random);
            REQUIRE(std::fabs(value) <= 2.0f);
            return value;
        },
        count);
    /* variance of a standard normal cut at 2: 1 - 4 pdf(2) / (2 cdf(2) - 1) */
    double density = std::exp(-2.0) / std::sqrt(6.283185307179586);
    double variance = 1 - 4 * density / std::erf(std::sqrt(2.0));
    CHECK(m.mean == Approx(0).margin(4 * std::sqrt(variance / count)));
    CHECK(m.variance == Approx(variance).margin(4 * std::sqrt(2.0 / count)));
}
