/* Half precision on the host (IEEE 754 binary16): what float16 storage holds. */
#ifndef CLCNN_TESTS_HALF_HPP
#define CLCNN_TESTS_HALF_HPP

#include <algorithm>
#include <clcnn/tensor.h>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

/* The nearest half, ties to even. */
inline uint16_t to_half(float value)
{
    uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    double size = std::fabs((double)value);
    if (std::isnan(value))
        return 0x7E00;
    if (size >= 65520.0)
        return sign | 0x7C00;
    int exponent = size > 0 ? std::max(std::ilogb(size), -14) : -14;
    int digits = (int)std::nearbyint(std::ldexp(size, 10 - exponent));
    return (uint16_t)(sign | (((exponent + 15) << 10) + digits - 1024));
}

inline float from_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, digits = bits & 1023;
    double size = exponent == 31  ? (digits ? std::numeric_limits<double>::quiet_NaN()
                                            : std::numeric_limits<double>::infinity())
                  : exponent == 0 ? std::ldexp(digits, -24)
                                  : std::ldexp(1024 + digits, exponent - 25);
    return (float)(bits & 0x8000 ? -size : size);
}

/* The most that rounding x to half changes it, if it stays finite. */
inline double half_rounding(double x)
{
    return std::max(std::fabs(x) * 0x1p-11, 0x1p-25);
}

inline std::vector<float> round_to_half(std::vector<float> values)
{
    for (float &value : values)
        value = from_half(to_half(value));
    return values;
}

/* The bytes of a tensor in a storage, and the tensor again. */
inline std::vector<unsigned char> to_storage(const std::vector<float> &values,
                                             enum clcnn_dtype storage)
{
    std::vector<unsigned char> bytes(values.size() * clcnn_dtype_size(storage));
    for (size_t i = 0; i < values.size(); i++) {
        uint16_t half = to_half(values[i]);
        if (storage == CLCNN_DTYPE_FLOAT16)
            std::memcpy(&bytes[2 * i], &half, 2);
        else
            std::memcpy(&bytes[4 * i], &values[i], 4);
    }
    return bytes;
}

inline std::vector<float> from_storage(const std::vector<unsigned char> &bytes,
                                       enum clcnn_dtype storage)
{
    std::vector<float> values(bytes.size() / clcnn_dtype_size(storage));
    for (size_t i = 0; i < values.size(); i++) {
        uint16_t half;
        if (storage == CLCNN_DTYPE_FLOAT16) {
            std::memcpy(&half, &bytes[2 * i], 2);
            values[i] = from_half(half);
        } else {
            std::memcpy(&values[i], &bytes[4 * i], 4);
        }
    }
    return values;
}

#endif
