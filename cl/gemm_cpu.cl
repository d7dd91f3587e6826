/* GEMM with long vectors, one work-item per work-group (CPU class):
 *
 *   C[M][N] = f(alpha op(A)[M][K] . op(B)[K][N] + beta C[M][N] + bias[N])
 *
 * op(A) = A[M][K], or with TRANSPOSE_A the stored A is [K][M]; it is read in place. B comes packed
 * by pack_b, in panels of NR columns, [N/NR][panel_rows][NR], the last one filled up with anything;
 * or, if panel_rows is 0, the work-item packs it as it goes: one block of KC rows of one panel at a
 * time, into the group's own min(KC, kstep) x NR floats of `slots`.
 *
 * Group (g0, g1, g2) computes rows g0 mc .. of the columns g1 nc .. over the k from g2 kstep ..
 * (the partial sums of group g2 go to C + g2 cstep; gemm_reduce adds them up). With `across` g0
 * and g1 change places: consecutive groups, which mostly run on one core, then share their rows of
 * A instead of their columns of B.
 *
 *   for k0 in steps of KC:
 *     for each tile of MR rows:    (the other way round if the group packs B)
 *       for each panel of NR columns:
 *         MR x NR sums in registers: for k: for i: for j: acc[i][j] += a[i][k] * b[k][j]
 *         C[tile] = alpha sums, added to what C holds when k0 > 0; bias and f after the last k
 *
 * which is the loop order of Goto, van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication", ACM TOMS 34(3), 2008, section 4, with the roles of A and B exchanged and only B
 * copied: the tile of A stays in the first-level cache while B streams from the second.
 * Tiles at the lower edge use fewer rows (MR_MID, MR_LOW). Of what they lack, they compute the rows
 * above once more, and go through `scratch`; so do tiles that are cut at the right. Fewer than
 * MR_LOW rows in all are done one by one.
 *
 * Local memory in floats: scratch MR NR, biases nc. Requires nc a multiple of NR. */
#include "common.cl"
#include "epilogue.cl"
#include "vector.cl"

/* Register tile: MR NV sums, NV vectors of B and one of A fill the 32 registers of AVX-512 and the
 * 16 of AVX2; with four lanes they leave room in NEON's 32. */
#if W == 16
#define MR     14
#define MR_MID 8
#define MR_LOW 4
#elif W == 8
#define MR     6
#define MR_MID 4
#define MR_LOW 2
#else
#define MR     8
#define MR_MID 4
#define MR_LOW 2
#endif
#define NV 2
#define NR (NV * W)
/* Depth of a block: KC x NR of B stay in the second-level cache for all tiles of a group. Less
 * would stay in the first-level one, and store C more often. */
#ifndef KC
#define KC 1024
#endif
/* Rows of B that are packed by a group of pack_b. */
#ifndef PACKED_ROWS
#define PACKED_ROWS 256
#endif
#ifndef TRANSPOSE_A
#define TRANSPOSE_A 0
#endif
/* Rows of B that are asked for ahead. */
#ifndef AHEAD
#define AHEAD 16
#endif

DEFINE_ACTIVATE(vec)

/* Parts of rows, to and from C. */
#define COPY_FEW(to, from, count)                                                                  \
    do {                                                                                           \
        int at = 0;                                                                                \
        for (; at + 4 <= (count); at += 4)                                                         \
            vstore4(vload4(0, (from) + at), 0, (to) + at);                                         \
        for (; at < (count); at++)                                                                 \
            (to)[at] = (from)[at];                                                                 \
    } while (0)

/* W rows n of B stored [N][K], W of their elements k: to[k][n]. Rows beyond `last` repeat it. */
static inline void transpose_block(global float *to, global const float *from, long ldb, int last)
{
    vec x[W], y[W];
#pragma unroll
    for (int n = 0; n < W; n++)
        x[n] = LOAD(from + min(n, last) * ldb);
#pragma unroll
    for (int step = 1; step < W; step *= 2) {
#pragma unroll
        for (int n = 0; n < W / 2; n++) {
            y[2 * n] = ZIP_LOW(x[n], x[n + W / 2]);
            y[2 * n + 1] = ZIP_HIGH(x[n], x[n + W / 2]);
        }
#pragma unroll
        for (int n = 0; n < W; n++)
            x[n] = y[n];
    }
#pragma unroll
    for (int k = 0; k < W; k++)
        STORE(x[k], to + k * NR);
}

/* Rows k0 .. of one panel: to[depth][NR] = op(B)[k0 + k][column + n]. The missing columns of the
 * last panel hold whatever lies in B: their sums are never stored. */
static inline void pack_panel(global float *to, global const float *b, long ldb, int transpose_b,
                              long n, long k, long k0, int depth, long column)
{
    if (!transpose_b) {
        global const float *from = b + k0 * ldb + column, *end = b + (k - 1) * ldb + n;
        for (int i = 0; i < depth; i++, from += ldb, to += NR)
            if (from + NR <= end)
                for (int j = 0; j < NR; j += W)
                    STORE(LOAD(from + j), to + j);
            else
                for (int j = 0; j < NR; j++)
                    to[j] = column + j < n ? from[j] : 0.0f;
        return;
    }
    for (int j = 0; j < NR; j += W, to += W) {
        const int last = (int)clamp(n - column - j - 1, -1L, W - 1L);
        global const float *from = b + (column + j) * ldb + k0;
        if (last < 0) {
            for (int i = 0; i < depth; i++)
                STORE((vec)0.0f, to + i * NR);
        } else if (depth >= W) {
            for (int i = 0; i < depth; i += W) {
                const int at = min(i, depth - W); /* the last block overlaps the one before it */
                transpose_block(to + at * NR, from + at, ldb, last);
            }
        } else {
            for (int i = 0; i < depth; i++)
                for (int l = 0; l < W; l++)
                    to[i * NR + l] = from[min(l, last) * ldb + i];
        }
    }
}

/* packed[N/NR][K][NR] of B; group (panel, block of rows). */
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void pack_b(INPUT(float, b), OUTPUT(float, packed), long n, long k, long ldb,
                   int transpose_b)
{
    AT(const float, b);
    AT(float, packed);
    long column = get_group_id(0) * NR, k0 = (long)get_group_id(1) * PACKED_ROWS;
    pack_panel(packed + column * k + k0 * NR, b, ldb, transpose_b, n, k, k0,
               (int)min((long)PACKED_ROWS, k - k0), column);
}

/* DO(i) for the rows 0 .. of a tile. Written out, since the sums stay in registers only if every
 * index is a constant before the compiler's own unrolling. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) EACH_ROW_(DO)
#if MR == 6
#define EACH_ROW_(DO)
#elif MR == 8
#define EACH_ROW_(DO) DO(6) DO(7)
#elif MR == 14
#define EACH_ROW_(DO) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13)
#endif

/* Element (i, k) of op(A), from the tile's first. */
#if TRANSPOSE_A
#define A_AT(i, k) ((i) + (k) * lda)
#else
#define A_AT(i, k) ((i) * lda + (k))
#endif

/* What multiply_tile does with row i of its tile. */
#define ZERO(i)                                                                                    \
    if (i < height)                                                                                \
        acc[i][0] = acc[i][1] = (vec)0.0f;
#define ASK(i)                                                                                     \
    if (i < height) {                                                                              \
        PREFETCH(c + i * ldc);                                                                     \
        PREFETCH(c + i * ldc + NR - 1);                                                            \
    }
#define MULTIPLY(i)                                                                                \
    if (i < height) {                                                                              \
        const vec value = (vec)a[A_AT(i, 0)];                                                      \
        acc[i][0] += value * row0;                                                                 \
        acc[i][1] += value * row1;                                                                 \
    }
#define SCALE(i)                                                                                   \
    if (i < height) {                                                                              \
        acc[i][0] *= alpha;                                                                        \
        acc[i][1] *= alpha;                                                                        \
    }
#define ADD(i, from, stride)                                                                       \
    if (i < height) {                                                                              \
        acc[i][0] += scale * LOAD((from) + i * (stride));                                          \
        acc[i][1] += scale * LOAD((from) + i * (stride) + W);                                      \
    }
#define ADD_C(i)       ADD(i, c, ldc)
#define ADD_SCRATCH(i) ADD(i, scratch, NR)
#define FINISH(i)                                                                                  \
    if (i < height) {                                                                              \
        acc[i][0] += row0;                                                                         \
        acc[i][1] += row1;                                                                         \
        acc[i][0] = acc[i][0] < (vec)lowest ? (vec)lowest : acc[i][0];                             \
        acc[i][1] = acc[i][1] < (vec)lowest ? (vec)lowest : acc[i][1];                             \
    }
#define PUT(i, to, stride)                                                                         \
    if (i < height) {                                                                              \
        STORE(acc[i][0], (to) + i * (stride));                                                     \
        STORE(acc[i][1], (to) + i * (stride) + W);                                                 \
    }
#define PUT_C(i)       PUT(i, c, ldc)
#define PUT_SCRATCH(i) PUT(i, scratch, NR)

/* What a tile does with its sums: to alpha sums + scale C; after the last k: max(that + bias,
 * lowest). */
struct ending {
    float alpha, scale, lowest;
    bool last;
};

/* One tile of `height` rows, a compile-time constant, in c or, if it is cut, in scratch[MR][NR]:
 * sums of a . b, then `ending`. C, if it is added, is asked for before the products. */
__attribute__((always_inline)) static inline void
multiply_tile(const int height, global const float *a, long lda, global const float *b, int depth,
              global float *c, long ldc, local float *scratch, bool cut, local const float *bias,
              const struct ending end)
{
    vec acc[MR][NV], row0, row1;
    EACH_ROW(ZERO)
    if (!cut && end.scale != 0.0f) {
        EACH_ROW(ASK)
    }
    for (int k = 0; k < depth; k++, a += A_AT(0, 1), b += NR) {
        PREFETCH(b + AHEAD * NR);
        PREFETCH(b + AHEAD * NR + W);
        row0 = LOAD(b);
        row1 = LOAD(b + W);
        EACH_ROW(MULTIPLY)
    }
    if (end.alpha != 1.0f) {
        const float alpha = end.alpha;
        EACH_ROW(SCALE)
    }
    if (end.scale != 0.0f) {
        const float scale = end.scale;
        if (cut) {
            EACH_ROW(ADD_SCRATCH)
        } else {
            EACH_ROW(ADD_C)
        }
    }
    if (end.last) {
        const float lowest = end.lowest;
        row0 = LOAD(bias);
        row1 = LOAD(bias + W);
        EACH_ROW(FINISH)
    }
    if (cut) {
        EACH_ROW(PUT_SCRATCH)
    } else {
        EACH_ROW(PUT_C)
    }
}

/* The height of the next tile of `left` rows in a matrix of m rows. */
static inline int tile_height(int left, long m)
{
    const int height = left > MR_MID ? MR : left > MR_LOW ? MR_MID : MR_LOW;
    return height <= m ? height : m >= MR_MID ? MR_MID : m >= MR_LOW ? MR_LOW : 1;
}

/* What all tiles of a group share. */
struct product {
    long m, lda, ldc;
    int activation;
    float activation_alpha;
};

/* The tile of rows first .. of a group that has `rows` of them, in one panel; the number of rows
 * it did. a, c: the group's first row, the panel's first column. */
static inline int multiply_one(const struct product p, int first, int rows, global const float *a,
                               global const float *panel, int depth, global float *c, int columns,
                               local float *scratch, local const float *bias,
                               const struct ending end)
{
    const long lda = p.lda, ldc = p.ldc;
    const int height = tile_height(rows - first, p.m), kept = min(rows - first, height);
    const int again = height - kept;
    const bool slow = end.last && p.activation > ACTIVATION_RELU;
    const bool cut = again > 0 || columns < NR || slow;
    global const float *tile = a + A_AT(first - again, 0);
    c += first * ldc;
    if (cut && end.scale != 0.0f)
        for (int i = 0; i < kept; i++)
            COPY_FEW(scratch + (again + i) * NR, c + i * ldc, columns);
    if (height == MR)
        multiply_tile(MR, tile, lda, panel, depth, c, ldc, scratch, cut, bias, end);
    else if (height == MR_MID)
        multiply_tile(MR_MID, tile, lda, panel, depth, c, ldc, scratch, cut, bias, end);
    else if (height == MR_LOW)
        multiply_tile(MR_LOW, tile, lda, panel, depth, c, ldc, scratch, cut, bias, end);
    else
        multiply_tile(1, tile, lda, panel, depth, c, ldc, scratch, cut, bias, end);
    if (!cut)
        return kept;
    local float *result = scratch + again * NR;
    if (slow)
        for (int i = 0; i < kept * NR; i += W)
            STORE(activate_vec(LOAD(result + i), p.activation, p.activation_alpha), result + i);
    for (int i = 0; i < kept; i++)
        COPY_FEW(c + i * ldc, result + i * NR, columns);
    return kept;
}

__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void gemm_cpu(INPUT(float, a), INPUT(float, b), INPLACE(float, slots), INPLACE(float, c),
                     INPUT(float, bias), long m, long n, long k, long lda, long ldb, long ldc,
                     long panel_rows, int transpose_b, int across, int mc, long nc, long kstep,
                     long cstep, float alpha, float beta, int use_bias, int activation,
                     float activation_alpha, local float *scratch, local float *biases)
{
    AT(const float, a);
    AT(const float, b);
    AT(float, slots);
    AT(float, c);
    AT(const float, bias);
    const long row = (long)get_group_id(across) * mc, column0 = (long)get_group_id(!across) * nc;
    const long kfirst = (long)get_group_id(2) * kstep, kend = min(k, kfirst + kstep);
    const int rows = (int)min((long)mc, m - row), columns = (int)min(nc, n - column0);
    const float lowest = activation == ACTIVATION_RELU ? 0.0f : -INFINITY;
    const int wide = panel_rows ? columns : NR; /* what one row of tiles passes over */
    const struct product p = {m, lda, ldc, activation, activation_alpha};
    a += A_AT(row, 0);
    c += get_group_id(2) * cstep + row * ldc + column0;
    slots += ((get_group_id(2) * get_num_groups(1) + get_group_id(1)) * get_num_groups(0) +
              get_group_id(0)) *
             (min((long)KC, kstep) * NR);
    for (int j = 0; j < (columns + NR - 1) / NR * NR; j++)
        biases[j] = use_bias && j < columns ? bias[column0 + j] : 0.0f;

    for (long k0 = kfirst; k0 < kend; k0 += KC) {
        const int depth = (int)min((long)KC, kend - k0);
        const struct ending end = {alpha, k0 == kfirst ? beta : 1.0f, lowest, k0 + depth == kend};
        global const float *from = a + A_AT(0, k0);
        global const float *panel = panel_rows ? b + column0 * panel_rows + k0 * NR : slots;
        for (int j0 = 0; j0 < columns; j0 += wide) {
            const int j1 = min(columns, j0 + wide);
            if (panel_rows == 0)
                pack_panel(slots, b, ldb, transpose_b, n, k, k0, depth, column0 + j0);
            for (int i = 0, kept; i < rows; i += kept)
                for (int j = j0; j < j1; j += NR)
                    kept = multiply_one(p, i, rows, from, panel + j * panel_rows, depth, c + j,
                                        min((int)NR, columns - j), scratch, biases + j, end);
        }
    }
}

/* C = f(sum over s of partial[s][M][N] + beta C + bias[N]), in the order of s. Group (g0, g1) does
 * row g1, elements g0 REDUCE .. of it. */
#define REDUCE 1024
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
gemm_reduce(INPUT(float, partial), INPLACE(float, c), INPUT(float, bias), long m, long n, long ldc,
            int splits, float beta, int use_bias, int activation, float activation_alpha)
{
    AT(const float, partial);
    AT(float, c);
    AT(const float, bias);
    const long row = get_group_id(1), first = (long)get_group_id(0) * REDUCE;
    const long end = min(n, first + REDUCE);
    float lanes[W];
    partial += row * n;
    c += row * ldc;
    for (long j = first; j < end; j += W) {
        const int count = (int)min((long)W, end - j);
        vec sum = (vec)0.0f;
        if (count == W) {
            for (int s = 0; s < splits; s++)
                sum += LOAD(partial + s * m * n + j);
            if (beta != 0.0f)
                sum += beta * LOAD(c + j);
            if (use_bias)
                sum += LOAD(bias + j);
        } else {
            for (int i = 0; i < W; i++) {
                lanes[i] = 0.0f;
                for (int s = 0; i < count && s < splits; s++)
                    lanes[i] += partial[s * m * n + j + i];
                if (i < count && beta != 0.0f)
                    lanes[i] += beta * c[j + i];
                if (i < count && use_bias)
                    lanes[i] += bias[j + i];
            }
            sum = LOAD(lanes);
        }
        STORE(activate_vec(sum, activation, activation_alpha), lanes);
        COPY_FEW(c + j, lanes, count);
    }
}
