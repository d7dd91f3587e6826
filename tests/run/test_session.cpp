#include "run/networks.hpp"
#include <functional>
#include <thread>

namespace
{

struct SessionOwner {
    struct clcnn_session *session = nullptr;
    SessionOwner(struct clcnn_device *device, struct clcnn_model *model, int batch)
    {
        struct clcnn_session_params params = {};
        params.batch = batch;
        CHECK_OK(clcnn_session_create(device, model, &params, &session));
    }
    ~SessionOwner()
    {
        clcnn_session_destroy(&session);
    }
    SessionOwner(const SessionOwner &) = delete;
    operator struct clcnn_session *() const
    {
        return session;
    }
};

std::vector<float> predict(struct clcnn_session *session, const TestModel &model, int count,
                           const std::vector<float> &x)
{
    std::vector<float> y = Guarded::poison((size_t)count * model.outputs());
    CHECK_OK(clcnn_session_predict(session, count, x.data(), y.data()));
    return y;
}

clcnn_node chain(struct clcnn_model *m)
{
    struct clcnn_input_params input = {};
    input.height = input.width = 16;
    input.channels = 1;
    clcnn_node x = clcnn_input(m, &input);
    for (int filters : {4, 8, 3, 8, 2, 6, 1, 5}) {
        struct clcnn_conv2d_layer layer = {};
        layer.filters = filters;
        layer.padding = CLCNN_PADDING_SAME;
        x = clcnn_add_conv2d(m, x, &layer);
    }
    return x;
}

bool message_has(const char *text)
{
    INFO(clcnn_error_message());
    return std::string(clcnn_error_message()).find(text) != std::string::npos;
}

} // namespace

TEST_CASE("Every kind of layer computes what the reference does", "[session]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        for (const TestNetwork &network : test_networks) {
            INFO(clcnn_device_class_name(device_class) << ": " << network.name);
            TestModel model(network);
            SessionOwner session(device, model, 3);
            std::vector<float> x = test_values(7 * model.inputs(), 3);
            RefTensor reference = RefNetwork(model).run(7, x);
            check_close(predict(session, model, 7, x), reference); /* in three parts */
            for (int count = 1; count <= 3; count++) {
                std::vector<float> few(x.begin(), x.begin() + (long)(count * model.inputs()));
                check_close(predict(session, model, count, few), RefNetwork(model).run(count, few));
            }
        }
    }
}

TEST_CASE("A session runs on the caller's buffers, queue and events", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    cl_context context = clcnn_device_cl_context(device);
    for (const TestNetwork &network : test_networks) {
        for (cl_command_queue_properties kind : {0, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE}) {
            INFO(network.name << (kind ? ", out of order" : ""));
            TestModel model(network);
            SessionOwner session(device, model, 4);
            cl_int error = CL_SUCCESS;
            cl_command_queue queue =
                clCreateCommandQueue(context, clcnn_device_cl_device(device), kind, &error);
            if (error != CL_SUCCESS)
                continue;
            std::vector<float> values = test_values(3 * model.inputs(), 5);
            Guarded x(device, values), y(device, Guarded::poison(3 * model.outputs()));
            cl_event gate = clCreateUserEvent(context, &error), done = nullptr;
            struct clcnn_enqueue enqueue = {queue, 1, &gate, &done};
            CHECK_OK(clcnn_session_enqueue(session, 3, x, y, &enqueue));
            REQUIRE(done);
            cl_int state = CL_COMPLETE;
            clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(state), &state, nullptr);
            CHECK(state != CL_COMPLETE);
            clSetUserEventStatus(gate, CL_COMPLETE);
            clWaitForEvents(1, &done);
            check_close(y.read<float>(), RefNetwork(model).run(3, values));
            clReleaseEvent(gate);
            clReleaseEvent(done);
            clReleaseCommandQueue(queue);
        }
    }
}

TEST_CASE("A session lives on an imported device", "[session]")
{
    struct clcnn_device *owner = test_device(CLCNN_DEVICE_CLASS_CPU);
    for (cl_command_queue_properties kind : {0, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE}) {
        struct clcnn_device_import_params params = {};
        struct clcnn_device *device = nullptr;
        cl_int error = CL_SUCCESS;
        params.context = clcnn_device_cl_context(owner);
        params.device = clcnn_device_cl_device(owner);
        params.queue = clCreateCommandQueue(params.context, params.device, kind, &error);
        if (error != CL_SUCCESS)
            continue; /* no out-of-order queues here */
        CHECK_OK(clcnn_device_import(&params, &device));
        clReleaseCommandQueue(params.queue);
        for (const TestNetwork &network : test_networks) {
            INFO(network.name << (kind ? ", out of order" : ""));
            TestModel model(network);
            SessionOwner session(device, model, 2);
            std::vector<float> x = test_values(3 * model.inputs(), 6);
            check_close(predict(session, model, 3, x), RefNetwork(model).run(3, x));
        }
        clcnn_device_destroy(&device);
    }
}

TEST_CASE("Sessions of one model run in parallel", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(test_networks[0]);
    std::vector<float> x = test_values(5 * model.inputs(), 8);
    SessionOwner first(device, model, 1); /* a batch may choose other algorithms */
    std::vector<float> expected = predict(first, model, 5, x);
    std::vector<int> same(4);
    std::vector<std::thread> threads;
    for (int &result : same)
        threads.emplace_back([&] {
            struct clcnn_session *session = nullptr;
            if (clcnn_session_create(device, model, nullptr, &session) != CLCNN_STATUS_OK)
                return;
            result = 1;
            for (int round = 0; round < 10; round++) {
                std::vector<float> y(expected.size());
                result &=
                    clcnn_session_predict(session, 5, x.data(), y.data()) == CLCNN_STATUS_OK &&
                    y == expected;
            }
            clcnn_session_destroy(&session);
        });
    for (std::thread &thread : threads)
        thread.join();
    CHECK(same == std::vector<int>(4, 1));
}

TEST_CASE("A hundred threads open, use and close sessions", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct clcnn_memory_info before, after;
    clcnn_device_memory(device, &before);
    {
        TestModel model(test_networks[0]);
        std::vector<float> x = test_values(model.inputs(), 8);
        std::vector<int> good(100);
        std::vector<std::thread> threads;
        for (int &result : good)
            threads.emplace_back([&] {
                struct clcnn_session *session = nullptr;
                std::vector<float> y(model.outputs());
                result =
                    clcnn_session_create(device, model, nullptr, &session) == CLCNN_STATUS_OK &&
                    clcnn_session_predict(session, 1, x.data(), y.data()) == CLCNN_STATUS_OK;
                clcnn_session_destroy(&session);
            });
        for (std::thread &thread : threads)
            thread.join();
        CHECK(good == std::vector<int>(100, 1));
    }
    clcnn_device_memory(device, &after);
    CHECK(after.in_use_bytes == before.in_use_bytes);
}

TEST_CASE("A session keeps its model and device, and the weights it was made with", "[session]")
{
    struct clcnn_device *device = nullptr;
    CHECK_OK(clcnn_device_open(nullptr, &device));
    struct clcnn_session *session = nullptr;
    std::vector<float> x, before, after;
    {
        TestModel model(test_networks[0]);
        x = test_values(model.inputs(), 9);
        before.resize(model.outputs());
        after.resize(model.outputs());
        CHECK_OK(clcnn_session_create(device, model, nullptr, &session));
        CHECK_OK(clcnn_session_predict(session, 1, x.data(), before.data()));
        ((float *)clcnn_tensor_data(clcnn_model_weight(model, 0)))[0] += 1.0f;
    }
    clcnn_device_destroy(&device);
    CHECK_OK(clcnn_session_predict(session, 1, x.data(), after.data()));
    CHECK(before == after);
    clcnn_session_destroy(&session);
    CHECK(session == nullptr);
    clcnn_session_destroy(&session);
    clcnn_session_destroy(nullptr);
}

TEST_CASE("A deep chain holds its two largest neighbours", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(chain);
    SessionOwner session(device, model, 2);
    struct clcnn_plan_info info;
    clcnn_session_info(session, &info);
    CHECK(info.steps == 8);
    CHECK(info.activation_bytes == (4 + 8) * 2u * 16 * 16 * sizeof(float));
    uint64_t weights = 0;
    for (float value : model.weights())
        weights += sizeof(value);
    CHECK(info.weight_bytes >= weights);
}

TEST_CASE("Bias and activation are part of the step before", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    struct {
        const char *name;
        int steps;
    } cases[] = {
        {"small cnn", 6},                 /* conv pool conv dense dense softmax */
        {"channels first, image out", 4}, /* to NHWC, conv, conv, to NCHW */
        {"residual", 8},                  /* conv 2 x (conv conv) pool dense softmax */
        /* conv add, 3 conv, conv conv add, conv add, concatenate, conv add, conv conv copy */
        {"residual kinds", 16},
        {"dropouts", 4},
        {"logits, then sigmoid", 1},
        {"nothing", 1},
    };
    for (const auto &c : cases)
        for (const TestNetwork &network : test_networks) {
            if (std::string(network.name) != c.name)
                continue;
            INFO(c.name);
            TestModel model(network);
            SessionOwner session(device, model, 1);
            struct clcnn_plan_info info;
            clcnn_session_info(session, &info);
            CHECK(info.steps == c.steps);
        }
}

TEST_CASE("Running a session allocates nothing on the device", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_GPU);
    TestModel model(test_networks[0]);
    SessionOwner session(device, model, 2);
    std::vector<float> x = test_values(9 * model.inputs(), 2);
    clcnn_device_memory_reset_peak(device);
    struct clcnn_memory_info before, after;
    struct clcnn_program_info programs_before, programs_after;
    clcnn_device_memory(device, &before);
    clcnn_device_programs(device, &programs_before);
    predict(session, model, 9, x);
    clcnn_device_memory(device, &after);
    clcnn_device_programs(device, &programs_after);
    CHECK(after.peak_bytes == before.in_use_bytes);
    CHECK(programs_after.built_from_source == programs_before.built_from_source);
}

TEST_CASE("What creating a session refuses", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(test_networks[0]);
    struct clcnn_session_params params = {};
    auto refused = [&](struct clcnn_device *on, struct clcnn_model *of, enum clcnn_status status,
                       const char *words) {
        struct clcnn_session *session = (struct clcnn_session *)&session;
        CHECK_FAILS(clcnn_session_create(on, of, &params, &session), status, words);
        CHECK(session == nullptr);
        params = {};
    };
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    CHECK_FAILS(clcnn_session_create(device, model, &params, nullptr), invalid, "out is NULL");
    refused(nullptr, model, invalid, "device and model must not be NULL");
    refused(device, nullptr, invalid, "device and model must not be NULL");
    params.batch = -1, refused(device, model, invalid, "session: batch -1 is negative");
    params.max_error = -1, refused(device, model, invalid, "max_error -1");
    params.max_error = NAN, refused(device, model, invalid, "max_error");
    params.max_error = INFINITY, refused(device, model, invalid, "max_error inf");
    params.max_error = 1e-30;
    refused(device, model, CLCNN_STATUS_UNSUPPORTED, "max_error");

    struct clcnn_model *unfinished = nullptr;
    CHECK_OK(clcnn_model_create(nullptr, &unfinished));
    refused(device, unfinished, invalid, "model 'model' is not finished");
    clcnn_model_destroy(&unfinished);
}

TEST_CASE("What running a session refuses", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    TestModel model(test_networks[0]);
    SessionOwner owner(device, model, 2);
    std::vector<float> values = test_values(3 * model.inputs(), 1), y(3 * model.outputs());
    CHECK_FAILS(clcnn_session_predict(owner, -1, values.data(), y.data()), invalid, "count -1");
    CHECK_FAILS(clcnn_session_predict(owner, 1, nullptr, y.data()), invalid, "x and y");
    CHECK_FAILS(clcnn_session_predict(owner, 1, values.data(), nullptr), invalid, "x and y");
    CHECK_FAILS(clcnn_session_predict(nullptr, 1, values.data(), y.data()), invalid,
                "session is NULL");
    CHECK_OK(clcnn_session_predict(owner, 0, nullptr, nullptr));

    Guarded x(device, values), out(device, y), small(device, 4);
    auto refused = [&](int batch, const struct clcnn_buffer *from, struct clcnn_buffer *to,
                       const char *words) {
        CHECK_FAILS(clcnn_session_enqueue(owner, batch, from, to, nullptr), invalid, words);
    };
    CHECK_FAILS(clcnn_session_enqueue(nullptr, 1, x, out, nullptr), invalid, "session is NULL");
    refused(0, x, out, "batch 0 is not in 1..2");
    refused(-1, x, out, "batch -1 is not in 1..2");
    refused(3, x, out, "batch 3 is not in 1..2");
    refused(1, nullptr, out, "x is NULL");
    refused(1, x, nullptr, "y is NULL");
    refused(1, x, x, "x and y overlap");
    refused(1, small, out, "x has 4 bytes");
    refused(1, x, small, "y has 4 bytes");
    CHECK_OK(clcnn_session_enqueue(owner, 1, x, out, nullptr));
    CHECK_OK(clcnn_device_finish(device));
}

TEST_CASE("A batch that cannot fit says what was needed", "[session]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    TestModel model(chain);
    struct clcnn_session *session = nullptr;
    struct clcnn_session_params params = {};
    params.batch = 1 << 30;
    CHECK(clcnn_session_create(device, model, &params, &session) == CLCNN_STATUS_OUT_OF_MEMORY);
    CHECK(message_has("smaller batch"));
    CHECK(session == nullptr);
}

/* With a queue each, pocl 3.1 aborts now and then. */
TEST_CASE("Sessions of growing batch on a device for each thread", "[session]")
{
    struct clcnn_model *model = nullptr;
    CHECK_OK(clcnn_network_create("mnist-cnn", 1, &model));
    std::vector<float> x = test_values(64 * 784, 8);
    std::vector<int> good(4);
    std::vector<std::thread> threads;
    for (int &result : good)
        threads.emplace_back([&] {
            struct clcnn_device_params params = {};
            params.force_class = CLCNN_DEVICE_CLASS_GPU;
            struct clcnn_device *device = nullptr;
            std::vector<float> y(640);
            result = clcnn_device_open(&params, &device) == CLCNN_STATUS_OK;
            for (int batch = 1; result && batch <= 64; batch += 1 + batch / 4) {
                struct clcnn_session_params size = {};
                size.batch = batch;
                struct clcnn_session *session = nullptr;
                result &=
                    clcnn_session_create(device, model, &size, &session) == CLCNN_STATUS_OK &&
                    clcnn_session_predict(session, batch, x.data(), y.data()) == CLCNN_STATUS_OK;
                clcnn_session_destroy(&session);
            }
            clcnn_device_destroy(&device);
        });
    for (std::thread &thread : threads)
        thread.join();
    CHECK(good == std::vector<int>(4, 1));
    clcnn_model_destroy(&model);
}
