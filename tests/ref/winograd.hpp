/* What the error bounds of Winograd convolutions are relative to (<clcnn/conv2d.h>,
 * clcnn_conv2d_error_bound), in double precision. Stride and dilation 1. */
#ifndef CLCNN_TESTS_REF_WINOGRAD_HPP
#define CLCNN_TESTS_REF_WINOGRAD_HPP

#include "ref/conv2d.hpp"

/* For each element of y, by tiles m x m: sum over c of (max |x_c| of the tile's patch) (sum over r,
 * s of |w_rsc|). */
std::vector<double> ref_winograd_forward(const ref_conv2d &shape, const std::vector<float> &x,
                                         const std::vector<float> &w, int m);
/* The same of the convolution of dy with the turned filter. */
std::vector<double> ref_winograd_backward_data(const ref_conv2d &shape,
                                               const std::vector<float> &dy,
                                               const std::vector<float> &w, int m);
/* For each element of dw: sum over tiles of (max |x_c| of the patch) (sum of |dy_k| in the
 * tile). */
std::vector<double> ref_winograd_backward_filter(const ref_conv2d &shape,
                                                 const std::vector<float> &x,
                                                 const std::vector<float> &dy, int m);

#endif
