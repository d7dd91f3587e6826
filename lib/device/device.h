/* What the files of this tier share: the device itself. */
#ifndef CLCNN_DEVICE_DEVICE_H
#define CLCNN_DEVICE_DEVICE_H

#include "device/class.h"
#include "device/error.h"
#include "device/launch.h"
#include "device/pool.h"
#include "device/profile.h"
#include "device/program.h"
#include "device/save.h"
#include <clcnn/opencl.h>
#include <stdatomic.h>

struct clcnn_device {
    atomic_int references;
    struct clcnn_device_info info;
    const struct device_class *device_class;
    unsigned quirks;
    char *identity;                     /* of device and driver, for keys */
    char *binary_dir, *save_binary_dir; /* NULL if there is none */

    cl_context context;
    cl_device_id device;
    cl_command_queue queue;
    struct clcnn_shared *shared; /* whose context and queue they are; NULL: the device's own */
    bool imported, out_of_order;
    cl_mem lanes; /* of the queue, for cl/lanes.cl; NULL: its launches do without */

    struct clcnn_pool pool;
    struct clcnn_programs programs;
    struct clcnn_save save;
    struct clcnn_profile profile;
    struct clcnn_cache *cache; /* NULL if there is none */
};

/* A context and a queue of its own. */
enum clcnn_status clcnn_device_make_queue(struct clcnn_device *device,
                                          cl_command_queue_properties properties);

/* INVALID_ARGUMENT unless the queue belongs to the device's context and device. */
enum clcnn_status clcnn_queue_check(const struct clcnn_device *device, cl_command_queue queue,
                                    cl_command_queue_properties *properties);

#endif
