#include "device/kernels.hpp"
extern "C" {
#include "device/quirks.h"
}

namespace
{
/* x = 2 x + 1 on a device whose default queue is the library's own. */
struct Step {
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    Kernel kernel;
    Buffer x;
    Step()
    {
        CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &kernel));
        CHECK_OK(clcnn_buffer_create(device, 4 * 8, &x));
        set(1);
    }
    void set(float value)
    {
        std::vector<float> values(8, value);
        CHECK_OK(clcnn_buffer_write(x, 0, 4 * 8, values.data(), nullptr));
    }
    float get(const struct clcnn_enqueue *enqueue = nullptr)
    {
        float value = -1;
        CHECK_OK(clcnn_buffer_read(x, 4, 4, &value, enqueue));
        return value;
    }
    enum clcnn_status run(const struct clcnn_enqueue *enqueue, int times = 1)
    {
        struct clcnn_stream s = {};
        enum clcnn_status status = clcnn_stream_begin(&s, device, enqueue);
        for (int i = 0; i < times && status == CLCNN_STATUS_OK; i++)
            status = launch(&s, kernel, GRID1(1, 8), {BUFFER(x), BUFFER(x), FLOAT(2), FLOAT(1)});
        return clcnn_stream_end(&s, status);
    }
};

struct OwnQueue {
    cl_command_queue queue;
    OwnQueue(struct clcnn_device *device, bool out_of_order)
    {
        cl_int error;
        queue = clCreateCommandQueue(
            clcnn_device_cl_context(device), clcnn_device_cl_device(device),
            out_of_order && has_out_of_order_queues(device) ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE
                                                            : 0,
            &error);
        REQUIRE(error == CL_SUCCESS);
    }
    ~OwnQueue()
    {
        clReleaseCommandQueue(queue);
    }
};

cl_event user_event(struct clcnn_device *device)
{
    cl_int error;
    cl_event event = clCreateUserEvent(clcnn_device_cl_context(device), &error);
    REQUIRE(error == CL_SUCCESS);
    return event;
}

bool pending(cl_event event)
{
    cl_int state = CL_COMPLETE;
    clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(state), &state, nullptr);
    return state > CL_COMPLETE;
}
} // namespace

TEST_CASE("stream: waits for the caller's events and leaves one", "[stream]")
{
    if (!runs_in_the_background(test_device(CLCNN_DEVICE_CLASS_ANY)))
        return;
    Step step;
    for (bool out_of_order : {false, true}) {
        INFO("out of order " << out_of_order);
        OwnQueue own(step.device, out_of_order);
        step.set(1);
        cl_event gate = user_event(step.device), event = nullptr;
        struct clcnn_enqueue enqueue = {};
        enqueue.queue = own.queue;
        enqueue.num_events_in_wait_list = 1;
        enqueue.event_wait_list = &gate;
        enqueue.event = &event;
        CHECK_OK(step.run(&enqueue, 3));
        REQUIRE(event);
        CHECK(pending(event));
        clSetUserEventStatus(gate, CL_COMPLETE);
        clFlush(own.queue); /* before another queue waits for it */
        struct clcnn_enqueue after = {};
        after.num_events_in_wait_list = 1;
        after.event_wait_list = &event;
        CHECK(step.get(&after) == 15);
        CHECK(!pending(event));
        clReleaseEvent(event);
        clReleaseEvent(gate);
    }
}

TEST_CASE("stream: one variable may be both the event waited for and the new one", "[stream]")
{
    Step step;
    OwnQueue own(step.device, true);
    cl_event event = nullptr;
    struct clcnn_enqueue enqueue = {};
    enqueue.queue = own.queue;
    enqueue.event = &event;
    CHECK_OK(step.run(&enqueue));
    enqueue.num_events_in_wait_list = 1;
    enqueue.event_wait_list = &event;
    for (int i = 0; i < 2; i++) {
        cl_event before = event;
        CHECK_OK(step.run(&enqueue));
        clReleaseEvent(before);
    }
    cl_event before = event;
    CHECK(step.get(&enqueue) == 15);
    CHECK(before != event);
    clReleaseEvent(before);
    clReleaseEvent(event);
}

TEST_CASE("stream: without a command the event still means that the wait list is done", "[stream]")
{
    if (!runs_in_the_background(test_device(CLCNN_DEVICE_CLASS_ANY)))
        return;
    Step step;
    cl_event gate = user_event(step.device), event = nullptr;
    OwnQueue own(step.device, false);
    struct clcnn_enqueue enqueue = {};
    enqueue.queue = own.queue;
    enqueue.num_events_in_wait_list = 1;
    enqueue.event_wait_list = &gate;
    enqueue.event = &event;
    CHECK_OK(step.run(&enqueue, 0));
    REQUIRE(event);
    CHECK(pending(event));
    clSetUserEventStatus(gate, CL_COMPLETE);
    CHECK(clWaitForEvents(1, &event) == CL_SUCCESS);
    clReleaseEvent(event);
    clReleaseEvent(gate);
}

TEST_CASE("stream: a nested call runs in its place", "[stream]")
{
    if (!runs_in_the_background(test_device(CLCNN_DEVICE_CLASS_ANY)))
        return;
    Step step;
    for (int kind = 0; kind < 4; kind++) {
        bool out_of_order = kind & 1, nest_first = kind & 2;
        INFO("out of order " << out_of_order << ", nested first " << nest_first);
        OwnQueue own(step.device, out_of_order);
        step.set(0);
        cl_event gate = user_event(step.device), event = nullptr;
        struct clcnn_enqueue enqueue = {}, storage;
        enqueue.queue = own.queue;
        enqueue.num_events_in_wait_list = 1;
        enqueue.event_wait_list = &gate;
        enqueue.event = &event;
        struct clcnn_stream s;
        const struct clcnn_enqueue *nested = nullptr;
        CHECK_OK(clcnn_stream_begin(&s, step.device, &enqueue));
        if (!nest_first)
            CHECK_OK(launch(&s, step.kernel, GRID1(1, 8),
                            {BUFFER(step.x), BUFFER(step.x), FLOAT(2), FLOAT(1)}));
        for (int i = 0; i < 3; i++) {
            CHECK_OK(clcnn_stream_nest(&s, &storage, &nested));
            CHECK_OK(step.run(nested, i == 1 ? 0 : 2)); /* one with nothing to do among them */
        }
        CHECK_OK(launch(&s, step.kernel, GRID1(1, 8),
                        {BUFFER(step.x), BUFFER(step.x), FLOAT(-1), FLOAT(0)}));
        CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
        CHECK(pending(event));
        clSetUserEventStatus(gate, CL_COMPLETE);
        clFlush(own.queue); /* before another queue waits for it */
        struct clcnn_enqueue after = {};
        after.num_events_in_wait_list = 1;
        after.event_wait_list = &event;
        CHECK(step.get(&after) == (nest_first ? -15 : -31));
        clReleaseEvent(event);
        clReleaseEvent(gate);
    }
}

TEST_CASE("stream: copies and fills without waiting", "[stream]")
{
    Step step;
    std::vector<float> source = {1, 2, 3, 4}, target(8, -1);
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, step.device, nullptr));
    CHECK_OK(clcnn_stream_fill(&s, step.x, 0, 32, 0x40A00000u)); /* 5.0f */
    CHECK_OK(clcnn_stream_write(&s, step.x, 8, 16, source.data()));
    CHECK_OK(clcnn_stream_fill(&s, step.x, 0, 0, 0));
    CHECK_OK(clcnn_stream_read(&s, step.x, 0, 32, target.data()));
    CHECK(clcnn_stream_fill(&s, step.x, 2, 4, 0) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_stream_fill(&s, step.x, 4, 6, 0) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_stream_fill(&s, step.x, 32, 4, 0) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_stream_write(&s, step.x, 20, 16, source.data()) == CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK(clcnn_stream_read(&s, step.x, SIZE_MAX, 16, target.data()) ==
          CLCNN_STATUS_INVALID_ARGUMENT);
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));
    CHECK_OK(clcnn_device_finish(step.device));
    CHECK(target == std::vector<float>{5, 5, 1, 2, 3, 4, 5, 5});
}

TEST_CASE("stream: queues and wait lists that do not belong", "[stream]")
{
    Step step;
    cl_device_id id = clcnn_device_cl_device(step.device);
    cl_context other = clCreateContext(nullptr, 1, &id, nullptr, nullptr, nullptr);
    struct clcnn_enqueue enqueue = {};
    enqueue.queue = clCreateCommandQueue(other, id, 0, nullptr);
    CHECK(step.run(&enqueue) == CLCNN_STATUS_INVALID_ARGUMENT);
    clReleaseCommandQueue(enqueue.queue);
    clReleaseContext(other);
    CHECK(std::string(clcnn_error_message()) == "enqueue: the queue belongs to another context");
    enqueue = {};
    enqueue.num_events_in_wait_list = 1;
    CHECK(step.run(&enqueue) == CLCNN_STATUS_INVALID_ARGUMENT);
    enqueue = {};
    cl_event event = nullptr;
    enqueue.event_wait_list = &event; /* an empty list may have an address */
    CHECK_OK(step.run(&enqueue));
    CHECK(step.get() == 3);

    struct clcnn_stream zeroed = {};
    CHECK_OK(clcnn_stream_end(&zeroed, CLCNN_STATUS_OK));
    CHECK(clcnn_stream_end(&zeroed, CLCNN_STATUS_IO) == CLCNN_STATUS_IO);
    CHECK(clcnn_stream_begin(&zeroed, nullptr, nullptr) == CLCNN_STATUS_INVALID_ARGUMENT);
}

TEST_CASE("stream: after an error there is no event", "[stream]")
{
    Step step;
    cl_event event = nullptr;
    struct clcnn_enqueue enqueue = {};
    enqueue.event = &event;
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, step.device, &enqueue));
    CHECK_OK(clcnn_stream_fill(&s, step.x, 0, 4, 0));
    CHECK(clcnn_stream_end(&s, CLCNN_STATUS_DEVICE) == CLCNN_STATUS_DEVICE);
    CHECK(event == nullptr);
}

TEST_CASE("queue: of its own where the driver bears it, in order, with marks", "[stream]")
{
    Step step;
    Queue queue;
    CHECK_OK(clcnn_queue_create(step.device, &queue));
    bool shared = clcnn_quirks(clcnn_device_info(step.device)) & CLCNN_QUIRK_ONE_QUEUE;
    CHECK((clcnn_queue_enqueue(queue)->queue == clcnn_device_cl_queue(step.device)) == shared);
    struct clcnn_mark mark = {};
    CHECK_OK(clcnn_mark_wait(&mark));
    CHECK_OK(step.run(clcnn_queue_enqueue(queue), 3));
    CHECK_OK(clcnn_queue_mark(queue, &mark));
    CHECK_OK(clcnn_queue_mark(queue, &mark));
    CHECK_OK(clcnn_mark_wait(&mark));
    CHECK(mark.event == nullptr);
    CHECK_OK(clcnn_queue_finish(queue));
    CHECK(step.get() == 15);
    CHECK_OK(clcnn_queue_mark(queue, &mark));
    clcnn_mark_clear(&mark);
    clcnn_queue_destroy(nullptr);
}
