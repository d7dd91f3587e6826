/* Reductions, and the places of extremes. */
#include "io/onnx/import.h"
#include <string.h>

struct reduction {
    struct clcnn_reduce_params params;
    bool reduced[CLCNN_MAX_RANK], keep;
};

/* ---- constants: what shapes are computed with ------------------------------------------------ */

static bool folds(const struct clcnn_onnx_node *node, const struct reduction *r)
{
    enum clcnn_reduction kind = r->params.reduction;
    return node->inputs[0].layer < 0 && !clcnn_onnx_is_float(node->inputs[0].type) &&
           clcnn_onnx_count(&node->inputs[0]) > 0 &&
           (kind == CLCNN_REDUCTION_SUM || kind == CLCNN_REDUCTION_PROD ||
            kind == CLCNN_REDUCTION_MAX || kind == CLCNN_REDUCTION_MIN);
}

static int64_t combine(enum clcnn_reduction kind, int64_t a, int64_t b)
{
    switch (kind) {
    case CLCNN_REDUCTION_PROD:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case CLCNN_REDUCTION_MAX:
        return a > b ? a : b;
    case CLCNN_REDUCTION_MIN:
        return a < b ? a : b;
    default:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    }
}

/* The place in y (which keeps its dimensions) of element i of x. */
static int64_t place_of(const struct clcnn_shape *x, const struct reduction *r, int64_t i)
{
    int64_t place = 0, stride = 1;
    for (int axis = x->rank - 1; axis >= 0; axis--) {
        int64_t index = i % x->dim[axis];
        i /= x->dim[axis];
        if (r->reduced[axis])
            continue;
        place += index * stride;
        stride *= x->dim[axis];
    }
    return place;
}

static enum clcnn_status fold(struct clcnn_onnx_node *node, const struct reduction *r,
                              const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    struct clcnn_tensor *y = NULL;
    enum clcnn_reduction kind = r->params.reduction;
    const int64_t *from;
    TRY(clcnn_onnx_integers(node->import, x, &from));
    TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_INT64, shape, &y));
    int64_t *to = clcnn_tensor_data(y);
    if (kind == CLCNN_REDUCTION_MAX || kind == CLCNN_REDUCTION_MIN)
        for (int64_t i = clcnn_onnx_count(x) - 1; i >= 0; i--)
            to[place_of(&x->shape, r, i)] = from[i];
    else
        for (int64_t i = 0; i < clcnn_tensor_count(y); i++)
            to[i] = kind == CLCNN_REDUCTION_PROD;
    for (int64_t i = 0; i < clcnn_onnx_count(x); i++) {
        int64_t *at = &to[place_of(&x->shape, r, i)];
        *at = combine(kind, *at, from[i]);
    }
    TRY(clcnn_onnx_output_constant(node, 0, x->type, &y));
done:
    clcnn_tensor_destroy(&y);
    return status;
}

/* ---- layers ---------------------------------------------------------------------------------- */

static enum clcnn_status add_reduce(struct clcnn_onnx_node *node, const struct reduction *r,
                                    const struct clcnn_shape *kept, int type)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value x = node->inputs[0];
    int order[CLCNN_MAX_RANK], input, index;
    struct clcnn_view view;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_REDUCE,
                                .type = CLCNN_LAYER_TYPE_GENERAL,
                                .class_name = node->op->type,
                                .shape = {.rank = x.shape.rank},
                                .kernel = -1,
                                .bias = -1,
                                .u.reduce = r->params};
    TRY(clcnn_onnx_device_type(type, &layer.dtype));
    TRY(clcnn_onnx_plain(node, &x));
    if (x.layer < 0) {
        TRY(clcnn_onnx_lay(node, &x, NULL, &x.layer));
        TRY(clcnn_view_dense(&x.shape, &x.view));
    }
    input = x.layer;
    clcnn_onnx_memory_order(&x.view, order);
    for (int i = 0; i < x.shape.rank; i++)
        layer.shape.dim[i] = kept->dim[order[i]];
    TRY(clcnn_view_permute(&x.view, order, &view));
    TRY(clcnn_onnx_add_layer(node, &layer, &input, &view, 1, &index));
    clcnn_onnx_output_layer(node, 0, index, kept, order, type);
done:
    return status;
}

static enum clcnn_status reduce(struct clcnn_onnx_node *node, const struct reduction *r, int type)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_shape *x = &node->inputs[0].shape;
    struct clcnn_shape kept = *x, shape = {0};
    for (int i = 0; i < x->rank; i++) {
        kept.dim[i] = r->reduced[i] ? 1 : x->dim[i];
        if (r->keep || !r->reduced[i])
            shape.dim[shape.rank++] = kept.dim[i];
    }
    if (folds(node, r))
        return fold(node, r, &shape);
    NODE_SUPPORTS(clcnn_shape_count(x) > 0, "a reduction of nothing");
    TRY(add_reduce(node, r, &kept, type));
    TRY(clcnn_view_reshape(&node->outputs[0].view, &shape, &node->outputs[0].view));
    node->outputs[0].shape = shape;
done:
    return status;
}

/* The axes are an attribute in old opsets and an input in new ones; none means all, unless
 * noop_with_empty_axes. */
static enum clcnn_status take_axes(struct clcnn_onnx_node *node, int input_since,
                                   struct reduction *r, bool *noop)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const int64_t *axes = NULL;
    int64_t count = 0;
    size_t length = 0;
    int rank = node->inputs[0].shape.rank, axis;
    r->keep = clcnn_onnx_int(node, "keepdims", 1) != 0;
    if (node->opset < input_since) {
        axes = clcnn_onnx_ints(node, "axes", &length);
        count = (int64_t)length;
    } else if (clcnn_onnx_given(node, 1)) {
        TRY(clcnn_onnx_need_integers(node, 1, "axes", &axes, &count));
    }
    *noop =
        count == 0 && node->opset >= input_since && clcnn_onnx_int(node, "noop_with_empty_axes", 0);
    for (int i = 0; i < rank; i++)
        r->reduced[i] = count == 0;
    for (int64_t i = 0; i < count; i++) {
        TRY(clcnn_onnx_axis(axes[i], rank, &axis));
        NODE_REQUIRE(!r->reduced[axis], "axis %d is named twice", axis);
        r->reduced[axis] = true;
    }
done:
    return status;
}

static enum clcnn_status reduce_over(struct clcnn_onnx_node *node, enum clcnn_reduction kind,
                                     int input_since)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct reduction r = {.params.reduction = kind};
    bool noop;
    TRY(clcnn_onnx_device_type(node->inputs[0].type, &r.params.type));
    TRY(take_axes(node, input_since, &r, &noop));
    if (noop) {
        clcnn_onnx_output_view(node, 0, &node->inputs[0], &node->inputs[0].view);
        node->outputs[0].shape = node->inputs[0].shape;
    } else {
        TRY(reduce(node, &r, node->inputs[0].type));
    }
done:
    return status;
}

#define REDUCTION(name, kind, input_since)                                                         \
    enum clcnn_status clcnn_onnx_reduce_##name(struct clcnn_onnx_node *node)                       \
    {                                                                                              \
        return reduce_over(node, CLCNN_REDUCTION_##kind, input_since);                             \
    }
REDUCTION(l1, L1, 18)
REDUCTION(l2, L2, 18)
REDUCTION(log_sum, LOG_SUM, 18)
REDUCTION(log_sum_exp, LOG_SUM_EXP, 18)
REDUCTION(max, MAX, 18)
REDUCTION(mean, MEAN, 18)
REDUCTION(min, MIN, 18)
REDUCTION(prod, PROD, 18)
REDUCTION(sum, SUM, 13)
REDUCTION(sum_square, SUM_SQUARE, 18)
#undef REDUCTION

static enum clcnn_status find_extreme(struct clcnn_onnx_node *node, enum clcnn_reduction kind)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct reduction r = {.params = {.reduction = kind, .index = CLCNN_DTYPE_INT64},
                          .keep = clcnn_onnx_int(node, "keepdims", 1) != 0};
    int axis;
    r.params.last_index = clcnn_onnx_int(node, "select_last_index", 0) != 0;
    TRY(clcnn_onnx_device_type(node->inputs[0].type, &r.params.type));
    TRY(clcnn_onnx_axis(clcnn_onnx_int(node, "axis", 0), node->inputs[0].shape.rank, &axis));
    r.reduced[axis] = true;
    TRY(reduce(node, &r, CLCNN_ONNX_INT64));
done:
    return status;
}

enum clcnn_status clcnn_onnx_arg_max(struct clcnn_onnx_node *node)
{
    return find_extreme(node, CLCNN_REDUCTION_ARG_MAX);
}

enum clcnn_status clcnn_onnx_arg_min(struct clcnn_onnx_node *node)
{
    return find_extreme(node, CLCNN_REDUCTION_ARG_MIN);
}
