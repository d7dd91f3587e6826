#include "ref/functions.hpp"
#include <cmath>

bool ref_function_works(enum clcnn_function function, enum clcnn_dtype type)
{
    bool floats = type == CLCNN_DTYPE_FLOAT32 || type == CLCNN_DTYPE_FLOAT16;
    switch (function) {
    case CLCNN_FUNCTION_NOT:
    case CLCNN_FUNCTION_AND:
    case CLCNN_FUNCTION_OR:
    case CLCNN_FUNCTION_XOR:
        return type == CLCNN_DTYPE_UINT8;
    case CLCNN_FUNCTION_MOD:
        return !floats;
    case CLCNN_FUNCTION_PRELU:
    case CLCNN_FUNCTION_POW:
        return floats;
    default:
        return floats || function < CLCNN_FUNCTION_LEAKY_RELU || function >= CLCNN_FUNCTION_ADD;
    }
}

bool ref_positive(enum clcnn_function function)
{
    return function == CLCNN_FUNCTION_LOG || function == CLCNN_FUNCTION_SQRT ||
           function == CLCNN_FUNCTION_RSQRT || function == CLCNN_FUNCTION_POWER ||
           function == CLCNN_FUNCTION_POW;
}

bool ref_undefined_at_infinity(enum clcnn_function function)
{
    return function == CLCNN_FUNCTION_HARD_SWISH || function == CLCNN_FUNCTION_SOFTSIGN ||
           function == CLCNN_FUNCTION_MISH || function == CLCNN_FUNCTION_GELU ||
           function == CLCNN_FUNCTION_GELU_TANH || function == CLCNN_FUNCTION_HARD_SIGMOID;
}

double ref_ulps(enum clcnn_function function)
{
    switch (function) {
    case CLCNN_FUNCTION_SQRT:
    case CLCNN_FUNCTION_DIV:
    case CLCNN_FUNCTION_RECIPROCAL:
    case CLCNN_FUNCTION_LINEAR:
    case CLCNN_FUNCTION_MULTIPLY_ADD:
    case CLCNN_FUNCTION_HARD_SIGMOID:
        return 4;
    case CLCNN_FUNCTION_RSQRT:
    case CLCNN_FUNCTION_EXP:
    case CLCNN_FUNCTION_LOG:
    case CLCNN_FUNCTION_SOFTSIGN:
    case CLCNN_FUNCTION_HARD_SWISH:
    case CLCNN_FUNCTION_SIN:
    case CLCNN_FUNCTION_COS:
        return 8;
    case CLCNN_FUNCTION_POW:
    case CLCNN_FUNCTION_POWER:
        return 16;
    default:
        return function >= CLCNN_FUNCTION_ERF && function <= CLCNN_FUNCTION_GELU_TANH ? 24 : 0;
    }
}

static double ref_softplus(double a)
{
    return std::fmax(a, 0) + std::log1p(std::exp(-std::fabs(a)));
}

static double ref_clip(double a, double low, double high)
{
    a = a < low ? low : a;
    return a > high ? high : a;
}

static double ref_extreme(double a, double b, bool max)
{
    if (std::isnan(a) || std::isnan(b))
        return NAN;
    return (max ? a > b : a < b) ? a : b;
}

static double ref_divide(double a, double b, bool whole)
{
    if (whole)
        return b == 0 ? 0 : std::trunc(a / b);
    return a / b;
}

static double ref_unary(const struct clcnn_map_params &p, double a)
{
    double alpha = p.alpha, beta = p.beta;
    bool whole = p.type != CLCNN_DTYPE_FLOAT32 && p.type != CLCNN_DTYPE_FLOAT16;
    switch (p.function) {
    case CLCNN_FUNCTION_COPY: /* between integers modulo the range */
        return whole && p.to == CLCNN_DTYPE_UINT8 ? a - 256 * std::floor(a / 256) : a;
    case CLCNN_FUNCTION_FILL:
        return alpha;
    case CLCNN_FUNCTION_TO_BOOL:
        return a != 0;
    case CLCNN_FUNCTION_ABS:
        return std::fabs(a);
    case CLCNN_FUNCTION_NEG:
        return p.type == CLCNN_DTYPE_UINT8 && a > 0 ? 256 - a : -a;
    case CLCNN_FUNCTION_SIGN:
        return a > 0 ? 1 : a < 0 ? -1 : a;
    case CLCNN_FUNCTION_LINEAR:
        return p.type == CLCNN_DTYPE_UINT8 ? std::fmod(alpha * a + beta, 256) : alpha * a + beta;
    case CLCNN_FUNCTION_CLIP:
        return ref_clip(a, alpha, beta);
    case CLCNN_FUNCTION_RELU:
        return a < 0 ? 0 : a;
    case CLCNN_FUNCTION_LEAKY_RELU:
        return a < 0 ? alpha * a : a;
    case CLCNN_FUNCTION_THRESHOLDED_RELU:
        return a > alpha ? a : 0;
    case CLCNN_FUNCTION_HARD_SIGMOID:
        return ref_clip(alpha * a + beta, 0, 1);
    case CLCNN_FUNCTION_HARD_SWISH:
        return a * ref_clip(a / 6 + 0.5, 0, 1);
    case CLCNN_FUNCTION_SOFTSIGN:
        return a / (1 + std::fabs(a));
    case CLCNN_FUNCTION_RECIPROCAL:
        return 1 / a;
    case CLCNN_FUNCTION_FLOOR:
        return std::floor(a);
    case CLCNN_FUNCTION_CEIL:
        return std::ceil(a);
    case CLCNN_FUNCTION_ROUND:
        return std::nearbyint(a);
    case CLCNN_FUNCTION_NOT:
        return a == 0;
    case CLCNN_FUNCTION_SQRT:
        return std::sqrt(a);
    case CLCNN_FUNCTION_RSQRT:
        return 1 / std::sqrt(a + alpha);
    case CLCNN_FUNCTION_EXP:
        return std::exp(a);
    case CLCNN_FUNCTION_LOG:
        return std::log(a);
    case CLCNN_FUNCTION_ERF:
        return std::erf(a);
    case CLCNN_FUNCTION_SIGMOID:
        return 1 / (1 + std::exp(-a));
    case CLCNN_FUNCTION_TANH:
        return std::tanh(a);
    case CLCNN_FUNCTION_ELU:
        return a < 0 ? alpha * std::expm1(a) : a;
    case CLCNN_FUNCTION_SELU:
        return beta * (a < 0 ? alpha * std::expm1(a) : a);
    case CLCNN_FUNCTION_CELU:
        return a < 0 ? alpha * std::expm1(a / alpha) : a;
    case CLCNN_FUNCTION_SOFTPLUS:
        return std::isnan(a) ? a : ref_softplus(a);
    case CLCNN_FUNCTION_MISH:
        return a * std::tanh(ref_softplus(a));
    case CLCNN_FUNCTION_GELU:
        return a / 2 * (1 + std::erf(a / std::sqrt(2.0)));
    case CLCNN_FUNCTION_GELU_TANH:
        return a / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (a + 0.044715 * a * a * a)));
    case CLCNN_FUNCTION_SIN:
        return std::sin(a);
    case CLCNN_FUNCTION_COS:
        return std::cos(a);
    default:
        return std::pow(a, (double)(float)alpha);
    }
}

double ref_function(const struct clcnn_map_params &p, double a, double b, double c)
{
    bool whole = p.type != CLCNN_DTYPE_FLOAT32 && p.type != CLCNN_DTYPE_FLOAT16;
    bool bytes = p.type == CLCNN_DTYPE_UINT8;
    auto wrapped = [&](double v) { return bytes ? v - 256 * std::floor(v / 256) : v; };
    double scale = p.alpha == 0 || whole ? 1 : p.alpha;
    switch (p.function) {
    case CLCNN_FUNCTION_ADD: /* rounded as a float, then scaled */
        return wrapped(whole ? a + b : scale * (double)(float)(a + b));
    case CLCNN_FUNCTION_SUB:
        return wrapped(a - b);
    case CLCNN_FUNCTION_MUL:
        return wrapped(a * b);
    case CLCNN_FUNCTION_DIV:
        return ref_divide(a, b, whole);
    case CLCNN_FUNCTION_MAX:
    case CLCNN_FUNCTION_MIN:
        return ref_extreme(a, b, p.function == CLCNN_FUNCTION_MAX);
    case CLCNN_FUNCTION_PRELU:
        return a < 0 ? a * b : a;
    case CLCNN_FUNCTION_MOD:
        return b == 0 ? 0 : a - b * std::floor(a / b);
    case CLCNN_FUNCTION_FMOD:
        return whole && b == 0 ? 0 : std::fmod(a, b);
    case CLCNN_FUNCTION_POW:
        return std::pow(a, b);
    case CLCNN_FUNCTION_EQUAL:
        return a == b;
    case CLCNN_FUNCTION_LESS:
        return a < b;
    case CLCNN_FUNCTION_LESS_EQUAL:
        return a <= b;
    case CLCNN_FUNCTION_GREATER:
        return a > b;
    case CLCNN_FUNCTION_GREATER_EQUAL:
        return a >= b;
    case CLCNN_FUNCTION_AND:
        return a != 0 && b != 0;
    case CLCNN_FUNCTION_OR:
        return a != 0 || b != 0;
    case CLCNN_FUNCTION_XOR:
        return (a != 0) != (b != 0);
    case CLCNN_FUNCTION_MULTIPLY_ADD:
        return wrapped(a * b + c);
    case CLCNN_FUNCTION_WHERE:
        return a != 0 ? b : c;
    default:
        return ref_unary(p, a);
    }
}
