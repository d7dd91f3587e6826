#include "device/kernel.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

enum clcnn_status clcnn_kernel_create(struct clcnn_device *device, const char *program,
                                      const char *options, const char *name,
                                      struct clcnn_kernel **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_kernel *kernel = NULL;
    cl_int error;

    *out = NULL;
    TRY(clcnn_alloc(1, sizeof(*kernel), &kernel));
    kernel->device = clcnn_device_retain(device);
    snprintf(kernel->name, sizeof(kernel->name), "%s", name);
    TRY(clcnn_program_find(device, program, options, &kernel->program));
    kernel->kernel = clCreateKernel(kernel->program->program, name, &error);
    TRY(clcnn_cl_check(error, "kernel '%s' of program '%s'", name, program));
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
    if ((*kernel)->kernel)
        clReleaseKernel((*kernel)->kernel);
    clcnn_device_destroy(&(*kernel)->device);
    free(*kernel);
    *kernel = NULL;
}

void clcnn_kernel_defer(struct clcnn_device *device)
{
    (void)device;
}

enum clcnn_status clcnn_kernel_flush(struct clcnn_device *device)
{
    (void)device;
    return CLCNN_STATUS_OK;
}
