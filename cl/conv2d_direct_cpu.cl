/* Convolution by its definition, for one work-item with long vectors (CPU class). Nothing is copied
 * and no memory is needed beyond the operands, so every legal problem runs.
 *
 * Sums run along the input channels, which lie together in x and in w; `vec` holds W of them, the
 * rest is done one by one.
 * Forward: one work-item per output row (n, p) and 4 filters k:
 *   for q: y[n][p][q][k] = f(bias[k] + sum r, s: sum c: x[n][h(p, r)][w(q, s)][c] w[k][r][s][c])
 *   with `accumulate`, y is added to the argument of f
 * Gradient to the data: one work-item per image row (n, h) and 4 vectors of channels c:
 *   for w: dx[n][h][w][c] = sum r, s with p(h, r), q(w, s) whole: sum k: dy[n][p][q][k]
 *   w[k][r][s][c]
 * Gradient to the filter: one work-item per (r, s) and 4 filters k:
 *   for c: dw[k][r][s][c] = sum n, p, q: dy[n][p][q][k] x[n][h(p, r)][w(q, s)][c]
 * The pair after the last (r, s) is the bias gradient.
 *
 * Depthwise (C/G = K/G = 1) has no channels to sum over: there `vec` holds W neighbouring channels,
 * and the row of the result is the accumulator: float32 alone. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "epilogue.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "conv2d_direct_cpu.cl is for the CPU class"
#endif
enum { LANES = W };
#undef W

#define KERNEL __attribute__((reqd_work_group_size(1, 1, 1))) kernel void
#define TILE   4

DEFINE_ACTIVATE(float)

static inline float sum_lanes(vec v)
{
    float lane[LANES];
    STORE(v, lane);
    for (int step = LANES / 2; step > 0; step /= 2)
        for (int i = 0; i < step; i++)
            lane[i] += lane[i + step];
    return lane[0];
}

KERNEL conv2d_direct_forward(INPUT(stored, x), INPUT(stored, w), INPUT(float, bias),
                             OUTPUT(stored, y), SHAPE, int use_bias, int accumulate,
                             int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, w);
    AT(const float, bias);
    AT(stored, y);
    const int cg = C / G, kg = K / G, tiles = (kg + TILE - 1) / TILE;
    const long row = get_group_id(0) / ((long)G * tiles);
    const int g = get_group_id(0) / tiles % G, k0 = get_group_id(0) % tiles * TILE;
    const int n = row / P, p = row % P;
    const long taps = (long)R * S * cg;
    /* A tile that is cut computes its last filter several times. */
    global const stored *factor[TILE];
    for (int j = 0; j < TILE; j++)
        factor[j] = w + ((long)g * kg + min(k0 + j, kg - 1)) * taps;
    for (int q = 0; q < Q; q++) {
        vec sums[TILE];
        float rest[TILE];
        for (int j = 0; j < TILE; j++) {
            sums[j] = (vec)0.0f;
            rest[j] = 0.0f;
        }
        for (int r = 0; r < R; r++) {
            const int h = p * stride_h - pad_top + r * dilation_h;
            if (h < 0 || h >= H)
                continue;
            for (int s = 0; s < S; s++) {
                const int column = q * stride_w - pad_left + s * dilation_w;
                if (column < 0 || column >= W)
                    continue;
                global const stored *from = x + (((long)n * H + h) * W + column) * C + g * cg;
                const long at = ((long)r * S + s) * cg;
                int c = 0;
                for (; c + LANES <= cg; c += LANES) {
                    const vec value = LOAD_STORED(from + c);
#pragma unroll
                    for (int j = 0; j < TILE; j++)
                        sums[j] = fma(value, LOAD_STORED(factor[j] + at + c), sums[j]);
                }
                for (; c < cg; c++) {
#pragma unroll
                    for (int j = 0; j < TILE; j++)
                        rest[j] = fma(GET_STORED(from, c), GET_STORED(factor[j], at + c), rest[j]);
                }
            }
        }
        for (int j = 0; j < min(TILE, kg - k0); j++) {
            const int k = g * kg + k0 + j;
            global stored *to = y + (row * Q + q) * K + k;
            float sum = sum_lanes(sums[j]) + rest[j];
            if (use_bias)
                sum += bias[k];
            if (accumulate)
                sum += GET_STORED(to, 0);
            PUT_STORED(activate_float(sum, activation, alpha), to, 0);
        }
    }
}

KERNEL conv2d_direct_backward_data(INPUT(float, dy), INPUT(float, w), OUTPUT(float, dx), SHAPE)
{
    AT(const float, dy);
    AT(const float, w);
    AT(float, dx);
    const int cg = C / G, kg = K / G, tiles = (cg + TILE * LANES - 1) / (TILE * LANES);
    const long row = get_group_id(0) / ((long)G * tiles);
    const int g = get_group_id(0) / tiles % G, c0 = get_group_id(0) % tiles * TILE * LANES;
    const int n = row / H, h = row % H, c1 = min(cg, c0 + TILE * LANES);
    const long taps = (long)R * S * cg;
    for (int column = 0; column < W; column++) {
        global float *to = dx + (row * W + column) * C + g * cg;
        for (int c = c0; c < c1; c += LANES) {
            vec sum = (vec)0.0f;
            float rest[LANES];
            const int count = min(LANES, c1 - c);
            STORE(sum, rest);
            for (int r = 0; r < R; r++) {
                const int ps = h + pad_top - r * dilation_h, p = ps / stride_h;
                if (ps < 0 || ps % stride_h || p >= P)
                    continue;
                for (int s = 0; s < S; s++) {
                    const int qs = column + pad_left - s * dilation_w, q = qs / stride_w;
                    if (qs < 0 || qs % stride_w || q >= Q)
                        continue;
                    global const float *from = dy + (((long)n * P + p) * Q + q) * K + g * kg;
                    global const float *factor =
                        w + (long)g * kg * taps + ((long)r * S + s) * cg + c;
                    if (count == LANES) {
                        for (int k = 0; k < kg; k++)
                            sum = fma((vec)from[k], LOAD(factor + k * taps), sum);
                    } else {
                        for (int k = 0; k < kg; k++)
                            for (int i = 0; i < count; i++)
                                rest[i] = fma(from[k], factor[k * taps + i], rest[i]);
                    }
                }
            }
            if (count == LANES)
                STORE(sum, to + c);
            else
                for (int i = 0; i < count; i++)
                    to[c + i] = rest[i];
        }
    }
}

/* First and last + 1 of the outputs p with 0 <= p stride + offset < size. */
static inline int2 inside(int outputs, int stride, int offset, int size)
{
    const int first = offset < 0 ? (-offset + stride - 1) / stride : 0;
    const int end = size > offset ? (size - offset + stride - 1) / stride : 0;
    return (int2)(first, min(outputs, end));
}

KERNEL conv2d_direct_backward_filter(INPUT(float, x), INPUT(float, dy), OUTPUT(float, dw),
                                     OUTPUT(float, db), SHAPE)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, dw);
    AT(float, db);
    const int cg = C / G, kg = K / G, tiles = (kg + TILE - 1) / TILE, pairs = R * S;
    const int pair = get_group_id(0) / ((long)G * tiles);
    const int g = get_group_id(0) / tiles % G, k0 = get_group_id(0) % tiles * TILE;
    const int count = min(TILE, kg - k0);
    const long taps = (long)pairs * cg;
    int k[TILE];
    for (int j = 0; j < TILE; j++)
        k[j] = g * kg + min(k0 + j, kg - 1);
    if (pair == pairs) {
        for (int j = 0; j < count; j++) {
            float sum = 0.0f;
            for (long pixel = 0; pixel < (long)N * P * Q; pixel++)
                sum += dy[pixel * K + k[j]];
            db[k[j]] = sum;
        }
        return;
    }
    const int top = pair / S * dilation_h - pad_top, left = pair % S * dilation_w - pad_left;
    const int2 ps = inside(P, stride_h, top, H), qs = inside(Q, stride_w, left, W);
    for (int c = 0; c < cg; c += LANES) {
        vec sums[TILE];
        float rest[TILE * LANES];
        const int lanes = min(LANES, cg - c);
        for (int j = 0; j < TILE; j++) {
            sums[j] = (vec)0.0f;
            STORE(sums[j], rest + j * LANES);
        }
        for (int n = 0; n < N; n++) {
            for (int p = ps.x; p < ps.y; p++) {
                global const float *from =
                    x + (((long)n * H + p * stride_h + top) * W + left) * C + g * cg + c;
                global const float *gradient = dy + ((long)n * P + p) * Q * K;
                for (long q = qs.x; q < qs.y; q++) {
                    if (lanes == LANES) {
                        const vec value = LOAD(from + q * stride_w * C);
#pragma unroll
                        for (int j = 0; j < TILE; j++)
                            sums[j] = fma((vec)gradient[q * K + k[j]], value, sums[j]);
                    } else {
                        for (int j = 0; j < count; j++)
                            for (int i = 0; i < lanes; i++)
                                rest[j * LANES + i] =
                                    fma(gradient[q * K + k[j]], from[q * stride_w * C + i],
                                        rest[j * LANES + i]);
                    }
                }
            }
        }
        for (int j = 0; j < count; j++) {
            if (lanes == LANES)
                STORE(sums[j], rest + j * LANES);
            for (int i = 0; i < lanes; i++)
                dw[k[j] * taps + (long)pair * cg + c + i] = rest[j * LANES + i];
        }
    }
}

/* ---- depthwise: C = K = G, w[K][R][S]
 * ---------------------------------------------------------- */

/* Lanes k0 .. of tap (r, s): a column of w. */
static inline vec column_of(global const float *w, int k0, int count, int pairs, int pair)
{
    float lane[LANES];
    for (int i = 0; i < LANES; i++)
        lane[i] = i < count ? w[(long)(k0 + i) * pairs + pair] : 0.0f;
    return LOAD(lane);
}

DEFINE_ACTIVATE(vec)

/* One work-item per output row (n, p) and W channels. */
KERNEL conv2d_direct_depthwise_forward(INPUT(float, x), INPUT(float, w), INPUT(float, bias),
                                       OUTPUT(float, y), SHAPE, int use_bias, int accumulate,
                                       int activation, float alpha)
{
    AT(const float, x);
    AT(const float, w);
    AT(const float, bias);
    AT(float, y);
    const int blocks = (K + LANES - 1) / LANES, k0 = get_group_id(0) % blocks * LANES;
    const long row = get_group_id(0) / blocks;
    const int n = row / P, p = row % P, count = min(LANES, K - k0);
    global float *to = y + row * Q * K + k0;
    for (long q = 0; q < Q && !accumulate; q++)
        store_some((vec)0.0f, to + q * K, count);
    for (int pair = 0; pair < R * S; pair++) {
        const int h = p * stride_h - pad_top + pair / S * dilation_h;
        const int left = pair % S * dilation_w - pad_left;
        const int2 qs = inside(Q, stride_w, left, W);
        if (h < 0 || h >= H)
            continue;
        const vec factor = column_of(w, k0, count, R * S, pair);
        global const float *from = x + (((long)n * H + h) * W + left) * C + k0;
        for (long q = qs.x; q < qs.y; q++)
            store_some(fma(load_some(from + q * stride_w * C, count), factor,
                           load_some(to + q * K, count)),
                       to + q * K, count);
    }
    const vec shift = use_bias ? load_some(bias + k0, count) : (vec)0.0f;
    for (long q = 0; q < Q; q++)
        store_some(activate_vec(load_some(to + q * K, count) + shift, activation, alpha),
                   to + q * K, count);
}

/* One work-item per image row (n, h) and W channels. */
KERNEL conv2d_direct_depthwise_backward_data(INPUT(float, dy), INPUT(float, w), OUTPUT(float, dx),
                                             SHAPE)
{
    AT(const float, dy);
    AT(const float, w);
    AT(float, dx);
    const int blocks = (C + LANES - 1) / LANES, c0 = get_group_id(0) % blocks * LANES;
    const long row = get_group_id(0) / blocks;
    const int n = row / H, h = row % H, count = min(LANES, C - c0);
    global float *to = dx + row * W * C + c0;
    for (long column = 0; column < W; column++)
        store_some((vec)0.0f, to + column * C, count);
    for (int pair = 0; pair < R * S; pair++) {
        const int ps = h + pad_top - pair / S * dilation_h, p = ps / stride_h;
        const int left = pair % S * dilation_w - pad_left;
        const int2 qs = inside(Q, stride_w, left, W);
        if (ps < 0 || ps % stride_h || p >= P)
            continue;
        const vec factor = column_of(w, c0, count, R * S, pair);
        global const float *from = dy + ((long)n * P + p) * Q * K + c0;
        for (long q = qs.x; q < qs.y; q++) {
            global float *at = to + (q * stride_w + left) * C;
            store_some(fma(load_some(from + q * K, count), factor, load_some(at, count)), at,
                       count);
        }
    }
}

/* One work-item per (r, s) and W channels; the pair after the last is the bias gradient. */
KERNEL conv2d_direct_depthwise_backward_filter(INPUT(float, x), INPUT(float, dy), OUTPUT(float, dw),
                                               OUTPUT(float, db), SHAPE)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, dw);
    AT(float, db);
    const int blocks = (K + LANES - 1) / LANES, k0 = get_group_id(0) % blocks * LANES;
    const int pair = get_group_id(0) / blocks, count = min(LANES, K - k0);
    vec sum = (vec)0.0f;
    if (pair == R * S) {
        for (long pixel = 0; pixel < (long)N * P * Q; pixel++)
            sum += load_some(dy + pixel * K + k0, count);
        store_some(sum, db + k0, count);
        return;
    }
    const int top = pair / S * dilation_h - pad_top, left = pair % S * dilation_w - pad_left;
    const int2 ps = inside(P, stride_h, top, H), qs = inside(Q, stride_w, left, W);
    for (int n = 0; n < N; n++) {
        for (int p = ps.x; p < ps.y; p++) {
            global const float *from = x + (((long)n * H + p * stride_h + top) * W + left) * C + k0;
            global const float *gradient = dy + ((long)n * P + p) * Q * K + k0;
            for (long q = qs.x; q < qs.y; q++)
                sum = fma(load_some(gradient + q * K, count),
                          load_some(from + q * stride_w * C, count), sum);
        }
    }
    float lane[LANES];
    STORE(sum, lane);
    for (int i = 0; i < count; i++)
        dw[(long)(k0 + i) * R * S + pair] = lane[i];
}
