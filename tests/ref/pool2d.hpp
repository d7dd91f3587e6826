/* Pooling as the header defines it, in double, one loop after the other. */
#ifndef CLCNN_TESTS_REF_POOL2D_HPP
#define CLCNN_TESTS_REF_POOL2D_HPP

#include <algorithm>
#include <cmath>
#include <vector>

struct ref_pool2d {
    bool average;
    int N, H, W, C, P, Q, R, S, sh, sw, pt, pl;

    size_t x_count() const
    {
        return (size_t)N * H * W * C;
    }
    size_t y_count() const
    {
        return (size_t)N * P * Q * C;
    }

    /* Calls visit(output, inputs): an element of y and the elements of x in its window, in row
     * order. */
    template <class Visit> void each_window(Visit visit) const
    {
        for (int n = 0; n < N; n++)
            for (int p = 0; p < P; p++)
                for (int q = 0; q < Q; q++)
                    for (int c = 0; c < C; c++) {
                        std::vector<size_t> inputs;
                        for (int h = p * sh - pt; h < p * sh - pt + R; h++)
                            for (int w = q * sw - pl; w < q * sw - pl + S; w++)
                                if (h >= 0 && h < H && w >= 0 && w < W)
                                    inputs.push_back((((size_t)n * H + h) * W + w) * C + c);
                        visit((((size_t)n * P + p) * Q + q) * C + c, inputs);
                    }
    }

    static size_t first_maximum(const std::vector<double> &x, const std::vector<size_t> &inputs)
    {
        size_t best = inputs[0];
        for (size_t i : inputs)
            if (!std::isnan(x[best]) && (std::isnan(x[i]) || x[i] > x[best]))
                best = i;
        return best;
    }

    std::vector<double> forward(const std::vector<double> &x) const
    {
        std::vector<double> y(y_count());
        each_window([&](size_t output, const std::vector<size_t> &inputs) {
            if (!average)
                y[output] = x[first_maximum(x, inputs)];
            for (size_t i : inputs)
                y[output] += average ? x[i] / (double)inputs.size() : 0.0;
        });
        return y;
    }

    std::vector<double> backward(const std::vector<double> &x, const std::vector<double> &dy) const
    {
        std::vector<double> dx(x_count());
        each_window([&](size_t output, const std::vector<size_t> &inputs) {
            if (!average)
                dx[first_maximum(x, inputs)] += dy[output];
            for (size_t i : inputs)
                dx[i] += average ? dy[output] / (double)inputs.size() : 0.0;
        });
        return dx;
    }
};

#endif
