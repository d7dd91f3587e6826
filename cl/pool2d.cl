/* 2-D pooling, forward and backward, for x, dx[N][H][W][C] and y, dy[N][P][Q][C] (lib/op/pool2d.c):
 *
 *   y[n][p][q][c] = max or mean of x[n][h][w][c] over the window of (p, q) inside the image:
 *                   p sh - pt <= h < p sh - pt + R,  q sw - pl <= w < q sw - pl + S
 *   max, backward:      dx[n][h][w][c] = f'(x[n][h][w][c]) sum of dy[n][p][q][c]
 *                       over the windows whose first maximum in row order is at (h, w)
 *   average, backward:  dx[n][h][w][c] = f'(x[n][h][w][c]) sum of dy[n][p][q][c] / count(p, q)
 *                       over the windows that (h, w) is in
 *
 * f' belongs to the activation of what made x. A NaN counts as larger than any number. Every sum
 * runs over p, then q, ascending, whatever the work is split into.
 *
 * A work-item owns a part of one tensor, so nothing is written twice:
 *   forward            a part of y
 *   max_backward_cells a part of the cells, into which windows that do not overlap (stride >= size)
 *                      divide the image: a window with the gap to the next one
 *   max_backward_rows  rows of dx; finds again every window that touches them
 *   average_backward   rows of dx
 * On the CPU family that is `chunk` rows of the image by `block` channels, in vectors over
 * channels; on the GPU family one channel of one pixel, cell or row, neighbours taking neighbouring
 * channels.
 *
 * Requires: every window overlaps the image; rows and H W are below 2^31. No local memory. */
#include "gradient.cl"

struct part {
    int row, row_end, column, column_end, channel, channel_end;
};

/* This work-item's part of `rows` x `columns` x `channels`. */
struct part own_part(int rows, int columns, int channels, int chunk, int block)
{
#ifdef CLCNN_CPU
    int row = get_group_id(0) * chunk, channel = get_group_id(1) * block;
    return (struct part){ row, min(row + chunk, rows), 0, columns,
                          channel, min(channel + block, channels) };
#else
    uint group = get_group_id(0), groups_per_row = ((uint)columns * channels + GROUP - 1) / GROUP;
    int row = group / groups_per_row;
    uint item = group % groups_per_row * GROUP + get_local_id(0);
    int column = item / channels, channel = item % channels;
    return (struct part){ row, column < columns ? row + 1 : row, column, column + 1,
                          channel, channel + 1 };
#endif
}

/* The arguments of every kernel. */
#define SHAPE                                                                                      \
    int N, int H, int W, int C, int P, int Q, int R, int S, int sh, int sw, int pt, int pl,        \
        int chunk, int block

/* A window's rows and columns inside the image. */
struct window {
    int top, bottom, left, right;
};

struct window window_at(int p, int q, int H, int W, int R, int S, int sh, int sw, int pt, int pl)
{
    int top = p * sh - pt, left = q * sw - pl;
    return (struct window){ max(top, 0), min(top + R, H), max(left, 0), min(left + S, W) };
}
#define WINDOW(p, q) window_at(p, q, H, W, R, S, sh, sw, pt, pl)

/* The maximum of a window and the pixel h W + w of its first occurrence, for the channels at x,
 * which points to them in the image's first pixel. A vector may read past its channels, but not
 * past the tensor, which has `left` elements from x on. */
vfloat window_maximum(__global const stored *x, long left, struct window window, int W, int C,
                      vint *pixel)
{
    long first = ((long)window.top * W + window.left) * C;
    vfloat best = load(x + first, left - first, 0.0f);
    vint where = window.top * W + window.left;
    for (int h = window.top; h < window.bottom; h++)
        for (int w = window.left; w < window.right; w++) {
            long at = ((long)h * W + w) * C;
            vfloat value = load(x + at, left - at, 0.0f);
            vint better = !(value <= best) && best == best;
            best = better ? value : best;
            where = better ? (vint)(h * W + w) : where;
        }
    *pixel = where;
    return best;
}

KERNEL pool2d_max(INPUT(stored, x), OUTPUT(stored, y), SHAPE)
{
    AT(const stored, x);
    AT(stored, y);
    struct part part = own_part(N * P, Q, C, chunk, block);
    long image = (long)H * W * C;
    for (int row = part.row; row < part.row_end; row++)
        for (int q = part.column; q < part.column_end; q++) {
            struct window window = WINDOW(row % P, q);
            for (int c = part.channel; c < part.channel_end; c += VW) {
                long at = row / P * image + c;
                vint pixel;
                vfloat best = window_maximum(x + at, N * image - at, window, W, C, &pixel);
                store(y + ((long)row * Q + q) * C + c, part.channel_end - c, best);
            }
        }
}

KERNEL pool2d_average(INPUT(stored, x), OUTPUT(stored, y), SHAPE)
{
    AT(const stored, x);
    AT(stored, y);
    struct part part = own_part(N * P, Q, C, chunk, block);
    long image = (long)H * W * C, total = N * image;
    for (int row = part.row; row < part.row_end; row++)
        for (int q = part.column; q < part.column_end; q++) {
            struct window window = WINDOW(row % P, q);
            float scale = 1.0f / ((window.bottom - window.top) * (window.right - window.left));
            for (int c = part.channel; c < part.channel_end; c += VW) {
                vfloat sum = 0.0f;
                for (int h = window.top; h < window.bottom; h++) {
                    vfloat line = 0.0f;
                    for (int w = window.left; w < window.right; w++) {
                        long at = row / P * image + ((long)h * W + w) * C + c;
                        line += load(x + at, total - at, 0.0f);
                    }
                    sum += line;
                }
                store(y + ((long)row * Q + q) * C + c, part.channel_end - c, scale * sum);
            }
        }
}

KERNEL pool2d_max_backward_cells(INPUT(stored, x), INPUT(stored, dy), OUTPUT(stored, dx), SHAPE,
                                 int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, dy);
    AT(stored, dx);
    struct part part = own_part(N * P, Q, C, chunk, block);
    long image = (long)H * W * C;
    for (int row = part.row; row < part.row_end; row++)
        for (int q = part.column; q < part.column_end; q++) {
            int p = row % P;
            struct window window = WINDOW(p, q);
            int top = p == 0 ? 0 : window.top, bottom = p == P - 1 ? H : (p + 1) * sh - pt;
            int left = q == 0 ? 0 : window.left, right = q == Q - 1 ? W : (q + 1) * sw - pl;
            for (int c = part.channel; c < part.channel_end; c += VW) {
                long at = row / P * image + c, from = ((long)row * Q + q) * C + c;
                vint pixel;
                vfloat best = window_maximum(x + at, N * image - at, window, W, C, &pixel);
                vfloat gradient = load(dy + from, (long)N * P * Q * C - from, 0.0f);
                gradient = activate_gradient(activation, alpha, best, gradient);
                for (int h = top; h < bottom; h++)
                    for (int w = left; w < right; w++)
                        store(dx + at + ((long)h * W + w) * C, part.channel_end - c,
                              pixel == (vint)(h * W + w) ? gradient : (vfloat)0.0f);
            }
        }
}

/* The first and the last window, of `count`, that pixel h of a dimension is in. */
int first_window(int h, int size, int stride, int pad)
{
    return max(h + pad - size + stride, 0) / stride;
}
int last_window(int h, int stride, int pad, int count)
{
    return min((h + pad) / stride, count - 1);
}

KERNEL pool2d_max_backward_rows(INPUT(stored, x), INPUT(stored, dy), OUTPUT(stored, dx), SHAPE,
                                int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, dy);
    AT(stored, dx);
    struct part part = own_part(N * H, 1, C, chunk, block);
    long image = (long)H * W * C;
    for (int row = part.row, next; row < part.row_end; row = next) {
        int n = row / H, top = row % H, bottom = min(H, top + part.row_end - row);
        next = row + bottom - top;
        for (int c = part.channel; c < part.channel_end; c += VW) {
            long at = n * image + c;
            int lanes = min(part.channel_end - c, VW);
            for (int pixel = top * W; pixel < bottom * W; pixel++)
                store(dx + at + (long)pixel * C, lanes, 0.0f);
            for (int p = first_window(top, R, sh, pt); p <= last_window(bottom - 1, sh, pt, P); p++)
                for (int q = 0; q < Q; q++) {
                    struct window window = WINDOW(p, q);
                    vint pixel;
                    vfloat best = window_maximum(x + at, N * image - at, window, W, C, &pixel);
                    long from = (((long)n * P + p) * Q + q) * C + c;
                    vfloat gradient = load(dy + from, lanes, 0.0f);
                    gradient = activate_gradient(activation, alpha, best, gradient);
                    for (int h = max(window.top, top); h < min(window.bottom, bottom); h++)
                        for (int w = window.left; w < window.right; w++) {
                            __global stored *to = dx + at + ((long)h * W + w) * C;
                            vfloat share = pixel == (vint)(h * W + w) ? gradient : (vfloat)0.0f;
                            store(to, lanes, load(to, lanes, 0.0f) + share);
                        }
                }
        }
    }
}

/* x is NULL if the activation is linear. */
KERNEL pool2d_average_backward(INPUT(stored, x), INPUT(stored, dy), OUTPUT(stored, dx), SHAPE,
                               int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, dy);
    AT(stored, dx);
    struct part part = own_part(N * H, W, C, chunk, block);
    for (int row = part.row; row < part.row_end; row++)
        for (int w = part.column; w < part.column_end; w++) {
            int n = row / H, h = row % H;
            for (int c = part.channel; c < part.channel_end; c += VW) {
                int lanes = min(part.channel_end - c, VW);
                vfloat sum = 0.0f;
                for (int p = first_window(h, R, sh, pt); p <= last_window(h, sh, pt, P); p++)
                    for (int q = first_window(w, S, sw, pl); q <= last_window(w, sw, pl, Q); q++) {
                        struct window window = WINDOW(p, q);
                        int count = (window.bottom - window.top) * (window.right - window.left);
                        long from = (((long)n * P + p) * Q + q) * C + c;
                        sum += (1.0f / count) * load(dy + from, lanes, 0.0f);
                    }
                long at = ((long)row * W + w) * C + c;
                vfloat value = x ? load(x + at, lanes, 0.0f) : (vfloat)0.0f;
                store(dx + at, lanes, activate_gradient(activation, alpha, value, sum));
            }
        }
}
