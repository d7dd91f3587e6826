/* Counts the OpenCL objects that are alive, and lets a chosen call fail. The test finds the
 * functions below with dlsym. */
#include "layer.h"
#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long live;
static struct {
    char name[64];
    int countdown;
    cl_int error;
} fault;

/* References held by the application, of all kinds together. */
__attribute__((visibility("default"))) long watch_live(void);
/* The n-th call (from 1) of the function from now on fails with the error; n = 0: none. */
__attribute__((visibility("default"))) void watch_fail(const char *name, int n, cl_int error);
/* True if the fault has happened. */
__attribute__((visibility("default"))) int watch_failed(void);

long watch_live(void)
{
    pthread_mutex_lock(&lock);
    long count = live;
    pthread_mutex_unlock(&lock);
    return count;
}

void watch_fail(const char *name, int n, cl_int error)
{
    pthread_mutex_lock(&lock);
    strncpy(fault.name, name, sizeof(fault.name) - 1);
    fault.countdown = n;
    fault.error = error;
    pthread_mutex_unlock(&lock);
}

int watch_failed(void)
{
    pthread_mutex_lock(&lock);
    int failed = fault.countdown <= 0;
    pthread_mutex_unlock(&lock);
    return failed;
}

static cl_int planned(const char *name)
{
    cl_int error = CL_SUCCESS;
    pthread_mutex_lock(&lock);
    if (fault.countdown > 0 && strcmp(fault.name, name) == 0 && --fault.countdown == 0)
        error = fault.error;
    pthread_mutex_unlock(&lock);
    return error;
}

static void count(int change)
{
    pthread_mutex_lock(&lock);
    live += change;
    pthread_mutex_unlock(&lock);
}

/* CREATE(function, type, parameters, arguments): the last parameter is the error. */
#define CREATE(function, type, parameters, ...)                                                    \
    static type CL_API_CALL my_##function parameters                                               \
    {                                                                                              \
        cl_int wrong = planned(#function);                                                         \
        type made = wrong ? NULL : layer_next->function(__VA_ARGS__);                              \
        if (wrong && error)                                                                        \
            *error = wrong;                                                                        \
        if (made)                                                                                  \
            count(1);                                                                              \
        return made;                                                                               \
    }
#define CHANGE(function, type, change)                                                             \
    static cl_int CL_API_CALL my_##function(type object)                                           \
    {                                                                                              \
        cl_int error = change > 0 ? planned(#function) : CL_SUCCESS;                               \
        if (!error)                                                                                \
            error = layer_next->function(object);                                                  \
        if (!error)                                                                                \
            count(change);                                                                         \
        return error;                                                                              \
    }
#define CALL(function, parameters, ...)                                                            \
    static cl_int CL_API_CALL my_##function parameters                                             \
    {                                                                                              \
        cl_int wrong = planned(#function);                                                         \
        return wrong ? wrong : layer_next->function(__VA_ARGS__);                                  \
    }
#define ENQUEUE(function, parameters, ...)                                                         \
    static cl_int CL_API_CALL my_##function parameters                                             \
    {                                                                                              \
        cl_int wrong = planned(#function);                                                         \
        if (!wrong)                                                                                \
            wrong = layer_next->function(__VA_ARGS__);                                             \
        if (!wrong && event)                                                                       \
            count(1);                                                                              \
        return wrong;                                                                              \
    }

typedef void(CL_CALLBACK *context_notify)(const char *, const void *, size_t, void *);
typedef void(CL_CALLBACK *program_notify)(cl_program, void *);

CREATE(clCreateContext, cl_context,
       (const cl_context_properties *properties, cl_uint devices, const cl_device_id *list,
        context_notify notify, void *user, cl_int *error),
       properties, devices, list, notify, user, error)
CREATE(clCreateCommandQueue, cl_command_queue,
       (cl_context context, cl_device_id device, cl_command_queue_properties properties,
        cl_int *error),
       context, device, properties, error)
CREATE(clCreateBuffer, cl_mem,
       (cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *error), context,
       flags, bytes, host, error)
CREATE(clCreateProgramWithSource, cl_program,
       (cl_context context, cl_uint strings, const char **list, const size_t *lengths,
        cl_int *error),
       context, strings, list, lengths, error)
CREATE(clCreateProgramWithBinary, cl_program,
       (cl_context context, cl_uint devices, const cl_device_id *list, const size_t *lengths,
        const unsigned char **binaries, cl_int *states, cl_int *error),
       context, devices, list, lengths, binaries, states, error)
CREATE(clCreateKernel, cl_kernel, (cl_program program, const char *name, cl_int *error), program,
       name, error)
CHANGE(clRetainContext, cl_context, 1)
CHANGE(clReleaseContext, cl_context, -1)
CHANGE(clRetainCommandQueue, cl_command_queue, 1)
CHANGE(clReleaseCommandQueue, cl_command_queue, -1)
CHANGE(clRetainMemObject, cl_mem, 1)
CHANGE(clReleaseMemObject, cl_mem, -1)
CHANGE(clReleaseProgram, cl_program, -1)
CHANGE(clReleaseKernel, cl_kernel, -1)
CHANGE(clRetainEvent, cl_event, 1)
CHANGE(clReleaseEvent, cl_event, -1)
CHANGE(clRetainDevice, cl_device_id, 1)
CHANGE(clReleaseDevice, cl_device_id, -1)
CALL(clBuildProgram,
     (cl_program program, cl_uint devices, const cl_device_id *list, const char *options,
      program_notify notify, void *user),
     program, devices, list, options, notify, user)
CALL(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t bytes, const void *value), kernel,
     index, bytes, value)
CALL(clFinish, (cl_command_queue queue), queue)
CALL(clGetProgramInfo,
     (cl_program program, cl_program_info name, size_t bytes, void *value, size_t *got), program,
     name, bytes, value, got)
CALL(clGetPlatformIDs, (cl_uint entries, cl_platform_id *platforms, cl_uint *found), entries,
     platforms, found)
CALL(clGetDeviceIDs,
     (cl_platform_id platform, cl_device_type type, cl_uint entries, cl_device_id *devices,
      cl_uint *found),
     platform, type, entries, devices, found)
CALL(clGetDeviceInfo,
     (cl_device_id device, cl_device_info name, size_t bytes, void *value, size_t *got), device,
     name, bytes, value, got)
ENQUEUE(clEnqueueNDRangeKernel,
        (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
         const size_t *global, const size_t *local, cl_uint waits, const cl_event *list,
         cl_event *event),
        queue, kernel, dimensions, offset, global, local, waits, list, event)
ENQUEUE(clEnqueueReadBuffer,
        (cl_command_queue queue, cl_mem buffer, cl_bool block, size_t offset, size_t bytes,
         void *target, cl_uint waits, const cl_event *list, cl_event *event),
        queue, buffer, block, offset, bytes, target, waits, list, event)
ENQUEUE(clEnqueueWriteBuffer,
        (cl_command_queue queue, cl_mem buffer, cl_bool block, size_t offset, size_t bytes,
         const void *source, cl_uint waits, const cl_event *list, cl_event *event),
        queue, buffer, block, offset, bytes, source, waits, list, event)
ENQUEUE(clEnqueueFillBuffer,
        (cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_bytes,
         size_t offset, size_t bytes, cl_uint waits, const cl_event *list, cl_event *event),
        queue, buffer, pattern, pattern_bytes, offset, bytes, waits, list, event)
ENQUEUE(clEnqueueMarkerWithWaitList,
        (cl_command_queue queue, cl_uint waits, const cl_event *list, cl_event *event), queue,
        waits, list, event)
ENQUEUE(clEnqueueBarrierWithWaitList,
        (cl_command_queue queue, cl_uint waits, const cl_event *list, cl_event *event), queue,
        waits, list, event)
CREATE(clCreateUserEvent, cl_event, (cl_context context, cl_int *error), context, error)

void layer_install(struct _cl_icd_dispatch *table)
{
#define INSTALL(function) table->function = my_##function
    INSTALL(clCreateContext);
    INSTALL(clCreateCommandQueue);
    INSTALL(clCreateBuffer);
    INSTALL(clCreateProgramWithSource);
    INSTALL(clCreateProgramWithBinary);
    INSTALL(clCreateKernel);
    INSTALL(clCreateUserEvent);
    INSTALL(clRetainContext);
    INSTALL(clReleaseContext);
    INSTALL(clRetainCommandQueue);
    INSTALL(clReleaseCommandQueue);
    INSTALL(clRetainMemObject);
    INSTALL(clReleaseMemObject);
    INSTALL(clReleaseProgram);
    INSTALL(clReleaseKernel);
    INSTALL(clRetainEvent);
    INSTALL(clReleaseEvent);
    INSTALL(clRetainDevice);
    INSTALL(clReleaseDevice);
    INSTALL(clBuildProgram);
    INSTALL(clSetKernelArg);
    INSTALL(clFinish);
    INSTALL(clGetProgramInfo);
    INSTALL(clGetPlatformIDs);
    INSTALL(clGetDeviceIDs);
    INSTALL(clGetDeviceInfo);
    INSTALL(clEnqueueNDRangeKernel);
    INSTALL(clEnqueueReadBuffer);
    INSTALL(clEnqueueWriteBuffer);
    INSTALL(clEnqueueFillBuffer);
    INSTALL(clEnqueueMarkerWithWaitList);
    INSTALL(clEnqueueBarrierWithWaitList);
}
