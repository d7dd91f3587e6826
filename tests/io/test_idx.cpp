#include "config.h"
#include "support/check.hpp"
#include "support/files.hpp"
#include <clcnn/data.h>
#include <cstring>
#include <sys/stat.h>
#include <vector>

#if HAVE_ZLIB
#include <zlib.h>
#endif

using namespace std::string_literals;

namespace
{

std::string big_endian(uint32_t value)
{
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8)
        out += (char)(value >> shift);
    return out;
}

std::string idx(const std::vector<uint32_t> &dims, const std::string &elements, int type = 8)
{
    std::string out = {0, 0, (char)type, (char)dims.size()};
    for (uint32_t dim : dims)
        out += big_endian(dim);
    return out + elements;
}

std::string counting(size_t count)
{
    std::string out;
    for (size_t i = 0; i < count; i++)
        out += (char)i;
    return out;
}

#if HAVE_ZLIB
std::string gzip(const std::string &contents)
{
    TemporaryDirectory directory;
    const std::string path = directory.path("x.gz");
    gzFile file = gzopen(path.c_str(), "wb9");
    REQUIRE(file);
    REQUIRE(gzwrite(file, contents.data(), (unsigned)contents.size()) == (int)contents.size());
    REQUIRE(gzclose(file) == Z_OK);
    return read_file(path);
}
#endif

/* A data set's four files in a directory, or one half of them. */
void write_half(const std::string &directory, const char *half, const std::string &images,
                const std::string &labels, const char *suffix = "")
{
    write_file(directory + "/" + half + "-images-idx3-ubyte" + suffix, images);
    write_file(directory + "/" + half + "-labels-idx1-ubyte" + suffix, labels);
}

const uint8_t *bytes_of(const clcnn_tensor *tensor)
{
    return static_cast<const uint8_t *>(clcnn_tensor_const_data(tensor));
}

const int32_t *labels_of(const clcnn_dataset &data)
{
    return static_cast<const int32_t *>(clcnn_tensor_const_data(data.labels));
}

} // namespace

TEST_CASE("idx: files of every rank", "[io][idx]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("x");
    const std::vector<std::vector<uint32_t>> shapes = {{5},          {2, 3}, {2, 3, 4},
                                                       {2, 1, 3, 2}, {0},    {3, 0, 7}};
    for (const auto &shape : shapes) {
        size_t count = 1;
        for (uint32_t dim : shape)
            count *= dim;
        std::vector<std::string> files = {idx(shape, counting(count))};
#if HAVE_ZLIB
        files.push_back(gzip(files[0]));
#endif
        for (const std::string &contents : files) {
            write_file(path, contents);
            clcnn_tensor *tensor = nullptr;
            CHECK_OK(clcnn_idx_read(path.c_str(), &tensor));
            CHECK(clcnn_tensor_dtype(tensor) == CLCNN_DTYPE_UINT8);
            const clcnn_shape *got = clcnn_tensor_shape(tensor);
            REQUIRE(got->rank == (int)shape.size());
            CHECK(std::equal(shape.begin(), shape.end(), got->dim));
            REQUIRE(clcnn_tensor_bytes(tensor) == count);
            CHECK(std::equal(bytes_of(tensor), bytes_of(tensor) + count, counting(count).begin(),
                             [](uint8_t a, char b) { return a == (uint8_t)b; }));
            clcnn_tensor_destroy(&tensor);
        }
    }
}

TEST_CASE("idx: damaged and lying files", "[io][idx]")
{
    const struct {
        std::string contents;
        const char *words;
    } cases[] = {
        {"", "ends 4 bytes early"},
        {"abc", "ends 1 bytes early"},
        {"PNG or text", "is no IDX file: it begins with 50 4e"},
        {std::string("\1\0\x8\1", 4), "is no IDX file: it begins with 01 00"},
        {std::string("\0\1\x8\1", 4), "is no IDX file: it begins with 00 01"},
        {idx({1}, "x", 9), "IDX element type 09 is not 08"},
        {idx({1}, std::string(4, 'x'), 0x0D), "IDX element type 0d is not 08"},
        {idx({}, ""), "IDX rank 0 is not in 1..4"},
        {idx({1, 1, 1, 1, 1}, "x"), "IDX rank 5 is not in 1..4"},
        {idx({3}, "").substr(0, 6), "ends 2 bytes early"},
        {idx({3, 4, 5}, "").substr(0, 12), "ends 4 bytes early"},
        {idx({3}, "ab"), "the shape (3) does not fit in a file of 10 bytes"},
        {idx({3}, "abcd"), "1 bytes follow the data of shape (3)"},
        {idx({0}, "abcd"), "4 bytes follow the data of shape (0)"},
        {idx({60000, 28, 28}, std::string(1000, 0)),
         "the shape (60000, 28, 28) does not fit in a file of 1016 bytes"},
        {idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "x"),
         "(4294967295, 4294967295, 4294967295, 4294967295) does not fit"},
        {idx({0x80000000, 0x80000000, 4, 0x40000000}, "x"), "does not fit"},
    };
    TemporaryDirectory directory;
    const std::string path = directory.path("x");
    for (const auto &c : cases) {
        INFO(c.words);
        write_file(path, c.contents);
        clcnn_tensor *tensor = nullptr;
        CHECK_FAILS(clcnn_idx_read(path.c_str(), &tensor), CLCNN_STATUS_FORMAT, c.words);
        CHECK_THAT(clcnn_error_message(), Catch::Matchers::StartsWith(path + ": "));
        CHECK(tensor == nullptr);
    }
    clcnn_tensor *tensor = nullptr;
    CHECK_FAILS(clcnn_idx_read(directory.path("absent").c_str(), &tensor), CLCNN_STATUS_IO,
                "absent: cannot open: No such file");
    CHECK_FAILS(clcnn_idx_read(directory.path().c_str(), &tensor), CLCNN_STATUS_IO,
                "is not a regular file");
    const std::string pipe = directory.path("pipe");
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_FAILS(clcnn_idx_read(pipe.c_str(), &tensor), CLCNN_STATUS_IO, "is not a regular file");
    CHECK_FAILS(clcnn_idx_read(nullptr, &tensor), CLCNN_STATUS_INVALID_ARGUMENT, "path");
    CHECK_FAILS(clcnn_idx_read(path.c_str(), nullptr), CLCNN_STATUS_INVALID_ARGUMENT, "out");
}

#if HAVE_ZLIB

TEST_CASE("idx: damaged and lying gzip files", "[io][idx]")
{
    const std::string good = idx({4, 5, 5}, counting(100)), packed = gzip(good);
    std::string wrong_checksum = packed, wrong_data = packed;
    wrong_checksum[packed.size() - 5] = (char)(wrong_checksum[packed.size() - 5] ^ 1);
    wrong_data[20] = (char)(wrong_data[20] ^ 0x40);
    const struct {
        std::string contents;
        const char *words;
    } cases[] = {
        {gzip(idx({4, 5, 5}, counting(99))), "ends 1 bytes early"},
        {gzip(good + "x"), "bytes follow the end of the data"},
        {packed + packed, "bytes follow the end of the data"}, /* members are one stream */
        {gzip(idx({1u << 30}, "")), "the shape (1073741824) does not fit in a gzip file of"},
        {gzip(idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "")), "does not fit in a gzip file"},
        {wrong_checksum, "the gzip data is damaged: incorrect data check"},
        {wrong_data, "the gzip data is damaged"},
        {std::string("\x1f\x8b"), ""},
    };
    TemporaryDirectory directory;
    const std::string path = directory.path("x.gz");
    clcnn_tensor *tensor = nullptr;
    for (const auto &c : cases) {
        INFO(c.words);
        write_file(path, c.contents);
        CHECK_FAILS(clcnn_idx_read(path.c_str(), &tensor), CLCNN_STATUS_FORMAT, c.words);
    }
    for (size_t size = 0; size < packed.size(); size++) {
        INFO("cut to " << size << " of " << packed.size());
        write_file(path, packed.substr(0, size));
        CHECK(clcnn_idx_read(path.c_str(), &tensor) == CLCNN_STATUS_FORMAT);
    }
    /* Two members whose contents make one file are as good as one. */
    write_file(path, gzip(good.substr(0, 50)) + gzip(good.substr(50)));
    CHECK_OK(clcnn_idx_read(path.c_str(), &tensor));
    clcnn_tensor_destroy(&tensor);
}

/* 64 MiB of zeros in 64 KiB behind ten honest bytes: reading stops at the promise. */
TEST_CASE("idx: a gzip bomb", "[io][idx]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("bomb.gz");
    write_file(path, gzip(idx({10}, std::string((size_t)64 << 20, 0))));
    REQUIRE(std::filesystem::file_size(path) < 80000);
    clcnn_tensor *tensor = nullptr;
    CHECK_FAILS(clcnn_idx_read(path.c_str(), &tensor), CLCNN_STATUS_FORMAT,
                "bytes follow the end of the data");
}

#else

TEST_CASE("idx: gzip without zlib", "[io][idx]")
{
    TemporaryDirectory directory;
    const std::string path = directory.path("x.gz");
    write_file(path, "\x1f\x8b and so on");
    clcnn_tensor *tensor = nullptr;
    CHECK_FAILS(clcnn_idx_read(path.c_str(), &tensor), CLCNN_STATUS_UNSUPPORTED,
                "compiled without zlib");
}

#endif

/* ---- data sets ------------------------------------------------------------------------------- */

TEST_CASE("dataset: a directory of IDX files", "[io][dataset]")
{
    TemporaryDirectory directory;
    write_half(directory.path(), "train", idx({3, 2, 4}, counting(24)), idx({3}, "\4\1\0"s));
    write_half(directory.path(), "t10k", idx({2, 1, 2, 3}, counting(12)), idx({2}, "\1\0"s));
    clcnn_dataset data = {};
    CHECK_OK(clcnn_dataset_load(directory.path().c_str(), false, 0, &data));
    const clcnn_shape *shape = clcnn_tensor_shape(data.x);
    CHECK(std::vector<int64_t>(shape->dim, shape->dim + shape->rank) ==
          std::vector<int64_t>{3, 2, 4, 1});
    CHECK(clcnn_tensor_dtype(data.x) == CLCNN_DTYPE_UINT8);
    CHECK(clcnn_tensor_dtype(data.labels) == CLCNN_DTYPE_INT32);
    CHECK(clcnn_tensor_count(data.labels) == 3);
    CHECK(labels_of(data)[0] == 4);
    CHECK(labels_of(data)[2] == 0);
    CHECK(data.classes == 5);
    CHECK(data.names == nullptr);
    CHECK(bytes_of(data.x)[23] == 23);
    clcnn_dataset_clear(&data);
    CHECK(data.x == nullptr);
    CHECK(data.classes == 0);

    CHECK_OK(clcnn_dataset_load(directory.path().c_str(), true, 0, &data));
    CHECK(clcnn_tensor_shape(data.x)->rank == 4);
    CHECK(clcnn_tensor_shape(data.x)->dim[3] == 3);
    CHECK(data.classes == 2);
    clcnn_dataset_clear(&data);
    clcnn_dataset_clear(nullptr);
}

TEST_CASE("dataset: a limit", "[io][dataset]")
{
    TemporaryDirectory directory;
    write_half(directory.path(), "train", idx({5, 2, 2}, counting(20)), idx({5}, "\0\1\2\3\7"s));
    for (int64_t limit : {1, 4, 5, 6, 1000000}) {
        INFO("limit " << limit);
        clcnn_dataset data = {};
        CHECK_OK(clcnn_dataset_load(directory.path().c_str(), false, limit, &data));
        const int64_t count = std::min<int64_t>(limit, 5);
        CHECK(clcnn_tensor_shape(data.x)->dim[0] == count);
        CHECK(clcnn_tensor_count(data.labels) == count);
        CHECK(data.classes == 8); /* of the whole file */
        for (int64_t i = 0; i < 4 * count; i++)
            CHECK(bytes_of(data.x)[i] == i);
        clcnn_dataset_clear(&data);
    }
    /* Damage behind the limit is damage too. */
    write_half(directory.path(), "train", idx({5, 2, 2}, counting(19)), idx({5}, "\0\1\2\3\7"s));
    clcnn_dataset data = {};
    CHECK_FAILS(clcnn_dataset_load(directory.path().c_str(), false, 1, &data), CLCNN_STATUS_FORMAT,
                "does not fit");
}

TEST_CASE("dataset: what is refused", "[io][dataset]")
{
    TemporaryDirectory directory;
    const std::string root = directory.path();
    const auto load = [&](clcnn_dataset *out) {
        return clcnn_dataset_load(root.c_str(), false, 0, out);
    };
    clcnn_dataset data = {};
    CHECK_FAILS(load(&data), CLCNN_STATUS_IO, "train-images-idx3-ubyte.gz");
    write_half(root, "train", idx({3, 2, 2}, counting(12)), "");
    std::filesystem::remove(root + "/train-labels-idx1-ubyte");
    CHECK_FAILS(load(&data), CLCNN_STATUS_IO, "train-labels-idx1-ubyte.gz");

    const struct {
        std::string images, labels;
        const char *words;
    } cases[] = {
        {idx({3, 2, 2}, counting(12)), idx({2}, "\0\1"s), "has 2 labels, "},
        {idx({1, 2, 2}, counting(4)), idx({2}, "\0\1"s), "has 1 images"},
        {idx({3, 4}, counting(12)), idx({3}, "abc"), "(count, height, width) are needed"},
        {idx({0, 2, 2}, ""), idx({0}, ""), "it has (0, 2, 2, 1)"},
        {idx({2, 0, 2}, ""), idx({2}, "ab"), "it has (2, 0, 2, 1)"},
        {idx({3, 2, 2}, counting(12)), idx({3, 1}, "abc"), "labels of rank 1 are needed"},
        {"x", idx({3}, "abc"), "ends 3 bytes early"},
        {idx({3, 2, 2}, counting(12)), "x", "ends 3 bytes early"},
    };
    for (const auto &c : cases) {
        INFO(c.words);
        write_half(root, "train", c.images, c.labels);
        std::memset(&data, 0x55, sizeof(data));
        CHECK_FAILS(load(&data), CLCNN_STATUS_FORMAT, c.words);
        CHECK((!data.x && !data.labels && !data.names && data.classes == 0));
    }
    const auto invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    CHECK_FAILS(clcnn_dataset_load(root.c_str(), false, -1, &data), invalid, "limit -1");
    CHECK_FAILS(clcnn_dataset_load(nullptr, false, 0, &data), invalid, "source");
    CHECK_FAILS(clcnn_dataset_load("", false, 0, &data), invalid, "source");
    CHECK_FAILS(load(nullptr), invalid, "out is NULL");
    CHECK_FAILS(clcnn_dataset_load("mnist", false, 0, &data), CLCNN_STATUS_IO,
                "'mnist' is neither \"fashion-mnist\" nor a directory");
}

namespace
{

/* XDG_DATA_DIRS for the length of a scope. */
class DataDirs
{
  public:
    explicit DataDirs(const std::string &value)
    {
        const char *before = getenv("XDG_DATA_DIRS");
        had_ = before != nullptr;
        before_ = before ? before : "";
        setenv("XDG_DATA_DIRS", value.c_str(), 1);
    }
    ~DataDirs()
    {
        if (had_)
            setenv("XDG_DATA_DIRS", before_.c_str(), 1);
        else
            unsetenv("XDG_DATA_DIRS");
    }

  private:
    bool had_;
    std::string before_;
};

} // namespace

TEST_CASE("dataset: fashion-mnist is sought in XDG_DATA_DIRS", "[io][dataset]")
{
    TemporaryDirectory directory;
    const std::string root = directory.path("share/datasets/fashion-mnist");
    DataDirs dirs("/nowhere:" + directory.path("share"));
    clcnn_dataset data = {};
    CHECK_FAILS(clcnn_dataset_load("fashion-mnist", false, 0, &data), CLCNN_STATUS_IO,
                "install the package dataset-fashion-mnist");
    std::filesystem::create_directories(root);
    write_half(root, "train", idx({2, 2, 2}, counting(8)), idx({2}, "\3\1"s));
    CHECK_OK(clcnn_dataset_load("fashion-mnist", false, 0, &data));
    CHECK(data.classes == 10);
    REQUIRE(data.names);
    CHECK(std::string(data.names[0]) == "T-shirt/top");
    CHECK(std::string(data.names[9]) == "Ankle boot");
    clcnn_dataset_clear(&data);
    write_half(root, "train", idx({2, 2, 2}, counting(8)), idx({2}, "\3\12"s));
    CHECK_FAILS(clcnn_dataset_load("fashion-mnist", false, 0, &data), CLCNN_STATUS_FORMAT,
                "label 10 is not in 0..9");
}

#if HAVE_ZLIB

TEST_CASE("dataset: MNIST", "[io][dataset]")
{
    const std::string path = data_path("mnist");
    NEED_FILE(path);
    clcnn_dataset data = {};
    CHECK_OK(clcnn_dataset_load(path.c_str(), true, 0, &data));
    CHECK(clcnn_tensor_shape(data.x)->dim[0] == 10000);
    CHECK(clcnn_tensor_shape(data.x)->dim[1] == 28);
    CHECK(data.classes == 10);
    CHECK(std::vector<int32_t>(labels_of(data), labels_of(data) + 5) ==
          std::vector<int32_t>{7, 2, 1, 0, 4});
    clcnn_dataset_clear(&data);
    CHECK_OK(clcnn_dataset_load(path.c_str(), false, 100, &data));
    CHECK(clcnn_tensor_shape(data.x)->dim[0] == 100);
    CHECK(labels_of(data)[0] == 5);
    clcnn_dataset_clear(&data);
}

TEST_CASE("dataset: Fashion-MNIST", "[io][dataset]")
{
    NEED_FILE("/usr/share/datasets/fashion-mnist");
    DataDirs dirs("");
    clcnn_dataset data = {};
    CHECK_OK(clcnn_dataset_load("fashion-mnist", true, 0, &data));
    CHECK(clcnn_tensor_shape(data.x)->dim[0] == 10000);
    CHECK(data.classes == 10);
    CHECK(std::string(data.names[labels_of(data)[0]]) == "Ankle boot");
    clcnn_dataset_clear(&data);
}

#endif
