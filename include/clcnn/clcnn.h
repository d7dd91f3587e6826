/* clcnn: convolutional neural networks on any OpenCL device. Includes every header of the library
 * but <clcnn/opencl.h>, which needs the OpenCL headers.
 *
 * What holds everywhere, where a header does not say otherwise:
 *
 * - A function that can fail returns a clcnn_status; its out parameters come last, and are NULL or
 *   zero after a failure of a function that creates. clcnn_error_message() tells the reason.
 * - A NULL where something is needed is INVALID_ARGUMENT. A function that only asks, and returns no
 *   status, answers NULL with NULL, 0 or "none". Destroying accepts NULL, sets NULL, cannot fail.
 * - What takes a clcnn_enqueue is asynchronous: it sets arguments and enqueues, and allocates,
 *   compiles and waits for nothing (clcnn_buffer_read and _write alone wait). Its buffers may be
 *   destroyed as soon as it returns: their memory is kept until the work is done.
 * - Creating may be slow: kernels are built, or fetched from the cache.
 * - Devices and buffers may be used from any thread, every other object by one thread at a time.
 *   What is created from a device keeps the device alive.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_CLCNN_H
#define CLCNN_CLCNN_H

#include <clcnn/activation.h>
#include <clcnn/conv2d.h>
#include <clcnn/data.h>
#include <clcnn/dense.h>
#include <clcnn/device.h>
#include <clcnn/elementwise.h>
#include <clcnn/gather.h>
#include <clcnn/gemm.h>
#include <clcnn/log.h>
#include <clcnn/loss.h>
#include <clcnn/map.h>
#include <clcnn/model.h>
#include <clcnn/normalize.h>
#include <clcnn/onnx.h>
#include <clcnn/optimizer.h>
#include <clcnn/pad.h>
#include <clcnn/pool2d.h>
#include <clcnn/reduce.h>
#include <clcnn/resize.h>
#include <clcnn/session.h>
#include <clcnn/softmax.h>
#include <clcnn/status.h>
#include <clcnn/tensor.h>
#include <clcnn/trainer.h>
#include <clcnn/view.h>
#include <clcnn/window_nd.h>

#endif
