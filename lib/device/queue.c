#include "base/memory.h"
#include "device/device.h"
#include "device/quirks.h"
#include <stdlib.h>

struct clcnn_queue {
    struct clcnn_device *device;
    cl_command_queue queue;
    struct clcnn_enqueue enqueue;
};

enum clcnn_status clcnn_queue_check(const struct clcnn_device *device, cl_command_queue queue,
                                    cl_command_queue_properties *properties)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_context context = NULL;
    cl_device_id id = NULL;

    if (clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(context), &context, NULL) !=
            CL_SUCCESS ||
        clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(id), &id, NULL) != CL_SUCCESS ||
        clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof(*properties), properties, NULL) !=
            CL_SUCCESS)
        TRY(clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "enqueue: the queue is not valid"));
    REQUIRE(context == device->context, "enqueue: the queue belongs to another context");
    REQUIRE(id == device->device, "enqueue: the queue belongs to another device");
done:
    return status;
}

enum clcnn_status clcnn_queue_create(struct clcnn_device *device, struct clcnn_queue **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_queue *queue = NULL;
    cl_command_queue_properties properties =
        device->profile.enabled ? CL_QUEUE_PROFILING_ENABLE : 0;
    cl_int error;

    *out = NULL;
    TRY(clcnn_alloc(1, sizeof(*queue), &queue));
    queue->device = clcnn_device_retain(device);
    bool share = device->imported || device->quirks & CLCNN_QUIRK_ONE_QUEUE;
    if (share && !device->out_of_order) {
        TRY(clcnn_cl_check(clRetainCommandQueue(device->queue), "queue"));
        queue->queue = device->queue;
    } else {
        queue->queue = clCreateCommandQueue(device->context, device->device, properties, &error);
        TRY(clcnn_cl_check(error, "queue"));
    }
    queue->enqueue.queue = queue->queue;
    *out = queue;
    queue = NULL;
done:
    clcnn_queue_destroy(&queue);
    return status;
}

void clcnn_queue_destroy(struct clcnn_queue **queue)
{
    if (!queue || !*queue)
        return;
    if ((*queue)->queue) {
        clcnn_save_unwatch((*queue)->device, (*queue)->queue);
        clReleaseCommandQueue((*queue)->queue);
    }
    clcnn_device_destroy(&(*queue)->device);
    free(*queue);
    *queue = NULL;
}

const struct clcnn_enqueue *clcnn_queue_enqueue(const struct clcnn_queue *queue)
{
    return &queue->enqueue;
}

enum clcnn_status clcnn_queue_finish(struct clcnn_queue *queue)
{
    return clcnn_cl_check(clFinish(queue->queue), "queue: finish");
}

enum clcnn_status clcnn_queue_mark(struct clcnn_queue *queue, struct clcnn_mark *mark)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_event event = NULL;

    clcnn_mark_clear(mark);
    TRY(clcnn_cl_check(clEnqueueMarkerWithWaitList(queue->queue, 0, NULL, &event), "queue: mark"));
    mark->event = event;
    TRY(clcnn_cl_check(clFlush(queue->queue), "queue: flush"));
done:
    return status;
}

enum clcnn_status clcnn_mark_wait(struct clcnn_mark *mark)
{
    cl_event event = mark->event;
    enum clcnn_status status =
        event ? clcnn_cl_check(clWaitForEvents(1, &event), "queue: wait for a mark")
              : CLCNN_STATUS_OK;
    clcnn_mark_clear(mark);
    return status;
}

void clcnn_mark_clear(struct clcnn_mark *mark)
{
    if (mark->event)
        clReleaseEvent(mark->event);
    mark->event = NULL;
}
