#include "base/memory.h"
#include "device/device.h"
#include <stdlib.h>

struct clcnn_buffer_storage {
    bool wrapped;
};

static enum clcnn_status make(struct clcnn_device *device, struct clcnn_buffer **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer *buffer = NULL;
    TRY(clcnn_alloc(1, sizeof(*buffer), &buffer));
    buffer->device = clcnn_device_retain(device);
    TRY(clcnn_alloc(1, sizeof(*buffer->storage), &buffer->storage));
    *out = buffer;
    buffer = NULL;
done:
    clcnn_buffer_destroy(&buffer);
    return status;
}

enum clcnn_status clcnn_buffer_create(struct clcnn_device *device, size_t bytes,
                                      struct clcnn_buffer **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer *buffer = NULL;
    cl_int error;

    REQUIRE(device && out, "buffer_create: device and out must not be NULL");
    *out = NULL;
    REQUIRE(bytes > 0, "buffer_create: bytes must be more than 0");
    TRY(make(device, &buffer));
    buffer->memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &error);
    TRY(clcnn_cl_check(error, "buffer_create: %zu bytes", bytes));
    buffer->bytes = bytes;
    pthread_mutex_lock(&device->pool.lock);
    device->pool.memory.in_use_bytes += bytes;
    if (device->pool.memory.peak_bytes < device->pool.memory.in_use_bytes)
        device->pool.memory.peak_bytes = device->pool.memory.in_use_bytes;
    pthread_mutex_unlock(&device->pool.lock);
    *out = buffer;
    buffer = NULL;
done:
    clcnn_buffer_destroy(&buffer);
    return status;
}

enum clcnn_status clcnn_buffer_wrap(struct clcnn_device *device, cl_mem memory, size_t offset,
                                    size_t bytes, struct clcnn_buffer **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer *buffer = NULL;
    cl_context context = NULL;
    size_t whole = 0, end = 0;

    REQUIRE(device && memory && out, "buffer_wrap: device, memory and out must not be NULL");
    *out = NULL;
    TRY(clcnn_cl_check(clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof(whole), &whole, NULL),
                       "buffer_wrap: the size of the cl_mem"));
    TRY(clcnn_cl_check(clGetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof(context), &context, NULL),
                       "buffer_wrap: the context of the cl_mem"));
    REQUIRE(context == device->context, "buffer_wrap: the cl_mem belongs to another context");
    REQUIRE(bytes > 0, "buffer_wrap: bytes must be more than 0");
    REQUIRE(offset % 4 == 0, "buffer_wrap: offset %zu is not a multiple of 4", offset);
    REQUIRE(clcnn_sum(offset, bytes, &end) && end <= whole,
            "buffer_wrap: offset %zu + %zu bytes, but the cl_mem has %zu", offset, bytes, whole);
    TRY(make(device, &buffer));
    buffer->storage->wrapped = true;
    TRY(clcnn_cl_check(clRetainMemObject(memory), "buffer_wrap: retain"));
    buffer->memory = memory;
    buffer->offset = offset;
    buffer->bytes = bytes;
    *out = buffer;
    buffer = NULL;
done:
    clcnn_buffer_destroy(&buffer);
    return status;
}

void clcnn_buffer_destroy(struct clcnn_buffer **buffer)
{
    if (!buffer || !*buffer)
        return;
    struct clcnn_buffer *b = *buffer;
    *buffer = NULL;
    if (b->memory)
        clReleaseMemObject(b->memory);
    if (b->memory && !b->storage->wrapped) {
        pthread_mutex_lock(&b->device->pool.lock);
        b->device->pool.memory.in_use_bytes -= b->bytes;
        pthread_mutex_unlock(&b->device->pool.lock);
    }
    free(b->storage);
    clcnn_device_destroy(&b->device);
    free(b);
}

size_t clcnn_buffer_bytes(const struct clcnn_buffer *buffer)
{
    return buffer->bytes;
}

cl_mem clcnn_buffer_cl_mem(const struct clcnn_buffer *buffer, size_t *offset)
{
    if (offset)
        *offset = buffer->offset;
    return buffer->memory;
}

enum clcnn_status clcnn_buffer_check(const struct clcnn_device *device,
                                     const struct clcnn_buffer *buffer, size_t bytes,
                                     const char *op, const char *name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(buffer, "%s: %s is NULL", op, name);
    REQUIRE(buffer->device->context == device->context, "%s: %s belongs to another device", op,
            name);
    REQUIRE(buffer->bytes >= bytes, "%s: %s has %zu bytes, %zu are needed", op, name, buffer->bytes,
            bytes);
done:
    return status;
}

bool clcnn_buffer_overlap(const struct clcnn_buffer *a, const struct clcnn_buffer *b)
{
    return a && b && a->memory == b->memory && a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

static enum clcnn_status copy(struct clcnn_buffer *buffer, size_t offset, size_t bytes, void *host,
                              const struct clcnn_enqueue *enqueue, bool write)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream stream = {0};

    TRY(clcnn_stream_begin(&stream, buffer->device, enqueue));
    TRY(write ? clcnn_stream_write(&stream, buffer, offset, bytes, host)
              : clcnn_stream_read(&stream, buffer, offset, bytes, host));
    TRY(clcnn_cl_check(clFinish(stream.queue), "%s: finish",
                       write ? "buffer_write" : "buffer_read"));
done:
    return clcnn_stream_end(&stream, status);
}

enum clcnn_status clcnn_buffer_write(struct clcnn_buffer *buffer, size_t offset, size_t bytes,
                                     const void *source, const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(buffer && source, "buffer_write: buffer and source must not be NULL");
    TRY(copy(buffer, offset, bytes, (void *)(size_t)source, enqueue, true));
done:
    return status;
}

enum clcnn_status clcnn_buffer_read(const struct clcnn_buffer *buffer, size_t offset, size_t bytes,
                                    void *target, const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(buffer && target, "buffer_read: buffer and target must not be NULL");
    TRY(copy((struct clcnn_buffer *)(size_t)buffer, offset, bytes, target, enqueue, false));
done:
    return status;
}

void clcnn_device_memory(struct clcnn_device *device, struct clcnn_memory_info *info)
{
    pthread_mutex_lock(&device->pool.lock);
    *info = device->pool.memory;
    pthread_mutex_unlock(&device->pool.lock);
}

void clcnn_device_memory_reset_peak(struct clcnn_device *device)
{
    pthread_mutex_lock(&device->pool.lock);
    device->pool.memory.peak_bytes = device->pool.memory.in_use_bytes;
    pthread_mutex_unlock(&device->pool.lock);
}
