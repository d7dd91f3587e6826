#include "device/kernels.hpp"

/* y = a x + b, one work-item each; SIGN is 1 or -1. `sum` adds through local memory. */
static const char affine[] = R"(
#ifndef SIGN
#define SIGN 1
#endif
kernel void affine(global const float *x, ulong x_at, global float *y, ulong y_at, float a, float b)
{
    x = (global const float *)((global const char *)x + x_at);
    y = (global float *)((global char *)y + y_at);
    size_t i = get_global_id(0);
    y[i] = SIGN * (a * x[i] + b);
}
kernel void sum(global const float *x, ulong x_at, global float *y, ulong y_at, int n,
                local float *part)
{
    x = (global const float *)((global const char *)x + x_at);
    y = (global float *)((global char *)y + y_at);
    int me = get_local_id(0), items = get_local_size(0);
    float total = 0;
    for (int i = me; i < n; i += items)
        total += x[i];
    part[me] = total;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (me == 0) {
        for (int i = 1; i < items; i++)
            total += part[i];
        y[get_group_id(0)] = total;
    }
}
kernel void is_null(global const float *x, ulong x_at, global int *y, ulong y_at)
{
    y[y_at / 4] = x == 0 && x_at == 0;
}
)";

static const char broken[] = "kernel void broken(global float *x) { x[0] = no_such_name; }\n";

static const struct clcnn_source sources[] = {
    {"test_affine", affine},
    {"test_broken", broken},
    {nullptr, nullptr},
};

namespace
{
struct Registration {
    Registration()
    {
        clcnn_sources_add(sources);
    }
} registration;
} // namespace
