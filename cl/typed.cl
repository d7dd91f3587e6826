/* Elements of the types that tensors have: IN is what is read, OUT what is written, as numbers of
 * enum clcnn_dtype. What is computed is `value`: float for the floats, int for bytes (which wrap
 * when they are written), else the type itself; `values` is VW of them.
 *
 * get, fetch: one element, VW elements of IN; put_values: VW of OUT. The elements of a vector lie
 * `stride` apart; only `left` of them exist, the others are `fill`. */
#include "elements.cl"

#define FLOAT32 0
#define FLOAT16 1
#define UINT8   3
#define INT32   4
#define INT64   5

#ifndef IN
#define IN FLOAT32
#endif
#ifndef OUT
#define OUT FLOAT32
#endif

#if VW == 1
#define VECTOR(T) T
#else
#define VECTOR(T) JOIN(T, VW)
#endif
#define CONVERT(T) JOIN(convert_, VECTOR(T))

#define IS_FLOAT(type) ((type) == FLOAT32 || (type) == FLOAT16)

#if IN == FLOAT32
typedef float in_t;
#define VALUE float
#elif IN == FLOAT16
typedef half in_t;
#define VALUE float
#elif IN == UINT8
typedef uchar in_t;
#define VALUE int
#elif IN == INT32
typedef int in_t;
#define VALUE int
#elif IN == INT64
typedef long in_t;
#define VALUE long
#else
#error "IN must be FLOAT32, FLOAT16, UINT8, INT32 or INT64"
#endif

#if OUT == FLOAT32
typedef float out_t;
#define RESULT float
#elif OUT == FLOAT16
typedef half out_t;
#define RESULT float
#elif OUT == UINT8
typedef uchar out_t;
#define RESULT int
#elif OUT == INT32
typedef int out_t;
#define RESULT int
#elif OUT == INT64
typedef long out_t;
#define RESULT long
#else
#error "OUT must be FLOAT32, FLOAT16, UINT8, INT32 or INT64"
#endif

typedef VALUE value;
typedef VECTOR(VALUE) values;
typedef RESULT result;
typedef VECTOR(RESULT) results;

/* Constants that are arguments of a kernel. */
#if IS_FLOAT(IN)
typedef float constant_t;
#else
typedef long constant_t;
#endif

#if IN == FLOAT16
#define GET(p, i)    vload_half(i, p)
#define GET_WHOLE(p) JOIN(vload_half, VW)(0, p)
#else
#define GET(p, i)    ((value)(p)[i])
#define GET_WHOLE(p) CONVERT(VALUE)(JOIN(vload, VW)(0, p))
#endif
#if OUT == FLOAT16
#define PUT(v, p, i)    vstore_half_rte(v, i, p)
#define PUT_WHOLE(v, p) JOIN(JOIN(vstore_half, VW), _rte)(v, 0, p)
#elif OUT == UINT8
#define PUT(v, p, i)    ((p)[i] = (uchar)(v))
#define PUT_WHOLE(v, p) JOIN(vstore, VW)(CONVERT(uchar)(v), 0, p)
#else
#define PUT(v, p, i)    ((p)[i] = (v))
#define PUT_WHOLE(v, p) JOIN(vstore, VW)(v, 0, p)
#endif

/* As a cast: floats to integers toward zero, at most the type's range, NaN as 0. */
#if IS_FLOAT(IN) && !IS_FLOAT(OUT)
#if OUT == UINT8
#define SATURATED(v) CONVERT(int)(JOIN(CONVERT(uchar), _sat_rtz)(v))
#else
#define SATURATED(v) JOIN(CONVERT(RESULT), _sat_rtz)(v)
#endif
static results cast(values v)
{
    return SATURATED(v == v ? v : (values)0);
}
#else
static results cast(values v)
{
    return CONVERT(RESULT)(v);
}
#endif

/* See union lanes in elements.cl. */
union value_lanes {
    values vector;
    value lane[VW];
};
union result_lanes {
    results vector;
    result lane[VW];
};

/* Loops over a part of a vector's lanes are rare and not worth code: a program builds faster. */
#ifdef __clang__
#define PLAIN_LOOP _Pragma("clang loop vectorize(disable) unroll(disable)")
#else
#define PLAIN_LOOP
#endif

static values fetch(__global const in_t *p, long stride, int left, value fill)
{
#if VW == 1
    return GET(p, 0);
#else
    if (stride == 0 && left >= VW)
        return (values)(GET(p, 0));
    if (stride == 1 && left >= VW)
        return GET_WHOLE(p);
    union value_lanes part;
    part.vector = (values)fill;
    if (left >= VW)
        for (int i = 0; i < VW; i++)
            part.lane[i] = GET(p, i * stride);
    else
        PLAIN_LOOP
        for (int i = 0; i < left; i++)
            part.lane[i] = GET(p, i * stride);
    return part.vector;
#endif
}

static void put_values(__global out_t *p, long stride, int left, results v)
{
#if VW == 1
    PUT(v, p, 0);
#else
    if (stride == 1 && left >= VW) {
        PUT_WHOLE(v, p);
        return;
    }
    union result_lanes part;
    part.vector = v;
    PLAIN_LOOP
    for (int i = 0; i < min(left, VW); i++)
        PUT(part.lane[i], p, i * stride);
#endif
}
