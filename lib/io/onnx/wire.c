#include "io/onnx/wire.h"
#include <stdbool.h>
#include <stdint.h>

#define MOST_LEVELS 64

struct cursor {
    const unsigned char *at, *end;
};

static bool take_varint(struct cursor *c, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        unsigned char byte = *c->at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool skip(struct cursor *c, uint64_t bytes)
{
    if (bytes > (uint64_t)(c->end - c->at))
        return false;
    c->at += bytes;
    return true;
}

static const ProtobufCMessageDescriptor *message_type(const ProtobufCMessageDescriptor *type,
                                                      uint64_t number)
{
    const ProtobufCFieldDescriptor *field =
        number <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(type, (unsigned)number)
                             : NULL;
    return field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
}

static bool check(const ProtobufCMessageDescriptor *type, struct cursor c, int level)
{
    uint64_t tag, value;
    if (level > MOST_LEVELS)
        return false;
    while (c.at < c.end) {
        if (!take_varint(&c, &tag))
            return false;
        switch (tag & 7) {
        case 0:
            if (!take_varint(&c, &value))
                return false;
            break;
        case 1:
        case 5:
            if (!skip(&c, (tag & 7) == 1 ? 8 : 4))
                return false;
            break;
        case 2: {
            const unsigned char *begin;
            if (!take_varint(&c, &value))
                return false;
            begin = c.at;
            if (!skip(&c, value))
                return false;
            const ProtobufCMessageDescriptor *inner = message_type(type, tag >> 3);
            if (inner && !check(inner, (struct cursor){begin, c.at}, level + 1))
                return false;
            break;
        }
        default:
            return false;
        }
    }
    return true;
}

enum clcnn_status clcnn_onnx_check_wire(const ProtobufCMessageDescriptor *type,
                                        const unsigned char *data, size_t size)
{
    if (size && check(type, (struct cursor){data, data + size}, 0))
        return CLCNN_STATUS_OK;
    return clcnn_fail(CLCNN_STATUS_FORMAT,
                      "not an ONNX %s: empty, damaged, cut short, or nested more than %d levels "
                      "deep",
                      type->short_name, MOST_LEVELS);
}
