#include "base/memory.h"
#include "base/text.h"
#include "device/list.h"
#include <stdlib.h>
#include <string.h>

/* Facts that a driver does not tell stay zero. */
static void number(cl_device_id device, cl_device_info what, void *value, size_t bytes)
{
    if (clGetDeviceInfo(device, what, bytes, value, NULL) != CL_SUCCESS)
        memset(value, 0, bytes);
}

/* Strings may be longer than the field: OpenCL refuses a short one, so take it whole and cut. */
static void string(cl_device_id device, cl_device_info what, char *text, size_t bytes)
{
    char whole[4096] = "";
    size_t got = 0;
    text[0] = '\0';
    if (clGetDeviceInfo(device, what, sizeof(whole) - 1, whole, &got) != CL_SUCCESS)
        return;
    const char *start = whole + strspn(whole, " \t");
    size_t length = strlen(start);
    while (length > 0 && (start[length - 1] == ' ' || start[length - 1] == '\n'))
        length--;
    length = length < bytes - 1 ? length : bytes - 1;
    memcpy(text, start, length);
    text[length] = '\0';
}

/* What has no compiler is handled like an FPGA, whatever it is. */
static enum clcnn_device_class class_of(cl_device_type type, bool has_compiler)
{
    if (!has_compiler)
        return CLCNN_DEVICE_CLASS_FPGA;
    if (type & CL_DEVICE_TYPE_GPU)
        return CLCNN_DEVICE_CLASS_GPU;
    return type & CL_DEVICE_TYPE_CPU ? CLCNN_DEVICE_CLASS_CPU : CLCNN_DEVICE_CLASS_FPGA;
}

static int vector_width(cl_device_id device)
{
    cl_uint width;
    number(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &width, sizeof(width));
    return width >= 16 ? 16 : width >= 8 ? 8 : 4;
}

static bool flag(cl_device_id device, cl_device_info what)
{
    cl_bool value;
    number(device, what, &value, sizeof(value));
    return value != CL_FALSE;
}

/* A string of any length, freed with free(); "" if the driver does not tell. */
static enum clcnn_status whole_string(cl_device_id device, cl_device_info what, char **text)
{
    size_t bytes = 0;
    if (clGetDeviceInfo(device, what, 0, NULL, &bytes) != CL_SUCCESS)
        bytes = 0;
    enum clcnn_status status = clcnn_alloc(bytes + 1, 1, text);
    if (status == CLCNN_STATUS_OK && bytes > 0 &&
        clGetDeviceInfo(device, what, bytes, *text, NULL) != CL_SUCCESS)
        (*text)[0] = '\0';
    return status;
}

static bool has_extension(cl_device_id device, const char *name)
{
    char *extensions = NULL;
    if (whole_string(device, CL_DEVICE_EXTENSIONS, &extensions) != CLCNN_STATUS_OK)
        return false;
    bool found = strstr(extensions, name) != NULL;
    free(extensions);
    return found;
}

static void platform_name(cl_device_id device, char *text, size_t bytes)
{
    cl_platform_id platform;
    char whole[1024] = "";
    number(device, CL_DEVICE_PLATFORM, &platform, sizeof(platform));
    if (platform &&
        clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof(whole) - 1, whole, NULL) != CL_SUCCESS)
        whole[0] = '\0';
    size_t length = strlen(whole) < bytes - 1 ? strlen(whole) : bytes - 1;
    memcpy(text, whole, length);
    text[length] = '\0';
}

enum clcnn_status clcnn_query_info(cl_device_id device, struct clcnn_device_info *info)
{
    cl_device_type type = 0;
    cl_uint units, clock;
    cl_ulong global, alloc, local;
    cl_device_local_mem_type local_type;

    *info = (struct clcnn_device_info){.platform_index = -1, .device_index = -1};
    enum clcnn_status status =
        clcnn_cl_check(clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof(type), &type, NULL),
                       "device: its type cannot be asked");
    if (status != CLCNN_STATUS_OK)
        return status;
    string(device, CL_DEVICE_NAME, info->name, sizeof(info->name));
    string(device, CL_DEVICE_VENDOR, info->vendor, sizeof(info->vendor));
    string(device, CL_DEVICE_VERSION, info->version, sizeof(info->version));
    string(device, CL_DRIVER_VERSION, info->driver, sizeof(info->driver));
    platform_name(device, info->platform, sizeof(info->platform));
    number(device, CL_DEVICE_MAX_COMPUTE_UNITS, &units, sizeof(units));
    number(device, CL_DEVICE_MAX_CLOCK_FREQUENCY, &clock, sizeof(clock));
    number(device, CL_DEVICE_GLOBAL_MEM_SIZE, &global, sizeof(global));
    number(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &alloc, sizeof(alloc));
    number(device, CL_DEVICE_LOCAL_MEM_SIZE, &local, sizeof(local));
    number(device, CL_DEVICE_LOCAL_MEM_TYPE, &local_type, sizeof(local_type));
    number(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, &info->max_work_group,
           sizeof(info->max_work_group));
    info->has_compiler = flag(device, CL_DEVICE_COMPILER_AVAILABLE);
    info->device_class = class_of(type, info->has_compiler);
    info->compute_units = (int)units;
    info->clock_mhz = (int)clock;
    info->vector_width = vector_width(device);
    info->global_bytes = global;
    info->max_alloc_bytes = alloc;
    info->local_bytes = local;
    info->local_is_dedicated = local_type == CL_LOCAL;
    info->unified_memory = flag(device, CL_DEVICE_HOST_UNIFIED_MEMORY);
    info->has_fp16 = has_extension(device, "cl_khr_fp16");
    info->has_fp64 = has_extension(device, "cl_khr_fp64");
    return CLCNN_STATUS_OK;
}

enum clcnn_status clcnn_query_identity(cl_device_id device, char **identity)
{
    static const cl_device_info parts[] = {CL_DEVICE_NAME, CL_DEVICE_VENDOR, CL_DEVICE_VERSION,
                                           CL_DRIVER_VERSION};
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    cl_platform_id platform;
    char *part = NULL, version[1024] = "";

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        TRY(whole_string(device, parts[i], &part));
        clcnn_text_add(&text, "%s\n", part);
        free(part);
        part = NULL;
    }
    number(device, CL_DEVICE_PLATFORM, &platform, sizeof(platform));
    if (platform && clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof(version) - 1, version,
                                      NULL) != CL_SUCCESS)
        version[0] = '\0';
    clcnn_text_add(&text, "%s\n", version);
    TRY(clcnn_text_take(&text, identity));
done:
    clcnn_text_clear(&text);
    free(part);
    return status;
}
