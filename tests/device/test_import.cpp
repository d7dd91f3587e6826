#include "device/kernels.hpp"
#include <chrono>
#include <thread>

namespace
{
/* An application with OpenCL objects of its own, on the device under test. */
struct Application {
    cl_device_id device = clcnn_device_cl_device(test_device(CLCNN_DEVICE_CLASS_ANY));
    cl_context context = nullptr;
    cl_command_queue queue = nullptr;

    explicit Application(cl_command_queue_properties properties = 0)
    {
        cl_int error;
        context = clCreateContext(nullptr, 1, &device, nullptr, nullptr, &error);
        REQUIRE(error == CL_SUCCESS);
        queue = clCreateCommandQueue(context, device, properties, &error);
        REQUIRE(error == CL_SUCCESS);
    }
    ~Application()
    {
        clReleaseCommandQueue(queue);
        clReleaseContext(context);
    }
    struct clcnn_device_import_params params() const
    {
        struct clcnn_device_import_params p = {};
        p.context = context;
        p.device = device;
        p.queue = queue;
        return p;
    }
    cl_uint context_references() const
    {
        cl_uint count = 0;
        clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof(count), &count, nullptr);
        return count;
    }
    cl_uint queue_references() const
    {
        cl_uint count = 0;
        clGetCommandQueueInfo(queue, CL_QUEUE_REFERENCE_COUNT, sizeof(count), &count, nullptr);
        return count;
    }
    /* The count in the end: a thread of pocl's gives up a finished command's own reference a moment
     * after those who wait for the command have gone on. */
    cl_uint settled_queue_references(cl_uint expected) const
    {
        for (int i = 0; i < 500 && queue_references() > expected; i++)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return queue_references();
    }
};
} // namespace

TEST_CASE("import: the caller's objects are used, and returned as they were", "[import]")
{
    Application application;
    cl_uint contexts = application.context_references(), queues = application.queue_references();
    {
        struct clcnn_device_import_params params = application.params();
        Device device;
        CHECK_OK(clcnn_device_import(&params, &device));
        CHECK(clcnn_device_cl_context(device) == application.context);
        CHECK(clcnn_device_cl_queue(device) == application.queue);
        CHECK(clcnn_device_cl_device(device) == application.device);
        CHECK(clcnn_device_info(device)->platform_index == -1);
        CHECK(clcnn_device_info(device)->device_index == -1);
        CHECK(application.queue_references() > queues);
        Queue queue;
        CHECK_OK(clcnn_queue_create(device, &queue));
        CHECK(clcnn_queue_enqueue(queue)->queue == application.queue);
        Guarded x(device, test_values(10, 3));
        CHECK(x.read<float>() == test_values(10, 3));
        Buffer buffer;
        CHECK_OK(clcnn_buffer_create(device, 100, &buffer));
    }
    /* rusticl counts references of its own; test_faults.cpp counts ours. */
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    if (std::string(clcnn_device_info(device)->platform) != "rusticl")
        CHECK(application.context_references() == contexts);
    CHECK(application.settled_queue_references(queues) == queues);
}

TEST_CASE("import: an out-of-order queue runs an op's launches in order", "[import]")
{
    if (!has_out_of_order_queues(test_device(CLCNN_DEVICE_CLASS_ANY)))
        return;
    Application application(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    struct clcnn_device_import_params params = application.params();
    Device device;
    CHECK_OK(clcnn_device_import(&params, &device));
    Kernel affine;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
    Buffer x;
    std::vector<float> values(4096, 0), got(4096);
    CHECK_OK(clcnn_buffer_create(device, 4096 * 4, &x));
    CHECK_OK(clcnn_buffer_write(x, 0, 4096 * 4, values.data(), nullptr));
    struct clcnn_stream s;
    cl_event event = nullptr;
    struct clcnn_enqueue enqueue = {};
    enqueue.event = &event;
    CHECK_OK(clcnn_stream_begin(&s, device, &enqueue));
    float expected = 0;
    for (int i = 0; i < 50; i++) {
        float a = (float)(i % 3) - 1;
        CHECK_OK(launch(&s, affine, GRID1(64, 64), {BUFFER(x), BUFFER(x), FLOAT(a), FLOAT(i)}));
        expected = a * expected + (float)i;
    }
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    REQUIRE(event);
    struct clcnn_enqueue after = {};
    after.num_events_in_wait_list = 1;
    after.event_wait_list = &event;
    CHECK_OK(clcnn_buffer_read(x, 0, 4096 * 4, got.data(), &after));
    CHECK(got == std::vector<float>(4096, expected));
    clReleaseEvent(event);
}

TEST_CASE("import: what does not belong together", "[import]")
{
    Application one, other;
    struct clcnn_device_import_params params = one.params();
    Device device;
    CHECK(clcnn_device_import(&params, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_device_import(nullptr, &device) == CLCNN_STATUS_INVALID_ARGUMENT);
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    params.context = nullptr;
    CHECK_FAILS(clcnn_device_import(&params, &device), invalid, "must not be NULL");
    params = one.params();
    params.device = nullptr;
    CHECK_FAILS(clcnn_device_import(&params, &device), invalid, "must not be NULL");
    params = one.params();
    params.queue = nullptr;
    CHECK_FAILS(clcnn_device_import(&params, &device), invalid, "must not be NULL");
    params = one.params();
    params.common.force_class = (enum clcnn_device_class)17;
    CHECK_FAILS(clcnn_device_import(&params, &device), invalid, "force_class 17");
    params = one.params();
    params.queue = other.queue;
    cl_uint contexts = one.context_references(), queues = other.queue_references();
    CHECK(clcnn_device_import(&params, &device) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(std::string(clcnn_error_message()) == "enqueue: the queue belongs to another context");
    params = one.params();
    params.common.profile = true;
    CHECK(clcnn_device_import(&params, &device) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(std::string(clcnn_error_message()).find("CL_QUEUE_PROFILING_ENABLE") !=
          std::string::npos);
    CHECK(one.context_references() == contexts);
    CHECK(other.settled_queue_references(queues) == queues);

    cl_uint most = 0;
    clGetDeviceInfo(one.device, CL_DEVICE_PARTITION_MAX_SUB_DEVICES, sizeof(most), &most, nullptr);
    std::vector<cl_device_id> parts(1);
    cl_device_partition_property half[] = {CL_DEVICE_PARTITION_BY_COUNTS, 1,
                                           CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0};
    if (most > 1 && clCreateSubDevices(one.device, half, 1, parts.data(), nullptr) == CL_SUCCESS) {
        params = one.params();
        params.device = parts[0];
        CHECK_FAILS(clcnn_device_import(&params, &device), invalid,
                    "the device does not belong to the context");
        clReleaseDevice(parts[0]);
    }
}

TEST_CASE("wrap: a part of the caller's memory", "[import]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    cl_int error;
    cl_mem memory =
        clCreateBuffer(clcnn_device_cl_context(device), CL_MEM_READ_WRITE, 100, nullptr, &error);
    REQUIRE(error == CL_SUCCESS);
    auto references = [memory] {
        cl_uint count = 0;
        clGetMemObjectInfo(memory, CL_MEM_REFERENCE_COUNT, sizeof(count), &count, nullptr);
        return count;
    };
    cl_uint before = references();
    struct clcnn_memory_info used, now;
    clcnn_device_memory(device, &used);
    {
        Buffer buffer;
        CHECK_OK(clcnn_buffer_wrap(device, memory, 20, 40, &buffer));
        size_t offset = 0;
        CHECK(clcnn_buffer_cl_mem(buffer, &offset) == memory);
        CHECK(clcnn_buffer_cl_mem(buffer, nullptr) == memory);
        CHECK(offset == 20);
        CHECK(clcnn_buffer_bytes(buffer) == 40);
        CHECK(references() == before + 1);
        clcnn_device_memory(device, &now);
        CHECK(now.in_use_bytes == used.in_use_bytes);
    }
    CHECK(references() == before);
    Buffer whole, none;
    CHECK_OK(clcnn_buffer_wrap(device, memory, 0, 100, &whole));
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    CHECK(clcnn_buffer_wrap(device, memory, 0, 101, &none) == invalid);
    CHECK(std::string(clcnn_error_message()) ==
          "buffer_wrap: offset 0 + 101 bytes, but the cl_mem has 100");
    CHECK_FAILS(clcnn_buffer_wrap(device, memory, 64, 40, &none), invalid, "offset 64 + 40 bytes");
    CHECK_FAILS(clcnn_buffer_wrap(device, memory, 8, SIZE_MAX - 4, &none), invalid, "offset 8 + ");
    CHECK_FAILS(clcnn_buffer_wrap(device, memory, 2, 4, &none), invalid, "not a multiple of 4");
    CHECK_FAILS(clcnn_buffer_wrap(device, memory, 4, 0, &none), invalid, "more than 0");
    CHECK(clcnn_buffer_wrap(device, nullptr, 0, 4, &none) == invalid);
    CHECK(clcnn_buffer_wrap(nullptr, memory, 0, 4, &none) == invalid);
    CHECK(clcnn_buffer_wrap(device, memory, 0, 4, nullptr) == invalid);
    clReleaseMemObject(memory);
    cl_device_id id = clcnn_device_cl_device(device);
    cl_context other = clCreateContext(nullptr, 1, &id, nullptr, nullptr, &error);
    REQUIRE(error == CL_SUCCESS);
    cl_mem foreign = clCreateBuffer(other, CL_MEM_READ_WRITE, 100, nullptr, &error);
    CHECK_FAILS(clcnn_buffer_wrap(device, foreign, 0, 4, &none), invalid, "another context");
    clReleaseMemObject(foreign);
    const cl_image_format format = {CL_RGBA, CL_FLOAT};
    cl_image_desc description = {};
    description.image_type = CL_MEM_OBJECT_IMAGE2D;
    description.image_width = description.image_height = 4;
    cl_mem image = clCreateImage(clcnn_device_cl_context(device), CL_MEM_READ_WRITE, &format,
                                 &description, nullptr, &error);
    if (error == CL_SUCCESS) { /* not every device has images */
        CHECK_FAILS(clcnn_buffer_wrap(device, image, 0, 4, &none), invalid, "is not a buffer");
        clReleaseMemObject(image);
    }
    clReleaseContext(other);
}
