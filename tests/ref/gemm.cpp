#include "ref/gemm.hpp"
#include <cmath>

double ref_activate(double x, enum clcnn_activation activation, double alpha)
{
    switch (activation) {
    case CLCNN_ACTIVATION_RELU:
        return x < 0 ? 0 : x;
    case CLCNN_ACTIVATION_LEAKY_RELU:
        return x < 0 ? alpha * x : x;
    case CLCNN_ACTIVATION_SIGMOID:
        return 1 / (1 + std::exp(-x));
    case CLCNN_ACTIVATION_TANH:
        return std::tanh(x);
    default:
        return x;
    }
}

void ref_gemm_run(const ref_gemm &g, const float *a, const float *b, const float *bias,
                  std::vector<double> &c, std::vector<double> *sizes)
{
    for (int64_t i = 0; i < g.m; i++) {
        for (int64_t j = 0; j < g.n; j++) {
            double sum = 0, size = 0;
            for (int64_t k = 0; k < g.k; k++) {
                double product = (double)a[g.transpose_a ? k * g.lda + i : i * g.lda + k] *
                                 b[g.transpose_b ? j * g.ldb + k : k * g.ldb + j];
                sum += product;
                size += std::fabs(product);
            }
            double &to = c[(size_t)(i * g.ldc + j)];
            double old = g.beta != 0 ? g.beta * to : 0, shift = bias ? bias[j] : 0;
            to = ref_activate(g.alpha * sum + old + shift, g.activation, g.activation_alpha);
            if (sizes)
                (*sizes)[(size_t)(i * g.ldc + j)] =
                    std::fabs(g.alpha) * size + std::fabs(old) + std::fabs(shift);
        }
    }
}
