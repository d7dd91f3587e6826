#include "support/check.hpp"
#include "support/files.hpp"
#include <cmath>
#include <csignal>
#include <cstring>
#include <map>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vector>

extern "C" {
#include "io/safetensors.h"
}

using Catch::Matchers::Contains;

namespace
{

std::string make_file(const std::string &header, size_t data)
{
    std::string size(8, '\0');
    for (int i = 0; i < 8; i++)
        size[i] = (char)(header.size() >> 8 * i);
    return size + header + std::string(data, 'd');
}

clcnn_shape shape(std::initializer_list<int64_t> dims)
{
    clcnn_shape out = {};
    for (int64_t dim : dims)
        out.dim[out.rank++] = dim;
    return out;
}

struct File {
    clcnn_safetensors *file = nullptr;
    explicit File(const std::string &path)
    {
        CHECK_OK(clcnn_safetensors_read(path.c_str(), &file));
    }
    ~File()
    {
        clcnn_safetensors_destroy(&file);
    }
    const clcnn_safetensor &operator[](const char *name) const
    {
        const clcnn_safetensor *tensor = clcnn_safetensors_find(file, name);
        REQUIRE(tensor);
        return *tensor;
    }
};

clcnn_status write(const std::string &path, const std::vector<clcnn_safetensor> &tensors,
                   const std::vector<clcnn_safetensors_text> &metadata = {})
{
    const clcnn_safetensors_contents contents = {tensors.data(), tensors.size(), metadata.data(),
                                                 metadata.size()};
    return clcnn_safetensors_write(path.c_str(), &contents);
}

size_t files_in(const std::string &directory)
{
    using Iterator = std::filesystem::directory_iterator;
    return (size_t)std::distance(Iterator(directory), Iterator());
}

const float some_floats[] = {1, -2, 0.5f, 3e38f, -0.0f, 1e-45f};
const uint8_t some_bytes[] = {1, 2, 255};
const int64_t some_longs[] = {INT64_MIN};
const double some_doubles[] = {0.1, -1e300};

std::vector<clcnn_safetensor> some_tensors()
{
    return {
        {"bytes", "U8", shape({3}), some_bytes, 0},
        {"floats", "F32", shape({2, 3}), some_floats, 0},
        {"scalar", "I64", shape({}), some_longs, 0},
        {"none", "F32", shape({4, 0}), nullptr, 0},
        {"doubles", "F64", shape({1, 2, 1}), some_doubles, 0},
    };
}

} // namespace

TEST_CASE("safetensors: what is written is read again", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w.safetensors");
    CHECK_OK(write(path, some_tensors(), {{"step", "12"}, {"a\"b\n", "\xe2\x82\xac"}}));
    CHECK(files_in(directory.path()) == 1);
    File file(path);
    CHECK(clcnn_safetensors_count(file.file) == 5);
    CHECK(clcnn_safetensors_at(file.file, 5) == nullptr);
    CHECK(std::memcmp(file["floats"].data, some_floats, sizeof(some_floats)) == 0);
    CHECK(std::memcmp(file["bytes"].data, some_bytes, sizeof(some_bytes)) == 0);
    CHECK(std::memcmp(file["scalar"].data, some_longs, sizeof(some_longs)) == 0);
    CHECK(std::memcmp(file["doubles"].data, some_doubles, sizeof(some_doubles)) == 0);
    CHECK(file["none"].bytes == 0);
    CHECK(file["none"].shape.rank == 2);
    CHECK(file["scalar"].shape.rank == 0);
    CHECK(std::string(file["doubles"].dtype) == "F64");
    CHECK(file["doubles"].shape.dim[1] == 2);
    CHECK(clcnn_safetensors_find(file.file, "absent") == nullptr);
    CHECK(std::string(clcnn_safetensors_metadata(file.file, "step")) == "12");
    CHECK(std::string(clcnn_safetensors_metadata(file.file, "a\"b\n")) == "\xe2\x82\xac");
    CHECK(clcnn_safetensors_metadata(file.file, "absent") == nullptr);

    /* The same contents give the same bytes. */
    const std::string first = read_file(path);
    CHECK_OK(write(path, some_tensors(), {{"step", "12"}, {"a\"b\n", "\xe2\x82\xac"}}));
    CHECK(read_file(path) == first);
}

TEST_CASE("safetensors: every tensor is aligned in the file", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w");
    CHECK_OK(write(path, some_tensors()));
    File file(path);
    const std::map<std::string, size_t> sizes = {{"F64", 8}, {"I64", 8}, {"F32", 4}, {"U8", 1}};
    const size_t whole = read_file(path).size();
    size_t data = 0;
    for (size_t i = 0; i < 5; i++)
        data += clcnn_safetensors_at(file.file, i)->bytes;
    size_t offset = whole - data;
    CHECK(offset % 64 == 0);
    for (size_t i = 0; i < 5; i++) {
        const clcnn_safetensor *tensor = clcnn_safetensors_at(file.file, i);
        CHECK(offset % sizes.at(tensor->dtype) == 0);
        offset += tensor->bytes;
    }
}

TEST_CASE("safetensors: files of others", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w");
    const struct {
        std::string header;
        size_t data, tensors;
    } cases[] = {
        {"{}", 0, 0},
        {"{}      ", 0, 0},
        {R"({"__metadata__":{}})", 0, 0},
        {" \n{ \"a\" : {\t\"shape\":[ ],\"data_offsets\": [0, 1] ,\"dtype\":\"I8\"} }\r\n", 1, 1},
        {R"({"\u0061":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})", 4, 1},
        /* not in the order of the data; an empty one in the middle; unaligned */
        {R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},)"
         R"("z":{"dtype":"F32","shape":[0],"data_offsets":[1,1]},)"
         R"("a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})",
         5, 3},
        {R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1, 1},
    };
    for (const auto &c : cases) {
        INFO(c.header);
        write_file(path, make_file(c.header, c.data));
        File file(path);
        CHECK(clcnn_safetensors_count(file.file) == c.tensors);
        if (c.tensors)
            CHECK(clcnn_safetensors_find(file.file, "a"));
    }
}

TEST_CASE("safetensors: damaged and lying files", "[io][safetensors]")
{
    const auto tensor = [](const std::string &rest) { return "{\"a\":{" + rest + "}}"; };
    const std::string good = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
    const struct {
        std::string contents;
        const char *words;
    } cases[] = {
        {"", "0 bytes are too few"},
        {std::string(9, '\0'), "9 bytes are too few"},
        {std::string(8, '\0') + "{}", "header: byte 0: '{' is expected"},
        {make_file("{}", 0).substr(0, 9), "9 bytes are too few"},
        {std::string(8, '\xff') + "{}", "exceeds the limit of 100000000"},
        {std::string("\x03\0\0\0\0\0\0\0{}", 10), "3 bytes does not fit in a file of 10"},
        {make_file("[]", 0), "byte 0: '{' is expected"},
        {make_file("{ ", 0), "byte 2: '\"' is expected"},
        {make_file("{}x", 0), "byte 2: more follows the closing '}'"},
        {make_file(std::string("{}\0", 3), 0), "byte 2: more follows"},
        {make_file("{\"a\"}", 0), "byte 4: ':' is expected"},
        {make_file("{\"a\":1}", 0), "byte 5: '{' is expected"},
        {make_file(tensor(good) + "}", 8), "more follows the closing '}'"},
        {make_file("{\"a\":{" + good + "},}", 8), "'\"' is expected"},
        {make_file("{\"a\":{" + good + "} \"b\":{}}", 8), "',' is expected"},
        {make_file("{\"a\":{" + good + "},\"a\":{" +
                       R"("dtype":"U8","shape":[0],"data_offsets":[8,8])" + "}}",
                   8),
         "tensor 'a' is there twice"},
        {make_file(tensor(R"("dtype":"F32","shape":[2])"), 8),
         "tensor 'a': data_offsets is missing"},
        {make_file(tensor(R"("shape":[2],"data_offsets":[0,8])"), 8),
         "tensor 'a': dtype is missing"},
        {make_file(tensor(R"("dtype":"F32","data_offsets":[0,8])"), 8),
         "tensor 'a': shape is missing"},
        {make_file(tensor(good + ",\"shape\":[2]"), 8), "the field 'shape' is there twice"},
        {make_file(tensor(good + ",\"extra\":[2]"), 8), "the field 'extra' is unknown"},
        {make_file(tensor(R"("dtype":"F33","shape":[2],"data_offsets":[0,8])"), 8),
         "dtype 'F33' is unknown"},
        {make_file(tensor(R"("dtype":32,"shape":[2],"data_offsets":[0,8])"), 8),
         "'\"' is expected"},
        {make_file(tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), 8),
         "a whole number >= 0 is expected"},
        {make_file(tensor(R"("dtype":"F32","shape":[2,],"data_offsets":[0,8])"), 8),
         "a whole number >= 0 is expected"},
        {make_file(tensor(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])"), 8),
         "a whole number >= 0 is expected"},
        {make_file(tensor(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1])"), 1),
         "a shape of more than 8 dimensions"},
        {make_file(tensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), 8),
         "tensor 'a': (3) of F32 are 12 bytes, not data_offsets [0, 8]"},
        {make_file(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), 8),
         "(2) of F32 are 8 bytes, not data_offsets [8, 0]"},
        {make_file(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,9])"), 8),
         "']' is expected"},
        {make_file(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0])"), 8),
         "',' is expected"},
        {make_file(tensor(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0])"),
                   0),
         "tensor 'a': more than 2^63-1 bytes"},
        {make_file(tensor(R"("dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0])"),
                   0),
         "tensor 'a': more than 2^63-1 bytes"},
        {make_file(tensor(R"("dtype":"U8","shape":[1152921504606846976],)"
                          R"("data_offsets":[0,1152921504606846976])"),
                   8),
         "end at 1152921504606846976 of 8 bytes of data: the file is truncated"},
        {make_file(tensor(good), 7), "end at 8 of 7 bytes of data: the file is truncated"},
        {make_file(tensor(good), 9), "end at 8 of 9 bytes of data: bytes are left over"},
        {make_file("{}", 1), "end at 0 of 1 bytes of data: bytes are left over"},
        {make_file(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), 8),
         "'a' begins at 4 of the data, leaving a gap after the end of the one before at 0"},
        {make_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                   R"("b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
                   7),
         "'b' begins at 3 of the data, overlapping the end of the one before at 4"},
        {make_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                   R"("b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                   4),
         "overlapping"},
        {make_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                   R"("b":{"dtype":"U8","shape":[2],"data_offsets":[5,7]}})",
                   7),
         "leaving a gap"},
        {make_file(R"({"__metadata__":{"a":1}})", 0), "'\"' is expected"},
        {make_file(R"({"__metadata__":[]})", 0), "'{' is expected"},
        {make_file(R"({"__metadata__":{"k":"v","k":"w"}})", 0), "metadata 'k' is there twice"},
        {make_file(R"({"__metadata__":{},"__metadata__":{}})", 0), "'__metadata__' is there twice"},
        {make_file("{\"\xff\":{}}", 0), "a string is not UTF-8"},
        {make_file("{\"a\\u0000b\":{}}", 0), "a string contains U+0000"},
        {make_file(std::string(100000, '{'), 0), "'\"' is expected"},
        {make_file("{\"a\":{\"shape\":" + std::string(100000, '['), 0), "a whole number"},
    };
    TemporaryDirectory directory;
    const std::string path = directory.path("bad");
    for (const auto &c : cases) {
        INFO(c.contents.substr(0, 200));
        write_file(path, c.contents);
        clcnn_safetensors *file = nullptr;
        CHECK_FAILS(clcnn_safetensors_read(path.c_str(), &file), CLCNN_STATUS_FORMAT, c.words);
        CHECK_THAT(clcnn_error_message(), Catch::Matchers::StartsWith(path + ": "));
        CHECK(file == nullptr);
    }
}

TEST_CASE("safetensors: every truncation is refused", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w"), cut = directory.path("cut");
    CHECK_OK(write(path, some_tensors(), {{"k", "v"}}));
    const std::string whole = read_file(path);
    for (size_t size = 0; size < whole.size(); size++) {
        write_file(cut, whole.substr(0, size));
        clcnn_safetensors *file = nullptr;
        CHECK(clcnn_safetensors_read(cut.c_str(), &file) == CLCNN_STATUS_FORMAT);
    }
}

/* 2^62 bytes are promised by the header's length, and by the file's own (sparse) size. */
TEST_CASE("safetensors: a promise is not believed", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("sparse");
    write_file(path, make_file("{}", 0));
    std::filesystem::resize_file(path, (uintmax_t)1 << 40);
    clcnn_safetensors *file = nullptr;
    CHECK_FAILS(clcnn_safetensors_read(path.c_str(), &file), CLCNN_STATUS_FORMAT,
                "bytes are left over");
}

TEST_CASE("safetensors: what cannot be opened", "[io][safetensors]")
{
    TemporaryDirectory directory;
    clcnn_safetensors *file = nullptr;
    CHECK_FAILS(clcnn_safetensors_read(directory.path("absent").c_str(), &file), CLCNN_STATUS_IO,
                "absent: cannot open: No such file");
    CHECK_FAILS(clcnn_safetensors_read(directory.path().c_str(), &file), CLCNN_STATUS_IO,
                "is not a regular file");
    CHECK_FAILS(clcnn_safetensors_read("", &file), CLCNN_STATUS_INVALID_ARGUMENT, "path");
    CHECK_FAILS(clcnn_safetensors_read(nullptr, &file), CLCNN_STATUS_INVALID_ARGUMENT, "path");
    REQUIRE(mkfifo(directory.path("pipe").c_str(), 0600) == 0);
    CHECK_FAILS(clcnn_safetensors_read(directory.path("pipe").c_str(), &file), CLCNN_STATUS_IO,
                "is not a regular file");
}

TEST_CASE("safetensors: what is not written", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w");
    const float x = 1;
    const clcnn_safetensor good = {"a", "F32", shape({1}), &x, 0};
    const auto with = [&](auto change) {
        clcnn_safetensor tensor = good;
        change(tensor);
        return write(path, {tensor});
    };
    const auto invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    CHECK_FAILS(with([](auto &t) { t.name = nullptr; }), invalid, "no name");
    CHECK_FAILS(with([](auto &t) { t.name = "__metadata__"; }), invalid, "reserved");
    CHECK_FAILS(with([](auto &t) { t.name = "\xff"; }), invalid, "not UTF-8");
    CHECK_FAILS(with([](auto &t) { t.dtype = nullptr; }), invalid, "no dtype");
    CHECK_FAILS(with([](auto &t) { t.dtype = "float"; }), invalid, "dtype 'float' is unknown");
    CHECK_FAILS(with([](auto &t) { t.shape.dim[0] = -1; }), invalid, "the shape is out of range");
    CHECK_FAILS(with([](auto &t) { t.data = nullptr; }), invalid, "data is NULL");
    CHECK_FAILS(write(path, {good, good}), invalid, "'a' is given twice");
    CHECK_FAILS(write(path, {good}, {{"k", "1"}, {"k", "2"}}), invalid, "'k' is given twice");
    CHECK_FAILS(write(path, {good}, {{"k", nullptr}}), invalid, "metadata 0 is NULL");
    CHECK_FAILS(write(path, {good}, {{"\xff", "v"}}), invalid, "not UTF-8");
    CHECK_FAILS(write("", {good}), invalid, "path");
    CHECK_FAILS(write(directory.path("no/w"), {good}), CLCNN_STATUS_IO,
                "no/w: cannot create: No such file");
    CHECK(files_in(directory.path()) == 0);
    CHECK_FAILS(write(directory.path(), {good}), CLCNN_STATUS_IO, "Is a directory");
}

TEST_CASE("safetensors: a full disk leaves the old file", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w");
    CHECK_OK(write(path, some_tensors()));
    const std::string before = read_file(path);

    const std::vector<float> large(1 << 16);
    const clcnn_safetensor tensor = {"large", "F32", shape({1 << 16}), large.data(), 0};
    struct rlimit limit = {};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    const struct rlimit small = {4096, limit.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const clcnn_status status = write(path, {tensor});
    const std::string message = clcnn_error_message();
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::signal(SIGXFSZ, handler);

    CHECK(status == CLCNN_STATUS_IO);
    CHECK_THAT(message, Contains(path + ": cannot write: File too large"));
    CHECK(read_file(path) == before);
    CHECK(files_in(directory.path()) == 1);
}

TEST_CASE("safetensors: a device is written to, not replaced", "[io][safetensors]")
{
    if (!std::filesystem::is_character_file("/dev/full")) {
        WARN("SKIPPED: there is no /dev/full");
        return;
    }
    CHECK_FAILS(write("/dev/full", some_tensors()), CLCNN_STATUS_IO, "No space left on device");
    CHECK_OK(write("/dev/null", some_tensors()));
    CHECK(std::filesystem::is_character_file("/dev/full"));
    CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("safetensors: a written file has ordinary permissions", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const mode_t mask = umask(022);
    CHECK_OK(write(directory.path("w"), some_tensors()));
    umask(mask);
    struct stat info = {};
    REQUIRE(stat(directory.path("w").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0644);
}

/* ---- values ---------------------------------------------------------------------------------- */

TEST_CASE("safetensors: every float16 and bfloat16", "[io][safetensors]")
{
    std::vector<uint16_t> bits(65536);
    for (int i = 0; i < 65536; i++)
        bits[i] = (uint16_t)i;
    std::vector<float> half(65536), brain(65536);
    clcnn_safetensor tensor = {"x", "F16", shape({65536}), bits.data(), 131072};
    clcnn_safetensor_to_float(&tensor, half.data());
    tensor.dtype = "BF16";
    clcnn_safetensor_to_float(&tensor, brain.data());
    int wrong = 0;
    for (int i = 0; i < 65536; i++) {
        const int exponent = i >> 10 & 31, fraction = i & 1023, sign = i >> 15 ? -1 : 1;
        const double value =
            exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
        if (exponent == 31)
            wrong += fraction ? !std::isnan(half[i]) : half[i] != sign * INFINITY;
        else
            wrong += half[i] != sign * value || std::signbit(half[i]) != (sign < 0);
        const uint32_t word = (uint32_t)i << 16;
        wrong += std::memcmp(&brain[i], &word, 4) != 0;
    }
    CHECK(wrong == 0);
}

TEST_CASE("safetensors: needed tensors", "[io][safetensors]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("w");
    CHECK_OK(write(path, some_tensors()));
    File file(path);
    const clcnn_safetensor *tensor = nullptr;
    const auto need = [&](const char *name, const clcnn_shape &s) {
        return clcnn_safetensors_need(file.file, name, &s, &tensor);
    };
    CHECK_OK(need("floats", shape({2, 3})));
    float values[6];
    clcnn_safetensor_to_float(tensor, values);
    CHECK(std::memcmp(values, some_floats, sizeof(values)) == 0);
    CHECK_OK(need("doubles", shape({1, 2, 1})));
    clcnn_safetensor_to_float(tensor, values);
    CHECK(values[0] == 0.1f);
    CHECK(values[1] == -INFINITY);
    CHECK_OK(need("none", shape({4, 0})));
    clcnn_safetensor_to_float(tensor, nullptr);
    const auto format = CLCNN_STATUS_FORMAT;
    CHECK_FAILS(need("float", shape({2, 3})), format, path + ": has no tensor 'float'");
    CHECK_FAILS(need("floats", shape({3, 2})), format,
                "tensor 'floats' has shape (2, 3); (3, 2) is needed");
    CHECK_FAILS(need("floats", shape({6})), format, "(6) is needed");
    CHECK_FAILS(need("bytes", shape({3})), format, "tensor 'bytes' has dtype U8; F32, F16");
}

TEST_CASE("safetensors: names of element types", "[io][safetensors]")
{
    CHECK(std::string(clcnn_safetensors_dtype(CLCNN_DTYPE_FLOAT32)) == "F32");
    CHECK(std::string(clcnn_safetensors_dtype(CLCNN_DTYPE_FLOAT16)) == "F16");
    CHECK(std::string(clcnn_safetensors_dtype(CLCNN_DTYPE_FLOAT64)) == "F64");
    CHECK(std::string(clcnn_safetensors_dtype(CLCNN_DTYPE_UINT8)) == "U8");
    CHECK(std::string(clcnn_safetensors_dtype(CLCNN_DTYPE_INT32)) == "I32");
    CHECK(std::string(clcnn_safetensors_dtype(CLCNN_DTYPE_INT64)) == "I64");
    CHECK(clcnn_safetensors_dtype((clcnn_dtype)6) == nullptr);
}
