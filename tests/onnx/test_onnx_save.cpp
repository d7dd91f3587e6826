#include "support/files.hpp"
#include "support/guarded.hpp"
#include "support/owned.hpp"
#include <clcnn/session.h>

extern "C" {
#include "model/graph.h"
}

namespace
{

using Model = Owned<clcnn_model, clcnn_model_destroy>;
using Session = Owned<clcnn_session, clcnn_session_destroy>;

/* Every kind of layer that is built one by one. */
void build(clcnn_model *m, enum clcnn_data_format format)
{
    clcnn_input_params input = {};
    input.height = 9;
    input.width = 8;
    input.channels = 3;
    input.data_format = format;
    clcnn_conv2d_layer conv = {};
    conv.filters = 6;
    conv.padding = CLCNN_PADDING_SAME;
    conv.strides[0] = 2;
    conv.groups = 3;
    conv.activation = CLCNN_ACTIVATION_LEAKY_RELU;
    conv.bias_initializer = CLCNN_INITIALIZER_GLOROT_UNIFORM;
    clcnn_pool2d_layer pool = {};
    pool.size[0] = 3;
    pool.strides[0] = 1;
    pool.padding = CLCNN_PADDING_SAME;
    clcnn_dense_layer dense = {};
    dense.units = 5;
    dense.activation = CLCNN_ACTIVATION_TANH;
    clcnn_dense_layer last = {};
    last.units = 4;
    last.activation = CLCNN_ACTIVATION_SOFTMAX;
    last.no_bias = true;
    clcnn_node x = clcnn_add_conv2d(m, clcnn_input(m, &input), &conv);
    clcnn_node y = clcnn_add_average_pool2d(m, x, &pool);
    clcnn_node z = clcnn_add_max_pool2d(m, x, &pool);
    x = clcnn_add_add(m, y, z);
    const clcnn_node both[] = {x, y};
    x = clcnn_add_concatenate(m, both, 2);
    x = clcnn_add_activation(m, x, CLCNN_ACTIVATION_SIGMOID, 0);
    clcnn_node g = clcnn_add_global_average_pool2d(m, x);
    x = clcnn_add_dropout(m, clcnn_add_flatten(m, x), 0.25f);
    const clcnn_node rows[] = {clcnn_add_dense(m, x, &dense), g};
    x = clcnn_add_dense(m, clcnn_add_concatenate(m, rows, 2), &last);
    CHECK_OK(clcnn_model_finish(m, x));
}

std::vector<float> predict(clcnn_device *device, clcnn_model *model)
{
    Session session;
    std::vector<float> x(3 * 9 * 8 * 3), y(3 * 4);
    for (size_t i = 0; i < x.size(); i++)
        x[i] = (float)((i * 37) % 101) / 101 - 0.5f;
    clcnn_session_params params = {};
    params.batch = 2;
    CHECK_OK(clcnn_session_create(device, model, &params, &session));
    CHECK_OK(clcnn_session_predict(session, 3, x.data(), y.data()));
    return y;
}

} // namespace

TEST_CASE("onnx: what is written reads back with the same bits", "[onnx][save]")
{
    for (enum clcnn_data_format format :
         {CLCNN_DATA_FORMAT_CHANNELS_LAST, CLCNN_DATA_FORMAT_CHANNELS_FIRST}) {
        TemporaryDirectory directory;
        const std::string path = directory.path("m.onnx");
        Model model, back;
        CHECK_OK(clcnn_model_create(nullptr, &model));
        build(model, format);
        CHECK_OK(clcnn_onnx_save(model, path.c_str()));
        CHECK_OK(clcnn_onnx_load(path.c_str(), nullptr, &back));
        CHECK(clcnn_model_batched(back));
        CHECK(clcnn_model_parameter_count(back) == clcnn_model_parameter_count(model));
        const clcnn_shape *was = clcnn_model_input_shape(model);
        const clcnn_shape *is = clcnn_model_input_shape(back);
        REQUIRE(was->rank == is->rank);
        CHECK(std::equal(was->dim, was->dim + was->rank, is->dim));
        const clcnn_model *graph = back;
        for (size_t i = 0; i < graph->layer_count; i++)
            CHECK(graph->layers[i].kind < CLCNN_LAYER_CONSTANT);
        clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
        CHECK(predict(device, model) == predict(device, back));
    }
}
