#include "base/memory.h"
#include "op/typed.h"
#include "op/walk.h"
#include <clcnn/gather.h>
#include <stdio.h>
#include <stdlib.h>

struct clcnn_gather {
    struct clcnn_device *device;
    struct clcnn_gather_params params;
    struct clcnn_kernel *kernel;
};

enum clcnn_status clcnn_gather_create(struct clcnn_device *device,
                                      const struct clcnn_gather_params *params,
                                      struct clcnn_gather **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_gather *op = NULL;
    char types[CLCNN_TYPED_OPTIONS], options[64];
    REQUIRE(out, "gather: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "gather: device or params is NULL");
    TRY(clcnn_typed_check(params->type, "gather"));
    REQUIRE(params->index == CLCNN_DTYPE_INT32 || params->index == CLCNN_DTYPE_INT64,
            "gather: index %s is neither int32 nor int64", clcnn_dtype_name(params->index));
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    op->device = clcnn_device_retain(device);
    clcnn_typed_options(types, params->type, params->type);
    snprintf(options, sizeof(options), "%s -DINDEX=%d", types, (int)params->index);
    TRY(clcnn_kernel_create(device, "gather", options, "gather", &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_gather_destroy(&op);
    return status;
}

void clcnn_gather_destroy(struct clcnn_gather **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* Gives x and the index, checked, the shape of y: x stands still along the axis, the index along
 * the dimensions of x that are not the axis. */
static enum clcnn_status stretch_slices(struct clcnn_view *x, struct clcnn_view *index, int axis)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_view from = *x, which = *index;
    int rank = from.rank - 1 + which.rank;
    REQUIRE(rank <= CLCNN_MAX_RANK, "gather: y has rank %d, above %d", rank, CLCNN_MAX_RANK);
    x->rank = index->rank = rank;
    for (int i = 0; i < rank; i++) {
        bool of_index = i >= axis && i < axis + which.rank;
        int d = i < axis ? i : i - which.rank + 1;
        x->size[i] = index->size[i] = of_index ? which.size[i - axis] : from.size[d];
        x->stride[i] = of_index ? 0 : from.stride[d];
        index->stride[i] = of_index ? which.stride[i - axis] : 0;
    }
done:
    return status;
}

static enum clcnn_status stretch_elements(struct clcnn_view *x, const struct clcnn_view *index,
                                          int axis)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(index->rank == x->rank, "gather: index has rank %d, x has rank %d", index->rank,
            x->rank);
    for (int i = 0; i < x->rank; i++) {
        REQUIRE(i == axis || index->size[i] <= x->size[i],
                "gather: index has size %lld in dimension %d, x has %lld",
                (long long)index->size[i], i, (long long)x->size[i]);
        x->size[i] = index->size[i];
    }
    x->stride[axis] = 0;
done:
    return status;
}

enum clcnn_status clcnn_gather_forward(struct clcnn_gather *op, int axis,
                                       const struct clcnn_array *x, const struct clcnn_array *index,
                                       const struct clcnn_array *y,
                                       const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    struct clcnn_walk walk;
    REQUIRE(op, "gather: op is NULL");
    struct clcnn_operand from = {.name = "x", .array = x, .type = op->params.type};
    struct clcnn_operand which = {.name = "index", .array = index, .type = op->params.index};
    struct clcnn_operand to = {.name = "y", .array = y, .type = op->params.type};
    TRY(clcnn_operand_check(op->device, "gather", NULL, &from));
    TRY(clcnn_operand_check(op->device, "gather", NULL, &which));
    TRY(clcnn_operand_check(op->device, "gather", NULL, &to));
    TRY(clcnn_operand_distinct("gather", &to));
    TRY(clcnn_operand_apart("gather", &from, &to, false));
    TRY(clcnn_operand_apart("gather", &which, &to, false));
    int rank = from.view.rank;
    REQUIRE(axis >= -rank && axis < rank, "gather: axis %d is not in %d..%d", axis, -rank,
            rank - 1);
    axis += axis < 0 ? rank : 0;
    int64_t size = from.view.size[axis], stride = from.view.stride[axis];
    if (op->params.elements)
        TRY(stretch_elements(&from.view, &which.view, axis));
    else
        TRY(stretch_slices(&from.view, &which.view, axis));
    TRY(clcnn_operand_same_shape("gather", &from, &to));
    if (clcnn_view_count(&to.view) == 0)
        goto done;
    REQUIRE(size > 0, "gather: axis %d of x is empty", axis);
    const struct clcnn_view *views[] = {&from.view, &which.view, NULL, &to.view};
    clcnn_walk_init(&walk, views, CLCNN_WALK_OPERANDS, 3);
    clcnn_walk_order(&walk);
    struct clcnn_tiles t = clcnn_walk_tiles(op->device, &walk, 1);
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    TRY(clcnn_launch(&s, op->kernel, t.grid,
                     ARGS(BUFFER(&from.origin), BUFFER(&which.origin), BUFFER(&to.origin),
                          TILED(walk, t), LONG(size), LONG(stride))));
done:
    return clcnn_stream_end(&s, status);
}
