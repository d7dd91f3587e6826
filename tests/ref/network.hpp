/* A network run naively in double precision from the model's graph: the reference for sessions and
 * trainers. Every value carries a bound on how far a float32 computation may be from it. */
#ifndef CLCNN_TESTS_NETWORK_HPP
#define CLCNN_TESTS_NETWORK_HPP

#include <clcnn/clcnn.h>
#include <cstdint>
#include <vector>

/* v[i] exact (in double), e[i] >= |the device's result - v[i]|. */
struct RefTensor {
    std::vector<double> v, e;
};

struct RefOptions {
    bool training = false; /* dropout drops */
    uint64_t seed = 0, step = 0;
    bool half = false; /* kernels and every layer's result are rounded to float16; so is x, by the
                          caller */
};

class RefNetwork
{
  public:
    explicit RefNetwork(const struct clcnn_model *model);

    /* x and the result are laid out as the caller's arrays are. */
    RefTensor run(int batch, const std::vector<float> &x, const RefOptions &options = {}) const;

    /* One loss per sample of outputs y[batch][units]; labels are given as label[i] = targets[i]. */
    std::vector<double> losses(enum clcnn_loss_kind kind, int batch, const std::vector<double> &y,
                               const std::vector<double> &targets) const;

    /* The longest sums that a weight's gradient goes through, added over the layers: its rounding
     * error is at most this many units of 2^-24 of the sum of the absolute contributions. */
    double roundings(int batch) const;

    std::vector<std::vector<double>> weights; /* a copy: may be changed */

  private:
    const struct clcnn_model *model_;
};

#endif
