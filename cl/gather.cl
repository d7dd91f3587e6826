/* Gathering over views (lib/op/gather.c): operand 0 of the walk is x, which stands still along the
 * axis, operand 1 the index, operand 3 y:
 *
 *   for i0, i1, ...:  y[...] = x[sum_d i_d x_stride[d] + at(index[...]) axis_stride]
 *
 * at(j) = j, or j + axis if j < 0, limited to 0 .. axis - 1. See walk.cl for what a work-item
 * takes. No local memory. */
#include "typed.cl"
#include "walk.cl"

#ifndef INDEX
#define INDEX INT32
#endif
#if INDEX == INT32
typedef int index_t;
#elif INDEX == INT64
typedef long index_t;
#else
#error "INDEX must be INT32 or INT64"
#endif

static long inside_axis(long j, long axis)
{
    return clamp(j < 0 ? j + axis : j, 0L, axis - 1);
}

KERNEL gather(INPUT(in_t, x), INPUT(index_t, index), OUTPUT(out_t, y), TILED, long axis,
              long axis_stride)
{
    AT(const in_t, x);
    AT(const index_t, index);
    AT(out_t, y);
    long x_stride = STEP(walk, 0, 0), index_stride = STEP(walk, 1, 0);
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        EACH_ROW (place, row, column) {
            int left = place.columns - column;
            __global const in_t *from = x + at(&walk, &place, 0, row, column);
            __global const index_t *which = index + at(&walk, &place, 1, row, column);
            values v;
            if (index_stride == 0) { /* one slice */
                v = fetch(from + inside_axis(which[0], axis) * axis_stride, x_stride, left, 0);
            } else {
                union value_lanes part;
                for (int i = 0; i < VW; i++) {
                    int lane = min(i, left - 1);
                    long j = inside_axis(which[lane * index_stride], axis);
                    part.lane[i] = GET(from, lane * x_stride + j * axis_stride);
                }
                v = part.vector;
            }
            put_values(y + at(&walk, &place, 3, row, column), STEP(walk, 3, 0), left, cast(v));
        }
    }
}
