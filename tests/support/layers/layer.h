/* What the OpenCL layers of the tests share. A layer stands between the application and the driver:
 * the ICD loader loads those named in OPENCL_LAYERS and calls through their dispatch tables. */
#ifndef CLCNN_TESTS_LAYER_H
#define CLCNN_TESTS_LAYER_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl_layer.h>

/* The driver's functions. */
extern const struct _cl_icd_dispatch *layer_next;

/* Puts the layer's functions into a copy of the driver's table. */
void layer_install(struct _cl_icd_dispatch *table);

#endif
