extern "C" {
#include "op/reduce_columns.h"
}
#include "support/guarded.hpp"

namespace
{

void run(struct clcnn_device *device, int64_t planned, int64_t rows, int64_t columns)
{
    struct clcnn_reduce_columns *op = nullptr;
    CHECK_OK(clcnn_reduce_columns_create(device, planned, columns, &op));
    std::vector<float> x = test_values((size_t)(rows * columns), 7, true);
    std::vector<float> expected((size_t)columns);
    for (size_t i = 0; i < x.size(); i++)
        expected[i % (size_t)columns] += x[i];
    size_t bytes = clcnn_reduce_columns_workspace_size(op);
    Guarded dx(device, x), dy(device, Guarded::poison((size_t)columns));
    Guarded workspace(device, bytes ? bytes : 4);
    struct clcnn_stream stream = {};
    CHECK_OK(clcnn_stream_begin(&stream, device, nullptr));
    enum clcnn_status status = clcnn_reduce_columns_run_in(
        op, rows, dx, dy, bytes ? (struct clcnn_buffer *)workspace : nullptr, &stream);
    CHECK_OK(clcnn_stream_end(&stream, status));
    CHECK(dy.read<float>() == expected);
    dx.check();
    workspace.check();
    clcnn_reduce_columns_destroy(&op);
    CHECK(op == nullptr);
}

} // namespace

TEST_CASE("reduce_columns: sums at the edges of vectors and parts", "[reduce]")
{
    for (enum clcnn_device_class device_class : test_classes) {
        struct clcnn_device *device = test_device(device_class);
        for (int64_t columns : {1, 3, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 129})
            for (int64_t rows : {1, 2, 5, 16, 17, 500}) {
                INFO(rows << " x " << columns);
                run(device, rows, rows, columns);
            }
        for (int64_t columns : {1, 6, 32, 70}) {
            INFO(columns << " columns");
            run(device, 20011, 20011, columns);
            run(device, 20011, 9999, columns);
            run(device, 20011, 3, columns);
        }
        run(device, 3, 3, 5000);
    }
}
