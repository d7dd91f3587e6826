/* The inner loop of gradients to the filter (CPU class): both factors lie as they are walked, term
 * by term, so that nothing is turned or packed again:
 *
 *   sums[MR][NR] += sum over u < count: a[u][MP]^T . b[u][NR]
 *
 * in MR x NV registers; of a's rows of MP floats only the first MR are used. The includer defines
 * FACTORS_IN, the address space of a and b.
 *
 * The register tile is that of Goto, van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication", ACM TOMS 34(3), 2008. */
#include "common.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "outer_products.cl is for the CPU class"
#endif
#ifndef FACTORS_IN
#error "FACTORS_IN must be an address space: local or global"
#endif

/* MR x NV sums, NV vectors of b and one of a fill the registers: 32, 16, 32. Numbers of filters are
 * mostly multiples of 64: 13 wastes less on them than 14. */
#if W == 16
#define MR 13
#elif W == 8
#define MR 6
#else
#define MR 8
#endif
#ifndef NV
#define NV 2
#endif
#if NV != 1 && NV != 2
#error "NV must be 1 or 2"
#endif
enum { LANES = W, NR = NV * W, MP = (MR + W - 1) / W * W, LINE = 16 /* floats of 64 bytes */ };
#undef W

#define KERNEL __attribute__((reqd_work_group_size(1, 1, 1))) kernel void

#define EACH_SUM                                                                                   \
    _Pragma("unroll") for (int i = 0; i < MR; i++) _Pragma("unroll") for (int j = 0; j < NV; j++)

/* to[rows][pitch] = the first `rows` rows and `columns` columns of the sums, added to what it holds
 * unless it is `fresh`. Meanwhile the `count` cache lines from `ahead` on are asked for. */
static inline void add_outer_products(global float *to, long pitch, int rows, int columns,
                                      FACTORS_IN const float *a, FACTORS_IN const float *b,
                                      int count, int fresh, global const float *ahead)
{
    float result[MR * NR];
    vec sum[MR][NV];
    for (int i = 0; i < rows; i++)
        PREFETCH(to + i * pitch);
    EACH_SUM sum[i][j] = (vec)0.0f;
    for (int u = 0; u < count; u++, a += MP, b += NR) {
        vec factor[NV];
        PREFETCH(ahead + u * LINE);
#pragma unroll
        for (int j = 0; j < NV; j++)
            factor[j] = LOAD(b + j * LANES);
#pragma unroll
        for (int i = 0; i < MR; i++) {
            const vec value = (vec)a[i];
#pragma unroll
            for (int j = 0; j < NV; j++)
                sum[i][j] = fma(value, factor[j], sum[i][j]);
        }
    }
    if (rows == MR && columns >= NR) {
        EACH_SUM
        {
            global float *at = to + i * pitch + j * LANES;
            STORE(fresh ? sum[i][j] : sum[i][j] + LOAD(at), at);
        }
        return;
    }
    EACH_SUM STORE(sum[i][j], result + i * NR + j * LANES);
    for (int i = 0; i < rows; i++, to += pitch)
        for (int j = 0; j < NR && j < columns; j += LANES) {
            const vec part = LOAD(result + i * NR + j);
            const vec held = fresh ? (vec)0.0f : load_some(to + j, columns - j);
            store_some(part + held, to + j, columns - j);
        }
}
