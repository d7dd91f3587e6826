/* What a command of a stream waits for, and the event it leaves. */
#ifndef CLCNN_DEVICE_STREAM_H
#define CLCNN_DEVICE_STREAM_H

#include "device/error.h"
#include "device/launch.h"

/* Around every command of a stream:
 *
 *     clcnn_command_begin(stream, buffer, &c);
 *     error = clEnqueueX(stream->queue, ..., c.waits, c.wait_list, c.event);
 *     clcnn_command_end(stream, &c, error);
 *
 * `buffer` is the one the command uses, or NULL. */
struct clcnn_command {
    cl_uint waits;
    const cl_event *wait_list;
    cl_event *event; /* NULL, or &made */
    cl_event wait, made;
};
void clcnn_command_begin(struct clcnn_stream *stream, const struct clcnn_buffer *buffer,
                         struct clcnn_command *command);
void clcnn_command_end(struct clcnn_stream *stream, struct clcnn_command *command, cl_int error);

#endif
