#include "io/image.h"
#include "base/memory.h"
#include "config.h"
#include "io/file.h"
#include <clcnn/data.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((uint64_t)1 << 32)

const char *clcnn_image_formats(void)
{
    return "PGM PPM"
#if HAVE_PNG
           " PNG"
#endif
#if HAVE_JPEG
           " JPEG"
#endif
        ;
}

enum clcnn_status clcnn_image_create(int64_t height, int64_t width, int channels,
                                     struct clcnn_tensor **out)
{
    if (height < 1 || width < 1 || width > CLCNN_MAX_PIXELS || height > CLCNN_MAX_PIXELS / width)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "%lld x %lld pixels are not in 1 .. 2^28",
                          (long long)width, (long long)height);
    return clcnn_tensor_create(CLCNN_DTYPE_UINT8,
                               &(struct clcnn_shape){3, {height, width, channels}}, out);
}

static enum clcnn_status decode(const unsigned char *data, size_t size, struct clcnn_tensor **out)
{
    static const struct {
        const char *magic;
        size_t length;
        enum clcnn_status (*decode)(const unsigned char *, size_t, struct clcnn_tensor **);
    } formats[] = {
        {"\x89PNG\r\n\x1a\n", 8, clcnn_png_decode},
        {"\xff\xd8\xff", 3, clcnn_jpeg_decode},
        {"P", 1, clcnn_pnm_decode},
    };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (size >= formats[i].length && memcmp(data, formats[i].magic, formats[i].length) == 0)
            return formats[i].decode(data, size, out);
    return clcnn_fail(CLCNN_STATUS_FORMAT, "is no image of a known format (%s)",
                      clcnn_image_formats());
}

/* On white. */
static unsigned over_white(unsigned value, unsigned alpha)
{
    return (value * alpha + 255 * (255 - alpha) + 127) / 255;
}

/* ITU-R BT.601: 0.299, 0.587, 0.114, in 16-bit fractions, which sum to 1. */
static unsigned luma(const unsigned rgb[3])
{
    return (19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16;
}

static void convert_pixel(const uint8_t *from, int from_channels, uint8_t *to, int to_channels)
{
    bool color = from_channels >= 3;
    unsigned alpha = from_channels % 2 ? 255 : from[from_channels - 1], rgb[3];
    for (int i = 0; i < 3; i++)
        rgb[i] = over_white(from[color ? i : 0], alpha);
    if (to_channels == 1)
        to[0] = (uint8_t)luma(rgb);
    for (int i = 0; to_channels == 3 && i < 3; i++)
        to[i] = (uint8_t)rgb[i];
}

static enum clcnn_status convert(struct clcnn_tensor **image, int channels)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *made = NULL;
    const struct clcnn_shape *shape = clcnn_tensor_shape(*image);
    int present = (int)shape->dim[2];
    if (present == channels)
        return status;
    TRY(clcnn_image_create(shape->dim[0], shape->dim[1], channels, &made));
    const uint8_t *from = clcnn_tensor_const_data(*image);
    uint8_t *to = clcnn_tensor_data(made);
    for (int64_t i = 0; i < shape->dim[0] * shape->dim[1]; i++)
        convert_pixel(from + i * present, present, to + i * channels, channels);
    clcnn_tensor_destroy(image);
    *image = made;
done:
    return status;
}

enum clcnn_status clcnn_image_read(const char *path, int channels, struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *image = NULL;
    unsigned char *data = NULL;
    size_t size = 0;
    REQUIRE(out, "image: out is NULL");
    *out = NULL;
    REQUIRE(channels == 1 || channels == 3, "image: channels=%d is neither 1 nor 3", channels);
    TRY(clcnn_file_read_whole(path, MAX_FILE, &data, &size));
    status = decode(data, size, &image);
    if (status != CLCNN_STATUS_OK)
        TRY(clcnn_fail_prefix(status, "%s: ", path));
    TRY(convert(&image, channels));
    *out = image;
    image = NULL;
done:
    clcnn_tensor_destroy(&image);
    free(data);
    return status;
}
