#include "device/class.h"
#include "device/obtain.h"
#include <stdio.h>

static double score(const struct clcnn_device_info *info)
{
    return (double)info->compute_units * (info->clock_mhz > 0 ? info->clock_mhz : 1) *
           info->vector_width;
}

static void options(const struct clcnn_device_info *info, char *text, size_t bytes)
{
    snprintf(text, bytes, "-cl-std=CL1.2 -DCLCNN_CPU -DVW=%d", info->vector_width);
}

const struct device_class clcnn_class_cpu = {
    .id = CLCNN_DEVICE_CLASS_CPU,
    .family = CLCNN_DEVICE_CLASS_CPU,
    .rank = 1,
    .score = score,
    .options = options,
    .obtain = clcnn_obtain_from_source,
};
