#include "device/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/affinity.h"
#include <stdlib.h>

static enum clcnn_status add_platform(cl_platform_id platform, int index,
                                      struct clcnn_candidate **list, size_t *count,
                                      size_t *capacity)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_device_id *devices = NULL;
    cl_uint found = 0;

    cl_int error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &found);
    if (error != CL_SUCCESS || found == 0) {
        clcnn_logf(CLCNN_LOG_INFO, "device", "platform %d has no devices: %s", index,
                   error == CL_SUCCESS ? "none" : clcnn_cl_error_name(error));
        goto done;
    }
    TRY(clcnn_alloc(found, sizeof(*devices), &devices));
    error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, found, devices, &found);
    if (error != CL_SUCCESS) {
        clcnn_logf(CLCNN_LOG_WARNING, "device", "platform %d fails to list its devices: %s", index,
                   clcnn_cl_error_name(error));
        goto done;
    }
    TRY(clcnn_grow(list, capacity, *count + found, sizeof(**list)));
    for (cl_uint i = 0; i < found; i++) {
        struct clcnn_candidate *candidate = &(*list)[*count];
        cl_bool available = CL_TRUE;
        candidate->device = devices[i];
        if (clcnn_query_info(devices[i], &candidate->info) != CLCNN_STATUS_OK) {
            clcnn_logf(CLCNN_LOG_WARNING, "device", "%d:%u is left out: %s", index, (unsigned)i,
                       clcnn_error_message());
            continue;
        }
        clGetDeviceInfo(devices[i], CL_DEVICE_AVAILABLE, sizeof(available), &available, NULL);
        candidate->available = available != CL_FALSE;
        candidate->info.platform_index = index;
        candidate->info.device_index = (int)i;
        (*count)++;
    }
done:
    free(devices);
    return status;
}

enum clcnn_status clcnn_candidates(struct clcnn_candidate **list, size_t *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_platform_id *platforms = NULL;
    cl_uint found = 0;
    size_t capacity = 0;

    *list = NULL;
    *count = 0;
    clcnn_spread_driver_threads();
    cl_int error = clGetPlatformIDs(0, NULL, &found);
    if (error != CL_SUCCESS || found == 0) {
        clcnn_logf(CLCNN_LOG_INFO, "device", "no OpenCL platform: %s", clcnn_cl_error_name(error));
        goto done;
    }
    TRY(clcnn_alloc(found, sizeof(*platforms), &platforms));
    error = clGetPlatformIDs(found, platforms, &found);
    if (error != CL_SUCCESS) {
        clcnn_logf(CLCNN_LOG_WARNING, "device", "the OpenCL platforms cannot be listed: %s",
                   clcnn_cl_error_name(error));
        goto done;
    }
    for (cl_uint i = 0; i < found; i++)
        TRY(add_platform(platforms[i], (int)i, list, count, &capacity));
done:
    free(platforms);
    if (status != CLCNN_STATUS_OK) {
        free(*list);
        *list = NULL;
        *count = 0;
    }
    return status;
}

enum clcnn_status clcnn_device_list(struct clcnn_device_info **infos, size_t *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_candidate *list = NULL;
    size_t found = 0;

    REQUIRE(infos && count, "device_list: infos and count must not be NULL");
    *infos = NULL;
    *count = 0;
    TRY(clcnn_candidates(&list, &found));
    TRY(clcnn_alloc(found, sizeof(**infos), infos));
    for (size_t i = 0; i < found; i++)
        (*infos)[i] = list[i].info;
    *count = found;
done:
    free(list);
    return status;
}
