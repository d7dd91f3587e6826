/* Makes every device look like an FPGA board: an accelerator without a compiler, by a vendor with a
 * long name. Programs made from binaries work. */
#include "layer.h"
#include <string.h>

static cl_int answer(const void *data, size_t size, size_t bytes, void *value, size_t *bytes_ret)
{
    if (value && bytes < size)
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, data, size);
    if (bytes_ret)
        *bytes_ret = size;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_device_info(cl_device_id device, cl_device_info name, size_t bytes,
                                          void *value, size_t *bytes_ret)
{
    const cl_device_type type = CL_DEVICE_TYPE_ACCELERATOR;
    const cl_bool no = CL_FALSE;
    char vendor[1000] = "";
    if (name == CL_DEVICE_TYPE)
        return answer(&type, sizeof(type), bytes, value, bytes_ret);
    if (name == CL_DEVICE_COMPILER_AVAILABLE || name == CL_DEVICE_LINKER_AVAILABLE)
        return answer(&no, sizeof(no), bytes, value, bytes_ret);
    if (name == CL_DEVICE_VENDOR) {
        memset(vendor, 'v', sizeof(vendor) - 1);
        return answer(vendor, sizeof(vendor), bytes, value, bytes_ret);
    }
    return layer_next->clGetDeviceInfo(device, name, bytes, value, bytes_ret);
}

static cl_int CL_API_CALL get_device_ids(cl_platform_id platform, cl_device_type type,
                                         cl_uint entries, cl_device_id *devices, cl_uint *count)
{
    if (type != CL_DEVICE_TYPE_ALL && !(type & CL_DEVICE_TYPE_ACCELERATOR))
        return CL_DEVICE_NOT_FOUND;
    return layer_next->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, entries, devices, count);
}

static cl_program CL_API_CALL create_program_with_source(cl_context context, cl_uint count,
                                                         const char **strings,
                                                         const size_t *lengths, cl_int *error)
{
    (void)context, (void)count, (void)strings, (void)lengths;
    if (error)
        *error = CL_COMPILER_NOT_AVAILABLE;
    return NULL;
}

void layer_install(struct _cl_icd_dispatch *table)
{
    table->clGetDeviceInfo = get_device_info;
    table->clGetDeviceIDs = get_device_ids;
    table->clCreateProgramWithSource = create_program_with_source;
}
