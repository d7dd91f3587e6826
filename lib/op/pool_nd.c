#include "base/memory.h"
#include "op/storage.h"
#include "op/typed.h"
#include "op/window_nd.h"
#include <clcnn/map.h>
#include <math.h>
#include <stdlib.h>

struct clcnn_pool_nd {
    struct clcnn_device *device;
    struct clcnn_pool_nd_params params;
    struct clcnn_kernel *kernel;
};

struct clcnn_unpool {
    struct clcnn_device *device;
    enum clcnn_dtype type;
    struct clcnn_map *fill;
    struct clcnn_enqueue *next; /* for the fill inside one call */
    struct clcnn_kernel *kernel;
};

/* Passed to the kernel by value: cl/pool_nd.cl has the same. */
struct target {
    int64_t size[CLCNN_MAX_RANK], step[CLCNN_MAX_RANK], count, rank;
};

/* ---- pooling --------------------------------------------------------------------------------- */

enum clcnn_status clcnn_pool_nd_create(struct clcnn_device *device,
                                       const struct clcnn_pool_nd_params *params,
                                       struct clcnn_pool_nd **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_pool_nd *op = NULL;
    char options[CLCNN_TYPED_OPTIONS];
    REQUIRE(out, "pool_nd: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "pool_nd: device or params is NULL");
    REQUIRE((size_t)params->mode <= CLCNN_POOL_ND_MODE_LP, "pool_nd: %d is no mode",
            (int)params->mode);
    TRY(clcnn_storage_check(params->type, "pool_nd"));
    REQUIRE(params->p >= 0 && isfinite(params->p), "pool_nd: p=%g", (double)params->p);
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    TRY(clcnn_window_nd_resolve(&op->params.window, "pool_nd", false));
    if (op->params.p == 0)
        op->params.p = 2;
    op->device = clcnn_device_retain(device);
    clcnn_typed_options(options, params->type, params->type);
    TRY(clcnn_kernel_create(device, "pool_nd", options, "pool_nd", &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_pool_nd_destroy(&op);
    return status;
}

void clcnn_pool_nd_destroy(struct clcnn_pool_nd **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

struct pool_call {
    struct clcnn_operand x, y, indices, flat;
    bool has_indices;
};

/* The index of an element in x as a row-major tensor: the strides of batch and channels go to the
 * walk as those of an operand that is nowhere, those of space into the space. */
static void set_flat(const struct clcnn_pool_nd *op, struct pool_call *c, struct clcnn_space *space)
{
    int64_t volume = space->in[0] * space->in[1] * space->in[2];
    c->flat.view = c->x.view;
    c->flat.view.stride[1] = volume;
    c->flat.view.stride[0] = volume * c->x.view.size[1];
    if (op->params.column_major) {
        space->flat_step[0] = 1;
        space->flat_step[1] = space->in[0];
        space->flat_step[2] = space->in[0] * space->in[1];
    } else {
        space->flat_step[0] = space->in[1] * space->in[2];
        space->flat_step[1] = space->in[2];
        space->flat_step[2] = 1;
    }
}

static enum clcnn_status check_pool(const struct clcnn_pool_nd *op, struct pool_call *c)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int rank = 2 + op->params.window.rank;
    TRY(clcnn_operand_check(op->device, "pool_nd", NULL, &c->x));
    TRY(clcnn_operand_check(op->device, "pool_nd", NULL, &c->y));
    TRY(clcnn_operand_distinct("pool_nd", &c->y));
    TRY(clcnn_operand_apart("pool_nd", &c->x, &c->y, false));
    REQUIRE(c->x.view.rank == rank && c->y.view.rank == rank,
            "pool_nd: x has rank %d, y has rank %d, not %d", c->x.view.rank, c->y.view.rank, rank);
    for (int i = 0; i < 2; i++)
        REQUIRE(c->x.view.size[i] == c->y.view.size[i],
                "pool_nd: x has size %lld in dimension %d, y has %lld",
                (long long)c->x.view.size[i], i, (long long)c->y.view.size[i]);
    if (!c->has_indices)
        goto done;
    REQUIRE(op->params.mode == CLCNN_POOL_ND_MODE_MAX, "pool_nd: indices are those of maxima");
    TRY(clcnn_operand_check(op->device, "pool_nd", NULL, &c->indices));
    TRY(clcnn_operand_distinct("pool_nd", &c->indices));
    TRY(clcnn_operand_same_shape("pool_nd", &c->indices, &c->y));
    TRY(clcnn_operand_apart("pool_nd", &c->x, &c->indices, false));
    TRY(clcnn_operand_apart("pool_nd", &c->y, &c->indices, false));
done:
    return status;
}

enum clcnn_status clcnn_pool_nd_forward(struct clcnn_pool_nd *op, const struct clcnn_array *x,
                                        const struct clcnn_array *y,
                                        const struct clcnn_array *indices,
                                        const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    struct clcnn_walk kept, space_walk;
    REQUIRE(op, "pool_nd: op is NULL");
    const struct clcnn_pool_nd_params *p = &op->params;
    struct pool_call c = {
        .x = {.name = "x", .array = x, .type = p->type},
        .y = {.name = "y", .array = y, .type = p->type},
        .indices = {.name = "indices", .array = indices, .type = CLCNN_DTYPE_INT64},
        .has_indices = indices != NULL,
    };
    TRY(check_pool(op, &c));
    if (clcnn_view_count(&c.y.view) == 0)
        goto done;
    struct clcnn_space space =
        clcnn_space_of(&p->window, &c.x.view, &c.y.view, c.has_indices ? &c.indices.view : NULL);
    set_flat(op, &c, &space);
    const struct clcnn_operand *operands[] = {&c.x, c.has_indices ? &c.indices : NULL, &c.flat,
                                              &c.y};
    if (!c.has_indices)
        operands[2] = NULL;
    unsigned spatial = ((1u << p->window.rank) - 1) << 2;
    clcnn_walk_split(operands, CLCNN_WALK_OPERANDS, 0, spatial, &kept, &space_walk);
    clcnn_walk_order(&kept);
    struct clcnn_tiles t = clcnn_walk_tiles(op->device, &kept, 2);
    clcnn_space_grid(op->device, &space, 1, &t.grid);
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    TRY(clcnn_launch(&s, op->kernel, t.grid,
                     ARGS(BUFFER(&c.x.origin), BUFFER(&c.y.origin),
                          BUFFER(c.has_indices ? &c.indices.origin : NULL), TILED(kept, t),
                          DATA(space), INT(p->mode), INT(p->include_pad), FLOAT(p->p))));
done:
    return clcnn_stream_end(&s, status);
}

/* ---- unpooling ------------------------------------------------------------------------------- */

enum clcnn_status clcnn_unpool_create(struct clcnn_device *device, enum clcnn_dtype type,
                                      struct clcnn_unpool **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_unpool *op = NULL;
    char options[CLCNN_TYPED_OPTIONS];
    const struct clcnn_map_params zero = {
        .function = CLCNN_FUNCTION_FILL, .type = type, .to = type};
    REQUIRE(out, "unpool: out is NULL");
    *out = NULL;
    REQUIRE(device, "unpool: device is NULL");
    TRY(clcnn_storage_check(type, "unpool"));
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->type = type;
    op->device = clcnn_device_retain(device);
    TRY(clcnn_enqueue_create(&op->next));
    TRY(clcnn_map_create(device, &zero, &op->fill));
    clcnn_typed_options(options, type, type);
    TRY(clcnn_kernel_create(device, "pool_nd", options, "unpool", &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_unpool_destroy(&op);
    return status;
}

void clcnn_unpool_destroy(struct clcnn_unpool **op)
{
    if (!op || !*op)
        return;
    clcnn_map_destroy(&(*op)->fill);
    free((*op)->next);
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

enum clcnn_status clcnn_unpool_forward(struct clcnn_unpool *op, const struct clcnn_array *x,
                                       const struct clcnn_array *indices,
                                       const struct clcnn_array *y,
                                       const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    const struct clcnn_enqueue *nested;
    struct clcnn_walk walk;
    REQUIRE(op, "unpool: op is NULL");
    struct clcnn_operand from = {.name = "x", .array = x, .type = op->type};
    struct clcnn_operand which = {.name = "indices", .array = indices};
    struct clcnn_operand to = {.name = "y", .array = y, .type = op->type};
    which.type = CLCNN_DTYPE_INT64;
    TRY(clcnn_operand_check(op->device, "unpool", NULL, &from));
    TRY(clcnn_operand_check(op->device, "unpool", NULL, &which));
    TRY(clcnn_operand_check(op->device, "unpool", NULL, &to));
    TRY(clcnn_operand_distinct("unpool", &to));
    TRY(clcnn_operand_same_shape("unpool", &from, &which));
    TRY(clcnn_operand_apart("unpool", &from, &to, false));
    TRY(clcnn_operand_apart("unpool", &which, &to, false));
    struct target target = {.count = clcnn_view_count(&to.view), .rank = to.view.rank};
    for (int i = 0; i < to.view.rank; i++) {
        target.size[i] = to.view.size[to.view.rank - 1 - i];
        target.step[i] = to.view.stride[to.view.rank - 1 - i];
    }
    const struct clcnn_view *views[] = {&from.view, &which.view};
    clcnn_walk_init(&walk, views, 2, 0);
    struct clcnn_tiles t = clcnn_walk_tiles(op->device, &walk, 2);
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    TRY(clcnn_stream_nest(&s, op->next, &nested));
    TRY(clcnn_map_forward(op->fill, NULL, 0, y, nested));
    TRY(clcnn_launch(&s, op->kernel, t.grid,
                     ARGS(BUFFER(&from.origin), BUFFER(&which.origin), BUFFER(&to.origin),
                          TILED(walk, t), DATA(target))));
done:
    return clcnn_stream_end(&s, status);
}
