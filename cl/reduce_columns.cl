/* Sums over the rows of a matrix, part by part: group (g0, g1) adds up rows g1 rows_each .. of its
 * columns from g0 COLUMNS on,
 *
 *   y[g1][c] = sum over r of x[g1 rows_each + r][c],   x[rows][columns], y[parts][columns]
 *
 * A second launch over y, with one part, gives the total. The order of the sum depends on the sizes
 * alone, so the result is the same in every run.
 *
 * CPU: one work-item per group; vectors of columns, or, with fewer columns than a vector has lanes,
 * vectors of W whole rows, so that lane l of vector c belongs to column (c W + l) mod columns.
 * GPU: 32 x 8 work-items; item (x, y) sums every eighth row of column x, then the eight are added
 * in local memory (1 KB). */
#include "common.cl"

#ifdef CLCNN_CPU
#include "vector.cl"
#define COLUMNS (4 * W)

/* y[j] for the vectors of columns of one group. The last one overlaps the one before it. */
static inline void sum_vectors(global const float *x, global float *y, long rows, long columns,
                               long first)
{
    long j = first;
    const long end = min(columns, first + COLUMNS);
    if (end - j == COLUMNS) {
        vec a = (vec)0.0f, b = a, c = a, d = a;
        for (long r = 0; r < rows; r++) {
            global const float *row = x + r * columns + j;
            a += LOAD(row);
            b += LOAD(row + W);
            c += LOAD(row + 2 * W);
            d += LOAD(row + 3 * W);
        }
        STORE(a, y + j);
        STORE(b, y + j + W);
        STORE(c, y + j + 2 * W);
        STORE(d, y + j + 3 * W);
        return;
    }
    for (; j < end; j += W) {
        const long at = min(j, columns - W);
        vec a = (vec)0.0f, b = a, c = a, d = a;
        long r = 0;
        for (; r + 4 <= rows; r += 4) {
            global const float *row = x + r * columns + at;
            a += LOAD(row);
            b += LOAD(row + columns);
            c += LOAD(row + 2 * columns);
            d += LOAD(row + 3 * columns);
        }
        for (; r < rows; r++)
            a += LOAD(x + r * columns + at);
        STORE((a + b) + (c + d), y + at);
    }
}

/* y[j] for fewer than W columns. */
static inline void sum_rows(global const float *x, global float *y, long rows, int columns)
{
    float lanes[W * W];
    for (int c = 0; c < columns; c++)
        STORE((vec)0.0f, lanes + c * W);
    long r = 0;
    for (; r + W <= rows; r += W)
        for (int c = 0; c < columns; c++)
            STORE(LOAD(lanes + c * W) + LOAD(x + r * columns + c * W), lanes + c * W);
    for (int j = 0; j < columns; j++) {
        float sum = 0.0f;
        for (int l = 0; l < W; l++)
            sum += lanes[l * columns + j];
        for (long rest = r; rest < rows; rest++)
            sum += x[rest * columns + j];
        y[j] = sum;
    }
}

__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void reduce_columns(INPUT(float, x), OUTPUT(float, y), long rows, long columns,
                           long rows_each)
{
    AT(const float, x);
    AT(float, y);
    const long first = (long)get_group_id(1) * rows_each;
    const long count = min(rows_each, rows - first);
    x += first * columns;
    y += get_group_id(1) * columns;
    if (columns < W)
        sum_rows(x, y, count, (int)columns);
    else
        sum_vectors(x, y, count, columns, (long)get_group_id(0) * COLUMNS);
}

#else
#define COLUMNS 32
#define ROWS    8

__attribute__((reqd_work_group_size(COLUMNS, ROWS, 1)))
kernel void reduce_columns(INPUT(float, x), OUTPUT(float, y), long rows, long columns,
                           long rows_each)
{
    AT(const float, x);
    AT(float, y);
    local float sums[ROWS][COLUMNS];
    const int lx = (int)get_local_id(0), ly = (int)get_local_id(1);
    const long first = (long)get_group_id(1) * rows_each, column = (long)get_global_id(0);
    const long end = min(rows, first + rows_each);
    float sum = 0.0f;
    if (column < columns)
        for (long r = first + ly; r < end; r += ROWS)
            sum += x[r * columns + column];
    sums[ly][lx] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (ly == 0 && column < columns) {
        for (int i = 1; i < ROWS; i++)
            sum += sums[i][lx];
        y[get_group_id(1) * columns + column] = sum;
    }
}
#endif
