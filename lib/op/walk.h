/* Walks over the elements of several views at once: what kernels on views receive (cl/walk.cl). */
#ifndef CLCNN_OP_WALK_H
#define CLCNN_OP_WALK_H

#include "base/status.h"
#include "device/launch.h"
#include <clcnn/view.h>

#define CLCNN_WALK_OPERANDS 4

/* Passed to kernels by value: cl/walk.cl has the same. Level 0 is the innermost; levels from `rank`
 * on have size 1 and stride 0. Strides in elements. */
struct clcnn_walk {
    int64_t size[CLCNN_MAX_RANK];
    int64_t stride[CLCNN_WALK_OPERANDS][CLCNN_MAX_RANK];
    int64_t rank;
};

/* The walk over views of equal sizes; a NULL view has strides 0. Levels are in the order of the
 * strides of views[lead]; dimensions of size 1 are dropped, dimensions that are dense in all views
 * become one. Empty views give an empty walk of one level.
 * Requires: count <= CLCNN_WALK_OPERANDS. */
void clcnn_walk_init(struct clcnn_walk *walk, const struct clcnn_view *const *views, size_t count,
                     size_t lead);

int64_t clcnn_walk_count(const struct clcnn_walk *walk);

/* Chooses levels 0 and 1 for kernels whose vectors run along level 0. Level 0 becomes one that is
 * long and, if possible, contiguous in all operands; where one is not, level 1 becomes the level in
 * which that operand's elements lie closest. */
void clcnn_walk_order(struct clcnn_walk *walk);

/* How work-items share a walk. CPU family: tiles of tile[1] x tile[0] elements of levels 1 and 0,
 * `chunk` of them in a row per work-item, the larger the less work (1: a vector's share of moving
 * memory) is behind an element. GPU family: one element per work-item. */
struct clcnn_tiles {
    int32_t tile[2];
    int64_t tiles, chunk;
    struct clcnn_grid grid;
};
struct clcnn_tiles clcnn_walk_tiles(const struct clcnn_device *device,
                                    const struct clcnn_walk *walk, int64_t work);

#ifndef __cplusplus
/* TILED in cl/walk.cl. */
#define TILED(walk, t)                                                                             \
    DATA(walk), INT((t).tile[0]), INT((t).tile[1]), LONG((t).tiles), LONG((t).chunk)
#endif

/* Most elements of one call: kernels take an index apart in 32 bits. */
#define CLCNN_WALK_MOST INT32_MAX

/* An operand of an operation `op`, under the name that messages call it. */
struct clcnn_operand {
    const char *name;
    const struct clcnn_array *array;
    enum clcnn_dtype type;
    struct clcnn_view view;     /* filled by check: the array's, or that broadcast */
    struct clcnn_buffer origin; /* filled by check: begins at element (0, ..., 0) */
    struct clcnn_buffer range;  /* filled by check: from the first element to the last */
};

/* Checks the array and fills the rest, the view broadcast to `shape` if that is not NULL.
 * INVALID_ARGUMENT: no array, an illegal view, elements outside the buffer, a buffer that does not
 * begin at a multiple of the element's size, 2^31 elements or more. */
enum clcnn_status clcnn_operand_check(const struct clcnn_device *device, const char *op,
                                      const struct clcnn_shape *shape,
                                      struct clcnn_operand *operand);

/* INVALID_ARGUMENT if two indices of the checked operand are one element. */
enum clcnn_status clcnn_operand_distinct(const char *op, const struct clcnn_operand *operand);

/* INVALID_ARGUMENT if the ranges of two checked operands share memory; `in_place`: unless they are
 * the same elements in the same order, of the same size. */
enum clcnn_status clcnn_operand_apart(const char *op, const struct clcnn_operand *in,
                                      const struct clcnn_operand *out, bool in_place);

/* Parts of the views of `count` checked operands of equal shape (NULL: strides 0): `inside` is the
 * walk over the dimensions in `axes` (bit i: dimension i), `kept` that over the others. Levels are
 * in the order of the strides of operand `lead`. */
void clcnn_walk_split(const struct clcnn_operand *const *operands, size_t count, size_t lead,
                      unsigned axes, struct clcnn_walk *kept, struct clcnn_walk *inside);

/* INVALID_ARGUMENT unless the two checked operands have one shape. */
enum clcnn_status clcnn_operand_same_shape(const char *op, const struct clcnn_operand *a,
                                           const struct clcnn_operand *b);

struct clcnn_shape clcnn_view_shape(const struct clcnn_view *view);

#endif
