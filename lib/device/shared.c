#include "device/shared.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdlib.h>

/* What the open devices of one cl_device_id share. It holds no references: each user has its
 * own. */
struct clcnn_shared {
    struct clcnn_shared *next;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    int users;
};

static struct {
    pthread_mutex_t lock;
    struct clcnn_shared *first;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct clcnn_shared *find(cl_device_id device)
{
    struct clcnn_shared *shared = all.first;
    while (shared && shared->device != device)
        shared = shared->next;
    return shared;
}

/* The objects go into the device as it comes to own them. */
static enum clcnn_status adopt(struct clcnn_device *device, struct clcnn_shared *shared)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_cl_check(clRetainContext(shared->context), "device_open: context"));
    device->context = shared->context;
    TRY(clcnn_cl_check(clRetainCommandQueue(shared->queue), "device_open: queue"));
    device->queue = shared->queue;
    device->shared = shared;
    shared->users++;
done:
    return status;
}

static enum clcnn_status publish(struct clcnn_device *device)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_shared *shared = NULL;
    TRY(clcnn_alloc(1, sizeof(*shared), &shared));
    /* Profiling is for whoever joins later. */
    TRY(clcnn_device_make_queue(device, CL_QUEUE_PROFILING_ENABLE));
    *shared = (struct clcnn_shared){.next = all.first,
                                    .device = device->device,
                                    .context = device->context,
                                    .queue = device->queue,
                                    .users = 1};
    all.first = device->shared = shared;
    shared = NULL;
done:
    free(shared);
    return status;
}

enum clcnn_status clcnn_shared_join(struct clcnn_device *device)
{
    pthread_mutex_lock(&all.lock);
    struct clcnn_shared *shared = find(device->device);
    enum clcnn_status status = shared ? adopt(device, shared) : publish(device);
    pthread_mutex_unlock(&all.lock);
    return status;
}

void clcnn_shared_leave(struct clcnn_device *device)
{
    struct clcnn_shared *shared = device->shared;
    if (!shared)
        return;
    pthread_mutex_lock(&all.lock);
    if (--shared->users == 0) {
        struct clcnn_shared **link = &all.first;
        while (*link != shared)
            link = &(*link)->next;
        *link = shared->next;
        free(shared);
    }
    pthread_mutex_unlock(&all.lock);
    device->shared = NULL;
}
