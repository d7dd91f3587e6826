#include "device/kernel.h"
#include "device/stream.h"

static cl_int set_argument(const struct clcnn_stream *stream, cl_kernel kernel, cl_uint *index,
                           const struct clcnn_arg *arg)
{
    switch (arg->kind) {
    case CLCNN_ARG_BUFFER: {
        const struct clcnn_buffer *buffer = arg->value.buffer;
        cl_mem memory = buffer ? buffer->memory : NULL;
        cl_ulong offset = buffer ? buffer->offset : 0;
        cl_int error = clSetKernelArg(kernel, *index, sizeof(memory), &memory);
        if (error != CL_SUCCESS)
            return error;
        (*index)++;
        return clSetKernelArg(kernel, *index, sizeof(offset), &offset);
    }
    case CLCNN_ARG_INT:
        return clSetKernelArg(kernel, *index, sizeof(cl_int), &arg->value.i);
    case CLCNN_ARG_LONG:
        return clSetKernelArg(kernel, *index, sizeof(cl_long), &arg->value.l);
    case CLCNN_ARG_FLOAT:
        return clSetKernelArg(kernel, *index, sizeof(cl_float), &arg->value.f);
    case CLCNN_ARG_LOCAL:
        return clSetKernelArg(kernel, *index, arg->value.local, NULL);
    case CLCNN_ARG_DATA:
        return clSetKernelArg(kernel, *index, arg->value.data.bytes, arg->value.data.start);
    case CLCNN_ARG_LANES: {
        const struct clcnn_device *device = stream->device;
        cl_mem lanes = stream->queue == device->queue ? device->lanes : NULL;
        return clSetKernelArg(kernel, *index, sizeof(lanes), &lanes);
    }
    }
    return CL_INVALID_VALUE;
}

static enum clcnn_status work_size(const struct clcnn_kernel *kernel, const struct clcnn_grid *grid,
                                   size_t global[3], size_t local[3], bool *empty)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t items = 1;

    *empty = false;
    for (int d = 0; d < 3; d++) {
        REQUIRE(grid->groups[d] >= 0 && grid->local[d] > 0 &&
                    !__builtin_mul_overflow(grid->groups[d], grid->local[d], &global[d]),
                "kernel '%s': %lld groups of %d work-items in dimension %d", kernel->name,
                (long long)grid->groups[d], grid->local[d], d);
        local[d] = (size_t)grid->local[d];
        items *= local[d];
        *empty |= grid->groups[d] == 0;
    }
    REQUIRE(items <= kernel->device->info.max_work_group,
            "kernel '%s': work-groups of %zu work-items, the device allows %zu", kernel->name,
            items, kernel->device->info.max_work_group);
done:
    return status;
}

enum clcnn_status clcnn_launch(struct clcnn_stream *stream, struct clcnn_kernel *kernel,
                               struct clcnn_grid grid, const struct clcnn_arg *args, size_t count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_command command;
    size_t global[3], local[3];
    bool empty;
    cl_uint index = 0;

    TRY(work_size(kernel, &grid, global, local, &empty));
    if (empty)
        return status;
    TRY(clcnn_kernel_complete(kernel));
    for (size_t i = 0; i < count; i++, index++) {
        TRY(clcnn_cl_check(set_argument(stream, kernel->kernel, &index, &args[i]),
                           "kernel '%s': argument %u", kernel->name, (unsigned)index));
        if (args[i].kind == CLCNN_ARG_BUFFER && args[i].value.buffer)
            clcnn_buffer_used(args[i].value.buffer, stream->queue);
    }
    clcnn_command_begin(stream, NULL, &command);
    bool profile = stream->device->profile.enabled;
    if (profile)
        command.event = &command.made;
    cl_int error = clEnqueueNDRangeKernel(stream->queue, kernel->kernel, 3, NULL, global, local,
                                          command.waits, command.wait_list, command.event);
    clcnn_command_end(stream, &command, error);
    if (profile && error == CL_SUCCESS)
        clcnn_profile_record(&stream->device->profile, kernel->name, command.made,
                             stream->queue == stream->device->queue);
    TRY(clcnn_cl_check(error, "kernel '%s', %zux%zux%zu work-items in groups of %zux%zux%zu",
                       kernel->name, global[0], global[1], global[2], local[0], local[1],
                       local[2]));
done:
    return status;
}
