/* Writes to the caller's log function; costs one comparison when nobody listens. */
#ifndef CLCNN_BASE_LOG_H
#define CLCNN_BASE_LOG_H

#include <clcnn/log.h>
#include <stdbool.h>

bool clcnn_log_enabled(enum clcnn_log_level level);
void clcnn_logf(enum clcnn_log_level level, const char *topic, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
