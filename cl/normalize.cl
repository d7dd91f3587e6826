/* Normalisation over views (lib/op/normalize.c):
 *
 *   own      y[k, i] = (x[k, i] - mean_k) / sqrt(variance_k + epsilon) scale + bias, with the
 *            mean and the variance of x[k, .] itself
 *   batch    the same with a given mean and variance, where i is one element
 *   local    y[k, c] = x[k, c] (b + a sum_j x[k, j]^2)^-beta,
 *            max(0, c - before) <= j <= min(C - 1, c + after)
 *
 * own is three passes over the elements inside each k: mean, variance around it, result. See
 * fold.cl for what a work-item takes and for local memory. batch, local: see walk.cl; no local
 * memory; local sums each window anew. own and batch may work in place. */
#include "fold.cl"

KERNEL normalize_own(INPLACE(const in_t, x), INPUT(in_t, scale), INPUT(in_t, bias),
                     INPLACE(out_t, y), FOLDED, long count, float epsilon)
{
    AT(const in_t, x);
    AT(const in_t, scale);
    AT(const in_t, bias);
    AT(out_t, y);
    SCRATCH;
    uint lines = lines_of(&inside);
    EACH_START (start) {
        struct place place = place_of(&walk, TILE(start), tile0, tile1);
        EACH_RESULT (place, row, column) {
            int left = place.columns - column;
            long here[OPERANDS];
            for (int k = 0; k < OPERANDS; k++)
                here[k] = at(&walk, &place, k, row, column);
            values sum = fold_inside(FOLD_SUM, TERM_VALUE, x + here[0], &inside, STEP(walk, 0, 0),
                                     across, left, (values)0.0f, 0.0f, EXISTS(start));
            values mean = total(FOLD_SUM, sum, across, scratch) / (float)count;
            /* The lanes that do not exist are at the mean, which is the same in all lanes. */
            union value_lanes fill;
            fill.vector = mean;
            sum = fold_inside(FOLD_SUM, TERM_SQUARE, x + here[0], &inside, STEP(walk, 0, 0), across,
                              left, mean, fill.lane[0], EXISTS(start));
            values variance = total(FOLD_SUM, sum, across, scratch) / (float)count;
            values inverse = 1.0f / sqrt(variance + epsilon);
            for (uint line = 0; EXISTS(start) && line < lines; line++) {
                long first[OPERANDS];
                for (int k = 0; k < OPERANDS; k++)
                    first[k] = here[k] + line_of(&inside, line, k);
                for (long i = LANE * VW; i < inside.size[0]; i += INSIDE_STEP) {
                    int lanes = LANES_LEFT(i);
                    values v =
                        fetch(x + first[0] + i * STEP(inside, 0, 0), LANE_STRIDE(0), lanes, 0);
                    values factor = inverse, addend = 0.0f;
                    if (scale)
                        factor *= fetch(scale + first[1] + i * STEP(inside, 1, 0), LANE_STRIDE(1),
                                        lanes, 0);
                    if (bias)
                        addend = fetch(bias + first[2] + i * STEP(inside, 2, 0), LANE_STRIDE(2),
                                       lanes, 0);
                    put_values(y + first[3] + i * STEP(inside, 3, 0), LANE_STRIDE(3), lanes,
                               cast((v - mean) * factor + addend));
                }
            }
        }
    }
}

/* The four vectors have the strides of operand 1. */
KERNEL normalize_batch(INPLACE(const in_t, x), INPUT(in_t, scale), INPUT(in_t, bias),
                       INPUT(in_t, mean), INPUT(in_t, variance), INPLACE(out_t, y), TILED,
                       float epsilon)
{
    AT(const in_t, x);
    AT(const in_t, scale);
    AT(const in_t, bias);
    AT(const in_t, mean);
    AT(const in_t, variance);
    AT(out_t, y);
    long step = STEP(walk, 1, 0);
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        EACH_ROW (place, row, column) {
            int left = place.columns - column;
            long channel = at(&walk, &place, 1, row, column);
            values v = fetch(x + at(&walk, &place, 0, row, column), STEP(walk, 0, 0), left, 0);
            values factor = fetch(scale + channel, step, left, 0) /
                            sqrt(fetch(variance + channel, step, left, 0) + epsilon);
            v = (v - fetch(mean + channel, step, left, 0)) * factor +
                fetch(bias + channel, step, left, 0);
            put_values(y + at(&walk, &place, 3, row, column), STEP(walk, 3, 0), left, cast(v));
        }
    }
}

/* VW channels from c on, of C; those outside are 0. */
static values channels_at(__global const in_t *x, long c, long C)
{
    if (c >= 0 && c + VW <= C)
        return fetch(x + c, 1, VW, 0);
    union value_lanes part;
    for (int i = 0; i < VW; i++)
        part.lane[i] = c + i >= 0 && c + i < C ? GET(x, c + i) : 0.0f;
    return part.vector;
}

/* The walk is over all of x but the channels, of which there are C, a distance apart of x_step and
 * y_step. Lanes are channels if these are neighbours (`along`, x_step = 1), else pixels. */
KERNEL normalize_local(INPUT(in_t, x), OUTPUT(out_t, y), TILED, long C, long x_step, long y_step,
                       int before, int after, float a, float b, float beta, int along)
{
    AT(const in_t, x);
    AT(out_t, y);
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        for (int row = 0; row < place.rows; row++)
            for (int column = 0; column < place.columns; column += along ? 1 : VW) {
                int left = place.columns - column;
                long x_lane = along ? x_step : STEP(walk, 0, 0);
                long y_lane = along ? y_step : STEP(walk, 3, 0);
                __global const in_t *from = x + at(&walk, &place, 0, row, column);
                __global out_t *to = y + at(&walk, &place, 3, row, column);
                for (long c = 0; c < C; c += along ? VW : 1) {
                    int lanes = along ? (int)min(C - c, (long)VW) : left;
                    long low = along ? c - before : max(c - before, 0L);
                    long high = along ? c + after : min(c + after, C - 1);
                    values sum = 0.0f;
                    for (long j = low; j <= high; j++) {
                        values v = along ? channels_at(from, j, C)
                                         : fetch(from + j * x_step, x_lane, left, 0);
                        sum += v * v;
                    }
                    values v = fetch(from + c * x_step, x_lane, lanes, 0);
                    put_values(to + c * y_step, y_lane, lanes,
                               cast(v * exp(-beta * log(b + a * sum))));
                }
            }
    }
}
