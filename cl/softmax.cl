/* Softmax over any set of dimensions of a view (lib/op/softmax.c):
 *
 *   y[k, i] = exp(x[k, i] - m) / sum_j exp(x[k, j] - m),  m = max_j x[k, j]
 *   logarithm: y[k, i] = x[k, i] - m - log(sum_j exp(x[k, j] - m))
 *
 * which is three passes over the elements inside each k. See fold.cl for what a work-item takes and
 * for local memory. May work in place. */
#include "fold.cl"

KERNEL softmax(INPLACE(const in_t, x), INPLACE(out_t, y), FOLDED, int logarithm)
{
    AT(const in_t, x);
    AT(out_t, y);
    SCRATCH;
    uint lines = lines_of(&inside);
    EACH_START (start) {
        struct place place = place_of(&walk, TILE(start), tile0, tile1);
        EACH_RESULT (place, row, column) {
            int left = place.columns - column;
            __global const in_t *from = x + at(&walk, &place, 0, row, column);
            __global out_t *to = y + at(&walk, &place, 3, row, column);
            values top = fold_inside(FOLD_MAX, TERM_VALUE, from, &inside, STEP(walk, 0, 0), across,
                                     left, (values)0.0f, -INFINITY, EXISTS(start));
            top = total(FOLD_MAX, top, across, scratch);
            values sum = fold_inside(FOLD_SUM, TERM_POWER, from, &inside, STEP(walk, 0, 0), across,
                                     left, top, -INFINITY, EXISTS(start));
            sum = total(FOLD_SUM, sum, across, scratch);
            values scale = 1.0f / sum, less = top + log(sum);
            for (uint line = 0; EXISTS(start) && line < lines; line++) {
                __global const in_t *x_line = from + line_of(&inside, line, 0);
                __global out_t *y_line = to + line_of(&inside, line, 3);
                for (long i = LANE * VW; i < inside.size[0]; i += INSIDE_STEP) {
                    int lanes = LANES_LEFT(i);
                    values v = fetch(x_line + i * STEP(inside, 0, 0), LANE_STRIDE(0), lanes, 0);
                    v = logarithm ? v - less : exp(v - top) * scale;
                    put_values(y_line + i * STEP(inside, 3, 0), LANE_STRIDE(3), lanes, cast(v));
                }
            }
        }
    }
}
