/* Resizing of views: nearest neighbour, linear and cubic interpolation along up to three
 * dimensions.
 *
 *   y[k, o] = sum over taps t of the product of w_d[o_d][t_d] x[k, i_d[o_d][t_d]] over dimensions d
 *
 * Indices and weights of each resized dimension are tables made in double when the op is created,
 * so the arithmetic is the same for all modes: 1 tap (nearest), 2 (linear) or 4 (cubic) a
 * dimension. Element o of n_out corresponds to the place x(o) of n_in, with the scale
 * s = n_out / n_in unless one is given:
 *
 *   half_pixel            (o + 1/2) / s - 1/2
 *   half_pixel_symmetric  n_in/2 (1 - n_out/(s n_in)) + half_pixel
 *   pytorch_half_pixel    the same as half_pixel; 0 if n_out = 1
 *   align_corners         o (n_in - 1) / (n_out - 1); 0 if n_out = 1
 *   asymmetric            o / s
 *   tf_half_pixel_for_nn  (o + 1/2) / s
 *   tf_crop_and_resize    start (n_in - 1) + o (end - start) (n_in - 1) / (n_out - 1);
 *                         (start + end) (n_in - 1) / 2 if n_out = 1
 *
 * Taps outside x are taken from its border. Cubic: Keys, "Cubic convolution interpolation for
 * digital image processing", IEEE ASSP 29, 1981, equation 4, with a = cubic_a.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_RESIZE_H
#define CLCNN_RESIZE_H

#include <clcnn/device.h>
#include <clcnn/view.h>

#ifdef __cplusplus
extern "C" {
#endif

enum clcnn_resize_mode {
    CLCNN_RESIZE_MODE_NEAREST = 0,
    CLCNN_RESIZE_MODE_LINEAR,
    CLCNN_RESIZE_MODE_CUBIC,
};

enum clcnn_resize_place {
    CLCNN_RESIZE_PLACE_HALF_PIXEL = 0,
    CLCNN_RESIZE_PLACE_HALF_PIXEL_SYMMETRIC,
    CLCNN_RESIZE_PLACE_PYTORCH_HALF_PIXEL,
    CLCNN_RESIZE_PLACE_ALIGN_CORNERS,
    CLCNN_RESIZE_PLACE_ASYMMETRIC,
    CLCNN_RESIZE_PLACE_TF_HALF_PIXEL_FOR_NN,
    CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE,
};

enum clcnn_resize_round {
    CLCNN_RESIZE_ROUND_PREFER_FLOOR = 0, /* to the nearest, halves down */
    CLCNN_RESIZE_ROUND_PREFER_CEIL,      /* to the nearest, halves up */
    CLCNN_RESIZE_ROUND_FLOOR,
    CLCNN_RESIZE_ROUND_CEIL,
};

struct clcnn_resize_params {
    enum clcnn_resize_mode mode;
    enum clcnn_resize_place place;
    enum clcnn_resize_round round; /* NEAREST */
    enum clcnn_dtype type;         /* of x and y: FLOAT32 or FLOAT16 */
    struct clcnn_shape input, output;
    double scale[CLCNN_MAX_RANK]; /* 0 = output / input. A dimension with the same sizes and a scale
                                     of 0 or 1 is not resized (TF_CROP_AND_RESIZE: and with the
                                     region 0 .. 1) */
    double start[CLCNN_MAX_RANK], end[CLCNN_MAX_RANK]; /* TF_CROP_AND_RESIZE, of 0 .. 1 */
    float extrapolation;                               /* TF_CROP_AND_RESIZE: what is outside x */
    double cubic_a;                                    /* CUBIC; 0 = -0.75 */
    bool exclude_outside; /* CUBIC: taps outside x have no weight, the others more */
};

struct clcnn_resize;

/* The sizes of the resized dimensions are fixed; the others may be smaller in a call (a batch). An
 * op is used by one thread at a time and keeps the device alive. BLOCKS while tables are written.
 * Requires: equal ranks; positive sizes; at most three resized dimensions; finite scales >= 0.
 * Errors: INVALID_ARGUMENT; UNSUPPORTED (more than three dimensions); DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_resize_create(struct clcnn_device *device,
                                                const struct clcnn_resize_params *params,
                                                struct clcnn_resize **out);
CLCNN_API void clcnn_resize_destroy(struct clcnn_resize **op);

/* Asynchronous. Empty arrays do nothing.
 * Requires: x and y have the sizes given to create in the resized dimensions, and equal ones in the
 * others; y with distinct elements, fewer than 2^31; views inside their buffers, which begin at a
 * multiple of the element's size; no common range of elements.
 * Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_resize_forward(struct clcnn_resize *op,
                                                 const struct clcnn_array *x,
                                                 const struct clcnn_array *y,
                                                 const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
