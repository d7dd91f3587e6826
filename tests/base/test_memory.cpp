extern "C" {
#include "base/memory.h"
}
#include "support/check.hpp"
#include <cstdint>
#include <cstdlib>

TEST_CASE("memory: zeroed elements", "[memory]")
{
    int64_t *numbers = nullptr;
    CHECK_OK(clcnn_alloc(1000, sizeof(*numbers), &numbers));
    for (int i = 0; i < 1000; i++)
        REQUIRE(numbers[i] == 0);
    free(numbers);
    CHECK_OK(clcnn_alloc(0, sizeof(*numbers), &numbers));
    CHECK(numbers != nullptr);
    clcnn_free(numbers);
    clcnn_free(nullptr);
}

TEST_CASE("memory: what does not fit is refused", "[memory]")
{
    void *memory = nullptr;
    CHECK_FAILS(clcnn_alloc(SIZE_MAX / 4, 8, &memory), CLCNN_STATUS_OUT_OF_MEMORY, "host memory");
    CHECK(memory == nullptr);
    size_t capacity = 0;
    CHECK_FAILS(clcnn_grow(&memory, &capacity, SIZE_MAX / 4, 8), CLCNN_STATUS_OUT_OF_MEMORY,
                "host memory");
    CHECK(memory == nullptr);
    CHECK(capacity == 0);
}

TEST_CASE("memory: an array grows, keeps its elements and zeroes the new ones", "[memory]")
{
    int *array = nullptr;
    size_t capacity = 0, reallocations = 0;
    for (int i = 0; i < 10000; i++) {
        size_t before = capacity;
        CHECK_OK(clcnn_grow(&array, &capacity, (size_t)i + 1, sizeof(*array)));
        REQUIRE(capacity > (size_t)i);
        reallocations += capacity != before;
        REQUIRE(array[i] == 0);
        array[i] = i + 1;
    }
    for (int i = 0; i < 10000; i++)
        REQUIRE(array[i] == i + 1);
    CHECK(reallocations < 20);
    size_t before = capacity;
    CHECK_OK(clcnn_grow(&array, &capacity, 5, sizeof(*array)));
    CHECK(capacity == before);
    CHECK_FAILS(clcnn_grow(&array, &capacity, SIZE_MAX / 2, sizeof(*array)),
                CLCNN_STATUS_OUT_OF_MEMORY, "host memory");
    CHECK(capacity == before);
    CHECK(array[9999] == 10000);
    free(array);
}

TEST_CASE("memory: strings", "[memory]")
{
    char *copy = nullptr;
    CHECK_OK(clcnn_copy_string("conv2d", &copy));
    CHECK(std::string(copy) == "conv2d");
    free(copy);
    CHECK_OK(clcnn_copy_string("", &copy));
    CHECK(std::string(copy).empty());
    free(copy);
    CHECK_OK(clcnn_copy_string(nullptr, &copy));
    CHECK(copy == nullptr);
}

TEST_CASE("memory: sizes", "[memory]")
{
    size_t out = 0;
    CHECK(clcnn_multiply(6, 7, &out));
    CHECK(out == 42);
    CHECK(clcnn_multiply(SIZE_MAX, 1, &out));
    CHECK(!clcnn_multiply(SIZE_MAX / 2 + 1, 2, &out));
    CHECK(clcnn_sum(SIZE_MAX - 1, 1, &out));
    CHECK(out == SIZE_MAX);
    CHECK(!clcnn_sum(SIZE_MAX, 1, &out));
    CHECK(clcnn_divide_up(10, 5) == 2);
    CHECK(clcnn_divide_up(11, 5) == 3);
    CHECK(clcnn_divide_up(0, 5) == 0);
    CHECK(clcnn_round_up(11, 5) == 15);
    CHECK(clcnn_round_up(15, 5) == 15);
    CHECK(clcnn_min(-3, 2) == -3);
    CHECK(clcnn_max(-3, 2) == 2);
}
