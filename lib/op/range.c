#include "op/range.h"
#include "base/memory.h"

#define GROUPS_PER_UNIT 4
#define VECTOR          16

/* Floats that are worth a work-group: about 2 us of memory traffic. */
#define MINIMUM 4096

bool clcnn_is_gpu(const struct clcnn_device *device)
{
    return clcnn_device_family(device) == CLCNN_DEVICE_CLASS_GPU;
}

/* Chunks of a multiple of `unit`, so that only the last one has a partial vector. */
static struct clcnn_range share(const struct clcnn_device *device, int64_t count, int64_t minimum,
                                int64_t unit)
{
    int64_t most = (int64_t)clcnn_device_info(device)->compute_units * GROUPS_PER_UNIT;
    int64_t groups = clcnn_max(1, clcnn_min(most, count / clcnn_max(minimum, 1)));
    int64_t chunk = clcnn_round_up(clcnn_divide_up(count, groups), unit);
    return (struct clcnn_range){clcnn_divide_up(count, chunk), chunk, 1};
}

struct clcnn_range clcnn_range_items(const struct clcnn_device *device, int64_t count,
                                     int64_t minimum)
{
    if (clcnn_is_gpu(device))
        return (struct clcnn_range){clcnn_divide_up(count, CLCNN_GPU_GROUP), 1, CLCNN_GPU_GROUP};
    return share(device, count, minimum, VECTOR);
}

struct clcnn_range clcnn_range_rows(const struct clcnn_device *device, int64_t count,
                                    int64_t minimum)
{
    if (clcnn_is_gpu(device))
        return (struct clcnn_range){count, 1, CLCNN_GPU_GROUP};
    return share(device, count, minimum, 1);
}

struct clcnn_blocks clcnn_range_blocks(const struct clcnn_device *device, int64_t rows,
                                       int64_t columns, int64_t work, int64_t per_row)
{
    if (clcnn_is_gpu(device))
        return (struct clcnn_blocks){
            GRID1(rows * clcnn_divide_up(per_row, CLCNN_GPU_GROUP), CLCNN_GPU_GROUP), 1, 1};
    struct clcnn_range r = share(device, rows, MINIMUM / clcnn_max(work, 1), 1);
    int64_t units = clcnn_device_info(device)->compute_units;
    int64_t blocks = r.groups >= units ? 1 : clcnn_min(units, rows * work / MINIMUM);
    int64_t block = clcnn_round_up(clcnn_divide_up(columns, clcnn_max(blocks, 1)), VECTOR);
    return (struct clcnn_blocks){GRID2(r.groups, clcnn_divide_up(columns, block), 1, 1), r.chunk,
                                 block};
}

bool clcnn_float_bytes(int64_t count, size_t *bytes)
{
    return count > 0 && clcnn_multiply((size_t)count, sizeof(float), bytes);
}

enum clcnn_status clcnn_check_in_place(const struct clcnn_buffer *in,
                                       const struct clcnn_buffer *out, const char *op,
                                       const char *names)
{
    if (in->memory == out->memory && in->offset == out->offset)
        return CLCNN_STATUS_OK;
    return clcnn_check_apart(in, out, op, names);
}

enum clcnn_status clcnn_check_apart(const struct clcnn_buffer *in, const struct clcnn_buffer *out,
                                    const char *op, const char *names)
{
    if (in && out && clcnn_buffer_overlap(in, out))
        return clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "%s: %s share memory", op, names);
    return CLCNN_STATUS_OK;
}
