/* Patches of an image as rows of a matrix, and back: x[N][H][W][C], group g's channels c,
 *
 *   im2col: col[m - m0][r][s][c] = x[n][p sh - pt + r dh][q sw - pl + s dw][g C/G + c]
 *   col2im: dx[n][h][w][g C/G + c] += sum of col[m - m0][r][s][c] over the m, r, s that read that
 *   pixel
 *
 * for the outputs m = (n, p, q) from m0 to m1 (zeros outside the image). col2im gathers, pixel by
 * pixel in the order of r and s, so it needs no atomics; the caller clears dx first.
 *
 * CPU: one work-item per ROWS rows of col, or per image row (n, h) of dx from `row` on, with long
 * vectors. GPU: GROUP work-items per group, one per element of col, or per element of dx. */
#include "common.cl"
#include "conv2d_shape.cl"

#ifdef CLCNN_CPU
#include "vector.cl"
enum { LANES = W, ROWS = 16 };
#undef W
#define GATHER_TO global
#include "conv2d_gather.cl"
#define KERNEL __attribute__((reqd_work_group_size(1, 1, 1))) kernel void

KERNEL conv2d_im2col(INPUT(float, x), OUTPUT(float, col), SHAPE, int g, long m0, long m1)
{
    AT(const float, x);
    AT(float, col);
    const int depth = C / G;
    const long taps = (long)R * S * depth, first = m0 + get_group_id(0) * ROWS;
    const struct patches of = describe(H, W, C, R, S, dilation_h, dilation_w, depth);
    struct pixel at = pixel_of(first, P, Q);
    for (long m = first; m < min(m1, first + ROWS); m++) {
        gather(col + (m - m0) * taps, x + (long)at.n * H * W * C + g * depth,
               at.p * stride_h - pad_top, at.q * stride_w - pad_left, place_of(0, of), (int)taps,
               of);
        at = next_pixel(at, P, Q);
    }
}

static inline void add_run(global float *to, global const float *from, int count)
{
    int i = 0;
    for (; i + LANES <= count; i += LANES)
        STORE(LOAD(to + i) + LOAD(from + i), to + i);
    for (; i < count; i++)
        to[i] += from[i];
}

KERNEL conv2d_col2im(INPUT(float, col), OUTPUT(float, dx), SHAPE, int g, long m0, long m1, long row)
{
    AT(const float, col);
    AT(float, dx);
    const int depth = C / G;
    const long taps = (long)R * S * depth;
    row += get_group_id(0);
    const int n = row / H, h = row % H;
    global float *to = dx + row * W * C + g * depth;
    for (int r = 0; r < R; r++) {
        const int ps = h + pad_top - r * dilation_h, p = ps / stride_h;
        if (ps < 0 || ps % stride_h || p >= P)
            continue;
        /* Outputs q of this row that are in the chunk. */
        const long m = ((long)n * P + p) * Q;
        const int q0 = (int)clamp(m0 - m, 0L, (long)Q), q1 = (int)clamp(m1 - m, 0L, (long)Q);
        for (int s = 0; s < S; s++) {
            for (int q = q0; q < q1; q++) {
                const int column = q * stride_w - pad_left + s * dilation_w;
                if (column >= 0 && column < W)
                    add_run(to + (long)column * C,
                            col + (m + q - m0) * taps + ((long)r * S + s) * depth, depth);
            }
        }
    }
}

#else
#define GROUP  64
#define KERNEL __attribute__((reqd_work_group_size(GROUP, 1, 1))) kernel void

KERNEL conv2d_im2col(INPUT(float, x), OUTPUT(float, col), SHAPE, int g, long m0, long m1)
{
    AT(const float, x);
    AT(float, col);
    const int depth = C / G;
    const long taps = (long)R * S * depth, i = get_global_id(0), m = m0 + i / taps;
    if (m >= m1)
        return;
    const int t = i % taps, c = t % depth, r = t / depth / S, s = t / depth % S;
    const int h = (int)(m / Q % P) * stride_h - pad_top + r * dilation_h;
    const int column = (int)(m % Q) * stride_w - pad_left + s * dilation_w;
    float value = 0.0f;
    if (h >= 0 && h < H && column >= 0 && column < W)
        value = x[((m / ((long)P * Q) * H + h) * W + column) * C + g * depth + c];
    col[i] = value;
}

/* Group (i, j): elements (w, c) of image row `row` + j. */
KERNEL conv2d_col2im(INPUT(float, col), OUTPUT(float, dx), SHAPE, int g, long m0, long m1, long row)
{
    AT(const float, col);
    AT(float, dx);
    const int depth = C / G;
    const long taps = (long)R * S * depth;
    const long blocks = ((long)W * depth + GROUP - 1) / GROUP;
    const long i = get_group_id(0) % blocks * GROUP + get_local_id(0);
    row += get_group_id(0) / blocks;
    if (i >= (long)W * depth)
        return;
    const int n = row / H, h = row % H, column = i / depth, c = i % depth;
    float sum = 0.0f;
    for (int r = 0; r < R; r++) {
        const int ps = h + pad_top - r * dilation_h, p = ps / stride_h;
        if (ps < 0 || ps % stride_h || p >= P)
            continue;
        for (int s = 0; s < S; s++) {
            const int qs = column + pad_left - s * dilation_w, q = qs / stride_w;
            const long m = ((long)n * P + p) * Q + q;
            if (qs >= 0 && qs % stride_w == 0 && q < Q && m >= m0 && m < m1)
                sum += col[(m - m0) * taps + ((long)r * S + s) * depth + c];
        }
    }
    dx[(row * W + column) * C + g * depth + c] += sum;
}
#endif
