/* Checked host memory. */
#ifndef CLCNN_BASE_MEMORY_H
#define CLCNN_BASE_MEMORY_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `count` zeroed elements of `size` bytes into *(T **)out, freed with free(). Overflow of the
 * product is OUT_OF_MEMORY too. count 0 gives a valid pointer. */
enum clcnn_status clcnn_alloc(size_t count, size_t size, void *out);

/* Makes room for at least `wanted` elements in the array *(T **)array of *capacity elements, at
 * least doubling; new elements are zeroed. */
enum clcnn_status clcnn_grow(void *array, size_t *capacity, size_t wanted, size_t size);

/* A copy of a string, freed with free(). NULL gives NULL. */
enum clcnn_status clcnn_copy_string(const char *text, char **out);

/* *out = a * b or a + b; false if it does not fit. */
static inline bool clcnn_multiply(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool clcnn_sum(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline int64_t clcnn_divide_up(int64_t value, int64_t by)
{
    return (value + by - 1) / by;
}
static inline int64_t clcnn_round_up(int64_t value, int64_t to)
{
    return clcnn_divide_up(value, to) * to;
}
static inline int64_t clcnn_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t clcnn_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
