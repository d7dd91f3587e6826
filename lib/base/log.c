#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* What compilers and drivers say has many lines; the caller is promised one at a time. */
static void send_lines(enum clcnn_log_level level, const char *topic, char *text)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
        sink.function(level, topic, line, sink.user);
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
    send_lines(level, topic, text);
}
