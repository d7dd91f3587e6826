/* OpenCL errors as status and message. */
#ifndef CLCNN_DEVICE_ERROR_H
#define CLCNN_DEVICE_ERROR_H

#include "base/status.h"
#include <clcnn/opencl.h>

/* "CL_INVALID_VALUE", or "unknown error". Static storage. */
const char *clcnn_cl_error_name(cl_int error);

/* OK for CL_SUCCESS. Otherwise fails with "<words>: CL_INVALID_VALUE (-30)"; running out of memory
 * is OUT_OF_MEMORY, everything else DEVICE. */
enum clcnn_status clcnn_cl_check(cl_int error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
