/* A model that a test builds, destroyed at the end of its scope. */
#ifndef CLCNN_TESTS_MODEL_HPP
#define CLCNN_TESTS_MODEL_HPP

#include "support/check.hpp"
#include <clcnn/model.h>
#include <cstring>
#include <vector>

extern "C" {
#include "model/graph.h"
}

class Model
{
  public:
    explicit Model(const char *name = nullptr, uint64_t seed = 0)
    {
        clcnn_model_params params = {};
        params.name = name;
        params.seed = seed;
        CHECK_OK(clcnn_model_create(&params, &model_));
    }
    ~Model()
    {
        clcnn_model_destroy(&model_);
    }
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;
    operator clcnn_model *() const
    {
        return model_;
    }
    clcnn_model *operator->() const
    {
        return model_;
    }

    clcnn_node image(int height, int width, int channels,
                     clcnn_data_format format = CLCNN_DATA_FORMAT_CHANNELS_LAST)
    {
        clcnn_input_params params = {};
        params.height = height;
        params.width = width;
        params.channels = channels;
        params.data_format = format;
        return clcnn_input(model_, &params);
    }
    clcnn_node vector(int features)
    {
        clcnn_input_params params = {};
        params.features = features;
        return clcnn_input(model_, &params);
    }
    clcnn_node dense(clcnn_node x, int units, clcnn_activation activation = CLCNN_ACTIVATION_LINEAR,
                     const char *name = nullptr)
    {
        clcnn_dense_layer layer = {};
        layer.units = units;
        layer.activation = activation;
        layer.name = name;
        return clcnn_add_dense(model_, x, &layer);
    }
    clcnn_node conv(clcnn_node x, int filters, int kernel = 3,
                    clcnn_padding padding = CLCNN_PADDING_VALID,
                    clcnn_activation activation = CLCNN_ACTIVATION_LINEAR)
    {
        clcnn_conv2d_layer layer = {};
        layer.filters = filters;
        layer.kernel[0] = kernel;
        layer.padding = padding;
        layer.activation = activation;
        return clcnn_add_conv2d(model_, x, &layer);
    }
    /* The layer added last. */
    const clcnn_layer &last() const
    {
        REQUIRE(model_->layer_count > 0);
        return model_->layers[model_->layer_count - 1];
    }

  private:
    clcnn_model *model_ = nullptr;
};

using Dims = std::vector<int64_t>;

inline Dims dims(const clcnn_shape &shape)
{
    return Dims(shape.dim, shape.dim + shape.rank);
}

#endif
