/* y[i] = f(a[i], b[i], c[i]) over views (lib/op/map.c; <clcnn/map.h> has the formulas).
 *
 *   map     y, a, b, c of the functions but `where`; operands that f does not have are not read
 *   where   y[i] = a[i] ? b[i] : c[i], a of bytes
 *
 * A build with -DFUNCTION=function_exp computes that alone; without, `function` chooses among the
 * functions that need few instructions. It equals
 *
 *   for i0, i1, ...: y[sum_d i_d y_stride[d]] = f(a[sum_d i_d a_stride[d]], ...)
 *
 * See walk.cl for what a work-item takes. May work in place. No local memory. */
#include "typed.cl"
#include "walk.cl"

/* The values of enum clcnn_function. */
enum function {
    COPY,
    FILL,
    TO_BOOL,
    ABS,
    NEG,
    SIGN,
    LINEAR,
    CLIP,
    RELU,
    LEAKY_RELU,
    THRESHOLDED_RELU,
    HARD_SIGMOID,
    HARD_SWISH,
    SOFTSIGN,
    RECIPROCAL,
    FLOOR,
    CEIL,
    ROUND,
    NOT,
    SQRT,
    RSQRT,
    EXP,
    LOG,
    ERF,
    SIGMOID,
    TANH,
    ELU,
    SELU,
    CELU,
    SOFTPLUS,
    MISH,
    GELU,
    GELU_TANH,
    SIN,
    COS,
    POWER,
    ADD,
    SUB,
    MUL,
    DIV,
    MAX,
    MIN,
    PRELU,
    MOD,
    FMOD,
    POW,
    EQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    AND,
    OR,
    XOR,
    MULTIPLY_ADD,
    WHERE
};

#define TRUTH(condition) ((condition) ? (values)1 : (values)0)

#if IS_FLOAT(IN)

static values function_exp(values a, values b, value alpha, value beta)
{
    return exp(a);
}
static values function_log(values a, values b, value alpha, value beta)
{
    return log(a);
}
static values function_erf(values a, values b, value alpha, value beta)
{
    return erf(a);
}
static values function_sigmoid(values a, values b, value alpha, value beta)
{
    return 1.0f / (1.0f + exp(-a));
}
static values function_tanh(values a, values b, value alpha, value beta)
{
    return tanh(a);
}
static values function_elu(values a, values b, value alpha, value beta)
{
    return a < 0.0f ? alpha * expm1(a) : a;
}
static values function_selu(values a, values b, value alpha, value beta)
{
    return beta * (a < 0.0f ? alpha * expm1(a) : a);
}
static values function_celu(values a, values b, value alpha, value beta)
{
    return a < 0.0f ? alpha * expm1(a / alpha) : a;
}
static values function_softplus(values a, values b, value alpha, value beta)
{
    values larger = a < 0.0f ? (values)0.0f : a;
    return larger + log1p(exp(-fabs(a)));
}
static values function_mish(values a, values b, value alpha, value beta)
{
    return a * tanh(function_softplus(a, b, alpha, beta));
}
static values function_gelu(values a, values b, value alpha, value beta)
{
    return 0.5f * a * (1.0f + erf(a * 0.70710678f));
}
static values function_gelu_tanh(values a, values b, value alpha, value beta)
{
    return 0.5f * a * (1.0f + tanh(0.79788456f * (a + 0.044715f * a * a * a)));
}
static values function_sin(values a, values b, value alpha, value beta)
{
    return sin(a);
}
static values function_cos(values a, values b, value alpha, value beta)
{
    return cos(a);
}
static values function_power(values a, values b, value alpha, value beta)
{
    return pow(a, (values)alpha);
}
static values function_fmod(values a, values b, value alpha, value beta)
{
    return fmod(a, b);
}
static values function_pow(values a, values b, value alpha, value beta)
{
    return pow(a, b);
}

static values of_type(values a, values b, values c, int function, value alpha, value beta)
{
    values zero = 0.0f, one = 1.0f;
    switch (function) {
    case ABS:
        return fabs(a);
    case SIGN:
        return a > zero ? one : a < zero ? -one : a;
    case LEAKY_RELU:
        return a < zero ? alpha * a : a;
    case THRESHOLDED_RELU:
        return a > alpha ? a : zero;
    case HARD_SIGMOID:
        a = alpha * a + beta;
        a = a < zero ? zero : a;
        return a > one ? one : a;
    case HARD_SWISH:
        b = a * (1.0f / 6.0f) + 0.5f;
        b = b < zero ? zero : b;
        return a * (b > one ? one : b);
    case SOFTSIGN:
        return a / (one + fabs(a));
    case RECIPROCAL:
        return one / a;
    case FLOOR:
        return floor(a);
    case CEIL:
        return ceil(a);
    case ROUND:
        return rint(a);
    case SQRT:
        return sqrt(a);
    case RSQRT:
        return one / sqrt(a + alpha);
    case ADD:
        return alpha * (a + b);
    case DIV:
        return a / b;
    case MAX:
        return a > b || a != a ? a : b;
    case MIN:
        return a < b || a != a ? a : b;
    case PRELU:
        return a < zero ? a * b : a;
    default:
        return a;
    }
}

#else

/* A divisor by which every dividend may be divided. */
static values divisor(values b)
{
    return b == (values)0 || b == (values)-1 ? (values)1 : b;
}

static values of_type(values a, values b, values c, int function, value alpha, value beta)
{
    values zero = 0, one = 1, rest;
    switch (function) {
    case ABS:
        return a < zero ? -a : a;
    case SIGN:
        return a > zero ? one : a < zero ? -one : zero;
    case NOT:
        return TRUTH(a == zero);
    case ADD:
        return a + b;
    case MAX:
        return a > b ? a : b;
    case MIN:
        return a < b ? a : b;
    case DIV:
        return b == zero ? zero : b == (values)-1 ? -a : a / divisor(b);
    case FMOD:
        return a % divisor(b);
    case MOD:
        rest = a % divisor(b);
        return rest != zero && (rest < zero) != (b < zero) ? rest + b : rest;
    case AND:
        return TRUTH(a != zero && b != zero);
    case OR:
        return TRUTH(a != zero || b != zero);
    case XOR:
        return TRUTH((a != zero) != (b != zero));
    default:
        return a;
    }
}

#endif

/* Comparisons with NaN are false, which leaves a NaN as it is. */
static values same_type(values a, values b, values c, int function, value alpha, value beta)
{
    switch (function) {
    case FILL:
        return (values)alpha;
    case NEG:
        return -a;
    case LINEAR:
        return alpha * a + beta;
    case CLIP:
        a = a < (values)alpha ? (values)alpha : a;
        return a > (values)beta ? (values)beta : a;
    case RELU:
        return a < (values)0 ? (values)0 : a;
    case SUB:
        return a - b;
    case MUL:
        return a * b;
    case MULTIPLY_ADD:
        return a * b + c;
    default:
        return of_type(a, b, c, function, alpha, beta);
    }
}

/* A program from one type to another has only the functions that there are between types. */
#if IN == OUT
#define SAME_TYPE(a, b, c, function, alpha, beta) same_type(a, b, c, function, alpha, beta)
#else
#define SAME_TYPE(a, b, c, function, alpha, beta) (a)
#endif

static values apply(values a, values b, values c, int function, value alpha, value beta)
{
#ifdef FUNCTION
    return FUNCTION(a, b, alpha, beta);
#else
    switch (function) {
    case COPY:
        return a;
    case TO_BOOL:
        return TRUTH(a != (values)0);
    case EQUAL:
        return TRUTH(a == b);
    case LESS:
        return TRUTH(a < b);
    case LESS_EQUAL:
        return TRUTH(a <= b);
    case GREATER:
        return TRUTH(a > b);
    case GREATER_EQUAL:
        return TRUTH(a >= b);
    default:
        return SAME_TYPE(a, b, c, function, alpha, beta);
    }
#endif
}

KERNEL map(INPLACE(const in_t, a), INPLACE(const in_t, b), INPLACE(const in_t, c),
           INPLACE(out_t, y), TILED, int function, int operands, constant_t alpha, constant_t beta)
{
    AT(const in_t, a);
    AT(const in_t, b);
    AT(const in_t, c);
    AT(out_t, y);
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        EACH_ROW (place, row, column) {
            int left = place.columns - column;
            values first = 0, second = 0, third = 0;
            if (operands > 0)
                first = fetch(a + at(&walk, &place, 0, row, column), STEP(walk, 0, 0), left, 0);
            if (operands > 1)
                second = fetch(b + at(&walk, &place, 1, row, column), STEP(walk, 1, 0), left, 0);
            if (operands > 2)
                third = fetch(c + at(&walk, &place, 2, row, column), STEP(walk, 2, 0), left, 0);
            put_values(y + at(&walk, &place, 3, row, column), STEP(walk, 3, 0), left,
                       cast(apply(first, second, third, function, alpha, beta)));
        }
    }
}

#if IN == OUT && !defined(FUNCTION)
KERNEL where(INPLACE(const uchar, a), INPLACE(const in_t, b), INPLACE(const in_t, c),
             INPLACE(out_t, y), TILED)
{
    AT(const uchar, a);
    AT(const in_t, b);
    AT(const in_t, c);
    AT(out_t, y);
    EACH_TILE (tile, tiles, chunk) {
        struct place place = place_of(&walk, tile, tile0, tile1);
        EACH_ROW (place, row, column) {
            int left = place.columns - column;
            __global const uchar *truth = a + at(&walk, &place, 0, row, column);
            union value_lanes yes, no;
            yes.vector = fetch(b + at(&walk, &place, 1, row, column), STEP(walk, 1, 0), left, 0);
            no.vector = fetch(c + at(&walk, &place, 2, row, column), STEP(walk, 2, 0), left, 0);
            for (int i = 0; i < min(left, VW); i++)
                yes.lane[i] = truth[i * STEP(walk, 0, 0)] ? yes.lane[i] : no.lane[i];
            put_values(y + at(&walk, &place, 3, row, column), STEP(walk, 3, 0), left,
                       cast(yes.vector));
        }
    }
}
#endif
