#ifndef CLCNN_IO_IDX_H
#define CLCNN_IO_IDX_H

#include "base/status.h"
#include <clcnn/tensor.h>
#include <stdbool.h>

struct clcnn_idx_options {
    int64_t limit;    /* at most so many items of the first axis; 0 = all */
    bool add_channel; /* a tensor of rank 3 gets a last axis of length 1 */
};

/* As clcnn_idx_read. All of the file is read and checked, whatever the limit; *count (if not NULL)
 * is the number of items in the file. */
enum clcnn_status clcnn_idx_load(const char *path, const struct clcnn_idx_options *options,
                                 struct clcnn_tensor **out, int64_t *count);

#endif
