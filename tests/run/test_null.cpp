/* NULL and nonsense at every public function: an error or a neutral answer, never a crash. */
#include "run/networks.hpp"

namespace
{

const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;

struct clcnn_device *device()
{
    return test_device(CLCNN_DEVICE_CLASS_CPU);
}

/* An address that `create` must overwrite with NULL, whatever else is wrong. */
template <class T> struct Out {
    T *object = (T *)&object;
    T **operator&()
    {
        return &object;
    }
    bool cleared()
    {
        bool null = object == nullptr;
        object = (T *)&object;
        return null;
    }
};

/* Every combination of missing arguments, and parameters that are all zero. */
template <class Op, class Params>
void create_refuses(enum clcnn_status (*create)(struct clcnn_device *, const Params *, Op **))
{
    Out<Op> out;
    Params zeros = {};
    CHECK(create(device(), &zeros, nullptr) == invalid);
    CHECK(create(nullptr, nullptr, nullptr) == invalid);
    CHECK(create(nullptr, &zeros, &out) == invalid);
    CHECK(out.cleared());
    CHECK(create(device(), nullptr, &out) == invalid);
    CHECK(out.cleared());
    CHECK(create(device(), &zeros, &out) == invalid);
    CHECK(out.cleared());
}

template <class T> void destroy_accepts(void (*destroy)(T **))
{
    T *none = nullptr;
    destroy(nullptr);
    destroy(&none);
}

} // namespace

TEST_CASE("null: status, log and tensors", "[null]")
{
    struct clcnn_shape shape = {1, {3}};
    Out<struct clcnn_tensor> out;
    clcnn_free(nullptr);
    clcnn_log_set(CLCNN_LOG_DEBUG, nullptr, nullptr);
    CHECK(std::string(clcnn_status_name((enum clcnn_status)99)) == "unknown");
    destroy_accepts(clcnn_tensor_destroy);
    CHECK(clcnn_tensor_create(CLCNN_DTYPE_FLOAT32, &shape, nullptr) == invalid);
    CHECK(clcnn_tensor_create(CLCNN_DTYPE_FLOAT32, nullptr, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_shape_count(nullptr) == -1);
    CHECK(clcnn_tensor_dtype(nullptr) == CLCNN_DTYPE_FLOAT32);
    CHECK(clcnn_tensor_shape(nullptr) == nullptr);
    CHECK(clcnn_tensor_count(nullptr) == 0);
    CHECK(clcnn_tensor_bytes(nullptr) == 0);
    CHECK(clcnn_tensor_data(nullptr) == nullptr);
    CHECK(clcnn_tensor_const_data(nullptr) == nullptr);
}

TEST_CASE("null: devices", "[null][device]")
{
    struct clcnn_device_info *infos = nullptr;
    struct clcnn_profile_entry *entries = nullptr;
    struct clcnn_memory_info memory = {1, 1, 1};
    struct clcnn_program_info programs = {1, 1, 1, 1.0};
    struct clcnn_device_import_params nothing = {};
    size_t count = 0;
    Out<struct clcnn_device> out;
    destroy_accepts(clcnn_device_destroy);
    CHECK(clcnn_device_open(nullptr, nullptr) == invalid);
    CHECK(clcnn_device_import(&nothing, nullptr) == invalid);
    CHECK(clcnn_device_import(nullptr, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_device_import(&nothing, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_device_list(nullptr, &count) == invalid);
    CHECK(clcnn_device_list(&infos, nullptr) == invalid);
    CHECK(clcnn_device_info(nullptr) == nullptr);
    CHECK(clcnn_device_finish(nullptr) == invalid);
    clcnn_device_memory(device(), nullptr);
    clcnn_device_memory(nullptr, &memory);
    CHECK(memory.in_use_bytes + memory.peak_bytes + memory.pooled_bytes == 0);
    clcnn_device_memory_reset_peak(nullptr);
    clcnn_device_programs(device(), nullptr);
    clcnn_device_programs(nullptr, &programs);
    CHECK(programs.built_from_source + programs.loaded_from_cache == 0);
    CHECK(clcnn_device_profile(nullptr, &entries, &count) == invalid);
    CHECK(clcnn_device_profile(device(), nullptr, &count) == invalid);
    CHECK(clcnn_device_profile(device(), &entries, nullptr) == invalid);
    clcnn_device_profile_reset(nullptr);
    CHECK(clcnn_device_cl_context(nullptr) == nullptr);
    CHECK(clcnn_device_cl_device(nullptr) == nullptr);
    CHECK(clcnn_device_cl_queue(nullptr) == nullptr);
    CHECK(std::string(clcnn_device_class_name((enum clcnn_device_class)99)) == "any");
}

TEST_CASE("null: buffers", "[null][device]")
{
    Out<struct clcnn_buffer> out;
    Guarded buffer(device(), 16);
    size_t offset = 1;
    char bytes[16];
    destroy_accepts(clcnn_buffer_destroy);
    CHECK(clcnn_buffer_create(device(), 4, nullptr) == invalid);
    CHECK(clcnn_buffer_create(nullptr, 4, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_buffer_wrap(device(), nullptr, 0, 4, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_buffer_wrap(nullptr, clcnn_buffer_cl_mem(buffer, nullptr), 0, 4, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_buffer_wrap(device(), clcnn_buffer_cl_mem(buffer, nullptr), 0, 4, nullptr) ==
          invalid);
    CHECK(clcnn_buffer_bytes(nullptr) == 0);
    CHECK(clcnn_buffer_cl_mem(nullptr, &offset) == nullptr);
    CHECK(offset == 0);
    CHECK(clcnn_buffer_read(nullptr, 0, 4, bytes, nullptr) == invalid);
    CHECK(clcnn_buffer_read(buffer, 0, 4, nullptr, nullptr) == invalid);
    CHECK(clcnn_buffer_write(nullptr, 0, 4, bytes, nullptr) == invalid);
    CHECK(clcnn_buffer_write(buffer, 0, 4, nullptr, nullptr) == invalid);
}

TEST_CASE("null: a wait list that is not there", "[null][device]")
{
    Guarded buffer(device(), 16);
    char bytes[16];
    struct clcnn_enqueue enqueue = {};
    enqueue.num_events_in_wait_list = 2;
    CHECK_FAILS(clcnn_buffer_read(buffer, 0, 4, bytes, &enqueue), invalid, "event_wait_list");
}

TEST_CASE("null: convolution", "[null][conv2d]")
{
    struct clcnn_conv2d_args args = {};
    struct clcnn_conv2d_params zeros = {};
    int output[2];
    create_refuses(clcnn_conv2d_create);
    destroy_accepts(clcnn_conv2d_destroy);
    CHECK(clcnn_conv2d_output_size(nullptr, output) == invalid);
    CHECK(clcnn_conv2d_output_size(&zeros, nullptr) == invalid);
    CHECK(clcnn_conv2d_output_size(&zeros, output) == invalid);
    for (int phase = -1; phase <= CLCNN_CONV2D_PHASE_COUNT; phase++) {
        auto which = (enum clcnn_conv2d_phase)phase;
        CHECK(std::string(clcnn_conv2d_algorithm_name(nullptr, which)) == "none");
        CHECK(clcnn_conv2d_error_bound(nullptr, which) == 0.0);
        CHECK(clcnn_conv2d_workspace_size(nullptr, which) == 0);
    }
    CHECK(clcnn_conv2d_packed_filter_size(nullptr) == 0);
    CHECK(clcnn_conv2d_packed_workspace_size(nullptr) == 0);
    CHECK(clcnn_conv2d_pack_filter(nullptr, nullptr, nullptr, nullptr) == invalid);
    for (auto call :
         {clcnn_conv2d_forward, clcnn_conv2d_backward_data, clcnn_conv2d_backward_filter}) {
        CHECK(call(nullptr, nullptr, nullptr) == invalid);
        CHECK(call(nullptr, &args, nullptr) == invalid);
    }
}

TEST_CASE("null: gemm and dense", "[null][gemm][dense]")
{
    struct clcnn_gemm_args product = {};
    struct clcnn_dense_args layer = {};
    create_refuses(clcnn_gemm_create);
    destroy_accepts(clcnn_gemm_destroy);
    CHECK(std::string(clcnn_gemm_algorithm_name(nullptr)) == "none");
    CHECK(clcnn_gemm_workspace_size(nullptr, true) == 0);
    CHECK(clcnn_gemm_packed_b_size(nullptr) == 0);
    CHECK(clcnn_gemm_pack_b(nullptr, nullptr, 0, nullptr, nullptr) == invalid);
    CHECK(clcnn_gemm_run(nullptr, &product, nullptr) == invalid);
    create_refuses(clcnn_dense_create);
    destroy_accepts(clcnn_dense_destroy);
    CHECK(clcnn_dense_workspace_size(nullptr) == 0);
    CHECK(clcnn_dense_packed_weight_size(nullptr) == 0);
    CHECK(clcnn_dense_packed_workspace_size(nullptr) == 0);
    CHECK(clcnn_dense_pack_weight(nullptr, 0, 0, nullptr, nullptr, nullptr) == invalid);
    for (auto call : {clcnn_dense_forward, clcnn_dense_backward_data, clcnn_dense_backward_weight})
        CHECK(call(nullptr, &layer, nullptr) == invalid);
}

TEST_CASE("null: calls of operations that are there", "[null]")
{
    struct clcnn_gemm_params gemm_params = {};
    gemm_params.m = gemm_params.n = gemm_params.k = 2;
    struct clcnn_gemm *gemm = nullptr;
    struct clcnn_gemm_args product = {};
    CHECK_OK(clcnn_gemm_create(device(), &gemm_params, &gemm));
    CHECK(clcnn_gemm_run(gemm, nullptr, nullptr) == invalid);
    CHECK(clcnn_gemm_run(gemm, &product, nullptr) == invalid);
    clcnn_gemm_destroy(&gemm);

    struct clcnn_dense_params dense_params = {};
    dense_params.batch = dense_params.features = dense_params.units = 2;
    struct clcnn_dense *dense = nullptr;
    struct clcnn_dense_args layer = {};
    CHECK_OK(clcnn_dense_create(device(), &dense_params, &dense));
    for (auto call :
         {clcnn_dense_forward, clcnn_dense_backward_data, clcnn_dense_backward_weight}) {
        CHECK(call(dense, nullptr, nullptr) == invalid);
        CHECK(call(dense, &layer, nullptr) == invalid);
    }
    clcnn_dense_destroy(&dense);

    struct clcnn_conv2d_params conv_params = {};
    conv_params.batch = conv_params.height = conv_params.width = conv_params.channels = 1;
    conv_params.filters = conv_params.kernel[0] = conv_params.kernel[1] = 1;
    struct clcnn_conv2d *conv = nullptr;
    struct clcnn_conv2d_args args = {};
    CHECK_OK(clcnn_conv2d_create(device(), &conv_params, &conv));
    for (auto call :
         {clcnn_conv2d_forward, clcnn_conv2d_backward_data, clcnn_conv2d_backward_filter}) {
        CHECK(call(conv, nullptr, nullptr) == invalid);
        CHECK(call(conv, &args, nullptr) == invalid);
    }
    clcnn_conv2d_destroy(&conv);
}

TEST_CASE("null: fused leaky slopes that are no slopes", "[null][conv2d][gemm][dense]")
{
    for (float alpha :
         {-1.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        struct clcnn_gemm_params gemm = {};
        gemm.m = gemm.n = gemm.k = 2;
        gemm.activation_alpha = alpha;
        Out<struct clcnn_gemm> gemm_out;
        CHECK_FAILS(clcnn_gemm_create(device(), &gemm, &gemm_out), invalid, "activation_alpha");
        struct clcnn_dense_params dense = {};
        dense.batch = dense.features = dense.units = 2;
        dense.activation_alpha = alpha;
        Out<struct clcnn_dense> dense_out;
        CHECK_FAILS(clcnn_dense_create(device(), &dense, &dense_out), invalid, "activation_alpha");
        struct clcnn_conv2d_params conv = {};
        conv.batch = conv.height = conv.width = conv.channels = conv.filters = 1;
        conv.kernel[0] = conv.kernel[1] = 1;
        conv.activation_alpha = alpha;
        Out<struct clcnn_conv2d> conv_out;
        CHECK_FAILS(clcnn_conv2d_create(device(), &conv, &conv_out), invalid, "activation_alpha");
    }
}

TEST_CASE("null: pooling, activations, elementwise", "[null]")
{
    int output[2];
    Out<struct clcnn_elementwise> out;
    create_refuses(clcnn_pool2d_create);
    destroy_accepts(clcnn_pool2d_destroy);
    CHECK(clcnn_pool2d_output_size(nullptr, output) == invalid);
    CHECK(clcnn_pool2d_forward(nullptr, 1, nullptr, nullptr, nullptr) == invalid);
    CHECK(clcnn_pool2d_backward(nullptr, 1, nullptr, nullptr, nullptr, nullptr, nullptr) ==
          invalid);
    create_refuses(clcnn_activation_create);
    destroy_accepts(clcnn_activation_destroy);
    CHECK(std::string(clcnn_activation_name((enum clcnn_activation)99)) == "unknown");
    CHECK(clcnn_activation_forward(nullptr, 1, nullptr, nullptr, nullptr) == invalid);
    CHECK(clcnn_activation_backward(nullptr, 1, nullptr, nullptr, nullptr, nullptr) == invalid);
    CHECK(clcnn_elementwise_create(device(), nullptr, nullptr) == invalid);
    CHECK(clcnn_elementwise_create(nullptr, nullptr, &out) == invalid);
    CHECK(out.cleared());
    destroy_accepts(clcnn_elementwise_destroy);
    CHECK(clcnn_elementwise_fill(nullptr, 1, 0, nullptr, nullptr) == invalid);
    CHECK(clcnn_elementwise_add(nullptr, 1, nullptr, nullptr, false, nullptr, nullptr) == invalid);
    CHECK(clcnn_elementwise_copy(nullptr, 1, 1, nullptr, 1, 0, nullptr, 1, 0, nullptr) == invalid);
    CHECK(clcnn_elementwise_dropout(nullptr, 1, 0, 0, 0, nullptr, nullptr, nullptr) == invalid);
    CHECK(clcnn_elementwise_transpose(nullptr, true, 1, 1, 1, 1, nullptr, nullptr, nullptr) ==
          invalid);
    struct clcnn_elementwise *op = nullptr;
    CHECK_OK(clcnn_elementwise_create(device(), nullptr, &op));
    CHECK(clcnn_elementwise_fill(op, 1, 0, nullptr, nullptr) == invalid);
    CHECK(clcnn_elementwise_add(op, 1, nullptr, nullptr, false, nullptr, nullptr) == invalid);
    CHECK(clcnn_elementwise_copy(op, 1, 1, nullptr, 1, 0, nullptr, 1, 0, nullptr) == invalid);
    CHECK(clcnn_elementwise_dropout(op, 1, 0, 0, 0, nullptr, nullptr, nullptr) == invalid);
    CHECK(clcnn_elementwise_transpose(op, true, 1, 1, 1, 1, nullptr, nullptr, nullptr) == invalid);
    clcnn_elementwise_destroy(&op);
}

TEST_CASE("null: losses and optimisers", "[null][loss][optimizer]")
{
    struct clcnn_loss_args args = {};
    struct clcnn_optimizer_params sgd = {};
    Out<struct clcnn_optimizer> out;
    create_refuses(clcnn_loss_create);
    destroy_accepts(clcnn_loss_destroy);
    CHECK(clcnn_loss_run(nullptr, &args, nullptr) == invalid);
    CHECK(std::string(clcnn_loss_kind_name((enum clcnn_loss_kind)99)) == "unknown");
    CHECK(clcnn_optimizer_create(device(), &sgd, 1, nullptr) == invalid);
    CHECK(clcnn_optimizer_create(nullptr, &sgd, 1, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_optimizer_create(device(), nullptr, 1, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_optimizer_create(device(), &sgd, 0, &out) == invalid);
    CHECK(out.cleared());
    destroy_accepts(clcnn_optimizer_destroy);
    CHECK(clcnn_optimizer_slot_count(nullptr) == 0);
    CHECK(clcnn_optimizer_slot_name(nullptr, 0) == nullptr);
    CHECK(clcnn_optimizer_step(nullptr, 1, 0, nullptr, nullptr, nullptr, nullptr) == invalid);
}

TEST_CASE("null: models", "[null][model]")
{
    Out<struct clcnn_model> out;
    char *text = nullptr;
    clcnn_node node = 0;
    destroy_accepts(clcnn_model_destroy);
    CHECK(clcnn_model_create(nullptr, nullptr) == invalid);
    CHECK(clcnn_network_create(nullptr, 1, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_network_create("lenet-5", 1, nullptr) == invalid);
    CHECK(clcnn_network_name(-1) == nullptr);
    CHECK(clcnn_network_name(1000) == nullptr);
    CHECK(clcnn_input(nullptr, nullptr) < 0);
    CHECK(clcnn_add_conv2d(nullptr, 0, nullptr) < 0);
    CHECK(clcnn_add_max_pool2d(nullptr, 0, nullptr) < 0);
    CHECK(clcnn_add_average_pool2d(nullptr, 0, nullptr) < 0);
    CHECK(clcnn_add_global_max_pool2d(nullptr, 0) < 0);
    CHECK(clcnn_add_global_average_pool2d(nullptr, 0) < 0);
    CHECK(clcnn_add_dense(nullptr, 0, nullptr) < 0);
    CHECK(clcnn_add_flatten(nullptr, 0) < 0);
    CHECK(clcnn_add_activation(nullptr, 0, CLCNN_ACTIVATION_RELU, 0) < 0);
    CHECK(clcnn_add_dropout(nullptr, 0, 0) < 0);
    CHECK(clcnn_add_add(nullptr, 0, 0) < 0);
    CHECK(clcnn_add_concatenate(nullptr, nullptr, 2) < 0);
    CHECK(clcnn_add_concatenate(nullptr, &node, -1) < 0);
    CHECK(clcnn_model_finish(nullptr, 0) == invalid);
    CHECK(clcnn_model_input_shape(nullptr) == nullptr);
    CHECK(clcnn_model_output_shape(nullptr) == nullptr);
    CHECK(clcnn_model_name(nullptr) == nullptr);
    CHECK(clcnn_model_weight_count(nullptr) == 0);
    CHECK(clcnn_model_weight_name(nullptr, 0) == nullptr);
    CHECK(clcnn_model_weight(nullptr, 0) == nullptr);
    CHECK(clcnn_model_parameter_count(nullptr) == 0);
    CHECK(clcnn_model_summary(nullptr, &text) == invalid);
    CHECK(clcnn_model_save_weights(nullptr, "w") == invalid);
    CHECK(clcnn_model_load_weights(nullptr, "w") == invalid);

    struct clcnn_model *model = nullptr;
    CHECK_OK(clcnn_network_create("lenet-5", 1, &model));
    CHECK(clcnn_model_summary(model, nullptr) == invalid);
    CHECK(clcnn_model_save_weights(model, nullptr) == invalid);
    CHECK(clcnn_model_load_weights(model, nullptr) == invalid);
    clcnn_model_destroy(&model);
    for (int missing = 0; missing < 3; missing++) {
        CHECK_OK(clcnn_model_create(nullptr, &model));
        CHECK((missing == 0   ? clcnn_input(model, nullptr)
               : missing == 1 ? clcnn_add_dense(model, 7, nullptr)
                              : clcnn_add_concatenate(model, nullptr, 2)) < 0);
        CHECK(clcnn_model_finish(model, 0) == invalid);
        CHECK(clcnn_model_weight_count(model) == 0);
        CHECK(clcnn_model_input_shape(model) == nullptr);
        clcnn_model_destroy(&model);
    }
}

TEST_CASE("null: data", "[null][data]")
{
    Out<struct clcnn_tensor> out;
    struct clcnn_dataset data;
    clcnn_dataset_clear(nullptr);
    CHECK(clcnn_idx_read(nullptr, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_idx_read("x", nullptr) == invalid);
    CHECK(clcnn_dataset_load(nullptr, true, 0, &data) == invalid);
    CHECK(clcnn_dataset_load("x", true, 0, nullptr) == invalid);
    CHECK(clcnn_image_read(nullptr, 1, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_image_read("x", 1, nullptr) == invalid);
    CHECK(clcnn_image_resize(nullptr, 1, 1, &out) == invalid);
    CHECK(out.cleared());
    CHECK(clcnn_image_resize(nullptr, 1, 1, nullptr) == invalid);
}

TEST_CASE("null: sessions and trainers", "[null][session][trainer]")
{
    Out<struct clcnn_session> session;
    Out<struct clcnn_trainer> trainer;
    struct clcnn_plan_info info = {1, 1, 1, 1};
    struct clcnn_metrics metrics;
    struct clcnn_model *model = nullptr;
    CHECK_OK(clcnn_network_create("lenet-5", 1, &model));
    destroy_accepts(clcnn_session_destroy);
    destroy_accepts(clcnn_trainer_destroy);
    CHECK(clcnn_session_create(device(), model, nullptr, nullptr) == invalid);
    CHECK(clcnn_session_create(nullptr, model, nullptr, &session) == invalid);
    CHECK(session.cleared());
    CHECK(clcnn_session_create(device(), nullptr, nullptr, &session) == invalid);
    CHECK(session.cleared());
    clcnn_session_info(nullptr, nullptr);
    clcnn_session_info(nullptr, &info);
    CHECK(info.steps == 0);
    CHECK(clcnn_session_predict(nullptr, 0, nullptr, nullptr) == invalid);
    CHECK(clcnn_session_enqueue(nullptr, 1, nullptr, nullptr, nullptr) == invalid);
    CHECK(clcnn_trainer_create(device(), model, nullptr, nullptr) == invalid);
    CHECK(clcnn_trainer_create(nullptr, model, nullptr, &trainer) == invalid);
    CHECK(trainer.cleared());
    CHECK(clcnn_trainer_create(device(), nullptr, nullptr, &trainer) == invalid);
    CHECK(trainer.cleared());
    CHECK(clcnn_trainer_fit(nullptr, nullptr, nullptr, nullptr) == invalid);
    CHECK(clcnn_trainer_evaluate(nullptr, nullptr, &metrics) == invalid);
    CHECK(clcnn_trainer_predict(nullptr, 0, nullptr, nullptr) == invalid);
    CHECK(clcnn_trainer_train_on_batch(nullptr, 1, nullptr, nullptr, nullptr) == invalid);
    CHECK(clcnn_trainer_read_weights(nullptr) == invalid);
    CHECK(clcnn_trainer_save_state(nullptr, nullptr) == invalid);
    CHECK(clcnn_trainer_load_state(nullptr, nullptr) == invalid);
    CHECK(clcnn_trainer_epoch(nullptr) == 0);
    CHECK(clcnn_progress_bar(nullptr, stderr));
    clcnn_model_destroy(&model);
}
