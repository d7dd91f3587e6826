#include "ref/conv2d.hpp"
#include <cmath>

/* Calls f(index of x, index of w, index of y) for every product of the convolution. */
template <class F> static void each_product(const ref_conv2d &a, F f)
{
    const int P = a.P(), Q = a.Q(), cg = a.C / a.G, kg = a.K / a.G;
    for (int n = 0; n < a.N; n++)
        for (int p = 0; p < P; p++)
            for (int q = 0; q < Q; q++)
                for (int k = 0; k < a.K; k++)
                    for (int r = 0; r < a.R; r++)
                        for (int s = 0; s < a.S; s++) {
                            int h = p * a.stride[0] - a.pad[0] + r * a.dilation[0];
                            int w = q * a.stride[1] - a.pad[1] + s * a.dilation[1];
                            if (h < 0 || h >= a.H || w < 0 || w >= a.W)
                                continue;
                            for (int c = 0; c < cg; c++)
                                f((((size_t)n * a.H + h) * a.W + w) * a.C + k / kg * cg + c,
                                  (((size_t)k * a.R + r) * a.S + s) * cg + c,
                                  (((size_t)n * P + p) * Q + q) * a.K + k);
                        }
}

static ref_sums zeros(size_t count)
{
    return {std::vector<double>(count), std::vector<double>(count)};
}

static void add(ref_sums &sums, size_t i, double a, double b)
{
    sums.value[i] += a * b;
    sums.magnitude[i] += std::fabs(a * b);
}

ref_sums ref_conv2d_forward(const ref_conv2d &shape, const std::vector<float> &x,
                            const std::vector<float> &w)
{
    ref_sums y = zeros(shape.y_count());
    each_product(shape, [&](size_t ix, size_t iw, size_t iy) { add(y, iy, x[ix], w[iw]); });
    return y;
}

ref_sums ref_conv2d_backward_data(const ref_conv2d &shape, const std::vector<float> &dy,
                                  const std::vector<float> &w)
{
    ref_sums dx = zeros(shape.x_count());
    each_product(shape, [&](size_t ix, size_t iw, size_t iy) { add(dx, ix, dy[iy], w[iw]); });
    return dx;
}

ref_sums ref_conv2d_backward_filter(const ref_conv2d &shape, const std::vector<float> &x,
                                    const std::vector<float> &dy)
{
    ref_sums dw = zeros(shape.w_count());
    each_product(shape, [&](size_t ix, size_t iw, size_t iy) { add(dw, iw, x[ix], dy[iy]); });
    return dw;
}

ref_sums ref_conv2d_backward_bias(const ref_conv2d &shape, const std::vector<float> &dy)
{
    ref_sums db = zeros((size_t)shape.K);
    for (size_t i = 0; i < dy.size(); i++)
        add(db, i % (size_t)shape.K, dy[i], 1.0);
    return db;
}
