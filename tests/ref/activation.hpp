/* Activations in double. */
#ifndef CLCNN_TESTS_REF_ACTIVATION_HPP
#define CLCNN_TESTS_REF_ACTIVATION_HPP

#include <algorithm>
#include <clcnn/activation.h>
#include <cmath>
#include <vector>

inline double ref_activate(enum clcnn_activation activation, double alpha, double x)
{
    switch (activation) {
    case CLCNN_ACTIVATION_RELU:
        return x > 0 || std::isnan(x) ? x : 0;
    case CLCNN_ACTIVATION_LEAKY_RELU:
        return x > 0 ? x : alpha * x;
    case CLCNN_ACTIVATION_SIGMOID:
        return 1 / (1 + std::exp(-x));
    case CLCNN_ACTIVATION_TANH:
        return std::tanh(x);
    default:
        return x;
    }
}

/* f'(x) from y = f(x). */
inline double ref_slope(enum clcnn_activation activation, double alpha, double y)
{
    switch (activation) {
    case CLCNN_ACTIVATION_RELU:
        return y > 0;
    case CLCNN_ACTIVATION_LEAKY_RELU:
        return y > 0 ? 1 : alpha;
    case CLCNN_ACTIVATION_SIGMOID:
        return y * (1 - y);
    case CLCNN_ACTIVATION_TANH:
        return 1 - y * y;
    default:
        return 1;
    }
}

inline std::vector<double> ref_softmax(const std::vector<double> &x, size_t units)
{
    std::vector<double> y(x.size());
    for (size_t row = 0; row < x.size(); row += units) {
        double top = *std::max_element(&x[row], &x[row] + units), sum = 0;
        for (size_t u = 0; u < units; u++)
            sum += y[row + u] = std::exp(x[row + u] - top);
        for (size_t u = 0; u < units; u++)
            y[row + u] /= sum;
    }
    return y;
}

inline std::vector<double> ref_softmax_backward(const std::vector<double> &y,
                                                const std::vector<double> &dy, size_t units)
{
    std::vector<double> dx(y.size());
    for (size_t row = 0; row < y.size(); row += units) {
        double dot = 0;
        for (size_t u = 0; u < units; u++)
            dot += dy[row + u] * y[row + u];
        for (size_t u = 0; u < units; u++)
            dx[row + u] = y[row + u] * (dy[row + u] - dot);
    }
    return dx;
}

#endif
