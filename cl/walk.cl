/* Walks over the elements of up to four operands that are views: element i0, i1, ... of operand k
 * lies at i0 STEP(walk, k, 0) + i1 STEP(walk, k, 1) + ...; level 0 is the innermost. lib/op/walk.h
 * has the same struct.
 *
 * CPU family: a work-item takes `chunk` tiles of up to tile1 x tile0 elements of levels 1 and 0.
 * GPU family: a work-item takes one element, a tile of 1 x 1. A loop reads the same in both:
 *
 *     EACH_TILE (tile, tiles, chunk) {
 *         struct place place = place_of(&walk, tile, tile0, tile1);
 *         EACH_ROW (place, row, column)
 *             ... at(&walk, &place, k, row, column) ... place.columns - column elements are left
 *     }
 */
#include "elements.cl"

#define OPERANDS 4
#define RANK     8

struct walk {
    long size[RANK];
    long stride[OPERANDS * RANK]; /* rusticl takes the size of [OPERANDS][RANK] for another */
    long rank;
};

#define STEP(walk, k, level) ((walk).stride[(k)*RANK + (level)])

/* What the kernels take: TILED in lib/op/walk.h. */
#define TILED struct walk walk, int tile0, int tile1, long tiles, long chunk

/* Levels of a walk, with constant indices: an argument that is indexed by a variable is copied to
 * memory by some compilers, and crashes rusticl 22.3.6. pocl 3.1, which says who it is by
 * POCL_DEVICE_ADDRESS_BITS, does not come to an end with this where there are barriers. */
#ifdef POCL_DEVICE_ADDRESS_BITS
#define EACH_LEVEL(level, first, walk) for (int level = first; level < (walk)->rank; level++)
#else
#define EACH_LEVEL(level, first, walk)                                                             \
    _Pragma("unroll") for (int level = first; level < RANK; level++) if (level < (walk)->rank)
#endif

#ifdef CLCNN_CPU
#define EACH_TILE(tile, tiles, chunk)                                                              \
    for (long tile = (long)get_group_id(0) * (chunk), tile##_end = min(tile + (chunk), (tiles));   \
         tile < tile##_end; tile++)
#else
#define EACH_TILE(tile, tiles, chunk)                                                              \
    for (long tile = get_global_id(0); tile < (tiles); tile += get_global_size(0))
#endif

struct place {
    long at[OPERANDS];
    int rows, columns;
};

/* The place of a tile: there are fewer than 2^31. */
static struct place place_of(const struct walk *walk, long tile, int tile0, int tile1)
{
    struct place place;
    uint rest = tile;
    for (int k = 0; k < OPERANDS; k++)
        place.at[k] = 0;
    EACH_LEVEL (level, 0, walk) {
        uint side = level == 0 ? tile0 : level == 1 ? tile1 : 1, parts = walk->size[level];
        if (level < 2)
            parts = (parts + side - 1) / side;
        uint next = rest / parts;
        long index = (long)(rest - next * parts) * side;
        rest = next;
        for (int k = 0; k < OPERANDS; k++)
            place.at[k] += index * STEP(*walk, k, level);
        if (level == 0)
            place.columns = min(walk->size[0] - index, (long)tile0);
        if (level == 1)
            place.rows = min(walk->size[1] - index, (long)tile1);
    }
    if (walk->rank < 2)
        place.rows = 1;
    return place;
}

#define EACH_ROW(place, row, column)                                                               \
    for (int row = 0; row < (place).rows; row++)                                                   \
        for (int column = 0; column < (place).columns; column += VW)

static long at(const struct walk *walk, const struct place *place, int k, int row, int column)
{
    return place->at[k] + row * STEP(*walk, k, 1) + column * STEP(*walk, k, 0);
}
