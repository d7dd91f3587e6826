#include "base/status.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[1024];

const char *clcnn_status_name(enum clcnn_status status)
{
    static const char *const names[] = {
        [CLCNN_STATUS_OK] = "ok",
        [CLCNN_STATUS_INVALID_ARGUMENT] = "invalid argument",
        [CLCNN_STATUS_UNSUPPORTED] = "unsupported",
        [CLCNN_STATUS_DEVICE] = "device",
        [CLCNN_STATUS_OUT_OF_MEMORY] = "out of memory",
        [CLCNN_STATUS_IO] = "io",
        [CLCNN_STATUS_FORMAT] = "format",
    };
    size_t index = (size_t)status;
    return index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown";
}

const char *clcnn_error_message(void)
{
    return message;
}

#define STRINGIFY(x)     #x
#define VERSION(a, b, c) STRINGIFY(a) "." STRINGIFY(b) "." STRINGIFY(c)

const char *clcnn_version(void)
{
    return VERSION(CLCNN_VERSION_MAJOR, CLCNN_VERSION_MINOR, CLCNN_VERSION_PATCH);
}

/* The arguments may point into the message itself, so it is written elsewhere first. */
static void set_message(const char *format, va_list arguments, const char *tail)
{
    char text[sizeof(message)];
    int used = vsnprintf(text, sizeof(text), format, arguments);
    if (used >= 0 && (size_t)used < sizeof(text))
        snprintf(text + used, sizeof(text) - (size_t)used, "%s", tail);
    memcpy(message, text, sizeof(message));
}

enum clcnn_status clcnn_fail(enum clcnn_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(format, arguments, "");
    va_end(arguments);
    return status;
}

enum clcnn_status clcnn_fail_prefix(enum clcnn_status status, const char *format, ...)
{
    va_list arguments;
    if (status == CLCNN_STATUS_OK)
        return status;
    va_start(arguments, format);
    set_message(format, arguments, message);
    va_end(arguments);
    return status;
}
