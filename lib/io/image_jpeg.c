#include "config.h"
#include "io/image.h"

#if HAVE_JPEG
#include "base/memory.h"
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jerror.h>
#include <jpeglib.h>

/* A block of 64 pixels is one bit of Huffman code at least. Arithmetic code has no such bound: as
 * much as a file may promise that nobody but an attacker makes. */
#define MOST_PIXELS_PER_BYTE            (8 * 64)
#define MOST_PIXELS_PER_ARITHMETIC_BYTE (1 << 16)

/* What survives libjpeg's longjmp. `errors` comes first: libjpeg hands it back to the callbacks. */
struct reader {
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct jpeg;
    jmp_buf escape;
    struct clcnn_tensor *image;
    unsigned char *row; /* CMYK */
    enum clcnn_status status;
    char reason[JMSG_LENGTH_MAX];
};

static void on_error(j_common_ptr jpeg)
{
    struct reader *reader = (struct reader *)jpeg->err;
    jpeg->err->format_message(jpeg, reader->reason);
    longjmp(reader->escape, 1);
}

/* libjpeg fills what is missing with gray and only warns. Warnings that leave every pixel as it was
 * meant are not damage. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_TOO_MUCH_DATA:
        return;
    default:
        on_error(jpeg);
    }
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg;
}

static enum clcnn_status check_promise(const struct jpeg_decompress_struct *jpeg, size_t size)
{
    uint64_t pixels = (uint64_t)jpeg->image_width * jpeg->image_height;
    unsigned most = jpeg->arith_code ? MOST_PIXELS_PER_ARITHMETIC_BYTE : MOST_PIXELS_PER_BYTE;
    if (pixels > (uint64_t)size * most)
        return clcnn_fail(CLCNN_STATUS_FORMAT,
                          "JPEG: %u x %u pixels do not fit in a file of %zu bytes",
                          jpeg->image_width, jpeg->image_height, size);
    return CLCNN_STATUS_OK;
}

static enum clcnn_status start(struct reader *reader, const unsigned char *data, size_t size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    jpeg_mem_src(jpeg, data, size);
    jpeg_read_header(jpeg, TRUE);
    TRY(check_promise(jpeg, size));
    bool cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    bool gray = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    jpeg->out_color_space = cmyk ? JCS_CMYK : gray ? JCS_GRAYSCALE : JCS_RGB;
    TRY(clcnn_image_create(jpeg->image_height, jpeg->image_width, gray ? 1 : 3, &reader->image));
    if (cmyk)
        TRY(clcnn_alloc(jpeg->image_width, 4, &reader->row));
done:
    return status;
}

/* Adobe stores CMYK inverted. */
static void convert_cmyk(const unsigned char *from, unsigned char *to, unsigned width,
                         bool inverted)
{
    for (unsigned x = 0; x < width; x++) {
        unsigned black = inverted ? from[4 * x + 3] : 255u - from[4 * x + 3];
        for (unsigned c = 0; c < 3; c++) {
            unsigned ink = inverted ? from[4 * x + c] : 255u - from[4 * x + c];
            to[3 * x + c] = (unsigned char)((ink * black + 127) / 255);
        }
    }
}

static void read_rows(struct reader *reader)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    const struct clcnn_shape *shape = clcnn_tensor_shape(reader->image);
    unsigned char *rows = clcnn_tensor_data(reader->image);
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        unsigned char *to = rows + jpeg->output_scanline * shape->dim[1] * shape->dim[2];
        unsigned char *row = reader->row ? reader->row : to;
        if (jpeg_read_scanlines(jpeg, &row, 1) && reader->row)
            convert_cmyk(row, to, jpeg->output_width, jpeg->saw_Adobe_marker);
    }
    jpeg_finish_decompress(jpeg);
}

static void decode(struct reader *reader, const unsigned char *data, size_t size)
{
    if (setjmp(reader->escape)) {
        reader->status = clcnn_fail(CLCNN_STATUS_FORMAT, "JPEG: %s", reader->reason);
        return;
    }
    jpeg_create_decompress(&reader->jpeg);
    reader->status = start(reader, data, size);
    if (reader->status == CLCNN_STATUS_OK)
        read_rows(reader);
}

enum clcnn_status clcnn_jpeg_decode(const unsigned char *data, size_t size,
                                    struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct reader reader = {0};
    reader.jpeg.err = jpeg_std_error(&reader.errors);
    reader.errors.error_exit = on_error;
    reader.errors.emit_message = on_message;
    reader.errors.output_message = on_output;
    decode(&reader, data, size);
    TRY(reader.status);
    *out = reader.image;
    reader.image = NULL;
done:
    jpeg_destroy_decompress(&reader.jpeg);
    clcnn_tensor_destroy(&reader.image);
    free(reader.row);
    return status;
}

#else

enum clcnn_status clcnn_jpeg_decode(const unsigned char *data, size_t size,
                                    struct clcnn_tensor **out)
{
    (void)data, (void)size, (void)out;
    return clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                      "is a JPEG image, and this library was compiled without libjpeg");
}

#endif
