/* The programs of a device: built once each, kept until the device goes. */
#ifndef CLCNN_DEVICE_PROGRAM_H
#define CLCNN_DEVICE_PROGRAM_H

#include "base/status.h"
#include <clcnn/opencl.h>
#include <pthread.h>

struct clcnn_program {
    struct clcnn_program *next;
    const char *name; /* of the embedded source */
    char *options;
    cl_program program;
    enum clcnn_status status;
    char *message; /* of the failure */
};

struct clcnn_programs {
    pthread_mutex_t lock;
    struct clcnn_program *first;
    struct clcnn_program_info info;
};

enum clcnn_status clcnn_programs_open(struct clcnn_programs *programs);
void clcnn_programs_close(struct clcnn_programs *programs);

/* The program, built. It belongs to the device. */
enum clcnn_status clcnn_program_find(struct clcnn_device *device, const char *name,
                                     const char *options, struct clcnn_program **out);

#endif
