/* clcnn: convolutional neural networks on any OpenCL device. Includes every header of the library
 * but <clcnn/opencl.h>, which needs the OpenCL headers.
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
#include <clcnn/gemm.h>
#include <clcnn/log.h>
#include <clcnn/loss.h>
#include <clcnn/model.h>
#include <clcnn/optimizer.h>
#include <clcnn/pool2d.h>
#include <clcnn/session.h>
#include <clcnn/status.h>
#include <clcnn/tensor.h>
#include <clcnn/trainer.h>

#endif
