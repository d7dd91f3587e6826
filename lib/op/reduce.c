#include "base/memory.h"
#include "op/fold.h"
#include "op/typed.h"
#include <clcnn/reduce.h>
#include <stdlib.h>

struct clcnn_reduce {
    struct clcnn_device *device;
    struct clcnn_reduce_params params;
    bool arg; /* the result is an index */
    enum clcnn_dtype to;
    struct clcnn_kernel *kernel;
};

static const struct {
    const char *name;
    bool floats; /* of floats alone */
} reductions[] = {
    [CLCNN_REDUCTION_SUM] = {"reduce_sum", false},
    [CLCNN_REDUCTION_MEAN] = {"reduce_mean", false},
    [CLCNN_REDUCTION_MAX] = {"reduce_max", false},
    [CLCNN_REDUCTION_MIN] = {"reduce_min", false},
    [CLCNN_REDUCTION_PROD] = {"reduce_prod", false},
    [CLCNN_REDUCTION_L1] = {"reduce_l1", false},
    [CLCNN_REDUCTION_L2] = {"reduce_l2", true},
    [CLCNN_REDUCTION_SUM_SQUARE] = {"reduce_sum_square", false},
    [CLCNN_REDUCTION_LOG_SUM] = {"reduce_log_sum", true},
    [CLCNN_REDUCTION_LOG_SUM_EXP] = {"reduce_log_sum_exp", true},
    [CLCNN_REDUCTION_ARG_MAX] = {"arg_max", false},
    [CLCNN_REDUCTION_ARG_MIN] = {"arg_min", false},
};

const char *clcnn_reduction_name(enum clcnn_reduction reduction)
{
    return (size_t)reduction < CLCNN_REDUCTION_COUNT ? reductions[reduction].name : "unknown";
}

static enum clcnn_status validate(struct clcnn_reduce *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_reduce_params *p = &op->params;
    REQUIRE((size_t)p->reduction < CLCNN_REDUCTION_COUNT, "reduce: %d is no reduction",
            (int)p->reduction);
    const char *name = reductions[p->reduction].name;
    TRY(clcnn_typed_check(p->type, name));
    REQUIRE(!reductions[p->reduction].floats || clcnn_is_float(p->type), "%s: not of %s", name,
            clcnn_dtype_name(p->type));
    op->arg = p->reduction >= CLCNN_REDUCTION_ARG_MAX;
    op->to = op->arg ? p->index : p->type;
    REQUIRE(!op->arg || p->index == CLCNN_DTYPE_INT32 || p->index == CLCNN_DTYPE_INT64,
            "%s: index %s is neither int32 nor int64", name, clcnn_dtype_name(p->index));
done:
    return status;
}

enum clcnn_status clcnn_reduce_create(struct clcnn_device *device,
                                      const struct clcnn_reduce_params *params,
                                      struct clcnn_reduce **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_reduce *op = NULL;
    char options[CLCNN_TYPED_OPTIONS];
    REQUIRE(out, "reduce: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "reduce: device or params is NULL");
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    TRY(validate(op));
    op->device = clcnn_device_retain(device);
    clcnn_typed_options(options, params->type, op->to);
    TRY(clcnn_kernel_create(device, "reduction", options, op->arg ? "reduce_arg" : "reduce",
                            &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_reduce_destroy(&op);
    return status;
}

void clcnn_reduce_destroy(struct clcnn_reduce **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* The dimensions that are reduced: all in which y has size 1. */
static enum clcnn_status find_axes(const char *name, const struct clcnn_view *x,
                                   const struct clcnn_view *y, unsigned *axes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    *axes = 0;
    REQUIRE(x->rank == y->rank, "%s: x has rank %d, y has rank %d", name, x->rank, y->rank);
    for (int i = 0; i < x->rank; i++) {
        REQUIRE(y->size[i] == 1 || y->size[i] == x->size[i],
                "%s: y has size %lld in dimension %d, x has %lld", name, (long long)y->size[i], i,
                (long long)x->size[i]);
        if (y->size[i] == 1)
            *axes |= 1u << i;
    }
done:
    return status;
}

static enum clcnn_status check_count(const struct clcnn_reduce *op, const struct clcnn_fold *fold,
                                     int64_t count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const char *name = reductions[op->params.reduction].name;
    REQUIRE(!op->arg || fold->inside.rank == 1, "%s: over more than one dimension", name);
    REQUIRE(!op->arg || count > 0, "%s: of no elements", name);
    REQUIRE(count > 0 || op->params.reduction != CLCNN_REDUCTION_MEAN ||
                clcnn_is_float(op->params.type),
            "%s: of no elements of %s", name, clcnn_dtype_name(op->params.type));
done:
    return status;
}

enum clcnn_status clcnn_reduce_forward(struct clcnn_reduce *op, const struct clcnn_array *x,
                                       const struct clcnn_array *y,
                                       const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    struct clcnn_fold fold;
    unsigned axes;
    REQUIRE(op, "reduce: op is NULL");
    const char *name = reductions[op->params.reduction].name;
    struct clcnn_operand from = {.name = "x", .array = x, .type = op->params.type};
    struct clcnn_operand to = {.name = "y", .array = y, .type = op->to}, stretched;
    TRY(clcnn_operand_check(op->device, name, NULL, &from));
    TRY(clcnn_operand_check(op->device, name, NULL, &to));
    TRY(clcnn_operand_distinct(name, &to));
    TRY(clcnn_operand_apart(name, &from, &to, false));
    TRY(find_axes(name, &from.view, &to.view, &axes));
    stretched = to;
    for (int i = 0; i < from.view.rank; i++)
        stretched.view.size[i] = from.view.size[i];
    const struct clcnn_operand *operands[] = {&from, NULL, NULL, &stretched};
    clcnn_fold_init(&fold, op->device, operands, axes);
    int64_t count = clcnn_walk_count(&fold.inside);
    TRY(check_count(op, &fold, count));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    if (op->arg) {
        struct clcnn_tiles t = clcnn_walk_tiles(op->device, &fold.kept, clcnn_max(count, 2));
        TRY(clcnn_launch(&s, op->kernel, t.grid,
                         ARGS(BUFFER(&from.origin), BUFFER(&to.origin), TILED(fold.kept, t),
                              LONG(count), LONG(fold.inside.stride[0][0]),
                              INT(op->params.reduction == CLCNN_REDUCTION_ARG_MIN),
                              INT(op->params.last_index))));
    } else {
        TRY(clcnn_launch(&s, op->kernel, fold.tiles.grid,
                         ARGS(BUFFER(&from.origin), BUFFER(&to.origin), FOLDED(fold),
                              INT(op->params.reduction), LONG(count))));
    }
done:
    return clcnn_stream_end(&s, status);
}
