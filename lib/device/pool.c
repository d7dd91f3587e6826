#define _POSIX_C_SOURCE 200809L
#include "device/pool.h"
#include "base/memory.h"
#include "base/time.h"
#include "device/device.h"
#include <stdlib.h>
#include <time.h>

/* The part of the device's memory that freed buffers may hold. */
#define POOL_SHARE 8

/* How long an allocation that failed waits for freed memory to become free. */
#define PATIENCE_SECONDS 2.0

void clcnn_pool_open(struct clcnn_pool *pool)
{
    pthread_mutex_init(&pool->lock, NULL);
}

void clcnn_buffer_used(const struct clcnn_buffer *buffer, cl_command_queue queue)
{
    struct clcnn_buffer_storage *storage = buffer->storage;
    if (!storage || storage->counted == 0)
        return;
    for (int i = 0; i < CLCNN_POOL_QUEUES; i++) {
        cl_command_queue present = atomic_load_explicit(&storage->queues[i], memory_order_acquire);
        if (!present && atomic_compare_exchange_strong(&storage->queues[i], &present, queue)) {
            if (clRetainCommandQueue(queue) == CL_SUCCESS)
                return;
            atomic_store(&storage->queues[i], NULL);
            break;
        }
        if (present == queue)
            return;
    }
    atomic_store(&storage->shared, true);
}

static bool passed(cl_event event)
{
    cl_int state = CL_QUEUED;
    return clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(state), &state, NULL) !=
               CL_SUCCESS ||
           state <= CL_COMPLETE;
}

static bool is_free(struct clcnn_pool_entry *entry)
{
    for (int i = 0; i < CLCNN_POOL_QUEUES && entry->busy[i]; i++)
        if (!passed(entry->busy[i]))
            return false;
    return true;
}

static void release_events(struct clcnn_pool_entry *entry)
{
    for (int i = 0; i < CLCNN_POOL_QUEUES && entry->busy[i]; i++)
        clReleaseEvent(entry->busy[i]);
}

static void remove_entry(struct clcnn_pool *pool, size_t index)
{
    pool->memory.pooled_bytes -= pool->entries[index].capacity;
    pool->count--;
    for (size_t i = index; i < pool->count; i++)
        pool->entries[i] = pool->entries[i + 1];
}

static void drop(struct clcnn_pool *pool, size_t index)
{
    struct clcnn_pool_entry entry = pool->entries[index];
    remove_entry(pool, index);
    release_events(&entry);
    clReleaseMemObject(entry.memory);
}

void clcnn_pool_close(struct clcnn_pool *pool)
{
    while (pool->count > 0)
        drop(pool, pool->count - 1);
    free(pool->entries);
    pthread_mutex_destroy(&pool->lock);
}

/* The smallest free entry that fits and wastes at most a quarter. */
static bool reuse(struct clcnn_pool *pool, size_t bytes, struct clcnn_buffer_storage *storage,
                  void **memory)
{
    size_t best = pool->count, limit = bytes + bytes / 4 + 4096;
    for (size_t i = 0; i < pool->count; i++) {
        size_t capacity = pool->entries[i].capacity;
        if (capacity >= bytes && capacity <= limit &&
            (best == pool->count || capacity < pool->entries[best].capacity) &&
            is_free(&pool->entries[i]))
            best = i;
    }
    if (best == pool->count)
        return false;
    struct clcnn_pool_entry entry = pool->entries[best];
    remove_entry(pool, best);
    release_events(&entry);
    storage->capacity = entry.capacity;
    *memory = entry.memory;
    return true;
}

static enum clcnn_status fail(const struct clcnn_device *device, size_t bytes, const char *why)
{
    const struct clcnn_memory_info *memory = &device->pool.memory;
    return clcnn_fail(
        CLCNN_STATUS_OUT_OF_MEMORY,
        "buffer_create: %zu bytes wanted, %llu in use; '%s' has %llu, at most %llu in "
        "one buffer (%s)",
        bytes, (unsigned long long)memory->in_use_bytes, device->info.name,
        (unsigned long long)device->info.global_bytes,
        (unsigned long long)device->info.max_alloc_bytes, why);
}

/* Some drivers allocate at the first use, where a failure has no good place to be reported; so the
 * limits are checked here. */
static const char *beyond_limits(const struct clcnn_device *device, size_t bytes)
{
    const struct clcnn_device_info *info = &device->info;
    if (info->max_alloc_bytes > 0 && bytes > info->max_alloc_bytes)
        return "more than one buffer may have";
    if (info->global_bytes > 0 && device->pool.memory.in_use_bytes + bytes > info->global_bytes)
        return "more than the device has";
    return NULL;
}

/* Everything that is pooled goes. Freed memory is really free only when the last command on it is
 * done, which is waited for, though not forever: it may depend on an event of the caller's. */
static void drain(struct clcnn_pool *pool)
{
    double deadline = clcnn_seconds() + PATIENCE_SECONDS;
    while (pool->count > 0) {
        while (!is_free(&pool->entries[pool->count - 1]) && clcnn_seconds() < deadline)
            nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
        drop(pool, pool->count - 1);
    }
}

static enum clcnn_status allocate(struct clcnn_device *device, size_t bytes,
                                  struct clcnn_buffer_storage *storage, void **memory)
{
    struct clcnn_pool *pool = &device->pool;
    cl_int error = CL_SUCCESS;
    const char *limit = beyond_limits(device, bytes);
    if (limit)
        return fail(device, bytes, limit);
    if (pool->memory.in_use_bytes + pool->memory.pooled_bytes + bytes > device->info.global_bytes)
        drain(pool);
    for (int attempt = 0; attempt < 2; attempt++) {
        *memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &error);
        if (error == CL_SUCCESS)
            break;
        *memory = NULL;
        drain(pool);
    }
    storage->capacity = bytes;
    return error == CL_SUCCESS ? CLCNN_STATUS_OK : fail(device, bytes, clcnn_cl_error_name(error));
}

enum clcnn_status clcnn_pool_take(struct clcnn_device *device, size_t bytes,
                                  struct clcnn_buffer_storage *storage, void **memory)
{
    struct clcnn_pool *pool = &device->pool;
    enum clcnn_status status = CLCNN_STATUS_OK;

    pthread_mutex_lock(&pool->lock);
    if (!reuse(pool, bytes, storage, memory))
        TRY(allocate(device, bytes, storage, memory));
    storage->counted = bytes;
    pool->memory.in_use_bytes += bytes;
    if (pool->memory.peak_bytes < pool->memory.in_use_bytes)
        pool->memory.peak_bytes = pool->memory.in_use_bytes;
done:
    pthread_mutex_unlock(&pool->lock);
    return status;
}

/* A marker behind everything that has been enqueued. False: no reuse. */
static bool mark(struct clcnn_buffer_storage *storage, struct clcnn_pool_entry *entry)
{
    bool marked = true;
    int count = 0;
    for (int i = 0; i < CLCNN_POOL_QUEUES; i++) {
        cl_command_queue queue = atomic_load(&storage->queues[i]);
        if (!queue)
            break;
        marked = marked &&
                 clEnqueueMarkerWithWaitList(queue, 0, NULL, &entry->busy[count]) == CL_SUCCESS;
        if (marked) {
            count++;
            clFlush(queue);
        }
        clReleaseCommandQueue(queue);
    }
    return marked;
}

/* With the lock held. Makes room among the entries; false if it cannot. */
static bool make_room(struct clcnn_device *device, size_t bytes)
{
    struct clcnn_pool *pool = &device->pool;
    uint64_t limit = device->info.global_bytes / POOL_SHARE;
    if (bytes > limit)
        return false;
    while (pool->count > 0 && pool->memory.pooled_bytes + bytes > limit)
        drop(pool, 0);
    return clcnn_grow(&pool->entries, &pool->capacity, pool->count + 1, sizeof(*pool->entries)) ==
           CLCNN_STATUS_OK;
}

void clcnn_pool_give(struct clcnn_device *device, struct clcnn_buffer_storage *storage,
                     void *memory)
{
    struct clcnn_pool *pool = &device->pool;
    struct clcnn_pool_entry entry = {.memory = memory, .capacity = storage->capacity};

    bool reusable = mark(storage, &entry) && !atomic_load(&storage->shared);
    pthread_mutex_lock(&pool->lock);
    pool->memory.in_use_bytes -= storage->counted;
    if (reusable && storage->counted > 0 && make_room(device, entry.capacity)) {
        pool->entries[pool->count++] = entry;
        pool->memory.pooled_bytes += entry.capacity;
        memory = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    if (memory) {
        release_events(&entry);
        clReleaseMemObject(memory);
    }
}
