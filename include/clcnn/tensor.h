/* Shapes and host tensors (no OpenCL here).
 *
 * A tensor is a dense row-major array in host memory: element (i0, ..., i[r-1]) of shape
 * (d0, ..., d[r-1]) lies at ((i0 * d1 + i1) * d2 + ...). Images are NHWC (channels last).
 * A tensor may be read by several threads at once, written by one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_TENSOR_H
#define CLCNN_TENSOR_H

#include <clcnn/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLCNN_MAX_RANK 8

/* A dimension whose size is known only when a batch arrives ("None" in Keras's tables). */
#define CLCNN_DIM_BATCH (-1)

enum clcnn_dtype {
    CLCNN_DTYPE_FLOAT32 = 0,
    CLCNN_DTYPE_FLOAT16,
    CLCNN_DTYPE_FLOAT64,
    CLCNN_DTYPE_UINT8,
    CLCNN_DTYPE_INT32,
    CLCNN_DTYPE_INT64,
};

struct clcnn_shape {
    int rank;                    /* 0 (a scalar) .. CLCNN_MAX_RANK */
    int64_t dim[CLCNN_MAX_RANK]; /* outermost first */
};

struct clcnn_tensor;

/* Bytes of one element; 0 for a value outside the enum. */
CLCNN_API size_t clcnn_dtype_size(enum clcnn_dtype dtype);

/* "float32", "uint8", ...; "unknown" for a value outside the enum. Static storage. */
CLCNN_API const char *clcnn_dtype_name(enum clcnn_dtype dtype);

/* Number of elements: the product of the dimensions (1 for rank 0), or -1 if a dimension is
 * negative, the shape is NULL, the rank is out of range or the product exceeds INT64_MAX. */
CLCNN_API int64_t clcnn_shape_count(const struct clcnn_shape *shape);

/* Makes a tensor of zeros. The caller destroys it.
 * Requires: a known dtype, 0 <= rank <= CLCNN_MAX_RANK, dimensions >= 0.
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_tensor_create(enum clcnn_dtype dtype,
                                                const struct clcnn_shape *shape,
                                                struct clcnn_tensor **out);

/* Frees it and sets *tensor to NULL; NULL and a pointer to NULL are allowed. */
CLCNN_API void clcnn_tensor_destroy(struct clcnn_tensor **tensor);

/* The type, the shape (owned by the tensor), the number of elements and their bytes. Of NULL:
 * FLOAT32, NULL, 0 and 0. */
CLCNN_API enum clcnn_dtype clcnn_tensor_dtype(const struct clcnn_tensor *tensor);
CLCNN_API const struct clcnn_shape *clcnn_tensor_shape(const struct clcnn_tensor *tensor);
CLCNN_API int64_t clcnn_tensor_count(const struct clcnn_tensor *tensor);
CLCNN_API size_t clcnn_tensor_bytes(const struct clcnn_tensor *tensor);

/* The elements; owned by the tensor, valid until it is destroyed. Aligned to 64 bytes. NULL of
 * NULL. */
CLCNN_API void *clcnn_tensor_data(struct clcnn_tensor *tensor);
CLCNN_API const void *clcnn_tensor_const_data(const struct clcnn_tensor *tensor);

#ifdef __cplusplus
}
#endif
#endif
