#include "device/kernels.hpp"
#include <fstream>
#include <sstream>

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

/* counts[task]++; trouble counts lanes that two groups had at a time; given: there were lanes. */
static const char tally[] = R"(
#include_lanes
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
tally(LANES_ARGUMENT, long tasks, volatile global int *counts, ulong counts_at,
      volatile global int *busy, ulong busy_at, volatile global int *trouble, ulong trouble_at,
      global int *given, ulong given_at)
{
    counts += counts_at / 4, busy += busy_at / 4, trouble += trouble_at / 4, given += given_at / 4;
    struct lane lane = enter_lane(lanes, tasks);
    if (atomic_xchg(busy + lane.index, 1) != 0)
        atomic_inc(trouble);
    for (long task; next_task(&lane, &task);)
        atomic_inc(counts + task);
    atomic_xchg(busy + lane.index, 0);
    given[0] = lanes != 0;
    leave_lane(&lane);
}
)";

static std::string tally_source()
{
    std::stringstream lanes;
    lanes << std::ifstream(CLCNN_TESTS_KERNELS "/lanes.cl").rdbuf();
    std::string source = tally, mark = "#include_lanes";
    return source.replace(source.find(mark), mark.size(), lanes.str());
}

namespace
{
struct Registration {
    std::string lanes = tally_source();
    struct clcnn_source sources[4] = {
        {"test_affine", affine},
        {"test_broken", broken},
        {"test_lanes", lanes.c_str()},
        {nullptr, nullptr},
    };
    Registration()
    {
        clcnn_sources_add(sources);
    }
} registration;
} // namespace
