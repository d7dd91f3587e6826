extern "C" {
#include "base/time.h"
}
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

TEST_CASE("time: seconds that do not go back", "[time]")
{
    double start = clcnn_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    double passed = clcnn_seconds() - start;
    CHECK(passed >= 0.02);
    CHECK(passed < 20);
}
