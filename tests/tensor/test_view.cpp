#include "support/check.hpp"
#include <clcnn/view.h>
#include <numeric>
#include <vector>

namespace
{

using Sizes = std::vector<int64_t>;

struct clcnn_shape shape(const Sizes &sizes)
{
    struct clcnn_shape s = {};
    s.rank = (int)sizes.size();
    for (size_t i = 0; i < sizes.size(); i++)
        s.dim[i] = sizes[i];
    return s;
}

struct clcnn_view dense(const Sizes &sizes)
{
    struct clcnn_view view;
    struct clcnn_shape s = shape(sizes);
    CHECK_OK(clcnn_view_dense(&s, &view));
    return view;
}

/* The elements of the buffer in the view's order. */
Sizes elements(const struct clcnn_view &view)
{
    Sizes all;
    int64_t count = clcnn_view_count(&view);
    for (int64_t n = 0; n < count; n++) {
        int64_t rest = n, at = view.offset;
        for (int i = view.rank - 1; i >= 0; i--) {
            at += rest % view.size[i] * view.stride[i];
            rest /= view.size[i];
        }
        all.push_back(at);
    }
    return all;
}

Sizes sizes(const struct clcnn_view &view)
{
    return Sizes(view.size, view.size + view.rank);
}

#define CHECK_REFUSED(call, words) CHECK_FAILS(call, CLCNN_STATUS_INVALID_ARGUMENT, words)

} // namespace

TEST_CASE("view: dense, of every rank", "[view]")
{
    for (size_t rank = 0; rank <= CLCNN_MAX_RANK; rank++) {
        struct clcnn_view view = dense(Sizes(rank, 2));
        Sizes expected((size_t)1 << rank);
        std::iota(expected.begin(), expected.end(), 0);
        CHECK(elements(view) == expected);
        int64_t first, last;
        CHECK_OK(clcnn_view_range(&view, &first, &last));
        CHECK(first == 0);
        CHECK(last == (int64_t)expected.size() - 1);
    }
    struct clcnn_view empty = dense({3, 0, 2});
    CHECK(clcnn_view_count(&empty) == 0);
    int64_t first, last;
    CHECK_OK(clcnn_view_range(&empty, &first, &last));
    CHECK(last == first - 1);
    CHECK(clcnn_view_count(nullptr) == -1);
    struct clcnn_shape bad = shape({3, -1}), large = shape({INT64_MAX, 2});
    CHECK_REFUSED(clcnn_view_dense(&bad, &empty), "no legal shape");
    CHECK_REFUSED(clcnn_view_dense(&large, &empty), "no legal shape");
    CHECK_REFUSED(clcnn_view_dense(nullptr, &empty), "no legal shape");
    CHECK_REFUSED(clcnn_view_dense(&bad, nullptr), "out is NULL");
}

TEST_CASE("view: permute, slice, reverse", "[view]")
{
    struct clcnn_view view = dense({2, 3}), out;
    CHECK_OK(clcnn_view_permute(&view, nullptr, &out));
    CHECK(elements(out) == Sizes{0, 3, 1, 4, 2, 5});
    const int axes[] = {1, 0}, twice[] = {1, 1}, far[] = {0, 2};
    CHECK_OK(clcnn_view_permute(&view, axes, &out));
    CHECK(sizes(out) == Sizes{3, 2});
    CHECK_OK(clcnn_view_permute(&out, nullptr, &out)); /* in place */
    CHECK(elements(out) == Sizes{0, 1, 2, 3, 4, 5});
    CHECK_REFUSED(clcnn_view_permute(&view, twice, &out), "not a permutation");
    CHECK_REFUSED(clcnn_view_permute(&view, far, &out), "axis 2 at 1");

    CHECK_OK(clcnn_view_slice(&view, 1, 2, -2, 2, &out));
    CHECK(elements(out) == Sizes{2, 0, 5, 3});
    int64_t first, last;
    CHECK_OK(clcnn_view_range(&out, &first, &last));
    CHECK(first == 0);
    CHECK(last == 5);
    CHECK_OK(clcnn_view_slice(&view, -2, 1, 1, 1, &out));
    CHECK(elements(out) == Sizes{3, 4, 5});
    CHECK_OK(clcnn_view_slice(&view, 0, 7, 1, 0, &out)); /* nothing is everywhere */
    CHECK(clcnn_view_count(&out) == 0);
    CHECK_REFUSED(clcnn_view_slice(&view, 2, 0, 1, 1, &out), "axis 2 is not in -2..1");
    CHECK_REFUSED(clcnn_view_slice(&view, 1, 0, 1, 4, &out), "4 elements from 0 by 1");
    CHECK_REFUSED(clcnn_view_slice(&view, 1, 0, -1, 2, &out), "are not inside axis 1 of 3");
    CHECK_REFUSED(clcnn_view_slice(&view, 1, 3, 1, 1, &out), "not inside");
    CHECK_REFUSED(clcnn_view_slice(&view, 1, 0, INT64_MAX, 3, &out), "not inside");
    CHECK_REFUSED(clcnn_view_slice(&view, 1, 0, 1, -1, &out), "a slice of -1");
}

TEST_CASE("view: broadcast", "[view]")
{
    struct clcnn_view view = dense({3, 1}), out;
    struct clcnn_shape wide = shape({2, 3, 2}), other = shape({2, 4, 2}), low = shape({3});
    CHECK_OK(clcnn_view_broadcast(&view, &wide, &out));
    CHECK(elements(out) == Sizes{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2});
    CHECK_REFUSED(clcnn_view_broadcast(&view, &other, &out), "size 3 does not broadcast to 4");
    CHECK_REFUSED(clcnn_view_broadcast(&view, &low, &out), "rank 2 does not broadcast to rank 1");
    struct clcnn_shape shapes[3] = {shape({3, 1}), shape({}), shape({5, 1, 4})}, all;
    CHECK_OK(clcnn_shape_broadcast(shapes, 3, &all));
    CHECK(Sizes(all.dim, all.dim + all.rank) == Sizes{5, 3, 4});
    CHECK_OK(clcnn_shape_broadcast(nullptr, 0, &all));
    CHECK(all.rank == 0);
    shapes[1] = shape({2, 1});
    CHECK_REFUSED(clcnn_shape_broadcast(shapes, 3, &all), "sizes 3 and 2 do not broadcast");
    shapes[1] = shape({0});
    CHECK_REFUSED(clcnn_shape_broadcast(shapes, 3, &all), "sizes 0 and 4");
}

TEST_CASE("view: reshape splits and joins dense dimensions", "[view]")
{
    struct clcnn_view view = dense({4, 6}), out;
    Sizes all(24);
    std::iota(all.begin(), all.end(), 0);
    for (const Sizes &to : {Sizes{24}, {2, 2, 6}, {4, 1, 2, 3}, {3, 8}, {1, 24, 1}, {8, 3}}) {
        struct clcnn_shape s = shape(to);
        CHECK_OK(clcnn_view_reshape(&view, &s, &out));
        CHECK(sizes(out) == to);
        CHECK(elements(out) == all);
    }
    struct clcnn_view turned, reversed;
    CHECK_OK(clcnn_view_permute(&view, nullptr, &turned));
    struct clcnn_shape split = shape({2, 3, 2, 2}), flat = shape({24}), few = shape({23});
    CHECK_OK(clcnn_view_reshape(&turned, &split, &out));
    CHECK(elements(out) == elements(turned));
    CHECK_FAILS(clcnn_view_reshape(&turned, &flat, &out), CLCNN_STATUS_UNSUPPORTED, "not dense");
    CHECK_REFUSED(clcnn_view_reshape(&view, &few, &out), "24 elements do not have a shape of 23");
    CHECK_OK(clcnn_view_slice(&view, 1, 5, -1, 6, &reversed));
    struct clcnn_shape halves = shape({4, 2, 3});
    CHECK_OK(clcnn_view_reshape(&reversed, &halves, &out));
    CHECK(elements(out) == elements(reversed));
    struct clcnn_view one = dense({}), empty = dense({0, 3});
    struct clcnn_shape ones = shape({1, 1}), nothing = shape({5, 0});
    CHECK_OK(clcnn_view_reshape(&one, &ones, &out));
    CHECK(elements(out) == Sizes{0});
    CHECK_OK(clcnn_view_reshape(&empty, &nothing, &out));
    CHECK(sizes(out) == Sizes{5, 0});

    struct clcnn_view wild = dense({2, 2});
    wild.rank = 9;
    CHECK_REFUSED(clcnn_view_permute(&wild, nullptr, &out), "rank 9 is not in 0..8");
    wild.rank = 2;
    wild.stride[0] = INT64_MAX;
    wild.offset = 1;
    int64_t first, last;
    CHECK_REFUSED(clcnn_view_range(&wild, &first, &last), "63 bits");
}
