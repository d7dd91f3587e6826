#include "io/image_files.hpp"

using namespace std::string_literals;

TEST_CASE("image: PNM files", "[io][image]")
{
    const struct {
        std::string contents;
        int64_t height, width;
        int channels;
        Bytes pixels;
    } cases[] = {
        {"P5\n3 2\n255\nabcdef", 2, 3, 1, {'a', 'b', 'c', 'd', 'e', 'f'}},
        {"P5 1 1 255 \n", 1, 1, 1, {'\n'}}, /* one white space ends the header */
        {"P6\n1 2\n255\nabcdef", 2, 1, 3, {'a', 'b', 'c', 'd', 'e', 'f'}},
        {"P2 2 2 255 0 1\n2   255", 2, 2, 1, {0, 1, 2, 255}},
        {"P3\t1\r\n1\v255\f9 8 7 and so on", 1, 1, 3, {9, 8, 7}},
        {"P5#c\n# width\n2#height follows\r1\n# maximum\n255\nxy", 1, 2, 1, {'x', 'y'}},
        {"P5 2 1 255\nxytrailing", 1, 2, 1, {'x', 'y'}}, /* a second image may follow */
        {"P2 4 1 3 0 1 2 3", 1, 4, 1, {0, 85, 170, 255}},
        {"P2 3 1 1000 0 500 1000", 1, 3, 1, {0, 128, 255}},
        {"P5 2 1 65535\n\x80\x00\xff\xff"s, 1, 2, 1, {128, 255}},
        {"P5 2 1 256\n\x01\x00\x00\x80"s, 1, 2, 1, {255, 128}},
        {"P5 2 1 1\n\x01\x00"s, 1, 2, 1, {255, 0}},
    };
    for (const auto &c : cases) {
        INFO(c.contents);
        const Image image = decode(c.contents, c.channels);
        CHECK(image.height == c.height);
        CHECK(image.width == c.width);
        CHECK(image.channels == c.channels);
        CHECK(image.pixels == c.pixels);
    }
}

TEST_CASE("image: damaged and lying PNM files", "[io][image]")
{
    const struct {
        std::string contents;
        const char *words;
    } cases[] = {
        {"", "is no image of a known format (PGM PPM"},
        {"GIF89a", "is no image of a known format"},
        {"\x89PNG\r\n", "is no image of a known format"},
        {"P", "no PNM image of the kinds P2, P3, P5, P6"},
        {"P1 1 1 0", "no PNM image of the kinds"},
        {"P4 1 1 0", "no PNM image of the kinds"},
        {"P7\nWIDTH 1", "no PNM image of the kinds"},
        {"P5", "the file is truncated"},
        {"P5 2 1", "the file is truncated"},
        {"P5 # 2 1 255", "the file is truncated"},
        {"P5 2 x", "byte 5: a number is expected"},
        {"P5 -2 1 255 ab", "byte 3: a number is expected"},
        {"P5 2 1 0 ab", "the maximum is 0"},
        {"P5 2 1 65536 ab", "byte 7: a number exceeds 65535"},
        {"P5 2 1 255", "byte 10: white space is expected"},
        {"P5 2 1 255ab", "byte 10: white space is expected"},
        {"P5 2 1 255 a", "2 x 1 pixels do not fit in the 1 bytes that are left"},
        {"P5 2 1 256 abc", "2 x 1 pixels do not fit in the 3 bytes"},
        {"P6 1 1 255 ab", "1 x 1 pixels do not fit in the 2 bytes"},
        {"P2 3 1 255 1 2", "3 x 1 pixels do not fit in the 3 bytes"},
        {"P2 2 1 255 12 ", "the file is truncated"},
        {"P2 2 1 255 1 x", "a number is expected"},
        {"P2 1 1 9 10", "the sample 10 exceeds the maximum 9"},
        {"P5 1 1 9\n\x0a", "the sample 10 exceeds the maximum 9"},
        {"P2 1 1 255 99999", "a number exceeds 65535"},
        {"P5 0 1 255 ", "0 x 1 pixels are not in 1 .. 2^28"},
        {"P5 1 0 255 ", "1 x 0 pixels are not in 1 .. 2^28"},
        {"P5 268435456 268435456 255 ", "do not fit in the 0 bytes"},
        {"P5 99999999999999999999 1 255 ", "byte 3: a number exceeds 268435456"},
    };
    for (const auto &c : cases) {
        INFO(c.contents);
        clcnn_tensor *tensor = nullptr;
        CHECK_FAILS(read_image(c.contents, 1, &tensor), CLCNN_STATUS_FORMAT, c.words);
        CHECK(tensor == nullptr);
    }
}

TEST_CASE("image: gray from colour and back", "[io][image]")
{
    /* 0.299 R + 0.587 G + 0.114 B, in 16-bit fractions. */
    const Image gray = decode("P3 5 1 255 255 0 0  0 255 0  0 0 255  255 255 255  10 20 30", 1);
    CHECK(gray.pixels == Bytes{76, 150, 29, 255, 18});
    const Image color = decode("P2 2 1 255 7 200", 3);
    CHECK(color.pixels == Bytes{7, 7, 7, 200, 200, 200});
}

TEST_CASE("image: what is refused", "[io][image]")
{
    clcnn_tensor *tensor = nullptr;
    const auto invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    for (int channels : {-1, 0, 2, 4})
        CHECK_FAILS(read_image("P2 1 1 1 1", channels, &tensor), invalid, "neither 1 nor 3");
    CHECK_FAILS(clcnn_image_read("x", 1, nullptr), invalid, "out is NULL");
    CHECK_FAILS(clcnn_image_read(nullptr, 1, &tensor), invalid, "path");
    CHECK_FAILS(clcnn_image_read("/nowhere/x.png", 1, &tensor), CLCNN_STATUS_IO,
                "/nowhere/x.png: cannot open");
    CHECK_FAILS(clcnn_image_read("/", 1, &tensor), CLCNN_STATUS_IO, "is not a regular file");
    const std::string formats = clcnn_image_formats();
    CHECK(formats == "PGM PPM"s + (HAVE_PNG ? " PNG" : "") + (HAVE_JPEG ? " JPEG" : ""));
}

TEST_CASE("image: formats that were not compiled in", "[io][image]")
{
    clcnn_tensor *tensor = nullptr;
    if (!HAVE_PNG)
        CHECK_FAILS(read_image("\x89PNG\r\n\x1a\n", 1, &tensor), CLCNN_STATUS_UNSUPPORTED,
                    "compiled without libpng");
    if (!HAVE_JPEG)
        CHECK_FAILS(read_image("\xff\xd8\xff", 1, &tensor), CLCNN_STATUS_UNSUPPORTED,
                    "compiled without libjpeg");
}

/* ---- PNG ------------------------------------------------------------------------------------- */

#if HAVE_PNG
#include <png.h>

namespace
{

Bytes ramp(size_t count, int step, int modulus = 256)
{
    Bytes out(count);
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((int)i * step % modulus);
    return out;
}

uint8_t over_white(int value, int alpha)
{
    return (uint8_t)((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

uint32_t crc32_of(const std::string &bytes)
{
    uint32_t crc = ~0u;
    for (unsigned char byte : bytes) {
        crc ^= byte;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

/* The file with other sizes in its IHDR, whose checksum is right. */
std::string lie_about_size(std::string png, uint32_t width, uint32_t height)
{
    for (int i = 0; i < 4; i++) {
        png[16 + i] = (char)(width >> 8 * (3 - i));
        png[20 + i] = (char)(height >> 8 * (3 - i));
    }
    const uint32_t crc = crc32_of(png.substr(12, 17));
    for (int i = 0; i < 4; i++)
        png[29 + i] = (char)(crc >> 8 * (3 - i));
    return png;
}

} // namespace

TEST_CASE("image: gray PNG of every depth, interlaced or not", "[io][image][png]")
{
    for (bool interlaced : {false, true})
        for (int depth : {1, 2, 4, 8}) {
            INFO(depth << " bits" << (interlaced ? ", interlaced" : ""));
            const int most = (1 << depth) - 1;
            const Bytes raw = ramp(13 * 9, 7, most + 1);
            const Image image =
                decode(encode_png({13, 9, depth, PNG_COLOR_TYPE_GRAY, raw, interlaced}), 1);
            CHECK(image.height == 9);
            CHECK(image.width == 13);
            Bytes expected;
            for (uint8_t value : raw)
                expected.push_back((uint8_t)(value * 255 / most));
            CHECK(image.pixels == expected);
        }
    const Bytes deep = {0x00, 0x00, 0x00, 0x80, 0x00, 0x81, 0x7f, 0xff, 0xff, 0x7f, 0xff, 0xff};
    CHECK(decode(encode_png({6, 1, 16, PNG_COLOR_TYPE_GRAY, deep}), 1).pixels ==
          Bytes{0, 0, 1, 127, 255, 255});
}

TEST_CASE("image: colour PNG", "[io][image][png]")
{
    const Bytes rgb = ramp(5 * 7 * 3, 31);
    CHECK(decode(encode_png({5, 7, 8, PNG_COLOR_TYPE_RGB, rgb}), 3).pixels == rgb);
    CHECK(decode(encode_png({5, 7, 8, PNG_COLOR_TYPE_RGB, rgb, true}), 3).pixels == rgb);

    const Bytes palette = {10, 20, 30, 40, 50, 60, 70, 80, 90};
    const Bytes indices = {2, 0, 1, 1};
    CHECK(
        decode(encode_png({2, 2, 2, PNG_COLOR_TYPE_PALETTE, indices, false, palette}), 3).pixels ==
        Bytes{70, 80, 90, 10, 20, 30, 40, 50, 60, 40, 50, 60});
}

TEST_CASE("image: transparency lies on white", "[io][image][png]")
{
    const Bytes rgba = {0, 100, 200, 255, 0, 100, 200, 128, 0, 100, 200, 0};
    Bytes expected;
    for (int alpha : {255, 128, 0})
        for (int value : {0, 100, 200})
            expected.push_back(over_white(value, alpha));
    CHECK(decode(encode_png({3, 1, 8, PNG_COLOR_TYPE_RGBA, rgba}), 3).pixels == expected);

    const Bytes gray_alpha = {50, 255, 50, 100, 50, 0};
    CHECK(decode(encode_png({3, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, gray_alpha}), 1).pixels ==
          Bytes{50, over_white(50, 100), 255});

    const Bytes palette = {10, 20, 30, 40, 50, 60};
    CHECK(decode(encode_png({2, 1, 1, PNG_COLOR_TYPE_PALETTE, {0, 1}, false, palette, {0}}), 3)
              .pixels == Bytes{255, 255, 255, 40, 50, 60});

    Png clear = {3, 1, 8, PNG_COLOR_TYPE_GRAY, {9, 10, 11}};
    clear.clear_gray = 10;
    CHECK(decode(encode_png(clear), 1).pixels == Bytes{9, 255, 11});
}

TEST_CASE("image: damaged and lying PNG files", "[io][image][png]")
{
    const std::string good = encode_png({40, 30, 8, PNG_COLOR_TYPE_RGB, ramp(3600, 101)});
    clcnn_tensor *tensor = nullptr;
    const auto format = CLCNN_STATUS_FORMAT;
    for (size_t size = 8; size < good.size(); size++)
        if (read_image(good.substr(0, size), 3, &tensor) != format)
            FAIL("cut to " << size << " of " << good.size());
    CHECK_FAILS(read_image(good.substr(0, good.size() / 2), 3, &tensor), format,
                "PNG: the file is truncated");
    CHECK_FAILS(read_image(lie_about_size(good, 30000, 30000), 3, &tensor), format,
                "PNG: 30000 x 30000 pixels do not fit in a file of");
    CHECK_FAILS(read_image(lie_about_size(good, 0x7fffffff, 0x7fffffff), 3, &tensor), format,
                "PNG: ");
    CHECK_FAILS(read_image(lie_about_size(good, 0, 5), 3, &tensor), format, "PNG: ");
    CHECK_FAILS(read_image(lie_about_size(good, 40, 31), 3, &tensor), format, "PNG: ");
    std::string flipped = good;
    flipped[good.size() / 2] = (char)(flipped[good.size() / 2] ^ 0x10);
    CHECK(read_image(flipped, 3, &tensor) == format);
    /* One wrong bit anywhere is damage, or it lies where nothing depends on it. */
    for (size_t i = 0; i < good.size(); i++) {
        std::string damaged = good;
        damaged[i] = (char)(damaged[i] ^ (1 << i % 8));
        const clcnn_status status = read_image(damaged, 3, &tensor);
        if (status != CLCNN_STATUS_OK && status != format)
            FAIL("byte " << i << ": " << clcnn_error_message());
        clcnn_tensor_destroy(&tensor);
    }
}

TEST_CASE("image: more pixels than are taken", "[io][image][png]")
{
    /* 2^28 + 2^14 gray pixels of one bit, all zero, in a file large enough to hold them. */
    const std::string good = encode_png({8, 1, 8, PNG_COLOR_TYPE_GRAY, Bytes(8)});
    std::string padded = lie_about_size(good, 16384, 16385) + std::string(1 << 20, 'x');
    clcnn_tensor *tensor = nullptr;
    CHECK_FAILS(read_image(padded, 1, &tensor), CLCNN_STATUS_FORMAT,
                "16384 x 16385 pixels are not in 1 .. 2^28");
}

TEST_CASE("image: photographs", "[io][image][png]")
{
    const struct {
        const char *name;
        int64_t height, width;
    } cases[] = {{"chelsea.png", 300, 451}, {"coffee.png", 400, 600}, {"kitten_224.png", 224, 224}};
    for (const auto &c : cases) {
        const std::string path = data_path("images/"s + c.name);
        NEED_FILE(path);
        clcnn_tensor *tensor = nullptr;
        CHECK_OK(clcnn_image_read(path.c_str(), 3, &tensor));
        const Image image(tensor);
        CHECK(image.height == c.height);
        CHECK(image.width == c.width);
    }
}
#endif

/* ---- JPEG ------------------------------------------------------------------------------------ */

#if HAVE_JPEG

namespace
{

/* A smooth picture of `components` channels. */
Bytes gradient(unsigned width, unsigned height, int components)
{
    Bytes out;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            for (int c = 0; c < components; c++)
                out.push_back((uint8_t)((x * (c + 1) + y * 2 + 40 * c) % 256));
    return out;
}

} // namespace

TEST_CASE("image: JPEG equals libjpeg's default decoding", "[io][image][jpeg]")
{
    for (bool progressive : {false, true})
        for (unsigned size : {1u, 8u, 17u, 40u}) {
            INFO(size << (progressive ? ", progressive" : ""));
            const std::string gray =
                encode_jpeg({size, size + 3, 1, gradient(size, size + 3, 1), progressive});
            const Image image = decode(gray, 1);
            CHECK(image.width == size);
            CHECK(image.height == size + 3);
            CHECK(image.pixels == decode_jpeg(gray));
            const std::string color =
                encode_jpeg({size, size + 3, 3, gradient(size, size + 3, 3), progressive});
            CHECK(decode(color, 3).pixels == decode_jpeg(color));
        }
}

TEST_CASE("image: CMYK JPEG is multiplied out", "[io][image][jpeg]")
{
    /* Flat colours survive at full quality. libjpeg writes an Adobe marker: values are inverted. */
    Bytes cmyk;
    for (int i = 0; i < 64; i++)
        cmyk.insert(cmyk.end(), {255, 128, 0, 200});
    const std::string file = encode_jpeg({8, 8, 4, cmyk, false, 100});
    const Image image = decode(file, 3);
    const Bytes inks = decode_jpeg(file);
    REQUIRE(image.pixels.size() == 192);
    for (int c = 0; c < 3; c++)
        CHECK((int)image.pixels[c] == (inks[c] * inks[3] + 127) / 255);
}

TEST_CASE("image: damaged and lying JPEG files", "[io][image][jpeg]")
{
    const auto format = CLCNN_STATUS_FORMAT;
    clcnn_tensor *tensor = nullptr;
    for (bool progressive : {false, true}) {
        INFO((progressive ? "progressive" : "sequential"));
        const std::string good = encode_jpeg({40, 33, 3, gradient(40, 33, 3), progressive});
        for (size_t size = 3; size < good.size(); size++)
            if (read_image(good.substr(0, size), 3, &tensor) != format)
                FAIL("cut to " << size << " of " << good.size());
        CHECK_FAILS(read_image(good.substr(0, good.size() - 2), 3, &tensor), format,
                    "JPEG: Premature end of JPEG file");

        std::string lying = good;
        const size_t frame = good.find(progressive ? "\xff\xc2" : "\xff\xc0");
        REQUIRE(frame != std::string::npos);
        lying.replace(frame + 5, 4, "\xfd\xe8\xfd\xe8");
        CHECK_FAILS(read_image(lying, 3, &tensor), format,
                    "JPEG: 65000 x 65000 pixels do not fit in a file of");
        lying[frame + 1] = progressive ? '\xca' : '\xc9'; /* in arithmetic code */
        CHECK_FAILS(read_image(lying, 3, &tensor), format,
                    "JPEG: 65000 x 65000 pixels do not fit in a file of");
        lying[frame + 1] = good[frame + 1];
        lying.replace(frame + 5, 4, "\0\0\0\x28"s);
        CHECK_FAILS(read_image(lying, 3, &tensor), format, "JPEG: ");
        CHECK_FAILS(read_image(lying + std::string((size_t)9 << 20, 'x'), 3, &tensor), format,
                    "JPEG: ");
        for (size_t i = 0; i < good.size(); i++) {
            std::string damaged = good;
            damaged[i] = (char)(damaged[i] ^ (1 << i % 8));
            const clcnn_status status = read_image(damaged, 3, &tensor);
            if (status != CLCNN_STATUS_OK && status != format)
                FAIL("byte " << i << ": " << clcnn_error_message());
            clcnn_tensor_destroy(&tensor);
        }
    }
}

/* Bytes between the data and the end marker cost no pixel: libjpeg warns, the picture is whole. */
TEST_CASE("image: harmless oddities of JPEG files", "[io][image][jpeg]")
{
    const std::string good = encode_jpeg({16, 16, 3, gradient(16, 16, 3)});
    const Bytes pixels = decode(good, 3).pixels;
    CHECK(decode(good + "trailing", 3).pixels == pixels);
    std::string stuffed = good;
    stuffed.insert(good.size() - 2, "\x12\x34\x56");
    CHECK(decode(stuffed, 3).pixels == pixels);
}
#endif
