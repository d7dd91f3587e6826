/* GPU, CPU and FPGA differ in the functions of this table and nowhere else. */
#ifndef CLCNN_DEVICE_CLASS_H
#define CLCNN_DEVICE_CLASS_H

#include "base/status.h"
#include <clcnn/device.h>
#include <stddef.h>

struct clcnn_program;

struct device_class {
    enum clcnn_device_class id;
    enum clcnn_device_class family; /* whose kernels it runs: CPU or GPU */
    int rank;                       /* a class of higher rank is preferred */
    /* How good a candidate is among those of its class. */
    double (*score)(const struct clcnn_device_info *info);
    /* The options every program of the class is built with. */
    void (*options)(const struct clcnn_device_info *info, char *text, size_t bytes);
    /* Makes program->program: from source, from the cache or from a prebuilt binary. */
    enum clcnn_status (*obtain)(struct clcnn_device *device, struct clcnn_program *program);
};

extern const struct device_class clcnn_class_gpu, clcnn_class_cpu, clcnn_class_fpga;

/* The table of a class; ANY has none (NULL). */
const struct device_class *clcnn_class_find(enum clcnn_device_class id);

#endif
