/* Sliding windows as ONNX describes them: convolution and pooling. */
#ifndef CLCNN_IO_ONNX_WINDOWS_H
#define CLCNN_IO_ONNX_WINDOWS_H

#include "io/onnx/import.h"

#define CLCNN_ONNX_MAX_AXES (CLCNN_MAX_RANK - 2)

struct clcnn_onnx_windows {
    int axes; /* spatial dimensions */
    int64_t input[CLCNN_ONNX_MAX_AXES], size[CLCNN_ONNX_MAX_AXES], stride[CLCNN_ONNX_MAX_AXES];
    int64_t dilation[CLCNN_ONNX_MAX_AXES], before[CLCNN_ONNX_MAX_AXES], after[CLCNN_ONNX_MAX_AXES];
    int64_t output[CLCNN_ONNX_MAX_AXES], pad_after[CLCNN_ONNX_MAX_AXES]; /* as the file pads */
    bool ceiled; /* `after` holds more than the file's pads */
};

/* Reads kernel_shape (or takes `filter`, the sizes of a filter that is given), strides, dilations,
 * pads, auto_pad and, if `pooling`, ceil_mode, for an input of shape (N, C, ...). `after` is what
 * the last window covers. Errors: FORMAT. */
enum clcnn_status clcnn_onnx_read_windows(struct clcnn_onnx_node *node,
                                          const struct clcnn_shape *input, const int64_t *filter,
                                          bool pooling, struct clcnn_onnx_windows *windows);

/* The same without outputs: `before` and `after` are the pads. */
enum clcnn_status clcnn_onnx_read_window_lists(struct clcnn_onnx_node *node,
                                               const struct clcnn_shape *input,
                                               const int64_t *filter,
                                               struct clcnn_onnx_windows *windows);

/* Output 0 (and the places of the maxima as output 1) by the general layers. */
enum clcnn_status clcnn_onnx_pool_nd(struct clcnn_onnx_node *node,
                                     const struct clcnn_onnx_windows *windows,
                                     const struct clcnn_pool_nd_params *params);
enum clcnn_status clcnn_onnx_conv_nd(struct clcnn_onnx_node *node,
                                     const struct clcnn_onnx_windows *windows, int64_t groups);

/* The two axes of 2-D windows as ints; 1-D windows are 2-D ones of height 1. Errors: UNSUPPORTED
 * (three axes or more). */
struct clcnn_onnx_windows2d {
    int input[2], size[2], strides[2], dilation[2], pads[4], output[2];
};
enum clcnn_status clcnn_onnx_windows_2d(const struct clcnn_onnx_windows *windows,
                                        struct clcnn_onnx_windows2d *out);

/* Output 0 = averages of windows of an image, padding counted as zeros: a convolution of one
 * channel per group. */
enum clcnn_status clcnn_onnx_average_all(struct clcnn_onnx_node *node,
                                         const struct clcnn_onnx_windows2d *windows);

/* The layer that holds an input of shape (N, C, L) or (N, C, H, W) channels-last, and the output of
 * a layer [N][P][Q][K] as output 0. */
enum clcnn_status clcnn_onnx_lay_image(struct clcnn_onnx_node *node,
                                       const struct clcnn_onnx_value *value, int *layer);
void clcnn_onnx_output_image(struct clcnn_onnx_node *node, int layer, int rank, int type);

#endif
