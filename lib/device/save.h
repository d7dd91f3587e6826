/* When the programs of a device go into the cache.
 *
 * Most drivers: right after the build. With CLCNN_QUIRK_SAVE_AFTER_LAUNCH: when the device goes,
 * after everything that may still run its kernels is done. */
#ifndef CLCNN_DEVICE_SAVE_H
#define CLCNN_DEVICE_SAVE_H

#include <clcnn/opencl.h>
#include <stdatomic.h>
#include <stdbool.h>

#define CLCNN_SAVE_QUEUES 16

struct clcnn_save {
    struct clcnn_device *next, **link; /* of all open devices */
    /* The queues, besides the default one, that may run kernels. Retained. */
    _Atomic(cl_command_queue) queues[CLCNN_SAVE_QUEUES];
    atomic_bool crowded; /* there are more */
};

/* Takes part in the list of open devices from now on. */
void clcnn_save_open(struct clcnn_device *device);

/* Saves what is unsaved, or leaves it to another device with the same program. */
void clcnn_save_close(struct clcnn_device *device);

/* Waits until no other device is saving: the program about to be made could be the one it saves. */
void clcnn_save_wait(void);

/* The device's kernels may run in this queue. */
void clcnn_save_watch(struct clcnn_device *device, cl_command_queue queue);

/* They do not any more, if the queue is idle. */
void clcnn_save_unwatch(struct clcnn_device *device, cl_command_queue queue);

#endif
