#include "device/stream.h"
#include "base/memory.h"
#include "device/device.h"

enum clcnn_status clcnn_stream_begin(struct clcnn_stream *stream, struct clcnn_device *device,
                                     const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;

    *stream = (struct clcnn_stream){0};
    REQUIRE(device, "enqueue: device must not be NULL");
    stream->device = device;
    stream->queue = device->queue;
    stream->chain = device->out_of_order;
    if (!enqueue)
        return status;
    REQUIRE(enqueue->num_events_in_wait_list == 0 || enqueue->event_wait_list,
            "enqueue: %u events to wait for, but event_wait_list is NULL",
            enqueue->num_events_in_wait_list);
    if (enqueue->queue && enqueue->queue != device->queue) {
        cl_command_queue_properties properties = 0;
        TRY(clcnn_queue_check(device, enqueue->queue, &properties));
        stream->chain = properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
        stream->queue = enqueue->queue;
        clcnn_save_watch(device, enqueue->queue);
    }
    stream->enqueue = enqueue;
done:
    return status;
}

static void release(void **event)
{
    if (*event)
        clReleaseEvent(*event);
    *event = NULL;
}

static bool wants_event(const struct clcnn_stream *stream)
{
    return stream->chain || (stream->enqueue && stream->enqueue->event);
}

/* An in-order queue needs the caller's events in front of the first command only. */
void clcnn_command_begin(struct clcnn_stream *stream, const struct clcnn_buffer *buffer,
                         struct clcnn_command *command)
{
    *command = (struct clcnn_command){0};
    if (!stream->started && stream->enqueue) {
        command->waits = stream->enqueue->num_events_in_wait_list;
        command->wait_list = command->waits ? stream->enqueue->event_wait_list : NULL;
    } else if (stream->chain && (stream->last || stream->before)) {
        command->wait = stream->last ? stream->last : stream->before;
        command->waits = 1;
        command->wait_list = &command->wait;
    }
    if (wants_event(stream))
        command->event = &command->made;
    if (buffer)
        clcnn_buffer_used(buffer, stream->queue);
}

void clcnn_command_end(struct clcnn_stream *stream, struct clcnn_command *command, cl_int error)
{
    if (error != CL_SUCCESS)
        return;
    stream->started = true;
    if (!command->event)
        return;
    release(&stream->last);
    stream->last = command->made;
}

void clcnn_stream_use(struct clcnn_stream *stream, const struct clcnn_buffer *buffer)
{
    clcnn_buffer_used(buffer, stream->queue);
}

/* A command that does nothing: takes over the caller's wait list, or makes an event. */
static enum clcnn_status barrier(struct clcnn_stream *stream)
{
    struct clcnn_command command;
    clcnn_command_begin(stream, NULL, &command);
    cl_int error = clEnqueueBarrierWithWaitList(stream->queue, command.waits, command.wait_list,
                                                command.event);
    clcnn_command_end(stream, &command, error);
    return clcnn_cl_check(error, "enqueue: barrier");
}

enum clcnn_status clcnn_stream_nest(struct clcnn_stream *stream, struct clcnn_enqueue *storage,
                                    const struct clcnn_enqueue **nested)
{
    enum clcnn_status status = CLCNN_STATUS_OK;

    *storage = (struct clcnn_enqueue){.queue = stream->queue};
    *nested = storage;
    if (!stream->started && stream->enqueue && stream->enqueue->num_events_in_wait_list > 0)
        TRY(barrier(stream));
    if (stream->last) {
        release(&stream->before);
        stream->before = stream->last;
        stream->last = NULL;
    }
    if (stream->chain && stream->before) {
        storage->num_events_in_wait_list = 1;
        storage->event_wait_list = (cl_event *)&stream->before;
    }
    stream->started = true;
    if (wants_event(stream))
        storage->event = (cl_event *)&stream->last;
done:
    return status;
}

enum clcnn_status clcnn_enqueue_create(struct clcnn_enqueue **out)
{
    return clcnn_alloc(1, sizeof(**out), out);
}

enum clcnn_status clcnn_stream_end(struct clcnn_stream *stream, enum clcnn_status status)
{
    cl_event *event = stream->enqueue ? stream->enqueue->event : NULL;

    TRY(status);
    if (event) {
        if (!stream->last)
            TRY(barrier(stream));
        *event = stream->last;
        stream->last = NULL;
    }
done:
    release(&stream->last);
    release(&stream->before);
    *stream = (struct clcnn_stream){0};
    return status;
}
