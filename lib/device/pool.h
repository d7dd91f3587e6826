/* Freed buffers, kept for the next that fits. */
#ifndef CLCNN_DEVICE_POOL_H
#define CLCNN_DEVICE_POOL_H

#include <clcnn/opencl.h>
#include <pthread.h>

struct clcnn_pool {
    pthread_mutex_t lock;
    struct clcnn_memory_info memory;
};

#endif
