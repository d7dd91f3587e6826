#include "device/kernels.hpp"
#include "device/log.hpp"

TEST_CASE("kernel: deferred builds run in the background", "[kernel]")
{
    struct clcnn_device_params params = {};
    params.cache_path = "";
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    const int count = 4;
    Kernel kernels[count];
    Kernel again;
    clcnn_kernel_defer(device);
    clcnn_kernel_defer(device);
    for (int i = 0; i < count; i++) {
        std::string options = "-DUNUSED=" + std::to_string(i);
        CHECK_OK(
            clcnn_kernel_create(device, "test_affine", options.c_str(), "affine", &kernels[i]));
    }
    CHECK_OK(clcnn_kernel_create(device, "test_affine", "-DUNUSED=0", "sum", &again));
    CHECK_OK(clcnn_kernel_flush(device)); /* the inner one: waits for nothing */
    clcnn_kernel_destroy(&kernels[1]);    /* among those waiting, and the last of them */
    clcnn_kernel_destroy(&again);
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "is_null", &again));
    CHECK_OK(clcnn_kernel_flush(device));
    CHECK_OK(clcnn_kernel_flush(device)); /* one too many is harmless */

    struct clcnn_program_info info;
    clcnn_device_programs(device, &info);
    CHECK(info.built_from_source >= count);
    CHECK(info.built_from_source <= count + 1);
    CHECK(info.loaded_from_cache == 0);
    Guarded x(device, std::vector<float>(8, 1));
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
    CHECK_OK(launch(&s, kernels[3], GRID1(1, 8), {BUFFER(x), BUFFER(x), FLOAT(4), FLOAT(0)}));
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    CHECK(x.read<float>() == std::vector<float>(8, 4));
}

TEST_CASE("kernel: a deferred kernel can be launched before the flush", "[kernel]")
{
    Device device;
    CHECK_OK(clcnn_device_open(nullptr, &device));
    Kernel kernel;
    clcnn_kernel_defer(device);
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &kernel));
    Guarded x(device, std::vector<float>(8, 1));
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
    CHECK_OK(launch(&s, kernel, GRID1(1, 8), {BUFFER(x), BUFFER(x), FLOAT(3), FLOAT(0)}));
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    CHECK(x.read<float>()[7] == 3);
    CHECK_OK(clcnn_kernel_flush(device));
}

TEST_CASE("kernel: destroyed while its program builds, device first", "[kernel]")
{
    struct clcnn_device_params params = {};
    params.cache_path = "";
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    clcnn_kernel_defer(device);
    Kernel kernels[3];
    for (int i = 0; i < 3; i++) {
        std::string options = "-DABANDONED=" + std::to_string(i);
        CHECK_OK(
            clcnn_kernel_create(device, "test_affine", options.c_str(), "affine", &kernels[i]));
    }
    struct clcnn_device *raw = device;
    clcnn_kernel_destroy(&kernels[0]);
    CHECK_OK(clcnn_kernel_flush(raw));
    clcnn_device_destroy(&device);
}

TEST_CASE("kernel: a failed build is reported with the compiler's log, and remembered", "[kernel]")
{
    Log log;
    for (int round = 0; round < 3; round++) {
        Device device;
        CHECK_OK(clcnn_device_open(nullptr, &device));
        Kernel good, bad, worse;
        if (round == 1)
            clcnn_kernel_defer(device);
        enum clcnn_status status =
            clcnn_kernel_create(device, "test_broken", nullptr, "broken", &bad);
        if (round == 1) {
            CHECK(status == CLCNN_STATUS_OK);
            CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &good));
            CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "no_such_kernel", &worse));
            status = clcnn_kernel_flush(device);
        }
        CHECK(status == CLCNN_STATUS_DEVICE);
        std::string message = clcnn_error_message();
        CHECK(message.find("program 'test_broken'") != std::string::npos);
        CHECK(message.find("no_such_name") != std::string::npos);
        if (round == 1) {
            Guarded x(device, std::vector<float>(8, 1));
            struct clcnn_stream s;
            CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
            CHECK_OK(launch(&s, good, GRID1(1, 8), {BUFFER(x), BUFFER(x), FLOAT(3), FLOAT(0)}));
            CHECK(launch(&s, bad, GRID1(1, 1), {BUFFER(x)}) == CLCNN_STATUS_DEVICE);
            CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
            CHECK(x.read<float>()[0] == 3);
        }
    }
    CHECK(log.count("build", "program 'test_broken'") == 1); /* compiled once */
    CHECK(log.count("build", "no_such_name") >= 1);
    CHECK(log.count("build", "\n") == 0);
}

TEST_CASE("kernel: names that do not exist", "[kernel]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    Kernel kernel;
    CHECK(clcnn_kernel_create(device, "no_such_program", nullptr, "k", &kernel) ==
          CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(std::string(clcnn_error_message()) ==
          "kernel_create: there is no program 'no_such_program'");
    CHECK(clcnn_kernel_create(device, "test_affine", nullptr, "no_such_kernel", &kernel) ==
          CLCNN_STATUS_DEVICE);
    CHECK(std::string(clcnn_error_message())
              .find("kernel 'no_such_kernel' of program 'test_affine'") == 0);
    std::string long_name(80, 'k');
    CHECK(clcnn_kernel_create(device, "test_affine", nullptr, long_name.c_str(), &kernel) ==
          CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_kernel_create(device, nullptr, nullptr, "affine", &kernel) ==
          CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(!(struct clcnn_kernel *)kernel);
    clcnn_kernel_destroy(nullptr);
}

TEST_CASE("launch: grids that cannot be", "[launch]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    Kernel affine;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
    Guarded x(device, std::vector<float>(8, 1));
    std::vector<struct clcnn_arg> args = {BUFFER(x), BUFFER(x), FLOAT(3), FLOAT(0)};
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
    CHECK_OK(launch(&s, affine, GRID1(0, 8), args));
    CHECK_OK(launch(&s, affine, GRID2(1, 0, 8, 1), args));
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    int items = (int)clcnn_device_info(device)->max_work_group + 1;
    CHECK(launch(&s, affine, GRID1(1, items), args) == invalid);
    CHECK(std::string(clcnn_error_message()).find("kernel 'affine': work-groups of") == 0);
    CHECK(launch(&s, affine, GRID1(-1, 8), args) == invalid);
    CHECK(launch(&s, affine, GRID1(1, 0), args) == invalid);
    CHECK(launch(&s, affine, GRID1(INT64_MAX / 2, 8), args) == invalid);
    args.push_back(INT(1));
    CHECK(launch(&s, affine, GRID1(1, 8), args) == CLCNN_STATUS_DEVICE);
    CHECK(std::string(clcnn_error_message()).find("kernel 'affine': argument 6: CL_INVALID") == 0);
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    CHECK(x.read<float>() == std::vector<float>(8, 1));
}
