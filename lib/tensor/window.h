/* Output sizes of sliding windows: the arithmetic shared by convolution and pooling. */
#ifndef CLCNN_TENSOR_WINDOW_H
#define CLCNN_TENSOR_WINDOW_H

#include "base/status.h"
#include <stdint.h>

/* One dimension of a window: input n, filter f, stride s, dilation d. */
struct clcnn_window {
    int64_t input, filter, stride, dilation;
    int64_t pad_before, pad_after;
    int64_t output; /* floor((n + pads - ((f - 1) d + 1)) / s) + 1 */
};

enum clcnn_window_padding {
    CLCNN_WINDOW_VALID,
    CLCNN_WINDOW_SAME,
    CLCNN_WINDOW_EXPLICIT,
};

/* Fills pads (unless explicit) and output. `what` begins the message: "conv2d: height".
 * Errors: INVALID_ARGUMENT (sizes <= 0, pads < 0, the filter larger than the padded input, or a
 * result above INT32_MAX). */
enum clcnn_status clcnn_window_resolve(struct clcnn_window *window,
                                       enum clcnn_window_padding padding, const char *what);

#endif
