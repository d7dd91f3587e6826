/* One context and queue for all devices opened on the same cl_device_id, where the driver cannot
 * bear a kernel in two queues at once (CLCNN_QUIRK_ONE_QUEUE). */
#ifndef CLCNN_DEVICE_SHARED_H
#define CLCNN_DEVICE_SHARED_H

#include "device/device.h"

/* Gives the device a context and an in-order queue, made now or shared with the devices that are
 * open. The device releases both as if they were its own, after clcnn_shared_leave. */
enum clcnn_status clcnn_shared_join(struct clcnn_device *device);

/* Does nothing for a device that has not joined. */
void clcnn_shared_leave(struct clcnn_device *device);

#endif
