#include "config.h"
#include "io/image.h"

#if HAVE_PNG
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* One byte of deflate data stands for 1032 bytes at most (zlib's "Technical Details"). */
#define MOST_PER_BYTE 1032

/* What survives libpng's longjmp. */
struct reader {
    png_structp png;
    png_infop info;
    jmp_buf escape;
    const unsigned char *data;
    size_t size, at;
    struct clcnn_tensor *image;
    enum clcnn_status status;
    char reason[256];
};

static void on_error(png_structp png, png_const_charp message)
{
    struct reader *reader = png_get_error_ptr(png);
    snprintf(reader->reason, sizeof(reader->reason), "%s", message);
    longjmp(reader->escape, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void on_read(png_structp png, png_bytep out, png_size_t size)
{
    struct reader *reader = png_get_io_ptr(png);
    if (size > reader->size - reader->at)
        png_error(png, "the file is truncated");
    memcpy(out, reader->data + reader->at, size);
    reader->at += size;
}

/* Any kind of PNG as 8 bits a sample, without colour management, which nobody trains with. */
static void choose_transforms(struct reader *reader)
{
    png_set_expand(reader->png);
    png_set_scale_16(reader->png);
}

static enum clcnn_status check_promise(const struct reader *reader, uint64_t height)
{
    uint64_t row = png_get_rowbytes(reader->png, reader->info);
    uint64_t most = (uint64_t)reader->size * MOST_PER_BYTE;
    if (row && height > most / row)
        return clcnn_fail(
            CLCNN_STATUS_FORMAT, "PNG: %u x %u pixels do not fit in a file of %zu bytes",
            png_get_image_width(reader->png, reader->info), (unsigned)height, reader->size);
    return CLCNN_STATUS_OK;
}

static enum clcnn_status start(struct reader *reader)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    png_set_user_limits(reader->png, CLCNN_MAX_PIXELS, CLCNN_MAX_PIXELS);
    png_set_read_fn(reader->png, reader, on_read);
    png_read_info(reader->png, reader->info);
    int64_t height = png_get_image_height(reader->png, reader->info);
    int64_t width = png_get_image_width(reader->png, reader->info);
    TRY(check_promise(reader, (uint64_t)height));
    choose_transforms(reader);
    png_set_interlace_handling(reader->png);
    png_read_update_info(reader->png, reader->info);
    int channels = png_get_channels(reader->png, reader->info);
    TRY(clcnn_image_create(height, width, channels, &reader->image));
done:
    return status;
}

static void read_rows(struct reader *reader)
{
    const struct clcnn_shape *shape = clcnn_tensor_shape(reader->image);
    uint8_t *rows = clcnn_tensor_data(reader->image);
    bool interlaced = png_get_interlace_type(reader->png, reader->info) == PNG_INTERLACE_ADAM7;
    for (int pass = 0; pass < (interlaced ? 7 : 1); pass++)
        for (int64_t y = 0; y < shape->dim[0]; y++)
            png_read_row(reader->png, rows + y * shape->dim[1] * shape->dim[2], NULL);
    png_read_end(reader->png, NULL);
}

static void decode(struct reader *reader)
{
    if (setjmp(reader->escape)) {
        reader->status = clcnn_fail(CLCNN_STATUS_FORMAT, "PNG: %s", reader->reason);
        return;
    }
    reader->status = start(reader);
    if (reader->status == CLCNN_STATUS_OK)
        read_rows(reader);
}

enum clcnn_status clcnn_png_decode(const unsigned char *data, size_t size,
                                   struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct reader reader = {.data = data, .size = size};
    reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
    if (reader.png)
        reader.info = png_create_info_struct(reader.png);
    if (!reader.info)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "PNG: cannot start libpng"));
    decode(&reader);
    TRY(reader.status);
    *out = reader.image;
    reader.image = NULL;
done:
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    clcnn_tensor_destroy(&reader.image);
    return status;
}

#else

enum clcnn_status clcnn_png_decode(const unsigned char *data, size_t size,
                                   struct clcnn_tensor **out)
{
    (void)data, (void)size, (void)out;
    return clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                      "is a PNG image, and this library was compiled without libpng");
}

#endif
