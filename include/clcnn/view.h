/* Views: which elements of a buffer a tensor is, in which order.
 *
 * Element (i0, ..., i[r-1]) of a view lies at offset + i0 stride[0] + ... + i[r-1] stride[r-1] of
 * the buffer, counted in elements. A stride of 0 repeats (broadcasting), a negative one reverses.
 * The operations on views (<clcnn/map.h> and its neighbours) take every operand by such a
 * description, so that a transpose, a slice, a broadcast, or one part of a concatenation or a split
 * costs no kernel and no copy:
 *
 *   Transpose        copy(permute(x) -> y)
 *   Slice, Split     copy(slice(x) -> y)                   or no copy: use slice(x) as operand
 *   Concat           copy(x_i -> slice(y)), once per input
 *   Expand           copy(broadcast(x) -> y)
 *   Tile             copy(x as (1, d0, 1, d1, ...), broadcast to (t0, d0, t1, d1, ...) -> y)
 *   DepthToSpace,    copy(permute(reshape(x)) -> y)
 *   SpaceToDepth
 *
 * All functions here are plain arithmetic on the host, thread-safe, and leave *out as it was if
 * they fail; `out` may be the view that is read. Errors: INVALID_ARGUMENT (a rank outside
 * 0 .. CLCNN_MAX_RANK, a size < 0, a number of elements or an offset that does not fit in 63 bits),
 * and what is said below.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_VIEW_H
#define CLCNN_VIEW_H

#include <clcnn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_buffer; /* <clcnn/device.h> */

struct clcnn_view {
    int rank;                       /* 0 (one element) .. CLCNN_MAX_RANK */
    int64_t size[CLCNN_MAX_RANK];   /* outermost first */
    int64_t stride[CLCNN_MAX_RANK]; /* in elements */
    int64_t offset;                 /* of element (0, ..., 0), in elements */
};

/* An operand on the device: the elements `view` of `buffer`. An output's view must not have two
 * indices for one element. */
struct clcnn_array {
    struct clcnn_buffer *buffer;
    struct clcnn_view view;
};

/* The whole of a dense row-major tensor, as in <clcnn/tensor.h>. */
CLCNN_API enum clcnn_status clcnn_view_dense(const struct clcnn_shape *shape,
                                             struct clcnn_view *out);

/* Number of elements; -1 if the view is NULL or not a legal one. */
CLCNN_API int64_t clcnn_view_count(const struct clcnn_view *view);

/* The first and the last element of the buffer that the view touches. Of an empty view: the offset
 * and the one before it. */
CLCNN_API enum clcnn_status clcnn_view_range(const struct clcnn_view *view, int64_t *first,
                                             int64_t *last);

/* Dimension i of the result is dimension axes[i]. axes NULL = all of them in reverse order.
 * Requires: `axes` a permutation of 0 .. rank - 1. */
CLCNN_API enum clcnn_status clcnn_view_permute(const struct clcnn_view *view, const int *axes,
                                               struct clcnn_view *out);

/* Along `axis` (negative: from the end) the `count` elements start, start + step, ...; step may be
 * negative. Requires: all of them inside the axis. */
CLCNN_API enum clcnn_status clcnn_view_slice(const struct clcnn_view *view, int axis, int64_t start,
                                             int64_t step, int64_t count, struct clcnn_view *out);

/* The view stretched to `shape` by NumPy's rules: aligned at the last dimension, missing dimensions
 * and those of size 1 repeat. Requires: every other size equal to the shape's. */
CLCNN_API enum clcnn_status clcnn_view_broadcast(const struct clcnn_view *view,
                                                 const struct clcnn_shape *shape,
                                                 struct clcnn_view *out);

/* The same elements in row-major order with another shape. UNSUPPORTED if no strides can say it (a
 * transposed matrix as a vector): copy first. Requires: the same number of elements. */
CLCNN_API enum clcnn_status clcnn_view_reshape(const struct clcnn_view *view,
                                               const struct clcnn_shape *shape,
                                               struct clcnn_view *out);

/* The shape to which the `count` shapes broadcast together, by NumPy's rules. */
CLCNN_API enum clcnn_status clcnn_shape_broadcast(const struct clcnn_shape *shapes, size_t count,
                                                  struct clcnn_shape *out);

#ifdef __cplusplus
}
#endif
#endif
