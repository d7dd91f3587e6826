#include "device/kernels.hpp"
#include "device/log.hpp"
#include <cstdlib>
#include <thread>

TEST_CASE("device: list and open agree", "[device]")
{
    struct clcnn_device_info *infos = nullptr;
    size_t count = 0;
    CHECK_OK(clcnn_device_list(&infos, &count));
    REQUIRE(count > 0);
    Device device;
    std::string where =
        std::to_string(infos[0].platform_index) + ":" + std::to_string(infos[0].device_index);
    struct clcnn_device_params params = {};
    params.select = where.c_str();
    CHECK_OK(clcnn_device_open(&params, &device));
    const struct clcnn_device_info *info = clcnn_device_info(device);
    CHECK(std::string(info->name) == infos[0].name);
    CHECK(info->compute_units > 0);
    CHECK(info->max_work_group > 0);
    CHECK(info->max_alloc_bytes > 0);
    CHECK((info->vector_width == 4 || info->vector_width == 8 || info->vector_width == 16));
    CHECK(info->name[0]);
    CHECK(info->driver[0]);
    CHECK(clcnn_device_family(device) != CLCNN_DEVICE_CLASS_ANY);
    clcnn_free(infos);
}

TEST_CASE("device: a forced class decides the kernels", "[device]")
{
    struct {
        enum clcnn_device_class forced, family;
    } cases[] = {{CLCNN_DEVICE_CLASS_GPU, CLCNN_DEVICE_CLASS_GPU},
                 {CLCNN_DEVICE_CLASS_CPU, CLCNN_DEVICE_CLASS_CPU},
                 {CLCNN_DEVICE_CLASS_FPGA, CLCNN_DEVICE_CLASS_CPU}};
    for (auto &c : cases) {
        struct clcnn_device_params params = {};
        params.force_class = c.forced;
        Device device;
        CHECK_OK(clcnn_device_open(&params, &device));
        CHECK(clcnn_device_info(device)->device_class == c.forced);
        CHECK(clcnn_device_family(device) == c.family);
    }
}

TEST_CASE("device: the environment chooses, the parameter overrides it", "[device]")
{
    const char *before = getenv("CLCNN_DEVICE");
    std::string saved = before ? before : "";
    setenv("CLCNN_DEVICE", "no such device", 1);
    Device device;
    CHECK(clcnn_device_open(nullptr, &device) == CLCNN_STATUS_DEVICE);
    std::string message = clcnn_error_message();
    CHECK(message.find("'no such device' (CLCNN_DEVICE)") != std::string::npos);
    CHECK(!(struct clcnn_device *)device);
    struct clcnn_device_params params = {};
    params.select = "0:0";
    CHECK_OK(clcnn_device_open(&params, &device));
    if (before)
        setenv("CLCNN_DEVICE", saved.c_str(), 1);
    else
        unsetenv("CLCNN_DEVICE");
}

TEST_CASE("device: wrong arguments", "[device]")
{
    struct clcnn_device_params params = {};
    Device device;
    CHECK(clcnn_device_open(&params, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    params.force_class = (enum clcnn_device_class)17;
    CHECK_FAILS(clcnn_device_open(&params, &device), CLCNN_STATUS_INVALID_ARGUMENT,
                "force_class 17 does not exist");
    CHECK(!(struct clcnn_device *)device);
    size_t count;
    CHECK(clcnn_device_list(nullptr, &count) == CLCNN_STATUS_INVALID_ARGUMENT);
    clcnn_device_destroy(nullptr);
    clcnn_device_destroy(&device);
    CHECK(std::string(clcnn_device_class_name(CLCNN_DEVICE_CLASS_GPU)) == "GPU");
    CHECK(std::string(clcnn_device_class_name(CLCNN_DEVICE_CLASS_CPU)) == "CPU");
    CHECK(std::string(clcnn_device_class_name(CLCNN_DEVICE_CLASS_FPGA)) == "FPGA");
    CHECK(std::string(clcnn_device_class_name(CLCNN_DEVICE_CLASS_ANY)) == "any");
}

TEST_CASE("device: what was made from it keeps it alive", "[device]")
{
    Device device;
    CHECK_OK(clcnn_device_open(nullptr, &device));
    Buffer x, y;
    Kernel affine;
    Queue queue;
    CHECK_OK(clcnn_buffer_create(device, 32, &x));
    CHECK_OK(clcnn_buffer_create(device, 32, &y));
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
    CHECK_OK(clcnn_queue_create(device, &queue));
    struct clcnn_buffer view = *(struct clcnn_buffer *)x;
    clcnn_device_destroy(&device);

    std::vector<float> values(8, 2), got(8);
    CHECK_OK(clcnn_buffer_write(x, 0, 32, values.data(), nullptr));
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, view.device, clcnn_queue_enqueue(queue)));
    CHECK_OK(launch(&s, affine, GRID1(1, 8), {BUFFER(x), BUFFER(y), FLOAT(1), FLOAT(1)}));
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    CHECK_OK(clcnn_queue_finish(queue));
    CHECK_OK(clcnn_buffer_read(y, 0, 32, got.data(), nullptr));
    CHECK(got == std::vector<float>(8, 3));
}

static void open_use_close(int seed, std::string *failure)
{
    struct clcnn_device *device = nullptr;
    struct clcnn_kernel *kernel = nullptr;
    struct clcnn_buffer *buffer = nullptr;
    std::vector<float> values(64, (float)seed), got(64);
    struct clcnn_stream s = {};
    bool ok = clcnn_device_open(nullptr, &device) == CLCNN_STATUS_OK;
    if (ok)
        clcnn_kernel_defer(device);
    ok = ok &&
         clcnn_kernel_create(device, "test_affine", nullptr, "affine", &kernel) == CLCNN_STATUS_OK;
    ok = ok && clcnn_kernel_flush(device) == CLCNN_STATUS_OK &&
         clcnn_buffer_create(device, 256, &buffer) == CLCNN_STATUS_OK &&
         clcnn_buffer_write(buffer, 0, 256, values.data(), nullptr) == CLCNN_STATUS_OK &&
         clcnn_stream_begin(&s, device, nullptr) == CLCNN_STATUS_OK &&
         launch(&s, kernel, GRID1(2, 32), {BUFFER(buffer), BUFFER(buffer), FLOAT(2), FLOAT(1)}) ==
             CLCNN_STATUS_OK;
    ok = clcnn_stream_end(&s, ok ? CLCNN_STATUS_OK : CLCNN_STATUS_DEVICE) == CLCNN_STATUS_OK && ok;
    ok = ok && clcnn_buffer_read(buffer, 0, 256, got.data(), nullptr) == CLCNN_STATUS_OK;
    for (float value : got)
        ok = ok && value == 2 * (float)seed + 1;
    if (!ok)
        *failure = clcnn_error_message();
    clcnn_device_destroy(&device);
    clcnn_kernel_destroy(&kernel);
    clcnn_buffer_destroy(&buffer);
}

TEST_CASE("device: 100 threads open, use and close devices", "[device][threads]")
{
    std::vector<std::string> failures(100);
    std::vector<std::thread> threads;
    for (int i = 0; i < 100; i++)
        threads.emplace_back(open_use_close, i, &failures[(size_t)i]);
    for (std::thread &thread : threads)
        thread.join();
    for (const std::string &failure : failures)
        CHECK(failure == "");
}

TEST_CASE("device: one device from many threads", "[device][threads]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    std::vector<std::string> failures(8);
    auto work = [device](std::string *failure) {
        for (int round = 0; round < 20; round++) {
            struct clcnn_kernel *kernel = nullptr;
            struct clcnn_buffer *buffer = nullptr;
            const char *options = round % 2 ? "-DSIGN=1" : nullptr;
            if (clcnn_kernel_create(device, "test_affine", options, "affine", &kernel) !=
                    CLCNN_STATUS_OK ||
                clcnn_buffer_create(device, 1000 + 100 * (size_t)round, &buffer) != CLCNN_STATUS_OK)
                *failure = clcnn_error_message();
            clcnn_kernel_destroy(&kernel);
            clcnn_buffer_destroy(&buffer);
        }
    };
    std::vector<std::thread> threads;
    for (std::string &failure : failures)
        threads.emplace_back(work, &failure);
    for (std::thread &thread : threads)
        thread.join();
    for (const std::string &failure : failures)
        CHECK(failure == "");
}

TEST_CASE("device: tuning results are remembered per device", "[device]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    char *value = nullptr;
    clcnn_device_recall(device, "test: no such key", &value);
    CHECK(value == nullptr);
    for (const char *text : {"first", "second, in its place"}) {
        clcnn_device_remember(device, "test: key", text);
        clcnn_device_recall(device, "test: key", &value);
        REQUIRE(value != nullptr);
        CHECK(std::string(value) == text);
        free(value);
        value = nullptr;
    }
}
