/* Images for tests: read through a temporary file; PNG and JPEG files written by their
 * libraries. */
#ifndef CLCNN_TESTS_IMAGE_FILES_HPP
#define CLCNN_TESTS_IMAGE_FILES_HPP

#include "config.h"
#include "support/check.hpp"
#include "support/files.hpp"
#include <clcnn/data.h>
#include <vector>

using Bytes = std::vector<uint8_t>;

struct Image {
    int64_t height = 0, width = 0, channels = 0;
    Bytes pixels;

    explicit Image(clcnn_tensor *tensor)
    {
        const clcnn_shape *shape = clcnn_tensor_shape(tensor);
        REQUIRE(shape->rank == 3);
        REQUIRE(clcnn_tensor_dtype(tensor) == CLCNN_DTYPE_UINT8);
        height = shape->dim[0];
        width = shape->dim[1];
        channels = shape->dim[2];
        auto data = static_cast<const uint8_t *>(clcnn_tensor_const_data(tensor));
        pixels.assign(data, data + clcnn_tensor_count(tensor));
        clcnn_tensor_destroy(&tensor);
    }
};

inline clcnn_status read_image(const std::string &contents, int channels, clcnn_tensor **out)
{
    static TemporaryDirectory directory;
    const std::string path = directory.path("image");
    write_file(path, contents);
    return clcnn_image_read(path.c_str(), channels, out);
}

inline Image decode(const std::string &contents, int channels)
{
    clcnn_tensor *tensor = nullptr;
    CHECK_OK(read_image(contents, channels, &tensor));
    return Image(tensor);
}

#if HAVE_PNG
struct Png {
    unsigned width, height;
    int depth, color; /* PNG_COLOR_TYPE_... */
    Bytes raw;        /* rows as PNG stores them */
    bool interlaced = false;
    Bytes palette = {};      /* RGB triples */
    Bytes transparency = {}; /* alpha of the first palette entries */
    int clear_gray = -1;     /* a gray value that is transparent */
};
std::string encode_png(const Png &png);
#endif

#if HAVE_JPEG
struct Jpeg {
    unsigned width, height;
    int components; /* 1 gray, 3 RGB, 4 CMYK */
    Bytes pixels;
    bool progressive = false;
    int quality = 90;
};
std::string encode_jpeg(const Jpeg &jpeg);
Bytes decode_jpeg(const std::string &contents); /* by libjpeg, with its defaults */
#endif

#endif
