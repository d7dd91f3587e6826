#include "base/memory.h"
#include "base/status.h"
#include <clcnn/view.h>
#include <stdlib.h>

static enum clcnn_status check(const struct clcnn_view *view)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(view, "view: view is NULL");
    REQUIRE(view->rank >= 0 && view->rank <= CLCNN_MAX_RANK, "view: rank %d is not in 0..%d",
            view->rank, CLCNN_MAX_RANK);
    REQUIRE(clcnn_view_count(view) >= 0, "view: a size below 0, or too many elements");
done:
    return status;
}

static enum clcnn_status check_shape(const struct clcnn_shape *shape)
{
    if (clcnn_shape_count(shape) >= 0)
        return CLCNN_STATUS_OK;
    return clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT,
                      "view: no legal shape: a size below 0, or too many elements");
}

static int64_t last_axis_first(const struct clcnn_shape *shape, int axis)
{
    return shape->dim[shape->rank - 1 - axis];
}

enum clcnn_status clcnn_view_dense(const struct clcnn_shape *shape, struct clcnn_view *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t stride = 1;
    REQUIRE(out, "view: out is NULL");
    TRY(check_shape(shape));
    struct clcnn_view view = {.rank = shape->rank};
    for (int i = shape->rank - 1; i >= 0; i--) {
        view.size[i] = shape->dim[i];
        view.stride[i] = stride;
        /* An empty tensor has no elements to address. */
        if (__builtin_mul_overflow(stride, clcnn_max(shape->dim[i], 1), &stride))
            stride = 0;
    }
    *out = view;
done:
    return status;
}

int64_t clcnn_view_count(const struct clcnn_view *view)
{
    struct clcnn_shape shape = {.rank = view ? view->rank : -1};
    if (!view || view->rank < 0 || view->rank > CLCNN_MAX_RANK)
        return -1;
    for (int i = 0; i < view->rank; i++)
        shape.dim[i] = view->size[i];
    return clcnn_shape_count(&shape);
}

enum clcnn_status clcnn_view_range(const struct clcnn_view *view, int64_t *first, int64_t *last)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(first && last, "view: first or last is NULL");
    TRY(check(view));
    int64_t low = view->offset, high = low, reach;
    bool fits = true;
    if (clcnn_view_count(view) == 0)
        high = low - 1;
    else
        for (int i = 0; i < view->rank; i++) {
            int64_t *end = view->stride[i] < 0 ? &low : &high;
            fits = fits && !__builtin_mul_overflow(view->size[i] - 1, view->stride[i], &reach) &&
                   !__builtin_add_overflow(*end, reach, end);
        }
    REQUIRE(fits, "view: an element's offset does not fit in 63 bits");
    *first = low;
    *last = high;
done:
    return status;
}

enum clcnn_status clcnn_view_permute(const struct clcnn_view *view, const int *axes,
                                     struct clcnn_view *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    unsigned seen = 0;
    REQUIRE(out, "view: out is NULL");
    TRY(check(view));
    struct clcnn_view result = *view;
    for (int i = 0; i < view->rank; i++) {
        int axis = axes ? axes[i] : view->rank - 1 - i;
        REQUIRE(axis >= 0 && axis < view->rank && !(seen & 1u << axis),
                "view: axis %d at %d is not a permutation of 0..%d", axis, i, view->rank - 1);
        seen |= 1u << axis;
        result.size[i] = view->size[axis];
        result.stride[i] = view->stride[axis];
    }
    *out = result;
done:
    return status;
}

enum clcnn_status clcnn_view_slice(const struct clcnn_view *view, int axis, int64_t start,
                                   int64_t step, int64_t count, struct clcnn_view *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(out, "view: out is NULL");
    TRY(check(view));
    REQUIRE(axis >= -view->rank && axis < view->rank, "view: axis %d is not in %d..%d", axis,
            -view->rank, view->rank - 1);
    int i = axis < 0 ? axis + view->rank : axis;
    int64_t size = view->size[i], last, skipped;
    REQUIRE(count >= 0, "view: a slice of %lld elements", (long long)count);
    struct clcnn_view result = *view;
    result.size[i] = count;
    if (count > 0) {
        REQUIRE(!__builtin_mul_overflow(count - 1, step, &last) &&
                    !__builtin_add_overflow(start, last, &last) && start >= 0 && start < size &&
                    last >= 0 && last < size,
                "view: %lld elements from %lld by %lld are not inside axis %d of %lld",
                (long long)count, (long long)start, (long long)step, i, (long long)size);
        REQUIRE(
            !__builtin_mul_overflow(start, view->stride[i], &skipped) &&
                !__builtin_add_overflow(view->offset, skipped, &result.offset) &&
                !__builtin_mul_overflow(view->stride[i], count > 1 ? step : 1, &result.stride[i]),
            "view: an element's offset does not fit in 63 bits");
    }
    *out = result;
done:
    return status;
}

enum clcnn_status clcnn_view_broadcast(const struct clcnn_view *view,
                                       const struct clcnn_shape *shape, struct clcnn_view *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(out, "view: out is NULL");
    TRY(check(view));
    TRY(check_shape(shape));
    REQUIRE(view->rank <= shape->rank, "view: rank %d does not broadcast to rank %d", view->rank,
            shape->rank);
    struct clcnn_view result = {.rank = shape->rank, .offset = view->offset};
    int missing = shape->rank - view->rank;
    for (int i = 0; i < shape->rank; i++) {
        int64_t size = i < missing ? 1 : view->size[i - missing];
        REQUIRE(size == 1 || size == shape->dim[i],
                "view: size %lld does not broadcast to %lld (dimension %d)", (long long)size,
                (long long)shape->dim[i], i);
        result.size[i] = shape->dim[i];
        result.stride[i] = size == 1 && shape->dim[i] != 1 ? 0
                           : i < missing                   ? 0
                                                           : view->stride[i - missing];
    }
    *out = result;
done:
    return status;
}

/* Wraps: the stride behind the outermost dimension is computed, but never used. */
static int64_t times(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

/* Gives the dimensions [to, to_end) of `out` strides so that together they are the dimensions
 * [from, from_end) of `view`, whose sizes have the same product. False if these are not dense. */
static bool split(const struct clcnn_view *view, int from, int from_end, struct clcnn_view *out,
                  int to, int to_end)
{
    int64_t stride = 1;
    bool known = false;
    for (int i = from_end - 1; i >= from; i--) { /* one stride for all that are larger than 1 */
        if (view->size[i] == 1)
            continue;
        if (known && view->stride[i] != stride)
            return false;
        if (!known)
            out->stride[to_end - 1] = view->stride[i];
        known = true;
        stride = times(view->stride[i], view->size[i]);
    }
    stride = known ? out->stride[to_end - 1] : 1;
    for (int i = to_end - 1; i >= to; i--) {
        out->stride[i] = stride;
        stride = times(stride, out->size[i]);
    }
    return true;
}

enum clcnn_status clcnn_view_reshape(const struct clcnn_view *view, const struct clcnn_shape *shape,
                                     struct clcnn_view *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t first, last;
    REQUIRE(out, "view: out is NULL");
    TRY(check_shape(shape));
    TRY(clcnn_view_range(view, &first, &last));
    REQUIRE(clcnn_view_count(view) == clcnn_shape_count(shape),
            "view: %lld elements do not have a shape of %lld", (long long)clcnn_view_count(view),
            (long long)clcnn_shape_count(shape));
    struct clcnn_view result;
    TRY(clcnn_view_dense(shape, &result));
    result.offset = view->offset;
    if (clcnn_shape_count(shape) > 0)
        for (int from = 0, to = 0; to < shape->rank;) {
            int from_end = from, to_end = to + 1;
            int64_t have = 1, want = shape->dim[to];
            while (have != want)
                if (have < want)
                    have *= view->size[from_end++];
                else
                    want *= shape->dim[to_end++];
            if (!split(view, from, from_end, &result, to, to_end))
                TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                               "view: dimensions %d..%d are not dense: no view has the new shape",
                               from, from_end - 1));
            from = from_end;
            to = to_end;
        }
    *out = result;
done:
    return status;
}

enum clcnn_status clcnn_shape_broadcast(const struct clcnn_shape *shapes, size_t count,
                                        struct clcnn_shape *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_shape result = {0};
    int64_t reversed[CLCNN_MAX_RANK];
    REQUIRE(out && (shapes || !count), "view: shapes or out is NULL");
    for (int i = 0; i < CLCNN_MAX_RANK; i++)
        reversed[i] = 1;
    for (size_t s = 0; s < count; s++) {
        TRY(check_shape(&shapes[s]));
        result.rank = (int)clcnn_max(result.rank, shapes[s].rank);
        for (int i = 0; i < shapes[s].rank; i++) {
            int64_t size = last_axis_first(&shapes[s], i);
            REQUIRE(size == reversed[i] || size == 1 || reversed[i] == 1,
                    "view: sizes %lld and %lld do not broadcast (dimension %d from the end)",
                    (long long)reversed[i], (long long)size, i + 1);
            reversed[i] = reversed[i] == 1 ? size : reversed[i];
        }
    }
    for (int i = 0; i < result.rank; i++)
        result.dim[i] = reversed[result.rank - 1 - i];
    TRY(check_shape(&result));
    *out = result;
done:
    return status;
}
