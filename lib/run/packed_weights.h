/* A session's weights on the device: kernels rearranged once for the ops that ask for it, the rest
 * as the model has them. */
#ifndef CLCNN_RUN_PACKED_WEIGHTS_H
#define CLCNN_RUN_PACKED_WEIGHTS_H

#include "run/plan.h"
#include "run/regions.h"

struct clcnn_packed_weights {
    struct clcnn_region *regions; /* [2 steps]: kernel and bias of each */
    struct clcnn_buffer **arenas;
    size_t *arena_bytes;
    int arena_count;
    struct clcnn_buffer *kernels; /* [steps]: what steps[i].packed points to */
    uint64_t bytes;
};

/* Places the weights of the plan's steps (no memory yet: `bytes` is known). */
enum clcnn_status clcnn_packed_weights_layout(struct clcnn_packed_weights *weights,
                                              struct clcnn_plan *plan);

/* Allocates, uploads the model's weights, packs them and waits. */
enum clcnn_status clcnn_packed_weights_upload(struct clcnn_packed_weights *weights,
                                              struct clcnn_plan *plan, struct clcnn_queue *queue);
void clcnn_packed_weights_clear(struct clcnn_packed_weights *weights);

#endif
