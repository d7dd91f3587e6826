#include "device/class.h"
#include "device/device.h"
#include "device/obtain.h"
#include <stdio.h>

static double score(const struct clcnn_device_info *info)
{
    return (double)info->compute_units * (info->clock_mhz > 0 ? info->clock_mhz : 1);
}

/* A work-item per work-group becomes one pipeline, which is what FPGA compilers are good at. */
static void options(const struct clcnn_device_info *info, char *text, size_t bytes)
{
    snprintf(text, bytes, "-cl-std=CL1.2 -DCLCNN_CPU -DVW=%d", info->vector_width);
}

/* A compiler that runs for hours is run beforehand: a binary comes first, if there is one. */
static enum clcnn_status obtain(struct clcnn_device *device, struct clcnn_program *program)
{
    bool found = false;
    enum clcnn_status status = clcnn_obtain_from_directory(device, program, &found);
    if (status != CLCNN_STATUS_OK || found)
        return status;
    return clcnn_obtain_from_source(device, program);
}

const struct device_class clcnn_class_fpga = {
    .id = CLCNN_DEVICE_CLASS_FPGA,
    .family = CLCNN_DEVICE_CLASS_CPU,
    .rank = 2,
    .score = score,
    .options = options,
    .obtain = obtain,
};
