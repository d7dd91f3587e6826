/* Encoded messages, looked at before they are unpacked. */
#ifndef CLCNN_IO_ONNX_WIRE_H
#define CLCNN_IO_ONNX_WIRE_H

#include "base/status.h"
#include <protobuf-c/protobuf-c.h>

/* The unpacker recurses once per level of nesting, of which a small file can promise very many.
 * Errors: FORMAT (lengths that do not fit, or more than 64 levels). */
enum clcnn_status clcnn_onnx_check_wire(const ProtobufCMessageDescriptor *type,
                                        const unsigned char *data, size_t size);

#endif
