#include "io/image_files.hpp"

#if HAVE_PNG
#include <png.h>

std::string encode_png(const Png &p)
{
    std::string out;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    REQUIRE(info);
    png_set_write_fn(
        png, &out,
        [](png_structp writer, png_bytep data, png_size_t size) {
            static_cast<std::string *>(png_get_io_ptr(writer))
                ->append(reinterpret_cast<char *>(data), size);
        },
        [](png_structp) {});
    png_set_IHDR(png, info, p.width, p.height, p.depth, p.color,
                 p.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    std::vector<png_color> palette;
    for (size_t i = 0; i < p.palette.size(); i += 3)
        palette.push_back({p.palette[i], p.palette[i + 1], p.palette[i + 2]});
    if (!palette.empty())
        png_set_PLTE(png, info, palette.data(), (int)palette.size());
    png_color_16 clear = {};
    clear.gray = (png_uint_16)p.clear_gray;
    if (!p.transparency.empty() || p.clear_gray >= 0)
        png_set_tRNS(png, info, p.transparency.data(), (int)p.transparency.size(),
                     p.clear_gray >= 0 ? &clear : nullptr);
    const size_t row = p.raw.size() / p.height;
    std::vector<png_bytep> rows;
    for (unsigned y = 0; y < p.height; y++)
        rows.push_back(const_cast<png_bytep>(p.raw.data() + y * row));
    png_set_rows(png, info, rows.data());
    /* Rows come as whole bytes a sample; PNG packs them. */
    png_write_png(png, info, p.depth < 8 ? PNG_TRANSFORM_PACKING : PNG_TRANSFORM_IDENTITY, nullptr);
    png_destroy_write_struct(&png, &info);
    return out;
}
#endif

#if HAVE_JPEG
#include <cstdio>
#include <jpeglib.h>

std::string encode_jpeg(const Jpeg &j)
{
    jpeg_error_mgr errors;
    jpeg_compress_struct jpeg = {};
    unsigned char *data = nullptr;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = j.width;
    jpeg.image_height = j.height;
    jpeg.input_components = j.components;
    jpeg.in_color_space = j.components == 1   ? JCS_GRAYSCALE
                          : j.components == 3 ? JCS_RGB
                                              : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, j.quality, TRUE);
    if (j.progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        auto row = const_cast<JSAMPROW>(j.pixels.data() +
                                        jpeg.next_scanline * j.width * (size_t)j.components);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    std::string out(reinterpret_cast<char *>(data), size);
    std::free(data);
    return out;
}

Bytes decode_jpeg(const std::string &contents)
{
    jpeg_error_mgr errors;
    jpeg_decompress_struct jpeg = {};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char *>(contents.data()), contents.size());
    jpeg_read_header(&jpeg, TRUE);
    jpeg_start_decompress(&jpeg);
    const size_t row = (size_t)jpeg.output_width * jpeg.output_components;
    Bytes pixels(row * jpeg.output_height);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW to = pixels.data() + jpeg.output_scanline * row;
        jpeg_read_scanlines(&jpeg, &to, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return pixels;
}
#endif
