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
 * With `batch_inner`, consecutive m are the same (p, q) of consecutive images: then a tile at the
 * edge of the image skips the taps outside it.
 *
 * Few channels make short runs: cl/conv2d_strips.cl, a part of this program, reads them otherwise.
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
    STRIP = 7168,
};
#undef W
#define GATHER_TO local
#include "conv2d_gather.cl"

#define KERNEL __attribute__((reqd_work_group_size(1, 1, 1))) kernel void

DEFINE_ACTIVATE(vec)

static inline vec load_some(global const float *from, int count)
{
    if (count >= LANES)
        return LOAD(from);
    float lane[LANES];
    for (int i = 0; i < LANES; i++)
        lane[i] = i < count ? from[i] : 0.0f;
    return LOAD(lane);
}

static inline void store_some(vec v, global float *to, int count)
{
    if (count >= LANES) {
        STORE(v, to);
        return;
    }
    float lane[LANES];
    STORE(v, lane);
    for (int i = 0; i < count; i++)
        to[i] = lane[i];
}

/* w -> panels[groups][columns / NR][R S depth][NR]: element (r, s, c, column) of group g is
 * w[base + g by_group + r by_r + s by_s + c by_c + column by_column]. Group (panel, tap, g). */
KERNEL conv2d_implicit_gemm_pack(INPUT(float, w), OUTPUT(float, panels), int S, int depth,
                                 int columns, long base, long by_group, long by_r, long by_s,
                                 long by_c, long by_column)
{
    AT(const float, w);
    AT(float, panels);
    const int panel = get_group_id(0), tap = get_group_id(1), g = get_group_id(2);
    const int count = min((int)NR, columns - panel * NR);
    const long taps = get_num_groups(1);
    global float *to = panels + (((long)g * get_num_groups(0) + panel) * taps + tap) * depth * NR;
    global const float *from =
        w + base + g * by_group + tap / S * by_r + tap % S * by_s + (long)panel * NR * by_column;
    for (int c = 0; c < depth; c++, from += by_c, to += NR) {
        if (by_column == 1 && count == NR) {
            for (int i = 0; i < NR; i += LANES)
                STORE(LOAD(from + i), to + i);
        } else {
            for (int i = 0; i < count; i++)
                to[i] = from[i * by_column];
            for (int i = count; i < NR; i++)
                to[i] = 0.0f;
        }
    }
}

/* Adds to MR x NV sums the product of MR values, PITCH or `step` apart, and NV vectors of b. */
#define ADD_PRODUCTS(sum, value_at, b)                                                             \
    do {                                                                                           \
        vec factor[NV];                                                                            \
        _Pragma("unroll") for (int j = 0; j < NV; j++) factor[j] = LOAD((b) + j * LANES);          \
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

/* result[MR][NR] = patch[MR][depth] . (depth rows of the panel from b on) */
static inline void multiply(float *result, local const float *patch, global const float *b,
                            int depth, struct rows rows)
{
    vec sum[MR][NV];
    EACH_SUM sum[i][j] = (vec)0.0f;
    int left = rows.run - rows.at; /* rows is the caller's: cl/conv2d_gather.cl */
    for (int t = 0, end; t < depth; b += (long)rows.skip * NR, left = rows.run)
        for (end = min(depth, t + left); t < end; t++, b += NR)
            ADD_PRODUCTS(sum, patch[i * PITCH + t], b);
    EACH_SUM STORE(sum[i][j], result + i * NR + j * LANES);
}

/* result[MR][NR] = the product of MR patches that lie inside the image, read in place, and a panel
 * from b on, whose rows of taps are `skip` rows apart. */
static inline void multiply_in_place(float *result, global const float *const *from,
                                     global const float *b, int skip, struct patches of)
{
    const int run = of.run_taps * of.depth;
    vec sum[MR][NV];
    EACH_SUM sum[i][j] = (vec)0.0f;
    for (int r = 0; r < of.R; r++, b += (long)skip * NR) {
        for (int s = 0; s < of.S; s += of.run_taps) {
            const long first = ((long)r * of.step_h * of.W + s * of.step_w) * of.C;
            for (long t = first; t < first + run; t++, b += NR)
                ADD_PRODUCTS(sum, from[i][t], b);
        }
    }
    EACH_SUM STORE(sum[i][j], result + i * NR + j * LANES);
}

/* y[row i][columns k ..] = f(result[i][..] + bias), y starting with the group's first column;
 * added to what y holds unless it is the `first` part of the sum, without bias and f unless it is
 * the `last`. */
static inline void finish(global float *y, const long *to, int rows, int k, int columns,
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
                STORE(value < floor ? floor : value, y + to[i] + k + j);
            }
            continue;
        }
        for (int i = 0; i < rows; i++) {
            vec value = LOAD(result + i * NR + j) + shift;
            if (!first)
                value += load_some(y + to[i] + k + j, count);
            if (last)
                value = activate_vec(value, activation, alpha);
            store_some(value, y + to[i] + k + j, count);
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

/* patch[MR][PITCH] = `count` elements, from `place` on, of the patches of the pixels at[rows]; tap
 * (0, 0) of pixel (0, 0) lies at (top, left). Rows beyond are zeros. */
static inline void gather_tile(local float *patch, global const float *x, const struct pixel *at,
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

KERNEL conv2d_implicit_gemm(INPUT(float, x), INPUT(float, panels), INPUT(float, bias),
                            OUTPUT(float, y), int N, int H, int W, int C, int K, int R, int S,
                            int P, int Q, int stride_h, int stride_w, int step_h, int step_w,
                            int first_h, int first_w, int to_h, int to_w, int to_first_h,
                            int to_first_w, int to_stride_h, int to_stride_w, int batch_inner,
                            int use_bias, int accumulate, int activation, float alpha)
{
    AT(const float, x);
    AT(const float, panels);
    AT(const float, bias);
    AT(float, y);
    local float patch[MR * PITCH];
    float result[MR * NR];
    long to[MR];
    struct pixel at[MR];
    global const float *from[MR];
    int2 rs = (int2)(R, 0), ss = (int2)(S, 0), all_rs = (int2)(0, R), all_ss = (int2)(0, S);
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
        const int2 r = taps_inside(pixel.p * stride_h + first_h, step_h, R, H);
        const int2 s = taps_inside(pixel.q * stride_w + first_w, step_w, S, W);
        rs = (int2)(min(rs.x, r.x), max(rs.y, r.y));
        ss = (int2)(min(ss.x, s.x), max(ss.y, s.y));
        all_rs = (int2)(max(all_rs.x, r.x), min(all_rs.y, r.y));
        all_ss = (int2)(max(all_ss.x, s.x), min(all_ss.y, s.y));
        pixel = batch_inner ? next_pixel_inner(pixel, N, Q) : next_pixel(pixel, P, Q);
    }
    const int used_r = max(rs.y - rs.x, 0), used_s = max(ss.y - ss.x, 1);
    const int taps = ss.y > ss.x ? used_r * used_s * depth : 0;
    const struct patches of = describe(H, W, C, used_r, used_s, step_h, step_w, depth);
    struct rows run = {used_s * depth, (S - used_s) * depth, 0};
    const int top = first_h + rs.x * step_h, left = first_w + ss.x * step_w;
    x += g * depth;
    panels += (long)g * panel_count * R * S * depth * NR;
    if (taps > 0 && all(rs == all_rs) && all(ss == all_ss)) {
        for (int i = 0; i < MR; i++) {
            const struct pixel p = at[i < rows ? i : 0];
            from[i] = x + (((long)p.n * H + p.p * stride_h + top) * W + p.q * stride_w + left) * C;
        }
        for (int panel = get_group_id(1); panel < panel_count; panel += get_num_groups(1)) {
            multiply_in_place(result, from,
                              panels + ((long)panel * R * S + rs.x * S + ss.x) * depth * NR,
                              run.skip, of);
            finish(y, to, rows, panel * NR, kg, result, bias + g * kg, !accumulate, 1, use_bias,
                   activation, alpha);
        }
        return;
    }
    for (int t0 = 0; t0 == 0 || t0 < taps; t0 += DEPTH) {
        const int count = min(DEPTH, taps - t0);
        gather_tile(patch, x, at, rows, stride_h, stride_w, top, left, place_of(t0, of), count, of);
        run.at = t0 % run.run;
        const long row = (long)((rs.x + t0 / run.run) * S + ss.x) * depth + run.at;
        for (int panel = get_group_id(1); panel < panel_count; panel += get_num_groups(1)) {
            multiply(result, patch, panels + ((long)panel * R * S * depth + row) * NR, count, run);
            finish(y, to, rows, panel * NR, kg, result, bias + g * kg, t0 == 0 && !accumulate,
                   t0 + count == taps, use_bias, activation, alpha);
        }
    }
}

#include "conv2d_strips.cl"
