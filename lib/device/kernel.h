#ifndef CLCNN_DEVICE_KERNEL_H
#define CLCNN_DEVICE_KERNEL_H

#include "device/device.h"

struct clcnn_kernel {
    struct clcnn_device *device;
    struct clcnn_program *program;
    cl_kernel kernel; /* NULL until the program is made */
    char name[64];
    struct clcnn_kernel **link, *next; /* in the batch of a thread that defers */
};

/* Makes the cl_kernel if it has not been made yet; waits for the program. */
enum clcnn_status clcnn_kernel_complete(struct clcnn_kernel *kernel);

#endif
