/* What the files of this tier share: the device itself. */
#ifndef CLCNN_DEVICE_DEVICE_H
#define CLCNN_DEVICE_DEVICE_H

#include "device/class.h"
#include "device/error.h"
#include "device/launch.h"
#include "device/pool.h"
#include "device/program.h"
#include <clcnn/opencl.h>
#include <stdatomic.h>

struct clcnn_device {
    atomic_int references;
    struct clcnn_device_info info;
    const struct device_class *device_class;
    cl_context context;
    cl_device_id device;
    cl_command_queue queue;
    bool imported, out_of_order;
    struct clcnn_pool pool;
    struct clcnn_programs programs;
};

#endif
