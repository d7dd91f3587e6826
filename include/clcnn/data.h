/* Data sets and images in host memory.
 *
 * Files are not trusted: what a header promises is held against the file's size before memory is
 * asked for, and damage is an error with its reason, never a picture that is partly grey. Only
 * regular files are read. All functions block, and may be called from any thread.
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
    struct clcnn_tensor *x;      /* [count]...: uint8 (used as value / 255) or float32 */
    struct clcnn_tensor *labels; /* int32 [count] */
    int classes;                 /* one more than the file's largest label (10 for Fashion-MNIST) */
    const char *const *names;    /* class names if known, `classes` of them; else NULL. Static */
};

/* Frees the tensors and zeroes the struct; NULL allowed. */
CLCNN_API void clcnn_dataset_clear(struct clcnn_dataset *dataset);

/* Reads an IDX file (LeCun's format, big-endian; unsigned byte elements; gzip, told by its first
 * bytes, is unpacked) of rank 1 to 4 as a uint8 tensor of the file's shape. The caller destroys it.
 * Errors: INVALID_ARGUMENT; IO; FORMAT: wrong magic, type or rank, size that does not match the
 * file, trailing bytes, damaged or truncated gzip; the message names the file, the values and the
 * rule; UNSUPPORTED (gzip, and compiled without zlib); OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_idx_read(const char *path, struct clcnn_tensor **out);

/* One half of a data set. `source`: "fashion-mnist" (Debian's dataset-fashion-mnist, sought as
 * datasets/fashion-mnist in the directories of XDG_DATA_DIRS, else in /usr/local/share and
 * /usr/share), or a directory with {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]. `limit`: at
 * most so many images, 0 = all; the files are read and checked whole all the same.
 * Rank-3 files become x[count][H][W][1]. The caller clears *out, which is zeroed on an error.
 * Errors: as clcnn_idx_read (FORMAT also if there are no images, or not one label for each);
 * INVALID_ARGUMENT (source NULL or empty, limit < 0); IO: the message says which package or file is
 * missing. */
CLCNN_API enum clcnn_status clcnn_dataset_load(const char *source, bool test, int64_t limit,
                                               struct clcnn_dataset *out);

/* Reads a PNG, JPEG, PGM or PPM image as uint8 [height][width][channels], channels 1 or 3 as asked.
 * The format is told by the contents, not by the name; clcnn_image_formats() tells which were
 * compiled in. Samples become 8 bits by rounding; transparency is composed on white; gray is ITU-R
 * BT.601's 0.299 R + 0.587 G + 0.114 B, and CMYK is multiplied out. Colour profiles and the
 * orientation of EXIF are left alone, as in Keras's load_img, whose pixels these are.
 * Requires: channels 1 or 3. The caller destroys *out.
 * Errors: INVALID_ARGUMENT, IO, FORMAT (damaged, or more than 2^28 pixels), UNSUPPORTED (compiled
 * without the library), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_image_read(const char *path, int channels,
                                             struct clcnn_tensor **out);

/* E.g. "PGM PPM PNG JPEG". Static storage. */
CLCNN_API const char *clcnn_image_formats(void);

/* Resizes to uint8 [height][width][channels], each axis by area averaging (down) or by bilinear
 * interpolation between pixel centres (up). Computed in whole numbers and rounded once, halves up:
 * the same bits on every machine. The caller destroys *out.
 * Requires: a uint8 image [H][W][C] with pixels; height, width > 0; at most 2^28 pixels on both
 * sides. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_image_resize(const struct clcnn_tensor *image, int height,
                                               int width, struct clcnn_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
