/* Convolution over one to three dimensions of views, and its transpose (lib/op/conv_nd.c):
 *
 *   y[n][k][o] = b[k] + sum_{c < C/G, t} x[n][g C/G + c][h(o, t)] w[...]
 *   h(o, t) = o stride - before + t dilation;  transposed: (o + before - t dilation) / stride
 *
 * where h is whole and inside. The steps of w are given for k and c inside their group, and for the
 * group. It is the serial loop over n, k, o, t, c; a work-item takes FILTERS = VW filters (the GPU
 * family one) by COLUMNS neighbours in o2, whose sums are in registers. Dimension 0 of the
 * work-groups takes (n, g, block of filters), see window_nd.cl for the others. No local memory. */
#include "window_nd.cl"

#ifndef COLUMNS
#define COLUMNS 4
#endif

#define NOWHERE LONG_MIN /* a column whose tap is outside x */

struct steps {
    long x_n, x_c, w_k, w_c, w_g, b_k, y_n, y_k;
    long batch, groups, filters, channels; /* of a group */
};

/* h(o, t) in dimension d, or -1. */
static long source(const struct space *space, int d, long o, long t, int transposed)
{
    long h;
    if (transposed) {
        h = o + space->before[d] - t * space->dilation[d];
        if (h < 0 || h % space->stride[d] != 0)
            return -1;
        h /= space->stride[d];
    } else {
        h = o * space->stride[d] - space->before[d] + t * space->dilation[d];
    }
    return h >= 0 && h < space->in[d] ? h : -1;
}

KERNEL conv_nd(INPUT(in_t, x), INPUT(in_t, w), INPUT(in_t, b), OUTPUT(out_t, y), struct space space,
               struct steps steps, int transposed)
{
    AT(const in_t, x);
    AT(const in_t, w);
    AT(const in_t, b);
    AT(out_t, y);
    long blocks = (steps.filters + VW - 1) / VW, item = get_global_id(0);
    if (item >= steps.batch * steps.groups * blocks)
        return;
    long k = item % blocks * VW, g = item / blocks % steps.groups;
    long n = item / blocks / steps.groups;
    int left = steps.filters - k;
    __global const in_t *image = x + n * steps.x_n + g * steps.channels * steps.x_c;
    __global const in_t *filters = w + g * steps.w_g + k * steps.w_k;
    __global out_t *result = y + n * steps.y_n + (g * steps.filters + k) * steps.y_k;
    values bias = 0.0f;
    if (b)
        bias = fetch(b + (g * steps.filters + k) * steps.b_k, steps.b_k, left, 0);
    EACH_LINE (space, o0, o1)
        EACH_COLUMN (space, o2, COLUMNS) {
            values sum[COLUMNS];
            for (int j = 0; j < COLUMNS; j++)
                sum[j] = bias;
            for (long t0 = 0; t0 < space.size[0]; t0++)
                for (long t1 = 0; t1 < space.size[1]; t1++) {
                    long h0 = source(&space, 0, o0, t0, transposed);
                    long h1 = source(&space, 1, o1, t1, transposed);
                    if (h0 < 0 || h1 < 0)
                        continue;
                    __global const in_t *line = image + h0 * space.x_step[0] + h1 * space.x_step[1];
                    for (long t2 = 0; t2 < space.size[2]; t2++) {
                        __global const in_t *tap = filters + t0 * space.other_step[0] +
                                                   t1 * space.other_step[1] +
                                                   t2 * space.other_step[2];
                        long from[COLUMNS];
                        bool some = false;
                        for (int j = 0; j < COLUMNS; j++) {
                            long h2 = o2 + j < space.out[2]
                                          ? source(&space, 2, o2 + j, t2, transposed)
                                          : -1;
                            from[j] = h2 < 0 ? NOWHERE : h2 * space.x_step[2];
                            some = some || h2 >= 0;
                        }
                        if (!some)
                            continue;
                        for (long c = 0; c < steps.channels; c++) {
                            values weight = fetch(tap + c * steps.w_c, steps.w_k, left, 0);
                            for (int j = 0; j < COLUMNS; j++)
                                if (from[j] != NOWHERE)
                                    sum[j] += GET(line, from[j] + c * steps.x_c) * weight;
                        }
                    }
                }
            for (int j = 0; j < COLUMNS && o2 + j < space.out[2]; j++)
                put_values(result + o0 * space.y_step[0] + o1 * space.y_step[1] +
                               (o2 + j) * space.y_step[2],
                           steps.y_k, left, cast(sum[j]));
        }
}
