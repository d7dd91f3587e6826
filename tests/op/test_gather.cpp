#include "ref/array.hpp"
#include "support/owned.hpp"

using Gather = Owned<struct clcnn_gather, clcnn_gather_destroy>;

namespace
{

const double far = 1e9;

HostArray indices(enum clcnn_dtype type, const Index &sizes, int64_t axis, Layout layout)
{
    HostArray index(type, sizes, layout);
    index.random(5, (double)-axis - 1, (double)axis);
    if (!index.elements.empty())
        index.elements.front() = far;
    return index;
}

int64_t inside(double j, int64_t axis)
{
    int64_t i = (int64_t)j + (j < 0 ? axis : 0);
    return std::min(std::max<int64_t>(i, 0), axis - 1);
}

void check_gather(struct clcnn_device *device, const HostArray &x, const HostArray &index,
                  int64_t axis, bool elements, Layout to)
{
    INFO("axis " << axis << " of rank " << x.view.rank << " by rank " << index.view.rank
                 << (elements ? ", elements of " : ", slices of ") << clcnn_dtype_name(x.type)
                 << " on " << clcnn_device_class_name(clcnn_device_info(device)->device_class));
    struct clcnn_gather_params params = {x.type, index.type, elements};
    Gather op;
    CHECK_OK(clcnn_gather_create(device, &params, &op));
    Index sizes = x.sizes(), which = index.sizes();
    auto a = (size_t)axis;
    if (elements) {
        sizes = which;
    } else {
        sizes.erase(sizes.begin() + axis);
        sizes.insert(sizes.begin() + axis, which.begin(), which.end());
    }
    HostArray expected(x.type, sizes, to);
    each_index(sizes, [&](const Index &i) {
        Index at = i, j = i;
        if (!elements) {
            j.assign(i.begin() + axis, i.begin() + axis + (int64_t)which.size());
            at.erase(at.begin() + axis, at.begin() + axis + (int64_t)which.size());
            at.insert(at.begin() + axis, 0);
        }
        at[a] = inside(index[j], x.view.size[axis]);
        expected[i] = x[at];
    });
    DeviceArray from(device, x), by(device, index), y(device, expected, true);
    CHECK_OK(clcnn_gather_forward(op, (int)axis, from, by, y, nullptr));
    y.check(expected);
    if (to == DENSE) {
        CHECK_OK(clcnn_gather_forward(op, (int)axis - x.view.rank, from, by, y, nullptr));
        y.check(expected);
    }
}

} // namespace

TEST_CASE("gather: slices and elements along every axis, in every layout", "[gather]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (Layout from : layouts)
            for (Layout to : {DENSE, TRANSPOSED, SLICED})
                for (int64_t axis : {0, 1, 2}) {
                    struct clcnn_device *device = test_device(device_class);
                    HostArray x(CLCNN_DTYPE_FLOAT32, {5, 18, 33}, from);
                    x.random(1);
                    for (const Index &sizes : {Index{}, {1}, {19}, {2, 3}, {2, 1, 5}})
                        check_gather(device, x,
                                     indices(CLCNN_DTYPE_INT32, sizes, x.view.size[axis], from),
                                     axis, false, to);
                    Index sizes = {3, 17, 20};
                    sizes[(size_t)axis] = 40;
                    check_gather(device, x,
                                 indices(CLCNN_DTYPE_INT32, sizes, x.view.size[axis], from), axis,
                                 true, to);
                }
}

TEST_CASE("gather: every type", "[gather]")
{
    for (enum clcnn_device_class device_class : test_classes)
        for (enum clcnn_dtype type :
             {CLCNN_DTYPE_FLOAT16, CLCNN_DTYPE_UINT8, CLCNN_DTYPE_INT32, CLCNN_DTYPE_INT64}) {
            HostArray x(type, {7, 40});
            x.random(1, 0, 100);
            check_gather(test_device(device_class), x, indices(CLCNN_DTYPE_INT64, {11}, 7, DENSE),
                         0, false, DENSE);
        }
}

TEST_CASE("gather: what is refused", "[gather]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    struct clcnn_gather_params params = {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_INT32, false};
    Gather op, elements, wrong;
    CHECK_INVALID(clcnn_gather_create(nullptr, &params, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_gather_create(device, nullptr, &op), "device or params is NULL");
    CHECK_INVALID(clcnn_gather_create(device, &params, nullptr), "out is NULL");
    CHECK_OK(clcnn_gather_create(device, &params, &op));
    params.elements = true;
    CHECK_OK(clcnn_gather_create(device, &params, &elements));
    params.index = CLCNN_DTYPE_UINT8;
    CHECK_INVALID(clcnn_gather_create(device, &params, &wrong), "index uint8 is neither");
    params.type = CLCNN_DTYPE_FLOAT64;
    CHECK_FAILS(clcnn_gather_create(device, &params, &wrong), CLCNN_STATUS_UNSUPPORTED, "float64");

    HostArray host(CLCNN_DTYPE_FLOAT32, {3, 4}), which(CLCNN_DTYPE_INT32, {2});
    HostArray result(host.type, {2, 4});
    DeviceArray x(device, host), index(device, which), y(device, result);
    CHECK_INVALID(clcnn_gather_forward(nullptr, 0, x, index, y, nullptr), "op is NULL");
    CHECK_INVALID(clcnn_gather_forward(op, 0, nullptr, index, y, nullptr), "x is NULL");
    CHECK_INVALID(clcnn_gather_forward(op, 0, x, nullptr, y, nullptr), "index is NULL");
    CHECK_INVALID(clcnn_gather_forward(op, 0, x, index, nullptr, nullptr), "y is NULL");
    CHECK_INVALID(clcnn_gather_forward(op, 2, x, index, y, nullptr), "axis 2 is not in -2..1");
    CHECK_INVALID(clcnn_gather_forward(op, 1, x, index, y, nullptr),
                  "x has size 3 in dimension 0, y has 2");
    CHECK_INVALID(clcnn_gather_forward(op, 0, x, index, x, nullptr), "x and y share memory");
    CHECK_INVALID(clcnn_gather_forward(elements, 0, x, index, y, nullptr),
                  "index has rank 1, x has rank 2");
    struct clcnn_array wide = index, none = x, deep = x;
    wide.view = HostArray::view_of({1, 5}, DENSE);
    wide.view.stride[1] = 0;
    CHECK_INVALID(clcnn_gather_forward(elements, 0, x, &wide, y, nullptr),
                  "index has size 5 in dimension 1, x has 4");
    none.view.size[0] = 0;
    CHECK_INVALID(clcnn_gather_forward(op, 0, &none, index, y, nullptr), "axis 0 of x is empty");
    deep.view = HostArray::view_of(Index(8, 1), DENSE);
    wide.view = HostArray::view_of({1, 1}, DENSE);
    CHECK_INVALID(clcnn_gather_forward(op, 0, &deep, &wide, y, nullptr), "y has rank 9, above 8");
}
