/* Small networks that between them use every kind of layer, fusion and border. */
#ifndef CLCNN_TESTS_RUN_NETWORKS_HPP
#define CLCNN_TESTS_RUN_NETWORKS_HPP

#include "ref/network.hpp"
#include "support/guarded.hpp"

struct TestNetwork {
    const char *name;
    clcnn_node (*build)(struct clcnn_model *model);
    enum clcnn_loss_kind loss; /* to train it with */
    bool trains = true;
};

extern const std::vector<TestNetwork> test_networks;

/* A finished model with every weight, biases too, uniform in +-1/2. Destroyed with the object. */
class TestModel
{
  public:
    explicit TestModel(const TestNetwork &network);
    explicit TestModel(clcnn_node (*build)(struct clcnn_model *model))
        : TestModel(TestNetwork{"", build, CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR})
    {
    }
    ~TestModel()
    {
        clcnn_model_destroy(&model);
    }
    TestModel(const TestModel &) = delete;
    TestModel &operator=(const TestModel &) = delete;

    operator struct clcnn_model *() const
    {
        return model;
    }
    /* Elements of one image and of one result. */
    size_t inputs() const;
    size_t outputs() const;
    std::vector<float> weights() const;

    struct clcnn_model *model = nullptr;
};

/* Catch's own failure count if a value is further from the reference than its bound. */
void check_close(const std::vector<float> &y, const RefTensor &reference);

#endif
