#include "run/regions.h"
#include "base/memory.h"
#include <stdint.h>
#include <stdlib.h>

struct placement {
    struct clcnn_region **placed; /* by rising offset */
    size_t placed_count;
    size_t *arenas, arena_capacity;
    int arena_count;
    size_t max_bytes;
};

/* A place for a region, and what it costs: bytes by which the arena grows, then bytes wasted. */
struct candidate {
    int arena;
    size_t offset, growth, waste;
};

static bool better(const struct candidate *a, const struct candidate *b)
{
    return a->growth != b->growth ? a->growth < b->growth : a->waste < b->waste;
}

static bool meet(const struct clcnn_region *a, const struct clcnn_region *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The best place in one arena; false if there is none. */
static bool search_arena(const struct placement *placement, int arena,
                         const struct clcnn_region *region, struct candidate *best)
{
    bool found = false;
    size_t end = 0, bytes = region->bytes;
    for (size_t i = 0; i < placement->placed_count; i++) {
        const struct clcnn_region *other = placement->placed[i];
        if (other->arena != arena || !meet(other, region))
            continue;
        if (other->offset >= end && other->offset - end >= bytes) {
            struct candidate gap = {arena, end, 0, other->offset - end - bytes};
            if (!found || better(&gap, best))
                *best = gap;
            found = true;
        }
        if (other->offset + other->bytes > end)
            end = other->offset + other->bytes;
    }
    if (end > placement->max_bytes - bytes)
        return found;
    size_t size = placement->arenas[arena];
    struct candidate tail = {arena, end, end + bytes > size ? end + bytes - size : 0,
                             end + bytes < size ? size - end - bytes : 0};
    if (!found || better(&tail, best))
        *best = tail;
    return true;
}

static void insert(struct placement *placement, struct clcnn_region *region)
{
    size_t i = placement->placed_count++;
    for (; i > 0 && placement->placed[i - 1]->offset > region->offset; i--)
        placement->placed[i] = placement->placed[i - 1];
    placement->placed[i] = region;
}

static enum clcnn_status place(struct placement *placement, struct clcnn_region *region)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct candidate best = {0}, candidate = {0};
    bool found = false;
    for (int arena = 0; arena < placement->arena_count; arena++) {
        if (!search_arena(placement, arena, region, &candidate))
            continue;
        if (!found || better(&candidate, &best))
            best = candidate;
        found = true;
    }
    if (!found) {
        size_t count = (size_t)placement->arena_count + 1;
        TRY(clcnn_grow(&placement->arenas, &placement->arena_capacity, count, sizeof(size_t)));
        best = (struct candidate){placement->arena_count++, 0, region->bytes, 0};
    }
    region->arena = best.arena;
    region->offset = best.offset;
    placement->arenas[best.arena] += best.growth;
    insert(placement, region);
done:
    return status;
}

/* Largest first; equal sizes in the order given, so that the result never depends on qsort. */
static int by_size(const void *a, const void *b)
{
    const struct clcnn_region *x = *(struct clcnn_region *const *)a;
    const struct clcnn_region *y = *(struct clcnn_region *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x < y ? -1 : x > y;
}

enum clcnn_status clcnn_regions_place(struct clcnn_region *regions, size_t count, size_t max_bytes,
                                      size_t **arena_bytes, int *arena_count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_region **order = NULL;
    size_t limit = max_bytes - max_bytes % CLCNN_REGION_ALIGNMENT;
    struct placement placement = {.max_bytes = limit};
    TRY(clcnn_alloc(count, sizeof(*order), &order));
    TRY(clcnn_alloc(count, sizeof(*placement.placed), &placement.placed));
    for (size_t i = 0; i < count; i++) {
        size_t over = regions[i].bytes % CLCNN_REGION_ALIGNMENT;
        size_t padding = over ? CLCNN_REGION_ALIGNMENT - over : 0;
        if (regions[i].bytes > limit || padding > limit - regions[i].bytes)
            TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY,
                           "one buffer of %zu bytes is needed, the device allows %zu",
                           regions[i].bytes, max_bytes));
        regions[i].bytes += padding;
        order[i] = &regions[i];
    }
    qsort(order, count, sizeof(*order), by_size);
    for (size_t i = 0; i < count; i++) {
        order[i]->arena = -1;
        order[i]->offset = 0;
        if (order[i]->bytes > 0)
            TRY(place(&placement, order[i]));
    }
    *arena_bytes = placement.arenas;
    *arena_count = placement.arena_count;
    placement.arenas = NULL;
done:
    free(placement.arenas);
    free(placement.placed);
    free(order);
    return status;
}
