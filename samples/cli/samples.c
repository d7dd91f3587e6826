#include "samples.h"
#include "preprocess.h"
#include <clcnn/onnx.h>
#include <stdio.h>
#include <string.h>

bool is_onnx(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".onnx") == 0;
}

enum clcnn_status load_model(const char *name, uint64_t seed, struct clcnn_model **out)
{
    return is_onnx(name) ? clcnn_onnx_load(name, NULL, out) : clcnn_network_create(name, seed, out);
}

static void centre(const unsigned char *from, const int64_t small[3], unsigned char *to,
                   const int large[3])
{
    int64_t top = (large[0] - small[0]) / 2, left = (large[1] - small[1]) / 2;
    for (int64_t row = 0; row < small[0]; row++)
        memcpy(to + ((top + row) * large[1] + left) * large[2], from + row * small[1] * small[2],
               (size_t)(small[1] * small[2]));
}

/* One uint8 image [h][w][c] into a row of `size`: centred where it fits, resized otherwise. */
static enum clcnn_status fit_image(const unsigned char *image, const int64_t from[3],
                                   unsigned char *to, const int size[3])
{
    struct clcnn_tensor *whole = NULL, *resized = NULL;
    enum clcnn_status status = CLCNN_STATUS_OK;
    if (from[0] <= size[0] && from[1] <= size[1]) {
        centre(image, from, to, size);
        return status;
    }
    struct clcnn_shape shape = {.rank = 3, .dim = {from[0], from[1], from[2]}};
    status = clcnn_tensor_create(CLCNN_DTYPE_UINT8, &shape, &whole);
    if (status == CLCNN_STATUS_OK) {
        memcpy(clcnn_tensor_data(whole), image, clcnn_tensor_bytes(whole));
        status = clcnn_image_resize(whole, size[0], size[1], &resized);
    }
    if (status == CLCNN_STATUS_OK)
        memcpy(to, clcnn_tensor_data(resized), clcnn_tensor_bytes(resized));
    clcnn_tensor_destroy(&whole);
    clcnn_tensor_destroy(&resized);
    return status;
}

/* Replaces data->x by images of the given size. */
static enum clcnn_status fit_all(struct clcnn_dataset *data, const int size[3])
{
    const struct clcnn_shape *had = clcnn_tensor_shape(data->x);
    struct clcnn_shape shape = {.rank = 4, .dim = {had->dim[0], size[0], size[1], size[2]}};
    int64_t from[3] = {had->dim[1], had->dim[2], had->dim[3]};
    struct clcnn_tensor *fitted = NULL;
    enum clcnn_status status = clcnn_tensor_create(CLCNN_DTYPE_UINT8, &shape, &fitted);
    for (int64_t i = 0; status == CLCNN_STATUS_OK && i < shape.dim[0]; i++)
        status = fit_image(
            (const unsigned char *)clcnn_tensor_data(data->x) + i * from[0] * from[1] * from[2],
            from, (unsigned char *)clcnn_tensor_data(fitted) + i * size[0] * size[1] * size[2],
            size);
    if (status == CLCNN_STATUS_OK) {
        clcnn_tensor_destroy(&data->x);
        data->x = fitted;
        fitted = NULL;
    }
    clcnn_tensor_destroy(&fitted);
    return status;
}

enum clcnn_status load_samples(const struct clcnn_model *model, const char *source, bool test,
                               int64_t limit, struct clcnn_dataset *out)
{
    enum clcnn_status status = clcnn_dataset_load(source, test, limit, out);
    if (status != CLCNN_STATUS_OK)
        return status;
    struct image_size wanted = model_image_size(model);
    int size[] = {wanted.height, wanted.width, wanted.channels};
    const struct clcnn_shape *had = clcnn_tensor_shape(out->x);
    bool fits = had->dim[1] == size[0] && had->dim[2] == size[1];
    if (!fits && had->rank == 4 && had->dim[3] == size[2] &&
        clcnn_tensor_dtype(out->x) == CLCNN_DTYPE_UINT8)
        status = fit_all(out, size);
    if (status != CLCNN_STATUS_OK)
        clcnn_dataset_clear(out);
    return status;
}

enum clcnn_status load_picture(const struct clcnn_model *model, const char *path, bool inverted,
                               struct clcnn_tensor **out)
{
    struct image_size size = model_image_size(model);
    struct clcnn_tensor *image = NULL;
    enum clcnn_status status = clcnn_image_read(path, size.channels, &image);
    if (status == CLCNN_STATUS_OK)
        status = clcnn_image_resize(image, size.height, size.width, out);
    if (status == CLCNN_STATUS_OK && inverted) {
        unsigned char *pixels = clcnn_tensor_data(*out);
        for (size_t i = 0; i < clcnn_tensor_bytes(*out); i++)
            pixels[i] = (unsigned char)(255 - pixels[i]);
    }
    clcnn_tensor_destroy(&image);
    return status;
}

enum clcnn_status take_picture(const struct clcnn_dataset *data, int64_t index,
                               struct clcnn_tensor **out)
{
    const struct clcnn_shape *all = clcnn_tensor_shape(data->x);
    struct clcnn_shape shape = {.rank = 3, .dim = {all->dim[1], all->dim[2], all->dim[3]}};
    enum clcnn_status status = clcnn_tensor_create(CLCNN_DTYPE_UINT8, &shape, out);
    if (status != CLCNN_STATUS_OK)
        return status;
    size_t count = clcnn_tensor_bytes(*out);
    unsigned char *to = clcnn_tensor_data(*out);
    const void *from = clcnn_tensor_const_data(data->x);
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)index * count + i;
        to[i] = clcnn_tensor_dtype(data->x) == CLCNN_DTYPE_UINT8
                    ? ((const unsigned char *)from)[at]
                    : (unsigned char)(255 * ((const float *)from)[at]);
    }
    return status;
}
