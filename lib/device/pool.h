/* Freed buffers, kept for the next that fits. */
#ifndef CLCNN_DEVICE_POOL_H
#define CLCNN_DEVICE_POOL_H

#include "base/status.h"
#include <clcnn/opencl.h>
#include <pthread.h>
#include <stdatomic.h>

#define CLCNN_POOL_QUEUES 4

/* What backs a buffer and its slices.
 *
 * Reuse is safe with any number of queues because the storage remembers on which queues it was
 * used. When it is freed, a marker is left on each, and it is handed out again only after all
 * markers have passed. Memory whose cl_mem was given to the caller, or that was used on more queues
 * than are remembered, is not reused but released: OpenCL itself keeps it until the commands are
 * done. */
struct clcnn_buffer_storage {
    size_t capacity;    /* bytes of the cl_mem */
    size_t counted;     /* bytes that count as in use; 0 for the caller's memory */
    size_t end;         /* in the cl_mem: no slice reaches beyond */
    atomic_bool shared; /* not to be reused */
    _Atomic(cl_command_queue) queues[CLCNN_POOL_QUEUES];
};

struct clcnn_pool_entry {
    cl_mem memory;
    size_t capacity;
    cl_event busy[CLCNN_POOL_QUEUES]; /* NULL-terminated unless full */
};

struct clcnn_pool {
    pthread_mutex_t lock;
    struct clcnn_memory_info memory;
    struct clcnn_pool_entry *entries; /* oldest first */
    size_t count, capacity;
};

void clcnn_pool_open(struct clcnn_pool *pool);
void clcnn_pool_close(struct clcnn_pool *pool);

/* Memory of at least `bytes`, from the pool or new; counts it as in use. */
enum clcnn_status clcnn_pool_take(struct clcnn_device *device, size_t bytes,
                                  struct clcnn_buffer_storage *storage, void **memory);

/* Gives it back. The storage may still be in use by commands on its queues. */
void clcnn_pool_give(struct clcnn_device *device, struct clcnn_buffer_storage *storage,
                     void *memory);

/* A command that uses the buffer is about to be enqueued. */
void clcnn_buffer_used(const struct clcnn_buffer *buffer, cl_command_queue queue);

#endif
