/* The gradient to the filter of a convolution with few channels (G = 1, CPU class: one work-item
 * with long vectors of filters):
 *
 *   dw[k][t] = sum m: patch[m][t] dy[m][k]     m = (n, p, q), t = (r, s, c)
 *   db[k] = sum m: dy[m][k]
 *
 * The image rows that a block of block_h x block_w outputs meets are copied to local memory with
 * their border of zeros: strips. Output q's tap (r, s, c) is strip[r][(q sw + s dw) C + c], so taps
 * that follow each other in a row of the filter do so in the strip, and the next output's are a
 * constant step away.
 *
 * conv2d_filter_strips: group (z) sums blocks z each .. into partial[z][panel][R S C + 1][NR], the
 * last tap being the bias, if it is wanted:
 *   for each block, panel of NR filters and tile of taps (`shape` of them in registers):
 *     for p, q: for t, j: sum[t][j] += strip[p, q][t] dy[p][q][j]
 * conv2d_filter_strips_reduce: group (i, panel) adds up TURNED taps from i TURNED on over z, in
 * order, and turns them into dw.
 *
 * Local memory: 4 (STRIP + LANES) bytes, 28 KiB unless the build says more. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "conv2d_filter_strips_cpu.cl is for the CPU class"
#endif

#ifndef NV
#define NV 2
#endif
#if NV != 1 && NV != 2
#error "NV must be 1 or 2"
#endif
#ifndef STRIP
#define STRIP 7168
#endif
/* Tiles: 1 row of LONG_RUN or SHORT_RUN taps, 2 rows of PAIR, 3 rows of TRIPLE. With NV vectors of
 * sums each they fill 32 registers, or 16. */
#if W == 16
#define LONG_RUN  11
#define SHORT_RUN 9
#define PAIR      6
#define TRIPLE    3
#else
#define LONG_RUN  6
#define SHORT_RUN 5
#define PAIR      3
#define TRIPLE    2
#endif
enum { LANES = W, NR = NV * LANES, TURNED = 16 };
#undef W
#define GATHER_TO local
#include "conv2d_gather.cl"

/* Outputs that are asked for ahead. */
#define AHEAD 24

#define KERNEL         __attribute__((reqd_work_group_size(1, 1, 1))) kernel void
#define EACH(i, count) _Pragma("unroll") for (int i = 0; i < (count); i++)

/* The outputs of a block: height x width of them, from dy on; their strips from `strip` on. */
struct outputs {
    global const float *dy;
    local const float *strip;
    int height, width, row, column; /* row, column: floats of the strips between two outputs */
    int Q, K, left;                 /* left: filters from dy on */
};

/* Taps of a tile: `rows` x `count` of them are wanted, `apart` floats between two rows in the
 * strips, row_taps between two in the sums. */
struct taps {
    int rows, count, apart, row_taps;
};

/* sums[taps][NR] += the products of the block, or = if `fresh`. */
#define DEFINE_SUM_TILE(name, ROWS, TAPS)                                                          \
    static inline void name(global float *sums, struct outputs of, struct taps taps, int fresh)    \
    {                                                                                              \
        vec sum[ROWS][TAPS][NV];                                                                   \
        int offset[ROWS];                                                                          \
        EACH(i, ROWS)                                                                              \
        {                                                                                          \
            offset[i] = min(i, taps.rows - 1) * taps.apart;                                        \
            EACH(t, TAPS) EACH(j, NV) sum[i][t][j] = (vec)0.0f;                                    \
        }                                                                                          \
        for (int p = 0; p < of.height; p++) {                                                      \
            global const float *from = of.dy + (long)p * of.Q * of.K;                              \
            local const float *strip = of.strip + p * of.row;                                      \
            for (int q = 0; q < of.width; q++, from += of.K, strip += of.column) {                 \
                vec factor[NV];                                                                    \
                EACH(j, NV)                                                                        \
                {                                                                                  \
                    PREFETCH(from + AHEAD * of.K + j * LANES);                                     \
                    factor[j] = load_some(from + j * LANES, of.left - j * LANES);                  \
                }                                                                                  \
                EACH(i, ROWS)                                                                      \
                EACH(t, TAPS)                                                                      \
                {                                                                                  \
                    const vec value = (vec)strip[offset[i] + t];                                   \
                    EACH(j, NV) sum[i][t][j] = fma(value, factor[j], sum[i][t][j]);                \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        EACH(i, ROWS)                                                                              \
        EACH(t, TAPS)                                                                              \
        {                                                                                          \
            if (i < taps.rows && t < taps.count) {                                                 \
                global float *to = sums + (i * taps.row_taps + t) * NR;                            \
                EACH(j, NV)                                                                        \
                {                                                                                  \
                    const vec before = fresh ? (vec)0.0f : LOAD(to + j * LANES);                   \
                    STORE(before + sum[i][t][j], to + j * LANES);                                  \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_SUM_TILE(sum_long, 1, LONG_RUN)
DEFINE_SUM_TILE(sum_short, 1, SHORT_RUN)
DEFINE_SUM_TILE(sum_pair, 2, PAIR)
DEFINE_SUM_TILE(sum_triple, 3, TRIPLE)

static inline void sum_tile(int shape, global float *sums, struct outputs of, struct taps taps,
                            int fresh)
{
    if (shape == LONG_RUN)
        sum_long(sums, of, taps, fresh);
    else if (shape == SHORT_RUN)
        sum_short(sums, of, taps, fresh);
    else if (shape == PAIR)
        sum_pair(sums, of, taps, fresh);
    else
        sum_triple(sums, of, taps, fresh);
}

static inline void sum_bias(global float *sums, struct outputs of, int fresh)
{
    enum { APART = 4 }; /* sums that need not wait for each other */
    vec sum[APART][NV];
    EACH(i, APART)
    EACH(j, NV) sum[i][j] = fresh || i > 0 ? (vec)0.0f : LOAD(sums + j * LANES);
    for (int p = 0; p < of.height; p++) {
        global const float *from = of.dy + (long)p * of.Q * of.K;
        int q = 0;
        for (; q + APART <= of.width; q += APART, from += APART * of.K)
            EACH(i, APART)
            EACH(j, NV)
                sum[i][j] += load_some(from + i * of.K + j * LANES, of.left - j * LANES);
        for (; q < of.width; q++, from += of.K)
            EACH(j, NV) sum[0][j] += load_some(from + j * LANES, of.left - j * LANES);
    }
    EACH(j, NV)
    {
        EACH(i, APART - 1) sum[0][j] += sum[i + 1][j];
        STORE(sum[0][j], sums + j * LANES);
    }
}

/* `part` taps of a run are a tile, `rows` runs at once. */
KERNEL conv2d_filter_strips(INPUT(float, x), INPUT(float, dy), OUTPUT(float, partial), SHAPE,
                            int block_h, int block_w, int pitch, int shape, int rows, int part,
                            long each, int with_bias)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, partial);
    local float strip[STRIP + LANES];
    const int down = (P + block_h - 1) / block_h, across = (Q + block_w - 1) / block_w;
    const int runs = dilation_w == 1 ? 1 : S, run = S / runs * C, taps = R * S * C;
    const int panels = (K + NR - 1) / NR;
    const long first = get_group_id(0) * each, end = min((long)N * down * across, first + each);
    const struct place start = {0, 0, 0};
    partial += (long)get_group_id(0) * panels * (taps + 1) * NR;
    for (long b = first; b < end; b++) {
        const int n = (int)(b / across / down);
        const int p0 = (int)(b / across % down) * block_h, q0 = (int)(b % across) * block_w;
        const int height = min(block_h, P - p0), width = min(block_w, Q - q0);
        const int columns = (width - 1) * stride_w + (S - 1) * dilation_w + 1;
        const struct patches row = describe(H, W, C, 1, columns, 1, 1, C);
        for (int h = 0; h < (height - 1) * stride_h + (R - 1) * dilation_h + 1; h++)
            gather(strip + h * pitch, x + (long)n * H * W * C, p0 * stride_h - pad_top + h,
                   q0 * stride_w - pad_left, start, columns * C, row);
        for (int k = 0; k < K; k += NR) {
            global float *sums = partial + (long)(k / NR) * (taps + 1) * NR;
            struct outputs of = {dy + (((long)n * P + p0) * Q + q0) * K + k,
                                 strip,
                                 height,
                                 width,
                                 stride_h * pitch,
                                 stride_w * C,
                                 Q,
                                 K,
                                 K - k};
            if (with_bias)
                sum_bias(sums + (long)taps * NR, of, b == first);
            for (int r = 0; r < R; r += rows) {
                for (int s = 0; s < runs; s++) {
                    for (int t = 0; t < run; t += part) {
                        const struct taps tile = {min(rows, R - r), min(part, run - t),
                                                  dilation_h * pitch, S * C};
                        of.strip = strip + r * dilation_h * pitch + s * dilation_w * C + t;
                        sum_tile(shape, sums + ((long)(r * runs + s) * run + t) * NR, of, tile,
                                 b == first);
                    }
                }
            }
        }
    }
}

KERNEL conv2d_filter_strips_reduce(INPUT(float, partial), OUTPUT(float, dw), OUTPUT(float, db),
                                   int taps, int K, int ranges, int with_bias)
{
    AT(const float, partial);
    AT(float, dw);
    AT(float, db);
    const int panel = get_group_id(1), t0 = get_group_id(0) * TURNED;
    const int count = min((int)TURNED, taps + with_bias - t0);
    const long range = (long)get_num_groups(1) * (taps + 1) * NR;
    partial += ((long)panel * (taps + 1) + t0) * NR;
    for (int j = 0; j < NR && panel * NR + j < K; j += LANES) {
        float lane[TURNED * LANES];
        for (int i = 0; i < count; i++) {
            vec sum = LOAD(partial + i * NR + j);
            for (int z = 1; z < ranges; z++)
                sum += LOAD(partial + z * range + i * NR + j);
            STORE(sum, lane + i * LANES);
        }
        for (int a = 0; a < LANES && panel * NR + j + a < K; a++) {
            const long k = (long)panel * NR + j + a;
            for (int i = 0; i < min(count, taps - t0); i++)
                dw[k * taps + t0 + i] = lane[i * LANES + a];
            if (with_bias && t0 + count == taps + 1)
                db[k] = lane[(taps - t0) * LANES + a];
        }
    }
}
