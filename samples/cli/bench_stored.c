#include "bench_stored.h"
#include <math.h>
#include <stdlib.h>

float stored_value(enum clcnn_dtype storage, uint64_t seed, int64_t index)
{
    float value = bench_value(seed, index);
    return storage == CLCNN_DTYPE_FLOAT16 ? floorf(value * 1024.0f) / 1024.0f : value;
}

/* Between a buffer in the storage and one of float32. */
static enum clcnn_status convert(struct clcnn_device *device, enum clcnn_dtype storage, bool widen,
                                 int64_t count, const struct clcnn_buffer *from,
                                 struct clcnn_buffer *to)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_elementwise *op = NULL;
    const struct clcnn_elementwise_params params = {.storage = storage};
    CLI_TRY(clcnn_elementwise_create(device, &params, &op));
    CLI_TRY(clcnn_elementwise_convert(op, widen, count, from, to, NULL));
    CLI_TRY(clcnn_device_finish(device));
done:
    clcnn_elementwise_destroy(&op);
    return status;
}

enum clcnn_status stored_buffer(struct clcnn_device *device, enum clcnn_dtype storage,
                                uint64_t seed, int64_t count, struct clcnn_buffer **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer *wide = NULL;
    size_t bytes = (size_t)count * sizeof(float);
    float *values = malloc(bytes);
    if (!values)
        return CLCNN_STATUS_OUT_OF_MEMORY;
    for (int64_t i = 0; i < count; i++)
        values[i] = stored_value(storage, seed, i);
    CLI_TRY(clcnn_buffer_create(device, bytes, &wide));
    CLI_TRY(clcnn_buffer_write(wide, 0, bytes, values, NULL));
    if (storage == CLCNN_DTYPE_FLOAT32) {
        *out = wide;
        wide = NULL;
    } else {
        CLI_TRY(clcnn_buffer_create(device, (size_t)count * clcnn_dtype_size(storage), out));
        CLI_TRY(convert(device, storage, false, count, wide, *out));
    }
done:
    clcnn_buffer_destroy(&wide);
    free(values);
    return status;
}

enum clcnn_status stored_read(struct clcnn_device *device, enum clcnn_dtype storage,
                              const struct clcnn_buffer *buffer, int64_t count, float *values)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_buffer *wide = NULL;
    size_t bytes = (size_t)count * sizeof(float);
    if (storage == CLCNN_DTYPE_FLOAT32)
        return clcnn_buffer_read(buffer, 0, bytes, values, NULL);
    CLI_TRY(clcnn_buffer_create(device, bytes, &wide));
    CLI_TRY(convert(device, storage, true, count, buffer, wide));
    CLI_TRY(clcnn_buffer_read(wide, 0, bytes, values, NULL));
done:
    clcnn_buffer_destroy(&wide);
    return status;
}
