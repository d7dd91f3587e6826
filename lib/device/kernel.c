#include "device/kernel.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

/* The kernels a thread has created since its outermost defer. */
struct clcnn_batch {
    struct clcnn_batch *next;
    pthread_t thread;
    int depth;
    struct clcnn_kernel *kernels, **last;
};

/* With the lock of the programs held. */
static struct clcnn_batch **find_batch(struct clcnn_programs *programs)
{
    struct clcnn_batch **link = &programs->batches;
    while (*link && !pthread_equal((*link)->thread, pthread_self()))
        link = &(*link)->next;
    return link;
}

/* False if the thread does not defer. */
static bool join_batch(struct clcnn_kernel *kernel)
{
    struct clcnn_programs *programs = &kernel->device->programs;
    pthread_mutex_lock(&programs->lock);
    struct clcnn_batch *batch = *find_batch(programs);
    if (batch) {
        kernel->link = batch->last;
        *batch->last = kernel;
        batch->last = &kernel->next;
    }
    pthread_mutex_unlock(&programs->lock);
    return batch != NULL;
}

static void leave_batch(struct clcnn_kernel *kernel)
{
    struct clcnn_programs *programs = &kernel->device->programs;
    pthread_mutex_lock(&programs->lock);
    if (kernel->link) {
        *kernel->link = kernel->next;
        if (kernel->next)
            kernel->next->link = kernel->link;
        for (struct clcnn_batch *b = programs->batches; b; b = b->next)
            if (b->last == &kernel->next)
                b->last = kernel->link;
    }
    kernel->link = NULL;
    kernel->next = NULL;
    pthread_mutex_unlock(&programs->lock);
}

static bool defers(struct clcnn_device *device)
{
    pthread_mutex_lock(&device->programs.lock);
    bool found = *find_batch(&device->programs) != NULL;
    pthread_mutex_unlock(&device->programs.lock);
    return found;
}

enum clcnn_status clcnn_kernel_complete(struct clcnn_kernel *kernel)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_int error;

    if (kernel->kernel)
        return status;
    TRY(clcnn_program_wait(kernel->device, kernel->program));
    kernel->kernel = clCreateKernel(kernel->program->program, kernel->name, &error);
    TRY(clcnn_cl_check(error, "kernel '%s' of program '%s'", kernel->name, kernel->program->name));
done:
    return status;
}

enum clcnn_status clcnn_kernel_create(struct clcnn_device *device, const char *program,
                                      const char *options, const char *name,
                                      struct clcnn_kernel **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_kernel *kernel = NULL;

    REQUIRE(device && program && name && out,
            "kernel_create: device, program, name and out must not be NULL");
    *out = NULL;
    TRY(clcnn_alloc(1, sizeof(*kernel), &kernel));
    kernel->device = clcnn_device_retain(device);
    int length = snprintf(kernel->name, sizeof(kernel->name), "%s", name);
    REQUIRE(length < (int)sizeof(kernel->name), "kernel_create: the name '%s' is too long", name);
    TRY(clcnn_program_find(device, program, options, defers(device), &kernel->program));
    if (!join_batch(kernel))
        TRY(clcnn_kernel_complete(kernel));
    *out = kernel;
    kernel = NULL;
done:
    clcnn_kernel_destroy(&kernel);
    return status;
}

void clcnn_kernel_destroy(struct clcnn_kernel **kernel)
{
    if (!kernel || !*kernel)
        return;
    struct clcnn_kernel *k = *kernel;
    *kernel = NULL;
    leave_batch(k);
    if (k->kernel)
        clReleaseKernel(k->kernel);
    clcnn_device_destroy(&k->device);
    free(k);
}

/* Without memory for the batch the kernels are simply made at once. */
void clcnn_kernel_defer(struct clcnn_device *device)
{
    struct clcnn_programs *programs = &device->programs;
    pthread_mutex_lock(&programs->lock);
    struct clcnn_batch *batch = *find_batch(programs);
    if (!batch && clcnn_alloc(1, sizeof(*batch), &batch) == CLCNN_STATUS_OK) {
        batch->thread = pthread_self();
        batch->last = &batch->kernels;
        batch->next = programs->batches;
        programs->batches = batch;
    }
    if (batch)
        batch->depth++;
    pthread_mutex_unlock(&programs->lock);
}

/* The whole batch if this was the outermost flush. */
static struct clcnn_batch *take_batch(struct clcnn_programs *programs)
{
    struct clcnn_batch *batch = NULL;
    pthread_mutex_lock(&programs->lock);
    struct clcnn_batch **link = find_batch(programs);
    if (*link && --(*link)->depth == 0) {
        batch = *link;
        *link = batch->next;
    }
    pthread_mutex_unlock(&programs->lock);
    return batch;
}

enum clcnn_status clcnn_kernel_flush(struct clcnn_device *device)
{
    enum clcnn_status first = CLCNN_STATUS_OK;
    struct clcnn_batch *batch = take_batch(&device->programs);
    char message[1024];

    while (batch && batch->kernels) {
        struct clcnn_kernel *kernel = batch->kernels;
        batch->kernels = kernel->next;
        kernel->link = NULL;
        kernel->next = NULL;
        enum clcnn_status status = clcnn_kernel_complete(kernel);
        if (status != CLCNN_STATUS_OK && first == CLCNN_STATUS_OK) {
            first = status;
            snprintf(message, sizeof(message), "%s", clcnn_error_message());
        }
    }
    free(batch);
    return first == CLCNN_STATUS_OK ? first : clcnn_fail(first, "%s", message);
}
