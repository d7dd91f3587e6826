/* The type that operations keep tensors in (`storage` in their parameters): float32 or float16.
 * What they compute is float32 in both. */
#ifndef CLCNN_OP_STORAGE_H
#define CLCNN_OP_STORAGE_H

#include "base/status.h"
#include <clcnn/tensor.h>
#include <stdbool.h>

/* INVALID_ARGUMENT unless it is one of the two. */
enum clcnn_status clcnn_storage_check(enum clcnn_dtype storage, const char *op);

/* UNSUPPORTED, for what works on float32 alone ("dense: backward_data stores float32 alone"). */
enum clcnn_status clcnn_storage_fail(const char *op, const char *what);

/* The option of programs whose tensors are `stored` (cl/common.cl). */
const char *clcnn_storage_option(enum clcnn_dtype storage);

/* The bytes of `count` elements; false if the count is not positive or they do not fit. */
bool clcnn_storage_bytes(int64_t count, enum clcnn_dtype storage, size_t *bytes);

#endif
