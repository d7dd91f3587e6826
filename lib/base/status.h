/* The one error path. Everything starts NULL, TRY jumps to the single label `done`, success passes
 * through it too:
 *
 *     enum clcnn_status status = CLCNN_STATUS_OK;
 *     struct thing *t = NULL;
 *     TRY(thing_create(&t));
 *     ...
 * done:
 *     thing_destroy(&t);
 *     return status;
 */
#ifndef CLCNN_BASE_STATUS_H
#define CLCNN_BASE_STATUS_H

#include <clcnn/status.h>

#ifndef __cplusplus /* the tests are, and Catch2 has a REQUIRE */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != CLCNN_STATUS_OK)                                                             \
            goto done;                                                                             \
    } while (0)

/* Jumps to `done` with INVALID_ARGUMENT and the message unless the condition holds. */
#define REQUIRE(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            TRY(clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, __VA_ARGS__));                           \
    } while (0)
#endif

/* Fails with a message: TRY(clcnn_fail(...)) or return clcnn_fail(...). */
enum clcnn_status clcnn_fail(enum clcnn_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts words in front of the present message: "session: layer 'conv2d_1': <message>". OK is passed
 * through and leaves the message alone. */
enum clcnn_status clcnn_fail_prefix(enum clcnn_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
