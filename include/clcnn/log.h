/* Logging: the library never prints; it calls the function set here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_LOG_H
#define CLCNN_LOG_H

#include <clcnn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_log_level {
    CLCNN_LOG_ERROR = 0,
    CLCNN_LOG_WARNING,
    CLCNN_LOG_INFO,
    CLCNN_LOG_DEBUG,
};

/* topic: "device" (selection, quirks), "cache", "build", "choose" (algorithms), "plan", "io".
 * message: one line without its newline. Both are valid during the call only. */
typedef void (*clcnn_log_function)(enum clcnn_log_level level, const char *topic,
                                   const char *message, void *user);

/* Sends messages of `level` and below to `function`; NULL (the default) silences everything.
 * The function may be called from any thread, from several at once, and must not call
 * clcnn_log_set itself. Not to be called while other threads are inside the library. */
CLCNN_API void clcnn_log_set(enum clcnn_log_level level, clcnn_log_function function, void *user);

#ifdef __cplusplus
}
#endif
#endif
