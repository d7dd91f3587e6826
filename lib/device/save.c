#define _POSIX_C_SOURCE 200809L
#include "device/save.h"
#include "base/log.h"
#include "base/time.h"
#include "device/device.h"
#include "device/obtain.h"
#include "device/quirks.h"
#include <pthread.h>
#include <string.h>
#include <time.h>

/* Commands may wait for an event that the caller never sets, so nothing here waits forever. */
#define PATIENCE_SECONDS 2.0

static struct {
    pthread_mutex_t lock;
    struct clcnn_device *first;
} devices = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_late(const struct clcnn_device *device)
{
    return device->quirks & CLCNN_QUIRK_SAVE_AFTER_LAUNCH;
}

void clcnn_save_open(struct clcnn_device *device)
{
    pthread_mutex_lock(&devices.lock);
    device->save.link = &devices.first;
    device->save.next = devices.first;
    if (devices.first)
        devices.first->save.link = &device->save.next;
    devices.first = device;
    pthread_mutex_unlock(&devices.lock);
}

void clcnn_save_wait(void)
{
    pthread_mutex_lock(&devices.lock);
    pthread_mutex_unlock(&devices.lock);
}

void clcnn_save_watch(struct clcnn_device *device, cl_command_queue queue)
{
    struct clcnn_save *save = &device->save;
    if (!is_late(device) || queue == device->queue)
        return;
    for (int i = 0; i < CLCNN_SAVE_QUEUES; i++)
        if (atomic_load_explicit(&save->queues[i], memory_order_relaxed) == queue)
            return;
    if (clRetainCommandQueue(queue) != CL_SUCCESS) {
        atomic_store(&save->crowded, true);
        return;
    }
    for (int i = 0; i < CLCNN_SAVE_QUEUES; i++) {
        cl_command_queue none = NULL;
        if (atomic_compare_exchange_strong(&save->queues[i], &none, queue))
            return;
    }
    atomic_store(&save->crowded, true);
    clReleaseCommandQueue(queue);
}

static bool is_idle(cl_command_queue queue, double deadline)
{
    cl_event event = NULL;
    cl_int state = CL_QUEUED;

    if (clEnqueueMarkerWithWaitList(queue, 0, NULL, &event) != CL_SUCCESS)
        return false;
    clFlush(queue);
    while (clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(state), &state, NULL) ==
               CL_SUCCESS &&
           state > CL_COMPLETE && clcnn_seconds() < deadline)
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    clReleaseEvent(event);
    return state <= CL_COMPLETE;
}

void clcnn_save_unwatch(struct clcnn_device *device, cl_command_queue queue)
{
    for (int i = 0; i < CLCNN_SAVE_QUEUES; i++) {
        cl_command_queue watched = queue;
        if (atomic_load(&device->save.queues[i]) == queue &&
            is_idle(queue, clcnn_seconds() + PATIENCE_SECONDS) &&
            atomic_compare_exchange_strong(&device->save.queues[i], &watched, NULL))
            clReleaseCommandQueue(queue);
    }
}

static bool all_idle(struct clcnn_device *device)
{
    double deadline = clcnn_seconds() + PATIENCE_SECONDS;
    bool idle =
        !atomic_load(&device->save.crowded) && device->queue && is_idle(device->queue, deadline);
    for (int i = 0; i < CLCNN_SAVE_QUEUES; i++) {
        cl_command_queue queue = atomic_load(&device->save.queues[i]);
        idle = idle && (!queue || is_idle(queue, deadline));
    }
    return idle;
}

static bool same_place(const struct clcnn_device *a, const struct clcnn_device *b)
{
    const char *x = a->save_binary_dir ? a->save_binary_dir : "";
    const char *y = b->save_binary_dir ? b->save_binary_dir : "";
    return a->cache == b->cache && strcmp(x, y) == 0;
}

/* Another open device may be running the same program, which must not be disturbed. True if there
 * is one; it will save the program when it goes. */
static bool leave_to_another(const struct clcnn_device *device, struct clcnn_program *program)
{
    bool found = false;
    for (struct clcnn_device *d = devices.first; d; d = d->save.next) {
        pthread_mutex_lock(&d->programs.lock);
        for (struct clcnn_program *p = d->programs.first; p; p = p->next) {
            if (memcmp(&p->key, &program->key, sizeof(p->key)) != 0)
                continue;
            found = true;
            if (p->state == CLCNN_PROGRAM_READY && same_place(d, device))
                atomic_store(&p->unsaved, true);
        }
        pthread_mutex_unlock(&d->programs.lock);
    }
    return found;
}

static bool has_unsaved(const struct clcnn_device *device)
{
    for (struct clcnn_program *p = device->programs.first; p; p = p->next)
        if (atomic_load(&p->unsaved))
            return true;
    return false;
}

/* The lock is held while programs are saved, so that no device opens and runs them meanwhile. */
void clcnn_save_close(struct clcnn_device *device)
{
    bool unsaved = has_unsaved(device), idle = unsaved && all_idle(device);

    pthread_mutex_lock(&devices.lock);
    *device->save.link = device->save.next;
    if (device->save.next)
        device->save.next->save.link = device->save.link;
    for (struct clcnn_program *p = device->programs.first; p; p = p->next)
        if (atomic_load(&p->unsaved) && !leave_to_another(device, p) && idle)
            clcnn_program_save(device, p);
    pthread_mutex_unlock(&devices.lock);

    if (unsaved && !idle)
        clcnn_logf(CLCNN_LOG_INFO, "cache",
                   "programs are not saved: a queue may still be running them");
    for (int i = 0; i < CLCNN_SAVE_QUEUES; i++)
        if (device->save.queues[i])
            clReleaseCommandQueue(device->save.queues[i]);
}

void clcnn_device_save_programs(struct clcnn_device *device)
{
    struct clcnn_programs *programs = &device->programs;
    pthread_mutex_lock(&programs->lock);
    struct clcnn_program *program = programs->first;
    pthread_mutex_unlock(&programs->lock);
    /* Programs are only ever appended while the device lives. */
    while (program) {
        clcnn_program_save(device, program);
        pthread_mutex_lock(&programs->lock);
        program = program->next;
        pthread_mutex_unlock(&programs->lock);
    }
}
