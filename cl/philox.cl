/* Philox4x32-10: random words of a key and a counter (lib/base/philox.c is the same in C).
 * Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3. */
uint4 philox(uint2 key, uint4 counter)
{
    for (int round = 0; round < 10; round++) {
        uint2 high = mul_hi((uint2)(0xD2511F53u, 0xCD9E8D57u), counter.xz);
        uint2 low = (uint2)(0xD2511F53u, 0xCD9E8D57u) * counter.xz;
        counter = (uint4)(high.y ^ counter.y ^ key.x, low.y, high.x ^ counter.w ^ key.y, low.x);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}

/* [0, 1), 24 bits, exact. */
float4 philox_uniform(uint4 words)
{
    return convert_float4(words >> 8) * 0x1p-24f;
}
