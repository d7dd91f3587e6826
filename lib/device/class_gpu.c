#include "device/class.h"
#include "device/obtain.h"
#include <stdio.h>

/* A card with memory of its own before one that shares the host's. */
static double score(const struct clcnn_device_info *info)
{
    double speed = (double)info->compute_units * (info->clock_mhz > 0 ? info->clock_mhz : 1);
    return info->unified_memory ? speed : 4.0 * speed;
}

static void options(const struct clcnn_device_info *info, char *text, size_t bytes)
{
    (void)info;
    snprintf(text, bytes, "-cl-std=CL1.2 -DCLCNN_GPU");
}

const struct device_class clcnn_class_gpu = {
    .id = CLCNN_DEVICE_CLASS_GPU,
    .family = CLCNN_DEVICE_CLASS_GPU,
    .rank = 3,
    .score = score,
    .options = options,
    .obtain = clcnn_obtain_from_source,
};
