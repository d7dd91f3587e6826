/* Programs for the tests of the device layer, and the internal header in a form C++ accepts. */
#ifndef CLCNN_TESTS_DEVICE_KERNELS_HPP
#define CLCNN_TESTS_DEVICE_KERNELS_HPP

#include "support/guarded.hpp"
#include "support/owned.hpp"
#include <string>

extern "C" {
#include "device/launch.h"
#include "device/sources.h"
}

inline clcnn_arg BUFFER(const struct clcnn_buffer *buffer)
{
    struct clcnn_arg arg = {};
    arg.kind = CLCNN_ARG_BUFFER;
    arg.value.buffer = buffer;
    return arg;
}
inline clcnn_arg INT(int32_t value)
{
    struct clcnn_arg arg = {};
    arg.kind = CLCNN_ARG_INT;
    arg.value.i = value;
    return arg;
}
inline clcnn_arg LONG(int64_t value)
{
    struct clcnn_arg arg = {};
    arg.kind = CLCNN_ARG_LONG;
    arg.value.l = value;
    return arg;
}
inline clcnn_arg FLOAT(float value)
{
    struct clcnn_arg arg = {};
    arg.kind = CLCNN_ARG_FLOAT;
    arg.value.f = value;
    return arg;
}
inline clcnn_arg LOCAL(size_t bytes)
{
    struct clcnn_arg arg = {};
    arg.kind = CLCNN_ARG_LOCAL;
    arg.value.local = bytes;
    return arg;
}
inline clcnn_arg LANES()
{
    struct clcnn_arg arg = {};
    arg.kind = CLCNN_ARG_LANES;
    return arg;
}
inline clcnn_grid GRID1(int64_t groups, int local)
{
    return {{groups, 1, 1}, {local, 1, 1}};
}
inline clcnn_grid GRID2(int64_t gx, int64_t gy, int lx, int ly)
{
    return {{gx, gy, 1}, {lx, ly, 1}};
}
inline clcnn_status launch(struct clcnn_stream *stream, struct clcnn_kernel *kernel,
                           struct clcnn_grid grid, const std::vector<struct clcnn_arg> &args)
{
    return clcnn_launch(stream, kernel, grid, args.data(), args.size());
}

/* rusticl has none. */
inline bool has_out_of_order_queues(struct clcnn_device *device)
{
    cl_command_queue_properties properties = 0;
    clGetDeviceInfo(clcnn_device_cl_device(device), CL_DEVICE_QUEUE_PROPERTIES, sizeof(properties),
                    &properties, nullptr);
    return properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
}

/* oclgrind runs commands inside clFlush, and would wait there for an event that comes later. */
inline bool runs_in_the_background(struct clcnn_device *device)
{
    return std::string(clcnn_device_info(device)->platform) != "Oclgrind";
}

using Device = Owned<struct clcnn_device, clcnn_device_destroy>;
using Buffer = Owned<struct clcnn_buffer, clcnn_buffer_destroy>;
using Kernel = Owned<struct clcnn_kernel, clcnn_kernel_destroy>;
using Queue = Owned<struct clcnn_queue, clcnn_queue_destroy>;

#endif
