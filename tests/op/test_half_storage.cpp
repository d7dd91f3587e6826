/* float16 storage: conversions, and the operations that work element by element, against what the
 * same operations give in float32. */
#include "support/compare.hpp"
#include "support/half.hpp"
#include "support/owned.hpp"

using Elementwise = Owned<struct clcnn_elementwise, clcnn_elementwise_destroy>;
using Activation = Owned<struct clcnn_activation_op, clcnn_activation_destroy>;
using Pool2d = Owned<struct clcnn_pool2d, clcnn_pool2d_destroy>;

namespace
{

const enum clcnn_dtype half = CLCNN_DTYPE_FLOAT16;
const enum clcnn_dtype storages[] = {CLCNN_DTYPE_FLOAT32, half};

/* A tensor in a storage. */
struct Stored {
    enum clcnn_dtype storage;
    Guarded buffer;

    Stored(struct clcnn_device *device, const std::vector<float> &values, enum clcnn_dtype type)
        : storage(type), buffer(device, to_storage(values, type))
    {
    }
    operator struct clcnn_buffer *() const
    {
        return buffer;
    }
    std::vector<float> read() const
    {
        return from_storage(buffer.read<unsigned char>(), storage);
    }
};

/* `run` by storage on the same halves: the result is the rounded one of float32, or, if functions
 * and contractions may differ in the last bits, close to it. */
template <class Run> void check_storages(bool exact, Run run)
{
    std::vector<float> wide = run(CLCNN_DTYPE_FLOAT32), narrow = run(half);
    if (exact) {
        check_same_bits(narrow, round_to_half(wide));
        return;
    }
    check_close(narrow, to_double(wide), [&](size_t i) {
        return half_rounding(wide[i]) + 16 * unit_roundoff * std::fabs(wide[i]);
    });
}

std::vector<float> halves(size_t count, unsigned seed)
{
    return round_to_half(test_values(count, seed));
}

/* Around the vector width, the work-group and the chunk. */
const size_t counts[] = {1, 3, 15, 16, 17, 63, 64, 65, 4096, 4097, 10007};

} // namespace

TEST_CASE("half storage: every half widens exactly, and comes back", "[half]")
{
    std::vector<uint16_t> bits(65536);
    std::vector<float> values(bits.size());
    for (size_t i = 0; i < bits.size(); i++)
        values[i] = from_half(bits[i] = (uint16_t)i);
    const struct clcnn_elementwise_params params = {half};
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise op;
        CHECK_OK(clcnn_elementwise_create(device, &params, &op));
        Guarded x(device, bits), y(device, Guarded::poison(bits.size()));
        CHECK_OK(clcnn_elementwise_convert(op, true, 65536, x, y, nullptr));
        check_equal(y.read<float>(), to_double(values));
        CHECK_OK(clcnn_elementwise_convert(op, false, 65536, y, x, nullptr));
        std::vector<uint16_t> back = x.read<uint16_t>();
        for (size_t i = 0; i < bits.size(); i++)
            if (std::isnan(values[i]))
                back[i] = std::isnan(from_half(back[i])) ? bits[i] : 0;
        CHECK(back == bits);
    }
}

TEST_CASE("half storage: narrowing rounds to the nearest, ties to even", "[half]")
{
    const float infinity = std::numeric_limits<float>::infinity();
    std::vector<float> x = {0.0f,     -0.0f,    1 + 0x1p-11f, 1 + 0x3p-11f, 1 + 0x1.02p-11f,
                            65504,    65519,    65520,        -70000,       infinity,
                            0x1p-24f, 0x1p-25f, 0x1.8p-25f,   0x3p-25f,     0x1p-14f - 0x1p-25f,
                            3e-39f,   -1e30f};
    for (size_t i = 0; i < 65535; i++) /* between every two neighbours */
        if (std::isfinite(from_half((uint16_t)i)) && std::isfinite(from_half((uint16_t)(i + 1))))
            x.push_back(0.5f * (from_half((uint16_t)i) + from_half((uint16_t)(i + 1))));
    const struct clcnn_elementwise_params params = {half};
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise op;
        CHECK_OK(clcnn_elementwise_create(device, &params, &op));
        Guarded from(device, x);
        Stored to(device, Guarded::poison(x.size()), half);
        CHECK_OK(clcnn_elementwise_convert(op, false, (int64_t)x.size(), from, to, nullptr));
        check_same_bits(to.read(), round_to_half(x));
    }
}

TEST_CASE("half storage: add, copy, transpose, dropout", "[half]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        Elementwise ops[2];
        for (enum clcnn_dtype storage : storages) {
            const struct clcnn_elementwise_params params = {storage};
            CHECK_OK(clcnn_elementwise_create(device, &params, &ops[storage]));
        }
        for (size_t count : counts) {
            const std::vector<float> a = halves(count, 1), b = halves(count, 2);
            INFO("count " << count << " on " << clcnn_device_class_name(device_class));
            check_storages(true, [&](enum clcnn_dtype storage) {
                Stored x(device, a, storage), y(device, b, storage);
                CHECK_OK(
                    clcnn_elementwise_add(ops[storage], (int64_t)count, x, y, true, y, nullptr));
                return y.read();
            });
            check_storages(true, [&](enum clcnn_dtype storage) {
                Stored x(device, a, storage), y(device, Guarded::poison(2 * count), storage);
                for (int64_t offset : {0, 1})
                    CHECK_OK(clcnn_elementwise_copy(ops[storage], (int64_t)count, 1, x, 1, 0, y, 2,
                                                    offset, nullptr));
                return y.read();
            });
            check_storages(true, [&](enum clcnn_dtype storage) {
                Stored x(device, a, storage), y(device, Guarded::poison(count), storage);
                CHECK_OK(clcnn_elementwise_dropout(ops[storage], (int64_t)count, 0.25f, 7, 3, x, y,
                                                   nullptr));
                return y.read();
            });
        }
        const std::vector<float> image = halves(2 * 3 * 19 * 17, 3);
        for (bool to_nhwc : {false, true})
            check_storages(true, [&](enum clcnn_dtype storage) {
                Stored x(device, image, storage), y(device, Guarded::poison(image.size()), storage);
                CHECK_OK(clcnn_elementwise_transpose(ops[storage], to_nhwc, 2, 3, 19, 17, x, y,
                                                     nullptr));
                return y.read();
            });
    }
}

TEST_CASE("half storage: activations", "[half]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (int activation = 0; activation <= CLCNN_ACTIVATION_SOFTMAX; activation++)
            for (int64_t units : {1, 7, 16, 17, 1000}) {
                struct clcnn_device *device = test_device(device_class);
                const std::vector<float> x = halves((size_t)(5 * units), 1);
                INFO(clcnn_activation_name((enum clcnn_activation)activation) << " of " << units);
                check_storages(activation <= CLCNN_ACTIVATION_RELU, [&](enum clcnn_dtype storage) {
                    struct clcnn_activation_params params = {};
                    params.activation = (enum clcnn_activation)activation;
                    params.rows = 5;
                    params.units = units;
                    params.storage = storage;
                    Activation op;
                    CHECK_OK(clcnn_activation_create(device, &params, &op));
                    Stored from(device, x, storage);
                    Stored to(device, Guarded::poison(x.size()), storage);
                    CHECK_OK(clcnn_activation_forward(op, 0, from, to, nullptr));
                    CHECK_OK(clcnn_activation_forward(op, 0, from, from, nullptr));
                    check_same_bits(to.read(), from.read());
                    return to.read();
                });
            }
}

TEST_CASE("half storage: pooling", "[half]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_pool_mode mode : {CLCNN_POOL_MODE_MAX, CLCNN_POOL_MODE_AVERAGE})
            for (int channels : {1, 5, 16, 33}) {
                struct clcnn_device *device = test_device(device_class);
                struct clcnn_pool2d_params params = {};
                params.mode = mode;
                params.batch = 2;
                params.height = 9;
                params.width = 8;
                params.channels = channels;
                params.size[0] = params.size[1] = 3;
                params.strides[0] = params.strides[1] = 2;
                params.padding = CLCNN_PADDING_SAME;
                const std::vector<float> x = halves((size_t)(2 * 9 * 8 * channels), 1);
                check_storages(mode == CLCNN_POOL_MODE_MAX, [&](enum clcnn_dtype storage) {
                    params.storage = storage;
                    Pool2d op;
                    CHECK_OK(clcnn_pool2d_create(device, &params, &op));
                    Stored from(device, x, storage);
                    Stored to(device, Guarded::poison((size_t)(2 * 5 * 4 * channels)), storage);
                    CHECK_OK(clcnn_pool2d_forward(op, 0, from, to, nullptr));
                    return to.read();
                });
            }
}

TEST_CASE("half storage: what it does not do", "[half]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_CPU);
    Stored a(device, halves(64, 1), half), b(device, halves(64, 2), half);
    Guarded c(device, Guarded::poison(64));
    Elementwise elementwise;
    const struct clcnn_elementwise_params params = {half}, wrong = {CLCNN_DTYPE_INT32};
    CHECK_INVALID(clcnn_elementwise_create(device, &wrong, &elementwise),
                  "storage int32 (4) is neither float32 nor float16");
    CHECK_OK(clcnn_elementwise_create(device, &params, &elementwise));
    CHECK_FAILS(clcnn_elementwise_fill(elementwise, 64, 1.0f, a, nullptr), CLCNN_STATUS_UNSUPPORTED,
                "fill stores float32 alone");
    CHECK_INVALID(clcnn_elementwise_convert(elementwise, true, 64, a, a, nullptr),
                  "convert: y has 128 bytes, 256 are needed");
    CHECK_INVALID(clcnn_elementwise_convert(elementwise, false, 65, c, a, nullptr),
                  "convert: x has 256 bytes, 260 are needed");
    CHECK_INVALID(clcnn_elementwise_convert(elementwise, false, 0, c, a, nullptr), "count=0");
    CHECK_INVALID(clcnn_elementwise_convert(elementwise, false, 64, c, c, nullptr),
                  "x and y share memory");
    CHECK_INVALID(clcnn_elementwise_convert(nullptr, false, 64, c, a, nullptr), "op is NULL");

    struct clcnn_activation_params relu = {};
    relu.activation = CLCNN_ACTIVATION_RELU;
    relu.rows = 1;
    relu.units = 64;
    relu.storage = half;
    Activation activation;
    CHECK_OK(clcnn_activation_create(device, &relu, &activation));
    CHECK_FAILS(clcnn_activation_backward(activation, 1, a, b, b, nullptr),
                CLCNN_STATUS_UNSUPPORTED, "backward stores float32 alone");
    relu.storage = CLCNN_DTYPE_UINT8;
    Activation none;
    CHECK_INVALID(clcnn_activation_create(device, &relu, &none), "storage uint8");

    struct clcnn_pool2d_params pool = {};
    pool.batch = 1;
    pool.height = pool.width = 8;
    pool.channels = 1;
    pool.storage = half;
    Pool2d op, other;
    CHECK_OK(clcnn_pool2d_create(device, &pool, &op));
    CHECK_FAILS(clcnn_pool2d_backward(op, 1, a, nullptr, b, a, nullptr), CLCNN_STATUS_UNSUPPORTED,
                "backward stores float32 alone");
    pool.storage = CLCNN_DTYPE_FLOAT64;
    CHECK_INVALID(clcnn_pool2d_create(device, &pool, &other), "storage float64");
}
