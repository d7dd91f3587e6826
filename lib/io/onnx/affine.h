/* Affine functions of the channels of images: batch normalisation at inference, and products and
 * sums with one constant per channel. */
#ifndef CLCNN_IO_ONNX_AFFINE_H
#define CLCNN_IO_ONNX_AFFINE_H

#include "io/onnx/import.h"

/* Whether clcnn_onnx_affine can: x is an image (N, C, L) or (N, C, H, W), or vectors (N, C) that a
 * dense layer made and nothing else reads. */
bool clcnn_onnx_affine_fits(const struct clcnn_onnx_node *node, const struct clcnn_onnx_value *x);

/* Output 0 = scale[c] x + shift[c]; NULL = ones, zeros. It goes into the convolution or dense layer
 * that made x if nothing else reads that, else it is a convolution of its own, 1x1 and one channel
 * per group. */
enum clcnn_status clcnn_onnx_affine(struct clcnn_onnx_node *node, const struct clcnn_onnx_value *x,
                                    const float *scale, const float *shift);

#endif
