/* Convolution as a GEMM whose patches are gathered slice by slice into local memory, so that no
 * matrix of patches is ever stored (GPU class):
 *
 *   y[m][k] = f(bias[k] + sum t: patch[m][t] w[k][t])      m = (n, p, q), t = (r, s, c)
 *
 * conv2d_implicit_gemm: group (g0, g1, g) of TX x TY work-items computes the BM outputs m from
 * g0 BM on of the BN columns from g1 BN on of group g, as cl/tile_gpu.cl says. A slice is BK terms
 * of one run: the taps of a filter row whose inputs lie together in x (run_taps of them, C/G terms
 * each), or a single tap.
 *
 * The same kernel computes the gradient to the data, one launch per residue of (h, w) modulo the
 * strides: dx is a convolution of dy with the filter turned by 180 degrees. The host says where
 * output (p, q) goes in y (to_*), and where term i of tap (r, s) of a column lies in w: w_first +
 * g by_group + r by_r + s by_s + column pitch + i, or, if `across`, + i pitch + column.
 *
 * conv2d_implicit_gemm_filter: dw[k][t] = sum m: dy[m][k] patch[m][t]. Group (g0, g1, z G + g) sums
 * the BM filters from g1 BM on and the BN taps from g0 BN on of group g over the outputs of range
 * z: partial[z][K][R S C/G]. conv2d_implicit_gemm_reduce adds the ranges up in order, one work-item
 * per element.
 *
 * Local memory: see cl/tile_gpu.cl.
 *
 * Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014, section 3.3. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "tile_gpu.cl"

#define TILES __attribute__((reqd_work_group_size(TX, TY, 1))) kernel void

/* Four elements from u on of an image row `row` of `width` elements; zeros outside and beyond
 * `left`. */
static inline float4 fetch_pixels(global const stored *row, long u, long width, int left,
                                  int aligned)
{
    float4 piece = (float4)0.0f;
    if (aligned)
        return left > 0 && u >= 0 && u < width ? LOAD_PIECE(row + u) : piece;
    if (left > 0 && u >= 0 && u < width)
        piece.x = GET_STORED(row, u);
    if (left > 1 && u + 1 >= 0 && u + 1 < width)
        piece.y = GET_STORED(row, u + 1);
    if (left > 2 && u + 2 >= 0 && u + 2 < width)
        piece.z = GET_STORED(row, u + 2);
    if (left > 3 && u + 3 >= 0 && u + 3 < width)
        piece.w = GET_STORED(row, u + 3);
    return piece;
}

/* Output m as (q, p, n). */
static inline int3 pixel_of(long m, int P, int Q)
{
    return (int3)((int)(m % Q), (int)(m / Q % P), (int)(m / ((long)P * Q)));
}

/* The slice after `at`: term x of tap (z, y) and what follows it in the run. */
static inline int3 next_slice(int3 at, int run, int run_taps, int S)
{
    if (at.x + BK < run)
        return (int3)(at.x + BK, at.y, at.z);
    return at.y + run_taps < S ? (int3)(0, at.y + run_taps, at.z) : (int3)(0, 0, at.z + 1);
}

TILES conv2d_implicit_gemm(INPUT(stored, x), INPUT(stored, w), INPUT(float, bias),
                           OUTPUT(stored, y), SHAPE, int to_h, int to_w, int to_first_h,
                           int to_first_w, int to_stride_h, int to_stride_w, int run_taps,
                           long w_first, long by_group, long by_r, long by_s, long pitch,
                           int across, int use_bias, int accumulate, int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, w);
    AT(const float, bias);
    AT(stored, y);
    LOCAL_SLICES;
    const int item_x = get_local_id(0), item_y = get_local_id(1), item = item_y * TX + item_x;
    const int g = get_group_id(2), depth = C / G, kg = K / G, run = run_taps * depth;
    const long width = (long)W * C;
    const long row = (long)get_group_id(0) * BM, column = (long)get_group_id(1) * BN;
    float4 sums[TM][TN / 4], a_piece[A_PIECES], b_piece[B_PIECES];
    long image[A_PIECES], left[A_PIECES];
    int top[A_PIECES], now = 0;
    int3 next = (int3)(0, 0, 0); /* slice */
    clear_sums(sums);
    x += (long)g * depth;
    w += w_first + g * by_group;
    y += (long)g * kg;
    const int x_aligned = depth % 4 == 0 && is_aligned(x, C);
    const int w_aligned = by_r % 4 == 0 && by_s % 4 == 0 && is_aligned(w, pitch);
    const struct matrix filter = {pitch, kg, across, w_aligned};
#pragma unroll
    for (int i = 0; i < A_PIECES; i++) {
        const int3 at = pixel_of(row + piece_at(i, item, BM, 0).x, P, Q);
        image[i] = (long)at.z * H * width;
        left[i] = ((long)at.x * stride_w - pad_left) * C;
        top[i] = at.z < N ? at.y * stride_h - pad_top : -(1 << 30);
    }

    const long slices = (long)R * (S / run_taps) * ((run + BK - 1) / BK);
    for (long slice = -1; slice < slices; slice++, now ^= 1) {
        const bool more = slice + 1 < slices;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (more) {
#pragma unroll
            for (int i = 0; i < A_PIECES; i++) {
                const int h = top[i] + next.z * dilation_h;
                const int term = next.x + piece_at(i, item, BM, 0).y;
                a_piece[i] = fetch_pixels(x + image[i] + h * width,
                                          left[i] + (long)next.y * dilation_w * C + term, width,
                                          h >= 0 && h < H ? run - term : 0, x_aligned);
            }
            const long tap = next.z * by_r + next.y * by_s;
            fetch_pieces(b_piece, B_PIECES, w + tap, filter, item, BN, column, next.x, run);
            next = next_slice(next, run, run_taps, S);
        }
        if (slice >= 0)
            multiply_slice(sums, a_slice[now], b_slice[now], item_x, item_y);
        if (more)
            keep_pieces(a_slice[now ^ 1], b_slice[now ^ 1], a_piece, b_piece, item, 0, across);
    }

    const struct ending end = {1.0f, accumulate, use_bias, activation, alpha};
#pragma unroll
    for (int i = 0; i < TM; i++) {
        const int3 at = pixel_of(row + ROW_OF(i, item_y), P, Q);
        const int h = at.y * to_stride_h + to_first_h, w = at.x * to_stride_w + to_first_w;
        if (at.z < N)
            finish_row(y + (((long)at.z * to_h + h) * to_w + w) * K, bias + (long)g * kg, sums[i],
                       item_x, column, kg, is_aligned(y, K), end);
    }
}

#if !STORAGE_HALF /* the gradient to the filter */
/* Tap t as (c, s, r). */
static inline int3 tap_of(int t, int S, int depth)
{
    return (int3)(t % depth, t / depth % S, t / depth / S);
}

static inline int3 next_tap(int3 at, int S, int depth)
{
    if (at.x + 1 < depth)
        return (int3)(at.x + 1, at.y, at.z);
    return at.y + 1 < S ? (int3)(0, at.y + 1, at.z) : (int3)(0, 0, at.z + 1);
}

static inline int3 advance_pixel(int3 from, int steps, int P, int Q)
{
    int3 at = (int3)(from.x + steps, from.y, from.z);
    while (at.x >= Q) {
        at.x -= Q;
        at.y++;
    }
    while (at.y >= P) {
        at.y -= P;
        at.z++;
    }
    return at;
}

/* The inputs of output `at` that the `count` taps from `tap` on are multiplied with. */
static inline float4 fetch_taps(global const float *x, int3 at, int3 tap, int count, int aligned,
                                SHAPE)
{
    float part[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    const int top = at.y * stride_h - pad_top, left = at.x * stride_w - pad_left;
    x += (long)at.z * H * W * C;
    if (aligned) {
        const int h = top + tap.z * dilation_h, w = left + tap.y * dilation_w;
        const bool inside = count > 0 && h >= 0 && h < H && w >= 0 && w < W;
        return inside ? *(global const float4 *)(x + ((long)h * W + w) * C + tap.x) : (float4)0.0f;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int h = top + tap.z * dilation_h, w = left + tap.y * dilation_w;
        if (i < count && h >= 0 && h < H && w >= 0 && w < W)
            part[i] = x[((long)h * W + w) * C + tap.x];
        tap = next_tap(tap, S, C / G);
    }
    return (float4)(part[0], part[1], part[2], part[3]);
}

TILES conv2d_implicit_gemm_filter(INPUT(float, x), INPUT(float, dy), OUTPUT(float, partial), SHAPE,
                                  long per_range)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, partial);
    LOCAL_SLICES;
    const int item_x = get_local_id(0), item_y = get_local_id(1), item = item_y * TX + item_x;
    const int g = get_group_id(2) % G, depth = C / G, kg = K / G, taps = R * S * depth;
    const long z = get_group_id(2) / G, first = z * per_range;
    const long end = min((long)N * P * Q, first + per_range);
    const long row = (long)get_group_id(1) * BM, column = (long)get_group_id(0) * BN;
    float4 sums[TM][TN / 4], a_piece[A_PIECES], b_piece[B_PIECES];
    int3 tap[B_PIECES], pixel[B_PIECES];
    clear_sums(sums);
    x += (long)g * depth;
    dy += (long)g * kg;
    partial += (z * K + (long)g * kg) * taps;
    const int x_aligned = depth % 4 == 0 && is_aligned(x, C);
    const struct matrix gradient = {K, kg, 1, is_aligned(dy, K)};
#pragma unroll
    for (int i = 0; i < B_PIECES; i++) {
        const int2 at = piece_at(i, item, BN, 1);
        tap[i] = tap_of((int)min(column + at.x, taps - 1L), S, depth);
        pixel[i] = pixel_of(first + at.y, P, Q);
    }

    int now = 0;
    for (long m0 = first - BK; m0 < end; m0 += BK, now ^= 1) {
        const long next = m0 + BK;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (next < end) {
            fetch_pieces(a_piece, A_PIECES, dy, gradient, item, BM, row, next, end);
#pragma unroll
            for (int i = 0; i < B_PIECES; i++) {
                const int2 at = piece_at(i, item, BN, 1);
                const long left = next + at.y < end ? taps - column - at.x : 0;
                b_piece[i] = fetch_taps(x, pixel[i], tap[i], (int)min(left, 4L), x_aligned, N, H, W,
                                        C, K, R, S, P, Q, G, stride_h, stride_w, dilation_h,
                                        dilation_w, pad_top, pad_left);
                pixel[i] = advance_pixel(pixel[i], BK, P, Q);
            }
        }
        if (m0 >= first)
            multiply_slice(sums, a_slice[now], b_slice[now], item_x, item_y);
        if (next < end)
            keep_pieces(a_slice[now ^ 1], b_slice[now ^ 1], a_piece, b_piece, item, 1, 1);
    }

    const struct ending ending = {1.0f, 0.0f, 0, ACTIVATION_LINEAR, 0.0f};
#pragma unroll
    for (int i = 0; i < TM; i++)
        if (row + ROW_OF(i, item_y) < kg)
            finish_row(partial + (row + ROW_OF(i, item_y)) * taps, partial, sums[i], item_x, column,
                       taps, is_aligned(partial, taps), ending);
}

/* dw[count] = the sum over z of partial[z][count]. */
__attribute__((reqd_work_group_size(64, 1, 1))) kernel void
conv2d_implicit_gemm_reduce(INPUT(float, partial), OUTPUT(float, dw), long count, int ranges)
{
    AT(const float, partial);
    AT(float, dw);
    const long i = get_global_id(0);
    if (i >= count)
        return;
    float sum = partial[i];
    for (int z = 1; z < ranges; z++)
        sum += partial[z * count + i];
    dw[i] = sum;
}
#endif
