/* Convolution by its definition, for many work-items (GPU class). Nothing is copied and no memory
 * is needed beyond the operands, so every legal problem runs; x is shared between the neighbours
 * of a work-group through the caches.
 *
 * Forward: one work-item per element of y, consecutive items along (q, k):
 *   y[n][p][q][k] = f(bias[k] + sum r, s, c: x[n][p sh - pt + r dh][q sw - pl + s dw][c]
 *   w[k][r][s][c])
 *   and with `accumulate`, y added to the argument of f
 * Gradient to the data: one work-item per element of dx, consecutive items along (w, c):
 *   dx[n][h][w][c] = sum r, s, k: dy[n][p][q][k] w[k][r][s][c]   with p sh - pt + r dh = h, q
 *   likewise
 * Gradient to the filter: one work-group per tap t = (r, s, c) and block of 32 filters; lane (i, j)
 * sums filter k = 32 block + i over the rows (n, p) that are j modulo 8; the eight sums are added
 * in local memory (1 KiB) in a fixed order:
 *   dw[k][r][s][c] = sum n, p, q: dy[n][p][q][k] x[n][p sh - pt + r dh][q sw - pl + s dw][c]
 * The tap after the last is the bias gradient: x = 1 everywhere. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "epilogue.cl"
#ifndef CLCNN_GPU
#error "conv2d_direct_gpu.cl is for the GPU class"
#endif

DEFINE_ACTIVATE(float)

#define GROUP   64 /* work-items of a group along a row */
#define FILTERS 32 /* the filter gradient's lanes along k, and along the rows */
#define ROWS    8

__attribute__((reqd_work_group_size(GROUP, 1, 1))) kernel void
conv2d_direct_forward(INPUT(stored, x), INPUT(stored, w), INPUT(float, bias),
                      OUTPUT(stored, y), SHAPE, int use_bias, int accumulate, int activation,
                      float alpha)
{
    AT(const stored, x);
    AT(const stored, w);
    AT(const float, bias);
    AT(stored, y);
    const long row_blocks = ((long)Q * K + GROUP - 1) / GROUP;
    const long row = get_group_id(0) / row_blocks;
    const long i = get_group_id(0) % row_blocks * GROUP + get_local_id(0);
    if (i >= (long)Q * K)
        return;
    const int n = row / P, p = row % P, q = i / K, k = i % K;
    const int cg = C / G, c0 = k / (K / G) * cg;
    float sum = 0.0f;
    for (int r = 0; r < R; r++) {
        const int h = p * stride_h - pad_top + r * dilation_h;
        if (h < 0 || h >= H)
            continue;
        for (int s = 0; s < S; s++) {
            const int column = q * stride_w - pad_left + s * dilation_w;
            if (column < 0 || column >= W)
                continue;
            global const stored *from = x + (((long)n * H + h) * W + column) * C + c0;
            global const stored *factor = w + (((long)k * R + r) * S + s) * cg;
            for (int c = 0; c < cg; c++)
                sum = fma(GET_STORED(from, c), GET_STORED(factor, c), sum);
        }
    }
    if (use_bias)
        sum += bias[k];
    y += row * Q * K + i;
    if (accumulate)
        sum += GET_STORED(y, 0);
    PUT_STORED(activate_float(sum, activation, alpha), y, 0);
}

__attribute__((reqd_work_group_size(GROUP, 1, 1))) kernel void
conv2d_direct_backward_data(INPUT(float, dy), INPUT(float, w), OUTPUT(float, dx), SHAPE)
{
    AT(const float, dy);
    AT(const float, w);
    AT(float, dx);
    const long row_blocks = ((long)W * C + GROUP - 1) / GROUP;
    const long row = get_group_id(0) / row_blocks;
    const long i = get_group_id(0) % row_blocks * GROUP + get_local_id(0);
    if (i >= (long)W * C)
        return;
    const int n = row / H, h = row % H, column = i / C, c = i % C;
    const int cg = C / G, kg = K / G, k0 = c / cg * kg;
    float sum = 0.0f;
    for (int r = 0; r < R; r++) {
        const int ps = h + pad_top - r * dilation_h, p = ps / stride_h;
        if (ps < 0 || ps % stride_h || p >= P)
            continue;
        for (int s = 0; s < S; s++) {
            const int qs = column + pad_left - s * dilation_w, q = qs / stride_w;
            if (qs < 0 || qs % stride_w || q >= Q)
                continue;
            global const float *from = dy + (((long)n * P + p) * Q + q) * K + k0;
            global const float *factor = w + (((long)k0 * R + r) * S + s) * cg + c % cg;
            for (int k = 0; k < kg; k++)
                sum = fma(from[k], factor[(long)k * R * S * cg], sum);
        }
    }
    dx[row * W * C + i] = sum;
}

/* The sum of dy x along row p of image n, for filter k and tap (r, s, c); of dy alone if r = R. */
static float sum_row(global const float *dy, global const float *x, long n, int p, int k, int r,
                     int s, int c, SHAPE, float sum)
{
    dy += (n * P + p) * Q * K + k;
    if (r == R) {
        for (int q = 0; q < Q; q++)
            sum += dy[(long)q * K];
        return sum;
    }
    const int h = p * stride_h - pad_top + r * dilation_h;
    if (h < 0 || h >= H)
        return sum;
    x += (n * H + h) * W * C + c;
    for (int q = 0; q < Q; q++) {
        const int column = q * stride_w - pad_left + s * dilation_w;
        if (column >= 0 && column < W)
            sum = fma(dy[(long)q * K], x[(long)column * C], sum);
    }
    return sum;
}

__attribute__((reqd_work_group_size(FILTERS, ROWS, 1))) kernel void
conv2d_direct_backward_filter(INPUT(float, x), INPUT(float, dy), OUTPUT(float, dw),
                              OUTPUT(float, db), SHAPE)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, dw);
    AT(float, db);
    local float sums[ROWS][FILTERS];
    const int cg = C / G, lane = get_local_id(0), j = get_local_id(1);
    const long taps = (long)R * S * cg, blocks = (K + FILTERS - 1) / FILTERS;
    const long t = get_group_id(0) / blocks;
    const int k = get_group_id(0) % blocks * FILTERS + lane;
    const int r = t / ((long)S * cg), s = t / cg % S;
    float sum = 0.0f;
    if (k < K) {
        const int c = k / (K / G) * cg + (int)(t % cg);
        for (long row = j; row < (long)N * P; row += ROWS)
            sum = sum_row(dy, x, row / P, row % P, k, r, s, c, N, H, W, C, K, R, S, P, Q, G,
                          stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, sum);
    }
    sums[j][lane] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (j == 0 && k < K) {
        for (int i = 1; i < ROWS; i++)
            sum += sums[i][lane];
        if (t < taps)
            dw[k * taps + t] = sum;
        else
            db[k] = sum;
    }
}
