#include "bench.h"
#include <clcnn/opencl.h>
#include <stdio.h>

/* 12 independent chains of V fused multiply-adds: more than latency x throughput of any unit
 * seen. */
static const char source[] =
    "#define STEP(a) a = fma(a, x, y);\n"
    "#define ALL STEP(a) STEP(b) STEP(c) STEP(d) STEP(e) STEP(f) \\\n"
    "            STEP(g) STEP(h) STEP(i) STEP(j) STEP(k) STEP(l)\n"
    "kernel void peak(global float *out, int n, float p, float q)\n"
    "{\n"
    "    V x = (V)(p), y = (V)(q), a = x, b = x + 1, c = x + 2, d = x + 3, e = x + 4, f = x + 5;\n"
    "    V g = y, h = y + 1, i = y + 2, j = y + 3, k = y + 4, l = y + 5;\n"
    "    for (int m = 0; m < n; m++) { ALL ALL }\n"
    "    V s = a + b + c + d + e + f + g + h + i + j + k + l;\n"
    "    out[get_global_id(0)] = s.s0 + s.s1 + s.s2 + s.s3;\n"
    "}\n";

struct peak {
    cl_program program;
    cl_kernel kernel;
    cl_mem out;
    size_t global, local;
    double flops; /* of one launch */
};

static cl_int prepare(struct peak *peak, struct clcnn_device *device)
{
    const struct clcnn_device_info *info = clcnn_device_info(device);
    bool cpu = info->device_class == CLCNN_DEVICE_CLASS_CPU;
    int width = cpu && info->vector_width >= 4 ? info->vector_width : 4,
        steps = cpu ? 1 << 17 : 1 << 14;
    char options[64];
    const char *text = source;
    float p = 0.5f, q = 0.25f;
    cl_int error = CL_SUCCESS;
    cl_context context = clcnn_device_cl_context(device);
    cl_device_id id = clcnn_device_cl_device(device);
    snprintf(options, sizeof(options), "-cl-std=CL1.2 -DV=float%d", width);
    peak->local = cpu ? 1 : 64;
    peak->global = (size_t)info->compute_units * (cpu ? 4 : 64 * 32);
    peak->flops = 2.0 * 24 * width * steps * (double)peak->global;
    peak->program = clCreateProgramWithSource(context, 1, &text, NULL, &error);
    if (!error)
        error = clBuildProgram(peak->program, 1, &id, options, NULL, NULL);
    if (!error)
        peak->kernel = clCreateKernel(peak->program, "peak", &error);
    if (!error)
        peak->out =
            clCreateBuffer(context, CL_MEM_READ_WRITE, peak->global * sizeof(float), NULL, &error);
    if (!error)
        error = clSetKernelArg(peak->kernel, 0, sizeof(peak->out), &peak->out) ||
                clSetKernelArg(peak->kernel, 1, sizeof(steps), &steps) ||
                clSetKernelArg(peak->kernel, 2, sizeof(p), &p) ||
                clSetKernelArg(peak->kernel, 3, sizeof(q), &q);
    return error;
}

static cl_int measure(const struct peak *peak, cl_command_queue queue, double *best)
{
    cl_int error = CL_SUCCESS;
    for (int i = 0; i < 8 && !error; i++) {
        double begin = seconds_now();
        error = clEnqueueNDRangeKernel(queue, peak->kernel, 1, NULL, &peak->global, &peak->local, 0,
                                       NULL, NULL);
        if (!error)
            error = clFinish(queue);
        double flops = peak->flops / (seconds_now() - begin);
        if (flops > *best)
            *best = flops;
    }
    return error;
}

enum clcnn_status bench_peak(struct clcnn_device *device, double *flops)
{
    struct peak peak = {0};
    *flops = 0;
    cl_int error = prepare(&peak, device);
    if (!error)
        error = measure(&peak, clcnn_device_cl_queue(device), flops);
    if (peak.out)
        clReleaseMemObject(peak.out);
    if (peak.kernel)
        clReleaseKernel(peak.kernel);
    if (peak.program)
        clReleaseProgram(peak.program);
    if (error)
        fprintf(stderr, "clcnn bench: the peak cannot be measured (OpenCL error %d)\n", error);
    return error ? CLCNN_STATUS_DEVICE : CLCNN_STATUS_OK;
}
