/* Reductions over views (lib/op/reduce.c): y[k] = post(fold over i of term(x[k, i])).
 *
 *   reduce       sum, mean, max, min, product, L1, L2, sum of squares, log of sum,
 *                log(sum exp x) = m + log(sum exp(x - m)), m = max x
 *   reduce_arg   the index of the maximum or minimum over one dimension
 *
 * It equals, for each k:  r = neutral;  for i inside: r = fold(r, term(x[k, i]));  y[k] = post(r)
 *
 * See fold.cl for what a work-item takes and for local memory. reduce_arg: a work-item takes whole
 * results, one after another. */
#include "fold.cl"

/* enum clcnn_reduction */
enum reduction {
    SUM,
    MEAN,
    MAX,
    MIN,
    PROD,
    L1,
    L2,
    SUM_SQUARE,
    LOG_SUM,
    LOG_SUM_EXP,
    ARG_MAX,
    ARG_MIN
};

#if IS_FLOAT(IN)
#define IS_INFINITE(v) isinf(v)
#else
#define IS_INFINITE(v) ((v) < (v))
#endif

static values finish(int reduction, values r, values shift, long count)
{
    switch (reduction) {
    case MEAN:
        return r / (values)count;
#if IS_FLOAT(IN)
    case L2:
        return sqrt(r);
    case LOG_SUM:
        return log(r);
    case LOG_SUM_EXP:
        return log(r) + shift;
#endif
    default:
        return r;
    }
}

KERNEL reduce(INPUT(in_t, x), OUTPUT(out_t, y), FOLDED, int reduction, long count)
{
    AT(const in_t, x);
    AT(out_t, y);
    SCRATCH;
    enum fold fold = reduction == MAX || reduction == LOG_SUM_EXP ? FOLD_MAX
                     : reduction == MIN                           ? FOLD_MIN
                     : reduction == PROD                          ? FOLD_PRODUCT
                                                                  : FOLD_SUM;
    enum term term = reduction == L1                              ? TERM_SIZE
                     : reduction == L2 || reduction == SUM_SQUARE ? TERM_SQUARE
                                                                  : TERM_VALUE;
    int passes = reduction == LOG_SUM_EXP ? 2 : 1; /* the maximum, then the powers */
    EACH_START (start) {
        struct place place = place_of(&walk, TILE(start), tile0, tile1);
        EACH_RESULT (place, row, column) {
            int left = place.columns - column;
            __global const in_t *from = x + at(&walk, &place, 0, row, column);
            values r = (values)0, shift = (values)0;
            for (int pass = 0; pass < passes; pass++) {
                bool powers = pass > 0;
                if (powers)
                    shift = IS_INFINITE(r) ? (values)0 : r;
                enum fold by = powers ? FOLD_SUM : fold;
                r = fold_inside(by, powers ? TERM_POWER : term, from, &inside, STEP(walk, 0, 0),
                                across, left, shift, powers ? (value)LEAST : neutral(fold),
                                EXISTS(start));
                r = total(by, r, across, scratch);
            }
            if (WRITES(start))
                put_values(y + at(&walk, &place, 3, row, column), STEP(walk, 3, 0),
                           across ? 1 : left, cast(finish(reduction, r, shift, count)));
        }
    }
}

/* Whether v takes the place of `best` as the maximum: NaN is larger than any number. */
static bool beats(value v, value best, int smallest, int last)
{
    bool better = smallest ? v < best : v > best, same = v == best;
#if IS_FLOAT(IN)
    better = better || (IS_NAN(v) && !IS_NAN(best));
    better = better && !IS_NAN(best);
    same = same || (IS_NAN(v) && IS_NAN(best));
#endif
    return better || (last && same);
}

KERNEL reduce_arg(INPUT(in_t, x), OUTPUT(out_t, y), TILED, long size, long stride, int smallest,
                  int last)
{
    AT(const in_t, x);
    AT(out_t, y);
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        for (int row = 0; row < place.rows; row++)
            for (int column = 0; column < place.columns; column++) {
                __global const in_t *from = x + at(&walk, &place, 0, row, column);
                value best = GET(from, 0);
                long where = 0;
                for (long i = 1; i < size; i++) {
                    value v = GET(from, i * stride);
                    if (beats(v, best, smallest, last)) {
                        best = v;
                        where = i;
                    }
                }
                PUT((result)where, y, at(&walk, &place, 3, row, column));
            }
    }
}
