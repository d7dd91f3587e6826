/* The OpenCL devices there are. */
#ifndef CLCNN_DEVICE_LIST_H
#define CLCNN_DEVICE_LIST_H

#include "device/error.h"

struct clcnn_candidate {
    cl_platform_id platform;
    cl_device_id device;
    struct clcnn_device_info info;
};

/* Every device of every platform; *list is freed with free(). */
enum clcnn_status clcnn_candidates(struct clcnn_candidate **list, size_t *count);

/* Asks a device for its facts. DEVICE if it does not even tell its name. */
enum clcnn_status clcnn_query_info(cl_device_id device, struct clcnn_device_info *info);

#endif
