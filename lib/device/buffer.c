#include "base/memory.h"
#include "device/device.h"
#include <stdlib.h>

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

    REQUIRE(out, "buffer_create: out must not be NULL");
    *out = NULL;
    REQUIRE(device, "buffer_create: device must not be NULL");
    REQUIRE(bytes > 0, "buffer_create: bytes must be more than 0");
    TRY(make(device, &buffer));
    TRY(clcnn_pool_take(device, bytes, buffer->storage, &buffer->memory));
    buffer->bytes = bytes;
    buffer->storage->end = buffer->offset + bytes;
    *out = buffer;
    buffer = NULL;
done:
    clcnn_buffer_destroy(&buffer);
    return status;
}

static enum clcnn_status check_memory(const struct clcnn_device *device, cl_mem memory,
                                      size_t offset, size_t bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_context context = NULL;
    cl_mem_object_type type = 0;
    size_t whole = 0, end = 0;

    if (clGetMemObjectInfo(memory, CL_MEM_TYPE, sizeof(type), &type, NULL) != CL_SUCCESS ||
        clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof(whole), &whole, NULL) != CL_SUCCESS ||
        clGetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof(context), &context, NULL) != CL_SUCCESS)
        TRY(clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "buffer_wrap: memory is not a cl_mem"));
    REQUIRE(type == CL_MEM_OBJECT_BUFFER, "buffer_wrap: the cl_mem is not a buffer");
    REQUIRE(context == device->context, "buffer_wrap: the cl_mem belongs to another context");
    REQUIRE(bytes > 0, "buffer_wrap: bytes must be more than 0");
    REQUIRE(offset % 4 == 0, "buffer_wrap: offset %zu is not a multiple of 4", offset);
    REQUIRE(clcnn_sum(offset, bytes, &end) && end <= whole,
            "buffer_wrap: offset %zu + %zu bytes, but the cl_mem has %zu", offset, bytes, whole);
done:
    return status;
}

enum clcnn_status clcnn_buffer_wrap(struct clcnn_device *device, cl_mem memory, size_t offset,
                                    size_t bytes, struct clcnn_buffer **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer *buffer = NULL;

    REQUIRE(out, "buffer_wrap: out must not be NULL");
    *out = NULL;
    REQUIRE(device && memory, "buffer_wrap: device and memory must not be NULL");
    TRY(check_memory(device, memory, offset, bytes));
    TRY(make(device, &buffer));
    TRY(clcnn_cl_check(clRetainMemObject(memory), "buffer_wrap: retain"));
    buffer->memory = memory;
    buffer->offset = offset;
    buffer->bytes = bytes;
    buffer->storage->end = buffer->offset + bytes;
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
        clcnn_pool_give(b->device, b->storage, b->memory);
    free(b->storage);
    clcnn_device_destroy(&b->device);
    free(b);
}

size_t clcnn_buffer_bytes(const struct clcnn_buffer *buffer)
{
    return buffer ? buffer->bytes : 0;
}

cl_mem clcnn_buffer_cl_mem(const struct clcnn_buffer *buffer, size_t *offset)
{
    if (offset)
        *offset = buffer ? buffer->offset : 0;
    if (!buffer)
        return NULL;
    atomic_store(&buffer->storage->shared, true);
    return buffer->memory;
}

enum clcnn_status clcnn_buffer_check(const struct clcnn_device *device,
                                     const struct clcnn_buffer *buffer, size_t bytes,
                                     const char *op, const char *name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(buffer, "%s: %s is NULL", op, name);
    /* Devices that share a context for the driver's sake still behave as everywhere else. */
    REQUIRE(buffer->device == device ||
                (buffer->device->context == device->context && !device->shared),
            "%s: %s belongs to another device", op, name);
    REQUIRE(buffer->bytes >= bytes, "%s: %s has %zu bytes, %zu are needed", op, name, buffer->bytes,
            bytes);
    REQUIRE(buffer->offset <= buffer->storage->end &&
                bytes <= buffer->storage->end - buffer->offset,
            "%s: %s is a slice that ends beyond its buffer", op, name);
done:
    return status;
}

bool clcnn_buffer_overlap(const struct clcnn_buffer *a, const struct clcnn_buffer *b)
{
    return a && b && a->memory == b->memory && a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

void clcnn_device_memory(struct clcnn_device *device, struct clcnn_memory_info *info)
{
    if (!info)
        return;
    *info = (struct clcnn_memory_info){0};
    if (!device)
        return;
    pthread_mutex_lock(&device->pool.lock);
    *info = device->pool.memory;
    pthread_mutex_unlock(&device->pool.lock);
}

void clcnn_device_memory_reset_peak(struct clcnn_device *device)
{
    if (!device)
        return;
    pthread_mutex_lock(&device->pool.lock);
    device->pool.memory.peak_bytes = device->pool.memory.in_use_bytes;
    pthread_mutex_unlock(&device->pool.lock);
}
