#include "ref/network.hpp"
#include "support/half.hpp"
#include <algorithm>
#include <cmath>
extern "C" {
#include "base/philox.h"
#include "model/graph.h"
}

namespace
{

constexpr double unit = 0x1p-24;

struct Dims {
    int64_t h, w, c;
};

Dims dims_of(const struct clcnn_layer &layer)
{
    const struct clcnn_shape &s = layer.shape;
    return s.rank == 4 ? Dims{s.dim[1], s.dim[2], s.dim[3]} : Dims{1, 1, s.dim[1]};
}

int64_t elements(const struct clcnn_layer &layer)
{
    Dims d = dims_of(layer);
    return d.h * d.w * d.c;
}

RefTensor make(size_t count)
{
    return {std::vector<double>(count), std::vector<double>(count)};
}

/* NHWC <-> NCHW. */
RefTensor reorder(const RefTensor &x, int batch, Dims d, bool to_nhwc)
{
    RefTensor y = make(x.v.size());
    for (int64_t n = 0; n < batch; n++)
        for (int64_t h = 0; h < d.h; h++)
            for (int64_t w = 0; w < d.w; w++)
                for (int64_t c = 0; c < d.c; c++) {
                    size_t last = ((n * d.h + h) * d.w + w) * d.c + c;
                    size_t first = ((n * d.c + c) * d.h + h) * d.w + w;
                    y.v[to_nhwc ? last : first] = x.v[to_nhwc ? first : last];
                    y.e[to_nhwc ? last : first] = x.e[to_nhwc ? first : last];
                }
    return y;
}

/* All of these have slopes of at most 1 (sigmoid 1/4; a leaky slope may be larger); exp and the
 * like are good to 4 units. */
void activate(RefTensor &y, enum clcnn_activation activation, double alpha)
{
    for (size_t i = 0; i < y.v.size(); i++) {
        double &v = y.v[i], &e = y.e[i];
        switch (activation) {
        case CLCNN_ACTIVATION_RELU:
            v = std::max(v, 0.0);
            break;
        case CLCNN_ACTIVATION_LEAKY_RELU:
            v = v > 0 ? v : alpha * v;
            e = e * std::max(1.0, std::fabs(alpha)) + 2 * unit * std::fabs(v);
            break;
        case CLCNN_ACTIVATION_SIGMOID:
            v = 1.0 / (1.0 + std::exp(-v));
            e = e / 4 + 4 * unit * v;
            break;
        case CLCNN_ACTIVATION_TANH:
            v = std::tanh(v);
            e = e + 8 * unit;
            break;
        default:
            break;
        }
    }
}

/* |dp_i| <= p_i (e_i + max e): to first order, and 2 e is far below 1 here. */
void softmax(RefTensor &y, size_t units)
{
    for (size_t row = 0; row < y.v.size(); row += units) {
        double *v = &y.v[row], *e = &y.e[row];
        double top = *std::max_element(v, v + units), sum = 0.0;
        double error = *std::max_element(e, e + units);
        for (size_t u = 0; u < units; u++)
            sum += v[u] = std::exp(v[u] - top);
        for (size_t u = 0; u < units; u++) {
            v[u] /= sum;
            e[u] = v[u] * 2.1 * (error + (double)(units + 8) * unit);
        }
    }
}

struct Runner {
    const struct clcnn_model *model;
    const std::vector<std::vector<double>> &weights;
    int batch;
    RefOptions options;
    std::vector<RefTensor> y;

    const struct clcnn_layer &input_layer(const struct clcnn_layer &layer, int slot) const
    {
        return model->layers[layer.inputs[slot]];
    }

    RefTensor conv2d(const struct clcnn_layer &layer, const RefTensor &x) const
    {
        const struct clcnn_conv2d_params &p = layer.u.conv2d;
        Dims in = dims_of(input_layer(layer, 0)), out = dims_of(layer);
        int groups = std::max(p.groups, 1);
        int64_t cg = in.c / groups, kg = out.c / groups;
        const std::vector<double> &w = weights[layer.kernel];
        RefTensor y = make((size_t)(batch * elements(layer)));
        double terms = (double)(p.kernel[0] * p.kernel[1] * cg + 2);
        for (int64_t i = 0; i < (int64_t)y.v.size(); i++) {
            int64_t k = i % out.c, q = i / out.c % out.w, pp = i / out.c / out.w % out.h;
            int64_t n = i / out.c / out.w / out.h;
            double sum = layer.bias >= 0 ? weights[layer.bias][k] : 0.0;
            double size = std::fabs(sum), error = 0.0;
            for (int r = 0; r < p.kernel[0]; r++)
                for (int s = 0; s < p.kernel[1]; s++) {
                    int64_t h = pp * std::max(p.strides[0], 1) - p.pads[0] +
                                r * std::max(p.dilation_rate[0], 1);
                    int64_t v = q * std::max(p.strides[1], 1) - p.pads[1] +
                                s * std::max(p.dilation_rate[1], 1);
                    if (h < 0 || h >= in.h || v < 0 || v >= in.w)
                        continue;
                    for (int64_t c = 0; c < cg; c++) {
                        size_t xi = ((n * in.h + h) * in.w + v) * in.c + k / kg * cg + c;
                        size_t wi = ((k * p.kernel[0] + r) * p.kernel[1] + s) * cg + c;
                        sum += x.v[xi] * w[wi];
                        size += std::fabs(x.v[xi] * w[wi]);
                        error += x.e[xi] * std::fabs(w[wi]);
                    }
                }
            y.v[i] = sum;
            y.e[i] = error + terms * unit * size;
        }
        activate(y, p.activation, p.activation_alpha);
        return y;
    }

    RefTensor dense(const struct clcnn_layer &layer, const RefTensor &x) const
    {
        int64_t features = layer.u.dense.features, units = layer.u.dense.units;
        const std::vector<double> &w = weights[layer.kernel];
        RefTensor y = make((size_t)(batch * units));
        for (int64_t n = 0; n < batch; n++)
            for (int64_t u = 0; u < units; u++) {
                double sum = layer.bias >= 0 ? weights[layer.bias][u] : 0.0;
                double size = std::fabs(sum), error = 0.0;
                for (int64_t f = 0; f < features; f++) {
                    double product = x.v[n * features + f] * w[u * features + f];
                    sum += product;
                    size += std::fabs(product);
                    error += x.e[n * features + f] * std::fabs(w[u * features + f]);
                }
                y.v[n * units + u] = sum;
                y.e[n * units + u] = error + (double)(features + 2) * unit * size;
            }
        activate(y, layer.u.dense.activation, layer.u.dense.alpha);
        return y;
    }

    RefTensor pool2d(const struct clcnn_layer &layer, const RefTensor &x) const
    {
        struct clcnn_pool2d_params p = layer.u.pool2d;
        Dims in = dims_of(input_layer(layer, 0)), out = dims_of(layer);
        if (p.global) {
            p.size[0] = p.strides[0] = (int)in.h;
            p.size[1] = p.strides[1] = (int)in.w;
            p.pads[0] = p.pads[1] = 0;
        }
        RefTensor y = make((size_t)(batch * elements(layer)));
        for (int64_t i = 0; i < (int64_t)y.v.size(); i++) {
            int64_t c = i % out.c, q = i / out.c % out.w, pp = i / out.c / out.w % out.h;
            int64_t n = i / out.c / out.w / out.h;
            double best = -INFINITY, sum = 0.0, size = 0.0, error = 0.0, mean = 0.0, count = 0.0;
            for (int64_t h = pp * p.strides[0] - p.pads[0], r = 0; r < p.size[0]; r++, h++)
                for (int64_t w = q * p.strides[1] - p.pads[1], s = 0; s < p.size[1]; s++, w++) {
                    if (h < 0 || h >= in.h || w < 0 || w >= in.w)
                        continue;
                    size_t xi = ((n * in.h + h) * in.w + w) * in.c + c;
                    best = std::max(best, x.v[xi]);
                    error = std::max(error, x.e[xi]);
                    mean += x.e[xi];
                    sum += x.v[xi];
                    size += std::fabs(x.v[xi]);
                    count++;
                }
            bool max = p.mode == CLCNN_POOL_MODE_MAX;
            y.v[i] = max ? best : sum / count;
            y.e[i] = max ? error : mean / count + (count + 2) * unit * size / count;
        }
        return y;
    }

    RefTensor dropout(const struct clcnn_layer &layer, RefTensor x) const
    {
        if (!options.training)
            return x;
        uint64_t place = (uint64_t)(&layer - model->layers);
        uint64_t key = options.seed ^ place * UINT64_C(0x9E3779B97F4A7C15);
        float rate = layer.u.rate;
        for (size_t i = 0; i < x.v.size(); i++) {
            uint64_t block = i / 4;
            uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)options.step,
                                   (uint32_t)(options.step >> 32) << 2};
            uint32_t words[4];
            clcnn_philox(key, counter, words);
            double scale =
                clcnn_philox_to_uniform(words[i % 4]) >= rate ? 1 / (1 - (double)rate) : 0;
            x.v[i] *= scale;
            x.e[i] = x.e[i] * scale + 2 * unit * std::fabs(x.v[i]);
        }
        return x;
    }

    RefTensor add(const RefTensor &a, const RefTensor &b) const
    {
        RefTensor y = make(a.v.size());
        for (size_t i = 0; i < y.v.size(); i++) {
            y.v[i] = a.v[i] + b.v[i];
            y.e[i] = a.e[i] + b.e[i] + unit * std::fabs(y.v[i]);
        }
        return y;
    }

    RefTensor concatenate(const struct clcnn_layer &layer) const
    {
        RefTensor y;
        int64_t rows = batch * elements(layer) / dims_of(layer).c;
        for (int64_t row = 0; row < rows; row++)
            for (int slot = 0; slot < layer.input_count; slot++) {
                const RefTensor &x = this->y[layer.inputs[slot]];
                int64_t c = dims_of(input_layer(layer, slot)).c;
                y.v.insert(y.v.end(), &x.v[row * c], &x.v[row * c] + c);
                y.e.insert(y.e.end(), &x.e[row * c], &x.e[row * c] + c);
            }
        return y;
    }

    RefTensor layer(const struct clcnn_layer &layer, const RefTensor &input) const
    {
        RefTensor y;
        const RefTensor &x = layer.input_count ? this->y[layer.inputs[0]] : input;
        switch (layer.kind) {
        case CLCNN_LAYER_INPUT:
            return layer.u.data_format == CLCNN_DATA_FORMAT_CHANNELS_FIRST
                       ? reorder(x, batch, dims_of(layer), true)
                       : x;
        case CLCNN_LAYER_CONV2D:
            return conv2d(layer, x);
        case CLCNN_LAYER_POOL2D:
            return pool2d(layer, x);
        case CLCNN_LAYER_DENSE:
            return dense(layer, x);
        case CLCNN_LAYER_FLATTEN:
            return x;
        case CLCNN_LAYER_ACTIVATION:
            y = x;
            if (layer.u.activation.activation == CLCNN_ACTIVATION_SOFTMAX)
                softmax(y, (size_t)dims_of(layer).c);
            activate(y, layer.u.activation.activation, layer.u.activation.alpha);
            return y;
        case CLCNN_LAYER_DROPOUT:
            return dropout(layer, x);
        case CLCNN_LAYER_ADD:
            return add(x, this->y[layer.inputs[1]]);
        case CLCNN_LAYER_CONCATENATE:
            return concatenate(layer);
        default: /* of models from files */
            break;
        }
        return y;
    }
};

} // namespace

RefNetwork::RefNetwork(const struct clcnn_model *model) : model_(model)
{
    for (size_t i = 0; i < model->weight_count; i++) {
        const struct clcnn_tensor *tensor = model->weights[i].tensor;
        const float *values = (const float *)clcnn_tensor_const_data(tensor);
        weights.emplace_back(values, values + clcnn_tensor_count(tensor));
    }
}

/* Biases, of rank 1, stay float32. */
static std::vector<std::vector<double>>
round_kernels(const struct clcnn_model *model, const std::vector<std::vector<double>> &weights)
{
    std::vector<std::vector<double>> rounded = weights;
    for (size_t i = 0; i < rounded.size(); i++)
        if (clcnn_tensor_shape(model->weights[i].tensor)->rank > 1)
            for (double &weight : rounded[i])
                weight = from_half(to_half((float)weight));
    return rounded;
}

RefTensor RefNetwork::run(int batch, const std::vector<float> &x, const RefOptions &options) const
{
    const auto kernels = options.half ? round_kernels(model_, weights) : weights;
    Runner runner{model_, kernels, batch, options, {}};
    RefTensor input = make(x.size());
    std::copy(x.begin(), x.end(), input.v.begin());
    for (size_t i = 0; i < model_->layer_count; i++) {
        runner.y.push_back(runner.layer(model_->layers[i], input));
        RefTensor &y = runner.y.back();
        for (size_t j = 0; options.half && j < y.v.size(); j++)
            y.e[j] += half_rounding(std::fabs(y.v[j]) + y.e[j]);
    }
    const struct clcnn_layer &last = model_->layers[model_->output];
    const RefTensor &y = runner.y[model_->output];
    bool planar = model_->layers[model_->input].u.data_format == CLCNN_DATA_FORMAT_CHANNELS_FIRST &&
                  last.shape.rank == 4;
    return planar ? reorder(y, batch, dims_of(last), false) : y;
}

std::vector<double> RefNetwork::losses(enum clcnn_loss_kind kind, int batch,
                                       const std::vector<double> &y,
                                       const std::vector<double> &targets) const
{
    std::vector<double> losses((size_t)batch);
    size_t units = y.size() / (size_t)batch;
    for (size_t n = 0; n < losses.size(); n++) {
        const double *p = &y[n * units];
        if (kind == CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY) {
            losses[n] = -std::log(p[(size_t)targets[n]]);
            continue;
        }
        const double *t = &targets[n * units];
        for (size_t u = 0; u < units; u++) {
            if (kind == CLCNN_LOSS_KIND_CATEGORICAL_CROSSENTROPY)
                losses[n] -= t[u] * std::log(p[u]);
            else if (kind == CLCNN_LOSS_KIND_BINARY_CROSSENTROPY)
                losses[n] -= (t[u] * std::log(p[u]) + (1 - t[u]) * std::log(1 - p[u])) / units;
            else
                losses[n] += (p[u] - t[u]) * (p[u] - t[u]) / units;
        }
    }
    return losses;
}

double RefNetwork::roundings(int batch) const
{
    double count = 0.0;
    for (size_t i = 0; i < model_->layer_count; i++) {
        const struct clcnn_layer &layer = model_->layers[i];
        if (layer.kind == CLCNN_LAYER_CONV2D) {
            Dims out = dims_of(layer);
            double taps = layer.u.conv2d.kernel[0] * layer.u.conv2d.kernel[1];
            double channels = (double)dims_of(model_->layers[layer.inputs[0]]).c;
            /* forward, backward data, backward filter */
            count += taps * channels + taps * (double)out.c + (double)(batch * out.h * out.w);
        } else if (layer.kind == CLCNN_LAYER_DENSE) {
            count += layer.u.dense.features + layer.u.dense.units + batch;
        } else {
            count += 16.0;
        }
    }
    return count;
}
