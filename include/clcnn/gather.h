/* Gathering: elements of x chosen by a tensor of indices.
 *
 *   slices:    y[i.., j.., k..] = x[i.., index[j..], k..]           i before the axis, k behind it
 *   elements:  y[i.., j, k..]   = x[i.., index[i.., j, k..], k..]   x, index and y of one rank
 *
 * An index below 0 counts from the end. One outside the axis is taken for the nearest one inside:
 * nothing outside x is ever read. (Who knows the indices beforehand should check them then.)
 * One-hot is EQUAL with a row of consecutive numbers, and WHERE (<clcnn/map.h>).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_GATHER_H
#define CLCNN_GATHER_H

#include <clcnn/device.h>
#include <clcnn/view.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_gather_params {
    enum clcnn_dtype type;  /* of x and y: all but FLOAT64 */
    enum clcnn_dtype index; /* INT32 or INT64 */
    bool elements;          /* an index for each element, not for each slice */
};

struct clcnn_gather;

/* An op is used by one thread at a time and keeps the device alive.
 * Errors: INVALID_ARGUMENT; UNSUPPORTED (FLOAT64); DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_gather_create(struct clcnn_device *device,
                                                const struct clcnn_gather_params *params,
                                                struct clcnn_gather **out);
CLCNN_API void clcnn_gather_destroy(struct clcnn_gather **op);

/* Along `axis` of x (negative: from the end). Asynchronous. An empty y does nothing.
 * Requires: slices: y's shape is x's with the axis replaced by the index's shape; elements: y's
 * shape is the index's, whose sizes but that of the axis are at most x's; an axis of x that is not
 * empty; y with distinct elements, fewer than 2^31; views inside their buffers, which begin at a
 * multiple of the element's size; no common range of elements of y and the others.
 * Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_gather_forward(struct clcnn_gather *op, int axis,
                                                 const struct clcnn_array *x,
                                                 const struct clcnn_array *index,
                                                 const struct clcnn_array *y,
                                                 const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
