#include "base/memory.h"
#include "base/status.h"
#include <clcnn/tensor.h>
#include <stdlib.h>
#include <string.h>

struct clcnn_tensor {
    enum clcnn_dtype dtype;
    struct clcnn_shape shape;
    int64_t count;
    size_t bytes;
    void *data;
};

#define ALIGNMENT 64

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [CLCNN_DTYPE_FLOAT32] = {"float32", 4}, [CLCNN_DTYPE_FLOAT16] = {"float16", 2},
    [CLCNN_DTYPE_FLOAT64] = {"float64", 8}, [CLCNN_DTYPE_UINT8] = {"uint8", 1},
    [CLCNN_DTYPE_INT32] = {"int32", 4},     [CLCNN_DTYPE_INT64] = {"int64", 8},
};

static int known(enum clcnn_dtype dtype)
{
    return (size_t)dtype < sizeof(dtypes) / sizeof(dtypes[0]);
}

size_t clcnn_dtype_size(enum clcnn_dtype dtype)
{
    return known(dtype) ? dtypes[dtype].size : 0;
}

const char *clcnn_dtype_name(enum clcnn_dtype dtype)
{
    return known(dtype) ? dtypes[dtype].name : "unknown";
}

int64_t clcnn_shape_count(const struct clcnn_shape *shape)
{
    int64_t count = 1;
    int empty = 0;
    if (!shape || shape->rank < 0 || shape->rank > CLCNN_MAX_RANK)
        return -1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0)
            return -1;
        if (shape->dim[i] == 0)
            empty = 1;
        else if (__builtin_mul_overflow(count, shape->dim[i], &count))
            return -1;
    }
    return empty ? 0 : count;
}

enum clcnn_status clcnn_tensor_create(enum clcnn_dtype dtype, const struct clcnn_shape *shape,
                                      struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    REQUIRE(out, "tensor: out is NULL");
    *out = NULL;
    REQUIRE(shape, "tensor: shape is NULL");
    REQUIRE(known(dtype), "tensor: dtype %d is unknown", (int)dtype);
    int64_t count = clcnn_shape_count(shape);
    REQUIRE(count >= 0, "tensor: rank %d is not in 0..%d, or a dimension is negative or too large",
            shape->rank, CLCNN_MAX_RANK);
    TRY(clcnn_alloc(1, sizeof(*tensor), &tensor));
    tensor->dtype = dtype;
    tensor->shape = *shape;
    tensor->count = count;
    size_t padded = 0;
    if (clcnn_multiply((size_t)count, dtypes[dtype].size, &tensor->bytes) &&
        clcnn_sum(tensor->bytes, ALIGNMENT, &padded))
        tensor->data = aligned_alloc(ALIGNMENT, padded / ALIGNMENT * ALIGNMENT);
    if (!tensor->data)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "tensor: %lld elements of %s", (long long)count,
                       dtypes[dtype].name));
    memset(tensor->data, 0, tensor->bytes);
    *out = tensor;
    tensor = NULL;
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

void clcnn_tensor_destroy(struct clcnn_tensor **tensor)
{
    if (!tensor || !*tensor)
        return;
    free((*tensor)->data);
    free(*tensor);
    *tensor = NULL;
}

enum clcnn_dtype clcnn_tensor_dtype(const struct clcnn_tensor *tensor)
{
    return tensor ? tensor->dtype : CLCNN_DTYPE_FLOAT32;
}

const struct clcnn_shape *clcnn_tensor_shape(const struct clcnn_tensor *tensor)
{
    return tensor ? &tensor->shape : NULL;
}

int64_t clcnn_tensor_count(const struct clcnn_tensor *tensor)
{
    return tensor ? tensor->count : 0;
}

size_t clcnn_tensor_bytes(const struct clcnn_tensor *tensor)
{
    return tensor ? tensor->bytes : 0;
}

void *clcnn_tensor_data(struct clcnn_tensor *tensor)
{
    return tensor ? tensor->data : NULL;
}

const void *clcnn_tensor_const_data(const struct clcnn_tensor *tensor)
{
    return tensor ? tensor->data : NULL;
}
