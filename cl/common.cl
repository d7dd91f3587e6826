/* What every program shares. Included by name; the embedding resolves the #include.
 *
 * A buffer argument is two kernel arguments, the memory and a byte offset into it, so that callers'
 * own memory works at any offset:
 *
 *     kernel void scale(INPUT(float, x), OUTPUT(float, y), float a)
 *     {
 *         AT(const float, x);
 *         AT(float, y);
 *         y[get_global_id(0)] = a * x[get_global_id(0)];
 *     }
 *
 * INPUT and OUTPUT promise that the memory does not overlap another argument's; INPLACE does not.
 * Sizes are arguments; a tile, a type or a fused epilogue is a macro.
 * CLCNN_CPU (one work-item per work-group, long vectors) or CLCNN_GPU is defined by the build;
 * VW is the vector width of the CPU family in floats.
 *
 * Tensors are kept in memory as `stored`: float, or half in a build with -DSTORAGE_HALF=1. What is
 * computed is float in both: GET_STORED reads an element as float, PUT_STORED rounds one to the
 * nearest (ties to even) and writes it. Needs no extension: half is only pointed at. */
#if !defined(CLCNN_CPU) && !defined(CLCNN_GPU)
#error "the build must define CLCNN_CPU or CLCNN_GPU"
#endif
#ifndef VW
#define VW 8
#endif

#ifndef STORAGE_HALF
#define STORAGE_HALF 0
#endif
#if STORAGE_HALF
typedef half stored;
#define GET_STORED(p, i)    vload_half(i, p)
#define PUT_STORED(v, p, i) vstore_half_rte(v, i, p)
#else
typedef float stored;
#define GET_STORED(p, i)    ((p)[i])
#define PUT_STORED(v, p, i) ((p)[i] = (v))
#endif

#define INPUT(T, name)   __global const T *restrict name##_memory, ulong name##_offset
#define OUTPUT(T, name)  __global T *restrict name##_memory, ulong name##_offset
#define INPLACE(T, name) __global T *name##_memory, ulong name##_offset
#define AT(T, name)                                                                                \
    __global T *name = (__global T *)((__global char *)(name##_memory) + name##_offset)
