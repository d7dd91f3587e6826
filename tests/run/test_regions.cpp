#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <vector>
extern "C" {
#include "run/regions.h"
}

namespace
{

struct Placed {
    enum clcnn_status status;
    std::vector<size_t> arenas;
    size_t total() const
    {
        size_t sum = 0;
        for (size_t bytes : arenas)
            sum += bytes;
        return sum;
    }
};

Placed place(std::vector<struct clcnn_region> &regions, size_t max_bytes)
{
    size_t *arenas = nullptr;
    int count = 0;
    Placed placed = {
        clcnn_regions_place(regions.data(), regions.size(), max_bytes, &arenas, &count), {}};
    if (placed.status == CLCNN_STATUS_OK)
        placed.arenas.assign(arenas, arenas + count);
    free(arenas);
    return placed;
}

struct clcnn_region region(size_t bytes, int first, int last)
{
    struct clcnn_region r = {};
    r.bytes = bytes;
    r.first = first;
    r.last = last;
    return r;
}

/* Inside their arenas, aligned, and apart whenever they live together. */
void check_valid(const std::vector<struct clcnn_region> &regions, const Placed &placed,
                 size_t max_bytes)
{
    for (size_t bytes : placed.arenas)
        CHECK(bytes <= max_bytes);
    for (size_t i = 0; i < regions.size(); i++) {
        const struct clcnn_region &a = regions[i];
        if (a.bytes == 0)
            continue;
        CHECK(a.offset % CLCNN_REGION_ALIGNMENT == 0);
        CHECK(a.offset + a.bytes <= placed.arenas[a.arena]);
        for (size_t j = 0; j < i; j++) {
            const struct clcnn_region &b = regions[j];
            bool together = a.first <= b.last && b.first <= a.last;
            bool overlap = a.arena == b.arena && a.offset < b.offset + b.bytes &&
                           b.offset < a.offset + a.bytes;
            CHECK_FALSE((b.bytes > 0 && together && overlap));
        }
    }
}

} // namespace

TEST_CASE("A chain needs no more than its two largest members", "[run]")
{
    std::vector<struct clcnn_region> regions;
    for (int i = 0; i < 50; i++)
        regions.push_back(region((size_t)(64 * (1 + i * 37 % 11)), i, i + 1));
    Placed placed = place(regions, SIZE_MAX);
    REQUIRE(placed.status == CLCNN_STATUS_OK);
    check_valid(regions, placed, SIZE_MAX);
    CHECK(placed.arenas.size() == 1);
    CHECK(placed.total() <= 2 * 64 * 11);
}

TEST_CASE("Random lifetimes never overlap in memory", "[run]")
{
    uint32_t state = 1;
    auto next = [&](uint32_t bound) {
        state = state * 1664525 + 1013904223;
        return (state >> 8) % bound;
    };
    for (int round = 0; round < 20; round++) {
        std::vector<struct clcnn_region> regions;
        for (int i = 0; i < 60; i++) {
            int first = (int)next(40);
            regions.push_back(region(next(5000), first, first + (int)next(10)));
        }
        size_t limit = round % 2 ? 8192 : SIZE_MAX;
        Placed placed = place(regions, limit);
        REQUIRE(placed.status == CLCNN_STATUS_OK);
        check_valid(regions, placed, limit);
    }
}

TEST_CASE("Regions that do not fit one arena get more", "[run]")
{
    std::vector<struct clcnn_region> regions = {region(1000, 0, 9), region(1000, 0, 9),
                                                region(0, 0, 9), region(1000, 10, 12)};
    Placed placed = place(regions, 1024);
    REQUIRE(placed.status == CLCNN_STATUS_OK);
    CHECK(placed.arenas == std::vector<size_t>{1024, 1024});
    CHECK(regions[2].arena == -1);
    check_valid(regions, placed, 1024);
}

TEST_CASE("A region larger than any arena is out of memory", "[run]")
{
    std::vector<struct clcnn_region> regions = {region(1025, 0, 0)};
    CHECK(place(regions, 1024).status == CLCNN_STATUS_OUT_OF_MEMORY);
    regions = {region(1000, 0, 0)}; /* rounded up to 1024 */
    CHECK(place(regions, 1023).status == CLCNN_STATUS_OUT_OF_MEMORY);
    regions = {region(SIZE_MAX - 5, 0, 0)};
    CHECK(place(regions, SIZE_MAX).status == CLCNN_STATUS_OUT_OF_MEMORY);
}

TEST_CASE("No regions need no arena", "[run]")
{
    std::vector<struct clcnn_region> regions;
    Placed placed = place(regions, 1024);
    CHECK(placed.status == CLCNN_STATUS_OK);
    CHECK(placed.arenas.empty());
}
