#include "base/memory.h"
#include "op/walk.h"
#include <clcnn/map.h>
#include <clcnn/pad.h>
#include <stdlib.h>

struct clcnn_pad {
    struct clcnn_device *device;
    struct clcnn_pad_params params;
    struct clcnn_map *copy, *fill;
    struct clcnn_enqueue *next; /* for the copies inside one call */
};

enum clcnn_status clcnn_pad_create(struct clcnn_device *device,
                                   const struct clcnn_pad_params *params, struct clcnn_pad **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_pad *op = NULL;
    REQUIRE(out, "pad: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "pad: device or params is NULL");
    REQUIRE((size_t)params->mode <= CLCNN_PAD_MODE_WRAP, "pad: %d is no mode", (int)params->mode);
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    op->device = clcnn_device_retain(device);
    TRY(clcnn_enqueue_create(&op->next));
    struct clcnn_map_params map = {.type = params->type, .to = params->type};
    map.function = CLCNN_FUNCTION_COPY;
    TRY(clcnn_map_create(device, &map, &op->copy));
    map.function = CLCNN_FUNCTION_FILL;
    map.alpha = params->value;
    TRY(clcnn_map_create(device, &map, &op->fill));
    *out = op;
    op = NULL;
done:
    clcnn_pad_destroy(&op);
    return status;
}

void clcnn_pad_destroy(struct clcnn_pad **op)
{
    if (!op || !*op)
        return;
    clcnn_map_destroy(&(*op)->copy);
    clcnn_map_destroy(&(*op)->fill);
    free((*op)->next);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* A stretch of y in one dimension: `count` elements from x's `start` on by `step`, or constant. */
struct stretch {
    int64_t count, start, step;
    bool outside;
};

/* The longest stretch that begins at element j of x (of n), which may be outside, within `most`. */
static struct stretch next_stretch(enum clcnn_pad_mode mode, int64_t j, int64_t n, int64_t most)
{
    struct stretch s = {n - j, j, 1, false};
    bool inside = j >= 0 && j < n;
    if (!inside && mode == CLCNN_PAD_MODE_CONSTANT) {
        s = (struct stretch){j < 0 ? -j : most, 0, 0, true};
    } else if (!inside && mode == CLCNN_PAD_MODE_EDGE) {
        s = (struct stretch){j < 0 ? -j : most, j < 0 ? 0 : n - 1, 0, false};
    } else if (!inside) {
        int64_t period = mode == CLCNN_PAD_MODE_WRAP ? n : clcnn_max(2 * (n - 1), 1);
        int64_t phase = (j % period + period) % period;
        if (n == 1)
            s = (struct stretch){most, 0, 0, false};
        else if (phase < n)
            s = (struct stretch){n - phase, phase, 1, false};
        else
            s = (struct stretch){period - phase, period - phase, -1, false};
    }
    s.count = clcnn_min(s.count, most);
    return s;
}

struct call {
    struct clcnn_pad *op;
    struct clcnn_stream *stream;
    const int64_t *before;
};

/* One box of y, whose dimensions from `axis` on are still to be taken apart. */
static enum clcnn_status pad_from(struct call *call, int axis, struct clcnn_array x,
                                  struct clcnn_array y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_enqueue *nested;
    if (axis == y.view.rank) {
        TRY(clcnn_stream_nest(call->stream, call->op->next, &nested));
        return clcnn_map_forward(call->op->copy, &x, 1, &y, nested);
    }
    int64_t n = x.view.size[axis], size = y.view.size[axis];
    for (int64_t at = 0; at < size;) {
        struct stretch s =
            next_stretch(call->op->params.mode, at - call->before[axis], n, size - at);
        struct clcnn_array from = x, to = y;
        TRY(clcnn_view_slice(&y.view, axis, at, 1, s.count, &to.view));
        if (s.outside) {
            TRY(clcnn_stream_nest(call->stream, call->op->next, &nested));
            TRY(clcnn_map_forward(call->op->fill, NULL, 0, &to, nested));
        } else {
            TRY(clcnn_view_slice(&x.view, axis, s.start, s.step, s.count, &from.view));
            TRY(pad_from(call, axis + 1, from, to));
        }
        at += s.count;
    }
done:
    return status;
}

enum clcnn_status clcnn_pad_forward(struct clcnn_pad *op, const int64_t *before,
                                    const struct clcnn_array *x, const struct clcnn_array *y,
                                    const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    REQUIRE(op, "pad: op is NULL");
    struct clcnn_operand from = {.name = "x", .array = x, .type = op->params.type};
    struct clcnn_operand to = {.name = "y", .array = y, .type = op->params.type};
    TRY(clcnn_operand_check(op->device, "pad", NULL, &from));
    TRY(clcnn_operand_check(op->device, "pad", NULL, &to));
    TRY(clcnn_operand_distinct("pad", &to));
    TRY(clcnn_operand_apart("pad", &from, &to, false));
    int rank = from.view.rank;
    REQUIRE(rank == to.view.rank, "pad: x has rank %d, y has rank %d", rank, to.view.rank);
    REQUIRE(before || rank == 0, "pad: before is NULL");
    for (int i = 0; i < rank; i++) {
        REQUIRE(before[i] >= -INT32_MAX && before[i] <= INT32_MAX,
                "pad: before is %lld in dimension %d", (long long)before[i], i);
        REQUIRE(from.view.size[i] > 0 || op->params.mode == CLCNN_PAD_MODE_CONSTANT,
                "pad: dimension %d of x is empty", i);
    }
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    struct call call = {op, &s, before};
    if (clcnn_view_count(&to.view) > 0)
        TRY(pad_from(&call, 0, *x, *y));
done:
    return clcnn_stream_end(&s, status);
}
