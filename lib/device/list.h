/* The OpenCL devices there are. */
#ifndef CLCNN_DEVICE_LIST_H
#define CLCNN_DEVICE_LIST_H

#include "device/error.h"

struct clcnn_candidate {
    cl_device_id device;
    struct clcnn_device_info info;
    bool available;
    char reason[256]; /* why it lost, written by the selection */
};

/* Every device of every platform; *list is freed with free(). */
enum clcnn_status clcnn_candidates(struct clcnn_candidate **list, size_t *count);

/* Asks a device for its facts. DEVICE if it does not even tell its type. */
enum clcnn_status clcnn_query_info(cl_device_id device, struct clcnn_device_info *info);

/* Everything that makes one device and driver different from another, as text freed with free():
 * what a stored binary depends on. */
enum clcnn_status clcnn_query_identity(cl_device_id device, char **identity);

#endif
