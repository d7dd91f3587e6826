/* GEMM with work-groups that share tiles in local memory (GPU class):
 *
 *   C[M][N] = f(alpha op(A)[M][K] . op(B)[K][N] + beta C[M][N] + bias[N])
 *
 * op(A) = A[M][K], or A^T with A stored [K][M] (transpose_a); B likewise.
 *
 * Group (g0, g1, g2) of TX x TY work-items computes the BM x BN tile at row g1 BM, column g0 BN,
 * over the k from g2 kstep .. (the partial sums of g2 go to C + g2 cstep; gemm_reduce adds them
 * up):
 *
 *   for k0 in steps of BK:
 *     the group copies op(A)[BM][BK] and op(B)[BK][BN] to local memory, zeros beyond the matrices;
 *       neighbouring work-items read neighbouring addresses of either, transposed or not
 *     each work-item: for k: for i < TM: for j < TN: acc[i][j] += a[k][row i] * b[k][column j]
 *
 * Work-item (x, y) has the rows y * 4 + i + (i / 4) * 4 TY, i.e. blocks of four, and the columns
 * likewise, so that it reads local memory as float4 and neighbours write neighbouring columns of C.
 * Volkov, Demmel, "Benchmarking GPUs to Tune Dense Linear Algebra", SC 2008 (register tiles);
 * Nath, Tomov, Dongarra, "An Improved MAGMA GEMM for Fermi GPUs", 2010 (both operands shared).
 *
 * Local memory: BK (BM + BN + 8) floats, 8.7 KB by default. Requires: TM, TN multiples of 4. */
#include "common.cl"
#include "epilogue.cl"

#ifndef TM
#define TM 4
#endif
#ifndef TN
#define TN 4
#endif
#ifndef TX
#define TX 16
#endif
#ifndef TY
#define TY 16
#endif
#ifndef BK
#define BK 16
#endif
#define BM      (TM * TY)
#define BN      (TN * TX)
#define THREADS (TX * TY)
#if TM % 4 || TN % 4
#error "TM and TN must be multiples of 4"
#endif
#if BM * BK % THREADS || BN * BK % THREADS
#error "the work-items must share the tiles evenly"
#endif
/* Rows of the tiles are padded against bank conflicts when they are written across. */
#define AP (BM + 4)
#define BP (BN + 4)

DEFINE_ACTIVATE(float)

/* to[k][i], i < size, = x[first + i][k0 + k] of a matrix with `count` rows and kend columns; if
 * `across`, the matrix is stored [k][i]. */
static inline void copy_tile(local float *to, int pitch, int size, global const float *x, long ldx,
                             int across, long first, long count, long k0, long kend, int item)
{
    for (int e = item; e < size * BK; e += THREADS) {
        const int line = across ? e / size : e / BK, rest = e - line * (across ? size : BK);
        const int i = across ? rest : line, k = across ? line : rest;
        const bool inside = first + i < count && k0 + k < kend;
        const long at = across ? (k0 + k) * ldx + first + i : (first + i) * ldx + k0 + k;
        to[k * pitch + i] = inside ? x[at] : 0.0f;
    }
}

/* c[row ..][column ..] = f(alpha acc + beta c + bias) of the elements of work-item (x, y) that lie
 * within c[m][n]. */
static inline void finish_tile(global float *c, global const float *bias, float4 (*acc)[TN / 4],
                               int x, int y, long row, long column, long m, long n, long ldc,
                               float alpha, float beta, int use_bias, int activation,
                               float activation_alpha)
{
#pragma unroll
    for (int i = 0; i < TM; i++) {
        const long to_row = row + (i / 4 * TY + y) * 4 + i % 4;
#pragma unroll
        for (int j = 0; j < TN / 4; j++) {
            float lane[4];
            vstore4(acc[i][j], 0, lane);
            for (int l = 0; l < 4; l++) {
                const long to_column = column + (j * TX + x) * 4 + l;
                if (to_row >= m || to_column >= n)
                    continue;
                float value = alpha * lane[l];
                if (beta != 0.0f)
                    value += beta * c[to_row * ldc + to_column];
                if (use_bias)
                    value += bias[to_column];
                c[to_row * ldc + to_column] = activate_float(value, activation, activation_alpha);
            }
        }
    }
}

__attribute__((reqd_work_group_size(TX, TY, 1))) kernel void
gemm_gpu(INPUT(float, a), INPUT(float, b), INPLACE(float, c), INPUT(float, bias), long m, long n,
         long k, long lda, long ldb, long ldc, int transpose_a, int transpose_b, long kstep,
         long cstep, float alpha, float beta, int use_bias, int activation, float activation_alpha)
{
    AT(const float, a);
    AT(const float, b);
    AT(float, c);
    AT(const float, bias);
    local float a_tile[BK * AP] __attribute__((aligned(16)));
    local float b_tile[BK * BP] __attribute__((aligned(16)));
    const int x = (int)get_local_id(0), y = (int)get_local_id(1), item = y * TX + x;
    const long row = (long)get_group_id(1) * BM, column = (long)get_group_id(0) * BN;
    const long kfirst = (long)get_group_id(2) * kstep, kend = min(k, kfirst + kstep);
    c += get_group_id(2) * cstep;

    float4 acc[TM][TN / 4];
#pragma unroll
    for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN / 4; j++)
            acc[i][j] = (float4)0.0f;

    for (long k0 = kfirst; k0 < kend; k0 += BK) {
        copy_tile(a_tile, AP, BM, a, lda, transpose_a, row, m, k0, kend, item);
        copy_tile(b_tile, BP, BN, b, ldb, !transpose_b, column, n, k0, kend, item);
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int kk = 0; kk < BK; kk++) {
            float4 values[TN / 4];
#pragma unroll
            for (int j = 0; j < TN / 4; j++)
                values[j] = vload4(0, b_tile + kk * BP + (j * TX + x) * 4);
#pragma unroll
            for (int i = 0; i < TM / 4; i++) {
                const float4 left = vload4(0, a_tile + kk * AP + (i * TY + y) * 4);
#pragma unroll
                for (int j = 0; j < TN / 4; j++) {
                    acc[4 * i + 0][j] += left.x * values[j];
                    acc[4 * i + 1][j] += left.y * values[j];
                    acc[4 * i + 2][j] += left.z * values[j];
                    acc[4 * i + 3][j] += left.w * values[j];
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    finish_tile(c, bias, acc, x, y, row, column, m, n, ldc, alpha, beta, use_bias, activation,
                activation_alpha);
}

/* C = f(sum over s of partial[s][M][N], in the order of s, + beta C + bias[N]); one work-item per
 * element, 64 of a row per group: group (g0, g1) has row g1. */
__attribute__((reqd_work_group_size(64, 1, 1))) kernel void
gemm_reduce(INPUT(float, partial), INPLACE(float, c), INPUT(float, bias), long m, long n, long ldc,
            int splits, float beta, int use_bias, int activation, float activation_alpha)
{
    AT(const float, partial);
    AT(float, c);
    AT(const float, bias);
    const long row = get_group_id(1), column = get_global_id(0);
    if (column >= n)
        return;
    float sum = 0.0f;
    for (int s = 0; s < splits; s++)
        sum += partial[((long)s * m + row) * n + column];
    if (beta != 0.0f)
        sum += beta * c[row * ldc + column];
    if (use_bias)
        sum += bias[column];
    c[row * ldc + column] = activate_float(sum, activation, activation_alpha);
}
