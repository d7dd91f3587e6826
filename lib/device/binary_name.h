/* What the file of a program's binary is called. */
#ifndef CLCNN_DEVICE_BINARY_NAME_H
#define CLCNN_DEVICE_BINARY_NAME_H

#include "base/status.h"

/* "gemm-TILE=4,BIAS.bin" for program gemm with "-DTILE=4 -DBIAS"; options that are
 * long or hold other characters end in their hash. Freed with free(). */
enum clcnn_status clcnn_binary_name(const char *program, const char *options, char **name);

#endif
