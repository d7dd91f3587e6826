#include "model/model.hpp"
#include <algorithm>

namespace
{

struct Expected {
    const char *name;
    int64_t parameters;
    std::vector<Dims> shapes; /* of every layer of the summary, without the batch */
};

const Expected networks[] = {
    {"mnist-cnn",
     93322,
     {{28, 28, 1},
      {26, 26, 32},
      {13, 13, 32},
      {11, 11, 64},
      {5, 5, 64},
      {3, 3, 64},
      {576},
      {64},
      {10}}},
    {"cnn-valid",
     2002698,
     {{28, 28, 1}, {26, 26, 32}, {24, 24, 32}, {22, 22, 32}, {15488}, {128}, {10}}},
    {"cnn-same",
     3231498,
     {{28, 28, 1}, {28, 28, 32}, {28, 28, 32}, {28, 28, 32}, {25088}, {128}, {10}}},
    {"cnn-strided", 85770, {{28, 28, 1}, {14, 14, 32}, {7, 7, 32}, {4, 4, 32}, {512}, {128}, {10}}},
    {"cnn-pooled",
     113386,
     {{28, 28, 1}, {26, 26, 32}, {13, 13, 32}, {11, 11, 32}, {5, 5, 32}, {800}, {128}, {10}}},
    {"lenet-5",
     61706,
     {{32, 32, 1}, {28, 28, 6}, {14, 14, 6}, {10, 10, 16}, {5, 5, 16}, {400}, {120}, {84}, {10}}},
    {"lenet-5-max",
     61706,
     {{32, 32, 1}, {28, 28, 6}, {14, 14, 6}, {10, 10, 16}, {5, 5, 16}, {400}, {120}, {84}, {10}}},
    {"alexnet",
     62378344,
     {{227, 227, 3},
      {55, 55, 96},
      {27, 27, 96},
      {27, 27, 256},
      {13, 13, 256},
      {13, 13, 384},
      {13, 13, 384},
      {13, 13, 256},
      {6, 6, 256},
      {9216},
      {9216},
      {4096},
      {4096},
      {4096},
      {1000}}},
    {"vgg-16", 138357544, {{224, 224, 3},   {224, 224, 64},  {224, 224, 64}, {112, 112, 64},
                           {112, 112, 128}, {112, 112, 128}, {56, 56, 128},  {56, 56, 256},
                           {56, 56, 256},   {56, 56, 256},   {28, 28, 256},  {28, 28, 512},
                           {28, 28, 512},   {28, 28, 512},   {14, 14, 512},  {14, 14, 512},
                           {14, 14, 512},   {14, 14, 512},   {7, 7, 512},    {25088},
                           {4096},          {4096},          {1000}}},
};

int64_t weights_of(const clcnn_model *model, const char *layer)
{
    int64_t count = 0;
    for (size_t i = 0; i < model->weight_count; i++) {
        const std::string name = model->weights[i].name;
        if (name.substr(0, name.find('/')) == layer)
            count += clcnn_tensor_count(model->weights[i].tensor);
    }
    return count;
}

} // namespace

TEST_CASE("networks: shapes and parameter counts", "[model][networks]")
{
    int index = 0;
    for (const Expected &expected : networks) {
        INFO(expected.name);
        CHECK(std::string(clcnn_network_name(index++)) == expected.name);
        clcnn_model *model = nullptr;
        CHECK_OK(clcnn_network_create(expected.name, 1, &model));
        CHECK(std::string(clcnn_model_name(model)) == expected.name);
        CHECK(clcnn_model_parameter_count(model) == expected.parameters);
        std::vector<Dims> shapes;
        for (size_t i = 0; i < model->layer_count; i++) {
            Dims shape = dims(model->layers[i].shape);
            REQUIRE(shape[0] == CLCNN_DIM_BATCH);
            shape.erase(shape.begin());
            if (!model->layers[i].hidden)
                shapes.push_back(shape);
        }
        CHECK(shapes == expected.shapes);
        CHECK(model->layers[model->output].u.activation.activation == CLCNN_ACTIVATION_SOFTMAX);
        clcnn_model_destroy(&model);
        CHECK(model == nullptr);
    }
    CHECK(clcnn_network_name(index) == std::string("resnet-50"));
    CHECK(clcnn_network_name(index + 1) == std::string("mobilenet"));
    CHECK(clcnn_network_name(index + 2) == nullptr);
    CHECK(clcnn_network_name(-1) == nullptr);
}

/* Biases count, batch normalisations do not. Shapes in the order in which they first appear. */
TEST_CASE("networks: deep ones", "[model][networks]")
{
    const Expected cases[] = {
        {"resnet-50",
         25530472,
         {{224, 224, 3},
          {112, 112, 64},
          {56, 56, 64},
          {56, 56, 256},
          {28, 28, 512},
          {28, 28, 128},
          {14, 14, 1024},
          {14, 14, 256},
          {7, 7, 2048},
          {7, 7, 512},
          {2048},
          {1000}}},
        {"mobilenet",
         4221032,
         {{224, 224, 3},
          {112, 112, 32},
          {112, 112, 64},
          {56, 56, 64},
          {56, 56, 128},
          {28, 28, 128},
          {28, 28, 256},
          {14, 14, 256},
          {14, 14, 512},
          {7, 7, 512},
          {7, 7, 1024},
          {1024},
          {1000}}},
    };
    for (const Expected &expected : cases) {
        INFO(expected.name);
        clcnn_model *model = nullptr;
        CHECK_OK(clcnn_network_create(expected.name, 1, &model));
        CHECK(clcnn_model_parameter_count(model) == expected.parameters);
        std::vector<Dims> shapes;
        for (size_t i = 0; i < model->layer_count; i++) {
            Dims shape = dims(model->layers[i].shape);
            shape.erase(shape.begin());
            if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end())
                shapes.push_back(shape);
        }
        CHECK(shapes == expected.shapes);
        clcnn_model_destroy(&model);
    }
}

TEST_CASE("networks: layers have the published numbers of weights", "[model][networks]")
{
    const struct {
        const char *network, *layer;
        int64_t weights;
    } cases[] = {
        {"mnist-cnn", "conv2d", 320},     {"mnist-cnn", "conv2d_1", 18496},
        {"mnist-cnn", "conv2d_2", 36928}, {"mnist-cnn", "dense", 36928},
        {"mnist-cnn", "dense_1", 650},    {"cnn-valid", "dense", 1982592},
        {"cnn-same", "dense", 3211392},   {"cnn-strided", "dense", 65664},
        {"cnn-pooled", "conv2d_1", 9248}, {"lenet-5", "conv2d", 156},
        {"lenet-5", "conv2d_1", 2416},    {"lenet-5", "dense", 48120},
        {"lenet-5", "dense_1", 10164},    {"lenet-5", "dense_2", 850},
        {"alexnet", "conv2d", 34944},     {"alexnet", "conv2d_1", 614656},
        {"alexnet", "conv2d_2", 885120},  {"alexnet", "conv2d_3", 1327488},
        {"alexnet", "conv2d_4", 884992},  {"alexnet", "dense", 37752832},
        {"alexnet", "dense_1", 16781312}, {"alexnet", "dense_2", 4097000},
        {"vgg-16", "block1_conv1", 1792}, {"vgg-16", "block5_conv3", 2359808},
        {"vgg-16", "fc1", 102764544},     {"vgg-16", "predictions", 4097000},
    };
    clcnn_model *model = nullptr;
    for (const auto &c : cases) {
        if (!model || std::string(clcnn_model_name(model)) != c.network) {
            clcnn_model_destroy(&model);
            CHECK_OK(clcnn_network_create(c.network, 1, &model));
        }
        INFO(c.network << " " << c.layer);
        CHECK(weights_of(model, c.layer) == c.weights);
    }
    clcnn_model_destroy(&model);
}

TEST_CASE("networks: what is refused", "[model][networks]")
{
    clcnn_model *model = nullptr;
    CHECK_FAILS(clcnn_network_create("mnist", 1, &model), CLCNN_STATUS_INVALID_ARGUMENT,
                "'mnist' is unknown; there are mnist-cnn, cnn-valid");
    CHECK(model == nullptr);
    CHECK_FAILS(clcnn_network_create(nullptr, 1, &model), CLCNN_STATUS_INVALID_ARGUMENT,
                "name is NULL");
    CHECK_FAILS(clcnn_network_create("vgg-16", 1, nullptr), CLCNN_STATUS_INVALID_ARGUMENT,
                "out is NULL");
}
