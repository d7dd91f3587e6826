/* Philox4x32-10: random words of a key and a counter, VW counters at a time (lib/base/philox.c is
 * the same in C). Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section
 * 3.3. */
#include "elements.cl"

struct philox {
    vuint word[4];
};

struct philox philox(ulong key, struct philox counter)
{
    uint k0 = (uint)key, k1 = (uint)(key >> 32);
    vuint c0 = counter.word[0], c1 = counter.word[1], c2 = counter.word[2], c3 = counter.word[3];
    for (int round = 0; round < 10; round++) {
        vuint high0 = mul_hi(c0, (vuint)0xD2511F53u), low0 = c0 * 0xD2511F53u;
        vuint high1 = mul_hi(c2, (vuint)0xCD9E8D57u), low1 = c2 * 0xCD9E8D57u;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct philox){ { c0, c1, c2, c3 } };
}

/* [0, 1), 24 bits, exact. */
vfloat philox_uniform(vuint words)
{
    return convert_vfloat(words >> 8) * 0x1p-24f;
}
