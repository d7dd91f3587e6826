/* Add, concatenate, dropout, layout conversion: operations on whole tensors that do no arithmetic
 * worth a file of their own. One op object serves all of them on a device.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_ELEMENTWISE_H
#define CLCNN_ELEMENTWISE_H

#include <clcnn/activation.h>
#include <clcnn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_elementwise;

struct clcnn_elementwise_params {
    enum clcnn_dtype storage; /* of x, y, a, b: FLOAT32 (the default) or FLOAT16 */
};

/* params NULL = the defaults. An op is used by one thread at a time and keeps the device alive.
 * Errors: INVALID_ARGUMENT, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_elementwise_create(struct clcnn_device *device,
                                                     const struct clcnn_elementwise_params *params,
                                                     struct clcnn_elementwise **out);
CLCNN_API void clcnn_elementwise_destroy(struct clcnn_elementwise **op);

/* All are asynchronous. Common errors: INVALID_ARGUMENT (a count or size that is not positive, a
 * missing or too small buffer, buffers that share memory without being the same), DEVICE.
 * With FLOAT16 each result is that of float32, rounded to the nearest half (infinite from 65520
 * on). Sources: Srivastava et al., "Dropout", JMLR 15, 2014; Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011 (Philox). */

/* y[i] = value. UNSUPPORTED with FLOAT16. */
CLCNN_API enum clcnn_status clcnn_elementwise_fill(struct clcnn_elementwise *op, int64_t count,
                                                   float value, struct clcnn_buffer *y,
                                                   const struct clcnn_enqueue *enqueue);

/* y[i] = f(a[i] + b[i]), f a relu if `relu` (NaN stays). y may be a or b. Its gradient to a and to
 * b is dy. */
CLCNN_API enum clcnn_status clcnn_elementwise_add(struct clcnn_elementwise *op, int64_t count,
                                                  const struct clcnn_buffer *a,
                                                  const struct clcnn_buffer *b, bool relu,
                                                  struct clcnn_buffer *y,
                                                  const struct clcnn_enqueue *enqueue);

/* A block copy, y[i][y_offset + j] = x[i][x_offset + j], i < rows, j < columns, where the rows of x
 * and y are x_stride and y_stride elements apart. Concatenation over the last axis is one call per
 * input; so is its gradient. Requires: offset >= 0 and offset + columns <= stride for both; x and y
 * share no memory. */
CLCNN_API enum clcnn_status clcnn_elementwise_copy(struct clcnn_elementwise *op, int64_t rows,
                                                   int64_t columns, const struct clcnn_buffer *x,
                                                   int64_t x_stride, int64_t x_offset,
                                                   struct clcnn_buffer *y, int64_t y_stride,
                                                   int64_t y_offset,
                                                   const struct clcnn_enqueue *enqueue);

/* Inverted dropout: y[i] = u_i >= rate ? x[i] * s : 0, s = 1 / (1 - rate) rounded to float, with
 * u_i in [0, 1) from Philox4x32-10: word i mod 4, upper 24 bits, of key = seed and counter =
 * (i/4 low, i/4 high, step low, step high << 2), 32 bits each. So the same seed, step and i give
 * the same bits on every device. The gradient is the same call on dy. y may be x.
 * Requires: 0 <= rate < 1; step < 2^62. */
CLCNN_API enum clcnn_status clcnn_elementwise_dropout(struct clcnn_elementwise *op, int64_t count,
                                                      float rate, uint64_t seed, uint64_t step,
                                                      const struct clcnn_buffer *x,
                                                      struct clcnn_buffer *y,
                                                      const struct clcnn_enqueue *enqueue);

/* Layout conversion of images at the border of a plan:
 * to_nhwc: y[n][h][w][c] = x[n][c][h][w]; otherwise the reverse. x and y share no memory. */
CLCNN_API enum clcnn_status clcnn_elementwise_transpose(struct clcnn_elementwise *op, bool to_nhwc,
                                                        int batch, int channels, int height,
                                                        int width, const struct clcnn_buffer *x,
                                                        struct clcnn_buffer *y,
                                                        const struct clcnn_enqueue *enqueue);

/* y[i] = x[i] between float32 and the op's storage, in whichever direction: `widen` reads the
 * storage and writes float32. x and y share no memory. */
CLCNN_API enum clcnn_status clcnn_elementwise_convert(struct clcnn_elementwise *op, bool widen,
                                                      int64_t count, const struct clcnn_buffer *x,
                                                      struct clcnn_buffer *y,
                                                      const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
