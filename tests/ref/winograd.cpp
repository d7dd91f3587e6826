#include "ref/winograd.hpp"
#include <algorithm>
#include <cmath>

/* max, or sum, of |image[n][rows][columns][c]| over what of the window lies inside. */
struct window {
    const std::vector<float> &image;
    int H, W, C;

    template <class F> double fold(int n, int top, int left, int size, int c, F f) const
    {
        double result = 0;
        for (int h = std::max(top, 0); h < std::min(top + size, H); h++)
            for (int w = std::max(left, 0); w < std::min(left + size, W); w++)
                result = f(result, std::fabs(image[(((size_t)n * H + h) * W + w) * C + c]));
        return result;
    }
};

static double larger(double a, double b)
{
    return std::max(a, b);
}
static double sum(double a, double b)
{
    return a + b;
}

/* out[N][P][Q][K]: for each tile of m x m outputs and each k, the sum over the channels of its
 * group of the maximum over the patch from (tile - pad) on times weight(k, its channel). */
template <class F>
static std::vector<double> by_tiles(const window &x, int N, int P, int Q, int K, int G, int m,
                                    int r, const int *pad, F weight)
{
    std::vector<double> out((size_t)N * P * Q * K), most((size_t)x.C);
    const int cg = x.C / G, kg = K / G;
    for (int n = 0; n < N; n++)
        for (int p0 = 0; p0 < P; p0 += m)
            for (int q0 = 0; q0 < Q; q0 += m) {
                for (int c = 0; c < x.C; c++)
                    most[(size_t)c] = x.fold(n, p0 - pad[0], q0 - pad[1], m + r - 1, c, larger);
                for (int k = 0; k < K; k++) {
                    double total = 0;
                    for (int c = 0; c < cg; c++)
                        total += most[(size_t)(k / kg * cg + c)] * weight(k, c);
                    for (int p = p0; p < std::min(p0 + m, P); p++)
                        for (int q = q0; q < std::min(q0 + m, Q); q++)
                            out[(((size_t)n * P + p) * Q + q) * K + k] = total;
                }
            }
    return out;
}

/* sums[k][c] = sum over r, s of |w_krsc|. */
static std::vector<double> filter_sums(const ref_conv2d &a, const std::vector<float> &w)
{
    const int cg = a.C / a.G;
    std::vector<double> sums((size_t)a.K * cg);
    for (size_t i = 0; i < w.size(); i++)
        sums[i / ((size_t)a.R * a.S * cg) * cg + i % cg] += std::fabs(w[i]);
    return sums;
}

std::vector<double> ref_winograd_forward(const ref_conv2d &a, const std::vector<float> &x,
                                         const std::vector<float> &w, int m)
{
    const std::vector<double> sums = filter_sums(a, w);
    const int cg = a.C / a.G;
    return by_tiles({x, a.H, a.W, a.C}, a.N, a.P(), a.Q(), a.K, a.G, m, a.R, a.pad,
                    [&](int k, int c) { return sums[(size_t)k * cg + c]; });
}

std::vector<double> ref_winograd_backward_data(const ref_conv2d &a, const std::vector<float> &dy,
                                               const std::vector<float> &w, int m)
{
    const std::vector<double> sums = filter_sums(a, w);
    const int cg = a.C / a.G, kg = a.K / a.G, pad[2] = {a.R - 1 - a.pad[0], a.S - 1 - a.pad[1]};
    return by_tiles({dy, a.P(), a.Q(), a.K}, a.N, a.H, a.W, a.C, a.G, m, a.R, pad,
                    [&](int c, int k) { return sums[(size_t)(c / cg * kg + k) * cg + c % cg]; });
}

std::vector<double> ref_winograd_backward_filter(const ref_conv2d &a, const std::vector<float> &x,
                                                 const std::vector<float> &dy, int m)
{
    const int P = a.P(), Q = a.Q(), cg = a.C / a.G, kg = a.K / a.G, taps = a.R * a.S;
    const window image = {x, a.H, a.W, a.C}, gradient = {dy, P, Q, a.K};
    std::vector<double> out(a.w_count()), most((size_t)a.C);
    for (int n = 0; n < a.N; n++)
        for (int p = 0; p < P; p += m)
            for (int q = 0; q < Q; q += m) {
                for (int c = 0; c < a.C; c++)
                    most[(size_t)c] =
                        image.fold(n, p - a.pad[0], q - a.pad[1], m + a.R - 1, c, larger);
                for (int k = 0; k < a.K; k++) {
                    const double total = gradient.fold(n, p, q, m, k, sum);
                    for (int i = 0; i < taps * cg; i++)
                        out[(size_t)k * taps * cg + i] +=
                            total * most[(size_t)(k / kg * cg + i % cg)];
                }
            }
    return out;
}
