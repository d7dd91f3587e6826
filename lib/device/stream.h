/* What a command of a stream waits for, and the event it leaves. */
#ifndef CLCNN_DEVICE_STREAM_H
#define CLCNN_DEVICE_STREAM_H

#include "device/error.h"
#include "device/launch.h"

/* Around every clEnqueue... of a stream:
 *
 *     struct clcnn_command c = clcnn_command_begin(stream);
 *     error = clEnqueueX(stream->queue, ..., c.waits, c.wait_list, c.event);
 *     TRY(clcnn_command_end(stream, &c, error, "copy", ...)); */
struct clcnn_command {
    cl_uint waits;
    const cl_event *wait_list;
    cl_event wait, made, *event;
};
void clcnn_command_begin(struct clcnn_stream *stream, struct clcnn_command *command);
void clcnn_command_end(struct clcnn_stream *stream, struct clcnn_command *command, cl_int error);

#endif
