#include "support/check.hpp"
#include "support/owned.hpp"
#include <clcnn/tensor.h>
#include <cstring>

extern "C" {
#include "tensor/shape_text.h"
}

using Tensor = Owned<struct clcnn_tensor, clcnn_tensor_destroy>;

TEST_CASE("tensor: types", "[tensor]")
{
    struct {
        enum clcnn_dtype dtype;
        const char *name;
        size_t size;
    } const types[] = {
        {CLCNN_DTYPE_FLOAT32, "float32", 4}, {CLCNN_DTYPE_FLOAT16, "float16", 2},
        {CLCNN_DTYPE_FLOAT64, "float64", 8}, {CLCNN_DTYPE_UINT8, "uint8", 1},
        {CLCNN_DTYPE_INT32, "int32", 4},     {CLCNN_DTYPE_INT64, "int64", 8},
        {(enum clcnn_dtype)6, "unknown", 0}, {(enum clcnn_dtype)7, "unknown", 0},
    };
    for (const auto &type : types) {
        CHECK(std::string(clcnn_dtype_name(type.dtype)) == type.name);
        CHECK(clcnn_dtype_size(type.dtype) == type.size);
    }
}

TEST_CASE("tensor: elements of a shape", "[tensor]")
{
    auto count = [](struct clcnn_shape shape) { return clcnn_shape_count(&shape); };
    CHECK(count({0, {}}) == 1);
    CHECK(count({1, {7}}) == 7);
    CHECK(count({4, {64, 12, 12, 32}}) == 294912);
    CHECK(count({3, {12, 12, 32}}) == 4608); /* flattens to 4,608 */
    CHECK(count({3, {5, 0, 3}}) == 0);
    CHECK(count({8, {2, 2, 2, 2, 2, 2, 2, 2}}) == 256);
    CHECK(count({1, {INT64_MAX}}) == INT64_MAX);
    CHECK(count({2, {INT64_MAX, 2}}) == -1);
    CHECK(count({3, {INT64_MAX, 2, 0}}) == -1);
    CHECK(count({3, {0, INT64_MAX, 1}}) == 0);
    CHECK(count({2, {CLCNN_DIM_BATCH, 3}}) == -1);
    CHECK(count({-1, {}}) == -1);
    CHECK(count({9, {}}) == -1);
}

TEST_CASE("tensor: made of zeros, aligned", "[tensor]")
{
    for (int dtype = CLCNN_DTYPE_FLOAT32; dtype <= CLCNN_DTYPE_INT64; dtype++) {
        struct clcnn_shape shape = {3, {3, 5, 7}};
        Tensor tensor;
        CHECK_OK(clcnn_tensor_create((enum clcnn_dtype)dtype, &shape, &tensor));
        CHECK(clcnn_tensor_dtype(tensor) == (enum clcnn_dtype)dtype);
        CHECK(clcnn_tensor_count(tensor) == 105);
        CHECK(clcnn_tensor_bytes(tensor) == 105 * clcnn_dtype_size((enum clcnn_dtype)dtype));
        CHECK(memcmp(clcnn_tensor_shape(tensor), &shape, sizeof(shape)) == 0);
        CHECK((uintptr_t)clcnn_tensor_data(tensor) % 64 == 0);
        CHECK(clcnn_tensor_const_data(tensor) == clcnn_tensor_data(tensor));
        const char *bytes = (const char *)clcnn_tensor_const_data(tensor);
        for (size_t i = 0; i < clcnn_tensor_bytes(tensor); i++)
            REQUIRE(bytes[i] == 0);
    }
}

TEST_CASE("tensor: row-major: flattening keeps the order", "[tensor]")
{
    struct clcnn_shape shape = {2, {3, 3}};
    Tensor tensor;
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_FLOAT32, &shape, &tensor));
    const float rows[3][3] = {{1, 1, 0}, {4, 2, 1}, {0, 2, 1}};
    memcpy(clcnn_tensor_data(tensor), rows, sizeof(rows));
    const float flat[9] = {1, 1, 0, 4, 2, 1, 0, 2, 1};
    CHECK(memcmp(clcnn_tensor_const_data(tensor), flat, sizeof(flat)) == 0);
}

TEST_CASE("tensor: scalars, and no elements", "[tensor]")
{
    struct clcnn_shape scalar = {0, {}}, empty = {2, {0, 5}};
    Tensor one, none;
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_FLOAT64, &scalar, &one));
    CHECK(clcnn_tensor_bytes(one) == 8);
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_FLOAT32, &empty, &none));
    CHECK(clcnn_tensor_count(none) == 0);
    CHECK(clcnn_tensor_bytes(none) == 0);
    CHECK(clcnn_tensor_data(none) != nullptr);
}

TEST_CASE("tensor: what create refuses", "[tensor]")
{
    const enum clcnn_status invalid = CLCNN_STATUS_INVALID_ARGUMENT;
    const enum clcnn_dtype dtype = CLCNN_DTYPE_FLOAT32;
    struct clcnn_shape good = {1, {3}}, low = {-1, {}}, high = {9, {}};
    struct clcnn_shape negative = {2, {3, -1}}, large = {2, {INT64_MAX, 3}};
    struct clcnn_shape memory = {1, {INT64_MAX}};
    Tensor tensor;
    CHECK_FAILS(clcnn_tensor_create(dtype, &good, nullptr), invalid, "out is NULL");
    CHECK_FAILS(clcnn_tensor_create(dtype, nullptr, &tensor), invalid, "shape is NULL");
    CHECK_FAILS(clcnn_tensor_create((enum clcnn_dtype)6, &good, &tensor), invalid, "dtype 6");
    CHECK_FAILS(clcnn_tensor_create(dtype, &low, &tensor), invalid, "rank -1");
    CHECK_FAILS(clcnn_tensor_create(dtype, &high, &tensor), invalid, "rank 9");
    CHECK_FAILS(clcnn_tensor_create(dtype, &negative, &tensor), invalid, "negative");
    CHECK_FAILS(clcnn_tensor_create(dtype, &large, &tensor), invalid, "too large");
    CHECK_FAILS(clcnn_tensor_create(dtype, &memory, &tensor), CLCNN_STATUS_OUT_OF_MEMORY,
                "elements of float32");
    CHECK((struct clcnn_tensor *)tensor == nullptr);
}

TEST_CASE("tensor: destroy", "[tensor]")
{
    struct clcnn_tensor *tensor = nullptr;
    clcnn_tensor_destroy(nullptr);
    clcnn_tensor_destroy(&tensor);
    struct clcnn_shape shape = {1, {3}};
    CHECK_OK(clcnn_tensor_create(CLCNN_DTYPE_INT32, &shape, &tensor));
    clcnn_tensor_destroy(&tensor);
    CHECK(tensor == nullptr);
}

TEST_CASE("tensor: shapes as text", "[tensor]")
{
    auto text = [](struct clcnn_shape shape) {
        struct clcnn_text words = {};
        clcnn_shape_add_text(&words, &shape);
        std::string result = words.data;
        clcnn_text_clear(&words);
        return result;
    };
    CHECK(text({4, {CLCNN_DIM_BATCH, 28, 28, 1}}) == "(None, 28, 28, 1)");
    CHECK(text({1, {5}}) == "(5)");
    CHECK(text({0, {}}) == "()");
}
