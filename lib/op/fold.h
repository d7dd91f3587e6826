/* How operations that bring many elements of x to one result share their work: see cl/fold.cl. */
#ifndef CLCNN_OP_FOLD_H
#define CLCNN_OP_FOLD_H

#include "op/walk.h"

struct clcnn_fold {
    struct clcnn_walk kept, inside;
    struct clcnn_tiles tiles;
    int across; /* the lanes, and the work-items of a work-group, are inside one result */
};

/* Of the checked operands 0 .. CLCNN_WALK_OPERANDS - 1 of equal shape (NULL: none), operand 0 being
 * x; `axes` (bit i: dimension i) are inside. */
void clcnn_fold_init(struct clcnn_fold *fold, const struct clcnn_device *device,
                     const struct clcnn_operand *const *operands, unsigned axes);

#ifndef __cplusplus
/* FOLDED in cl/fold.cl. */
#define FOLDED(f) TILED((f).kept, (f).tiles), DATA((f).inside), INT((f).across)
#endif

#endif
