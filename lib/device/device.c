#include "device/device.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/list.h"
#include <stdlib.h>

static const struct clcnn_candidate *best(const struct clcnn_candidate *list, size_t count)
{
    const struct clcnn_candidate *winner = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct device_class *a = clcnn_class_find(list[i].info.device_class), *b = NULL;
        if (winner)
            b = clcnn_class_find(winner->info.device_class);
        if (!list[i].info.has_compiler)
            continue;
        if (!winner || a->rank > b->rank ||
            (a->rank == b->rank && a->score(&list[i].info) > b->score(&winner->info)))
            winner = &list[i];
    }
    return winner;
}

enum clcnn_status clcnn_device_open(const struct clcnn_device_params *params,
                                    struct clcnn_device **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    struct clcnn_candidate *list = NULL;
    size_t count = 0;
    cl_int error;

    REQUIRE(out, "device_open: out must not be NULL");
    *out = NULL;
    TRY(clcnn_candidates(&list, &count));
    const struct clcnn_candidate *chosen = best(list, count);
    if (!chosen)
        TRY(clcnn_fail(CLCNN_STATUS_DEVICE, "device_open: no OpenCL device was found"));
    TRY(clcnn_alloc(1, sizeof(*device), &device));
    atomic_init(&device->references, 1);
    device->info = chosen->info;
    if (params && params->force_class != CLCNN_DEVICE_CLASS_ANY)
        device->info.device_class = params->force_class;
    device->device_class = clcnn_class_find(device->info.device_class);
    device->device = chosen->device;
    pthread_mutex_init(&device->pool.lock, NULL);
    TRY(clcnn_programs_open(&device->programs));
    device->context = clCreateContext(NULL, 1, &device->device, NULL, NULL, &error);
    TRY(clcnn_cl_check(error, "device '%s': context", device->info.name));
    device->queue = clCreateCommandQueue(device->context, device->device, 0, &error);
    TRY(clcnn_cl_check(error, "device '%s': queue", device->info.name));
    *out = device;
    device = NULL;
done:
    free(list);
    clcnn_device_destroy(&device);
    return status;
}

struct clcnn_device *clcnn_device_retain(struct clcnn_device *device)
{
    atomic_fetch_add_explicit(&device->references, 1, memory_order_relaxed);
    return device;
}

void clcnn_device_destroy(struct clcnn_device **device)
{
    if (!device || !*device)
        return;
    struct clcnn_device *d = *device;
    *device = NULL;
    if (atomic_fetch_sub_explicit(&d->references, 1, memory_order_acq_rel) > 1)
        return;
    clcnn_programs_close(&d->programs);
    if (d->queue)
        clReleaseCommandQueue(d->queue);
    if (d->context)
        clReleaseContext(d->context);
    pthread_mutex_destroy(&d->pool.lock);
    free(d);
}

enum clcnn_device_class clcnn_device_family(const struct clcnn_device *device)
{
    return device->device_class->family;
}

const struct clcnn_device_info *clcnn_device_info(const struct clcnn_device *device)
{
    return &device->info;
}

enum clcnn_status clcnn_device_finish(struct clcnn_device *device)
{
    return clcnn_cl_check(clFinish(device->queue), "device '%s': finish", device->info.name);
}

cl_context clcnn_device_cl_context(const struct clcnn_device *device)
{
    return device->context;
}

cl_device_id clcnn_device_cl_device(const struct clcnn_device *device)
{
    return device->device;
}

cl_command_queue clcnn_device_cl_queue(const struct clcnn_device *device)
{
    return device->queue;
}

void clcnn_device_remember(struct clcnn_device *device, const char *key, const char *value)
{
    (void)device, (void)key, (void)value;
}

void clcnn_device_recall(struct clcnn_device *device, const char *key, char **value)
{
    (void)device, (void)key;
    *value = NULL;
}
