/* Philox4x32-10, a counter-based random generator: random(key, counter) is a pure function, so the
 * same seed gives the same numbers in any order, on any device and number of threads.
 * Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3.
 * cl/philox.cl is the same function in OpenCL C. */
#ifndef CLCNN_BASE_PHILOX_H
#define CLCNN_BASE_PHILOX_H

#include <stdint.h>

/* Four random words of a 64-bit key and a 128-bit counter (low word first). */
void clcnn_philox(uint64_t key, const uint32_t counter[4], uint32_t out[4]);

/* Streams keep different uses of one seed apart: word 3 of the counter. */
enum clcnn_philox_stream {
    CLCNN_PHILOX_STREAM_DROPOUT = 0, /* counter (i/4 low, i/4 high, step low, step high << 2 | 0) */
    CLCNN_PHILOX_STREAM_INITIALIZER = 1,
    CLCNN_PHILOX_STREAM_SHUFFLE = 2,
};

/* A sequence of numbers from (seed, stream, substream): the plain way to use the generator. */
struct clcnn_random {
    uint64_t key;
    uint32_t counter[4], word[4];
    int used;
};
struct clcnn_random clcnn_random_begin(uint64_t seed, enum clcnn_philox_stream stream,
                                       uint32_t substream);
uint32_t clcnn_random_u32(struct clcnn_random *random);

/* Uniform in [0, 1): 24 bits, exact in float. */
float clcnn_random_uniform(struct clcnn_random *random);

/* Uniform in 0 .. bound - 1 without bias (rejection); bound > 0. */
uint64_t clcnn_random_below(struct clcnn_random *random, uint64_t bound);

/* Standard normal truncated to [-2, 2] (rejection on Box-Muller, in double). */
float clcnn_random_truncated_normal(struct clcnn_random *random);

/* Word `i % 4` of block `i / 4` -> float in [0, 1), as cl/philox.cl does for dropout. */
static inline float clcnn_philox_to_uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

#endif
