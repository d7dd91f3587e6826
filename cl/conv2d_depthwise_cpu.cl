/* Depthwise convolution, one channel per group (G = C), with K = M C filters (CPU class: one
 * work-item with long vectors; the W lanes of a vector are W neighbouring channels).
 *
 *   y[n][p][q][c M + m] = f(bias[c M + m] + sum r, s: x[n][h(p, r)][w(q, s)][c] w[c M + m][r][s])
 *   dx[n][h][w][c] = sum m: sum r, s with p(h, r), q(w, s) whole:
 *                    dy[n][p][q][c M + m] w[c M + m][r][s]
 *   dw[c M + m][r][s] = sum n, p, q: dy[n][p][q][c M + m] x[n][h(p, r)][w(q, s)][c]
 *
 * The result is cut into blocks of block_h x block_w pixels (dw: those of dy). What the taps of a
 * block meet is copied to local memory, one vector of channels of a pixel behind the other, with
 * zeros around the image: there nothing is at an edge, and pixels that are far apart in x no longer
 * fall into the same set of the cache.
 *
 * conv2d_depthwise_forward: group (i, j) computes blocks j each .. of channels i W ..:
 *   for m, block, row, q in steps of TILE: TILE sums in registers:
 *     for r, s: sum[u] += x[row, q + u, r, s] w[m][r][s]
 * conv2d_depthwise_backward_data: the same from dy to dx. Pixels that agree modulo the strides meet
 * the same taps, and neighbours among them neighbouring outputs. With M > 1 the lanes are filters,
 * and M neighbours are added in the end.
 * conv2d_depthwise_backward_filter: group (i, z) sums blocks z each .. of channels i W .., TAPS
 * taps at a time in registers. Several ranges z leave partial[z][R S + 1][m][C, rounded up to W]
 * (the last tap is the bias), which conv2d_depthwise_reduce adds in order; group (i).
 *
 * Lanes behind the last channel are zeros, and not stored.
 *
 * Local memory: the taps of a vector, 4 W (R S + 1) bytes, and of what a block meets `pitch` pixels
 * a row. Both sizes are arguments. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "epilogue.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "conv2d_depthwise_cpu.cl is for the CPU class"
#endif
enum { LANES = W };
#undef W

#define KERNEL         __attribute__((reqd_work_group_size(1, 1, 1))) kernel void
#define EACH(i, count) _Pragma("unroll") for (int i = 0; i < (count); i++)

/* TILE sums, or TAPS, hide the latency of a multiplication, and fit 16 registers. The sides of
 * images are so often multiples of 7. */
#define TILE 7
#define TAPS 9

DEFINE_ACTIVATE(vec)

/* ---- vectors of channels --------------------------------------------------------------------- */

/* Elements `step` apart; the lanes from `count` on are zeros. */
static inline vec load_lanes(global const float *from, int count, int step)
{
    float lane[LANES];
    if (count >= LANES && step == 1)
        return LOAD(from);
    for (int i = 0; i < LANES; i++)
        lane[i] = i < count ? from[(long)i * step] : 0.0f;
    return LOAD(lane);
}

/* The same of a tensor. */
static inline vec load_stored_lanes(global const stored *from, int count, int step)
{
    float lane[LANES];
    if (count >= LANES && step == 1)
        return LOAD_STORED(from);
    for (int i = 0; i < LANES; i++)
        lane[i] = i < count ? GET_STORED(from, (long)i * step) : 0.0f;
    return LOAD(lane);
}

static inline void store_lanes(vec v, global stored *to, int count, int step)
{
    float lane[LANES];
    if (count >= LANES && step == 1) {
        STORE_STORED(v, to);
        return;
    }
    STORE(v, lane);
    for (int i = 0; i < min(count, (int)LANES); i++)
        PUT_STORED(lane[i], to, (long)i * step);
}

/* taps[R S][LANES] = the filters first, first + step, ..., of w[K][R S]. */
static inline void load_filter(local float *taps, global const stored *w, int first, int step,
                               int count, int pairs)
{
    for (int i = 0; i < LANES; i++) {
        global const stored *from = w + ((long)first + (long)i * step) * pairs;
#pragma clang loop vectorize(disable) unroll_count(4)
        for (int t = 0; t < pairs; t++)
            taps[t * LANES + i] = i < count ? GET_STORED(from, t) : 0.0f;
    }
}

/* dw[first + i step][t] and db[first + i step] = sums[t][i]; the bias is behind the taps. */
static inline void store_filter(local const float *sums, global float *dw, global float *db,
                                int first, int step, int count, int pairs, int with_bias)
{
    for (int i = 0; i < count; i++) {
        const long k = (long)first + (long)i * step;
        for (int t = 0; t < pairs; t++)
            dw[k * pairs + t] = sums[t * LANES + i];
        if (with_bias)
            db[k] = sums[pairs * LANES + i];
    }
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Block b of the images of H x W pixels: height x width from pixel (h, w) of image n on. */
struct block {
    int n, h, w, height, width;
};

static inline struct block block_at(long b, int H, int W, int block_h, int block_w)
{
    const int down = (H + block_h - 1) / block_h, across = (W + block_w - 1) / block_w;
    const int h = (int)(b / across % down) * block_h, w = (int)(b % across) * block_w;
    struct block block = {(int)(b / across / down), h, w, min(block_h, H - h), min(block_w, W - w)};
    return block;
}

/* The end of this work-item's blocks, the first of which is get_group_id(1) each. */
static inline long end_of_blocks(int N, int H, int W, int block_h, int block_w, int each)
{
    const int down = (H + block_h - 1) / block_h, across = (W + block_w - 1) / block_w;
    return min((long)N * down * across, ((long)get_group_id(1) + 1) * each);
}

/* image[H][W][C], its lanes 0 .. count - 1, from pixel (h, w) on, `pitch` pixels a row. */
struct view {
    global const stored *image;
    int h, w, pitch, H, W, C, count;
};

/* Rows `row` .. end - 1 of to[][pitch][LANES] = those of the view, zeros outside the image. */
static inline void copy_rows(local float *to, struct view view, int row, int end)
{
    const int pitch = view.pitch, C = view.C;
    const int first = clamp(-view.w, 0, pitch), last = clamp(view.W - view.w, first, pitch);
    for (to += row * pitch * LANES; row < end; row++) {
        const bool inside = view.h + row >= 0 && view.h + row < view.H;
        const int a = inside ? first : pitch, b = inside ? last : pitch;
        global const stored *from = view.image + ((long)(view.h + row) * view.W + view.w + a) * C;
        for (int i = 0; i < a; i++, to += LANES)
            STORE((vec)0.0f, to);
        if (view.count >= LANES) {
#pragma unroll 4
            for (int i = a; i < b; i++, to += LANES, from += C)
                STORE(LOAD_STORED(from), to);
        } else {
            for (int i = a; i < b; i++, to += LANES, from += C)
                STORE(load_stored_lanes(from, view.count, 1), to);
        }
        for (int i = b; i < pitch; i++, to += LANES)
            STORE((vec)0.0f, to);
    }
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* A tile: sum u is that of tap (r, s) times in[u `between` + r row_step + s column_step], all in
 * floats; column_step > 0. */
struct tile {
    local const float *in, *taps;
    int rows, columns, between, row_step, column_step, taps_row, taps_column;
};

/* What becomes of the sums. */
struct target {
    long pixel;      /* floats between two sums */
    int count, step; /* lanes to store, floats between two */
    vec shift, floor;
    int simple; /* max(sum + shift, floor) of whole vectors */
    int accumulate, activation;
    float alpha;
    int fold, first; /* > 1: lane i is added to element (first + i) / fold */
};

static inline void finish_slowly(vec sum, global stored *to, const struct target *target)
{
    if (target->fold > 1) {
        float lane[LANES];
        STORE(sum, lane);
        for (int i = 0; i < target->count; i++) {
            const int at = (target->first + i) / target->fold;
            const bool more = (target->first + i) % target->fold;
            PUT_STORED(more ? GET_STORED(to, at) + lane[i] : lane[i], to, at);
        }
        return;
    }
    sum += target->shift;
    if (target->accumulate)
        sum += load_stored_lanes(to, target->count, target->step);
    store_lanes(activate_vec(sum, target->activation, target->alpha), to, target->count,
                target->step);
}

#define SUM_TILE(sum)                                                                              \
    do {                                                                                           \
        for (int r = 0; r < tile.rows; r++) {                                                      \
            local const float *in = tile.in + r * tile.row_step;                                   \
            local const float *tap = tile.taps + r * tile.taps_row;                                \
            for (int s = 0; s < tile.columns;                                                      \
                 s++, in += tile.column_step, tap += tile.taps_column) {                           \
                const vec factor = LOAD(tap);                                                      \
                EACH(u, TILE) sum[u] = fma(LOAD(in + u * tile.between), factor, sum[u]);           \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* The same for three columns of neighbouring taps, and outputs `by` pixels apart: each input is
 * loaded once. */
#define SUM_TILE_3(sum, by)                                                                        \
    do {                                                                                           \
        for (int r = 0; r < tile.rows; r++) {                                                      \
            local const float *in = tile.in + r * tile.row_step;                                   \
            local const float *tap = tile.taps + r * tile.taps_row;                                \
            const vec f0 = LOAD(tap), f1 = LOAD(tap + tile.taps_column),                           \
                      f2 = LOAD(tap + 2 * tile.taps_column);                                       \
            vec v[(TILE - 1) * by + 3];                                                            \
            EACH(u, (TILE - 1) * by + 3) v[u] = LOAD(in + u * LANES);                              \
            EACH(u, TILE) sum[u] = fma(v[u * by], f0, sum[u]);                                     \
            EACH(u, TILE) sum[u] = fma(v[u * by + 1], f1, sum[u]);                                 \
            EACH(u, TILE) sum[u] = fma(v[u * by + 2], f2, sum[u]);                                 \
        }                                                                                          \
    } while (0)

/* The first `count` of the tile's sums. The calls of the general case are kept apart: around them
 * all vectors go through memory. */
static inline void compute_tile(struct tile tile, global stored *to, int count,
                                const struct target *target)
{
    vec sum[TILE];
    EACH(u, TILE) sum[u] = (vec)0.0f;
    const bool three = tile.columns == 3 && tile.column_step == LANES;
    if (three && tile.between == LANES)
        SUM_TILE_3(sum, 1);
    else if (three && tile.between == 2 * LANES)
        SUM_TILE_3(sum, 2);
    else
        SUM_TILE(sum);
    if (target->simple) {
        const vec shift = target->shift, floor = target->floor;
        EACH(u, TILE)
        {
            const vec value = sum[u] + shift;
            sum[u] = value < floor ? floor : value;
        }
        if (count >= TILE) {
            EACH(u, TILE) STORE_STORED(sum[u], to + u * target->pixel);
            return;
        }
        EACH(u, TILE)
        {
            if (u < count)
                STORE_STORED(sum[u], to + u * target->pixel);
        }
        return;
    }
    float sums[TILE * LANES];
    EACH(u, TILE) STORE(sum[u], sums + u * LANES);
    for (int u = 0; u < min(count, TILE); u++)
        finish_slowly(LOAD(sums + u * LANES), to + u * target->pixel, target);
}

/* ---- kernels --------------------------------------------------------------------------------- */

KERNEL conv2d_depthwise_forward(INPUT(stored, x), INPUT(stored, w), INPUT(float, bias),
                                OUTPUT(stored, y), SHAPE, int block_h, int block_w, int pitch,
                                int each, int use_bias, int accumulate, int activation, float alpha,
                                local float *taps, local float *image)
{
    AT(const stored, x);
    AT(const stored, w);
    AT(const float, bias);
    AT(stored, y);
    const int M = K / C, c0 = get_group_id(0) * LANES, count = min((int)LANES, C - c0);
    const long end = end_of_blocks(N, P, Q, block_h, block_w, each);
    const int relu = activation == ACTIVATION_RELU;
    struct target target = {K,
                            count,
                            M,
                            (vec)0.0f,
                            (vec)(relu ? 0.0f : -INFINITY),
                            count == LANES && M == 1 && !accumulate &&
                                activation <= ACTIVATION_RELU,
                            accumulate,
                            activation,
                            alpha,
                            1,
                            0};
    struct tile tile = {
        image,     taps, R, S, stride_w * LANES, dilation_h * pitch * LANES, dilation_w * LANES,
        S * LANES, LANES};
    for (int m = 0; m < M; m++) {
        load_filter(taps, w, c0 * M + m, M, count, R * S);
        if (use_bias)
            target.shift = load_lanes(bias + c0 * M + m, count, M);
        for (long b = (long)get_group_id(1) * each; b < end; b++) {
            const struct block at = block_at(b, P, Q, block_h, block_w);
            const struct view view = {x + (long)at.n * H * W * C + c0,
                                      at.h * stride_h - pad_top,
                                      at.w * stride_w - pad_left,
                                      pitch,
                                      H,
                                      W,
                                      C,
                                      count};
            for (int p = 0, copied = 0; p < at.height; p++) {
                const int needed = p * stride_h + (R - 1) * dilation_h + 1;
                copy_rows(image, view, copied, needed);
                copied = max(copied, needed);
                global stored *to = y + (((long)at.n * P + at.h + p) * Q + at.w) * K + c0 * M + m;
                for (int q = 0; q < at.width; q += TILE) {
                    tile.in = image + (p * stride_h * pitch + q * stride_w) * LANES;
                    compute_tile(tile, to + (long)q * K, at.width - q, &target);
                }
            }
        }
    }
}

#if !STORAGE_HALF /* gradients are float32 */
/* The outputs that meet pixel a along one axis: output last - j step, through tap first + j stride,
 * j < taps. */
struct meeting {
    int last, step, first, taps;
};

static inline struct meeting meeting_of(int a, int taps, int stride, int dilation, int pad)
{
    const int first = stride == 1 ? 0 : (a + pad) % stride;
    struct meeting meeting = {a + pad, dilation, 0, taps};
    if (stride > 1) {
        meeting.last = (a + pad) / stride;
        meeting.step = 1;
        meeting.first = first;
        meeting.taps = first < taps ? (taps - first + stride - 1) / stride : 0;
    }
    return meeting;
}

static inline int floor_divide(int a, int b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

KERNEL conv2d_depthwise_backward_data(INPUT(float, dy), INPUT(float, w), OUTPUT(float, dx), SHAPE,
                                      int block_h, int block_w, int pitch, int each,
                                      local float *taps, local float *image)
{
    AT(const float, dy);
    AT(const float, w);
    AT(float, dx);
    const int M = K / C, c0 = get_group_id(0) * LANES, c1 = min(C, c0 + LANES);
    const long end = end_of_blocks(N, H, W, block_h, block_w, each);
    for (int k0 = c0 * M; k0 < c1 * M; k0 += LANES) {
        const int count = min((int)LANES, c1 * M - k0);
        const struct target target = {
            (long)stride_w * C, count, 1, (vec)0.0f, (vec)-INFINITY, count == LANES && M == 1, 0,
            ACTIVATION_LINEAR,  0.0f,  M, k0};
        load_filter(taps, w, k0, 1, count, R * S);
        for (long b = (long)get_group_id(1) * each; b < end; b++) {
            const struct block at = block_at(b, H, W, block_h, block_w);
            const int p0 = floor_divide(at.h + pad_top - (R - 1) * dilation_h, stride_h);
            const int q0 = floor_divide(at.w + pad_left - (S - 1) * dilation_w, stride_w);
            const struct view view = {
                dy + (long)at.n * P * Q * K + k0, p0, q0, pitch, P, Q, K, count};
            for (int h = at.h, copied = 0; h < at.h + at.height; h++) {
                const struct meeting down = meeting_of(h, R, stride_h, dilation_h, pad_top);
                const int needed = down.last - p0 + 1;
                copy_rows(image, view, copied, needed);
                copied = max(copied, needed);
                global float *row = dx + (((long)at.n * H + h) * W + at.w) * C + (M > 1 ? 0 : c0);
                for (int a = 0; a < min(stride_w, at.width); a++) {
                    const struct meeting across =
                        meeting_of(at.w + a, S, stride_w, dilation_w, pad_left);
                    const int pixels = (at.width - a + stride_w - 1) / stride_w;
                    const int back = max(across.taps - 1, 0);
                    struct tile tile = {image,
                                        taps + (down.first * S + across.first + back * stride_w) *
                                                   LANES,
                                        down.taps,
                                        across.taps,
                                        LANES,
                                        -down.step * pitch * LANES,
                                        across.step * LANES,
                                        stride_h * S * LANES,
                                        -stride_w * LANES};
                    for (int i = 0; i < pixels; i += TILE) {
                        tile.in = image + ((down.last - p0) * pitch + across.last - q0 + i -
                                           back * across.step) *
                                              LANES;
                        compute_tile(tile, row + (long)(a + i * stride_w) * C, pixels - i, &target);
                    }
                }
            }
        }
    }
}

/* sums[t] += dy x over a block, for TAPS taps from t0 on; the bias with the first ones. */
static inline void sum_block(local float *sums, local float *image, struct view view,
                             global const float *dy, struct block at, int K, int M, int count,
                             int R, int S, int Q, int stride_h, int stride_w, int dilation_h,
                             int dilation_w, int t0)
{
    const int step_h = stride_h * view.pitch * LANES, step_w = stride_w * LANES;
    const int row_step = dilation_h * view.pitch * LANES, column_step = dilation_w * LANES;
    const int taps = R * S;
    int offset[TAPS];
    vec sum[TAPS], total = (vec)0.0f;
    EACH(i, TAPS)
    {
        const int t = min(t0 + i, taps - 1);
        offset[i] = t / S * row_step + t % S * column_step;
        sum[i] = (vec)0.0f;
    }
    for (int p = 0, copied = 0; p < at.height; p++) {
        const int needed = p * stride_h + (R - 1) * dilation_h + 1;
        if (t0 == 0)
            copy_rows(image, view, copied, needed);
        copied = max(copied, needed);
        global const float *from = dy + (long)p * Q * K;
        local const float *in = image + p * step_h;
        for (int q = 0; q < at.width; q++, from += K, in += step_w) {
            const vec factor = count == LANES && M == 1 ? LOAD(from) : load_lanes(from, count, M);
            EACH(i, TAPS) sum[i] = fma(factor, LOAD(in + offset[i]), sum[i]);
            total += factor;
        }
    }
    EACH(i, TAPS)
    {
        if (t0 + i < taps)
            STORE(LOAD(sums + (t0 + i) * LANES) + sum[i], sums + (t0 + i) * LANES);
    }
    if (t0 == 0)
        STORE(LOAD(sums + taps * LANES) + total, sums + taps * LANES);
}

KERNEL conv2d_depthwise_backward_filter(INPUT(float, x), INPUT(float, dy), OUTPUT(float, dw),
                                        OUTPUT(float, db), OUTPUT(float, partial), SHAPE,
                                        int block_h, int block_w, int pitch, int each,
                                        int with_bias, local float *sums, local float *image)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, dw);
    AT(float, db);
    AT(float, partial);
    const int M = K / C, c0 = get_group_id(0) * LANES, count = min((int)LANES, C - c0);
    const int pairs = R * S, padded = get_num_groups(0) * LANES;
    const long end = end_of_blocks(N, P, Q, block_h, block_w, each);
    for (int m = 0; m < M; m++) {
        for (int t = 0; t <= pairs; t++)
            STORE((vec)0.0f, sums + t * LANES);
        for (long b = (long)get_group_id(1) * each; b < end; b++) {
            const struct block at = block_at(b, P, Q, block_h, block_w);
            const struct view view = {x + (long)at.n * H * W * C + c0,
                                      at.h * stride_h - pad_top,
                                      at.w * stride_w - pad_left,
                                      pitch,
                                      H,
                                      W,
                                      C,
                                      count};
            for (int t0 = 0; t0 < pairs; t0 += TAPS)
                sum_block(sums, image, view,
                          dy + (((long)at.n * P + at.h) * Q + at.w) * K + c0 * M + m, at, K, M,
                          count, R, S, Q, stride_h, stride_w, dilation_h, dilation_w, t0);
        }
        if (get_num_groups(1) == 1) {
            store_filter(sums, dw, db, c0 * M + m, M, count, pairs, with_bias);
            continue;
        }
        global float *to = partial + ((long)get_group_id(1) * (pairs + 1) * M + m) * padded + c0;
        for (int t = 0; t <= pairs; t++)
            STORE(LOAD(sums + t * LANES), to + (long)t * M * padded);
    }
}

KERNEL conv2d_depthwise_reduce(INPUT(float, partial), OUTPUT(float, dw), OUTPUT(float, db), int C,
                               int M, int pairs, int ranges, int with_bias, local float *sums)
{
    AT(const float, partial);
    AT(float, dw);
    AT(float, db);
    const int c0 = get_group_id(0) * LANES, padded = get_num_groups(0) * LANES;
    const long range = (long)(pairs + 1) * M * padded;
    for (int m = 0; m < M; m++) {
        for (int t = 0; t <= pairs; t++) {
            global const float *from = partial + ((long)t * M + m) * padded + c0;
            vec sum = LOAD(from);
            for (int z = 1; z < ranges; z++)
                sum += LOAD(from + z * range);
            STORE(sum, sums + t * LANES);
        }
        store_filter(sums, dw, db, c0 * M + m, M, min((int)LANES, C - c0), pairs, with_bias);
    }
}
#endif
