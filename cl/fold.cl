/* Operations that bring many elements of x to one result: `kept` is the walk over the results,
 * `inside` the one over the elements of each.
 *
 * The lanes of a vector, and on the GPU family the work-items of a work-group, are neighbours
 * inside one result (`across`, where these are contiguous, or the results few) or among the
 * results. A kernel reads the same in all four cases:
 *
 *     EACH_START (start) {
 *         struct place place = place_of(&walk, TILE(start), tile0, tile1);
 *         EACH_RESULT (place, row, column) {
 *             values r = total(fold, fold_inside(fold, ...), across, scratch);
 *             if (WRITES(start))
 *                 ... put_values(..., r)
 *         }
 *     }
 *
 * CPU family: a work-item takes `chunk` tiles of results. GPU family: a work-group takes one result
 * (across), or a work-item does. A kernel declares SCRATCH: at most 8 GROUP bytes of local memory
 * on the GPU family. Sums are taken in blocks of BLOCK steps, then of lines, in a fixed order. */
#include "typed.cl"
#include "walk.cl"

#define FOLDED TILED, struct walk inside, int across

/* All work-items of a group take the same number of steps, as barriers need it: those that have no
 * result (not EXISTS) read and write nothing. */
#ifdef CLCNN_GPU
#define SCRATCH __local value scratch[GROUP]
#define LANE    (across ? (long)get_local_id(0) : 0L)
#define STARTS  (across ? 1L : (long)GROUP)
#define EACH_START(start)                                                                          \
    for (long start = get_group_id(0) * STARTS; start < tiles; start += get_num_groups(0) * STARTS)
#define OWN(start)                      min(start + (long)get_local_id(0), tiles - 1)
#define TILE(start)                     (across ? start : OWN(start))
#define EXISTS(start)                   (across || start + (long)get_local_id(0) < tiles)
#define WRITES(start)                   (EXISTS(start) && !(across && get_local_id(0) > 0))
#define EACH_RESULT(place, row, column) const int row = 0, column = 0;
#else
#define SCRATCH __local value *scratch = 0
#define LANE    0L
#define EACH_START(start)                                                                          \
    for (long start = (long)get_group_id(0) * chunk, start##_end = min(start + chunk, tiles);      \
         start < start##_end; start++)
#define TILE(start)   start
#define EXISTS(start) true
#define WRITES(start) true
#define EACH_RESULT(place, row, column)                                                            \
    for (int row = 0; row < place.rows; row++)                                                     \
        for (int column = 0; column < place.columns; column += across ? 1 : VW)
#endif
#define INSIDE_STEP (across ? (long)GROUP * VW : 1L)
#define BLOCK       64

/* Where line `line` of the inside begins, of operand k. */
static long line_of(const struct walk *inside, uint line, int k)
{
    long at = 0;
    EACH_LEVEL (level, 1, inside) {
        uint size = inside->size[level];
        at += line % size * STEP(*inside, k, level);
        line /= size;
    }
    return at;
}

static uint lines_of(const struct walk *inside)
{
    uint lines = 1;
    EACH_LEVEL (level, 1, inside)
        lines *= (uint)inside->size[level];
    return lines;
}

/* The distance and the number of the lanes that begin at step i of the inside. */
#define LANE_STRIDE(k) (across ? STEP(inside, k, 0) : STEP(walk, k, 0))
#define LANES_LEFT(i)  (across ? (int)min(inside.size[0] - (i), (long)VW) : left)

enum fold { FOLD_SUM, FOLD_MAX, FOLD_MIN, FOLD_PRODUCT };

#if IS_FLOAT(IN)
#define LEAST     (-INFINITY)
#define GREATEST  INFINITY
#define IS_NAN(v) ((v) != (v))
#elif IN == UINT8
#define LEAST     0
#define GREATEST  255
#define IS_NAN(v) false
#elif IN == INT32
#define LEAST     INT_MIN
#define GREATEST  INT_MAX
#define IS_NAN(v) false
#else
#define LEAST     LONG_MIN
#define GREATEST  LONG_MAX
#define IS_NAN(v) false
#endif

static value neutral(enum fold fold)
{
    return fold == FOLD_SUM       ? (value)0
           : fold == FOLD_PRODUCT ? (value)1
           : fold == FOLD_MAX     ? (value)LEAST
                                  : (value)GREATEST;
}

/* NaN if one of them is. */
#define DEFINE_COMBINE(T, name)                                                                    \
    static T name(enum fold fold, T a, T b)                                                        \
    {                                                                                              \
        switch (fold) {                                                                            \
        case FOLD_SUM:                                                                             \
            return a + b;                                                                          \
        case FOLD_PRODUCT:                                                                         \
            return a * b;                                                                          \
        case FOLD_MAX:                                                                             \
            return KEEPS(a, a > b) ? a : b;                                                        \
        default:                                                                                   \
            return KEEPS(a, a < b) ? a : b;                                                        \
        }                                                                                          \
    }
#if IS_FLOAT(IN)
#define KEEPS(a, better) ((better) || IS_NAN(a))
#else
#define KEEPS(a, better) (better)
#endif
DEFINE_COMBINE(value, combine)
#if VW > 1
DEFINE_COMBINE(values, combine_lanes)
#else
#define combine_lanes combine
#endif

/* The lanes, and the work-items of the group, as one, where they are parts of one result: all get
 * it. */
static values total(enum fold fold, values partial, int across, __local value *scratch)
{
    if (!across)
        return partial;
#ifdef CLCNN_GPU
    int id = get_local_id(0);
    scratch[id] = partial;
    for (int width = GROUP / 2; width > 0; width /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (id < width)
            scratch[id] = combine(fold, scratch[id], scratch[id + width]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    partial = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return partial;
#else
    union value_lanes part;
    part.vector = partial;
    for (int width = VW / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            part.lane[i] = combine(fold, part.lane[i], part.lane[i + width]);
    return (values)part.lane[0];
#endif
}

/* What is done to an element before it is combined. */
enum term { TERM_VALUE, TERM_SIZE, TERM_SQUARE, TERM_POWER };

static values term_of(enum term term, values v, values shift)
{
    switch (term) {
    case TERM_SIZE:
#if IS_FLOAT(IN)
        return fabs(v);
#else
        return v < (values)0 ? -v : v;
#endif
    case TERM_SQUARE:
        return (v - shift) * (v - shift);
#if IS_FLOAT(IN)
    case TERM_POWER:
        return exp(v - shift);
#endif
    default:
        return v;
    }
}

/* All elements inside, each lane its own, brought together; `x` points to the result's first one.
 * Lanes that do not exist take part as `fill`, whose term must be neutral: `shift` itself for
 * squares, -infinity for powers. */
static values fold_inside(enum fold fold, enum term term, __global const in_t *x,
                          const struct walk *inside, long kept_stride, int across, int left,
                          values shift, value fill, bool exists)
{
    values sum = (values)neutral(fold);
    long size = inside->size[0], stride = STEP(*inside, 0, 0);
    long lane_stride = across ? stride : kept_stride;
    uint lines = exists ? lines_of(inside) : 0;
    for (uint line = 0; line < lines; line++) {
        __global const in_t *from = x + line_of(inside, line, 0);
        for (long i = LANE * VW; i < size;) {
            values part = (values)neutral(fold);
            for (int step = 0; step < BLOCK && i < size; step++, i += INSIDE_STEP) {
                int lanes = across ? (int)min(size - i, (long)VW) : left;
                values v = fetch(from + i * stride, lane_stride, lanes, fill);
                part = combine_lanes(fold, part, term_of(term, v, shift));
            }
            sum = combine_lanes(fold, sum, part);
        }
    }
    return sum;
}
