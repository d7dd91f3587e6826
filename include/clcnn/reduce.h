/* Reductions of views: sums, means, extremes, norms, and where the extremes are.
 *
 *   y[k] = f(x[k, i] for all i)
 *
 * Which dimensions are reduced is said by the shapes: x and y have the same rank, and a dimension
 * in which y has size 1 is reduced ("keepdims"; a y without them is the same buffer with another
 * view). A dimension in which both have size 1 is reduced too, of one element.
 *
 * Sums of floats are taken in float32 in a fixed order, in blocks, so that the error grows slowly
 * with the number of elements. A NaN among the elements gives NaN, also of max and min; arg_max and
 * arg_min take it for the extreme. Of no elements, the sum is 0, the product 1, the maximum
 * -infinity (the type's least value), the minimum the reverse, the mean 0/0.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_REDUCE_H
#define CLCNN_REDUCE_H

#include <clcnn/device.h>
#include <clcnn/view.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_reduction {
    CLCNN_REDUCTION_SUM = 0,
    CLCNN_REDUCTION_MEAN, /* of integers toward zero */
    CLCNN_REDUCTION_MAX,
    CLCNN_REDUCTION_MIN,
    CLCNN_REDUCTION_PROD,
    CLCNN_REDUCTION_L1,          /* sum |x| */
    CLCNN_REDUCTION_L2,          /* floats: sqrt(sum x^2) */
    CLCNN_REDUCTION_SUM_SQUARE,  /* sum x^2 */
    CLCNN_REDUCTION_LOG_SUM,     /* floats: log(sum x) */
    CLCNN_REDUCTION_LOG_SUM_EXP, /* floats: log(sum e^x), without overflow */
    CLCNN_REDUCTION_ARG_MAX,     /* index of the maximum along one dimension */
    CLCNN_REDUCTION_ARG_MIN,
    CLCNN_REDUCTION_COUNT, /* how many there are */
};

struct clcnn_reduce_params {
    enum clcnn_reduction reduction;
    enum clcnn_dtype type;  /* of x, and of y except of the indices: all but FLOAT64 */
    enum clcnn_dtype index; /* of y of ARG_MAX and ARG_MIN: INT32 or INT64; otherwise ignored */
    bool last_index; /* ARG_MAX, ARG_MIN: the last of several equal extremes, not the first */
};

struct clcnn_reduce;

/* "log_sum_exp", ...; "unknown" for a value outside the enum. Static storage. */
CLCNN_API const char *clcnn_reduction_name(enum clcnn_reduction reduction);

/* An op is used by one thread at a time and keeps the device alive.
 * Errors: INVALID_ARGUMENT (a reduction of floats of another type, an index that is no integer);
 * UNSUPPORTED (FLOAT64); DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_reduce_create(struct clcnn_device *device,
                                                const struct clcnn_reduce_params *params,
                                                struct clcnn_reduce **out);
CLCNN_API void clcnn_reduce_destroy(struct clcnn_reduce **op);

/* Asynchronous. An empty y does nothing.
 * Requires: equal ranks; each size of y is 1 or x's; y with distinct elements, x with fewer than
 * 2^31; views inside their buffers, which begin at a multiple of the element's size; x and y
 * without a common range of elements. ARG_MAX, ARG_MIN: one dimension at most is reduced from
 * another size than 1, and not from 0; MEAN of integers: not from 0.
 * Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_reduce_forward(struct clcnn_reduce *op,
                                                 const struct clcnn_array *x,
                                                 const struct clcnn_array *y,
                                                 const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
