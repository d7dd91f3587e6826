/* Image decoders. Each takes a whole file in memory and gives uint8 [height][width][n] with n = 1
 * gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. Messages do not name the file. */
#ifndef CLCNN_IO_IMAGE_H
#define CLCNN_IO_IMAGE_H

#include "base/status.h"
#include <clcnn/tensor.h>

#define CLCNN_MAX_PIXELS ((int64_t)1 << 28)

/* Errors: FORMAT (no pixels, or more than CLCNN_MAX_PIXELS), OUT_OF_MEMORY. */
enum clcnn_status clcnn_image_create(int64_t height, int64_t width, int channels,
                                     struct clcnn_tensor **out);

/* Errors: FORMAT, UNSUPPORTED (compiled without the library), OUT_OF_MEMORY. */
enum clcnn_status clcnn_pnm_decode(const unsigned char *data, size_t size,
                                   struct clcnn_tensor **out);
enum clcnn_status clcnn_png_decode(const unsigned char *data, size_t size,
                                   struct clcnn_tensor **out);
enum clcnn_status clcnn_jpeg_decode(const unsigned char *data, size_t size,
                                    struct clcnn_tensor **out);

#endif
