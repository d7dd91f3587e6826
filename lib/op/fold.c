#include "op/fold.h"
#include "base/memory.h"
#include "op/range.h"
#include <stdlib.h>

/* Lanes beyond which a longer level is no better. */
#define VECTOR 16

/* GPU family: results from which on each is worth a work-item of its own. */
#define MANY_RESULTS 16384

/* How well lanes along level 0 of the walk load x. */
static int64_t worth(const struct clcnn_walk *walk)
{
    return clcnn_min(walk->size[0], VECTOR) * (llabs(walk->stride[0][0]) == 1 ? 4 : 1);
}

static int lanes_inside(const struct clcnn_fold *fold, const struct clcnn_device *device)
{
    if (!clcnn_is_gpu(device))
        return worth(&fold->inside) >= worth(&fold->kept);
    int64_t inside = clcnn_walk_count(&fold->inside), kept = clcnn_walk_count(&fold->kept);
    return inside >= CLCNN_GPU_GROUP &&
           (llabs(fold->inside.stride[0][0]) == 1 || kept < MANY_RESULTS);
}

void clcnn_fold_init(struct clcnn_fold *fold, const struct clcnn_device *device,
                     const struct clcnn_operand *const *operands, unsigned axes)
{
    clcnn_walk_split(operands, CLCNN_WALK_OPERANDS, 0, axes, &fold->kept, &fold->inside);
    clcnn_walk_order(&fold->kept);
    fold->across = lanes_inside(fold, device);
    int64_t inside = clcnn_max(clcnn_walk_count(&fold->inside), 1);
    fold->tiles = clcnn_walk_tiles(device, &fold->kept, clcnn_max(inside, 2));
    if (fold->across && clcnn_is_gpu(device))
        fold->tiles.grid = GRID1(fold->tiles.tiles, CLCNN_GPU_GROUP);
}
