#include "layer.h"
#include <string.h>

const struct _cl_icd_dispatch *layer_next;
static struct _cl_icd_dispatch table;

__attribute__((visibility("default"))) cl_int CL_API_CALL clGetLayerInfo(cl_layer_info name,
                                                                         size_t bytes, void *value,
                                                                         size_t *bytes_ret)
{
    cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    if (name != CL_LAYER_API_VERSION || (value && bytes < sizeof(version)))
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, &version, sizeof(version));
    if (bytes_ret)
        *bytes_ret = sizeof(version);
    return CL_SUCCESS;
}

__attribute__((visibility("default"))) cl_int CL_API_CALL
clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target, cl_uint *entries_ret,
            const struct _cl_icd_dispatch **layer)
{
    size_t bytes = entries * sizeof(void *);
    layer_next = target;
    memcpy(&table, target, bytes < sizeof(table) ? bytes : sizeof(table));
    layer_install(&table);
    *entries_ret = sizeof(table) / sizeof(void *);
    *layer = &table;
    return CL_SUCCESS;
}
