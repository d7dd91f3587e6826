/* Comparisons that report the first difference and how many there are. */
#ifndef CLCNN_TESTS_COMPARE_HPP
#define CLCNN_TESTS_COMPARE_HPP

#include "support/guarded.hpp"
#include <functional>
#include <string>

/* Half a unit in the last place of a float in [1, 2). */
constexpr double unit_roundoff = 0x1p-24;

/* |got[i] - expected[i]| <= tolerance(i) for every i; NaN equals NaN. */
inline void check_close(const std::vector<float> &got, const std::vector<double> &expected,
                        const std::function<double(size_t)> &tolerance)
{
    REQUIRE(got.size() == expected.size());
    size_t wrong = 0, first = 0;
    for (size_t i = 0; i < got.size(); i++) {
        double difference = std::fabs((double)got[i] - expected[i]);
        bool both_nan = std::isnan(got[i]) && std::isnan(expected[i]);
        bool same = both_nan || (double)got[i] == expected[i] || difference <= tolerance(i);
        if (!same && wrong++ == 0)
            first = i;
    }
    INFO(wrong << " of " << got.size() << " differ, first [" << first << "]: " << got[first]
               << ", expected " << expected[first] << " within " << tolerance(first));
    CHECK(wrong == 0);
}

inline void check_equal(const std::vector<float> &got, const std::vector<double> &expected)
{
    check_close(got, expected, [](size_t) { return 0.0; });
}

inline void check_same_bits(const std::vector<float> &a, const std::vector<float> &b)
{
    REQUIRE(a.size() == b.size());
    CHECK(memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

#define CHECK_INVALID(call, text) CHECK_FAILS(call, CLCNN_STATUS_INVALID_ARGUMENT, text)

inline std::vector<double> to_double(const std::vector<float> &values)
{
    return std::vector<double>(values.begin(), values.end());
}

#endif
