/* The gradient to the filter as outer products of the tensors as they are (CPU class: one work-item
 * with long vectors): nothing is gathered, turned or packed, and what lies in the padding is not
 * multiplied.
 *
 *   dw[k][r][s][c] = sum n, p, q: dy[n][p][q][k] x[n][p stride_h - pad_top + r dilation_h][..][c]
 *   db[k] = sum n, p, q: dy[n][p][q][k]
 *
 * A panel is NR channels of one tap (r, s), a tile MR filters; the last ones of a group overlap the
 * ones before. Group (i, z, g) sums the output rows (n, p) of range z, rows_per_range of them, for
 * panels_each panels and tiles_each tiles of group g of the convolution:
 *
 *   for its rows, rows_each at a time:
 *     for each panel: for each tile:
 *       for the rows and q whose pixel of the panel's tap is inside the image:
 *         MR x NR sums in registers += dy[k ..]^T x[c ..]
 *       dw[tile][panel] += sums
 *
 * Range 0 sums into dw and db, range z > 0 into partial[z - 1], K (R S C/G + 1) floats each, which
 * conv2d_filter_in_place_add adds to them in order.
 *
 * Local memory: none. Requires: C/G >= NR, a multiple of LANES; K/G >= MR.
 *
 * Zhang, Franchetti, Low, "High Performance Zero-Memory Overhead Direct Convolutions", ICML 2018,
 * section 3. */
#define FACTORS_IN global
#include "conv2d_shape.cl"
#include "outer_products.cl"

/* Pixels of a tap that are asked for ahead. */
#define AHEAD 8

/* The pixels of one tap: `rows` rows of `count` of them. */
struct pixels {
    long rows;
    long n;                     /* of the first row */
    int p, P, H, stride_h, top; /* its p; output row p meets image row p stride_h + top */
    int count;
    long dy_row, x_row, dy_step, x_step; /* floats between two rows and between two pixels */
};

/* to[MR][NR] = the sums of all pixels, added to what it holds unless it is `fresh`: rows from
 * first_row on, columns from first_column on. x and dy: what row 0 and pixel 0 begin with.
 * Meanwhile memory from `ahead` on is asked for, `step` floats with every pixel. */
static inline void add_pixels(global float *to, long pitch, int first_row, int first_column,
                              global const float *x, global const float *dy, struct pixels of,
                              int fresh, global const float *ahead, int step)
{
    vec sum[MR][NV];
    long n = of.n;
    int p = of.p;
    EACH_SUM sum[i][j] = (vec)0.0f;
    for (long row = 0; row < of.rows; row++) {
        const int h = p * of.stride_h + of.top;
        global const float *a = dy + row * of.dy_row;
        global const float *b = x + (n * of.H + h) * of.x_row;
        const int count = h >= 0 && h < of.H ? of.count : 0;
        for (int u = 0; u < count; u++, a += of.dy_step, b += of.x_step, ahead += step) {
            vec factor[NV];
            PREFETCH_FAR(ahead);
            PREFETCH(a + AHEAD * of.dy_step);
#pragma unroll
            for (int j = 0; j < NV; j++) {
                PREFETCH(b + AHEAD * of.x_step + j * LANES);
                factor[j] = LOAD(b + j * LANES);
            }
#pragma unroll
            for (int i = 0; i < MR; i++) {
                const vec value = (vec)a[i];
#pragma unroll
                for (int j = 0; j < NV; j++)
                    sum[i][j] = fma(value, factor[j], sum[i][j]);
            }
        }
        p++;
        if (p == of.P) {
            p = 0;
            n++;
        }
    }
    if (!fresh)
        EACH_SUM sum[i][j] += LOAD(to + i * pitch + j * LANES);
    if (first_row == 0 && first_column == 0) {
        EACH_SUM STORE(sum[i][j], to + i * pitch + j * LANES);
        return;
    }
    EACH_SUM
    {
        if (i >= first_row && j * LANES >= first_column)
            STORE(sum[i][j], to + i * pitch + j * LANES);
    }
}

/* db[filters] = the sums of dy[count][K], added to what it holds unless it is `fresh`. */
static inline void add_gradients(global float *db, global const float *dy, int K, long count,
                                 int filters, int fresh)
{
    for (int k = 0; k < filters; k += LANES) {
        vec sum = fresh ? (vec)0.0f : load_some(db + k, filters - k);
        for (long u = 0; u < count; u++)
            sum += load_some(dy + u * K + k, filters - k);
        store_some(sum, db + k, filters - k);
    }
}

/* Outputs of a row whose pixel of a tap is inside the image: from *first on, this many. */
static inline int inside(int offset, int stride, int W, int Q, int *first)
{
    *first = offset < 0 ? (-offset + stride - 1) / stride : 0;
    return offset < W ? min(Q, (W - 1 - offset) / stride + 1) - *first : 0;
}

/* What the next rows of outputs will read, to be asked for while these are multiplied: `floats` in
 * all, of dy first. */
struct ahead {
    global const float *dy, *x;
    long dy_floats, floats;
};

static inline struct ahead look_ahead(global const float *x, global const float *dy, long row,
                                      long rows, SHAPE)
{
    const long n = row / P, h = row % P * stride_h;
    const long left = clamp((long)N * P - row, 0L, rows);
    struct ahead ahead = {dy + row * Q * K, x + (n * H + h) * W * C, left * Q * K,
                          left * (Q * K + stride_h * W * C)};
    return ahead;
}

KERNEL conv2d_filter_in_place(INPUT(float, x), INPUT(float, dy), OUTPUT(float, dw),
                              OUTPUT(float, db), OUTPUT(float, partial), SHAPE, int tiles_each,
                              int panels_each, int rows_each, long rows_per_range, int with_bias)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, dw);
    AT(float, db);
    AT(float, partial);
    const int g = get_group_id(2), cg = C / G, kg = K / G, taps = R * S * cg;
    const int tiles = (kg + MR - 1) / MR, panels = (cg + NR - 1) / NR; /* of a tap */
    const int shares = (tiles + tiles_each - 1) / tiles_each, share = get_group_id(0) % shares;
    const int tile0 = share * tiles_each, tile1 = min(tiles, tile0 + tiles_each);
    const int panel0 = get_group_id(0) / shares * panels_each;
    const int panel1 = min(R * S * panels, panel0 + panels_each);
    const long first = get_group_id(1) * rows_per_range, z = get_group_id(1);
    const long end = min((long)N * P, first + rows_per_range);
    if (z > 0) {
        dw = partial + (z - 1) * K * (taps + 1);
        db = dw + (long)K * taps;
    }
    x += g * cg;
    dy += g * kg;
    for (long row = first; row < end; row += rows_each) {
        const long row1 = min(end, row + rows_each);
        const struct ahead ahead = look_ahead(x, dy, row1, rows_each, N, H, W, C, K, R, S, P, Q, G,
                                              stride_h, stride_w, dilation_h, dilation_w, pad_top,
                                              pad_left);
        long asked = 0;
        const long n = row / P;
        const int p = (int)(row - n * P);
        for (int tile = tile0; tile < tile1; tile++) {
            const int k = min(tile * MR, kg - MR);
            for (int panel = panel0, next; panel < panel1; panel = next) {
                const int tap = panel / panels, r = tap / S, s = tap - r * S;
                const int left = s * dilation_w - pad_left;
                int q;
                const int count = inside(left, stride_w, W, Q, &q);
                const struct pixels of = {row1 - row, n, p, P, H, stride_h,
                                          r * dilation_h - pad_top, count, (long)Q * K,
                                          (long)W * C, K, stride_w * C};
                global const float *a = dy + (row * Q + q) * K + k;
                global const float *b = x + (q * stride_w + left) * C;
                global float *to = dw + ((long)(g * kg + k) * R * S + tap) * cg;
                next = min(panel1, (tap + 1) * panels);
                for (int at = (panel - tap * panels) * NR; panel < next; panel++, at += NR) {
                    const int c = min(at, cg - NR);
                    add_pixels(to + c, taps, tile * MR - k, at - c, b + c, a, of, row == first,
                               asked < ahead.dy_floats ? ahead.dy + asked
                                                       : ahead.x + (asked - ahead.dy_floats),
                               asked < ahead.floats ? LINE : 0);
                    asked += (row1 - row) * count * LINE;
                }
            }
        }
        if (with_bias && panel0 == 0)
            add_gradients(db + g * kg + tile0 * MR, dy + row * Q * K + tile0 * MR, K,
                          (row1 - row) * Q, min(kg, tile1 * MR) - tile0 * MR, row == first);
    }
}

/* dw and db += the partial sums of `ranges` ranges, in order. Group i does FLOATS floats. */
#define FLOATS 4096
KERNEL conv2d_filter_in_place_add(INPUT(float, partial), OUTPUT(float, dw), OUTPUT(float, db),
                                  long count, int K, int ranges, int with_bias)
{
    AT(const float, partial);
    AT(float, dw);
    AT(float, db);
    const long first = get_group_id(0) * (long)FLOATS, end = min(count, first + FLOATS);
    for (long i = first; i < end; i += LANES) {
        const int left = (int)min((long)LANES, end - i);
        vec sum = load_some(dw + i, left);
        for (int z = 0; z < ranges; z++)
            sum += load_some(partial + z * (count + K) + i, left);
        store_some(sum, dw + i, left);
    }
    for (int k = 0; k < K && with_bias && first == 0; k++)
        for (int z = 0; z < ranges; z++)
            db[k] += partial[z * (count + K) + count + k];
}
