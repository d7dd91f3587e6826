/* Memory by lifetime: values that are never alive at the same moment share bytes. */
#ifndef CLCNN_RUN_REGIONS_H
#define CLCNN_RUN_REGIONS_H

#include "base/status.h"
#include <stddef.h>

#define CLCNN_REGION_ALIGNMENT 64

/* In: size (may be 0) and the first and last moment of life, both inclusive. Out: where it lies. */
struct clcnn_region {
    size_t bytes;
    int first, last;
    int arena;     /* which large buffer; -1 for a region of 0 bytes */
    size_t offset; /* a multiple of CLCNN_REGION_ALIGNMENT */
};

/* Places the regions in as few arenas of at most `max_bytes` as a greedy rule finds: the largest
 * first, each into the tightest gap among those alive at the same time, else where an arena grows
 * least (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020,
 * section 5.2). *arena_bytes is freed with free().
 * Errors: OUT_OF_MEMORY (one region alone exceeds max_bytes, or host memory). */
enum clcnn_status clcnn_regions_place(struct clcnn_region *regions, size_t count, size_t max_bytes,
                                      size_t **arena_bytes, int *arena_count);

#endif
