#include "device/device.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/cache.h"
#include "device/file.h"
#include "device/quirks.h"
#include "device/select.h"
#include "device/shared.h"
#include <stdlib.h>

static const char *non_empty(const char *text)
{
    return text && text[0] ? text : NULL;
}

/* The parameter, else the environment variable, else NULL. */
static const char *setting(const char *parameter, const char *variable)
{
    return parameter ? non_empty(parameter) : non_empty(getenv(variable));
}

static enum clcnn_status check_params(const struct clcnn_device_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(params->force_class >= CLCNN_DEVICE_CLASS_ANY &&
                params->force_class <= CLCNN_DEVICE_CLASS_FPGA,
            "device_open: force_class %d does not exist", (int)params->force_class);
done:
    return status;
}

/* A device that is complete but for its context and queue. */
static enum clcnn_status create(cl_device_id id, const struct clcnn_device_info *info,
                                const struct clcnn_device_params *params, struct clcnn_device **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;

    TRY(clcnn_alloc(1, sizeof(*device), &device));
    atomic_init(&device->references, 1);
    clcnn_pool_open(&device->pool);
    clcnn_profile_open(&device->profile, params->profile);
    clcnn_programs_open(&device->programs);
    clcnn_save_open(device);
    device->info = *info;
    if (params->force_class != CLCNN_DEVICE_CLASS_ANY)
        device->info.device_class = params->force_class;
    device->device_class = clcnn_class_find(device->info.device_class);
    device->device = id;
    device->quirks = clcnn_quirks(info);
    clcnn_quirks_log(info);
    TRY(clcnn_query_identity(id, &device->identity));
    TRY(clcnn_copy_string(setting(params->binary_dir, "CLCNN_BINARY_DIR"), &device->binary_dir));
    TRY(clcnn_copy_string(setting(params->save_binary_dir, "CLCNN_SAVE_BINARY_DIR"),
                          &device->save_binary_dir));
    device->cache = clcnn_cache_open(params->cache_path);
    *out = device;
    device = NULL;
done:
    clcnn_device_destroy(&device);
    return status;
}

enum clcnn_status clcnn_device_make_queue(struct clcnn_device *device,
                                          cl_command_queue_properties properties)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_int error;
    device->context = clCreateContext(NULL, 1, &device->device, NULL, NULL, &error);
    TRY(clcnn_cl_check(error, "device_open: context on '%s'", device->info.name));
    device->queue = clCreateCommandQueue(device->context, device->device, properties, &error);
    TRY(clcnn_cl_check(error, "device_open: queue on '%s'", device->info.name));
done:
    return status;
}

/* Without them work-groups change cores, and that is all. */
static void make_lanes(struct clcnn_device *device)
{
    size_t words = 1 + 3 * (size_t)device->info.compute_units;
    cl_int error, *zeros = calloc(words, sizeof(*zeros));
    bool useful = clcnn_device_family(device) == CLCNN_DEVICE_CLASS_CPU && !device->out_of_order &&
                  !(device->quirks & CLCNN_QUIRK_NO_LANES);
    if (useful && zeros)
        device->lanes = clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                       words * sizeof(*zeros), zeros, &error);
    if (useful && !device->lanes)
        clcnn_logf(CLCNN_LOG_INFO, "device", "'%s': no memory for lanes", device->info.name);
    free(zeros);
}

enum clcnn_status clcnn_device_open(const struct clcnn_device_params *params,
                                    struct clcnn_device **out)
{
    static const struct clcnn_device_params defaults;
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    struct clcnn_candidate *list = NULL;
    size_t count = 0, chosen = 0;

    REQUIRE(out, "device_open: out must not be NULL");
    *out = NULL;
    params = params ? params : &defaults;
    TRY(check_params(params));
    const char *binaries = setting(params->binary_dir, "CLCNN_BINARY_DIR");
    struct clcnn_wish wish = {.select = setting(params->select, "CLCNN_DEVICE"),
                              .origin = non_empty(params->select) ? "select" : "CLCNN_DEVICE",
                              .has_binaries = binaries && clcnn_directory_has(binaries, ".bin")};
    TRY(clcnn_candidates(&list, &count));
    TRY(clcnn_select(list, count, &wish, &chosen));
    TRY(create(list[chosen].device, &list[chosen].info, params, &device));
    if (device->quirks & CLCNN_QUIRK_ONE_QUEUE)
        TRY(clcnn_shared_join(device));
    else
        TRY(clcnn_device_make_queue(device,
                                    device->profile.enabled ? CL_QUEUE_PROFILING_ENABLE : 0));
    make_lanes(device);
    *out = device;
    device = NULL;
done:
    free(list);
    clcnn_device_destroy(&device);
    return status;
}

static enum clcnn_status check_context(cl_context context, cl_device_id device)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_device_id *devices = NULL;
    size_t bytes = 0;
    bool found = false;

    if (clGetContextInfo(context, CL_CONTEXT_DEVICES, 0, NULL, &bytes) != CL_SUCCESS)
        TRY(clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "device_import: context is not valid"));
    TRY(clcnn_alloc(bytes, 1, &devices));
    TRY(clcnn_cl_check(clGetContextInfo(context, CL_CONTEXT_DEVICES, bytes, devices, NULL),
                       "device_import: devices of the context"));
    for (size_t i = 0; i < bytes / sizeof(*devices); i++)
        found |= devices[i] == device;
    REQUIRE(found, "device_import: the device does not belong to the context");
done:
    free(devices);
    return status;
}

/* Each object goes into the device only once it is retained, so that destroy releases the right
 * ones. */
static enum clcnn_status adopt(struct clcnn_device *device,
                               const struct clcnn_device_import_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_command_queue_properties properties = 0;

    TRY(clcnn_cl_check(clRetainContext(params->context), "device_import: context"));
    device->context = params->context;
    TRY(clcnn_queue_check(device, params->queue, &properties));
    REQUIRE(!device->profile.enabled || (properties & CL_QUEUE_PROFILING_ENABLE),
            "device_import: profile needs a queue made with CL_QUEUE_PROFILING_ENABLE");
    TRY(clcnn_cl_check(clRetainCommandQueue(params->queue), "device_import: queue"));
    device->queue = params->queue;
    device->out_of_order = properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
    TRY(clcnn_cl_check(clRetainDevice(params->device), "device_import: device"));
    device->imported = true;
done:
    return status;
}

enum clcnn_status clcnn_device_import(const struct clcnn_device_import_params *params,
                                      struct clcnn_device **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    struct clcnn_device_info info;

    REQUIRE(out, "device_import: out must not be NULL");
    *out = NULL;
    REQUIRE(params, "device_import: params must not be NULL");
    REQUIRE(params->context && params->device && params->queue,
            "device_import: context, device and queue must not be NULL");
    TRY(check_params(&params->common));
    TRY(check_context(params->context, params->device));
    TRY(clcnn_query_info(params->device, &info));
    TRY(create(params->device, &info, &params->common, &device));
    TRY(adopt(device, params));
    make_lanes(device);
    clcnn_logf(CLCNN_LOG_INFO, "device", "'%s' (%s, %s) is imported", info.name,
               clcnn_device_class_name(info.device_class), info.platform);
    *out = device;
    device = NULL;
done:
    clcnn_device_destroy(&device);
    return status;
}

struct clcnn_device *clcnn_device_retain(struct clcnn_device *device)
{
    atomic_fetch_add_explicit(&device->references, 1, memory_order_relaxed);
    return device;
}

void clcnn_device_destroy(struct clcnn_device **device)
{
    if (!device || !*device)
        return;
    struct clcnn_device *d = *device;
    *device = NULL;
    if (atomic_fetch_sub_explicit(&d->references, 1, memory_order_acq_rel) > 1)
        return;
    clcnn_programs_close(d);
    clcnn_profile_close(&d->profile);
    clcnn_pool_close(&d->pool);
    clcnn_shared_leave(d);
    if (d->lanes)
        clReleaseMemObject(d->lanes);
    if (d->queue)
        clReleaseCommandQueue(d->queue);
    if (d->context)
        clReleaseContext(d->context);
    if (d->imported)
        clReleaseDevice(d->device);
    clcnn_cache_close(&d->cache);
    free(d->identity);
    free(d->binary_dir);
    free(d->save_binary_dir);
    free(d);
}

enum clcnn_device_class clcnn_device_family(const struct clcnn_device *device)
{
    return device->device_class->family;
}

const struct clcnn_device_info *clcnn_device_info(const struct clcnn_device *device)
{
    return device ? &device->info : NULL;
}

enum clcnn_status clcnn_device_finish(struct clcnn_device *device)
{
    if (!device)
        return clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "device_finish: device is NULL");
    return clcnn_cl_check(clFinish(device->queue), "device_finish: '%s'", device->info.name);
}

cl_context clcnn_device_cl_context(const struct clcnn_device *device)
{
    return device ? device->context : NULL;
}

cl_device_id clcnn_device_cl_device(const struct clcnn_device *device)
{
    return device ? device->device : NULL;
}

cl_command_queue clcnn_device_cl_queue(const struct clcnn_device *device)
{
    return device ? device->queue : NULL;
}
