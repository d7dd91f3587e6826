/* Made-up tensors in float32 or float16 storage. */
#ifndef CLCNN_CLI_BENCH_STORED_H
#define CLCNN_CLI_BENCH_STORED_H

#include "bench.h"

/* bench_value, in float16 cut to ten binary places, so that both storages hold it exactly. */
float stored_value(enum clcnn_dtype storage, uint64_t seed, int64_t index);

/* A buffer of `count` such values. */
enum clcnn_status stored_buffer(struct clcnn_device *device, enum clcnn_dtype storage,
                                uint64_t seed, int64_t count, struct clcnn_buffer **out);

/* The elements of a buffer as float32. BLOCKS. */
enum clcnn_status stored_read(struct clcnn_device *device, enum clcnn_dtype storage,
                              const struct clcnn_buffer *buffer, int64_t count, float *values);

#endif
