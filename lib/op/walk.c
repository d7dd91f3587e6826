#include "op/walk.h"
#include "base/memory.h"
#include "op/range.h"
#include <stdlib.h>

/* Elements of a tile, and of one in which some operand is not contiguous along level 0: then both
 * sides are lines of the cache. */
#define TILE        4096
#define SQUARE_TILE 16

/* Elements that are worth a work-group of the CPU family. */
#define MINIMUM 4096

/* A level 0 shorter than this leaves vectors partly empty. */
#define VECTOR 16

struct clcnn_shape clcnn_view_shape(const struct clcnn_view *view)
{
    struct clcnn_shape shape = {.rank = view->rank};
    for (int i = 0; i < view->rank; i++)
        shape.dim[i] = view->size[i];
    return shape;
}

/* ---- walks ----------------------------------------------------------------------------------- */

static void swap_levels(struct clcnn_walk *walk, int a, int b)
{
    int64_t size = walk->size[a];
    walk->size[a] = walk->size[b];
    walk->size[b] = size;
    for (int k = 0; k < CLCNN_WALK_OPERANDS; k++) {
        int64_t stride = walk->stride[k][a];
        walk->stride[k][a] = walk->stride[k][b];
        walk->stride[k][b] = stride;
    }
}

/* Ascending by the lead's strides; stable. */
static void sort_levels(struct clcnn_walk *walk, size_t lead)
{
    const int64_t *stride = walk->stride[lead];
    for (int i = 1; i < walk->rank; i++)
        for (int j = i; j > 0 && llabs(stride[j]) < llabs(stride[j - 1]); j--)
            swap_levels(walk, j, j - 1);
}

static bool joins(const struct clcnn_walk *walk, int64_t inner, int64_t outer)
{
    for (int k = 0; k < CLCNN_WALK_OPERANDS; k++)
        if (walk->stride[k][outer] != walk->stride[k][inner] * walk->size[inner])
            return false;
    return true;
}

static void merge_levels(struct clcnn_walk *walk)
{
    int64_t used = 0;
    for (int i = 1; i < walk->rank; i++) {
        if (joins(walk, used, i))
            walk->size[used] *= walk->size[i];
        else
            swap_levels(walk, (int)++used, i);
    }
    for (int i = (int)used + 1; i < walk->rank; i++) {
        walk->size[i] = 1;
        for (int k = 0; k < CLCNN_WALK_OPERANDS; k++)
            walk->stride[k][i] = 0;
    }
    walk->rank = used + 1;
}

void clcnn_walk_init(struct clcnn_walk *walk, const struct clcnn_view *const *views, size_t count,
                     size_t lead)
{
    const struct clcnn_view *view = views[lead];
    *walk = (struct clcnn_walk){0};
    for (int i = 0; i < CLCNN_MAX_RANK; i++)
        walk->size[i] = 1;
    bool empty = clcnn_view_count(view) == 0;
    if (empty)
        walk->size[0] = 0;
    for (int i = view->rank - 1; i >= 0 && !empty; i--)
        if (view->size[i] != 1) {
            walk->size[walk->rank] = view->size[i];
            for (size_t k = 0; k < count; k++)
                walk->stride[k][walk->rank] = views[k] ? views[k]->stride[i] : 0;
            walk->rank++;
        }
    sort_levels(walk, lead);
    merge_levels(walk);
}

int64_t clcnn_walk_count(const struct clcnn_walk *walk)
{
    int64_t count = 1;
    for (int i = 0; i < walk->rank; i++)
        count *= walk->size[i];
    return count;
}

/* Whether vectors along the level load or repeat, and need not gather, in every operand. */
static bool is_row(const struct clcnn_walk *walk, int level)
{
    for (int k = 0; k < CLCNN_WALK_OPERANDS; k++)
        if (walk->stride[k][level] != 0 && walk->stride[k][level] != 1)
            return false;
    return true;
}

static int64_t worth(const struct clcnn_walk *walk, int level)
{
    bool some = false;
    for (int k = 0; k < CLCNN_WALK_OPERANDS; k++)
        some = some || walk->stride[k][level] == 1;
    return clcnn_min(walk->size[level], VECTOR) * (is_row(walk, level) ? 4 : some ? 2 : 1);
}

void clcnn_walk_order(struct clcnn_walk *walk)
{
    int best = 0;
    for (int i = 1; i < walk->rank; i++)
        if (worth(walk, i) > worth(walk, best))
            best = i;
    for (; best > 0; best--)
        swap_levels(walk, best, best - 1);
    for (int k = 0; k < CLCNN_WALK_OPERANDS; k++) {
        const int64_t *stride = walk->stride[k];
        if (stride[0] == 0 || stride[0] == 1)
            continue;
        int closest = 1;
        for (int i = 2; i < walk->rank; i++)
            if (stride[i] && llabs(stride[i]) < llabs(stride[closest]))
                closest = i;
        for (; closest > 1; closest--)
            swap_levels(walk, closest, closest - 1);
        return;
    }
}

struct clcnn_tiles clcnn_walk_tiles(const struct clcnn_device *device,
                                    const struct clcnn_walk *walk, int64_t work)
{
    int64_t count = clcnn_walk_count(walk);
    if (count == 0)
        return (struct clcnn_tiles){{1, 1}, 0, 1, GRID1(0, 1)};
    if (clcnn_is_gpu(device)) {
        struct clcnn_range r = clcnn_range_items(device, count, 1);
        return (struct clcnn_tiles){{1, 1}, count, 1, GRID1(r.groups, r.local)};
    }
    int64_t most = clcnn_max(1, TILE / clcnn_max(work, 1));
    bool square = work == 1 && !is_row(walk, 0) && walk->size[0] >= SQUARE_TILE;
    struct clcnn_tiles t = {{1, 1}, 1, 1, {{0}, {0}}};
    int64_t side = square ? SQUARE_TILE : clcnn_round_up(most, VECTOR);
    t.tile[0] = (int32_t)clcnn_min(side, walk->size[0]);
    side = square ? SQUARE_TILE : clcnn_max(1, most / t.tile[0]);
    t.tile[1] = (int32_t)clcnn_min(side, walk->size[1]);
    for (int i = 0; i < walk->rank; i++)
        t.tiles *= i < 2 ? clcnn_divide_up(walk->size[i], t.tile[i]) : walk->size[i];
    int64_t worth_it = MINIMUM / clcnn_max(work, 1) / (t.tile[0] * t.tile[1]);
    struct clcnn_range r = clcnn_range_rows(device, t.tiles, clcnn_max(1, worth_it));
    t.chunk = r.chunk;
    t.grid = GRID1(r.groups, r.local);
    return t;
}

void clcnn_walk_split(const struct clcnn_operand *const *operands, size_t count, size_t lead,
                      unsigned axes, struct clcnn_walk *kept, struct clcnn_walk *inside)
{
    struct clcnn_view parts[2][CLCNN_WALK_OPERANDS];
    const struct clcnn_view *views[2][CLCNN_WALK_OPERANDS] = {{0}};
    for (size_t k = 0; k < count; k++)
        for (int part = 0; part < 2 && operands[k]; part++) {
            struct clcnn_view *view = &parts[part][k];
            *view = operands[k]->view;
            for (int i = 0; i < view->rank; i++)
                if ((axes >> i & 1) != (unsigned)part)
                    view->size[i] = 1;
            views[part][k] = view;
        }
    clcnn_walk_init(kept, views[0], count, lead);
    clcnn_walk_init(inside, views[1], count, lead);
}

/* ---- operands -------------------------------------------------------------------------------- */

enum clcnn_status clcnn_operand_check(const struct clcnn_device *device, const char *op,
                                      const struct clcnn_shape *shape,
                                      struct clcnn_operand *operand)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const char *name = operand->name;
    int64_t first, last;
    size_t bytes = 0, element = clcnn_dtype_size(operand->type);
    REQUIRE(operand->array, "%s: %s is NULL", op, name);
    operand->view = operand->array->view;
    status = clcnn_view_range(&operand->view, &first, &last);
    if (status == CLCNN_STATUS_OK && shape)
        status = clcnn_view_broadcast(&operand->view, shape, &operand->view);
    TRY(clcnn_fail_prefix(status, "%s: %s: ", op, name));
    int64_t count = clcnn_view_count(&operand->view);
    REQUIRE(count <= CLCNN_WALK_MOST, "%s: %s has %lld elements, 2^31 or more", op, name,
            (long long)count);
    REQUIRE(first >= 0 && last < INT64_MAX && clcnn_multiply((size_t)(last + 1), element, &bytes),
            "%s: %s has elements from %lld to %lld, which are in no buffer", op, name,
            (long long)first, (long long)last);
    TRY(clcnn_buffer_check(device, operand->array->buffer, bytes, op, name));
    REQUIRE(operand->array->buffer->offset % element == 0,
            "%s: %s begins at byte %zu, which is no multiple of its elements' %zu", op, name,
            operand->array->buffer->offset, element);
    const struct clcnn_buffer *buffer = operand->array->buffer;
    size_t origin = (size_t)operand->view.offset * element, start = (size_t)first * element;
    operand->origin = clcnn_buffer_slice(buffer, origin, bytes - clcnn_min(origin, bytes));
    operand->range = clcnn_buffer_slice(buffer, start, bytes - start);
done:
    return status;
}

/* Sufficient: from the smallest stride to the largest, each is longer than all before it reach. */
enum clcnn_status clcnn_operand_distinct(const char *op, const struct clcnn_operand *operand)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_view *views[] = {&operand->view};
    struct clcnn_walk walk;
    int64_t reach = 0;
    clcnn_walk_init(&walk, views, 1, 0);
    for (int i = 0; i < walk.rank && walk.size[i] > 1; i++) {
        REQUIRE(llabs(walk.stride[0][i]) > reach, "%s: %s has several indices for one element", op,
                operand->name);
        reach += (walk.size[i] - 1) * llabs(walk.stride[0][i]);
    }
done:
    return status;
}

static bool same_view(const struct clcnn_view *a, const struct clcnn_view *b)
{
    bool same = a->rank == b->rank && a->offset == b->offset;
    for (int i = 0; same && i < a->rank; i++)
        same = a->size[i] == b->size[i] && (a->size[i] == 1 || a->stride[i] == b->stride[i]);
    return same;
}

enum clcnn_status clcnn_operand_apart(const char *op, const struct clcnn_operand *in,
                                      const struct clcnn_operand *out, bool in_place)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool same = in_place && in->origin.memory == out->origin.memory &&
                in->origin.offset == out->origin.offset &&
                clcnn_dtype_size(in->type) == clcnn_dtype_size(out->type) &&
                same_view(&in->view, &out->view);
    REQUIRE(same || !clcnn_buffer_overlap(&in->range, &out->range), "%s: %s and %s share memory",
            op, in->name, out->name);
done:
    return status;
}

enum clcnn_status clcnn_operand_same_shape(const char *op, const struct clcnn_operand *a,
                                           const struct clcnn_operand *b)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(a->view.rank == b->view.rank, "%s: %s has rank %d, %s has rank %d", op, a->name,
            a->view.rank, b->name, b->view.rank);
    for (int i = 0; i < a->view.rank; i++)
        REQUIRE(a->view.size[i] == b->view.size[i],
                "%s: %s has size %lld in dimension %d, %s has %lld", op, a->name,
                (long long)a->view.size[i], i, b->name, (long long)b->view.size[i]);
done:
    return status;
}
