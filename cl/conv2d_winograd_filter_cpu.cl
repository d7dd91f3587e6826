/* The gradient to the filter by Winograd's F(m, r) (CPU class: one work-item with long vectors). It
 * is the adjoint of the forward pass, with the same matrices:
 *
 *   dw = G^T [ sum over tiles: (A dy A^T) . (B^T x B) ] G
 *
 * for every filter and channel, with m x m tiles of dy, alpha x alpha patches of x, alpha being
 * m + r - 1, and "." element by element. Over `tiles` tiles at a time, at each of alpha^2
 * positions,
 *
 *   image[panel][position][tile][NR]      B^T x B, NR channels to a panel
 *   gradient[row][position][tile][MP]     A dy A^T, MR filters to a row, the lanes behind undefined
 *   sums[row][panel][MR][position][NR] += sum over tiles: gradient^T image
 *
 * conv2d_winograd_filter_transform: group (i, j) does RUN tiles of panel j, or, after the last
 * panel, of a row. conv2d_winograd_filter_multiply: group (i, j) takes the items from i items_each
 * on, at the positions from j positions_each on; an item is rows_each rows of one panel. With
 * `finish`, it turns the sums to dw at once, and their memory is reused: group i needs
 * rows_each alpha^2 MR NR floats. conv2d_winograd_filter_finish: group (row, panel).
 *
 * Panels and rows are counted through all groups of the convolution.
 *
 * Local memory: none. Requires: stride 1, dilation 1, R = S = r.
 *
 * Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308, section 4;
 * the adjoint: Winograd, "Arithmetic Complexity of Computations", SIAM 1980, chapter IV. */
#define FACTORS_IN global
#include "conv2d_shape.cl"
#include "outer_products.cl"
#include "winograd.cl"

DEFINE_WINOGRAD(vec)

enum { POSITIONS = ALPHA * ALPHA, RUN = 8, DEPTH = 192 };

/* B^T x B of the patch whose first pixel is (h, w), for LANES of `count` channels from `image` on;
 * position p goes to to[p step]. */
static inline void transform_image(global float *to, long step, global const float *image, int h,
                                   int w, int count, int H, int W, int C)
{
    vec t[ALPHA][ALPHA], d[ALPHA], v[ALPHA];
    const bool inside =
        h >= 0 && h + ALPHA <= H && w >= 0 && w + ALPHA <= W && count >= LANES;
    image += ((long)h * W + w) * C;
    for (int j = 0; j < ALPHA; j++) {
        for (int i = 0; i < ALPHA; i++) {
            global const float *from = image + ((long)i * W + j) * C;
            if (inside)
                d[i] = LOAD(from);
            else if (h + i >= 0 && h + i < H && w + j >= 0 && w + j < W)
                d[i] = load_some(from, count);
            else
                d[i] = (vec)0.0f;
        }
        winograd_input(d, v);
        UNROLLED(int i = 0; i < ALPHA; i++) t[i][j] = v[i];
    }
    for (int i = 0; i < ALPHA; i++) {
        winograd_input(t[i], v);
        UNROLLED(int j = 0; j < ALPHA; j++) STORE(v[j], to + (i * ALPHA + j) * step);
    }
}

/* A dy A^T of the tile whose first pixel is (p, q), likewise. */
static inline void transform_gradient(global float *to, long step, global const float *dy, int p,
                                      int q, int count, int P, int Q, int K)
{
    vec t[ALPHA][TILE], d[TILE], v[ALPHA];
    const bool inside = p + TILE <= P && q + TILE <= Q && count >= LANES;
    dy += ((long)p * Q + q) * K;
    for (int j = 0; j < TILE; j++) {
        for (int i = 0; i < TILE; i++) {
            global const float *from = dy + ((long)i * Q + j) * K;
            if (inside)
                d[i] = LOAD(from);
            else if (p + i < P && q + j < Q)
                d[i] = load_some(from, count);
            else
                d[i] = (vec)0.0f;
        }
        winograd_gradient(d, v);
        UNROLLED(int i = 0; i < ALPHA; i++) t[i][j] = v[i];
    }
    for (int i = 0; i < ALPHA; i++) {
        winograd_gradient(t[i], v);
        UNROLLED(int j = 0; j < ALPHA; j++) STORE(v[j], to + (i * ALPHA + j) * step);
    }
}

KERNEL conv2d_winograd_filter_transform(INPUT(float, x), INPUT(float, dy), OUTPUT(float, image),
                                        OUTPUT(float, gradient), int N, int H, int W, int C, int K,
                                        int P, int Q, int G, int pad_top, int pad_left,
                                        long first_tile, int tiles)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, image);
    AT(float, gradient);
    const int cg = C / G, kg = K / G, across = (Q + TILE - 1) / TILE, down = (P + TILE - 1) / TILE;
    const int panels = (cg + NR - 1) / NR, rows = (kg + MR - 1) / MR;
    const int begin = get_group_id(0) * RUN, end = min(tiles, begin + RUN);
    const int j = get_group_id(1), row = j - panels * G;
    for (int u = begin; u < end; u++) {
        const long tile = first_tile + u, n = tile / across / down;
        const int p = tile / across % down * TILE, q = tile % across * TILE;
        if (row < 0) {
            const int c = j % panels * NR, first = j / panels * cg + c;
            for (int i = 0; i < NR; i += LANES)
                transform_image(image + ((long)j * POSITIONS * tiles + u) * NR + i,
                                (long)tiles * NR, x + n * H * W * C + first + i, p - pad_top,
                                q - pad_left, cg - c - i, H, W, C);
        } else {
            const int k = row / rows * kg + row % rows * MR;
            for (int i = 0; i < MP; i += LANES)
                transform_gradient(gradient + ((long)row * POSITIONS * tiles + u) * MP + i,
                                   (long)tiles * MP, dy + n * P * Q * K + k + i, p, q, K - k - i, P,
                                   Q, K);
        }
    }
}

/* dw = G^T sums G of one row and panel, whose first filter and channel of dw are given. */
static inline void finish_sums(global const float *sums, global float *dw, int filters,
                               int channels, int depth)
{
    vec t[TAPS][ALPHA], u[ALPHA], w[TAPS];
    for (int k = 0; k < filters; k++) {
        for (int c = 0; c < NR && c < channels; c += LANES) {
            for (int i = 0; i < TAPS * TAPS; i++)
                PREFETCH(dw + (long)((k + 1) * TAPS * TAPS + i) * depth + c);
            for (int j = 0; j < ALPHA; j++) {
                UNROLLED(int i = 0; i < ALPHA; i++)
                    u[i] = LOAD(sums + (k * POSITIONS + i * ALPHA + j) * NR + c);
                winograd_unfilter(u, w);
                UNROLLED(int i = 0; i < TAPS; i++) t[i][j] = w[i];
            }
            for (int i = 0; i < TAPS; i++) {
                winograd_unfilter(t[i], w);
                for (int j = 0; j < TAPS; j++)
                    store_some(w[j], dw + ((long)k * TAPS * TAPS + i * TAPS + j) * depth + c,
                               channels - c);
            }
        }
    }
}

KERNEL conv2d_winograd_filter_multiply(INPUT(float, image), INPUT(float, gradient),
                                       OUTPUT(float, sums), OUTPUT(float, dw), int C, int K, int G,
                                       int tiles, int rows_each, int items_each, int positions_each,
                                       int panels_inside, int fresh, int finish)
{
    AT(const float, image);
    AT(const float, gradient);
    AT(float, sums);
    AT(float, dw);
    const int cg = C / G, kg = K / G, panels = (cg + NR - 1) / NR, rows = (kg + MR - 1) / MR;
    const int shares = (rows + rows_each - 1) / rows_each; /* of a panel */
    const int first = get_group_id(0) * items_each;
    const int begin = get_group_id(1) * positions_each;
    const int end = min((int)POSITIONS, begin + positions_each);
    const int depth = (tiles + (tiles + DEPTH - 1) / DEPTH - 1) / ((tiles + DEPTH - 1) / DEPTH);
    const long size = (long)POSITIONS * MR * NR;
    for (int item = first; item < min(first + items_each, G * panels * shares); item++) {
        const int g = item / (panels * shares), i = item % (panels * shares);
        const int panel = g * panels + (panels_inside ? i % panels : i / shares);
        const int row0 = (panels_inside ? i / panels : i % shares) * rows_each;
        const int row1 = min(rows, row0 + rows_each);
        global float *to = sums + (finish ? (long)get_group_id(0) * rows_each
                                          : (long)panel * rows + row0) * size;
        for (int p = begin; p < end; p++) {
            for (int u = 0; u < tiles; u += depth) {
                global const float *b = image + (((long)panel * POSITIONS + p) * tiles + u) * NR;
                for (int row = row0; row < row1; row++) {
                    global const float *a =
                        gradient + (((long)(g * rows + row) * POSITIONS + p) * tiles + u) * MP;
                    add_outer_products(to + (row - row0) * size + p * NR, POSITIONS * NR, MR, NR, a,
                                       b, min(depth, tiles - u), fresh && u == 0,
                                       a + (long)POSITIONS * tiles * MP);
                }
            }
        }
        for (int row = row0; row < row1 && finish; row++)
            finish_sums(to + (row - row0) * size,
                        dw + (long)(g * kg + row * MR) * TAPS * TAPS * cg + panel % panels * NR,
                        min(MR, kg - row * MR), cg - panel % panels * NR, cg);
    }
}

KERNEL conv2d_winograd_filter_finish(INPUT(float, sums), OUTPUT(float, dw), int C, int K, int G)
{
    AT(const float, sums);
    AT(float, dw);
    const int cg = C / G, kg = K / G, panels = (cg + NR - 1) / NR, rows = (kg + MR - 1) / MR;
    const int row = get_group_id(0), panel = get_group_id(1), c = panel % panels * NR;
    finish_sums(sums + ((long)panel * rows + row) * POSITIONS * MR * NR,
                dw + (long)(panel / panels * kg + row * MR) * TAPS * TAPS * cg + c,
                min(MR, kg - row * MR), cg - c, cg);
}
