/* GEMM of a few rows, B as it lies in memory (CPU class): what a dense layer does at small batch.
 * Every float of B is used M times, so memory sets the pace: B is read once, without being packed,
 * several rows at a time since one core gets more out of several streams.
 *
 * gemm_few_cpu: C[M][N] = f(alpha A[M][K] . B[N][K]^T + beta C[M][N] + bias[N])
 * Group g computes the columns n from g `step` on:
 *
 *   for n in steps of COLUMNS (one row of A) or COLUMNS_FEW:
 *     for m in steps of 1 or ROWS: (the rows of B now lie in the second-level cache)
 *       for k: for i, j: sum[i][j] += A[m + i][k] * B[n + j][k]        (k by vectors)
 *       C[m + i][n + j] = f(...)
 *
 * gemm_few_across: partial[split][M][N] = alpha A[M][part of K] . B[part of K][N]
 * gemm_reduce of gemm_cpu.cl makes C of them. Group (g, split) computes the columns n from g `step`
 * on, for k from split `kstep` on; the sums lie in local memory, in the first-level cache:
 *
 *   for k in steps of DEEP:
 *     for m, n (by vectors): sum[m][n] += A[m][k] B[k][n] + ... + A[m][k + DEEP - 1] B[.][n]
 *
 * Local memory: gemm_few_cpu none, gemm_few_across 4 M step. Requires ldb >= K, or N. */
#include "common.cl"
#include "epilogue.cl"
#include "vector.cl"

/* Columns at a time: with one row, and with several. */
#define COLUMNS 8
#if W == 16
#define ROWS        4
#define COLUMNS_FEW 4
#else
#define ROWS        2
#define COLUMNS_FEW 4
#endif
/* Rows of B at a time in gemm_few_across. */
#define DEEP 8
/* Floats that are asked for ahead. */
#ifndef AHEAD
#define AHEAD 256
#endif

DEFINE_ACTIVATE(float)

static inline float sum_of(vec v)
{
    float lane[W];
    STORE(v, lane);
#pragma unroll
    for (int step = W / 2; step > 0; step /= 2)
        for (int i = 0; i < step; i++)
            lane[i] += lane[i + step];
    return lane[0];
}

#define EACH_SUM                                                                                   \
    _Pragma("unroll") for (int i = 0; i < rows; i++) _Pragma("unroll") for (int j = 0;             \
                                                                            j < columns; j++)

/* result[rows][columns] = rows of A times rows of B; the numbers are compile-time constants, rows
 * beyond the last repeat it. */
__attribute__((always_inline)) static inline void
multiply(const int rows, const int columns, float *result, global const stored *a, long lda,
         int last_row, global const stored *b, long ldb, int last_column, long k)
{
    global const stored *from_a[ROWS], *from_b[COLUMNS];
    vec sum[ROWS][COLUMNS];
    long t = 0;
#pragma unroll
    for (int i = 0; i < rows; i++)
        from_a[i] = a + min(i, last_row) * lda;
#pragma unroll
    for (int j = 0; j < columns; j++)
        from_b[j] = b + min(j, last_column) * ldb;
    EACH_SUM sum[i][j] = (vec)0.0f;
    for (; t + W <= k; t += W) {
        vec value[ROWS];
#pragma unroll
        for (int i = 0; i < rows; i++)
            value[i] = LOAD_STORED(from_a[i] + t);
#pragma unroll
        for (int j = 0; j < columns; j++) {
            const vec factor = LOAD_STORED(from_b[j] + t);
            PREFETCH(from_b[j] + t + AHEAD);
#pragma unroll
            for (int i = 0; i < rows; i++)
                sum[i][j] += value[i] * factor;
        }
    }
    EACH_SUM result[i * columns + j] = sum_of(sum[i][j]);
    for (; t < k; t++)
        EACH_SUM result[i * columns + j] += GET_STORED(from_a[i], t) * GET_STORED(from_b[j], t);
}

__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
gemm_few_cpu(INPUT(stored, a), INPUT(stored, b), INPLACE(stored, c), INPUT(float, bias), long m,
             long n, long k, long lda, long ldb, long ldc, long step, float alpha, float beta,
             int use_bias, int activation, float activation_alpha)
{
    AT(const stored, a);
    AT(const stored, b);
    AT(stored, c);
    AT(const float, bias);
    const long first = (long)get_group_id(0) * step, end = min(n, first + step);
    const int columns = m == 1 ? COLUMNS : COLUMNS_FEW, rows = m == 1 ? 1 : ROWS;
    float result[ROWS * COLUMNS_FEW > COLUMNS ? ROWS * COLUMNS_FEW : COLUMNS];
    for (long column = first; column < end; column += columns) {
        const int count = (int)min((long)columns, end - column);
        global const stored *from = b + column * ldb;
        for (long row = 0; row < m; row += rows) {
            const int height = (int)min((long)rows, m - row);
            if (rows == 1)
                multiply(1, COLUMNS, result, a, lda, 0, from, ldb, count - 1, k);
            else
                multiply(ROWS, COLUMNS_FEW, result, a + row * lda, lda, height - 1, from, ldb,
                         count - 1, k);
            for (int i = 0; i < height; i++)
                for (int j = 0; j < count; j++) {
                    global stored *to = c + (row + i) * ldc + column + j;
                    float value = alpha * result[i * columns + j];
                    if (beta != 0.0f)
                        value += beta * GET_STORED(to, 0);
                    if (use_bias)
                        value += bias[column + j];
                    PUT_STORED(activate_float(value, activation, activation_alpha), to, 0);
                }
        }
    }
}

/* sum[count] += a[0] b[0][count] + ... + a[DEEP - 1] b[DEEP - 1][count] */
static inline void add_rows(local float *sum, global const float *a, global const float *b,
                            long ldb, int count)
{
    int j = 0;
    for (; j + W <= count; j += W) {
        vec value = LOAD(sum + j);
#pragma unroll
        for (int i = 0; i < DEEP; i++) {
            value += (vec)a[i] * LOAD(b + i * ldb + j);
            PREFETCH(b + (i + DEEP) * ldb + j);
        }
        STORE(value, sum + j);
    }
    for (; j < count; j++)
        for (int i = 0; i < DEEP; i++)
            sum[j] += a[i] * b[i * ldb + j];
}

__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
gemm_few_across(INPUT(float, a), INPUT(float, b), OUTPUT(float, partial), int m, long n, long k,
                long lda, long ldb, int step, long kstep, float alpha, local float *sums)
{
    AT(const float, a);
    AT(const float, b);
    AT(float, partial);
    const long column = (long)get_group_id(0) * step, first = (long)get_group_id(1) * kstep;
    const long end = min(k, first + kstep);
    const int count = (int)min((long)step, n - column);
    for (int i = 0; i < m * step; i++)
        sums[i] = 0.0f;
    a += first;
    b += first * ldb + column;
    long t = first;
    for (; t + DEEP <= end; t += DEEP, a += DEEP, b += DEEP * ldb)
        for (int i = 0; i < m; i++)
            add_rows(sums + i * step, a + i * lda, b, ldb, count);
    for (; t < end; t++, a++, b += ldb)
        for (int i = 0; i < m; i++)
            for (int j = 0; j < count; j++)
                sums[i * step + j] += a[i * lda] * b[j];
    partial += get_group_id(1) * m * n + column;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < count; j++)
            partial[i * n + j] = alpha * sums[i * step + j];
}
