/* Interoperation with an application's own OpenCL objects.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_OPENCL_H
#define CLCNN_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>
#include <clcnn/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where and after what an operation is enqueued. Every enqueueing function takes a pointer to one;
 * NULL means the device's default queue, no waits, no event.
 * The queue must belong to the device's context; in-order and out-of-order queues both work.
 * The events are not retained beyond the call except by the OpenCL runtime itself; the queue may be
 * until the device and its buffers have gone. */
struct clcnn_enqueue {
    cl_command_queue queue;          /* NULL: the device's default queue */
    cl_uint num_events_in_wait_list; /* events that must complete first */
    const cl_event *event_wait_list;
    cl_event *event; /* NULL, or receives the event of the whole operation if
                                            it succeeds; the caller releases it */
};

/* The caller's own objects. All three are required. */
struct clcnn_device_import_params {
    cl_context context;
    cl_device_id device;
    cl_command_queue queue;
    struct clcnn_device_params common; /* `select` is ignored */
};

/* Makes a clcnn device of the caller's context, device and queue. They are retained, and released
 * when the clcnn device and everything made from it has gone; never destroyed earlier.
 * Requires: with common.profile, a queue made with CL_QUEUE_PROFILING_ENABLE.
 * Errors: INVALID_ARGUMENT (an object is missing, or they do not belong together), DEVICE,
 * OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_device_import(const struct clcnn_device_import_params *params,
                                                struct clcnn_device **out);

/* A buffer that is `bytes` bytes of the caller's cl_mem, starting `offset` bytes into it. The
 * cl_mem is retained until clcnn_buffer_destroy. Any offset that is a multiple of the element size
 * works (no sub-buffer is made, so the device's alignment rule does not apply).
 * Requires: offset + bytes <= the cl_mem's size, offset a multiple of 4, bytes > 0; the cl_mem
 * belongs to the device's context. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_buffer_wrap(struct clcnn_device *device, cl_mem memory,
                                              size_t offset, size_t bytes,
                                              struct clcnn_buffer **out);

/* The OpenCL objects behind a device or buffer; not retained for the caller. The cl_mem of a buffer
 * may be used by the caller's own commands; *offset (NULL is allowed) is where the buffer starts in
 * it. */
CLCNN_API cl_context clcnn_device_cl_context(const struct clcnn_device *device);
CLCNN_API cl_device_id clcnn_device_cl_device(const struct clcnn_device *device);
CLCNN_API cl_command_queue clcnn_device_cl_queue(const struct clcnn_device *device);
CLCNN_API cl_mem clcnn_buffer_cl_mem(const struct clcnn_buffer *buffer, size_t *offset);

#ifdef __cplusplus
}
#endif
#endif
