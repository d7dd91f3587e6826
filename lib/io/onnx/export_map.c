/* Functions of each element. Those that opset 17 lacks are written as what they are made of. */
#include "io/onnx/export.h"
#include <math.h>

/* Functions that one operator stands for. */
static const char *const operators[CLCNN_FUNCTION_COUNT] = {
    [CLCNN_FUNCTION_ABS] = "Abs",
    [CLCNN_FUNCTION_NEG] = "Neg",
    [CLCNN_FUNCTION_SIGN] = "Sign",
    [CLCNN_FUNCTION_RELU] = "Relu",
    [CLCNN_FUNCTION_LEAKY_RELU] = "LeakyRelu",
    [CLCNN_FUNCTION_THRESHOLDED_RELU] = "ThresholdedRelu",
    [CLCNN_FUNCTION_HARD_SIGMOID] = "HardSigmoid",
    [CLCNN_FUNCTION_HARD_SWISH] = "HardSwish",
    [CLCNN_FUNCTION_SOFTSIGN] = "Softsign",
    [CLCNN_FUNCTION_RECIPROCAL] = "Reciprocal",
    [CLCNN_FUNCTION_FLOOR] = "Floor",
    [CLCNN_FUNCTION_CEIL] = "Ceil",
    [CLCNN_FUNCTION_ROUND] = "Round",
    [CLCNN_FUNCTION_NOT] = "Not",
    [CLCNN_FUNCTION_SQRT] = "Sqrt",
    [CLCNN_FUNCTION_EXP] = "Exp",
    [CLCNN_FUNCTION_LOG] = "Log",
    [CLCNN_FUNCTION_ERF] = "Erf",
    [CLCNN_FUNCTION_SIGMOID] = "Sigmoid",
    [CLCNN_FUNCTION_TANH] = "Tanh",
    [CLCNN_FUNCTION_ELU] = "Elu",
    [CLCNN_FUNCTION_SELU] = "Selu",
    [CLCNN_FUNCTION_CELU] = "Celu",
    [CLCNN_FUNCTION_SOFTPLUS] = "Softplus",
    [CLCNN_FUNCTION_SIN] = "Sin",
    [CLCNN_FUNCTION_COS] = "Cos",
    [CLCNN_FUNCTION_SUB] = "Sub",
    [CLCNN_FUNCTION_MUL] = "Mul",
    [CLCNN_FUNCTION_DIV] = "Div",
    [CLCNN_FUNCTION_MAX] = "Max",
    [CLCNN_FUNCTION_MIN] = "Min",
    [CLCNN_FUNCTION_PRELU] = "PRelu",
    [CLCNN_FUNCTION_MOD] = "Mod",
    [CLCNN_FUNCTION_FMOD] = "Mod",
    [CLCNN_FUNCTION_POW] = "Pow",
    [CLCNN_FUNCTION_EQUAL] = "Equal",
    [CLCNN_FUNCTION_LESS] = "Less",
    [CLCNN_FUNCTION_LESS_EQUAL] = "LessOrEqual",
    [CLCNN_FUNCTION_GREATER] = "Greater",
    [CLCNN_FUNCTION_GREATER_EQUAL] = "GreaterOrEqual",
    [CLCNN_FUNCTION_AND] = "And",
    [CLCNN_FUNCTION_OR] = "Or",
    [CLCNN_FUNCTION_XOR] = "Xor",
    [CLCNN_FUNCTION_WHERE] = "Where",
};

static int unary(struct clcnn_export *e, const char *type, const char *part, int a)
{
    return clcnn_export_emit(e, type, part, &a, 1);
}

static int binary(struct clcnn_export *e, const char *type, const char *part, int a, int b)
{
    int inputs[] = {a, b};
    return clcnn_export_emit(e, type, part, inputs, 2);
}

/* f(a, number). */
static int with_number(struct clcnn_export *e, const char *type, const char *part, int a,
                       double number)
{
    return binary(e, type, part, a,
                  clcnn_export_put_scalar(e, "number", e->layer->u.map.type, number));
}

/* ---- one operator ---------------------------------------------------------------------------- */

static void put_constants(struct clcnn_export *e)
{
    const struct clcnn_map_params *map = &e->layer->u.map;
    switch (map->function) {
    case CLCNN_FUNCTION_LEAKY_RELU:
    case CLCNN_FUNCTION_THRESHOLDED_RELU:
    case CLCNN_FUNCTION_ELU:
    case CLCNN_FUNCTION_CELU:
        clcnn_export_put_float(e, "alpha", (float)map->alpha);
        break;
    case CLCNN_FUNCTION_HARD_SIGMOID:
        clcnn_export_put_float(e, "alpha", (float)map->alpha);
        clcnn_export_put_float(e, "beta", (float)map->beta);
        break;
    case CLCNN_FUNCTION_SELU:
        clcnn_export_put_float(e, "alpha", (float)map->alpha);
        clcnn_export_put_float(e, "gamma", (float)map->beta);
        break;
    case CLCNN_FUNCTION_FMOD:
        clcnn_export_put_int(e, "fmod", 1);
        break;
    default:
        break;
    }
}

/* A limit that is infinite is left out. */
static int clip(struct clcnn_export *e, int x)
{
    const struct clcnn_map_params *map = &e->layer->u.map;
    bool low = !isinf(map->alpha), high = !isinf(map->beta);
    int inputs[] = {x, low ? clcnn_export_put_scalar(e, "min", map->type, map->alpha) : -1,
                    high ? clcnn_export_put_scalar(e, "max", map->type, map->beta) : -1};
    return clcnn_export_emit(e, "Clip", NULL, inputs, high ? 3 : low ? 2 : 1);
}

/* ---- several operators ----------------------------------------------------------------------- */

static int cast(struct clcnn_export *e, const char *part, int x, enum clcnn_dtype to)
{
    int y = unary(e, "Cast", part, x);
    clcnn_export_put_int(e, "to", clcnn_export_type(to));
    return y;
}

static int to_bool(struct clcnn_export *e, int x)
{
    if (e->layer->u.map.to == CLCNN_DTYPE_UINT8)
        return cast(e, NULL, x, CLCNN_DTYPE_UINT8);
    return cast(e, NULL, cast(e, "bool", x, CLCNN_DTYPE_UINT8), e->layer->u.map.to);
}

static int linear(struct clcnn_export *e, int x)
{
    const struct clcnn_map_params *map = &e->layer->u.map;
    if (map->beta == 0.0)
        return with_number(e, "Mul", NULL, x, map->alpha);
    if (map->alpha != 1.0)
        x = with_number(e, "Mul", "product", x, map->alpha);
    return with_number(e, "Add", NULL, x, map->beta);
}

static int rsqrt(struct clcnn_export *e, int x)
{
    if (e->layer->u.map.alpha != 0.0)
        x = with_number(e, "Add", "sum", x, e->layer->u.map.alpha);
    return unary(e, "Reciprocal", NULL, unary(e, "Sqrt", "sqrt", x));
}

static int mish(struct clcnn_export *e, int x)
{
    return binary(e, "Mul", NULL, x, unary(e, "Tanh", "tanh", unary(e, "Softplus", "softplus", x)));
}

/* x/2 (1 + y) */
static int half_of(struct clcnn_export *e, int x, int y)
{
    int half = with_number(e, "Mul", "half", x, 0.5);
    return binary(e, "Mul", NULL, half, with_number(e, "Add", "plus_one", y, 1.0));
}

static int gelu(struct clcnn_export *e, int x)
{
    return half_of(e, x,
                   unary(e, "Erf", "erf", with_number(e, "Mul", "scaled", x, 0.70710678118654752)));
}

static int gelu_tanh(struct clcnn_export *e, int x)
{
    int cube = binary(e, "Mul", "cube", x, binary(e, "Mul", "square", x, x));
    int sum = binary(e, "Add", "sum", x, with_number(e, "Mul", "term", cube, 0.044715));
    return half_of(
        e, x, unary(e, "Tanh", "tanh", with_number(e, "Mul", "scaled", sum, 0.79788456080286536)));
}

/* alpha (a + b); of two, the half is their mean. */
static int scaled_sum(struct clcnn_export *e, const int *inputs)
{
    double alpha = e->layer->u.map.alpha;
    if (alpha == 0.0 || alpha == 1.0)
        return clcnn_export_emit(e, "Add", NULL, inputs, 2);
    if (alpha == 0.5)
        return clcnn_export_emit(e, "Mean", NULL, inputs, 2);
    return with_number(e, "Mul", NULL, clcnn_export_emit(e, "Add", "sum", inputs, 2), alpha);
}

static int multiply_add(struct clcnn_export *e, const int *inputs)
{
    int product = clcnn_export_emit(e, "Mul", "product", inputs, 2);
    return binary(e, "Add", NULL, product, inputs[2]);
}

/* A copy of the elements is their value itself. */
static int copy(struct clcnn_export *e, int x)
{
    const struct clcnn_map_params *map = &e->layer->u.map;
    return map->to == map->type ? x : cast(e, NULL, x, map->to);
}

/* -1 for what is one operator without constant operands. */
static int apply(struct clcnn_export *e, const int *inputs)
{
    const struct clcnn_map_params *map = &e->layer->u.map;
    switch (map->function) {
    case CLCNN_FUNCTION_COPY:
        return copy(e, inputs[0]);
    case CLCNN_FUNCTION_TO_BOOL:
        return to_bool(e, inputs[0]);
    case CLCNN_FUNCTION_LINEAR:
        return linear(e, inputs[0]);
    case CLCNN_FUNCTION_CLIP:
        return clip(e, inputs[0]);
    case CLCNN_FUNCTION_RSQRT:
        return rsqrt(e, inputs[0]);
    case CLCNN_FUNCTION_MISH:
        return mish(e, inputs[0]);
    case CLCNN_FUNCTION_GELU:
        return gelu(e, inputs[0]);
    case CLCNN_FUNCTION_GELU_TANH:
        return gelu_tanh(e, inputs[0]);
    case CLCNN_FUNCTION_POWER:
        return with_number(e, "Pow", NULL, inputs[0], map->alpha);
    case CLCNN_FUNCTION_ADD:
        return scaled_sum(e, inputs);
    case CLCNN_FUNCTION_MULTIPLY_ADD:
        return multiply_add(e, inputs);
    default:
        return -1;
    }
}

/* ---- the layer ------------------------------------------------------------------------------- */

/* Whether some operand brings the size of each dimension. */
static bool covers(const struct clcnn_export *e)
{
    const struct clcnn_layer *layer = e->layer;
    for (int i = 0; i < layer->shape.rank; i++) {
        bool covered = layer->shape.dim[i] == 1;
        for (int k = 0; k < layer->input_count; k++) {
            const struct clcnn_view *view = &layer->views[k];
            covered = covered || view->size[i] == CLCNN_DIM_BATCH ||
                      (view->size[i] == layer->shape.dim[i] && view->stride[i] != 0);
        }
        if (!covered)
            return false;
    }
    return true;
}

void clcnn_export_save_map(struct clcnn_export *e)
{
    const struct clcnn_layer *layer = e->layer;
    enum clcnn_function function = layer->u.map.function;
    enum clcnn_export_form form = clcnn_export_form_of_views(e);
    int inputs[3] = {-1, -1, -1}, y;
    if ((unsigned)function >= CLCNN_FUNCTION_COUNT || layer->input_count < 1 ||
        layer->input_count > 3) {
        clcnn_export_refuse(e, "the function '%s' of %d inputs", clcnn_function_name(function),
                            layer->input_count);
        return;
    }
    for (int i = 0; i < layer->input_count; i++)
        inputs[i] = i == 0 && !covers(e) ? clcnn_export_full_view(e, i, form)
                                         : clcnn_export_view(e, i, form);
    y = apply(e, inputs);
    if (y < 0 && operators[function]) {
        y = clcnn_export_emit(e, operators[function], NULL, inputs, layer->input_count);
        put_constants(e);
    }
    clcnn_export_made(e, form, y);
}
