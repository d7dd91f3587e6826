/* Pooling over one to three dimensions of views, and its undoing (lib/op/pool_nd.c):
 *
 *   pool_nd   y[k, o] = max, mean or p-norm over t of x[k, o stride - before + t dilation], as far
 *             as that is inside; k, the batch and the channels, is the walk (operand 0 is x, 3 y,
 *             1 the indices of maxima, 2 begins at 0 and is the index of x[k, 0])
 *   unpool    y[index[i]] = x[i] for each i of the walk (operand 0 is x, 1 the index), where y is
 *             addressed as a row-major tensor of `rank` sizes, the innermost first
 *
 * See walk.cl for dimension 0 of the work-groups, window_nd.cl for the others. No local memory. */
#include "window_nd.cl"

enum pool { MAX, AVERAGE, LP };

/* The elements of a dimension's window o that are inside, or inside the padding. */
static long elements(const struct space *space, int d, long o, bool padding)
{
    long low = padding ? -space->before[d] : 0;
    long high = padding ? space->in[d] + space->after[d] : space->in[d];
    long count = 0;
    for (long t = 0; t < space->size[d]; t++) {
        long h = o * space->stride[d] - space->before[d] + t * space->dilation[d];
        count += h >= low && h < high;
    }
    return count;
}

/* Where tap t of window o lies in dimension d, or -1. */
static long inside(const struct space *space, int d, long o, long t)
{
    long h = o * space->stride[d] - space->before[d] + t * space->dilation[d];
    return h < space->in[d] ? max(h, -1L) : -1;
}

static values take(int mode, float p, values r, values v, int flat, vint *where)
{
    if (mode == AVERAGE)
        return r + v;
    if (mode == LP)
        return r + (p == 2 ? v * v : p == 1 ? fabs(v) : pow(fabs(v), (values)p));
    vint better = (!(v <= r) && r == r) || *where == (vint)-1;
    *where = better ? (vint)flat : *where;
    return better ? v : r;
}

/* The sum, or the maximum and its place (-1 if the window is empty), of a window. */
static values pool_window(__global const in_t *x, const struct space *space, long o0, long o1,
                          long o2, int mode, float p, long lane_stride, int left, vint *where)
{
    values r = mode == MAX ? -INFINITY : 0.0f;
    *where = -1;
    for (long t0 = 0; t0 < space->size[0]; t0++)
        for (long t1 = 0; t1 < space->size[1]; t1++) {
            long h0 = inside(space, 0, o0, t0), h1 = inside(space, 1, o1, t1);
            if (h0 < 0 || h1 < 0)
                continue;
            long from = h0 * space->x_step[0] + h1 * space->x_step[1];
            long flat = h0 * space->flat_step[0] + h1 * space->flat_step[1];
            for (long t2 = 0; t2 < space->size[2]; t2++) {
                long h2 = inside(space, 2, o2, t2);
                if (h2 < 0)
                    continue;
                values v = fetch(x + from + h2 * space->x_step[2], lane_stride, left, 0);
                r = take(mode, p, r, v, flat + h2 * space->flat_step[2], where);
            }
        }
    return r;
}

/* Indices below 0 are those of nothing. */
static void put_indices(__global long *indices, long stride, vint where, long start,
                        long start_step, int left)
{
    union {
        vint vector;
        int lane[VW];
    } found;
    found.vector = where;
    for (int i = 0; i < min(left, VW); i++)
        indices[i * stride] = found.lane[i] < 0 ? -1L : found.lane[i] + start + i * start_step;
}

KERNEL pool_nd(INPUT(in_t, x), OUTPUT(out_t, y), OUTPUT(long, indices), TILED, struct space space,
               int mode, int include_pad, float p)
{
    AT(const in_t, x);
    AT(out_t, y);
    AT(long, indices);
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        EACH_LINE (space, o0, o1)
            EACH_COLUMN (space, o2, 1) {
                long count = elements(&space, 0, o0, include_pad) *
                             elements(&space, 1, o1, include_pad) *
                             elements(&space, 2, o2, include_pad);
                long to = o0 * space.y_step[0] + o1 * space.y_step[1] + o2 * space.y_step[2];
                long index =
                    o0 * space.other_step[0] + o1 * space.other_step[1] + o2 * space.other_step[2];
                EACH_ROW (place, row, column) {
                    int left = place.columns - column;
                    vint where;
                    values r = pool_window(x + at(&walk, &place, 0, row, column), &space, o0, o1,
                                           o2, mode, p, STEP(walk, 0, 0), left, &where);
                    if (mode == AVERAGE)
                        r = count > 0 ? r / (float)count : (values)0.0f;
                    if (mode == LP && p != 1)
                        r = p == 2 ? sqrt(r) : pow(r, (values)(1 / p));
                    put_values(y + to + at(&walk, &place, 3, row, column), STEP(walk, 3, 0), left,
                               cast(r));
                    if (indices)
                        put_indices(indices + index + at(&walk, &place, 1, row, column),
                                    STEP(walk, 1, 0), where, at(&walk, &place, 2, row, column),
                                    STEP(walk, 2, 0), left);
                }
            }
    }
}

struct target {
    long size[RANK], step[RANK], count, rank;
};

KERNEL unpool(INPUT(in_t, x), INPUT(long, indices), OUTPUT(out_t, y), TILED, struct target target)
{
    AT(const in_t, x);
    AT(const long, indices);
    AT(out_t, y);
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        for (int row = 0; row < place.rows; row++)
            for (int column = 0; column < place.columns; column++) {
                long rest = indices[at(&walk, &place, 1, row, column)], to = 0;
                if (rest < 0 || rest >= target.count)
                    continue;
                EACH_LEVEL (d, 0, &target) { /* the innermost first */
                    to += rest % target.size[d] * target.step[d];
                    rest /= target.size[d];
                }
                PUT(GET(x, at(&walk, &place, 0, row, column)), y, to);
            }
    }
}
