/* Depthwise convolution, one channel per group (G = C), with K = M C filters, for many work-items
 * (GPU class). Neighbouring items have neighbouring filters or channels, and share what they load
 * through the caches.
 *
 * conv2d_depthwise_forward: one work-item per filter k and TILE outputs q of a row (n, p):
 *   y[n][p][q][k] = f(bias[k] + sum r, s: x[n][h(p, r)][w(q, s)][k / M] w[k][r][s])
 * conv2d_depthwise_backward_data: one work-item per channel c and TILE pixels, a stride apart, of a
 * row (n, h); they meet the same taps:
 *   dx[n][h][w][c] = sum k of c: sum r, s with p(h, r), q(w, s) whole: dy[n][p][q][k] w[k][r][s]
 * conv2d_depthwise_backward_filter: one work-item per filter k, TAPS taps and `band` rows (n, p):
 *   partial[z][t][k] = sum over its rows: dy[n][p][q][k] x[n][h(p, r)][w(q, s)][k / M]
 * with x = 1 for the tap after the last, the bias.
 * conv2d_depthwise_reduce: one work-item per element of dw[K][R S] and of db, the sum over z.
 *
 * No local memory. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "epilogue.cl"
#ifndef CLCNN_GPU
#error "conv2d_depthwise_gpu.cl is for the GPU class"
#endif

DEFINE_ACTIVATE(float)

#define GROUP 64
#define TILE  4
#define TAPS  9

#define KERNEL        __attribute__((reqd_work_group_size(GROUP, 1, 1))) kernel void
#define EACH(i, size) _Pragma("unroll") for (int i = 0; i < (size); i++)

KERNEL conv2d_depthwise_forward(INPUT(stored, x), INPUT(stored, w), INPUT(float, bias),
                                OUTPUT(stored, y), SHAPE, int use_bias, int accumulate,
                                int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, w);
    AT(const float, bias);
    AT(stored, y);
    const long item = get_global_id(0), tiles = (Q + TILE - 1) / TILE;
    const long row = item / (tiles * K);
    if (row >= (long)N * P)
        return;
    const int k = item % K, q0 = item / K % tiles * TILE, n = row / P, p = row % P;
    float sum[TILE];
    EACH(u, TILE) sum[u] = 0.0f;
    for (int r = 0; r < R; r++) {
        const int h = p * stride_h - pad_top + r * dilation_h;
        if (h < 0 || h >= H)
            continue;
        global const stored *from = x + ((long)n * H + h) * W * C + k / (K / C);
        for (int s = 0; s < S; s++) {
            const float factor = GET_STORED(w, ((long)k * R + r) * S + s);
            const int left = q0 * stride_w - pad_left + s * dilation_w;
            EACH(u, TILE)
            {
                const int column = left + u * stride_w;
                if (column >= 0 && column < W)
                    sum[u] = fma(GET_STORED(from, (long)column * C), factor, sum[u]);
            }
        }
    }
    const float shift = use_bias ? bias[k] : 0.0f;
    EACH(u, TILE)
    {
        if (q0 + u < Q) {
            global stored *to = y + (row * Q + q0 + u) * K + k;
            const float value = sum[u] + shift + (accumulate ? GET_STORED(to, 0) : 0.0f);
            PUT_STORED(activate_float(value, activation, alpha), to, 0);
        }
    }
}

KERNEL conv2d_depthwise_backward_data(INPUT(float, dy), INPUT(float, w), OUTPUT(float, dx), SHAPE)
{
    AT(const float, dy);
    AT(const float, w);
    AT(float, dx);
    const int M = K / C, across = (W + TILE * stride_w - 1) / (TILE * stride_w) * stride_w;
    const long item = get_global_id(0), row = item / ((long)across * C);
    if (row >= (long)N * H)
        return;
    const int c = item % C, tile = item / C % across, n = row / H, h = row % H;
    const int left = tile / stride_w * TILE * stride_w + tile % stride_w;
    float sum[TILE];
    EACH(u, TILE) sum[u] = 0.0f;
    for (int r = 0; r < R; r++) {
        const int ps = h + pad_top - r * dilation_h, p = ps / stride_h;
        if (ps < 0 || ps % stride_h || p >= P)
            continue;
        for (int s = 0; s < S; s++) {
            const int qs = left + pad_left - s * dilation_w;
            const int q = qs / stride_w;
            if (q * stride_w != qs)
                continue;
            for (int k = c * M; k < (c + 1) * M; k++) {
                global const float *from = dy + ((long)n * P + p) * Q * K + k;
                const float factor = w[((long)k * R + r) * S + s];
                EACH(u, TILE)
                {
                    if (q + u >= 0 && q + u < Q)
                        sum[u] = fma(from[(long)(q + u) * K], factor, sum[u]);
                }
            }
        }
    }
    EACH(u, TILE)
    {
        const int column = left + u * stride_w;
        if (column < W)
            dx[(row * W + column) * C + c] = sum[u];
    }
}

KERNEL conv2d_depthwise_backward_filter(INPUT(float, x), INPUT(float, dy), OUTPUT(float, partial),
                                        SHAPE, int band)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, partial);
    const int k = get_global_id(0), z = get_group_id(1), t0 = get_group_id(2) * TAPS;
    const int taps = R * S;
    if (k >= K)
        return;
    const long row0 = (long)z * band, row1 = min((long)N * P, row0 + band);
    int top[TAPS], left[TAPS];
    float sum[TAPS], total = 0.0f;
    EACH(i, TAPS)
    {
        const int t = min(t0 + i, taps - 1);
        top[i] = t / S * dilation_h - pad_top;
        left[i] = t % S * dilation_w - pad_left;
        sum[i] = 0.0f;
    }
    for (long row = row0; row < row1; row++) {
        global const float *image = x + row / P * H * W * C + k / (K / C);
        const int h = row % P * stride_h;
        for (int q = 0; q < Q; q++) {
            const float factor = dy[(row * Q + q) * K + k];
            const int column = q * stride_w;
            EACH(i, TAPS)
            {
                const int a = h + top[i], b = column + left[i];
                if (a >= 0 && a < H && b >= 0 && b < W)
                    sum[i] = fma(factor, image[((long)a * W + b) * C], sum[i]);
            }
            total += factor;
        }
    }
    partial += (long)z * (taps + 1) * K + k;
    EACH(i, TAPS)
    {
        if (t0 + i < taps)
            partial[(long)(t0 + i) * K] = sum[i];
    }
    if (t0 == 0)
        partial[(long)taps * K] = total;
}

KERNEL conv2d_depthwise_reduce(INPUT(float, partial), OUTPUT(float, dw), OUTPUT(float, db), int K,
                               int taps, int ranges, int with_bias)
{
    AT(const float, partial);
    AT(float, dw);
    AT(float, db);
    const long item = get_global_id(0), t = item / K, k = item % K;
    if (t > taps || (t == taps && !with_bias))
        return;
    float sum = 0.0f;
    for (long z = 0; z < ranges; z++)
        sum += partial[(z * (taps + 1) + t) * K + k];
    if (t < taps)
        dw[k * taps + t] = sum;
    else
        db[k] = sum;
}
