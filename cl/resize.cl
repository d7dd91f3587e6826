/* Interpolation over views (lib/op/resize.c): for each element k of the dimensions that are not
 * resized (the walk; operand 0 is x, operand 3 is y) and each o = (o0, o1, o2) of those that are,
 *
 *   y[k, o] = sum over t0, t1, t2 of w0[o0][t0] w1[o1][t1] w2[o2][t2]
 *             x[k, i0[o0][t0], i1[o1][t1], i2[o2][t2]]
 *
 * `index` and `weight` are the tables of the three dimensions one behind the other, out[d] taps[d]
 * numbers each; an index below 0 makes y[k, o] = extrapolation.
 *
 * Work-groups: dimension 0 takes the walk (see walk.cl), dimension 1 the rows (o0, o1), one after
 * another if there are fewer work-groups, dimension 2 likewise the columns o2. No local memory. */
#include "typed.cl"
#include "walk.cl"

#define SPACE 3

struct resized {
    long out[SPACE], taps[SPACE], x_stride[SPACE], y_stride[SPACE];
};

KERNEL resize(INPUT(in_t, x), INPUT(int, index), INPUT(float, weight), OUTPUT(out_t, y), TILED,
              struct resized by, float extrapolation)
{
    AT(const in_t, x);
    AT(const int, index);
    AT(const float, weight);
    AT(out_t, y);
    long second = by.out[0] * by.taps[0], third = second + by.out[1] * by.taps[1];
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        for (long o01 = get_group_id(1); o01 < by.out[0] * by.out[1]; o01 += get_num_groups(1))
            for (long o2 = get_group_id(2); o2 < by.out[2]; o2 += get_num_groups(2)) {
                long o0 = o01 / by.out[1], o1 = o01 % by.out[1];
                long first0 = o0 * by.taps[0], first1 = second + o1 * by.taps[1];
                long first2 = third + o2 * by.taps[2];
                bool outside = index[first0] < 0 || index[first1] < 0 || index[first2] < 0;
                long to = o0 * by.y_stride[0] + o1 * by.y_stride[1] + o2 * by.y_stride[2];
                EACH_ROW (place, row, column) {
                    int left = place.columns - column;
                    __global const in_t *from = x + at(&walk, &place, 0, row, column);
                    values sum = outside ? extrapolation : 0.0f;
                    for (int t0 = 0; t0 < by.taps[0] && !outside; t0++)
                        for (int t1 = 0; t1 < by.taps[1]; t1++)
                            for (int t2 = 0; t2 < by.taps[2]; t2++) {
                                float w =
                                    weight[first0 + t0] * weight[first1 + t1] * weight[first2 + t2];
                                long i = index[first0 + t0] * by.x_stride[0] +
                                         index[first1 + t1] * by.x_stride[1] +
                                         index[first2 + t2] * by.x_stride[2];
                                if (w != 0.0f) /* what has no weight may be infinite */
                                    sum += w * fetch(from + i, STEP(walk, 0, 0), left, 0);
                            }
                    put_values(y + to + at(&walk, &place, 3, row, column), STEP(walk, 3, 0), left,
                               cast(sum));
                }
            }
    }
}
