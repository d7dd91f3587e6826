/* Element by element: y[i] = f(a[i], b[i], c[i]) for every index i of y's view.
 *
 * One mechanism for copies, casts, functions of one, two and three operands. All operands are views
 * (<clcnn/view.h>), so transposes, slices, broadcasts and concatenations cost no pass of their own.
 * Dimensions that are dense in all operands are treated as one, and vectors run along the one that
 * is contiguous, so that a sum in channels-last layout moves at the speed of memory.
 *
 * Types: T is `type`: FLOAT32, FLOAT16 (arithmetic in float32, the result rounded to the nearest
 * half), INT32, INT64 (wrapping) or UINT8 (0 and 1 where a truth value is meant; other values count
 * as true). Functions marked F work on floats alone. The operands are T, and so is y, but:
 * COPY and TO_BOOL read T and write `to`; comparisons write UINT8; NOT, AND, OR, XOR are of UINT8
 * alone; a of WHERE is UINT8.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_MAP_H
#define CLCNN_MAP_H

#include <clcnn/device.h>
#include <clcnn/view.h>

#ifdef __cplusplus
extern "C" {
#endif

/* alpha and beta are the op's two constants; 0 is 0: defaults belong to the caller. */
enum clcnn_function {
    /* None and one operand. */
    CLCNN_FUNCTION_COPY = 0,         /* a, as `to`: floats to integers toward zero, at most the
                                         type's range, NaN as 0; integers modulo the type's range */
    CLCNN_FUNCTION_FILL,             /* alpha; no operand */
    CLCNN_FUNCTION_TO_BOOL,          /* a != 0, as `to` */
    CLCNN_FUNCTION_ABS,              /* |a| */
    CLCNN_FUNCTION_NEG,              /* -a */
    CLCNN_FUNCTION_SIGN,             /* -1, 0 or 1; of NaN NaN */
    CLCNN_FUNCTION_LINEAR,           /* alpha a + beta */
    CLCNN_FUNCTION_CLIP,             /* min(max(a, alpha), beta); of NaN NaN */
    CLCNN_FUNCTION_RELU,             /* max(a, 0) */
    CLCNN_FUNCTION_LEAKY_RELU,       /* F: a < 0 ? alpha a : a */
    CLCNN_FUNCTION_THRESHOLDED_RELU, /* F: a > alpha ? a : 0 */
    CLCNN_FUNCTION_HARD_SIGMOID,     /* F: min(max(alpha a + beta, 0), 1) */
    CLCNN_FUNCTION_HARD_SWISH,       /* F: a min(max(a / 6 + 1/2, 0), 1) */
    CLCNN_FUNCTION_SOFTSIGN,         /* F: a / (1 + |a|) */
    CLCNN_FUNCTION_RECIPROCAL,       /* F: 1 / a */
    CLCNN_FUNCTION_FLOOR,            /* F */
    CLCNN_FUNCTION_CEIL,             /* F */
    CLCNN_FUNCTION_ROUND,            /* F: to the nearest integer, halves to even */
    CLCNN_FUNCTION_NOT,              /* !a */
    CLCNN_FUNCTION_SQRT,             /* F */
    CLCNN_FUNCTION_RSQRT,            /* F: 1 / sqrt(a + alpha) */
    CLCNN_FUNCTION_EXP,              /* F */
    CLCNN_FUNCTION_LOG,              /* F */
    CLCNN_FUNCTION_ERF,              /* F */
    CLCNN_FUNCTION_SIGMOID,          /* F: 1 / (1 + e^-a) */
    CLCNN_FUNCTION_TANH,             /* F */
    CLCNN_FUNCTION_ELU,              /* F: a < 0 ? alpha (e^a - 1) : a */
    CLCNN_FUNCTION_SELU,             /* F: beta (a < 0 ? alpha (e^a - 1) : a) */
    CLCNN_FUNCTION_CELU,             /* F: a < 0 ? alpha (e^(a/alpha) - 1) : a */
    CLCNN_FUNCTION_SOFTPLUS,         /* F: log(1 + e^a) */
    CLCNN_FUNCTION_MISH,             /* F: a tanh(log(1 + e^a)) */
    CLCNN_FUNCTION_GELU,             /* F: a/2 (1 + erf(a / sqrt 2)) */
    CLCNN_FUNCTION_GELU_TANH,        /* F: a/2 (1 + tanh(sqrt(2/pi) (a + 0.044715 a^3))) */
    CLCNN_FUNCTION_SIN,              /* F */
    CLCNN_FUNCTION_COS,              /* F */
    CLCNN_FUNCTION_POWER,            /* F: a^alpha */
    /* Two operands. */
    CLCNN_FUNCTION_ADD,   /* alpha (a + b); alpha 0 = 1 (of integers it must be) */
    CLCNN_FUNCTION_SUB,   /* a - b */
    CLCNN_FUNCTION_MUL,   /* a b */
    CLCNN_FUNCTION_DIV,   /* a / b, of integers toward zero; by 0 it is 0 for them */
    CLCNN_FUNCTION_MAX,   /* NaN if one of them is */
    CLCNN_FUNCTION_MIN,   /* NaN if one of them is */
    CLCNN_FUNCTION_PRELU, /* F: a < 0 ? a b : a */
    CLCNN_FUNCTION_MOD,   /* of integers alone: a - b floor(a / b), the sign of b; 0 if b is 0 */
    CLCNN_FUNCTION_FMOD,  /* a - b trunc(a / b), the sign of a; of integers 0 if b is 0 */
    CLCNN_FUNCTION_POW,   /* F: a^b */
    CLCNN_FUNCTION_EQUAL,
    CLCNN_FUNCTION_LESS,
    CLCNN_FUNCTION_LESS_EQUAL,
    CLCNN_FUNCTION_GREATER,
    CLCNN_FUNCTION_GREATER_EQUAL,
    CLCNN_FUNCTION_AND,
    CLCNN_FUNCTION_OR,
    CLCNN_FUNCTION_XOR,
    /* Three operands. */
    CLCNN_FUNCTION_MULTIPLY_ADD, /* a b + c */
    CLCNN_FUNCTION_WHERE,        /* a ? b : c */
    CLCNN_FUNCTION_COUNT,        /* how many there are */
};

struct clcnn_map_params {
    enum clcnn_function function;
    enum clcnn_dtype type; /* T */
    enum clcnn_dtype to;   /* of COPY and TO_BOOL: of y; otherwise ignored */
    double alpha, beta;    /* with a float T rounded to float, with others toward zero */
};

struct clcnn_map;

/* "hard_swish", "less_equal", ...; "unknown" for a value outside the enum. Static storage. */
CLCNN_API const char *clcnn_function_name(enum clcnn_function function);

/* Number of operands: 0 to 3. */
CLCNN_API int clcnn_function_operands(enum clcnn_function function);

/* The type of y: T, `to` or UINT8. */
CLCNN_API enum clcnn_dtype clcnn_map_output_type(const struct clcnn_map_params *params);

/* An op is used by one thread at a time and keeps the device alive. Simple functions share one
 * program per pair of types; each of those that need a function of the C library has its own.
 * Requires: a function that works on T; finite alpha and beta (of CLIP and FILL also infinities).
 * Errors: INVALID_ARGUMENT; UNSUPPORTED (FLOAT64); DEVICE, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_map_create(struct clcnn_device *device,
                                             const struct clcnn_map_params *params,
                                             struct clcnn_map **out);
CLCNN_API void clcnn_map_destroy(struct clcnn_map **op);

/* y = f(operands), in the order a, b, c; operands are broadcast to y's shape by NumPy's rules (as
 * clcnn_view_broadcast does). An empty y does nothing. Asynchronous.
 * y may be an operand that has y's element size if buffer and view are the same; otherwise the
 * range of elements from its first to its last must have none in common with an operand's.
 * Requires: count = clcnn_function_operands(function); y with distinct elements, fewer than 2^31;
 * every view inside its buffer; a buffer offset that is a multiple of the element's size.
 * Errors: INVALID_ARGUMENT, DEVICE. */
CLCNN_API enum clcnn_status clcnn_map_forward(struct clcnn_map *op,
                                              const struct clcnn_array *operands, size_t count,
                                              const struct clcnn_array *y,
                                              const struct clcnn_enqueue *enqueue);

#ifdef __cplusplus
}
#endif
#endif
