/* Operators that move elements: most of them are another view and no work. */
#include "io/onnx/import.h"
#include <stdlib.h>
#include <string.h>

/* Output 0 = input 0 with another numbering of its elements. */
static void output_reshaped(struct clcnn_onnx_node *node, const struct clcnn_shape *shape)
{
    struct clcnn_onnx_value *x = &node->inputs[0];
    clcnn_onnx_output_view(node, 0, x, &x->view);
    if (node->output_count == 0)
        return;
    node->outputs[0].shape = *shape;
    struct clcnn_view strided;
    if (clcnn_view_reshape(&x->view, shape, &strided) == CLCNN_STATUS_OK)
        node->outputs[0].view = strided;
}

enum clcnn_status clcnn_onnx_identity(struct clcnn_onnx_node *node)
{
    output_reshaped(node, &node->inputs[0].shape);
    return CLCNN_STATUS_OK;
}

/* At inference it does nothing; its mask is then all true. */
enum clcnn_status clcnn_onnx_dropout(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *mask = NULL;
    const int64_t *training;
    const float *ratio;
    int64_t count;
    if (node->opset >= 12 && clcnn_onnx_given(node, 2)) {
        TRY(clcnn_onnx_need_integers(node, 2, "training_mode", &training, &count));
        if (count == 1 && *training) {
            float share = 0.5f;
            if (clcnn_onnx_given(node, 1)) {
                TRY(clcnn_onnx_need_floats(node, 1, "ratio", &ratio, &count));
                share = count == 1 ? *ratio : share;
            }
            NODE_SUPPORTS(share == 0.0f, "it drops elements at random (training_mode)");
        }
    }
    output_reshaped(node, &node->inputs[0].shape);
    if (node->output_count > 1) {
        bool truth = node->opset >= 10;
        TRY(clcnn_onnx_new_tensor(node->import, truth ? CLCNN_DTYPE_INT64 : CLCNN_DTYPE_FLOAT32,
                                  &node->inputs[0].shape, &mask));
        for (int64_t i = 0; i < clcnn_tensor_count(mask); i++)
            if (truth)
                ((int64_t *)clcnn_tensor_data(mask))[i] = 1;
            else
                ((float *)clcnn_tensor_data(mask))[i] = 1.0f;
        TRY(clcnn_onnx_output_constant(node, 1, truth ? CLCNN_ONNX_BOOL : node->inputs[0].type,
                                       &mask));
    }
done:
    clcnn_tensor_destroy(&mask);
    return status;
}

/* ---- another shape --------------------------------------------------------------------------- */

/* The list that is an attribute in old opsets and an input in new ones. */
static enum clcnn_status take_list(struct clcnn_onnx_node *node, const char *name, int input,
                                   int input_since, const int64_t **list, int64_t *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t length = 0;
    *list = NULL;
    *count = 0;
    if (node->opset < input_since) {
        *list = clcnn_onnx_ints(node, name, &length);
        *count = (int64_t)length;
    } else if (clcnn_onnx_given(node, input)) {
        TRY(clcnn_onnx_need_integers(node, input, name, list, count));
    }
done:
    return status;
}

static enum clcnn_status fill_open_dimension(const struct clcnn_shape *x, int open,
                                             struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t all = clcnn_shape_count(x), others;
    if (open >= 0) {
        shape->dim[open] = 1;
        others = clcnn_shape_count(shape);
        NODE_REQUIRE(others > 0 && all % others == 0, "%lld elements do not divide by %lld",
                     (long long)all, (long long)others);
        shape->dim[open] = all / others;
    }
    NODE_REQUIRE(clcnn_shape_count(shape) == all, "%s cannot be %s", clcnn_onnx_shape_words(x).text,
                 clcnn_onnx_shape_words(shape).text);
done:
    return status;
}

enum clcnn_status clcnn_onnx_reshape(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_shape *x = &node->inputs[0].shape;
    const int64_t *list;
    int64_t count;
    int open = -1;
    bool zero_is_zero = clcnn_onnx_int(node, "allowzero", 0) != 0;
    TRY(take_list(node, "shape", 1, 5, &list, &count));
    NODE_REQUIRE(list || node->opset >= 5, "'shape' is missing");
    NODE_SUPPORTS(count <= CLCNN_MAX_RANK, "%lld dimensions", (long long)count);
    struct clcnn_shape shape = {.rank = (int)count};
    for (int i = 0; i < shape.rank; i++) {
        shape.dim[i] = list[i] == 0 && !zero_is_zero && i < x->rank ? x->dim[i] : list[i];
        NODE_REQUIRE(list[i] != 0 || zero_is_zero || i < x->rank,
                     "dimension %d is 0, but the input has no dimension %d", i, i);
        NODE_REQUIRE(shape.dim[i] >= 0 || (list[i] == -1 && open < 0),
                     "dimension %d is %lld, or a second -1", i, (long long)list[i]);
        open = list[i] == -1 ? i : open;
    }
    TRY(fill_open_dimension(x, open, &shape));
    output_reshaped(node, &shape);
done:
    return status;
}

enum clcnn_status clcnn_onnx_flatten(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_shape *x = &node->inputs[0].shape;
    int64_t axis = clcnn_onnx_int(node, "axis", 1);
    struct clcnn_shape shape = {2, {1, 1}};
    axis += axis < 0 ? x->rank : 0;
    NODE_REQUIRE(axis >= 0 && axis <= x->rank, "axis %lld of %d dimensions", (long long)axis,
                 x->rank);
    for (int i = 0; i < x->rank; i++)
        shape.dim[i >= axis] *= x->dim[i];
    output_reshaped(node, &shape);
done:
    return status;
}

/* Marks the axes of a list among `rank`. */
static enum clcnn_status mark_axes(const int64_t *list, int64_t count, int rank,
                                   bool marked[CLCNN_MAX_RANK])
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    memset(marked, 0, CLCNN_MAX_RANK * sizeof(*marked));
    for (int64_t i = 0; i < count; i++) {
        int axis;
        TRY(clcnn_onnx_axis(list[i], rank, &axis));
        NODE_REQUIRE(!marked[axis], "axis %d is named twice", axis);
        marked[axis] = true;
    }
done:
    return status;
}

enum clcnn_status clcnn_onnx_squeeze(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_shape *x = &node->inputs[0].shape;
    const int64_t *list;
    int64_t count;
    bool marked[CLCNN_MAX_RANK];
    struct clcnn_shape shape = {0};
    TRY(take_list(node, "axes", 1, 13, &list, &count));
    TRY(mark_axes(list, count, x->rank, marked));
    for (int i = 0; i < x->rank; i++) {
        bool squeezed = list ? marked[i] : x->dim[i] == 1;
        NODE_REQUIRE(!squeezed || x->dim[i] == 1, "axis %d of %s is not 1", i,
                     clcnn_onnx_shape_words(x).text);
        if (!squeezed)
            shape.dim[shape.rank++] = x->dim[i];
    }
    output_reshaped(node, &shape);
done:
    return status;
}

enum clcnn_status clcnn_onnx_unsqueeze(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_shape *x = &node->inputs[0].shape;
    const int64_t *list;
    int64_t count;
    bool marked[CLCNN_MAX_RANK];
    int next = 0;
    TRY(take_list(node, "axes", 1, 13, &list, &count));
    NODE_REQUIRE(list, "'axes' is missing");
    NODE_SUPPORTS(x->rank + count <= CLCNN_MAX_RANK, "%lld dimensions",
                  (long long)(x->rank + count));
    struct clcnn_shape shape = {.rank = x->rank + (int)count};
    TRY(mark_axes(list, count, shape.rank, marked));
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = marked[i] ? 1 : x->dim[next++];
    output_reshaped(node, &shape);
done:
    return status;
}

/* ---- another order --------------------------------------------------------------------------- */

enum clcnn_status clcnn_onnx_transpose(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *x = &node->inputs[0];
    size_t count;
    const int64_t *list = clcnn_onnx_ints(node, "perm", &count);
    int axes[CLCNN_MAX_RANK];
    struct clcnn_view view;
    bool marked[CLCNN_MAX_RANK];
    NODE_REQUIRE(!list || count == (size_t)x->shape.rank, "'perm' has %zu elements for %d axes",
                 count, x->shape.rank);
    if (list)
        TRY(mark_axes(list, (int64_t)count, x->shape.rank, marked));
    for (int i = 0; list && i < x->shape.rank; i++)
        axes[i] = (int)(list[i] < 0 ? list[i] + x->shape.rank : list[i]);
    TRY(clcnn_onnx_plain(node, x));
    TRY(clcnn_view_permute(&x->view, list ? axes : NULL, &view));
    clcnn_onnx_output_view(node, 0, x, &view);
done:
    return status;
}

/* (N, C, H, W) seen as (N, d0, d1, d2, d3, d4), permuted, and shaped again. */
static enum clcnn_status move_blocks(struct clcnn_onnx_node *node, const struct clcnn_shape *apart,
                                     const int axes[6], const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *x = &node->inputs[0];
    TRY(clcnn_onnx_plain(node, x));
    x->shape = *apart;
    TRY(clcnn_onnx_plain(node, x));
    TRY(clcnn_view_permute(&x->view, axes, &x->view));
    output_reshaped(node, shape);
done:
    return status;
}

static enum clcnn_status take_block(struct clcnn_onnx_node *node, int64_t *block)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    *block = clcnn_onnx_int(node, "blocksize", 0);
    NODE_REQUIRE(node->inputs[0].shape.rank == 4, "its input is %s, not an image",
                 clcnn_onnx_shape_words(&node->inputs[0].shape).text);
    NODE_REQUIRE(*block >= 1 && *block <= 32768, "'blocksize' is %lld", (long long)*block);
done:
    return status;
}

enum clcnn_status clcnn_onnx_depth_to_space(struct clcnn_onnx_node *node)
{
    static const char *const words[] = {"DCR", "CRD", NULL};
    static const int dcr[] = {0, 3, 4, 1, 5, 2}, crd[] = {0, 1, 4, 2, 5, 3};
    enum clcnn_status status = CLCNN_STATUS_OK;
    const int64_t *x = node->inputs[0].shape.dim;
    int64_t b;
    int word = clcnn_onnx_word(node, "mode", words);
    TRY(take_block(node, &b));
    NODE_REQUIRE(word >= 0, "'mode' is an unknown word");
    NODE_REQUIRE(x[1] % (b * b) == 0, "%lld channels do not divide by %lld", (long long)x[1],
                 (long long)(b * b));
    int64_t depth = x[1] / (b * b);
    struct clcnn_shape apart = word ? (struct clcnn_shape){6, {x[0], depth, b, b, x[2], x[3]}}
                                    : (struct clcnn_shape){6, {x[0], b, b, depth, x[2], x[3]}};
    struct clcnn_shape shape = {4, {x[0], depth, x[2] * b, x[3] * b}};
    TRY(move_blocks(node, &apart, word ? crd : dcr, &shape));
done:
    return status;
}

enum clcnn_status clcnn_onnx_space_to_depth(struct clcnn_onnx_node *node)
{
    static const int axes[] = {0, 3, 5, 1, 2, 4};
    enum clcnn_status status = CLCNN_STATUS_OK;
    const int64_t *x = node->inputs[0].shape.dim;
    int64_t b;
    TRY(take_block(node, &b));
    NODE_REQUIRE(x[2] % b == 0 && x[3] % b == 0, "%lld x %lld do not divide by %lld",
                 (long long)x[2], (long long)x[3], (long long)b);
    struct clcnn_shape apart = {6, {x[0], x[1], x[2] / b, b, x[3] / b, b}};
    struct clcnn_shape shape = {4, {x[0], x[1] * b * b, x[2] / b, x[3] / b}};
    TRY(move_blocks(node, &apart, axes, &shape));
done:
    return status;
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* start, end and step of one axis as ONNX clamps them. */
static enum clcnn_status slice_axis(struct clcnn_view *view, int axis, int64_t start, int64_t end,
                                    int64_t step)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t size = view->size[axis], count;
    NODE_REQUIRE(step != 0 && step != INT64_MIN, "a step of 0, or a meaningless one");
    start = start < -size ? -size : start;
    start += start < 0 ? size : 0;
    end = end < -size - 1 ? -size - 1 : end;
    end += end < 0 ? size : 0;
    if (step > 0) {
        start = clcnn_min(start, size);
        end = clcnn_min(clcnn_max(end, 0), size);
        count = end > start ? (end - start - 1) / step + 1 : 0;
    } else {
        start = clcnn_min(start, size - 1);
        end = clcnn_max(clcnn_min(end, size - 1), -1);
        count = start > end ? (start - end - 1) / -step + 1 : 0;
    }
    if (count == 0)
        start = 0;
    TRY(clcnn_view_slice(view, axis, start, count > 1 ? step : 1, count, view));
done:
    return status;
}

enum clcnn_status clcnn_onnx_slice(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *x = &node->inputs[0];
    const int64_t *starts, *ends, *axes, *steps = NULL;
    int64_t count, ends_count, axes_count, steps_count = 0;
    bool seen[CLCNN_MAX_RANK] = {false};
    TRY(take_list(node, "starts", 1, 10, &starts, &count));
    TRY(take_list(node, "ends", 2, 10, &ends, &ends_count));
    TRY(take_list(node, "axes", 3, 10, &axes, &axes_count));
    if (node->opset >= 10)
        TRY(take_list(node, "steps", 4, 10, &steps, &steps_count));
    NODE_REQUIRE(starts && ends && count == ends_count && (!axes || axes_count == count) &&
                     (!steps || steps_count == count),
                 "'starts', 'ends', 'axes' and 'steps' differ in length");
    NODE_REQUIRE(count <= x->shape.rank, "%lld axes of %d are sliced", (long long)count,
                 x->shape.rank);
    TRY(clcnn_onnx_plain(node, x));
    for (int i = 0; i < count; i++) {
        int axis;
        TRY(clcnn_onnx_axis(axes ? axes[i] : i, x->shape.rank, &axis));
        NODE_REQUIRE(!seen[axis], "axis %d is named twice", axis);
        seen[axis] = true;
        TRY(slice_axis(&x->view, axis, starts[i], ends[i], steps ? steps[i] : 1));
    }
    clcnn_onnx_output_view(node, 0, x, &x->view);
done:
    return status;
}

enum clcnn_status clcnn_onnx_split(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *x = &node->inputs[0];
    const int64_t *list;
    int64_t count, at = 0, parts = clcnn_onnx_int(node, "num_outputs", node->output_count);
    int axis;
    struct clcnn_view view;
    TRY(clcnn_onnx_axis(clcnn_onnx_int(node, "axis", 0), x->shape.rank, &axis));
    TRY(take_list(node, "split", 1, node->opset == 1 ? 2 : 13, &list, &count));
    if (list && count == 0)
        list = NULL;
    int64_t size = x->shape.dim[axis];
    NODE_REQUIRE(!list || count == node->output_count, "%lld parts for %d outputs",
                 (long long)count, node->output_count);
    NODE_REQUIRE(list || node->opset >= 18 || size % clcnn_max(node->output_count, 1) == 0,
                 "%lld elements do not divide into %d equal parts", (long long)size,
                 node->output_count);
    NODE_REQUIRE(parts == node->output_count, "'num_outputs' is %lld for %d outputs",
                 (long long)parts, node->output_count);
    TRY(clcnn_onnx_plain(node, x));
    for (int i = 0; i < node->output_count; i++) {
        int64_t part =
            list ? list[i] : clcnn_min(clcnn_divide_up(size, node->output_count), size - at);
        NODE_REQUIRE(part >= 0 && part <= size - at, "a part of %lld from %lld of %lld",
                     (long long)part, (long long)at, (long long)size);
        TRY(clcnn_view_slice(&x->view, axis, part ? at : 0, 1, part, &view));
        clcnn_onnx_output_view(node, i, x, &view);
        at += part;
    }
    NODE_REQUIRE(at == size, "the parts have %lld elements, the input %lld", (long long)at,
                 (long long)size);
done:
    return status;
}

/* ---- repetition ------------------------------------------------------------------------------ */

enum clcnn_status clcnn_onnx_expand(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *x = &node->inputs[0];
    const int64_t *list;
    int64_t count;
    struct clcnn_shape shapes[2] = {{0}, x->shape}, shape;
    TRY(clcnn_onnx_need_integers(node, 1, "shape", &list, &count));
    NODE_SUPPORTS(count <= CLCNN_MAX_RANK, "%lld dimensions", (long long)count);
    shapes[0].rank = (int)count;
    memcpy(shapes[0].dim, list, (size_t)count * sizeof(*list));
    if (clcnn_shape_broadcast(shapes, 2, &shape) != CLCNN_STATUS_OK)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s does not broadcast to %s",
                       clcnn_onnx_shape_words(&x->shape).text,
                       clcnn_onnx_shape_words(&shapes[0]).text));
    TRY(clcnn_onnx_plain(node, x));
    TRY(clcnn_view_broadcast(&x->view, &shape, &x->view));
    clcnn_onnx_output_view(node, 0, x, &x->view);
done:
    return status;
}

/* (d0, d1, ...) as (t0, d0, t1, d1, ...), with strides of 0 where it repeats. */
static enum clcnn_status tile_by(struct clcnn_onnx_node *node, const int64_t *repeats)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *x = &node->inputs[0];
    struct clcnn_shape shape = x->shape;
    struct clcnn_view view = {0};
    TRY(clcnn_onnx_plain(node, x));
    view.offset = x->view.offset;
    for (int i = 0; i < x->shape.rank; i++) {
        NODE_REQUIRE(repeats[i] >= 0 &&
                         !__builtin_mul_overflow(shape.dim[i], repeats[i], &shape.dim[i]),
                     "axis %d is repeated %lld times", i, (long long)repeats[i]);
        NODE_SUPPORTS(view.rank + 2 <= CLCNN_MAX_RANK || repeats[i] == 1,
                      "too many axes are repeated");
        if (repeats[i] != 1)
            view.size[view.rank++] = repeats[i];
        NODE_SUPPORTS(view.rank < CLCNN_MAX_RANK, "too many axes are repeated");
        view.size[view.rank] = x->view.size[i];
        view.stride[view.rank++] = x->view.stride[i];
    }
    NODE_REQUIRE(clcnn_shape_count(&shape) >= 0, "the result is too large");
    x->view = view;
    output_reshaped(node, &shape);
done:
    return status;
}

enum clcnn_status clcnn_onnx_tile(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int rank = node->inputs[0].shape.rank;
    const int64_t *list;
    int64_t count, axis_count, repeats[CLCNN_MAX_RANK];
    TRY(clcnn_onnx_need_integers(node, 1, node->opset < 6 ? "tiles" : "repeats", &list, &count));
    if (node->opset < 6) { /* one number for one axis */
        const int64_t *axis_list;
        int axis;
        TRY(clcnn_onnx_need_integers(node, 2, "axis", &axis_list, &axis_count));
        NODE_REQUIRE(count == 1 && axis_count == 1, "'tiles' or 'axis' is not one number");
        TRY(clcnn_onnx_axis(*axis_list, rank, &axis));
        for (int i = 0; i < rank; i++)
            repeats[i] = i == axis ? *list : 1;
        return tile_by(node, repeats);
    }
    NODE_REQUIRE(count == rank, "%lld repeats for %d axes", (long long)count, rank);
    TRY(tile_by(node, list));
done:
    return status;
}
