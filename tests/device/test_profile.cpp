#include "device/kernels.hpp"
#include "device/log.hpp"

static void run(struct clcnn_device *device, struct clcnn_kernel *affine,
                struct clcnn_buffer *buffer, const struct clcnn_enqueue *enqueue, int times)
{
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, device, enqueue));
    for (int i = 0; i < times; i++)
        CHECK_OK(launch(&s, affine, GRID1(64, 64),
                        {BUFFER(buffer), BUFFER(buffer), FLOAT(1), FLOAT(1)}));
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
}

TEST_CASE("profile: launches and time per kernel", "[profile]")
{
    struct clcnn_device_params params = {};
    params.profile = true;
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    Kernel affine, sum;
    Buffer x, y;
    Queue queue;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "sum", &sum));
    CHECK_OK(clcnn_buffer_create(device, 4 * 4096, &x));
    CHECK_OK(clcnn_buffer_create(device, 4, &y));
    CHECK_OK(clcnn_queue_create(device, &queue));
    struct clcnn_profile_entry *entries = nullptr;
    size_t count = 1;
    CHECK_OK(clcnn_device_profile(device, &entries, &count));
    CHECK(count == 0);
    clcnn_free(entries);

    run(device, affine, x, nullptr, 1500); /* more than are kept pending */
    run(device, affine, x, clcnn_queue_enqueue(queue), 10);
    CHECK_OK(clcnn_queue_finish(queue));
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
    CHECK_OK(launch(&s, sum, GRID1(1, 8), {BUFFER(x), BUFFER(y), INT(4096), LOCAL(32)}));
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    CHECK_OK(clcnn_device_profile(device, &entries, &count));
    REQUIRE(count == 2);
    CHECK(entries[0].total_seconds >= entries[1].total_seconds);
    for (size_t i = 0; i < count; i++) {
        bool first = std::string(entries[i].kernel) == "affine";
        CHECK(std::string(entries[i].kernel) == (first ? "affine" : "sum"));
        CHECK(entries[i].launches == (first ? 1510 : 1));
        CHECK(entries[i].total_seconds > 0);
        CHECK(entries[i].total_seconds < 60);
    }
    clcnn_free(entries);
    clcnn_device_profile_reset(device);
    run(device, affine, x, nullptr, 2);
    CHECK_OK(clcnn_device_profile(device, &entries, &count));
    REQUIRE(count == 1);
    CHECK(entries[0].launches == 2);
    clcnn_free(entries);
}

TEST_CASE("profile: an event is handed out beside it, also on out-of-order queues", "[profile]")
{
    struct clcnn_device_params params = {};
    params.profile = true;
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    Kernel affine;
    Buffer x;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
    CHECK_OK(clcnn_buffer_create(device, 4 * 4096, &x));
    cl_int error;
    cl_command_queue_properties out_of_order =
        has_out_of_order_queues(device) ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0;
    cl_command_queue queue =
        clCreateCommandQueue(clcnn_device_cl_context(device), clcnn_device_cl_device(device),
                             out_of_order | CL_QUEUE_PROFILING_ENABLE, &error);
    REQUIRE(error == CL_SUCCESS);
    cl_event event = nullptr;
    struct clcnn_enqueue enqueue = {};
    enqueue.queue = queue;
    enqueue.event = &event;
    run(device, affine, x, &enqueue, 5);
    CHECK(clWaitForEvents(1, &event) == CL_SUCCESS);
    CHECK(clFinish(queue) == CL_SUCCESS);
    clReleaseEvent(event);
    struct clcnn_profile_entry *entries = nullptr;
    size_t count = 0;
    CHECK_OK(clcnn_device_profile(device, &entries, &count));
    REQUIRE(count == 1);
    /* rusticl calls only the event that was waited for complete. */
    bool late = std::string(clcnn_device_info(device)->platform) == "rusticl";
    CHECK(entries[0].launches >= (late ? 1 : 5));
    CHECK(entries[0].launches <= 5);
    clcnn_free(entries);
    clReleaseCommandQueue(queue);
}

TEST_CASE("profile: needs a device, and queues, made for it", "[profile]")
{
    struct clcnn_device *plain = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_profile_entry *entries = nullptr;
    size_t count = 0;
    CHECK_FAILS(clcnn_device_profile(plain, &entries, &count), CLCNN_STATUS_INVALID_ARGUMENT,
                "profile");
    CHECK(clcnn_device_profile(nullptr, &entries, &count) == CLCNN_STATUS_INVALID_ARGUMENT);
    clcnn_device_profile_reset(plain);

    struct clcnn_device_params params = {};
    params.profile = true;
    Device device;
    CHECK_OK(clcnn_device_open(&params, &device));
    Kernel affine;
    Buffer x;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
    CHECK_OK(clcnn_buffer_create(device, 4 * 4096, &x));
    cl_int error;
    cl_command_queue queue = clCreateCommandQueue(clcnn_device_cl_context(device),
                                                  clcnn_device_cl_device(device), 0, &error);
    REQUIRE(error == CL_SUCCESS);
    struct clcnn_enqueue enqueue = {};
    enqueue.queue = queue;
    run(device, affine, x, &enqueue, 2);
    clFinish(queue);
    Log log;
    CHECK_OK(clcnn_device_profile(device, &entries, &count));
    CHECK(log.count("device", "launches of 'affine' are not profiled") <= 1);
    clcnn_free(entries);
    clReleaseCommandQueue(queue);
}
