/* Resizing, one axis after the other, in whole numbers: every pixel is an exact weighted mean of
 * its sources, rounded once (halves up), so the result is the same on every machine. */
#include "base/memory.h"
#include "io/image.h"
#include <clcnn/data.h>
#include <stdlib.h>

/* Output i is (sum over k < count of weights[k] x[first + k]) / total, of one axis. */
struct tap {
    int64_t first, count;
    uint64_t *weights;
};

struct axis {
    int64_t input, output, most; /* most sources of an output */
    uint64_t total;              /* sum of every tap's weights */
    uint64_t *weights;           /* of the present tap */
};

static enum clcnn_status prepare_axis(struct axis *axis, int64_t input, int64_t output)
{
    axis->input = input;
    axis->output = output;
    axis->most = output < input ? input / output + 2 : 2;
    axis->total = (uint64_t)(output < input ? input : 2 * output);
    return clcnn_alloc((size_t)axis->most, sizeof(*axis->weights), &axis->weights);
}

/* Down: source k covers [k out, (k + 1) out) and output i covers [i in, (i + 1) in) of one line,
 * and the weight is the length they share. */
static struct tap area_tap(const struct axis *axis, int64_t i)
{
    int64_t in = axis->input, out = axis->output;
    int64_t begin = i * in, end = begin + in;
    struct tap tap = {.first = begin / out, .weights = axis->weights};
    tap.count = (end + out - 1) / out - tap.first;
    for (int64_t k = 0; k < tap.count; k++) {
        int64_t left = clcnn_max((tap.first + k) * out, begin);
        int64_t right = clcnn_min((tap.first + k + 1) * out, end);
        tap.weights[k] = (uint64_t)(right - left);
    }
    return tap;
}

/* Up: pixel centres agree, so output i lies at ((2 i + 1) in - out) / (2 out) of the source. */
static struct tap bilinear_tap(const struct axis *axis, int64_t i)
{
    int64_t in = axis->input, out = axis->output;
    int64_t place = clcnn_max((2 * i + 1) * in - out, 0);
    struct tap tap = {.first = place / (2 * out), .count = 2, .weights = axis->weights};
    int64_t rest = place % (2 * out);
    if (tap.first >= in - 1) {
        tap.first = in - 1;
        tap.count = 1;
        rest = 0;
    }
    tap.weights[0] = (uint64_t)(2 * out - rest);
    tap.weights[1] = (uint64_t)rest;
    return tap;
}

static struct tap tap_at(const struct axis *axis, int64_t i)
{
    return axis->output < axis->input ? area_tap(axis, i) : bilinear_tap(axis, i);
}

/* to[y][j][c] = weighted sums of from[y][.][c], not yet divided. */
static void resize_across(const struct axis *axis, int64_t rows, int64_t channels,
                          const uint8_t *from, uint64_t *to)
{
    for (int64_t j = 0; j < axis->output; j++) {
        struct tap tap = tap_at(axis, j);
        for (int64_t y = 0; y < rows; y++)
            for (int64_t c = 0; c < channels; c++) {
                const uint8_t *x = from + (y * axis->input + tap.first) * channels + c;
                uint64_t sum = 0;
                for (int64_t k = 0; k < tap.count; k++)
                    sum += tap.weights[k] * x[k * channels];
                to[(y * axis->output + j) * channels + c] = sum;
            }
    }
}

static void resize_down(const struct axis *axis, int64_t row, uint64_t scale, const uint64_t *from,
                        uint8_t *to)
{
    uint64_t total = axis->total * scale;
    for (int64_t i = 0; i < axis->output; i++) {
        struct tap tap = tap_at(axis, i);
        for (int64_t e = 0; e < row; e++) {
            const uint64_t *x = from + tap.first * row + e;
            uint64_t sum = 0;
            for (int64_t k = 0; k < tap.count; k++)
                sum += tap.weights[k] * x[k * row];
            to[i * row + e] = (uint8_t)((sum + total / 2) / total);
        }
    }
}

static enum clcnn_status check(const struct clcnn_tensor *image, int height, int width)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(image, "resize: image is NULL");
    const struct clcnn_shape *shape = clcnn_tensor_shape(image);
    REQUIRE(clcnn_tensor_dtype(image) == CLCNN_DTYPE_UINT8 && shape->rank == 3 &&
                clcnn_tensor_count(image) > 0,
            "resize: the image is not uint8 [height][width][channels] with pixels");
    REQUIRE(height > 0 && width > 0 && height <= CLCNN_MAX_PIXELS / width,
            "resize: %d x %d pixels are not in 1 .. 2^28", width, height);
    REQUIRE(shape->dim[0] <= CLCNN_MAX_PIXELS / shape->dim[1],
            "resize: the image has more than 2^28 pixels");
done:
    return status;
}

enum clcnn_status clcnn_image_resize(const struct clcnn_tensor *image, int height, int width,
                                     struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct axis across = {0}, down = {0};
    uint64_t *sums = NULL;
    size_t count = 0;
    REQUIRE(out, "resize: out is NULL");
    *out = NULL;
    TRY(check(image, height, width));
    const struct clcnn_shape *shape = clcnn_tensor_shape(image);
    int64_t channels = shape->dim[2];
    TRY(prepare_axis(&down, shape->dim[0], height));
    TRY(prepare_axis(&across, shape->dim[1], width));
    REQUIRE(across.total <= (UINT64_MAX >> 9) / down.total,
            "resize: %lld x %lld pixels to %d x %d are out of proportion", (long long)shape->dim[1],
            (long long)shape->dim[0], width, height);
    if (!clcnn_multiply((size_t)shape->dim[0], (size_t)width, &count) ||
        !clcnn_multiply(count, (size_t)channels, &count))
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "resize: too many channels"));
    TRY(clcnn_alloc(count, sizeof(*sums), &sums));
    TRY(clcnn_tensor_create(CLCNN_DTYPE_UINT8, &(struct clcnn_shape){3, {height, width, channels}},
                            out));
    resize_across(&across, shape->dim[0], channels, clcnn_tensor_const_data(image), sums);
    resize_down(&down, width * channels, across.total, sums, clcnn_tensor_data(*out));
done:
    free(sums);
    free(across.weights);
    free(down.weights);
    return status;
}
