#include "device/kernels.hpp"
#include "support/files.hpp"

static struct clcnn_program_info start(const std::string &cache, bool run = true,
                                       const char *options = "-DSIGN=1")
{
    struct clcnn_device_params params = {};
    params.cache_path = cache.c_str();
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    Kernel affine, sum;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", options, "affine", &affine));
    CHECK_OK(clcnn_kernel_create(device, "test_affine", options, "sum", &sum));
    if (run) {
        Buffer x, y;
        CHECK_OK(clcnn_buffer_create(device, 64, &x));
        CHECK_OK(clcnn_buffer_create(device, 64, &y));
        float ones[16], got[16];
        for (float &v : ones)
            v = 1;
        CHECK_OK(clcnn_buffer_write(x, 0, 64, ones, nullptr));
        struct clcnn_stream s;
        CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
        CHECK_OK(launch(&s, affine, GRID1(2, 8), {BUFFER(x), BUFFER(y), FLOAT(2), FLOAT(3)}));
        CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
        CHECK_OK(clcnn_buffer_read(y, 0, 64, got, nullptr));
        CHECK(got[15] == 5);
    }
    struct clcnn_program_info info;
    clcnn_device_programs(device, &info);
    CHECK(info.loaded_from_binary_dir == 0);
    return info;
}

TEST_CASE("cache: the second start builds nothing", "[cache]")
{
    TemporaryDirectory directory;
    std::string cache = directory.path("deep/er/cache.sqlite");
    for (bool run : {true, false}) {
        struct clcnn_program_info first = start(cache, run, run ? "-DSIGN=1" : "");
        CHECK(first.built_from_source == 1);
        CHECK(first.loaded_from_cache == 0);
        CHECK(first.build_seconds > 0);
        struct clcnn_program_info second = start(cache, run, run ? "-DSIGN=1" : "");
        CHECK(second.built_from_source == 0);
        CHECK(second.loaded_from_cache == 1);
        CHECK(second.build_seconds == 0);
    }
}
