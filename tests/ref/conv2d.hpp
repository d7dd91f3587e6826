/* Convolution in double precision by its definition. Layouts as in <clcnn/conv2d.h>. */
#ifndef CLCNN_TESTS_REF_CONV2D_HPP
#define CLCNN_TESTS_REF_CONV2D_HPP

#include <cstddef>
#include <vector>

struct ref_conv2d {
    int N = 1, H = 1, W = 1, C = 1, K = 1, R = 1, S = 1, G = 1;
    int stride[2] = {1, 1}, dilation[2] = {1, 1};
    int pad[4] = {0, 0, 0, 0}; /* top, left, bottom, right */

    int P() const
    {
        return (H + pad[0] + pad[2] - (R - 1) * dilation[0] - 1) / stride[0] + 1;
    }
    int Q() const
    {
        return (W + pad[1] + pad[3] - (S - 1) * dilation[1] - 1) / stride[1] + 1;
    }
    size_t x_count() const
    {
        return (size_t)N * H * W * C;
    }
    size_t y_count() const
    {
        return (size_t)N * P() * Q() * K;
    }
    size_t w_count() const
    {
        return (size_t)K * R * S * (C / G);
    }
};

/* Sums of products, and the sums of their absolute values: what error bounds are relative to. */
struct ref_sums {
    std::vector<double> value, magnitude;
};

ref_sums ref_conv2d_forward(const ref_conv2d &shape, const std::vector<float> &x,
                            const std::vector<float> &w);
ref_sums ref_conv2d_backward_data(const ref_conv2d &shape, const std::vector<float> &dy,
                                  const std::vector<float> &w);
ref_sums ref_conv2d_backward_filter(const ref_conv2d &shape, const std::vector<float> &x,
                                    const std::vector<float> &dy);
/* db[k] = sum over n, p, q of dy. */
ref_sums ref_conv2d_backward_bias(const ref_conv2d &shape, const std::vector<float> &dy);

#endif
