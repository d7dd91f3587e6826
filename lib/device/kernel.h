#ifndef CLCNN_DEVICE_KERNEL_H
#define CLCNN_DEVICE_KERNEL_H

#include "device/device.h"

struct clcnn_kernel {
    struct clcnn_device *device;
    struct clcnn_program *program;
    cl_kernel kernel;
    char name[64];
};

#endif
