#include "support/guarded.hpp"

struct clcnn_device *test_device(enum clcnn_device_class device_class)
{
    static struct clcnn_device *devices[CLCNN_DEVICE_CLASS_FPGA + 1];
    struct clcnn_device *&device = devices[device_class];
    if (!device) {
        struct clcnn_device_params params = {};
        params.force_class = device_class;
        CHECK_OK(clcnn_device_open(&params, &device));
    }
    return device;
}

std::vector<float> test_values(size_t count, unsigned seed, bool integers)
{
    std::vector<float> values(count);
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (float &value : values) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint32_t word = (uint32_t)(state >> 40);
        value = integers ? (float)(word % 9) - 4.0f : (float)word * 0x1p-23f - 1.0f;
    }
    return values;
}
