/* The sum, maximum or minimum over the lanes of a vector and the work-items of a work-group, in a
 * fixed order. Every work-item of the group must call it, and every one gets the result. A kernel
 * that does declares SCRATCH first. Local memory: 4 GROUP bytes on the GPU family, none on the CPU
 * family.
 *
 * EACH_UNIT walks a row of `units` elements with the whole work-group. */
#include "elements.cl"

#ifdef CLCNN_GPU
#define SCRATCH __local float scratch[GROUP]
#else
#define SCRATCH __local float *scratch = 0
#endif

#define EACH_UNIT(u, units)                                                                        \
    for (long u = (long)get_local_id(0) * VW; u < (units); u += GROUP * VW)

float add(float a, float b)
{
    return a + b;
}

#if VW > 1
#define REDUCE(name, combine)                                                                      \
    float name(vfloat value, __local float *scratch)                                               \
    {                                                                                              \
        union lanes part = { .vector = value };                                                    \
        for (int width = VW / 2; width > 0; width /= 2)                                            \
            for (int i = 0; i < width; i++)                                                        \
                part.lane[i] = combine(part.lane[i], part.lane[i + width]);                        \
        return part.lane[0];                                                                       \
    }
#elif defined(CLCNN_CPU)
#define REDUCE(name, combine)                                                                      \
    float name(float value, __local float *scratch)                                                \
    {                                                                                              \
        return value;                                                                              \
    }
#else
#define REDUCE(name, combine)                                                                      \
    float name(float value, __local float *scratch)                                                \
    {                                                                                              \
        int id = get_local_id(0);                                                                  \
        scratch[id] = value;                                                                       \
        for (int width = GROUP / 2; width > 0; width /= 2) {                                       \
            barrier(CLK_LOCAL_MEM_FENCE);                                                          \
            if (id < width)                                                                        \
                scratch[id] = combine(scratch[id], scratch[id + width]);                           \
        }                                                                                          \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        float result = scratch[0];                                                                 \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        return result;                                                                             \
    }
#endif

REDUCE(reduce_sum, add)
REDUCE(reduce_max, fmax)
REDUCE(reduce_min, fmin)
