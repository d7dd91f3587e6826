#include "device/stream.h"
#include "base/memory.h"
#include "device/device.h"

static enum clcnn_status check_queue(const struct clcnn_device *device, cl_command_queue queue,
                                     bool *out_of_order)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_context context = NULL;
    cl_device_id id = NULL;
    cl_command_queue_properties properties = 0;

    TRY(clcnn_cl_check(
        clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(context), &context, NULL),
        "enqueue: the queue's context"));
    TRY(clcnn_cl_check(clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(id), &id, NULL),
                       "enqueue: the queue's device"));
    REQUIRE(context == device->context, "enqueue: the queue belongs to another context");
    REQUIRE(id == device->device, "enqueue: the queue belongs to another device");
    TRY(clcnn_cl_check(
        clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL),
        "enqueue: the queue's properties"));
    *out_of_order = properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
done:
    return status;
}

enum clcnn_status clcnn_stream_begin(struct clcnn_stream *stream, struct clcnn_device *device,
                                     const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;

    *stream = (struct clcnn_stream){
        .device = device, .queue = device->queue, .chain = device->out_of_order};
    if (!enqueue)
        return status;
    REQUIRE((enqueue->num_events_in_wait_list == 0) == (enqueue->event_wait_list == NULL),
            "enqueue: %u events to wait for, but event_wait_list is %s",
            enqueue->num_events_in_wait_list, enqueue->event_wait_list ? "given" : "NULL");
    if (enqueue->queue && enqueue->queue != device->queue) {
        TRY(check_queue(device, enqueue->queue, &stream->chain));
        stream->queue = enqueue->queue;
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
void clcnn_command_begin(struct clcnn_stream *stream, struct clcnn_command *command)
{
    *command = (struct clcnn_command){0};
    if (!stream->started && stream->enqueue) {
        command->waits = stream->enqueue->num_events_in_wait_list;
        command->wait_list = stream->enqueue->event_wait_list;
    } else if (stream->chain && (stream->last || stream->before)) {
        command->wait = stream->last ? stream->last : stream->before;
        command->waits = 1;
        command->wait_list = &command->wait;
    }
    if (wants_event(stream))
        command->event = &command->made;
}

void clcnn_command_end(struct clcnn_stream *stream, struct clcnn_command *command, cl_int error)
{
    if (error != CL_SUCCESS)
        return;
    stream->started = true;
    if (command->event) {
        release(&stream->last);
        stream->last = command->made;
    }
}

/* A command that does nothing: takes over the caller's wait list, or makes an event. */
static enum clcnn_status barrier(struct clcnn_stream *stream)
{
    struct clcnn_command command;
    clcnn_command_begin(stream, &command);
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

enum clcnn_status clcnn_stream_end(struct clcnn_stream *stream, enum clcnn_status status)
{
    cl_event *event = stream->enqueue ? stream->enqueue->event : NULL;

    if (event)
        *event = NULL;
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

static enum clcnn_status check_range(const struct clcnn_buffer *buffer, size_t offset, size_t bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t end;
    REQUIRE(clcnn_sum(offset, bytes, &end) && end <= buffer->bytes,
            "buffer: offset %zu + %zu bytes, but the buffer has %zu", offset, bytes, buffer->bytes);
done:
    return status;
}

enum clcnn_status clcnn_stream_write(struct clcnn_stream *stream, const struct clcnn_buffer *buffer,
                                     size_t offset, size_t bytes, const void *source)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_command command;

    TRY(check_range(buffer, offset, bytes));
    if (bytes == 0)
        return status;
    clcnn_command_begin(stream, &command);
    cl_int error =
        clEnqueueWriteBuffer(stream->queue, buffer->memory, CL_FALSE, buffer->offset + offset,
                             bytes, source, command.waits, command.wait_list, command.event);
    clcnn_command_end(stream, &command, error);
    TRY(clcnn_cl_check(error, "buffer: write of %zu bytes", bytes));
done:
    return status;
}

enum clcnn_status clcnn_stream_read(struct clcnn_stream *stream, const struct clcnn_buffer *buffer,
                                    size_t offset, size_t bytes, void *target)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_command command;

    TRY(check_range(buffer, offset, bytes));
    if (bytes == 0)
        return status;
    clcnn_command_begin(stream, &command);
    cl_int error =
        clEnqueueReadBuffer(stream->queue, buffer->memory, CL_FALSE, buffer->offset + offset, bytes,
                            target, command.waits, command.wait_list, command.event);
    clcnn_command_end(stream, &command, error);
    TRY(clcnn_cl_check(error, "buffer: read of %zu bytes", bytes));
done:
    return status;
}

enum clcnn_status clcnn_stream_fill(struct clcnn_stream *stream, const struct clcnn_buffer *buffer,
                                    size_t offset, size_t bytes, uint32_t pattern)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_command command;

    TRY(check_range(buffer, offset, bytes));
    REQUIRE(offset % 4 == 0 && bytes % 4 == 0,
            "buffer: a fill of %zu bytes at %zu is not a multiple of 4", bytes, offset);
    if (bytes == 0)
        return status;
    clcnn_command_begin(stream, &command);
    cl_int error = clEnqueueFillBuffer(stream->queue, buffer->memory, &pattern, sizeof(pattern),
                                       buffer->offset + offset, bytes, command.waits,
                                       command.wait_list, command.event);
    clcnn_command_end(stream, &command, error);
    TRY(clcnn_cl_check(error, "buffer: fill of %zu bytes", bytes));
done:
    return status;
}
