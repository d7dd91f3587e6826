/* The programs of a device: made once each, by whoever needs them first, and kept until the device
 * goes. */
#ifndef CLCNN_DEVICE_PROGRAM_H
#define CLCNN_DEVICE_PROGRAM_H

#include "base/status.h"
#include <clcnn/opencl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <xxhash.h>

enum clcnn_program_state {
    CLCNN_PROGRAM_WAITING, /* for a thread to make it */
    CLCNN_PROGRAM_IN_WORK,
    CLCNN_PROGRAM_READY,
    CLCNN_PROGRAM_FAILED,
};

struct clcnn_program {
    struct clcnn_program *next;
    const char *source;
    char *name, *options; /* as the kernel's owner wrote them */
    char *all_options;    /* what the compiler gets */
    XXH128_canonical_t key;
    cl_program program;

    /* Guarded by the lock of clcnn_programs. */
    enum clcnn_program_state state;
    enum clcnn_status status; /* of a failure, and its message */
    char *message;

    atomic_bool unsaved; /* built, but not in the cache yet */
};

struct clcnn_programs {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a program's state, or the number of workers */
    struct clcnn_program *first, **last;
    int workers, max_workers;
    struct clcnn_batch *batches; /* kernels deferred, one batch per thread */
    struct clcnn_program_info info;
};

void clcnn_programs_open(struct clcnn_programs *programs);

/* Waits for the workers, saves what is not saved yet, and releases everything. */
void clcnn_programs_close(struct clcnn_device *device);

/* The program, in whatever state; it belongs to the device. With `start`, a worker begins to make
 * it. */
enum clcnn_status clcnn_program_find(struct clcnn_device *device, const char *name,
                                     const char *options, bool start, struct clcnn_program **out);

/* Waits until the program is made, or makes it here if no worker has begun; its failure, if any. */
enum clcnn_status clcnn_program_wait(struct clcnn_device *device, struct clcnn_program *program);

#endif
