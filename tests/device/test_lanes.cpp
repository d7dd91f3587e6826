/* cl/lanes.cl with a kernel that only counts. */
#include "device/kernels.hpp"

namespace
{
/* Launches the tally of kernels.cpp several times and checks it; true if there were lanes. */
bool count_tasks(struct clcnn_device *device, int groups, int tasks,
                 const struct clcnn_enqueue *enqueue)
{
    const int launches = 5;
    INFO(groups << " groups, " << tasks << " tasks");
    Kernel kernel;
    CHECK_OK(clcnn_kernel_create(device, "test_lanes", nullptr, "tally", &kernel));
    Guarded counts(device, std::vector<int32_t>(tasks)), busy(device, std::vector<int32_t>(groups));
    Guarded trouble(device, std::vector<int32_t>(1)), given(device, std::vector<int32_t>(1));
    struct clcnn_stream s;
    enum clcnn_status status = clcnn_stream_begin(&s, device, enqueue);
    for (int i = 0; i < launches && status == CLCNN_STATUS_OK; i++)
        status = launch(
            &s, kernel, GRID1(groups, 1),
            {LANES(), LONG(tasks), BUFFER(counts), BUFFER(busy), BUFFER(trouble), BUFFER(given)});
    CHECK_OK(clcnn_stream_end(&s, status));
    if (enqueue)
        clFinish(enqueue->queue);
    CHECK(counts.read<int32_t>() == std::vector<int32_t>(tasks, launches));
    CHECK(trouble.read<int32_t>()[0] == 0);
    return given.read<int32_t>()[0];
}
} // namespace

TEST_CASE("lanes: every task is done once, by one group at a time", "[lanes]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    const int units = clcnn_device_info(device)->compute_units;
    const bool given = std::string(clcnn_device_info(device)->platform) != "rusticl";
    for (int groups = 1; groups <= units; groups++)
        for (int tasks : {1, 2, 3, 7, 100})
            CHECK(count_tasks(device, groups, tasks, nullptr) == given);
}

TEST_CASE("lanes: other queues and the GPU class do without", "[lanes]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    cl_int error;
    cl_command_queue queue = clCreateCommandQueue(clcnn_device_cl_context(device),
                                                  clcnn_device_cl_device(device), 0, &error);
    REQUIRE(error == CL_SUCCESS);
    struct clcnn_enqueue enqueue = {};
    enqueue.queue = queue;
    for (int tasks : {1, 2, 7})
        CHECK(!count_tasks(device, 2, tasks, &enqueue));
    clReleaseCommandQueue(queue);
    CHECK(!count_tasks(test_device(CLCNN_DEVICE_CLASS_GPU), 2, 5, nullptr));
}
