/* Convolution as a GEMM whose patches are gathered tile by tile into local memory, so that no matrix of
 * patches is ever stored (CPU class: one work-item with long vectors).
 *
 *   y[m][k] = f(bias[k] + sum t: patch[m][t] w[t][k])      m = (n, p, q), t = (r, s, c)
 *
 * The same kernel computes the gradient to the data: dx is a convolution of dy with the filter turned
 * by 180 degrees, at stride 1, whose outputs are those (h, w) that agree modulo the strides; so one
 * launch per residue, with the taps that meet it. The host says where tap (0, 0) of output (0, 0)
 * lies (first_*), how far the next output (stride_*) and the next tap (step_*) are, and where output
 * (p, q) goes in y (to_*).
 *
 * conv2d_implicit_gemm: group (i, j, g) computes MR outputs m from i MR on, of the panels j, j + J, ..
 * of group g's columns; a panel is NR columns, packed [panel][R S C/G][NR] with zeros in missing columns:
 *
 *   for t0 in steps of DEPTH:
 *     gather patch[MR][DEPTH]        (runs of S C/G floats where the taps of a row lie together)
 *     for each panel: MR x NR sums in registers: for t: for i: for j: sum[i][j] += patch[i][t] b[t][j]
 *       y[tile] = sums, added to what y holds when t0 > 0; bias and f after the last t
 *
 * conv2d_implicit_gemm_filter: dw^T[t][k] = sum m: patch[m][t] dy[m][k]. Group (i, z, g) sums the m of
 * range z for the panels i panels_per_item .. of group g; the sums live in partial[z] and pass
 * through registers MR taps x NR filters at a time, ROWS pixels at a time. One tap more, with patch = 1, is
 * the bias gradient. conv2d_implicit_gemm_reduce adds the ranges in order and turns the result.
 *
 * Local memory: forward 4 MR (DEPTH + 16) = 29 KiB; filter 4 ROWS (CHUNK + NR) = 27 KiB.
 * The register tile is that of Goto, van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
 * ACM TOMS 34(3), 2008; gathering inside it that of Chetlur et al., "cuDNN: Efficient Primitives for
 * Deep Learning", 2014, section 3.3. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "epilogue.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "conv2d_implicit_gemm_cpu.cl is for the CPU class"
#endif

/* MR x NV sums, NV vectors of one factor and one of the other fill the registers (32, 16 or 32). */
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
enum {
    LANES = W,
    NR = NV * LANES,
    DEPTH = 512,
    PITCH = DEPTH + 16, /* rows of patches fall into different sets of the first-level cache */
    ROWS = 48,
    CHUNK = 8 * MR,
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
KERNEL conv2d_implicit_gemm_pack(INPUT(float, w), OUTPUT(float, panels), int S, int depth, int columns,
                                 long base, long by_group, long by_r, long by_s, long by_c,
                                 long by_column)
{
    AT(const float, w);
    AT(float, panels);
    const int panel = get_group_id(0), tap = get_group_id(1), g = get_group_id(2);
    const int count = min((int)NR, columns - panel * NR);
    const long taps = get_num_groups(1);
    global float *to =
        panels + (((long)g * get_num_groups(0) + panel) * taps + tap) * depth * NR;
    global const float *from = w + base + g * by_group + tap / S * by_r + tap % S * by_s +
                               (long)panel * NR * by_column;
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

/* result[MR][NR] = patch[MR][depth] . b[depth][NR] */
static inline void multiply(float *result, local const float *patch, global const float *b, int depth)
{
    vec sum[MR][NV];
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NV; j++)
            sum[i][j] = (vec)0.0f;
    for (int t = 0; t < depth; t++, b += NR) {
        vec factor[NV];
#pragma unroll
        for (int j = 0; j < NV; j++)
            factor[j] = LOAD(b + j * LANES);
#pragma unroll
        for (int i = 0; i < MR; i++) {
            const vec value = (vec)patch[i * PITCH + t];
#pragma unroll
            for (int j = 0; j < NV; j++)
                sum[i][j] = fma(value, factor[j], sum[i][j]);
        }
    }
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NV; j++)
            STORE(sum[i][j], result + i * NR + j * LANES);
}

KERNEL conv2d_implicit_gemm(INPUT(float, x), INPUT(float, panels), INPUT(float, bias),
                            OUTPUT(float, y), int N, int H, int W, int C, int K, int R, int S, int P,
                            int Q, int stride_h, int stride_w, int step_h, int step_w, int first_h,
                            int first_w, int to_h, int to_w, int to_first_h, int to_first_w,
                            int to_stride_h, int to_stride_w, int use_bias, int activation,
                            float alpha)
{
    AT(const float, x);
    AT(const float, panels);
    AT(const float, bias);
    AT(float, y);
    local float patch[MR * PITCH];
    float result[MR * NR];
    long to[MR];
    const int g = get_group_id(2), groups = get_num_groups(2), depth = C / groups, kg = K / groups;
    const int panel_count = (kg + NR - 1) / NR, taps = R * S * depth;
    const long m = (long)get_group_id(0) * MR;
    const int rows = (int)min((long)MR, (long)N * P * Q - m);
    const struct patches of = describe(H, W, C, S, step_h, step_w, depth);
    for (int t0 = 0; t0 == 0 || t0 < taps; t0 += DEPTH) {
        const int count = min((int)DEPTH, taps - t0);
        struct pixel at = pixel_of(m, P, Q);
        for (int i = 0; i < MR; i++) {
            if (i < rows)
                gather(patch + i * PITCH, x + (long)at.n * H * W * C + g * depth,
                       at.p * stride_h + first_h, at.q * stride_w + first_w, t0, count, of);
            else
                zero_run(patch + i * PITCH, count);
            to[i] = (((long)at.n * to_h + at.p * to_stride_h + to_first_h) * to_w +
                     at.q * to_stride_w + to_first_w) * K + (long)g * kg;
            at = next_pixel(at, P, Q);
        }
        for (int panel = get_group_id(1); panel < panel_count; panel += get_num_groups(1)) {
            multiply(result, patch,
                     panels + (((long)g * panel_count + panel) * taps + t0) * NR, count);
            for (int k = panel * NR; k < min(kg, (panel + 1) * NR); k += LANES) {
                const vec shift = use_bias ? load_some(bias + g * kg + k, kg - k) : (vec)0.0f;
                for (int i = 0; i < rows; i++) {
                    vec value = LOAD(result + i * NR + k - panel * NR);
                    if (t0 > 0)
                        value += load_some(y + to[i] + k, kg - k);
                    if (t0 + count == taps)
                        value = activate_vec(value + shift, activation, alpha);
                    store_some(value, y + to[i] + k, kg - k);
                }
            }
        }
    }
}

/* sums[MR][NR] += sum over u < rows: patch[u][MR]^T gradient[u][NR]; starts from zero if `fresh`. */
static inline void accumulate(global float *sums, local const float *patch,
                              local const float *gradient, int rows, int fresh)
{
    vec sum[MR][NV];
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NV; j++)
            sum[i][j] = fresh ? (vec)0.0f : LOAD(sums + i * NR + j * LANES);
    for (int u = 0; u < rows; u++, patch += CHUNK, gradient += NR) {
        vec factor[NV];
#pragma unroll
        for (int j = 0; j < NV; j++)
            factor[j] = LOAD(gradient + j * LANES);
#pragma unroll
        for (int i = 0; i < MR; i++) {
            const vec value = (vec)patch[i];
#pragma unroll
            for (int j = 0; j < NV; j++)
                sum[i][j] = fma(value, factor[j], sum[i][j]);
        }
    }
#pragma unroll
    for (int i = 0; i < MR; i++)
#pragma unroll
        for (int j = 0; j < NV; j++)
            STORE(sum[i][j], sums + i * NR + j * LANES);
}

/* partial[z][G][panels][taps + 1, rounded up to MR][NR] */
KERNEL conv2d_implicit_gemm_filter(INPUT(float, x), INPUT(float, dy), OUTPUT(float, partial), SHAPE,
                                   int panels_per_item, long rows_per_range)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, partial);
    local float patch[ROWS * CHUNK], gradient[ROWS * NR];
    const int g = get_group_id(2), depth = C / G, kg = K / G, taps = R * S * depth;
    const int panel_count = (kg + NR - 1) / NR, tap_rows = (taps + 1 + MR - 1) / MR * MR;
    const int panel0 = get_group_id(0) * panels_per_item;
    const int panel1 = min(panel_count, panel0 + panels_per_item);
    const long first = get_group_id(1) * rows_per_range;
    const long end = min((long)N * P * Q, first + rows_per_range);
    const struct patches of = describe(H, W, C, S, dilation_h, dilation_w, depth);
    partial += ((long)get_group_id(1) * G + g) * panel_count * tap_rows * NR;
    for (long m = first; m < end; m += ROWS) {
        const int rows = (int)min((long)ROWS, end - m);
        for (int t0 = 0; t0 < tap_rows; t0 += CHUNK) {
            const int width = min((int)CHUNK, tap_rows - t0), count = clamp(taps - t0, 0, width);
            struct pixel at = pixel_of(m, P, Q);
            for (int u = 0; u < rows; u++) {
                gather(patch + u * CHUNK, x + (long)at.n * H * W * C + g * depth,
                       at.p * stride_h - pad_top, at.q * stride_w - pad_left, t0, count, of);
                for (int i = count; i < width; i++)
                    patch[u * CHUNK + i] = t0 + i == taps ? 1.0f : 0.0f;
                at = next_pixel(at, P, Q);
            }
            for (int panel = panel0; panel < panel1; panel++) {
                global const float *from = dy + m * K + g * kg + panel * NR;
                for (int u = 0; u < rows; u++)
                    for (int j = 0; j < NR; j += LANES)
                        STORE(load_some(from + (long)u * K + j, kg - panel * NR - j),
                              gradient + u * NR + j);
                global float *sums = partial + ((long)panel * tap_rows + t0) * NR;
                for (int i = 0; i < width; i += MR)
                    accumulate(sums + i * NR, patch + i, gradient, rows, m == first);
            }
        }
    }
}

/* dw[k][t] and db[k] = sum over z of partial[z]. Group (block of MR taps, panel, g). */
KERNEL conv2d_implicit_gemm_reduce(INPUT(float, partial), OUTPUT(float, dw), OUTPUT(float, db),
                                   int taps, int kg, int ranges, int with_bias)
{
    AT(const float, partial);
    AT(float, dw);
    AT(float, db);
    const int panel = get_group_id(1), g = get_group_id(2), panel_count = get_num_groups(1);
    const int tap_rows = (taps + 1 + MR - 1) / MR * MR, t0 = get_group_id(0) * MR;
    const long range = (long)get_num_groups(2) * panel_count * tap_rows * NR;
    partial += (((long)g * panel_count + panel) * tap_rows + t0) * NR;
    for (int j = 0; j < NR && panel * NR + j < kg; j += LANES) {
        float lane[MR][LANES];
        for (int i = 0; i < MR; i++) {
            vec sum = LOAD(partial + i * NR + j);
            for (int z = 1; z < ranges; z++)
                sum += LOAD(partial + z * range + i * NR + j);
            STORE(sum, lane[i]);
        }
        for (int a = 0; a < LANES && panel * NR + j + a < kg; a++) {
            const long k = (long)g * kg + panel * NR + j + a;
            for (int i = 0; i < MR && t0 + i < taps; i++)
                dw[k * taps + t0 + i] = lane[i][a];
            if (with_bias && taps >= t0 && taps < t0 + MR)
                db[k] = lane[taps - t0][a];
        }
    }
}
