/* Time per kernel, from the events of the launches. */
#ifndef CLCNN_DEVICE_PROFILE_H
#define CLCNN_DEVICE_PROFILE_H

#include "base/status.h"
#include <clcnn/opencl.h>
#include <pthread.h>

struct clcnn_launch_record {
    cl_event event;
    size_t index;       /* of the kernel's entry */
    bool default_queue; /* of the device */
};

struct clcnn_profile {
    bool enabled, unprofiled_queue;
    pthread_mutex_t lock;
    struct clcnn_launch_record *pending;
    size_t pending_count, pending_capacity;
    struct clcnn_profile_entry *entries;
    size_t count, capacity;
};

void clcnn_profile_open(struct clcnn_profile *profile, bool enabled);
void clcnn_profile_close(struct clcnn_profile *profile);

/* A kernel was launched; the event is retained until it has completed. */
void clcnn_profile_record(struct clcnn_profile *profile, const char *kernel, cl_event event,
                          bool default_queue);

#endif
