/* One source for both families: vectors of VW floats for one work-item per work-group (CPU), single
 * floats for GROUP work-items per work-group (GPU).
 *
 * A loop over elements reads the same in both:
 *
 *     EACH_VECTOR (i, end, count, chunk)
 *         store(y + i, end - i, a * load(x + i, end - i, 0.0f));
 *
 * On the CPU family a work-item takes `chunk` elements in a row; on the GPU family neighbours take
 * neighbouring elements. load and store take the number of elements that are left, so that the last
 * vector of a range touches nothing behind it. */
#include "common.cl"

#ifdef CLCNN_GPU
#undef VW
#define VW 1
#define GROUP 64
#else
#define GROUP 1
#endif

#define KERNEL __attribute__((reqd_work_group_size(GROUP, 1, 1))) kernel void

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

#if VW == 1
typedef float vfloat;
typedef int vint;
typedef uint vuint;
#define LANES          0
#define convert_vfloat convert_float
#define as_vuint       as_uint
#elif VW == 2 || VW == 4 || VW == 8 || VW == 16
typedef JOIN(float, VW) vfloat;
typedef JOIN(int, VW) vint;
typedef JOIN(uint, VW) vuint;
#define convert_vfloat JOIN(convert_float, VW)
#define as_vuint       JOIN(as_uint, VW)
#else
#error "VW must be 1, 2, 4, 8 or 16"
#endif

/* LANES: the vector 0, 1, ... VW - 1. */
#if VW == 2
#define LANES ((int2)(0, 1))
#elif VW == 4
#define LANES ((int4)(0, 1, 2, 3))
#elif VW == 8
#define LANES ((int8)(0, 1, 2, 3, 4, 5, 6, 7))
#elif VW == 16
#define LANES ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#endif

#ifdef CLCNN_CPU
#define EACH_VECTOR(i, end, count, chunk)                                                          \
    for (long i = (long)get_group_id(0) * (chunk), end = min(i + (chunk), (count)); i < end;       \
         i += VW)
#else
#define EACH_VECTOR(i, end, count, chunk)                                                          \
    for (long i = get_global_id(0), end = (count); i < end; i += get_global_size(0))
#endif

/* A vector by its elements. vstore to an array would do on most devices, but pocl 3.1 reorders a
 * vstore4 and assignments to the array's elements. */
union lanes {
    vfloat vector;
    vuint words;
    float lane[VW];
    uint word[VW];
};

#if STORAGE_HALF
#define LOAD_WHOLE(p)     JOIN(vload_half, VW)(0, p)
#define STORE_WHOLE(v, p) JOIN(JOIN(vstore_half, VW), _rte)(v, 0, p)
#else
#define LOAD_WHOLE(p)     JOIN(vload, VW)(0, p)
#define STORE_WHOLE(v, p) JOIN(vstore, VW)(v, 0, p)
#endif

/* min(left, VW) elements from p on, left > 0; the other lanes are `fill`. The lanes are compared as
 * int: with long, llvmpipe (Mesa 22.3.6) stores whole vectors where parts were meant. */
vfloat load(__global const stored *p, long left, float fill)
{
#if VW == 1
    return GET_STORED(p, 0);
#else
    int lanes = min(left, (long)VW);
    if (lanes == VW)
        return LOAD_WHOLE(p);
    union lanes part = { .vector = fill };
    for (int i = 0; i < lanes; i++)
        part.lane[i] = GET_STORED(p, i);
    return part.vector;
#endif
}

void store(__global stored *p, long left, vfloat value)
{
#if VW == 1
    PUT_STORED(value, p, 0);
#else
    int lanes = min(left, (long)VW);
    if (lanes == VW) {
        STORE_WHOLE(value, p);
        return;
    }
    union lanes part = { .vector = value };
    for (int i = 0; i < lanes; i++)
        PUT_STORED(part.lane[i], p, i);
#endif
}
