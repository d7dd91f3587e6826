#include "base/memory.h"
#include "op/range.h"
#include "op/storage.h"
#include "op/typed.h"
#include "op/walk.h"
#include <clcnn/resize.h>
#include <math.h>
#include <stdlib.h>

#define SPACE    3 /* of cl/resize.cl */
#define MAX_TAPS 4

#define DEFAULT_CUBIC_A -0.75

/* Passed to the kernel by value: cl/resize.cl has the same. */
struct resized {
    int64_t out[SPACE], taps[SPACE], x_stride[SPACE], y_stride[SPACE];
};

struct clcnn_resize {
    struct clcnn_device *device;
    struct clcnn_resize_params params;
    int axes[SPACE], count; /* the resized dimensions */
    unsigned mask;
    struct resized by;
    struct clcnn_buffer *index, *weight;
    struct clcnn_kernel *kernel;
};

/* ---- tables ---------------------------------------------------------------------------------- */

static double place_of(const struct clcnn_resize_params *p, int axis, int64_t o)
{
    double in = (double)p->input.dim[axis], out = (double)p->output.dim[axis];
    double scale = p->scale[axis] > 0 ? p->scale[axis] : out / in;
    double half_pixel = ((double)o + 0.5) / scale - 0.5;
    switch (p->place) {
    case CLCNN_RESIZE_PLACE_HALF_PIXEL_SYMMETRIC:
        return in / 2 * (1 - out / (scale * in)) + half_pixel;
    case CLCNN_RESIZE_PLACE_PYTORCH_HALF_PIXEL:
        return out > 1 ? half_pixel : 0;
    case CLCNN_RESIZE_PLACE_ALIGN_CORNERS:
        return out > 1 ? (double)o * (in - 1) / (out - 1) : 0;
    case CLCNN_RESIZE_PLACE_ASYMMETRIC:
        return (double)o / scale;
    case CLCNN_RESIZE_PLACE_TF_HALF_PIXEL_FOR_NN:
        return ((double)o + 0.5) / scale;
    case CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE:
        if (out > 1)
            return p->start[axis] * (in - 1) +
                   (double)o * (p->end[axis] - p->start[axis]) * (in - 1) / (out - 1);
        return 0.5 * (p->start[axis] + p->end[axis]) * (in - 1);
    default:
        return half_pixel;
    }
}

static double round_place(enum clcnn_resize_round round, double x)
{
    switch (round) {
    case CLCNN_RESIZE_ROUND_PREFER_CEIL:
        return floor(x + 0.5);
    case CLCNN_RESIZE_ROUND_FLOOR:
        return floor(x);
    case CLCNN_RESIZE_ROUND_CEIL:
        return ceil(x);
    default:
        return ceil(x - 0.5);
    }
}

/* The weights of the taps around a place that is r behind the one before it. */
static void cubic_weights(double a, double r, double w[MAX_TAPS])
{
    double s = 1 - r;
    w[0] = ((a * (r + 1) - 5 * a) * (r + 1) + 8 * a) * (r + 1) - 4 * a;
    w[1] = ((a + 2) * r - (a + 3)) * r * r + 1;
    w[2] = ((a + 2) * s - (a + 3)) * s * s + 1;
    w[3] = ((a * (s + 1) - 5 * a) * (s + 1) + 8 * a) * (s + 1) - 4 * a;
}

/* The taps of element o: `taps` indices and weights. */
static void fill_taps(const struct clcnn_resize_params *p, int axis, int64_t o, int taps,
                      int32_t *index, float *weight)
{
    double x = place_of(p, axis, o), last = (double)p->input.dim[axis] - 1;
    double first = taps == 1 ? round_place(p->round, x) : floor(x) - (taps == 4 ? 1 : 0);
    double r = x - floor(x), w[MAX_TAPS] = {1 - r, r}, sum = 0;
    if (taps == 1)
        w[0] = 1;
    if (taps == 4)
        cubic_weights(p->cubic_a != 0 ? p->cubic_a : DEFAULT_CUBIC_A, r, w);
    for (int t = 0; t < taps; t++) {
        bool outside = first + t < 0 || first + t > last;
        if (taps == 4 && p->exclude_outside && outside)
            w[t] = 0;
        sum += w[t];
    }
    bool beyond = p->place == CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE && (x < 0 || x > last);
    for (int t = 0; t < taps; t++) {
        index[t] = beyond ? -1 : (int32_t)fmin(fmax(first + t, 0), last);
        weight[t] = (float)(w[t] / sum);
    }
}

static enum clcnn_status make_tables(struct clcnn_resize *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int32_t *index = NULL;
    float *weight = NULL;
    size_t total = 0;
    for (int d = 0; d < SPACE; d++)
        total += (size_t)(op->by.out[d] * op->by.taps[d]);
    TRY(clcnn_alloc(total, sizeof(*index), &index));
    TRY(clcnn_alloc(total, sizeof(*weight), &weight));
    size_t at = 0;
    for (int d = 0; d < SPACE; d++)
        for (int64_t o = 0; o < op->by.out[d]; o++, at += (size_t)op->by.taps[d]) {
            weight[at] = 1; /* of a dimension that is not there */
            if (op->axes[d] >= 0)
                fill_taps(&op->params, op->axes[d], o, (int)op->by.taps[d], index + at,
                          weight + at);
        }
    TRY(clcnn_buffer_create(op->device, total * sizeof(*index), &op->index));
    TRY(clcnn_buffer_create(op->device, total * sizeof(*weight), &op->weight));
    TRY(clcnn_buffer_write(op->index, 0, total * sizeof(*index), index, NULL));
    TRY(clcnn_buffer_write(op->weight, 0, total * sizeof(*weight), weight, NULL));
done:
    free(index);
    free(weight);
    return status;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool is_resized(const struct clcnn_resize_params *p, int axis)
{
    bool whole = p->place != CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE ||
                 (p->start[axis] == 0 && p->end[axis] == 1);
    bool same = p->scale[axis] == 0 || p->scale[axis] == 1;
    return p->input.dim[axis] != p->output.dim[axis] || !same || !whole;
}

static enum clcnn_status validate(const struct clcnn_resize_params *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE((size_t)p->mode <= CLCNN_RESIZE_MODE_CUBIC, "resize: %d is no mode", (int)p->mode);
    REQUIRE((size_t)p->place <= CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE, "resize: %d is no place",
            (int)p->place);
    REQUIRE((size_t)p->round <= CLCNN_RESIZE_ROUND_CEIL, "resize: %d is no rounding",
            (int)p->round);
    TRY(clcnn_storage_check(p->type, "resize"));
    REQUIRE(clcnn_shape_count(&p->input) > 0 && clcnn_shape_count(&p->output) > 0,
            "resize: the input or the output has no elements, or no legal shape");
    REQUIRE(p->input.rank == p->output.rank, "resize: input of rank %d, output of rank %d",
            p->input.rank, p->output.rank);
    REQUIRE(isfinite(p->extrapolation) && isfinite(p->cubic_a), "resize: extrapolation=%g, a=%g",
            (double)p->extrapolation, p->cubic_a);
    for (int i = 0; i < p->input.rank; i++) {
        REQUIRE(isfinite(p->scale[i]) && p->scale[i] >= 0 && isfinite(p->start[i]) &&
                    isfinite(p->end[i]),
                "resize: scale %g, start %g, end %g in dimension %d", p->scale[i], p->start[i],
                p->end[i], i);
        REQUIRE(p->input.dim[i] <= INT32_MAX && p->output.dim[i] <= INT32_MAX,
                "resize: %lld to %lld elements in dimension %d", (long long)p->input.dim[i],
                (long long)p->output.dim[i], i);
    }
done:
    return status;
}

/* Which dimensions are resized; they are the last of the three that the kernel knows. */
static enum clcnn_status find_axes(struct clcnn_resize *op)
{
    static const int taps[] = {1, 2, 4};
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_resize_params *p = &op->params;
    for (int d = 0; d < SPACE; d++) {
        op->axes[d] = -1;
        op->by.out[d] = op->by.taps[d] = 1;
    }
    for (int i = p->input.rank - 1; i >= 0; i--) {
        if (!is_resized(p, i))
            continue;
        if (op->count == SPACE)
            TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "resize: more than %d dimensions", SPACE));
        int d = SPACE - 1 - op->count++;
        op->axes[d] = i;
        op->mask |= 1u << i;
        op->by.out[d] = p->output.dim[i];
        op->by.taps[d] = taps[p->mode];
    }
done:
    return status;
}

enum clcnn_status clcnn_resize_create(struct clcnn_device *device,
                                      const struct clcnn_resize_params *params,
                                      struct clcnn_resize **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_resize *op = NULL;
    char options[CLCNN_TYPED_OPTIONS];
    REQUIRE(out, "resize: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "resize: device or params is NULL");
    TRY(validate(params));
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    op->device = clcnn_device_retain(device);
    TRY(find_axes(op));
    clcnn_typed_options(options, params->type, params->type);
    TRY(clcnn_kernel_create(device, "resize", options, "resize", &op->kernel));
    TRY(make_tables(op));
    *out = op;
    op = NULL;
done:
    clcnn_resize_destroy(&op);
    return status;
}

void clcnn_resize_destroy(struct clcnn_resize **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_buffer_destroy(&(*op)->index);
    clcnn_buffer_destroy(&(*op)->weight);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* ---- launch ---------------------------------------------------------------------------------- */

static enum clcnn_status check_sizes(const struct clcnn_resize *op, const struct clcnn_view *x,
                                     const struct clcnn_view *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_resize_params *p = &op->params;
    REQUIRE(x->rank == p->input.rank && y->rank == p->input.rank,
            "resize: x has rank %d, y has rank %d, made for %d", x->rank, y->rank, p->input.rank);
    for (int i = 0; i < x->rank; i++) {
        bool resized = op->mask >> i & 1;
        REQUIRE(resized ? x->size[i] == p->input.dim[i] && y->size[i] == p->output.dim[i]
                        : x->size[i] == y->size[i],
                "resize: %lld to %lld elements in dimension %d, made for %lld to %lld",
                (long long)x->size[i], (long long)y->size[i], i, (long long)p->input.dim[i],
                (long long)p->output.dim[i]);
    }
done:
    return status;
}

enum clcnn_status clcnn_resize_forward(struct clcnn_resize *op, const struct clcnn_array *x,
                                       const struct clcnn_array *y,
                                       const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    struct clcnn_walk kept, inside;
    REQUIRE(op, "resize: op is NULL");
    struct clcnn_operand from = {.name = "x", .array = x, .type = op->params.type};
    struct clcnn_operand to = {.name = "y", .array = y, .type = op->params.type};
    TRY(clcnn_operand_check(op->device, "resize", NULL, &from));
    TRY(clcnn_operand_check(op->device, "resize", NULL, &to));
    TRY(clcnn_operand_distinct("resize", &to));
    TRY(clcnn_operand_apart("resize", &from, &to, false));
    TRY(check_sizes(op, &from.view, &to.view));
    if (clcnn_view_count(&to.view) == 0)
        goto done;
    struct resized by = op->by;
    for (int d = 0; d < SPACE; d++) {
        by.x_stride[d] = op->axes[d] < 0 ? 0 : from.view.stride[op->axes[d]];
        by.y_stride[d] = op->axes[d] < 0 ? 0 : to.view.stride[op->axes[d]];
    }
    const struct clcnn_operand *operands[CLCNN_WALK_OPERANDS] = {&from, NULL, NULL, &to};
    clcnn_walk_split(operands, CLCNN_WALK_OPERANDS, 3, op->mask, &kept, &inside);
    clcnn_walk_order(&kept);
    struct clcnn_tiles t = clcnn_walk_tiles(op->device, &kept, 2);
    int64_t rows = by.out[0] * by.out[1], units = clcnn_device_info(op->device)->compute_units;
    bool gpu = clcnn_is_gpu(op->device);
    t.grid.groups[1] = gpu ? rows : clcnn_min(rows, 4 * units);
    t.grid.groups[2] = gpu ? by.out[2] : 1;
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    TRY(clcnn_launch(&s, op->kernel, t.grid,
                     ARGS(BUFFER(&from.origin), BUFFER(op->index), BUFFER(op->weight),
                          BUFFER(&to.origin), TILED(kept, t), DATA(by),
                          FLOAT(op->params.extrapolation))));
done:
    return clcnn_stream_end(&s, status);
}
