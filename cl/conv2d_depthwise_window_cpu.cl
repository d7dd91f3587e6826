/* Depthwise convolution with one filter per channel (G = C = K) and a window, strides and no
 * dilation that the build knows (CPU class: one work-item with long vectors; the W lanes of a
 * vector are W neighbouring channels).
 *
 *   y[n][p][q][c] = f(bias[c] + sum r, s: x[n][p sh + r - pad_top][q sw + s - pad_left][c]
 *                                         w[c][r][s])
 *
 * A strip is TILE outputs wide. Going down a strip, each row of x is loaded once, straight from
 * memory, and added to all DEPTH rows of sums that it meets:
 *
 *   for p, f < STRIDE_H: h = the next row of x
 *     for j < COLUMNS: v = x[h][w0 + j]
 *       for d, u, s with w0 + j under tap s of output u: sum[d][u] += v w[R - sh + f - d sh][s]
 *     y[p] = f(sum[0]); the other rows of sums move up
 *
 * Sums and taps fill 32 registers. The last strip is moved to the left until it is whole, and the
 * last vector of channels too; what both they and their neighbours compute is stored once. So only
 * the first and the last columns of a strip can lie in the padding: these are read from inside the
 * image and masked.
 *
 * conv2d_depthwise_window: the groups share the tasks (cl/lanes.cl); a task is several pieces of a
 * strip, `band` rows of a vector of channels, the vectors first, so that pixels are read whole.
 * Turned by 180 degrees, it is the gradient to the data where the strides are 1.
 *
 * conv2d_depthwise_window_filter: dw[c][r][s] = sum n, p, q: dy[n][p][q][c] x[...][c], db[c] = sum
 * dy: the same walk with sums and factors exchanged. The rows of dy move up, the sums stay:
 *
 *   for p, f, j: v = x[h][w0 + j]
 *     for d, u, s: sum[R - sh + f - d sh][s] += v dy[p + d][q + u]
 *
 * Local memory: none.
 * Requires: C >= W, P and Q >= 1, Q >= TILE, padding below the window's size on every side. */
#include "common.cl"
#include "epilogue.cl"
#include "lanes.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "conv2d_depthwise_window_cpu.cl is for the CPU class"
#endif

#ifndef WINDOW_H
#define WINDOW_H 3
#endif
#ifndef WINDOW_W
#define WINDOW_W 3
#endif
#ifndef STRIDE_H
#define STRIDE_H 1
#endif
#ifndef STRIDE_W
#define STRIDE_W 1
#endif
#ifndef TILE
#define TILE 7
#endif
#if WINDOW_H < STRIDE_H || WINDOW_W < STRIDE_W || STRIDE_H < 1 || STRIDE_W < 1 || TILE < 1
#error "windows must touch, and tiles be positive"
#endif
/* Output rows that an input row meets, and columns that a strip meets. */
#define DEPTH   ((WINDOW_H + STRIDE_H - 1) / STRIDE_H)
#define COLUMNS ((TILE - 1) * STRIDE_W + WINDOW_W)
#define TAPS    (WINDOW_H * WINDOW_W)

#if W == 16
#define AND(v, mask) as_float16(as_int16(v) & (mask))
#define RAMP         ((uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#elif W == 8
#define AND(v, mask) as_float8(as_int8(v) & (mask))
#define RAMP         ((uint8)(0, 1, 2, 3, 4, 5, 6, 7))
#else
#define AND(v, mask) as_float4(as_int4(v) & (mask))
#define RAMP         ((uint4)(0, 1, 2, 3))
#endif
enum { LANES = W };
#undef W

#define KERNEL         __attribute__((reqd_work_group_size(1, 1, 1))) kernel void
#define EACH(i, count) _Pragma("unroll") for (int i = 0; i < (count); i++)

DEFINE_ACTIVATE(vec)

/* The convolution, in the letters of <clcnn/conv2d.h>. `flip`: turns the window by 180 degrees. */
struct window {
    int H, W, C, P, Q, pad_top, pad_left, band, flip, use_bias, accumulate, activation;
    float alpha;
};

/* ---- taps ------------------------------------------------------------------------------------ */

static inline void transpose(vec *row)
{
    vec to[LANES];
#pragma unroll
    for (int step = 1; step < LANES; step *= 2) {
        EACH(i, LANES / 2)
        {
            to[2 * i] = ZIP_LOW(row[i], row[i + LANES / 2]);
            to[2 * i + 1] = ZIP_HIGH(row[i], row[i + LANES / 2]);
        }
        EACH(i, LANES) row[i] = to[i];
    }
}

/* tap[r WINDOW_W + s] of the channels that w[LANES][TAPS] belongs to. Reads nothing behind them;
 * vectors alone, because a vector that is loaded from where parts of it were stored waits for all
 * stores before. */
static inline void load_taps(vec *tap, global const stored *w, int flip)
{
    EACH(b, (TAPS + LANES - 1) / LANES)
    {
        const int first = max(0, min(b * LANES, TAPS - LANES));
        vec row[LANES];
        EACH(i, LANES)
        {
            const int at = i * TAPS + first, over = max(0, at + LANES - LANES * TAPS);
            row[i] = LOAD_STORED(w + at - over);
            if (over)
                row[i] = shuffle(row[i], RAMP + (uint)over);
        }
        transpose(row);
        EACH(i, min(TAPS, (int)LANES)) tap[first + i] = row[i];
    }
    if (flip) {
        EACH(t, TAPS / 2)
        {
            const vec other = tap[t];
            tap[t] = tap[TAPS - 1 - t];
            tap[TAPS - 1 - t] = other;
        }
    }
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Where column j of a strip is, from its first column on, and -1, or 0 in the padding. */
struct columns {
    int offset[COLUMNS], mask[COLUMNS];
};

#define AT_THE_EDGE(j) ((j) < WINDOW_W - 1 || (j) > COLUMNS - WINDOW_W)

static inline void find_columns(struct columns *columns, int w, int W, int C)
{
    EACH(j, COLUMNS)
    {
        const bool inside = w + j >= 0 && w + j < W;
        columns->offset[j] = (AT_THE_EDGE(j) ? clamp(w + j, 0, W - 1) - w : j) * C;
        columns->mask[j] = inside ? -1 : 0;
    }
}

static inline vec load_column(global const stored *row, const struct columns *columns, int j)
{
    const vec v = LOAD_STORED(row + columns->offset[j]);
    return AT_THE_EDGE(j) ? AND(v, columns->mask[j]) : v;
}

/* ---- forward --------------------------------------------------------------------------------- */

/* What becomes of the sums: those of outputs `skip` .. of the strip, and of lanes `lane` .. */
struct ending {
    vec shift, floor;
    int simple; /* max(sum, floor) of whole vectors */
    int skip, lane, accumulate, activation;
    float alpha;
};

static inline void finish_slowly(const float *sum, global stored *y, int C,
                                 const struct ending *ending)
{
    for (int u = ending->skip; u < TILE; u++) {
        float lane[LANES];
        vec value = LOAD(sum + u * LANES);
        global stored *to = y + (long)u * C;
        if (ending->accumulate)
            value += LOAD_STORED(to);
        STORE(activate_vec(value, ending->activation, ending->alpha), lane);
        for (int i = ending->lane; i < LANES; i++)
            PUT_STORED(lane[i], to, i);
    }
}

static inline void finish(const vec *sum, global stored *y, int C, const struct ending *ending)
{
    if (!ending->simple) {
        float sums[TILE * LANES];
        EACH(u, TILE) STORE(sum[u], sums + u * LANES);
        finish_slowly(sums, y, C, ending);
        return;
    }
    EACH(u, TILE)
    {
        if (u >= ending->skip)
            STORE_STORED(sum[u] < ending->floor ? ending->floor : sum[u], y + (long)u * C);
    }
}

/* Rows p0 .. p1 - 1 of y, the strip from column q on; x and y are those of the image and vector. */
static inline void compute_strip(global const stored *x, global stored *y, const vec *tap, int p0,
                                 int p1, int q, const struct window *is,
                                 const struct ending *ending)
{
    const int w = q * STRIDE_W - is->pad_left;
    struct columns columns;
    vec sum[DEPTH][TILE];
    find_columns(&columns, w, is->W, is->C);
    EACH(d, DEPTH) EACH(u, TILE) sum[d][u] = ending->shift;
    int h = (p0 - DEPTH) * STRIDE_H + WINDOW_H - is->pad_top;
    global const stored *row = x + ((long)h * is->W + w) * is->C;
    global stored *to = y + ((long)p0 * is->Q + q) * is->C;
    for (int p = p0 - DEPTH + 1; p < p1; p++) {
        EACH(f, STRIDE_H)
        {
            if (h >= 0 && h < is->H) {
                EACH(j, COLUMNS)
                {
                    const vec v = load_column(row, &columns, j);
                    EACH(d, DEPTH) EACH(u, TILE)
                    {
                        const int r = WINDOW_H + f - (d + 1) * STRIDE_H, s = j - u * STRIDE_W;
                        if (r >= 0 && s >= 0 && s < WINDOW_W)
                            sum[d][u] = fma(v, tap[r * WINDOW_W + s], sum[d][u]);
                    }
                }
            }
            h++;
            row += (long)is->W * is->C;
        }
        if (p >= p0) {
            finish(sum[0], to, is->C, ending);
            to += (long)is->Q * is->C;
        }
        EACH(d, DEPTH - 1) EACH(u, TILE) sum[d][u] = sum[d + 1][u];
        EACH(u, TILE) sum[DEPTH - 1][u] = ending->shift;
    }
}

KERNEL conv2d_depthwise_window(LANES_ARGUMENT, INPUT(stored, x), INPUT(stored, w),
                               INPUT(float, bias), OUTPUT(stored, y), struct window is, long units,
                               long tasks)
{
    AT(const stored, x);
    AT(const stored, w);
    AT(const float, bias);
    AT(stored, y);
    const int vectors = (is.C + LANES - 1) / LANES, strips = (is.Q + TILE - 1) / TILE;
    const int bands = (is.P + is.band - 1) / is.band;
    struct ending ending;
    ending.shift = (vec)0.0f;
    ending.floor = (vec)(is.activation == ACTIVATION_RELU ? 0.0f : -INFINITY);
    ending.accumulate = is.accumulate;
    ending.activation = is.activation;
    ending.alpha = is.alpha;
    struct lane lane = enter_lane(lanes, tasks);
    for (long task; next_task(&lane, &task);) {
        for (long unit = task * units / tasks; unit < (task + 1) * units / tasks; unit++) {
            const int v = (int)(unit % vectors), c = min(v * LANES, is.C - LANES);
            const int strip = (int)(unit / vectors % strips), q = min(strip * TILE, is.Q - TILE);
            const int p = (int)(unit / vectors / strips % bands) * is.band;
            const long n = unit / vectors / strips / bands;
            vec tap[TAPS];
            load_taps(tap, w + (long)c * TAPS, is.flip);
            if (is.use_bias)
                ending.shift = LOAD(bias + c);
            ending.lane = v * LANES - c;
            ending.skip = strip * TILE - q;
            ending.simple = !ending.lane && !is.accumulate && is.activation <= ACTIVATION_RELU;
            compute_strip(x + n * is.H * is.W * is.C + c, y + n * is.P * is.Q * is.C + c, tap, p,
                          min(is.P, p + is.band), q, &is, &ending);
        }
    }
    leave_lane(&lane);
}

/* ---- gradient to the filter ------------------------------------------------------------------ */

#if !STORAGE_HALF /* gradients are float32 */
/* sum[t] += those of taps, sum[TAPS] += that of the bias, over rows p0 .. p1 - 1 of dy and a strip
 * of it, but for its first `skip` columns. The rows of dy move up in registers. */
static inline void add_strip(vec *sum, global const float *x, global const float *dy, int p0,
                             int p1, int q, int skip, const struct window *is)
{
    const int w = q * STRIDE_W - is->pad_left;
    struct columns columns;
    vec factor[DEPTH][TILE];
    find_columns(&columns, w, is->W, is->C);
    EACH(d, DEPTH) EACH(u, TILE) factor[d][u] = (vec)0.0f;
    int h = (p0 - DEPTH) * STRIDE_H + WINDOW_H - is->pad_top;
    global const float *row = x + ((long)h * is->W + w) * is->C;
    global const float *from = dy + ((long)p0 * is->Q + q) * is->C;
    for (int p = p0; p < p1 + DEPTH - 1; p++) {
        EACH(u, TILE)
        {
            factor[DEPTH - 1][u] = (vec)0.0f;
            if (p < p1 && u >= skip)
                factor[DEPTH - 1][u] = LOAD(from + (long)u * is->C);
            sum[TAPS] += factor[DEPTH - 1][u];
        }
        EACH(f, STRIDE_H)
        {
            if (h >= 0 && h < is->H) {
                EACH(j, COLUMNS)
                {
                    const vec v = load_column(row, &columns, j);
                    EACH(d, DEPTH) EACH(u, TILE)
                    {
                        const int r = WINDOW_H + f - (d + 1) * STRIDE_H, s = j - u * STRIDE_W;
                        if (r >= 0 && s >= 0 && s < WINDOW_W)
                            sum[r * WINDOW_W + s] = fma(v, factor[d][u], sum[r * WINDOW_W + s]);
                    }
                }
            }
            h++;
            row += (long)is->W * is->C;
        }
        from += (long)is->Q * is->C;
        EACH(d, DEPTH - 1) EACH(u, TILE) factor[d][u] = factor[d + 1][u];
    }
}

/* dw and db of the channels from c on, lanes `first` .. of the sums. */
static inline void store_gradient(const float *sum, global float *dw, global float *db, int first,
                                  int with_bias)
{
    for (int i = first; i < LANES; i++) {
        for (int t = 0; t < TAPS; t++)
            dw[i * TAPS + t] = sum[t * LANES + i];
        if (with_bias)
            db[i] = sum[TAPS * LANES + i];
    }
}

/* Task (v, z): range z of the bands. One range leaves dw and db, more
 * partial[z][TAPS + 1][C rounded up to W], the last for db, which conv2d_depthwise_reduce
 * (conv2d_depthwise_cpu.cl) adds in order. */
KERNEL conv2d_depthwise_window_filter(LANES_ARGUMENT, INPUT(float, x), INPUT(float, dy),
                                      OUTPUT(float, dw), OUTPUT(float, db), OUTPUT(float, partial),
                                      struct window is, int N, int ranges, int with_bias)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, dw);
    AT(float, db);
    AT(float, partial);
    const int vectors = (is.C + LANES - 1) / LANES, bands = (is.P + is.band - 1) / is.band;
    struct lane lane = enter_lane(lanes, (long)vectors * ranges);
    for (long task; next_task(&lane, &task);) {
        const int v = (int)(task % vectors), c = min(v * LANES, is.C - LANES);
        const long z = task / vectors, pieces = (long)N * bands;
        vec sum[TAPS + 1];
        float sums[(TAPS + 1) * LANES];
        EACH(t, TAPS + 1) sum[t] = (vec)0.0f;
        for (long i = pieces * z / ranges; i < pieces * (z + 1) / ranges; i++) {
            const int p = (int)(i % bands) * is.band;
            for (int strip = 0; strip * TILE < is.Q; strip++) {
                const int q = min(strip * TILE, is.Q - TILE);
                add_strip(sum, x + i / bands * is.H * is.W * is.C + c,
                          dy + i / bands * is.P * is.Q * is.C + c, p, min(is.P, p + is.band), q,
                          strip * TILE - q, &is);
            }
        }
        EACH(t, TAPS + 1) STORE(sum[t], sums + t * LANES);
        if (ranges == 1) {
            store_gradient(sums, dw + (long)c * TAPS, db + c, v * LANES - c, with_bias);
            continue;
        }
        for (int t = 0; t <= TAPS; t++) {
            global float *to = partial + ((z * (TAPS + 1) + t) * vectors + v) * LANES;
            for (int i = 0, from = v * LANES - c; i < LANES; i++, from++)
                to[i] = from < LANES ? sums[t * LANES + from] : 0.0f;
        }
    }
    leave_lane(&lane);
}
#endif
