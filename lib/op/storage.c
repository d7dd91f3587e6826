#include "op/storage.h"
#include "base/memory.h"

enum clcnn_status clcnn_storage_check(enum clcnn_dtype storage, const char *op)
{
    if (storage == CLCNN_DTYPE_FLOAT32 || storage == CLCNN_DTYPE_FLOAT16)
        return CLCNN_STATUS_OK;
    return clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT,
                      "%s: storage %s (%d) is neither float32 nor float16", op,
                      clcnn_dtype_name(storage), (int)storage);
}

enum clcnn_status clcnn_storage_fail(const char *op, const char *what)
{
    return clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "%s: %s stores float32 alone", op, what);
}

const char *clcnn_storage_option(enum clcnn_dtype storage)
{
    return storage == CLCNN_DTYPE_FLOAT16 ? "-DSTORAGE_HALF=1" : "";
}

bool clcnn_storage_bytes(int64_t count, enum clcnn_dtype storage, size_t *bytes)
{
    return count > 0 && clcnn_multiply((size_t)count, clcnn_dtype_size(storage), bytes);
}
