/* Data sets and images in host memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_DATA_H
#define CLCNN_DATA_H

#include <clcnn/tensor.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Images with one label each: x[count][H][W][C] uint8, labels int32[count] in [0, classes). */
struct clcnn_dataset {
    struct clcnn_tensor *x;      /* uint8 (used as value / 255) or float32, first dimension = count */
    struct clcnn_tensor *labels; /* int32 [count] */
    int classes;                 /* number of classes: one more than the largest label */
    const char *const *names;    /* class names if known, `classes` of them; else NULL. Static */
};

/* Frees the tensors and zeroes the struct; NULL allowed. */
CLCNN_API void clcnn_dataset_clear(struct clcnn_dataset *dataset);

/* Reads an IDX file (LeCun's format, big-endian; unsigned byte elements; ".gz" is unpacked) of
 * rank 1 to 4 as a uint8 tensor of the file's shape.
 * Errors: IO; FORMAT: wrong magic, type or rank, size that does not match the file, trailing bytes;
 * the message names the file, the values and the rule; OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_idx_read(const char *path, struct clcnn_tensor **out);

/* One half of a data set. `source`: "fashion-mnist" (Debian's dataset-fashion-mnist), or a directory
 * with {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]. `limit`: at most so many images, 0 = all.
 * Rank-3 files become x[count][H][W][1].
 * Errors: as clcnn_idx_read; INVALID_ARGUMENT; the message says which package or file is missing. */
CLCNN_API enum clcnn_status clcnn_dataset_load(const char *source, bool test, int64_t limit,
                                               struct clcnn_dataset *out);

/* Reads a PNG, JPEG, PGM or PPM image as uint8 [height][width][channels], channels 1 or 3 as asked.
 * Which formats were compiled in is told by clcnn_image_formats().
 * Errors: IO, FORMAT, UNSUPPORTED (compiled without the library), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_image_read(const char *path, int channels,
                                             struct clcnn_tensor **out);
CLCNN_API const char *clcnn_image_formats(void); /* e.g. "PGM PPM PNG JPEG" */

/* Resizes by area averaging (down) or bilinear interpolation (up) to uint8 [height][width][channels].
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_image_resize(const struct clcnn_tensor *image, int height,
                                               int width, struct clcnn_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
