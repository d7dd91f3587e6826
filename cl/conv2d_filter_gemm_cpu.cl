/* The gradient to the filter as a matrix product whose patches are gathered block by block (CPU
 * class: one work-item with long vectors):
 *
 *   dw[k][t] = sum m: dy[m][k] patch[m][t]      m = (n, p, q), t = (r, s, c)
 *   db[k] = sum m: dy[m][k]
 *
 * Group (i, z, g) sums the outputs m of range z for the panels, of NR taps each, from i panels_each
 * on of group g:
 *
 *   for m0 in steps of rows_each <= ROWS:
 *     for every PANELS panels: gather patch[panel][ROWS][NR]
 *       for every TILES tiles of MR filters: copy dy to a[tile][ROWS][MP]
 *         for each tile, for each panel: MR x NR sums in registers, then added to dw
 *
 * Range 0 sums into dw and db, range z > 0 into partial[z - 1], K (R S C/G + 1) floats each, which
 * conv2d_filter_gemm_reduce adds to them in order. With `apart`, range 0 has a partial, too, and
 * their rows are `pitch` floats apart: whole panels, so that no sums are cut in every block.
 *
 * Local memory: 4 (ROWS (PANELS NR + TILES MP) + PANELS NR + 3 LANES) = 25 KiB with 16 lanes.
 *
 * Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014, section 3.3. */
#define FACTORS_IN local
#define GATHER_TO  local
#include "conv2d_shape.cl"
#include "outer_products.cl"
#include "conv2d_gather.cl"

/* What patches may take of local memory: the defaults fit the 32 KiB that every device has. */
#ifndef ROWS
#define ROWS 48
#endif
#ifndef PANELS
#define PANELS 3
#endif
#ifndef TILES
#define TILES 2
#endif

/* row[count] = the taps from `start` on of the patch that begins at `from` and lies inside the
 * image: whole vectors, each run's last one beyond its end. Reads LANES - 1 floats too many. */
static inline void gather_inside(local float *row, global const float *from, struct place start,
                                 int count, struct patches of)
{
    struct place place = start;
    const int length = of.run_taps * of.depth;
    for (int done = 0, part; done < count; done += part, place = next_run(place, of)) {
        part = min(length - place.at, count - done);
        const long offset = ((long)place.r * of.step_h * of.W + place.s * of.step_w) * of.C;
        for (int i = 0; i < part; i += LANES)
            STORE(LOAD(from + offset + place.at + i), row + done + i);
    }
}

/* patch[panel][u][NR] of one pixel's taps from `start` on, with `left` floats from `image` on.
 * `row` has room for `count` floats and two vectors. */
static inline void gather_any(local float *patch, local float *row, global const float *image,
                              long left, int h, int w, struct place start, int count,
                              struct patches of)
{
    const bool single = count <= NR; /* what follows it, the next pixel overwrites */
    local float *to = single ? patch : row;
    const bool inside =
        h >= 0 && h + (of.R - 1) * of.step_h < of.H && w >= 0 && w + (of.S - 1) * of.step_w < of.W;
    const long first = ((long)h * of.W + w) * of.C;
    const long last = first + ((long)(of.R - 1) * of.step_h * of.W + (of.S - 1) * of.step_w) * of.C;
    if (inside && last + of.depth + LANES <= left)
        gather_inside(to, image + first, start, count, of);
    else
        gather(to, image, h, w, start, count, of);
    for (int t = 0; t < count && !single; t += LANES)
        STORE(LOAD(row + t), patch + t / NR * (ROWS * NR) + t % NR);
}

/* a[tile][u][MP] = dy[u][tile MR ..] for `filters` filters, with `left` floats from dy on. */
static inline void copy_gradient(local float *a, global const float *dy, int K, int rows,
                                 int filters, long left)
{
    const int over = (filters + MR - 1) / MR * MR - MR + MP; /* what is read of a row */
    for (int u = 0; u < rows; u++, dy += K, a += MP, left -= K) {
        local float *to = a;
        for (int k = 0; k < filters; k += MR, to += ROWS * MP) {
            if (over <= left) {
#pragma unroll
                for (int j = 0; j < MP; j += LANES)
                    STORE(LOAD(dy + k + j), to + j);
            } else {
                for (int j = 0; j < MP; j++)
                    to[j] = k + j < filters ? dy[k + j] : 0.0f;
            }
        }
    }
}

/* db[k] = sum over u: dy[u][k], added to what it holds unless it is `fresh`. */
static inline void sum_gradient(global float *db, global const float *dy, int K, int rows,
                                int filters, int fresh)
{
    for (int k = 0; k < filters; k += LANES) {
        vec sum = fresh ? (vec)0.0f : load_some(db + k, filters - k);
        for (int u = 0; u < rows; u++)
            sum += load_some(dy + (long)u * K + k, filters - k);
        store_some(sum, db + k, filters - k);
    }
}

/* The outputs from `at` on in its row whose patches lie inside the image, at most `rows`; 0 if the
 * first does not. */
static inline int outputs_inside(struct pixel at, int rows, SHAPE)
{
    const int h = at.p * stride_h - pad_top, w = at.q * stride_w - pad_left;
    const int reach = W - 1 - (S - 1) * dilation_w - w;
    if (h < 0 || h + (R - 1) * dilation_h >= H || w < 0 || reach < 0)
        return 0;
    return min(min(rows, Q - at.q), reach / stride_w + 1);
}

/* Whole patches of `outputs` neighbours, `step` floats apart, each R runs, row_step floats apart.
 * What a run's last vector writes behind it, the next run or patch overwrites. */
static inline void gather_runs(local float *patch, global const float *from, int outputs, int step,
                               int R, long row_step, int run)
{
    for (int u = 0; u < outputs; u++, from += step, patch += NR)
        for (int r = 0; r < R; r++)
            for (int i = 0; i < run; i += LANES)
                STORE(LOAD(from + r * row_step + i), patch + r * run + i);
}

/* patch[panel][rows][NR]: `count` taps from t0 on of `rows` outputs from m on of group g. */
static inline void gather_block(local float *patch, local float *row, global const float *x, int g,
                                long m, int rows, int t0, int count, SHAPE)
{
    const int depth = C / G;
    const struct patches of = describe(H, W, C, R, S, dilation_h, dilation_w, depth);
    const struct place start = place_of(t0, of);
    const bool runs = count == R * S * depth && count <= NR && of.run_taps == S;
    const long row_step = (long)dilation_h * W * C;
    struct pixel at = pixel_of(m, P, Q);
    for (int u = 0, step; u < rows; u += step) {
        const int h = at.p * stride_h - pad_top, w = at.q * stride_w - pad_left;
        const long image = (long)at.n * H * W * C + g * depth;
        const long from = image + ((long)h * W + w) * C, left = (long)N * H * W * C - image;
        step = outputs_inside(at, rows - u, N, H, W, C, K, R, S, P, Q, G, stride_h, stride_w,
                              dilation_h, dilation_w, pad_top, pad_left);
        const long reach = (long)(step * stride_w + S) * C + (R - 1) * row_step + LANES;
        if (!runs || reach > image + left - from)
            step = 0;
        if (step)
            gather_runs(patch + u * NR, x + from, step, stride_w * C, R, row_step, S * C);
        else
            gather_any(patch + u * NR, row, x + image, left, h, w, start, count, of);
        step = max(step, 1);
        at = step == 1 ? next_pixel(at, P, Q) : pixel_of(m + u + step, P, Q);
    }
}

/* What the next block of outputs will read first, to be asked for while this one is multiplied: its
 * rows of dy, and of the images what its last row of taps covers. */
struct ahead {
    global const float *dy, *x;
    int dy_left, x_left; /* floats */
};

static inline struct ahead look_ahead(global const float *x, global const float *dy, long m,
                                      int rows, SHAPE)
{
    const struct pixel at = pixel_of(m, P, Q);
    const int h = at.p * stride_h - pad_top + (R - 1) * dilation_h;
    const int w = at.q * stride_w - pad_left;
    struct ahead ahead = {dy + m * K, x + (((long)at.n * H + h) * W + w) * C, rows * K,
                          rows * stride_w * C};
    return ahead;
}

static inline struct ahead look_further(struct ahead from, int lines)
{
    const int dy = from.dy_left > 0 ? lines * LINE : 0;
    const int x = !dy && from.x_left > 0 ? lines * LINE : 0;
    struct ahead next = {from.dy + dy, from.x + x, from.dy_left - dy, from.x_left - x};
    return next;
}

KERNEL conv2d_filter_gemm(INPUT(float, x), INPUT(float, dy), OUTPUT(float, dw), OUTPUT(float, db),
                          OUTPUT(float, partial), SHAPE, int panels_each, int rows_each,
                          long per_range, int pitch, int apart, int with_bias)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, dw);
    AT(float, db);
    AT(float, partial);
    local float patch[PANELS * ROWS * NR + LANES] __attribute__((aligned(64)));
    local float a[TILES * ROWS * MP] __attribute__((aligned(64)));
    local float row[PANELS * NR + 2 * LANES];
    const int g = get_group_id(2), kg = K / G, taps = R * S * (C / G);
    const int t_begin = get_group_id(0) * panels_each * NR;
    const int t_end = min(taps, t_begin + panels_each * NR);
    const long first = get_group_id(1) * per_range, pixels = (long)N * P * Q;
    const long end = min(pixels, first + per_range);
    if (apart + (int)get_group_id(1) > 0) {
        dw = partial + (apart + (long)get_group_id(1) - 1) * K * (pitch + 1);
        db = dw + (long)K * pitch;
    }
    for (long m = first; m < end; m += rows_each) {
        const int rows = (int)min((long)rows_each, end - m), fresh = m == first;
        struct ahead ahead = look_ahead(x, dy, m + rows, rows, N, H, W, C, K, R, S, P, Q, G,
                                        stride_h, stride_w, dilation_h, dilation_w, pad_top,
                                        pad_left);
        if (with_bias && t_begin == 0)
            sum_gradient(db + g * kg, dy + m * K + g * kg, K, rows, kg, fresh);
        for (int t0 = t_begin; t0 < t_end; t0 += PANELS * NR) {
            const int count = min((int)(PANELS * NR), t_end - t0);
            gather_block(patch, row, x, g, m, rows, t0, count, N, H, W, C, K, R, S, P, Q, G,
                         stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left);
            for (int k0 = 0; k0 < kg; k0 += TILES * MR) {
                const long from = m * K + g * kg + k0;
                const int filters = min((int)(TILES * MR), kg - k0);
                global float *to = dw + ((long)g * kg + k0) * pitch + t0;
                copy_gradient(a, dy + from, K, rows, filters, pixels * K - from);
                for (int k = 0; k < filters; k += MR, to += (long)MR * pitch) {
                    for (int t = 0; t < count; t += NR) {
                        add_outer_products(to + t, pitch, min(MR, filters - k),
                                           pitch - t0 - t,
                                           a + k / MR * (ROWS * MP), patch + t * ROWS, rows,
                                           fresh, ahead.dy_left > 0 ? ahead.dy : ahead.x);
                        ahead = look_further(ahead, rows);
                    }
                }
            }
        }
    }
}

/* dw and db = the sums of all ranges, in order; without `apart`, of the first range they hold
 * already. Group i does `filters_each` filters from i filters_each on. */
KERNEL conv2d_filter_gemm_reduce(INPUT(float, partial), OUTPUT(float, dw), OUTPUT(float, db), int K,
                                 int taps, int pitch, int filters_each, int ranges, int apart,
                                 int with_bias)
{
    AT(const float, partial);
    AT(float, dw);
    AT(float, db);
    const int first = get_group_id(0) * filters_each, end = min(K, first + filters_each);
    const long stride = (long)K * (pitch + 1);
    for (int k = first; k < end; k++) {
        global float *to = dw + (long)k * taps;
        for (int t = 0; t < taps; t += LANES) {
            vec sum = apart ? (vec)0.0f : load_some(to + t, taps - t);
            for (int z = 0; z < ranges; z++)
                sum += load_some(partial + z * stride + (long)k * pitch + t, taps - t);
            store_some(sum, to + t, taps - t);
        }
        if (with_bias) {
            float sum = apart ? 0.0f : db[k];
            for (int z = 0; z < ranges; z++)
                sum += partial[z * stride + (long)K * pitch + k];
            db[k] = sum;
        }
    }
}
