/* C = f(alpha op(A) op(B) + beta C + bias), naive, in double. */
#ifndef CLCNN_TESTS_REF_GEMM_HPP
#define CLCNN_TESTS_REF_GEMM_HPP

#include <clcnn/gemm.h>
#include <vector>

struct ref_gemm {
    int64_t m, n, k, lda, ldb, ldc;
    bool transpose_a, transpose_b;
    double alpha, beta;
    enum clcnn_activation activation;
    double activation_alpha;
};

/* C is read if beta is not 0, and only rows x n of its ldc columns are written. With `sizes`, also
 * |alpha| sum |a||b| + |beta c| + |bias|, in C's layout, for error bounds. bias may be NULL. */
void ref_gemm_run(const ref_gemm &g, const float *a, const float *b, const float *bias,
                  std::vector<double> &c, std::vector<double> *sizes = nullptr);

double ref_activate(double x, enum clcnn_activation activation, double alpha);

#endif
