/* Padding: along each padded axis the input is joined with what stands before and behind it, which
 * are views: of one constant, of the first and last element (edge), or backwards (reflect). */
#include "io/onnx/import.h"
#include <string.h>

enum mode { CONSTANT, REFLECT, EDGE, WRAP };

struct padding {
    enum mode mode;
    int64_t before[CLCNN_MAX_RANK], after[CLCNN_MAX_RANK];
    float value;
};

/* `count` elements of a constant that stretches over everything else. */
static enum clcnn_status constant_part(struct clcnn_onnx_node *node, const struct padding *p,
                                       int axis, int64_t count, struct clcnn_onnx_value *part)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    struct clcnn_shape one = {0}, shape = node->inputs[0].shape;
    int type = node->inputs[0].type;
    bool floats = clcnn_onnx_is_float(type);
    shape.dim[axis] = count;
    TRY(clcnn_onnx_new_tensor(node->import, floats ? CLCNN_DTYPE_FLOAT32 : CLCNN_DTYPE_INT64, &one,
                              &tensor));
    if (floats)
        *(float *)clcnn_tensor_data(tensor) = p->value;
    else
        *(int64_t *)clcnn_tensor_data(tensor) = (int64_t)p->value;
    TRY(clcnn_onnx_keep_constant(node->import, type, &tensor, part));
    TRY(clcnn_view_broadcast(&part->view, &shape, &part->view));
    part->shape = shape;
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

/* What stands before (or behind) the input along an axis. */
static enum clcnn_status make_part(struct clcnn_onnx_node *node, const struct padding *p, int axis,
                                   bool behind, int64_t count, struct clcnn_onnx_value *part)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    int64_t size = x->shape.dim[axis], start = behind ? size - 1 : 0;
    *part = *x;
    if (p->mode == CONSTANT)
        return constant_part(node, p, axis, count, part);
    NODE_REQUIRE(p->mode == EDGE      ? size > 0
                 : p->mode == REFLECT ? count < size
                                      : count <= size,
                 "%lld elements cannot come from %lld", (long long)count, (long long)size);
    if (p->mode == REFLECT) {
        TRY(clcnn_view_slice(&x->view, axis, behind ? size - 2 : count, -1, count, &part->view));
    } else if (p->mode == WRAP) {
        TRY(clcnn_view_slice(&x->view, axis, behind ? 0 : size - count, 1, count, &part->view));
    } else {
        TRY(clcnn_view_slice(&x->view, axis, start, 1, 1, &part->view));
        part->view.size[axis] = count;
        part->view.stride[axis] = 0;
    }
    part->shape.dim[axis] = count;
done:
    return status;
}

/* Output 0 = input 0 padded along one axis. */
static enum clcnn_status pad_axis(struct clcnn_onnx_node *node, const struct padding *p, int axis)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value parts[3];
    struct clcnn_onnx_node joined = *node;
    struct clcnn_shape shape = node->inputs[0].shape;
    int count = 0;
    NODE_REQUIRE(!__builtin_add_overflow(shape.dim[axis], p->before[axis] + p->after[axis],
                                         &shape.dim[axis]) &&
                     clcnn_shape_count(&shape) >= 0,
                 "the result is too large");
    if (p->before[axis] > 0)
        TRY(make_part(node, p, axis, false, p->before[axis], &parts[count++]));
    parts[count++] = node->inputs[0];
    if (p->after[axis] > 0)
        TRY(make_part(node, p, axis, true, p->after[axis], &parts[count++]));
    joined.inputs = parts;
    joined.input_count = count;
    bool known = node->inputs[0].layer < 0;
    TRY(known || clcnn_shape_count(&shape) == 0 ? clcnn_onnx_join_constants(&joined, axis, &shape)
                                                : clcnn_onnx_join(&joined, axis, &shape));
done:
    return status;
}

/* Negative pads cut off. */
static enum clcnn_status cut(struct clcnn_onnx_value *x, const struct padding *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int i = 0; i < x->shape.rank; i++) {
        int64_t before = clcnn_min(p->before[i], 0), after = clcnn_min(p->after[i], 0);
        int64_t left = x->shape.dim[i] + before + after;
        NODE_REQUIRE(left >= 0, "more is cut off than there is along axis %d", i);
        TRY(clcnn_view_slice(&x->view, i, left ? -before : 0, 1, left, &x->view));
        x->shape.dim[i] = left;
    }
done:
    return status;
}

static enum clcnn_status take_pads(struct clcnn_onnx_node *node, struct padding *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const int64_t *list = NULL, *axes = NULL;
    int64_t count = 0, axis_count = node->inputs[0].shape.rank;
    if (node->opset < 11) {
        size_t length;
        list = clcnn_onnx_ints(node, node->opset < 2 ? "paddings" : "pads", &length);
        count = (int64_t)length;
    } else {
        TRY(clcnn_onnx_need_integers(node, 1, "pads", &list, &count));
    }
    if (clcnn_onnx_given(node, 3))
        TRY(clcnn_onnx_need_integers(node, 3, "axes", &axes, &axis_count));
    NODE_REQUIRE(list && axis_count <= node->inputs[0].shape.rank && count == 2 * axis_count,
                 "'pads' has %lld elements for %lld axes", (long long)count, (long long)axis_count);
    for (int i = 0; i < axis_count; i++) {
        int axis = i;
        if (axes)
            TRY(clcnn_onnx_axis(axes[i], node->inputs[0].shape.rank, &axis));
        p->before[axis] = list[i];
        p->after[axis] = list[axis_count + i];
        NODE_REQUIRE(list[i] >= -INT32_MAX && list[i] <= INT32_MAX &&
                         list[axis_count + i] >= -INT32_MAX && list[axis_count + i] <= INT32_MAX,
                     "a pad of %lld or %lld", (long long)list[i], (long long)list[axis_count + i]);
    }
done:
    return status;
}

static enum clcnn_status take_value(struct clcnn_onnx_node *node, struct padding *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const float *number;
    const int64_t *integer;
    int64_t count;
    p->value = node->opset < 11 ? clcnn_onnx_float(node, "value", 0.0f) : 0.0f;
    if (node->opset < 11 || !clcnn_onnx_given(node, 2))
        return status;
    if (clcnn_onnx_is_float(node->inputs[0].type)) {
        TRY(clcnn_onnx_need_floats(node, 2, "constant_value", &number, &count));
        NODE_REQUIRE(count == 1, "'constant_value' has %lld elements", (long long)count);
        p->value = *number;
    } else {
        TRY(clcnn_onnx_need_integers(node, 2, "constant_value", &integer, &count));
        NODE_REQUIRE(count == 1, "'constant_value' has %lld elements", (long long)count);
        p->value = (float)*integer;
    }
done:
    return status;
}

/* Output 0 = x with p along every axis; x is plain. */
static enum clcnn_status pad_all(struct clcnn_onnx_node *node, struct clcnn_onnx_value *x,
                                 struct padding *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_node step = *node;
    TRY(cut(x, p));
    clcnn_onnx_output_view(node, 0, x, &x->view);
    for (int i = 0; i < x->shape.rank; i++) {
        struct clcnn_onnx_value so_far = node->outputs[0];
        if (p->before[i] <= 0 && p->after[i] <= 0)
            continue;
        p->before[i] = clcnn_max(p->before[i], 0);
        p->after[i] = clcnn_max(p->after[i], 0);
        so_far.name = x->name;
        step.inputs = &so_far;
        TRY(pad_axis(&step, p, i));
    }
done:
    return status;
}

enum clcnn_status clcnn_onnx_fit(struct clcnn_onnx_node *node, const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value x = node->outputs[0];
    struct padding p = {0};
    x.name = node->name;
    for (int i = 0; i < shape->rank; i++)
        p.after[i] = shape->dim[i] - x.shape.dim[i];
    TRY(clcnn_onnx_plain(node, &x));
    TRY(pad_all(node, &x, &p));
done:
    return status;
}

enum clcnn_status clcnn_onnx_pad(struct clcnn_onnx_node *node)
{
    static const char *const words[] = {"constant", "reflect", "edge", "wrap", NULL};
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct padding p = {0};
    struct clcnn_onnx_value *x = &node->inputs[0];
    int word = clcnn_onnx_word(node, "mode", words);
    NODE_REQUIRE(word >= 0, "'mode' is an unknown word");
    p.mode = (enum mode)word;
    TRY(take_pads(node, &p));
    TRY(take_value(node, &p));
    TRY(clcnn_onnx_plain(node, x));
    TRY(pad_all(node, x, &p));
done:
    return status;
}
