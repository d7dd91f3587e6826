#include "device/kernels.hpp"
#include "device/log.hpp"
#include "support/child.hpp"
#include "support/files.hpp"
#include <dlfcn.h>
#include <thread>

namespace
{
/* The functions of the layer that watches and breaks the driver. */
struct Watch {
    void *handle;
    long (*live)();
    void (*fail)(const char *, int, cl_int);
    int (*failed)();

    Watch() : handle(dlopen(layer_path("watch").c_str(), RTLD_NOW))
    {
        REQUIRE(handle);
        live = (long (*)())dlsym(handle, "watch_live");
        fail = (void (*)(const char *, int, cl_int))dlsym(handle, "watch_fail");
        failed = (int (*)())dlsym(handle, "watch_failed");
        REQUIRE((live && fail && failed));
    }
};

/* A bit of everything; the first error ends it. */
enum clcnn_status use_everything(const char *cache)
{
    struct clcnn_device_params params = {};
    params.cache_path = cache;
    params.profile = true;
    Device device;
    Kernel affine, sum;
    Queue queue;
    Buffer x, y, wrapped;
    float values[64] = {1};
    struct clcnn_stream s = {};
    struct clcnn_enqueue storage, enqueue = {};
    const struct clcnn_enqueue *nested;
    cl_event event = nullptr;
    enqueue.event = &event;
    enum clcnn_status status = clcnn_device_open(&params, &device);
#define NEXT(call)                                                                                 \
    if (status == CLCNN_STATUS_OK)                                                                 \
    status = call
    if (status == CLCNN_STATUS_OK)
        clcnn_kernel_defer(device);
    NEXT(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
    NEXT(clcnn_kernel_create(device, "test_affine", nullptr, "sum", &sum));
    if ((struct clcnn_device *)device) {
        enum clcnn_status flushed = clcnn_kernel_flush(device);
        NEXT(flushed);
    }
    NEXT(clcnn_queue_create(device, &queue));
    NEXT(clcnn_buffer_create(device, sizeof(values), &x));
    NEXT(clcnn_buffer_create(device, sizeof(values), &y));
    NEXT(clcnn_buffer_write(x, 0, sizeof(values), values, clcnn_queue_enqueue(queue)));
    NEXT(clcnn_stream_begin(&s, device, &enqueue));
    NEXT(launch(&s, affine, GRID1(2, 32), {BUFFER(x), BUFFER(y), FLOAT(2), FLOAT(1)}));
    NEXT(clcnn_stream_nest(&s, &storage, &nested));
    NEXT(clcnn_buffer_read(y, 0, sizeof(values), values, nested));
    NEXT(clcnn_stream_fill(&s, y, 0, 8, 1));
    status = clcnn_stream_end(&s, status);
    if (event)
        clReleaseEvent(event);
    clcnn_buffer_destroy(&x);
    NEXT(clcnn_buffer_create(device, sizeof(values), &x));
    NEXT(clcnn_queue_finish(queue));
    NEXT(clcnn_device_finish(device));
    struct clcnn_profile_entry *entries = nullptr;
    size_t count = 0;
    NEXT(clcnn_device_profile(device, &entries, &count));
    clcnn_free(entries);
    return status;
#undef NEXT
}
} // namespace

TEST_CASE("faults: every failing call is reported and leaves nothing behind", "[faults][layers]")
{
    TemporaryDirectory directory;
    std::string environment =
        "OPENCL_LAYERS=" + layer_path("watch") + " CLCNN_TEST_DIRECTORY=" + directory.path();
    CHECK_CHILD("faults: each call in turn", environment);
    CHECK_CHILD("faults: threads leave nothing behind", environment);
    CHECK_CHILD("faults: pooled memory goes when the device has no more", environment);
    CHECK_CHILD("faults: platforms that fail", environment);
}

TEST_CASE("faults: each call in turn", "[.child]")
{
    Watch watch;
    std::string cache = std::string(getenv("CLCNN_TEST_DIRECTORY")) + "/cache.sqlite";
    CHECK_OK(use_everything(cache.c_str()));
    CHECK(watch.live() == 0);
    struct {
        const char *function;
        cl_int error;
        enum clcnn_status status; /* OK: the library copes with it */
    } cases[] = {
        {"clCreateContext", CL_OUT_OF_HOST_MEMORY, CLCNN_STATUS_OUT_OF_MEMORY},
        {"clCreateCommandQueue", CL_OUT_OF_RESOURCES, CLCNN_STATUS_DEVICE},
        {"clCreateBuffer", CL_MEM_OBJECT_ALLOCATION_FAILURE, CLCNN_STATUS_OK},
        {"clCreateProgramWithBinary", CL_INVALID_BINARY, CLCNN_STATUS_OK},
        {"clBuildProgram", CL_OUT_OF_HOST_MEMORY, CLCNN_STATUS_OK},
        {"clCreateKernel", CL_OUT_OF_HOST_MEMORY, CLCNN_STATUS_OUT_OF_MEMORY},
        {"clSetKernelArg", CL_INVALID_ARG_VALUE, CLCNN_STATUS_DEVICE},
        {"clFinish", CL_OUT_OF_RESOURCES, CLCNN_STATUS_DEVICE},
        {"clEnqueueNDRangeKernel", CL_OUT_OF_RESOURCES, CLCNN_STATUS_DEVICE},
        {"clEnqueueReadBuffer", CL_OUT_OF_RESOURCES, CLCNN_STATUS_DEVICE},
        {"clEnqueueWriteBuffer", CL_MEM_OBJECT_ALLOCATION_FAILURE, CLCNN_STATUS_OUT_OF_MEMORY},
        {"clEnqueueFillBuffer", CL_OUT_OF_RESOURCES, CLCNN_STATUS_DEVICE},
        {"clEnqueueMarkerWithWaitList", CL_OUT_OF_RESOURCES, CLCNN_STATUS_OK},
        {"clRetainCommandQueue", CL_OUT_OF_RESOURCES, CLCNN_STATUS_DEVICE},
        {"clRetainEvent", CL_OUT_OF_RESOURCES, CLCNN_STATUS_OK},
        {"clGetProgramInfo", CL_OUT_OF_RESOURCES, CLCNN_STATUS_OK},
        {"clGetPlatformIDs", -1001, CLCNN_STATUS_DEVICE},
        {"clGetDeviceIDs", CL_OUT_OF_HOST_MEMORY, CLCNN_STATUS_DEVICE},
    };
    for (auto &c : cases) {
        for (int n = 1;; n++) {
            INFO(c.function << " call " << n);
            watch.fail(c.function, n, c.error);
            enum clcnn_status status = use_everything(cache.c_str());
            INFO(clcnn_error_message());
            REQUIRE(watch.live() == 0);
            if (!watch.failed()) {
                CHECK(status == CLCNN_STATUS_OK);
                break;
            }
            REQUIRE((status == c.status || status == CLCNN_STATUS_OK));
            if (c.status == CLCNN_STATUS_OK)
                CHECK(status == CLCNN_STATUS_OK);
            REQUIRE(n < 100);
        }
    }
    watch.fail("", 0, 0);
    CHECK_OK(use_everything(cache.c_str()));
}

TEST_CASE("faults: threads leave nothing behind", "[.child]")
{
    Watch watch;
    std::string cache = std::string(getenv("CLCNN_TEST_DIRECTORY")) + "/threads.sqlite";
    std::vector<enum clcnn_status> results(100, CLCNN_STATUS_IO);
    std::vector<std::thread> threads;
    for (auto &result : results)
        threads.emplace_back([&] { result = use_everything(cache.c_str()); });
    for (auto &thread : threads)
        thread.join();
    for (auto result : results)
        CHECK(result == CLCNN_STATUS_OK);
    CHECK(watch.live() == 0);
}

TEST_CASE("faults: platforms that fail", "[.child]")
{
    Watch watch;
    Log log;
    struct clcnn_device_info *infos = nullptr;
    size_t all = 0, count = 1;
    CHECK_OK(clcnn_device_list(&infos, &all));
    clcnn_free(infos);

    watch.fail("clGetPlatformIDs", 1, -1001); /* what the loader answers if there is none */
    CHECK_OK(clcnn_device_list(&infos, &count));
    CHECK(count == 0);
    clcnn_free(infos);
    watch.fail("clGetPlatformIDs", 1, -1001);
    Device device;
    CHECK_FAILS(clcnn_device_open(nullptr, &device), CLCNN_STATUS_DEVICE,
                "there is no OpenCL device");

    /* Each platform is asked how many it has, then which; what is left is listed all the same. */
    for (int call = 1;; call++) {
        INFO("call " << call);
        watch.fail("clGetDeviceIDs", call, CL_OUT_OF_HOST_MEMORY);
        CHECK_OK(clcnn_device_list(&infos, &count));
        clcnn_free(infos);
        if (!watch.failed())
            break;
        CHECK(count <= all);
        REQUIRE(call < 100);
    }
    CHECK(count == all);
    CHECK(log.count("device", "has no devices: CL_OUT_OF_HOST_MEMORY") >= 1);
    CHECK(log.count("device", "fails to list its devices: CL_OUT_OF_HOST_MEMORY") >= 1);
}

TEST_CASE("faults: pooled memory goes when the device has no more", "[.child]")
{
    Watch watch;
    Device device;
    CHECK_OK(clcnn_device_open(nullptr, &device));
    Buffer a, b, c;
    CHECK_OK(clcnn_buffer_create(device, 1000000, &a));
    CHECK_OK(clcnn_buffer_create(device, 5000, &b));
    clcnn_buffer_destroy(&a);
    struct clcnn_memory_info info;
    clcnn_device_memory(device, &info);
    CHECK(info.pooled_bytes == 1000000);
    watch.fail("clCreateBuffer", 1, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    CHECK_OK(clcnn_buffer_create(device, 70000, &c));
    clcnn_device_memory(device, &info);
    CHECK(info.pooled_bytes == 0);
    CHECK(info.in_use_bytes == 75000);
}
