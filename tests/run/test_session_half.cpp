/* Sessions in float16 storage. */
#include "run/networks.hpp"
#include "support/half.hpp"
#include "support/owned.hpp"

using Session = Owned<struct clcnn_session, clcnn_session_destroy>;

static void create(struct clcnn_device *device, struct clcnn_model *model, int batch,
                   enum clcnn_dtype storage, Session &out)
{
    struct clcnn_session_params params = {};
    params.batch = batch;
    params.storage = storage;
    CHECK_OK(clcnn_session_create(device, model, &params, &out));
}

TEST_CASE("A float16 session computes what the reference does, to the rounding", "[session][half]")
{
    RefOptions options;
    options.half = true;
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        for (const TestNetwork &network : test_networks) {
            INFO(clcnn_device_class_name(device_class) << ": " << network.name);
            TestModel model(network);
            Session session;
            create(device, model, 3, CLCNN_DTYPE_FLOAT16, session);
            std::vector<float> x = round_to_half(test_values(5 * model.inputs(), 3));
            std::vector<float> y = Guarded::poison(5 * model.outputs()), again = y;
            CHECK_OK(clcnn_session_predict(session, 5, x.data(), y.data()));
            check_close(y, RefNetwork(model).run(5, x, options));
            CHECK_OK(clcnn_session_predict(session, 5, x.data(), again.data()));
            CHECK(std::memcmp(y.data(), again.data(), y.size() * sizeof(float)) == 0);
        }
    }
}

TEST_CASE("A float16 session takes and gives float32 buffers", "[session][half]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    for (const TestNetwork &network : test_networks) {
        INFO(network.name);
        TestModel model(network);
        Session session;
        create(device, model, 2, CLCNN_DTYPE_FLOAT16, session);
        std::vector<float> values = test_values(2 * model.inputs(), 5);
        std::vector<float> expected(2 * model.outputs());
        Guarded x(device, values), y(device, Guarded::poison(expected.size()));
        CHECK_OK(clcnn_session_enqueue(session, 2, x, y, nullptr));
        CHECK_OK(clcnn_session_predict(session, 2, values.data(), expected.data()));
        CHECK(y.read<float>() == expected);
    }
}

TEST_CASE("A float16 session needs half the memory", "[session][half]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_model *model = nullptr;
    CHECK_OK(clcnn_network_create("mnist-cnn", 1, &model));
    struct clcnn_plan_info info[2];
    for (enum clcnn_dtype storage : {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16}) {
        Session session;
        create(device, model, 16, storage, session);
        clcnn_session_info(session, &info[storage]);
    }
    const uint64_t borders = 4 * 16 * (28 * 28 + 10), padding = 4096;
    CHECK(info[1].weight_bytes <= info[0].weight_bytes * 0.51 + padding);
    CHECK(info[1].activation_bytes <= info[0].activation_bytes / 2 + borders + padding);
    clcnn_model_destroy(&model);
}

TEST_CASE("A session refuses a storage that it does not know", "[session][half]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(test_networks[0]);
    struct clcnn_session_params params = {};
    params.storage = CLCNN_DTYPE_INT64;
    Session session;
    CHECK_FAILS(clcnn_session_create(device, model, &params, &session),
                CLCNN_STATUS_INVALID_ARGUMENT, "storage int64 (5) is neither float32 nor float16");
}
