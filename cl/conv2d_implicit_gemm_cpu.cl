/* Convolution as a GEMM whose patches are gathered tile by tile into local memory, so that no
 * matrix of patches is ever stored (CPU class: one work-item with long vectors).
 *
 *   y[m][k] = f(bias[k] + sum t: patch[m][t] w[t][k])      m = (n, p, q), t = (r, s, c)
 *
 * The same kernel computes the gradient to the data: dx is a convolution of dy with the filter
 * turned by 180 degrees, at stride 1, whose outputs are those (h, w) that agree modulo the
 * strides; so one launch per residue, with the taps that meet it. The host says where tap (0, 0)
 * of output (0, 0) lies (first_*), how far the next output (stride_*) and the next tap (step_*)
 * are, and where output (p, q) goes in y (to_*).
 *
 * conv2d_implicit_gemm: group (i, j, g) computes MR outputs m from i MR on, of every J-th panel
 * from j on of group g's columns; a panel is NR columns, packed [panel][R S C/G][NR] with zeros in
 * missing columns:
 *
 *   if the same taps of all MR outputs fall into the image:
 *     for each panel: MR x NR sums in registers, patches read in place
 *   else, for t0 in steps of DEPTH, over the taps that do for at least one of the MR:
 *     gather patch[MR][DEPTH]        (runs of S C/G floats where the taps of a row lie together)
 *     for each panel: MR x NR sums in registers: for t, i, j: sum[i][j] += patch[i][t] b[t][j]
 *       y[tile] = sums, added to what y holds when t0 > 0 or `accumulate`; bias and f after the
 *       last t
 *
 * With STORAGE_HALF y cannot hold the sums in between: all patches are gathered, and the group
 * keeps the sums of its panels, at most HELD of them, to itself.
 *
 * With `batch_inner`, consecutive m are the same (p, q) of consecutive images: then a tile at the
 * edge of the image skips the taps outside it.
 *
 * Local memory: 4 MR (DEPTH + 16) = 29 KiB.
 *
 * The register tile is that of Goto, van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication", ACM TOMS 34(3), 2008; gathering inside it that of Chetlur et al., "cuDNN:
 * Efficient Primitives for Deep Learning", 2014, section 3.3. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "epilogue.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "conv2d_implicit_gemm_cpu.cl is for the CPU class"
#endif

/* MR x NV sums, NV vectors of one factor and one of the other fill the registers: 32, 16, 32. */
#if W == 16
#define MR 14
#elif W == 8
#define MR 6
#else
#define MR 8
#endif
#ifndef NV
#define NV 2
#endif
#if NV != 1 && NV != 2
#error "NV must be 1 or 2"
#endif
/* What patches of a tile may take of local memory; the defaults fit the 32 KiB that every device
 * has. */
#ifndef DEPTH
#define DEPTH 512
#endif
enum {
    LANES = W,
    NR = NV * LANES,
    PITCH = DEPTH + 16, /* rows of patches fall into different sets of the first-level cache */
    HELD = STORAGE_HALF ? 8 : 1,
};
#undef W
#define GATHER_TO local
#include "conv2d_gather.cl"

#define KERNEL __attribute__((reqd_work_group_size(1, 1, 1))) kernel void

DEFINE_ACTIVATE(vec)

/* w -> panels[groups][columns / NR][R S depth][NR]: element (r, s, c, column) of group g is
 * w[base + g by_group + r by_r + s by_s + c by_c + column by_column]. Group (panel, tap, g). */
KERNEL conv2d_implicit_gemm_pack(INPUT(stored, w), OUTPUT(stored, panels), int S, int depth,
                                 int columns, long base, long by_group, long by_r, long by_s,
                                 long by_c, long by_column)
{
    AT(const stored, w);
    AT(stored, panels);
    const int panel = get_group_id(0), tap = get_group_id(1), g = get_group_id(2);
    const int count = min((int)NR, columns - panel * NR);
    const long taps = get_num_groups(1);
    global stored *to = panels + (((long)g * get_num_groups(0) + panel) * taps + tap) * depth * NR;
    global const stored *from =
        w + base + g * by_group + tap / S * by_r + tap % S * by_s + (long)panel * NR * by_column;
    for (int c = 0; c < depth; c++, from += by_c, to += NR) {
        if (by_column == 1 && count == NR) {
            for (int i = 0; i < NR; i += LANES)
                STORE_STORED(LOAD_STORED(from + i), to + i);
        } else {
            for (int i = 0; i < count; i++)
                PUT_STORED(GET_STORED(from, i * by_column), to, i);
            for (int i = count; i < NR; i++)
                PUT_STORED(0.0f, to, i);
        }
    }
}

/* Adds to MR x NV sums the product of MR values, PITCH or `step` apart, and NV vectors of b. */
#define ADD_PRODUCTS(sum, value_at, b)                                                             \
    do {                                                                                           \
        vec factor[NV];                                                                            \
        _Pragma("unroll") for (int j = 0; j < NV; j++) factor[j] = LOAD_STORED((b) + j * LANES);   \
        _Pragma("unroll") for (int i = 0; i < MR; i++)                                             \
        {                                                                                          \
            const vec value = (vec)(value_at);                                                     \
            _Pragma("unroll") for (int j = 0; j < NV; j++) sum[i][j] =                             \
                fma(value, factor[j], sum[i][j]);                                                  \
        }                                                                                          \
    } while (0)

#define EACH_SUM                                                                                   \
    _Pragma("unroll") for (int i = 0; i < MR; i++) _Pragma("unroll") for (int j = 0; j < NV; j++)

/* The rows of a panel that a tile needs: runs of `run` rows, `skip` rows apart; the first starts
 * `at` rows inside a run. */
struct rows {
    int run, skip, at;
};

/* result[MR][NR] = patch[MR][depth] . (depth rows of the panel from b on), added to what it holds
 * unless it is `fresh`. */
static inline void multiply(float *result, local const float *patch, global const stored *b,
                            int depth, struct rows rows, int fresh)
{
    vec sum[MR][NV];
    EACH_SUM sum[i][j] = fresh ? (vec)0.0f : LOAD(result + i * NR + j * LANES);
    int left = rows.run - rows.at; /* rows is the caller's: cl/conv2d_gather.cl */
    for (int t = 0, end; t < depth; b += (long)rows.skip * NR, left = rows.run)
        for (end = min(depth, t + left); t < end; t++, b += NR)
            ADD_PRODUCTS(sum, patch[i * PITCH + t], b);
    EACH_SUM STORE(sum[i][j], result + i * NR + j * LANES);
}

/* result[MR][NR] = the product of MR patches that lie inside the image, read in place, and a panel
 * from b on, whose rows of taps are `skip` rows apart. */
static inline void multiply_in_place(float *result, global const stored *const *from,
                                     global const stored *b, int skip, struct patches of)
{
    const int run = of.run_taps * of.depth;
    vec sum[MR][NV];
    EACH_SUM sum[i][j] = (vec)0.0f;
    for (int r = 0; r < of.R; r++, b += (long)skip * NR) {
        for (int s = 0; s < of.S; s += of.run_taps) {
            const long first = ((long)r * of.step_h * of.W + s * of.step_w) * of.C;
            for (long t = first; t < first + run; t++, b += NR)
                ADD_PRODUCTS(sum, GET_STORED(from[i], t), b);
        }
    }
    EACH_SUM STORE(sum[i][j], result + i * NR + j * LANES);
}

/* y[row i][columns k ..] = f(result[i][..] + bias), y starting with the group's first column;
 * added to what y holds unless it is the `first` part of the sum, without bias and f unless it is
 * the `last`. */
static inline void finish(global stored *y, const long *to, int rows, int k, int columns,
                          const float *result, global const float *bias, int first, int last,
                          int use_bias, int activation, float alpha)
{
    /* linear and relu without the switch over all activations */
    const bool simple = first && (!last || activation <= ACTIVATION_RELU);
    const vec floor = (vec)(last && activation == ACTIVATION_RELU ? 0.0f : -INFINITY);
    for (int j = 0; j < NR && k + j < columns; j += LANES) {
        const int count = columns - k - j;
        const vec shift = last && use_bias ? load_some(bias + k + j, count) : (vec)0.0f;
        if (simple && count >= LANES) {
            for (int i = 0; i < rows; i++) {
                const vec value = LOAD(result + i * NR + j) + shift;
                STORE_STORED(value < floor ? floor : value, y + to[i] + k + j);
            }
            continue;
        }
        for (int i = 0; i < rows; i++) {
            vec value = LOAD(result + i * NR + j) + shift;
            if (!first)
                value += load_some_stored(y + to[i] + k + j, count);
            if (last)
                value = activate_vec(value, activation, alpha);
            store_some_stored(value, y + to[i] + k + j, count);
        }
    }
}

/* The first and the last + 1 tap that fall into the image for the coordinate of tap 0. */
static inline int2 taps_inside(int coordinate, int step, int taps, int size)
{
    int2 inside = (int2)(max(-coordinate, 0), max(size - coordinate, 0));
    if (step > 1)
        inside = (int2)((inside.x + step - 1) / step, (inside.y + step - 1) / step);
    return (int2)(inside.x, min(taps, inside.y));
}

/* The taps, first and last + 1, that fall into the image for some output of a tile, and for all. */
struct span {
    int2 some, all;
};

static inline struct span join(struct span a, int2 taps)
{
    struct span both = {(int2)(min(a.some.x, taps.x), max(a.some.y, taps.y)),
                        (int2)(max(a.all.x, taps.x), min(a.all.y, taps.y))};
    return both;
}

/* Where the patches of the pixels at[rows] begin; those beyond repeat the first. */
static inline void locate(global const stored **from, global const stored *x,
                          const struct pixel *at, int rows, int stride_h, int stride_w, int top,
                          int left, struct patches of)
{
    for (int i = 0; i < MR; i++) {
        const struct pixel p = at[i < rows ? i : 0];
        const long row = (long)p.n * of.H + p.p * stride_h + top;
        from[i] = x + (row * of.W + p.q * stride_w + left) * of.C;
    }
}

/* Zeros in the group's panels of the outputs at to[rows]. */
static inline void clear(global stored *y, const long *to, int rows, int columns)
{
    const int first = get_group_id(1), step = get_num_groups(1);
    for (int i = 0; i < rows; i++)
        for (int k = first * NR; k < columns; k += step * NR)
            for (int j = k; j < min(k + (int)NR, columns); j += LANES)
                store_some_stored((vec)0.0f, y + to[i] + j, columns - j);
}

/* patch[MR][PITCH] = `count` elements, from `place` on, of the patches of the pixels at[rows]; tap
 * (0, 0) of pixel (0, 0) lies at (top, left). Rows beyond are zeros. */
static inline void gather_tile(local float *patch, global const stored *x, const struct pixel *at,
                               int rows, int stride_h, int stride_w, int top, int left,
                               struct place place, int count, struct patches of)
{
    for (int i = 0; i < MR; i++) {
        if (i < rows)
            gather(patch + i * PITCH, x + (long)at[i].n * of.H * of.W * of.C,
                   at[i].p * stride_h + top, at[i].q * stride_w + left, place, count, of);
        else
            zero_run(patch + i * PITCH, count);
    }
}

KERNEL conv2d_implicit_gemm(INPUT(stored, x), INPUT(stored, panels), INPUT(float, bias),
                            OUTPUT(stored, y), int N, int H, int W, int C, int K, int R, int S,
                            int P, int Q, int stride_h, int stride_w, int step_h, int step_w,
                            int first_h, int first_w, int to_h, int to_w, int to_first_h,
                            int to_first_w, int to_stride_h, int to_stride_w, int batch_inner,
                            int use_bias, int accumulate, int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, panels);
    AT(const float, bias);
    AT(stored, y);
    local float patch[MR * PITCH];
    float results[HELD * MR * NR];
    long to[MR];
    struct pixel at[MR];
    struct span r = {(int2)(R, 0), (int2)(0, R)}, s = {(int2)(S, 0), (int2)(0, S)};
    const int g = get_group_id(2), groups = get_num_groups(2), depth = C / groups, kg = K / groups;
    const int panel_count = (kg + NR - 1) / NR;
    const long m = (long)get_group_id(0) * MR;
    const int rows = (int)min((long)MR, (long)N * P * Q - m);
    y += (long)g * kg;
    struct pixel pixel = batch_inner ? pixel_of_inner(m, N, Q) : pixel_of(m, P, Q);
    for (int i = 0; i < rows; i++) {
        at[i] = pixel;
        to[i] = (((long)pixel.n * to_h + pixel.p * to_stride_h + to_first_h) * to_w +
                 pixel.q * to_stride_w + to_first_w) * K;
        r = join(r, taps_inside(pixel.p * stride_h + first_h, step_h, R, H));
        s = join(s, taps_inside(pixel.q * stride_w + first_w, step_w, S, W));
        pixel = batch_inner ? next_pixel_inner(pixel, N, Q) : next_pixel(pixel, P, Q);
    }
    const int used_r = max(r.some.y - r.some.x, 0), used_s = max(s.some.y - s.some.x, 1);
    const int taps = s.some.y > s.some.x ? used_r * used_s * depth : 0;
    const struct patches of = describe(H, W, C, used_r, used_s, step_h, step_w, depth);
    struct rows run = {used_s * depth, (S - used_s) * depth, 0};
    const int top = first_h + r.some.x * step_h, left = first_w + s.some.x * step_w;
    const long first = r.some.x * S + s.some.x; /* tap */
    x += g * depth;
    panels += (long)g * panel_count * R * S * depth * NR;
    if (!STORAGE_HALF && taps > 0 && all(r.some == r.all) && all(s.some == s.all)) {
        global const stored *from[MR];
        locate(from, x, at, rows, stride_h, stride_w, top, left, of);
        for (int panel = get_group_id(1); panel < panel_count; panel += get_num_groups(1)) {
            multiply_in_place(results, from,
                              panels + ((long)panel * R * S + first) * depth * NR, run.skip, of);
            finish(y, to, rows, panel * NR, kg, results, bias + g * kg, !accumulate, 1, use_bias,
                   activation, alpha);
        }
        return;
    }
    const bool zeros = taps == 0 && !use_bias && !accumulate && activation == ACTIVATION_LINEAR;
    if (zeros)
        clear(y, to, rows, kg);
    for (int t0 = 0; !zeros && (t0 == 0 || t0 < taps); t0 += DEPTH) {
        const int count = min(DEPTH, taps - t0), last = t0 + count == taps;
        gather_tile(patch, x, at, rows, stride_h, stride_w, top, left, place_of(t0, of), count, of);
        run.at = t0 % run.run;
        const long row = (first + t0 / run.run * S) * depth + run.at;
        float *result = results;
        for (int panel = get_group_id(1); panel < panel_count; panel += get_num_groups(1)) {
            multiply(result, patch, panels + ((long)panel * R * S * depth + row) * NR, count, run,
                     !STORAGE_HALF || t0 == 0);
            if (!STORAGE_HALF || last)
                finish(y, to, rows, panel * NR, kg, result, bias + g * kg,
                       (STORAGE_HALF || t0 == 0) && !accumulate, last, use_bias, activation, alpha);
            result += STORAGE_HALF * MR * NR;
        }
    }
}
