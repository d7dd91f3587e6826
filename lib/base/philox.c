#include "base/philox.h"
#include <math.h>

void clcnn_philox(uint64_t key, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct clcnn_random clcnn_random_begin(uint64_t seed, enum clcnn_philox_stream stream,
                                       uint32_t substream)
{
    return (struct clcnn_random){
        .key = seed, .counter = {0, 0, substream, (uint32_t)stream}, .used = 4};
}

uint32_t clcnn_random_u32(struct clcnn_random *random)
{
    if (random->used == 4) {
        clcnn_philox(random->key, random->counter, random->word);
        if (++random->counter[0] == 0)
            random->counter[1]++;
        random->used = 0;
    }
    return random->word[random->used++];
}

float clcnn_random_uniform(struct clcnn_random *random)
{
    return clcnn_philox_to_uniform(clcnn_random_u32(random));
}

uint64_t clcnn_random_below(struct clcnn_random *random, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    for (;;) {
        uint64_t high = clcnn_random_u32(random);
        uint64_t value = high << 32 | clcnn_random_u32(random);
        if (value < limit)
            return value % bound;
    }
}

float clcnn_random_truncated_normal(struct clcnn_random *random)
{
    for (;;) {
        double u = ((double)clcnn_random_u32(random) + 1.0) * 0x1p-32;
        double v = (double)clcnn_random_u32(random) * 0x1p-32;
        double normal = sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
        if (fabs(normal) <= 2.0)
            return (float)normal;
    }
}
