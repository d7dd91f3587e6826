#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>

static struct {
    enum clcnn_log_level level;
    clcnn_log_function function;
    void *user;
} sink;

void clcnn_log_set(enum clcnn_log_level level, clcnn_log_function function, void *user)
{
    sink.level = level;
    sink.user = user;
    sink.function = function;
}

bool clcnn_log_enabled(enum clcnn_log_level level)
{
    return sink.function && level <= sink.level;
}

void clcnn_logf(enum clcnn_log_level level, const char *topic, const char *format, ...)
{
    if (!clcnn_log_enabled(level))
        return;
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    sink.function(level, topic, text, sink.user);
}
