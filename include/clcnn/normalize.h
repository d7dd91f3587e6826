/* Normalisations of views, for inference.
 *
 *   batch:   y = (x - mean) / sqrt(variance + epsilon) scale + bias, all four given per channel
 *   own:     the same with the mean and variance of x itself over the dimensions in `axes`:
 *            instance normalisation (all but the first two of N C H W), layer normalisation (the
 *            last ones), group normalisation (after a reshape of C to groups)
 *   local response (LRN):  y[c] = x[c] / (k + alpha/size sum_j x[j]^2)^beta,
 *            c - floor((size - 1) / 2) <= j <= c + ceil((size - 1) / 2), inside the channels
 *
 * Variances are means of squares of differences (not the unbiased ones). The batch normalisation of
 * a fixed network is better folded into the convolution before it, or into one MULTIPLY_ADD
 * (<clcnn/map.h>). A vector divided by its L1 or L2 norm is a reduction (<clcnn/reduce.h>) and a
 * DIV with broadcasting.
 * Sources: Ioffe, Szegedy, "Batch Normalization", ICML 2015, algorithm 2; Ulyanov et al., "Instance
 * Normalization", 2016; Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural
 * Networks", NIPS 2012, section 3.3.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_NORMALIZE_H
#define CLCNN_NORMALIZE_H

#include <clcnn/device.h>
#include <clcnn/view.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_normalization {
    CLCNN_NORMALIZATION_OWN = 0,
    CLCNN_NORMALIZATION_BATCH,
    CLCNN_NORMALIZATION_LOCAL_RESPONSE,
};

struct clcnn_normalize_params {
    enum clcnn_normalization normalization;
    enum clcnn_dtype type; /* of x, y and the vectors: FLOAT32 or FLOAT16; computed in float32 */
    unsigned axes;         /* OWN: bit i: dimension i is normalised over */
    float epsilon;         /* OWN, BATCH; 0 = 1e-5 */
    int axis;              /* LOCAL_RESPONSE: the channels' dimension */
    int size;              /* LOCAL_RESPONSE: channels of a window; 0 = 5 */
    float alpha, beta, k;  /* LOCAL_RESPONSE; 0 = 1e-4, 0.75, 1 */
};

struct clcnn_normalize;

/* An op is used by one thread at a time and keeps the device alive.
 * Requires: epsilon >= 0, size >= 0, k >= 0, alpha and beta finite; 0 <= axis < CLCNN_MAX_RANK.
 * Errors: INVALID_ARGUMENT, DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_normalize_create(struct clcnn_device *device,
                                                   const struct clcnn_normalize_params *params,
                                                   struct clcnn_normalize **out);
CLCNN_API void clcnn_normalize_destroy(struct clcnn_normalize **op);

/* What stands beside x, each broadcast to x's shape by NumPy's rules (so per-channel vectors of
 * N C H W have the shape (C, 1, 1)). */
struct clcnn_normalize_vectors {
    const struct clcnn_array *scale, *bias;    /* OWN: NULL = 1 and 0; BATCH: required */
    const struct clcnn_array *mean, *variance; /* BATCH: required */
};

/* Asynchronous. Empty arrays do nothing. y may be x (the same buffer and view), not with
 * LOCAL_RESPONSE. `vectors` may be NULL where none is required.
 * Requires: x and y of equal shape with fewer than 2^31 elements; axes and axis below the rank; y
 * with distinct elements; BATCH: four vectors of equal shape and strides; views inside their
 * buffers, which begin at a multiple of the element's size; otherwise no common range of elements
 * with y. Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_normalize_forward(struct clcnn_normalize *op,
                                                    const struct clcnn_array *x,
                                                    const struct clcnn_normalize_vectors *vectors,
                                                    const struct clcnn_array *y,
                                                    const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
