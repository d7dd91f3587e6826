#include "device/class.h"

const struct device_class *clcnn_class_find(enum clcnn_device_class id)
{
    static const struct device_class *const classes[] = {&clcnn_class_gpu, &clcnn_class_cpu,
                                                         &clcnn_class_fpga};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (classes[i]->id == id)
            return classes[i];
    return NULL;
}

const char *clcnn_device_class_name(enum clcnn_device_class device_class)
{
    switch (device_class) {
    case CLCNN_DEVICE_CLASS_GPU:
        return "GPU";
    case CLCNN_DEVICE_CLASS_CPU:
        return "CPU";
    case CLCNN_DEVICE_CLASS_FPGA:
        return "FPGA";
    case CLCNN_DEVICE_CLASS_ANY:
        break;
    }
    return "any";
}
