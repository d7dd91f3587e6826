/* GEMM with work-groups that share slices in local memory (GPU class):
 *
 *   C[M][N] = f(alpha op(A)[M][K] . op(B)[K][N] + beta C[M][N] + bias[N])
 *
 * op(A) = A[M][K], or A^T with A stored [K][M] (transpose_a); B likewise. There may be a batch of
 * such products, a_batch, b_batch and c_batch floats apart.
 *
 * Group (g0, g1, g2) of TX x TY work-items computes the BM x BN tile at row g0 BM, column g1 BN of
 * product g2 / splits, over the k from (g2 mod splits) kstep on (the partial sums of that part of K
 * go to C + (g2 mod splits) c_split; gemm_reduce adds them up), as cl/tile_gpu.cl says: for k0 in
 * steps of BK: for each work-item: for k, i < TM, j < TN: sums[i][j] += a[k][row i] b[k][column j].
 *
 * Local memory: see cl/tile_gpu.cl. Requires: kstep a multiple of BK. */
#include "common.cl"
#include "tile_gpu.cl"

DEFINE_ACTIVATE(float)

__attribute__((reqd_work_group_size(TX, TY, 1))) kernel void
gemm_gpu(INPUT(stored, a), INPUT(stored, b), INPLACE(stored, c), INPUT(float, bias), long m,
         long n, long k, long lda, long ldb, long ldc, int transpose_a, int transpose_b, int splits,
         long kstep, long c_split, long a_batch, long b_batch, long c_batch, float alpha,
         float beta, int use_bias, int activation, float activation_alpha)
{
    AT(const stored, a);
    AT(const stored, b);
    AT(stored, c);
    AT(const float, bias);
    LOCAL_SLICES;
    const int x = (int)get_local_id(0), y = (int)get_local_id(1), item = y * TX + x;
    const long batch = get_group_id(2) / splits, split = get_group_id(2) % splits;
    const long row = (long)get_group_id(0) * BM, column = (long)get_group_id(1) * BN;
    const long kfirst = split * kstep, kend = min(k, kfirst + kstep);
    a += batch * a_batch;
    b += batch * b_batch;
    c += batch * c_batch + split * c_split;
    const struct matrix left = {lda, m, transpose_a, is_aligned(a, lda)};
    const struct matrix right = {ldb, n, !transpose_b, is_aligned(b, ldb)};
    float4 sums[TM][TN / 4], a_piece[A_PIECES], b_piece[B_PIECES];
    clear_sums(sums);

    int now = 0;
    for (long k0 = kfirst - BK; k0 < kend; k0 += BK, now ^= 1) {
        const long next = k0 + BK;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (next < kend) {
            fetch_pieces(a_piece, A_PIECES, a, left, item, BM, row, next, kend);
            fetch_pieces(b_piece, B_PIECES, b, right, item, BN, column, next, kend);
        }
        if (k0 >= kfirst)
            multiply_slice(sums, a_slice[now], b_slice[now], x, y);
        if (next < kend)
            keep_pieces(a_slice[now ^ 1], b_slice[now ^ 1], a_piece, b_piece, item, transpose_a,
                        !transpose_b);
    }

    const struct ending end = {alpha, beta, use_bias, activation, activation_alpha};
#pragma unroll
    for (int i = 0; i < TM; i++)
        if (row + ROW_OF(i, y) < m)
            finish_row(c + (row + ROW_OF(i, y)) * ldc, bias, sums[i], x, column, n,
                       is_aligned(c, ldc), end);
}

#if !STORAGE_HALF /* partial sums are float32 */
/* C = f(sum over s of partial[s][M][N], in the order of s, + beta C + bias[N]); one work-item per
 * element, 64 of a row per group: group (g0, g1) has row g0. */
__attribute__((reqd_work_group_size(64, 1, 1))) kernel void
gemm_reduce(INPUT(float, partial), INPLACE(float, c), INPUT(float, bias), long m, long n, long ldc,
            int splits, float beta, int use_bias, int activation, float activation_alpha)
{
    AT(const float, partial);
    AT(float, c);
    AT(const float, bias);
    const long row = get_group_id(0), column = (long)get_group_id(1) * 64 + get_local_id(0);
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
#endif
