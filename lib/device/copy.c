#include "base/memory.h"
#include "device/device.h"
#include "device/stream.h"

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
    clcnn_command_begin(stream, buffer, &command);
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
    clcnn_command_begin(stream, buffer, &command);
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
    clcnn_command_begin(stream, buffer, &command);
    cl_int error = clEnqueueFillBuffer(stream->queue, buffer->memory, &pattern, sizeof(pattern),
                                       buffer->offset + offset, bytes, command.waits,
                                       command.wait_list, command.event);
    clcnn_command_end(stream, &command, error);
    TRY(clcnn_cl_check(error, "buffer: fill of %zu bytes", bytes));
done:
    return status;
}

/* Waits for this copy alone: the queue may be the caller's and busy with other things. */
static enum clcnn_status copy(const struct clcnn_buffer *buffer, size_t offset, size_t bytes,
                              const void *source, void *target, const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};
    struct clcnn_enqueue with_event = enqueue ? *enqueue : (struct clcnn_enqueue){0};
    cl_event own = NULL;

    with_event.event = &own;
    TRY(clcnn_stream_begin(&stream, buffer->device, &with_event));
    TRY(source ? clcnn_stream_write(&stream, buffer, offset, bytes, source)
               : clcnn_stream_read(&stream, buffer, offset, bytes, target));
done:
    status = clcnn_stream_end(&stream, status);
    if (own)
        status = clcnn_cl_check(clWaitForEvents(1, &own), "%s: wait",
                                source ? "buffer_write" : "buffer_read");
    if (enqueue && enqueue->event)
        *enqueue->event = own;
    else if (own)
        clReleaseEvent(own);
    return status;
}

enum clcnn_status clcnn_buffer_write(struct clcnn_buffer *buffer, size_t offset, size_t bytes,
                                     const void *source, const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(buffer && source, "buffer_write: buffer and source must not be NULL");
    TRY(copy(buffer, offset, bytes, source, NULL, enqueue));
done:
    return status;
}

enum clcnn_status clcnn_buffer_read(const struct clcnn_buffer *buffer, size_t offset, size_t bytes,
                                    void *target, const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(buffer && target, "buffer_read: buffer and target must not be NULL");
    TRY(copy(buffer, offset, bytes, NULL, target, enqueue));
done:
    return status;
}
