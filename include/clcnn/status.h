/* Status codes and error messages: every function of clcnn that can fail returns clcnn_status.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_STATUS_H
#define CLCNN_STATUS_H

#if defined(__GNUC__) || defined(__clang__)
#define CLCNN_API __attribute__((visibility("default")))
#else
#define CLCNN_API
#endif

#define CLCNN_VERSION_MAJOR 0
#define CLCNN_VERSION_MINOR 1
#define CLCNN_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_status {
    CLCNN_STATUS_OK = 0,
    CLCNN_STATUS_INVALID_ARGUMENT, /* the caller broke a "Requires" rule */
    CLCNN_STATUS_UNSUPPORTED,      /* legal, but this device or this build cannot do it */
    CLCNN_STATUS_DEVICE,           /* an OpenCL call or a kernel build failed */
    CLCNN_STATUS_OUT_OF_MEMORY,    /* host or device memory */
    CLCNN_STATUS_IO,               /* a file cannot be read or written */
    CLCNN_STATUS_FORMAT,           /* a file's contents are damaged or lie */
};

/* The code's name in words: "invalid argument". Static storage; any value is accepted.
 * Thread-safe. */
CLCNN_API const char *clcnn_status_name(enum clcnn_status status);

/* What went wrong in the calling thread's last failed call: the operation, the values and the rule,
 * e.g. "conv2d: C=30 is not divisible by groups=4". "" before the first failure.
 * Owned by the library; valid until this thread's next failing call. Thread-safe (one per
 * thread). */
CLCNN_API const char *clcnn_error_message(void);

/* "0.1.0" of the library at run time (the macros above tell what was compiled against). */
CLCNN_API const char *clcnn_version(void);

/* Frees a string or array that a clcnn function says must be freed with clcnn_free.
 * NULL is allowed. Thread-safe. */
CLCNN_API void clcnn_free(void *pointer);

#ifdef __cplusplus
}
#endif
#endif
