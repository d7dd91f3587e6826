#include "device/kernels.hpp"

TEST_CASE("launch: arguments, offsets and local memory", "[launch]")
{
    struct clcnn_device *device = test_device(CLCNN_DEVICE_CLASS_ANY);
    Kernel affine, sum, is_null;
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "affine", &affine));
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "sum", &sum));
    CHECK_OK(clcnn_kernel_create(device, "test_affine", nullptr, "is_null", &is_null));

    std::vector<float> values = test_values(96, 1, true);
    Guarded x(device, values), y(device, Guarded::poison(96)), total(device, Guarded::poison(1));
    Guarded null(device, std::vector<int32_t>{-1});
    struct clcnn_stream s;
    CHECK_OK(clcnn_stream_begin(&s, device, nullptr));
    CHECK_OK(launch(&s, affine, GRID1(3, 32), {BUFFER(x), BUFFER(y), FLOAT(2), FLOAT(3)}));
    CHECK_OK(launch(&s, sum, GRID1(1, 8), {BUFFER(y), BUFFER(total), INT(96), LOCAL(8 * 4)}));
    CHECK_OK(launch(&s, is_null, GRID1(1, 1), {BUFFER(nullptr), BUFFER(null)}));
    CHECK_OK(clcnn_stream_end(&s, CLCNN_STATUS_OK));

    float expected = 0;
    std::vector<float> got = y.read<float>();
    for (size_t i = 0; i < values.size(); i++) {
        CHECK(got[i] == 2 * values[i] + 3);
        expected += got[i];
    }
    CHECK(total.read<float>()[0] == expected);
    CHECK(null.read<int32_t>()[0] == 1);
}
