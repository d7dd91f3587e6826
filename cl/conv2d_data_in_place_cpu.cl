/* The gradient to the data with the filter as it lies, which nobody packs (CPU class: one work-item
 * with long vectors). Strides 1:
 *
 *   dx[n][h][w][c] = sum r, s, k: dy[n][h + pad_top - r dilation_h][..][k] w[k][r][s][c]
 *
 * or R = S = 1, no padding:
 *
 *   dx[n][p stride_h][q stride_w][c] = sum k: dy[n][p][q][k] w[k][c], and zeros elsewhere
 *
 * A place u is a pixel (n, h, w), or an output (n, p, q) in the second case. A tile is MR places,
 * the last one HALF if that is enough; a panel NR channels; the last ones overlap the ones before.
 * Group (i, j, g) does tiles_each tiles from i tiles_each on and panels_each panels of group g of
 * the convolution:
 *
 *   for each tap (r, s): for k0 in steps of DEPTH:
 *     for each tile:
 *       copy its rows of dy, k0 .., to rows[MR][PITCH], zeros where the tap meets none
 *       for each panel:
 *         MR x NR sums in registers: for k: for i: for j: sum[i][j] += rows[i][k] w[k0 + k][c + j]
 *         dx[tile][panel] = sums, added to what it holds but for the first tap and k0
 *
 * and the zeros to the right of each output's pixel and below.
 *
 * Local memory: 4 MR PITCH bytes, 29 KiB. Requires: H W (P Q in the second case) >= MR, C/G >= NR
 * and a multiple of LANES.
 *
 * The register tile is that of Goto, van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication", ACM TOMS 34(3), 2008. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "conv2d_data_in_place_cpu.cl is for the CPU class"
#endif

/* MR x NV sums, NV vectors of w and one of dy fill the registers: 32, 16, 32. */
#define NV 2
#if W == 16
#define MR 14
#elif W == 8
#define MR 6
#else
#define MR 8
#endif
enum { LANES = W, NR = NV * W, HALF = MR / 2, DEPTH = 512, PITCH = DEPTH + 16 };
#undef W

#define KERNEL         __attribute__((reqd_work_group_size(1, 1, 1))) kernel void
#define EACH(i, count) _Pragma("unroll") for (int i = 0; i < (count); i++)

/* Rows of w that are asked for ahead, and far ahead. */
#define AHEAD 8
#define FAR   48

/* to[offset[i]][NR] = the sums of row i times w, i < ROWS, added to what it holds unless it is
 * `fresh`; rows from first_row on, columns from first_column on. */
#define DEFINE_ADD_TILE(name, ROWS)                                                                \
    static inline void name(global float *to, const long *offset, int first_row, int first_column, \
                            local const float *row, global const float *w, long pitch, int depth,  \
                            int fresh)                                                             \
    {                                                                                              \
        vec sum[ROWS][NV];                                                                         \
        EACH(i, ROWS) EACH(j, NV) sum[i][j] = (vec)0.0f;                                           \
        for (int k = 0; k < depth; k++, row++, w += pitch) {                                       \
            vec factor[NV];                                                                        \
            EACH(j, NV)                                                                            \
            {                                                                                      \
                PREFETCH(w + AHEAD * pitch + j * LANES);                                           \
                PREFETCH_FAR(w + FAR * pitch + j * LANES);                                         \
                factor[j] = LOAD(w + j * LANES);                                                   \
            }                                                                                      \
            EACH(i, ROWS)                                                                          \
            {                                                                                      \
                const vec value = (vec)row[i * PITCH];                                             \
                EACH(j, NV) sum[i][j] = fma(value, factor[j], sum[i][j]);                          \
            }                                                                                      \
        }                                                                                          \
        EACH(i, ROWS)                                                                              \
        {                                                                                          \
            global float *at = to + offset[i];                                                     \
            if (i >= first_row) {                                                                  \
                EACH(j, NV)                                                                        \
                {                                                                                  \
                    if (j * LANES >= first_column)                                                 \
                        STORE(fresh ? sum[i][j] : sum[i][j] + LOAD(at + j * LANES),                \
                              at + j * LANES);                                                     \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_ADD_TILE(add_tile, MR)
DEFINE_ADD_TILE(add_half_tile, HALF)

/* A place, and what a tap makes of it: output (a + top, b + left). */
struct place {
    int n, a, b;
};

static inline struct place place_of(long u, int rows, int columns)
{
    const long row = u / columns;
    struct place place = {(int)(row / rows), (int)(row % rows), (int)(u - row * columns)};
    return place;
}

static inline struct place next_place(struct place place, int rows, int columns)
{
    const int wrap = place.b + 1 == columns, whole = wrap && place.a + 1 == rows;
    struct place next = {place.n + whole, whole ? 0 : place.a + wrap, wrap ? 0 : place.b + 1};
    return next;
}

/* to[depth] = from[depth], while what lies `ahead` floats further is asked for. The last vector
 * overlaps the one before it. */
static inline void copy_row(local float *to, global const float *from, int depth, int ahead)
{
    if (depth < LANES) {
        for (int k = 0; k < depth; k++)
            to[k] = from[k];
        return;
    }
    for (int k = 0; k + LANES <= depth; k += LANES) {
        PREFETCH_FAR(from + ahead + k);
        STORE(LOAD(from + k), to + k);
    }
    STORE(LOAD(from + depth - LANES), to + depth - LANES);
}

/* to[count][PITCH] = `depth` filters of the outputs that a tap makes of the places from `place` on,
 * zeros outside; false if all are. */
static inline bool gather_rows(local float *to, global const float *dy, struct place place,
                               int count, int top, int left, int rows, int columns, int depth,
                               int P, int Q, int K)
{
    bool any = false;
    struct place at = place;
    for (int i = 0; i < count; i++, to += PITCH, at = next_place(at, rows, columns)) {
        const int p = at.a + top, q = at.b + left;
        if (p >= 0 && p < P && q >= 0 && q < Q) {
            copy_row(to, dy + (((long)at.n * P + p) * Q + q) * K, depth, MR * K);
            any = true;
        } else {
            for (int k = 0; k < depth; k += LANES)
                STORE((vec)0.0f, to + k);
        }
    }
    return any;
}

/* `count` channels of the pixels between this output's and the next ones', and behind the last. */
static inline void zero_around(global float *dx, struct place at, int count, SHAPE)
{
    const int below = at.a == P - 1 ? H - at.a * stride_h : stride_h;
    const int right = at.b == Q - 1 ? W - at.b * stride_w : stride_w;
    for (int h = 0; h < below; h++)
        for (int w = h == 0; w < right; w++)
            for (int c = 0; c < count; c += LANES)
                STORE((vec)0.0f, dx + ((long)h * W + w) * C + c);
}

KERNEL conv2d_data_in_place(INPUT(float, dy), INPUT(float, w), OUTPUT(float, dx), SHAPE,
                            int tiles_each, int panels_each)
{
    AT(const float, dy);
    AT(const float, w);
    AT(float, dx);
    local float rows[MR * PITCH] __attribute__((aligned(64)));
    const int g = get_group_id(2), cg = C / G, kg = K / G;
    const bool sparse = stride_h > 1 || stride_w > 1;
    const bool plain = R * S == 1 && !sparse && H == P && W == Q;
    const int down = sparse ? P : H, across = sparse ? Q : W;
    const long first = get_group_id(0) * (long)tiles_each * MR;
    const long end = min((long)N * down * across, first + tiles_each * MR);
    const int c0 = get_group_id(1) * panels_each * NR, c1 = min(cg, c0 + panels_each * NR);
    dx += g * cg;
    dy += g * kg;
    w += (long)g * kg * R * S * cg;
    for (int tap = 0; tap < R * S; tap++) {
        const int top = pad_top - tap / S * dilation_h, side = pad_left - tap % S * dilation_w;
        for (int k = 0; k < kg; k += DEPTH) {
            const int depth = min((int)DEPTH, kg - k), fresh = tap == 0 && k == 0;
            for (long u = first; u < end; u += MR) {
                const int left = (int)min((long)MR, end - u), height = left <= HALF ? HALF : MR;
                const long m = u + left - height;
                long offset[MR];
                if (plain) {
                    for (int i = 0; i < height; i++)
                        copy_row(rows + i * PITCH, dy + (m + i) * K + k, depth, MR * K);
                    EACH(i, MR) offset[i] = (m + i) * C;
                } else {
                    const struct place start = place_of(m, down, across);
                    struct place at = start;
                    if (!gather_rows(rows, dy + k, start, height, top, side, down, across, depth, P,
                                     Q, K) &&
                        !fresh)
                        continue;
                    for (int i = 0; i < height; i++, at = next_place(at, down, across)) {
                        offset[i] = (((long)at.n * H + at.a * stride_h) * W + at.b * stride_w) * C;
                        if (sparse && fresh && i >= height - left)
                            zero_around(dx + offset[i] + c0, at, c1 - c0, N, H, W, C, K, R, S, P, Q,
                                        G, stride_h, stride_w, dilation_h, dilation_w, pad_top,
                                        pad_left);
                    }
                }
                for (int c = c0; c < c1; c += NR) {
                    const int column = min(c, cg - NR);
                    global const float *from = w + ((long)k * R * S + tap) * cg + column;
                    if (height == MR)
                        add_tile(dx + column, offset, MR - left, c - column, rows, from,
                                 (long)R * S * cg, depth, fresh);
                    else
                        add_half_tile(dx + column, offset, HALF - left, c - column, rows, from,
                                      (long)R * S * cg, depth, fresh);
                }
            }
        }
    }
}
