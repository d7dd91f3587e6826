/* The transforms of Winograd's F(m, r) for many work-items (GPU class); the products between them
 * are a batch of matrix products (cl/gemm_gpu.cl). With alpha = m + r - 1, m x m tiles of outputs
 * and alpha x alpha patches of inputs, at each of alpha^2 positions:
 *
 *   forward:              product[tile][K] = image[tile][C] . filter[K][C]^T
 *   gradient to data:     product[tile][C] = image[tile][K] . filter[K][C], from dy, with the
 *                         filter turned by 180 degrees
 *   gradient to filter:   filter[K][C] += gradient[tile][K]^T . image[tile][C]
 *
 *   conv2d_winograd_image:     image = B^T x B          one work-item per tile and channel
 *   conv2d_winograd_gradient:  gradient = A dy A^T      one per tile and filter
 *   conv2d_winograd_filter:    filter = G w G^T         one per element of [K][C/G]
 *   conv2d_winograd_output:    y = f(A^T product A + bias), and with `accumulate` y added to the
 *                              argument of f            one per tile and filter
 *   conv2d_winograd_unfilter:  dw = G^T filter G        one per element of [K][C/G]
 *
 * Every array begins with the position: image[alpha^2][tiles][C], likewise the others. Neighbouring
 * work-items do neighbouring channels. Tiles count through the images (n, down, across); a launch
 * does those from `first_tile` on. Of the tensor that is tiled, N H W C are given, of the one with
 * patches also pads.
 *
 * Local memory: none. Requires: stride 1, dilation 1, R = S = r.
 *
 * Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308, section 4. */
#include "common.cl"
#include "epilogue.cl"
#include "winograd.cl"
#ifndef CLCNN_GPU
#error "conv2d_winograd_gpu.cl is for the GPU class"
#endif

DEFINE_ACTIVATE(float)
DEFINE_WINOGRAD(float)

#define GROUP  64
#define KERNEL __attribute__((reqd_work_group_size(GROUP, 1, 1))) kernel void

/* Tile `tile` of images of `down` x `across` tiles, as (first column, first row, image). */
static inline int3 tile_at(long tile, int down, int across)
{
    const long n = tile / ((long)down * across);
    const int rest = (int)(tile - n * down * across);
    return (int3)(rest % across * TILE, rest / across * TILE, (int)n);
}

/* image[position][u][C] of the tiles first_tile + u, u < tiles. */
KERNEL conv2d_winograd_image(INPUT(stored, x), OUTPUT(float, image), int H, int W, int C, int down,
                             int across, int pad_top, int pad_left, long first_tile, long tiles)
{
    AT(const stored, x);
    AT(float, image);
    const long i = get_global_id(0), u = i / C;
    if (u >= tiles)
        return;
    const int3 at = tile_at(first_tile + u, down, across);
    const int h = at.y - pad_top, w = at.x - pad_left;
    float t[ALPHA][ALPHA], d[ALPHA], v[ALPHA];
    x += (long)at.z * H * W * C + i % C;
    UNROLLED(int b = 0; b < ALPHA; b++)
    {
        UNROLLED(int a = 0; a < ALPHA; a++)
        {
            const bool inside = h + a >= 0 && h + a < H && w + b >= 0 && w + b < W;
            d[a] = inside ? GET_STORED(x, ((long)(h + a) * W + w + b) * C) : 0.0f;
        }
        winograd_input(d, v);
        UNROLLED(int a = 0; a < ALPHA; a++) t[a][b] = v[a];
    }
    UNROLLED(int a = 0; a < ALPHA; a++)
    {
        winograd_input(t[a], v);
        UNROLLED(int b = 0; b < ALPHA; b++) image[(a * ALPHA + b) * tiles * C + i] = v[b];
    }
}

/* gradient[position][u][K]. */
KERNEL conv2d_winograd_gradient(INPUT(float, dy), OUTPUT(float, gradient), int P, int Q, int K,
                                int down, int across, long first_tile, long tiles)
{
    AT(const float, dy);
    AT(float, gradient);
    const long i = get_global_id(0), u = i / K;
    if (u >= tiles)
        return;
    const int3 at = tile_at(first_tile + u, down, across);
    float t[ALPHA][TILE], d[TILE], v[ALPHA];
    dy += (((long)at.z * P + at.y) * Q + at.x) * K + i % K;
    UNROLLED(int b = 0; b < TILE; b++)
    {
        UNROLLED(int a = 0; a < TILE; a++)
        d[a] = at.y + a < P && at.x + b < Q ? dy[((long)a * Q + b) * K] : 0.0f;
        winograd_gradient(d, v);
        UNROLLED(int a = 0; a < ALPHA; a++) t[a][b] = v[a];
    }
    UNROLLED(int a = 0; a < ALPHA; a++)
    {
        winograd_gradient(t[a], v);
        UNROLLED(int b = 0; b < ALPHA; b++) gradient[(a * ALPHA + b) * tiles * K + i] = v[b];
    }
}

/* filter[position][K][depth] of w[K][r][r][depth], `turned` by 180 degrees or not. */
KERNEL conv2d_winograd_filter(INPUT(stored, w), OUTPUT(float, filter), long count, int depth,
                              int turned)
{
    AT(const stored, w);
    AT(float, filter);
    const long i = get_global_id(0);
    if (i >= count)
        return;
    float t[ALPHA][TAPS], d[TAPS], u[ALPHA];
    w += i / depth * TAPS * TAPS * depth + i % depth;
    UNROLLED(int b = 0; b < TAPS; b++)
    {
        UNROLLED(int a = 0; a < TAPS; a++)
        {
            const int tap = a * TAPS + b;
            d[a] = GET_STORED(w, (long)(turned ? TAPS * TAPS - 1 - tap : tap) * depth);
        }
        winograd_filter(d, u);
        UNROLLED(int a = 0; a < ALPHA; a++) t[a][b] = u[a];
    }
    UNROLLED(int a = 0; a < ALPHA; a++)
    {
        winograd_filter(t[a], u);
        UNROLLED(int b = 0; b < ALPHA; b++) filter[(a * ALPHA + b) * count + i] = u[b];
    }
}

/* y of the tiles first_tile + u from product[position][u][K]. */
KERNEL conv2d_winograd_output(INPUT(float, product), INPUT(float, bias), OUTPUT(stored, y),
                              int P, int Q, int K, int down, int across, long first_tile,
                              long tiles, int use_bias, int accumulate, int activation,
                              float alpha)
{
    AT(const float, product);
    AT(const float, bias);
    AT(stored, y);
    const long i = get_global_id(0), u = i / K;
    if (u >= tiles)
        return;
    const int3 at = tile_at(first_tile + u, down, across);
    float t[TILE][ALPHA], d[ALPHA], v[TILE];
    const float shift = use_bias ? bias[i % K] : 0.0f;
    y += (((long)at.z * P + at.y) * Q + at.x) * K + i % K;
    UNROLLED(int b = 0; b < ALPHA; b++)
    {
        UNROLLED(int a = 0; a < ALPHA; a++) d[a] = product[(a * ALPHA + b) * tiles * K + i];
        winograd_output(d, v);
        UNROLLED(int a = 0; a < TILE; a++) t[a][b] = v[a];
    }
    UNROLLED(int a = 0; a < TILE; a++)
    {
        winograd_output(t[a], v);
        UNROLLED(int b = 0; b < TILE; b++)
        {
            global stored *to = y + ((long)a * Q + b) * K;
            if (at.y + a >= P || at.x + b >= Q)
                continue;
            const float before = accumulate ? GET_STORED(to, 0) : 0.0f;
            PUT_STORED(activate_float(v[b] + shift + before, activation, alpha), to, 0);
        }
    }
}

/* dw[K][r][r][depth] of filter[position][K][depth]. */
KERNEL conv2d_winograd_unfilter(INPUT(float, filter), OUTPUT(float, dw), long count, int depth)
{
    AT(const float, filter);
    AT(float, dw);
    const long i = get_global_id(0);
    if (i >= count)
        return;
    float t[TAPS][ALPHA], u[ALPHA], w[TAPS];
    dw += i / depth * TAPS * TAPS * depth + i % depth;
    UNROLLED(int b = 0; b < ALPHA; b++)
    {
        UNROLLED(int a = 0; a < ALPHA; a++) u[a] = filter[(a * ALPHA + b) * count + i];
        winograd_unfilter(u, w);
        UNROLLED(int a = 0; a < TAPS; a++) t[a][b] = w[a];
    }
    UNROLLED(int a = 0; a < TAPS; a++)
    {
        winograd_unfilter(t[a], w);
        UNROLLED(int b = 0; b < TAPS; b++) dw[(long)(a * TAPS + b) * depth] = w[b];
    }
}
