#include "base/memory.h"
#include "op/range.h"
#include "op/storage.h"
#include "tensor/window.h"
#include <clcnn/pool2d.h>
#include <clcnn/tensor.h>
#include <math.h>
#include <stdlib.h>

struct clcnn_pool2d {
    struct clcnn_device *device;
    struct clcnn_pool2d_params params;
    struct clcnn_window height, width; /* resolved */
    bool overlapping;                  /* some pixel is in several windows */
    struct clcnn_kernel *forward, *backward;
};

#define DEFAULT_SIZE  2
#define DEFAULT_ALPHA 0.3f

/* ---- parameters ------------------------------------------------------------------------------ */

static enum clcnn_status check_pads(const struct clcnn_pool2d_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const int *pads = params->pads;
    REQUIRE((size_t)params->padding <= CLCNN_PADDING_EXPLICIT, "pool2d: %d is no padding",
            (int)params->padding);
    REQUIRE(params->padding == CLCNN_PADDING_EXPLICIT ||
                !(pads[0] || pads[1] || pads[2] || pads[3]),
            "pool2d: pads %d, %d, %d, %d are given, but padding is not explicit", pads[0], pads[1],
            pads[2], pads[3]);
done:
    return status;
}

static enum clcnn_status resolve(const struct clcnn_pool2d_params *params,
                                 struct clcnn_window *height, struct clcnn_window *width)
{
    static const enum clcnn_window_padding paddings[] = {
        [CLCNN_PADDING_VALID] = CLCNN_WINDOW_VALID,
        [CLCNN_PADDING_SAME] = CLCNN_WINDOW_SAME,
        [CLCNN_PADDING_EXPLICIT] = CLCNN_WINDOW_EXPLICIT,
    };
    enum clcnn_status status = CLCNN_STATUS_OK;
    enum clcnn_window_padding padding = CLCNN_WINDOW_VALID;
    struct clcnn_window windows[2];
    const int sizes[2] = {params->height, params->width};
    if (!params->global) {
        TRY(check_pads(params));
        padding = paddings[params->padding];
    }
    for (int i = 0; i < 2; i++) {
        struct clcnn_window *w = &windows[i];
        *w = (struct clcnn_window){.input = sizes[i], .dilation = 1};
        w->filter = params->global ? sizes[i] : params->size[i] ? params->size[i] : DEFAULT_SIZE;
        w->stride = !params->global && params->strides[i] ? params->strides[i] : w->filter;
        w->pad_before = params->global ? 0 : params->pads[i];
        w->pad_after = params->global ? 0 : params->pads[i + 2];
        TRY(clcnn_window_resolve(w, padding, i ? "pool2d: width" : "pool2d: height"));
        REQUIRE(w->pad_before < w->filter && w->pad_after < w->filter,
                "pool2d: %s: padding %d, %d is not below the window's size %d",
                i ? "width" : "height", (int)w->pad_before, (int)w->pad_after, (int)w->filter);
    }
    *height = windows[0];
    *width = windows[1];
done:
    return status;
}

enum clcnn_status clcnn_pool2d_output_size(const struct clcnn_pool2d_params *params, int output[2])
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_window height, width;
    REQUIRE(params && output, "pool2d: params or output is NULL");
    TRY(resolve(params, &height, &width));
    output[0] = (int)height.output;
    output[1] = (int)width.output;
done:
    return status;
}

static int64_t elements(const struct clcnn_pool2d *op, int64_t batch, int64_t rows, int64_t columns)
{
    return batch * rows * columns * op->params.channels;
}

static enum clcnn_status validate(struct clcnn_pool2d *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_pool2d_params *p = &op->params;
    size_t bytes;
    REQUIRE((size_t)p->mode <= CLCNN_POOL_MODE_AVERAGE, "pool2d: %d is no mode", (int)p->mode);
    REQUIRE(p->batch > 0 && p->channels > 0, "pool2d: batch=%d, channels=%d, not positive",
            p->batch, p->channels);
    REQUIRE((size_t)p->activation < CLCNN_ACTIVATION_SOFTMAX,
            "pool2d: activation %s (%d) cannot be fused", clcnn_activation_name(p->activation),
            (int)p->activation);
    REQUIRE(p->activation_alpha >= 0.0f && isfinite(p->activation_alpha),
            "pool2d: activation_alpha=%g is not a finite number >= 0", (double)p->activation_alpha);
    TRY(clcnn_storage_check(p->storage, "pool2d"));
    TRY(resolve(p, &op->height, &op->width));
    struct clcnn_shape shape = {4, {p->batch, p->height, p->width, p->channels}};
    REQUIRE(clcnn_float_bytes(clcnn_shape_count(&shape), &bytes) &&
                (int64_t)p->height * p->width <= INT32_MAX &&
                (int64_t)p->batch * p->height <= INT32_MAX &&
                (int64_t)p->width * p->channels <= INT32_MAX,
            "pool2d: %dx%dx%dx%d is too large", p->batch, p->height, p->width, p->channels);
done:
    return status;
}

/* ---- life ------------------------------------------------------------------------------------ */

enum clcnn_status clcnn_pool2d_create(struct clcnn_device *device,
                                      const struct clcnn_pool2d_params *params,
                                      struct clcnn_pool2d **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_pool2d *op = NULL;
    REQUIRE(out, "pool2d: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "pool2d: device or params is NULL");
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    TRY(validate(op));
    op->device = clcnn_device_retain(device);
    op->overlapping = op->height.stride < op->height.filter || op->width.stride < op->width.filter;
    if (op->params.activation_alpha == 0.0f)
        op->params.activation_alpha = DEFAULT_ALPHA;
    bool max = params->mode == CLCNN_POOL_MODE_MAX;
    const char *backward = !max              ? "pool2d_average_backward"
                           : op->overlapping ? "pool2d_max_backward_rows"
                                             : "pool2d_max_backward_cells";
    TRY(clcnn_kernel_create(device, "pool2d", clcnn_storage_option(params->storage),
                            max ? "pool2d_max" : "pool2d_average", &op->forward));
    if (params->storage == CLCNN_DTYPE_FLOAT32)
        TRY(clcnn_kernel_create(device, "pool2d", "", backward, &op->backward));
    *out = op;
    op = NULL;
done:
    clcnn_pool2d_destroy(&op);
    return status;
}

void clcnn_pool2d_destroy(struct clcnn_pool2d **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->forward);
    clcnn_kernel_destroy(&(*op)->backward);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* ---- launches -------------------------------------------------------------------------------- */

/* What own_part in cl/pool2d.cl takes apart. `image_rows`: how many rows share the image. */
static struct clcnn_blocks share(const struct clcnn_pool2d *op, int batch, int64_t image_rows,
                                 int64_t columns)
{
    int64_t channels = op->params.channels;
    int64_t work = elements(op, 1, op->height.input, op->width.input) / image_rows;
    return clcnn_range_blocks(op->device, batch * image_rows, channels, work, columns * channels);
}

#define SHAPE(op, batch, parts)                                                                    \
    INT(batch), INT((op)->height.input), INT((op)->width.input), INT((op)->params.channels),       \
        INT((op)->height.output), INT((op)->width.output), INT((op)->height.filter),               \
        INT((op)->width.filter), INT((op)->height.stride), INT((op)->width.stride),                \
        INT((op)->height.pad_before), INT((op)->width.pad_before), INT((parts).chunk),             \
        INT((parts).block)

static enum clcnn_status check_batch(const struct clcnn_pool2d *op, int *batch, size_t *image,
                                     size_t *output)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(op, "pool2d: op is NULL");
    if (*batch == 0)
        *batch = op->params.batch;
    REQUIRE(*batch > 0 && *batch <= op->params.batch, "pool2d: batch %d is not in 1..%d", *batch,
            op->params.batch);
    size_t element = clcnn_dtype_size(op->params.storage);
    *image = element * (size_t)elements(op, *batch, op->height.input, op->width.input);
    *output = element * (size_t)elements(op, *batch, op->height.output, op->width.output);
done:
    return status;
}

enum clcnn_status clcnn_pool2d_forward(struct clcnn_pool2d *op, int batch,
                                       const struct clcnn_buffer *x, struct clcnn_buffer *y,
                                       const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t image, output;
    TRY(check_batch(op, &batch, &image, &output));
    TRY(clcnn_buffer_check(op->device, x, image, "pool2d", "x"));
    TRY(clcnn_buffer_check(op->device, y, output, "pool2d", "y"));
    TRY(clcnn_check_apart(x, y, "pool2d", "x and y"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    struct clcnn_blocks parts = share(op, batch, op->height.output, op->width.output);
    TRY(clcnn_launch(&s, op->forward, parts.grid,
                     ARGS(BUFFER(x), BUFFER(y), SHAPE(op, batch, parts))));
done:
    return clcnn_stream_end(&s, status);
}

enum clcnn_status clcnn_pool2d_backward(struct clcnn_pool2d *op, int batch,
                                        const struct clcnn_buffer *x, const struct clcnn_buffer *y,
                                        const struct clcnn_buffer *dy, struct clcnn_buffer *dx,
                                        const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    size_t image, output;
    (void)y;
    TRY(check_batch(op, &batch, &image, &output));
    if (op->params.storage != CLCNN_DTYPE_FLOAT32)
        TRY(clcnn_storage_fail("pool2d", "backward"));
    bool max = op->params.mode == CLCNN_POOL_MODE_MAX, cells = max && !op->overlapping;
    bool reads_x = max || op->params.activation != CLCNN_ACTIVATION_LINEAR;
    if (reads_x) {
        TRY(clcnn_buffer_check(op->device, x, image, "pool2d", "x"));
        TRY(clcnn_check_apart(x, dx, "pool2d", "x and dx"));
    }
    TRY(clcnn_buffer_check(op->device, dy, output, "pool2d", "dy"));
    TRY(clcnn_buffer_check(op->device, dx, image, "pool2d", "dx"));
    TRY(clcnn_check_apart(dy, dx, "pool2d", "dy and dx"));
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    int64_t count = cells ? op->height.output : op->height.input;
    int64_t columns = cells ? op->width.output : max ? 1 : op->width.input;
    struct clcnn_blocks parts = share(op, batch, count, columns);
    TRY(clcnn_launch(&s, op->backward, parts.grid,
                     ARGS(BUFFER(reads_x ? x : NULL), BUFFER(dy), BUFFER(dx),
                          SHAPE(op, batch, parts), INT(op->params.activation),
                          FLOAT(op->params.activation_alpha))));
done:
    return clcnn_stream_end(&s, status);
}
