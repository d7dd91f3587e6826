/* What the matrix products of the GPU class share: a work-group of TX x TY work-items sums up
 *
 *   sums[BM][BN] += a[BM][BK] . b[BK][BN],   BM = TM TY, BN = TN TX
 *
 * one slice of BK terms after the other, TM x TN sums in the registers of each work-item. A slice
 * lies in local memory as a[k][row] and b[k][column], twice: one is written while the other is
 * multiplied, with a single barrier between two slices. Pieces of four floats wait in registers on
 * the way there, so that the loads of the next slice run beside the multiplications:
 *
 *   fetch and keep slice 0
 *   for each slice:
 *     barrier
 *     fetch the next slice to registers
 *     multiply_slice
 *     keep the next slice in the other half
 *
 * Work-item (x, y) has the rows ROW_OF(i, y), i.e. blocks of four, and the columns likewise: it
 * reads local memory four floats at a time, neighbours next to each other.
 *
 * Local memory: 8 BK (BM + BN + 8) bytes: 17 KB with 8x8 sums of 16x16 work-items.
 *
 * Volkov, Demmel, "Benchmarking GPUs to Tune Dense Linear Algebra", SC 2008 (register tiles);
 * Nath, Tomov, Dongarra, "An Improved MAGMA GEMM for Fermi GPUs", 2010 (both operands shared, the
 * next slice in registers). */
#include "epilogue.cl"
#ifndef CLCNN_GPU
#error "tile_gpu.cl is for the GPU class"
#endif
#ifndef TM
#define TM 4
#endif
#ifndef TN
#define TN 4
#endif
#ifndef TX
#define TX 8
#endif
#ifndef TY
#define TY 8
#endif
#ifndef BK
#define BK 8
#endif
#define BM       (TM * TY)
#define BN       (TN * TX)
#define THREADS  (TX * TY)
#define A_PIECES (BM * BK / 4 / THREADS)
#define B_PIECES (BN * BK / 4 / THREADS)
#if TM % 4 || TN % 4 || BK % 4
#error "TM, TN and BK must be multiples of 4"
#endif
#if BM * BK % (4 * THREADS) || BN * BK % (4 * THREADS)
#error "the work-items must share the pieces of a slice evenly"
#endif
/* Rows of a slice are padded, so that columns are written to different banks. */
#define AP (BM + 4)
#define BP (BN + 4)

#define ROW_OF(i, y)    (((i) / 4 * TY + (y)) * 4 + (i) % 4)
#define COLUMN_OF(j, x) (((j)*TX + (x)) * 4) /* the first of block j */

/* Declares the two halves of a kernel's local memory. */
#define LOCAL_SLICES local float4 a_slice[2][BK * AP / 4], b_slice[2][BK * BP / 4]

/* Where piece `piece` of a work-item lies in a slice: four terms k from .y on of line .x, or, if
 * `across`, term .y of four lines from .x on. A line is a row of a or a column of b; the memory is
 * contiguous along the four. */
static inline int2 piece_at(int piece, int item, int lines, int across)
{
    const int e = piece * THREADS + item, along = BK / 4, blocks = lines / 4;
    return across ? (int2)(e % blocks * 4, e / blocks) : (int2)(e / along, e % along * 4);
}

static inline void keep_piece(local float4 *slice, int pitch, int2 at, int across, float4 piece)
{
    local float *to = (local float *)slice + at.y * pitch + at.x;
    if (across) {
        *(local float4 *)to = piece;
    } else {
        to[0] = piece.x;
        to[pitch] = piece.y;
        to[2 * pitch] = piece.z;
        to[3 * pitch] = piece.w;
    }
}

static inline void keep_pieces(local float4 *a, local float4 *b, const float4 *a_piece,
                               const float4 *b_piece, int item, int a_across, int b_across)
{
#pragma unroll
    for (int i = 0; i < A_PIECES; i++)
        keep_piece(a, AP, piece_at(i, item, BM, a_across), a_across, a_piece[i]);
#pragma unroll
    for (int i = 0; i < B_PIECES; i++)
        keep_piece(b, BP, piece_at(i, item, BN, b_across), b_across, b_piece[i]);
}

/* Four elements at once: floats where they lie on 16 bytes, for only then do compilers load them
 * so; halves anywhere. */
#if STORAGE_HALF
#define LOAD_PIECE(p)     vload_half4(0, p)
#define STORE_PIECE(v, p) vstore_half4_rte(v, 0, p)
#define PIECE_ALIGN       2
#else
#define LOAD_PIECE(p)     (*(global const float4 *)(p))
#define STORE_PIECE(v, p) (*(global float4 *)(p) = (v))
#define PIECE_ALIGN       16
#endif

static inline int is_aligned(global const stored *p, long pitch)
{
    return pitch % 4 == 0 && (uintptr_t)p % PIECE_ALIGN == 0;
}

#define GET_FLOAT(p, i) ((p)[i])

/* The first `left` of four elements; the others stay. */
#define FETCH_PART(piece, left, GET, from)                                                         \
    do {                                                                                           \
        if ((left) > 0)                                                                            \
            piece.x = GET(from, 0);                                                                \
        if ((left) > 1)                                                                            \
            piece.y = GET(from, 1);                                                                \
        if ((left) > 2)                                                                            \
            piece.z = GET(from, 2);                                                                \
        if ((left) > 3)                                                                            \
            piece.w = GET(from, 3);                                                                \
    } while (0)

/* `aligned`: as is_aligned says. */
static inline float4 fetch_piece(global const stored *from, long left, int aligned)
{
    float4 piece = (float4)0.0f;
    if (aligned && left >= 4)
        return LOAD_PIECE(from);
    FETCH_PART(piece, left, GET_STORED, from);
    return piece;
}

static inline void store_piece(global stored *to, long left, int aligned, float4 piece)
{
    if (aligned && left >= 4) {
        STORE_PIECE(piece, to);
        return;
    }
    if (left > 0)
        PUT_STORED(piece.x, to, 0);
    if (left > 1)
        PUT_STORED(piece.y, to, 1);
    if (left > 2)
        PUT_STORED(piece.z, to, 2);
    if (left > 3)
        PUT_STORED(piece.w, to, 3);
}

/* A matrix in memory: terms k of `lines` lines, stored [line][k], or [k][line] if `across`. */
struct matrix {
    long pitch, lines;
    int across, aligned;
};

/* Four terms from k on of line `line`, or of four lines; zeros beyond `lines` and kend. */
static inline float4 fetch(global const stored *x, struct matrix of, long line, long k, long kend)
{
    const bool inside = line < of.lines && k < kend;
    const long left = of.across ? of.lines - line : kend - k;
    return fetch_piece(x + (of.across ? k * of.pitch + line : line * of.pitch + k),
                       inside ? left : 0, of.aligned);
}

/* A work-item's pieces of the slice from term k on of the `size` lines from `line` on. */
static inline void fetch_pieces(float4 *piece, int pieces, global const stored *x,
                                struct matrix of, int item, int size, long line, long k, long kend)
{
#pragma unroll
    for (int i = 0; i < pieces; i++) {
        const int2 at = piece_at(i, item, size, of.across);
        piece[i] = fetch(x, of, line + at.x, k + at.y, kend);
    }
}

static inline void clear_sums(float4 (*sums)[TN / 4])
{
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN / 4; j++)
            sums[i][j] = (float4)0.0f;
}

static inline void multiply_slice(float4 (*sums)[TN / 4], local const float4 *a,
                                  local const float4 *b, int x, int y)
{
#pragma unroll
    for (int k = 0; k < BK; k++) {
        float4 right[TN / 4];
#pragma unroll
        for (int j = 0; j < TN / 4; j++)
            right[j] = b[k * (BP / 4) + j * TX + x];
#pragma unroll
        for (int i = 0; i < TM / 4; i++) {
            const float4 left = a[k * (AP / 4) + i * TY + y];
#pragma unroll
            for (int j = 0; j < TN / 4; j++) {
                sums[4 * i + 0][j] += left.x * right[j];
                sums[4 * i + 1][j] += left.y * right[j];
                sums[4 * i + 2][j] += left.z * right[j];
                sums[4 * i + 3][j] += left.w * right[j];
            }
        }
    }
}

/* ---- the end of a row ------------------------------------------------------------------------ */

DEFINE_ACTIVATE(float4)

struct ending {
    float alpha, beta;
    int use_bias, activation;
    float activation_alpha;
};

/* c[column ..] = f(alpha sums + beta c + bias) of work-item x's elements of one row, of which there
 * are n. */
static inline void finish_row(global stored *c, global const float *bias, const float4 *sums,
                              int x, long column, long n, int aligned, struct ending end)
{
#pragma unroll
    for (int j = 0; j < TN / 4; j++) {
        const long at = column + COLUMN_OF(j, x), left = n - at;
        float4 value = end.alpha * sums[j];
        if (end.beta != 0.0f)
            value += end.beta * fetch_piece(c + at, left, aligned);
        if (end.use_bias) {
            float4 shift = (float4)0.0f;
            FETCH_PART(shift, left, GET_FLOAT, bias + at);
            value += shift;
        }
        value = activate_float4(value, end.activation, end.activation_alpha);
        store_piece(c + at, left, aligned, value);
    }
}
