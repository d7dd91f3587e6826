/* Losses in double: one row's loss, gradient (of the loss itself) and whether it counts as
 * correct. */
#ifndef CLCNN_TESTS_REF_LOSS_HPP
#define CLCNN_TESTS_REF_LOSS_HPP

#include "ref/activation.hpp"
#include <clcnn/loss.h>
#include <vector>

struct ref_loss {
    double loss = 0;
    bool correct = true;
    std::vector<double> dx;
};

inline size_t ref_argmax(const std::vector<double> &values)
{
    return (size_t)(std::max_element(values.begin(), values.end()) - values.begin());
}

inline ref_loss ref_crossentropy(const std::vector<double> &x, const std::vector<double> &t,
                                 bool logits)
{
    ref_loss r;
    double low = (double)1e-7f, high = (double)(1.0f - 1e-7f), top = x[ref_argmax(x)];
    double sum = 0, weight = 0;
    for (size_t u = 0; u < x.size(); u++) {
        sum += std::exp(x[u] - top);
        weight += t[u];
    }
    for (size_t u = 0; u < x.size(); u++) {
        double p = std::min(std::max(x[u], low), high);
        double log_p = logits ? x[u] - top - std::log(sum) : std::log(p);
        r.loss -= t[u] == 0 ? 0 : t[u] * log_p;
        double inside = x[u] < low || x[u] > high ? 0 : -t[u] / x[u];
        r.dx.push_back(logits ? weight * std::exp(log_p) - t[u] : inside);
    }
    r.correct = ref_argmax(x) == ref_argmax(t);
    return r;
}

inline ref_loss ref_elementwise(const std::vector<double> &x, const std::vector<double> &t,
                                bool squared, bool logits)
{
    ref_loss r;
    double low = (double)1e-7f, high = (double)(1.0f - 1e-7f), units = (double)x.size();
    for (size_t u = 0; u < x.size(); u++) {
        double p = logits ? 1 / (1 + std::exp(-x[u])) : std::min(std::max(x[u], low), high);
        double softplus =
            std::max(x[u], 0.0) - x[u] * t[u] + std::log1p(std::exp(-std::fabs(x[u])));
        double binary = logits ? softplus : -(t[u] * std::log(p) + (1 - t[u]) * std::log(1 - p));
        double slope = logits                      ? p - t[u]
                       : x[u] < low || x[u] > high ? 0
                                                   : (p - t[u]) / (p * (1 - p));
        r.loss += (squared ? (x[u] - t[u]) * (x[u] - t[u]) : binary) / units;
        r.dx.push_back((squared ? 2 * (x[u] - t[u]) : slope) / units);
        r.correct = r.correct && !squared && (x[u] > (logits ? 0 : 0.5)) == (t[u] > 0.5);
    }
    return r;
}

inline ref_loss ref_loss_row(enum clcnn_loss_kind kind, bool logits, const std::vector<double> &x,
                             const std::vector<double> &t)
{
    switch (kind) {
    case CLCNN_LOSS_KIND_BINARY_CROSSENTROPY:
        return ref_elementwise(x, t, false, logits);
    case CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR:
        return ref_elementwise(x, t, true, false);
    default:
        return ref_crossentropy(x, t, logits);
    }
}

#endif
