/* Element-by-element functions of constants: what shapes and parameters are computed with. */
#include "io/onnx/import.h"
#include <math.h>

static int64_t integer_of(enum clcnn_function function, int64_t a, int64_t b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b; /* wrapping */
    switch (function) {
    case CLCNN_FUNCTION_ADD:
        return (int64_t)(x + y);
    case CLCNN_FUNCTION_SUB:
        return (int64_t)(x - y);
    case CLCNN_FUNCTION_MUL:
        return (int64_t)(x * y);
    case CLCNN_FUNCTION_DIV:
        return b == 0 ? 0 : b == -1 ? (int64_t)(0 - x) : a / b;
    case CLCNN_FUNCTION_FMOD:
        return b == 0 || b == -1 ? 0 : a % b;
    case CLCNN_FUNCTION_MOD:
        return b == 0 || b == -1 ? 0 : (a % b) + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0);
    case CLCNN_FUNCTION_MAX:
        return a > b ? a : b;
    case CLCNN_FUNCTION_MIN:
        return a < b ? a : b;
    case CLCNN_FUNCTION_NEG:
        return (int64_t)(0 - x);
    case CLCNN_FUNCTION_ABS:
        return a < 0 ? (int64_t)(0 - x) : a;
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
        return a && b;
    case CLCNN_FUNCTION_OR:
        return a || b;
    case CLCNN_FUNCTION_XOR:
        return !a != !b;
    case CLCNN_FUNCTION_NOT:
        return !a;
    default: /* COPY */
        return a;
    }
}

static float float_of(enum clcnn_function function, float a, float b)
{
    switch (function) {
    case CLCNN_FUNCTION_ADD:
        return a + b;
    case CLCNN_FUNCTION_SUB:
        return a - b;
    case CLCNN_FUNCTION_MUL:
        return a * b;
    case CLCNN_FUNCTION_DIV:
        return a / b;
    case CLCNN_FUNCTION_MAX:
        return isnan(a) || a > b ? a : b;
    case CLCNN_FUNCTION_MIN:
        return isnan(a) || a < b ? a : b;
    case CLCNN_FUNCTION_POW:
        return powf(a, b);
    case CLCNN_FUNCTION_NEG:
        return -a;
    case CLCNN_FUNCTION_ABS:
        return fabsf(a);
    case CLCNN_FUNCTION_SQRT:
        return sqrtf(a);
    case CLCNN_FUNCTION_EXP:
        return expf(a);
    case CLCNN_FUNCTION_LOG:
        return logf(a);
    case CLCNN_FUNCTION_FLOOR:
        return floorf(a);
    case CLCNN_FUNCTION_CEIL:
        return ceilf(a);
    case CLCNN_FUNCTION_RECIPROCAL:
        return 1.0f / a;
    case CLCNN_FUNCTION_TANH:
        return tanhf(a);
    default: /* COPY */
        return a;
    }
}

static bool is_foldable(const struct clcnn_map_params *map)
{
    switch (map->function) {
    case CLCNN_FUNCTION_ADD:
        return map->alpha == 0.0f || map->alpha == 1.0f;
    case CLCNN_FUNCTION_SUB:
    case CLCNN_FUNCTION_MUL:
    case CLCNN_FUNCTION_DIV:
    case CLCNN_FUNCTION_MAX:
    case CLCNN_FUNCTION_MIN:
    case CLCNN_FUNCTION_NEG:
    case CLCNN_FUNCTION_ABS:
        return true;
    case CLCNN_FUNCTION_POW:
    case CLCNN_FUNCTION_SQRT:
    case CLCNN_FUNCTION_EXP:
    case CLCNN_FUNCTION_LOG:
    case CLCNN_FUNCTION_FLOOR:
    case CLCNN_FUNCTION_CEIL:
    case CLCNN_FUNCTION_RECIPROCAL:
    case CLCNN_FUNCTION_TANH:
        return map->type == CLCNN_DTYPE_FLOAT32;
    case CLCNN_FUNCTION_EQUAL:
    case CLCNN_FUNCTION_LESS:
    case CLCNN_FUNCTION_LESS_EQUAL:
    case CLCNN_FUNCTION_GREATER:
    case CLCNN_FUNCTION_GREATER_EQUAL:
    case CLCNN_FUNCTION_AND:
    case CLCNN_FUNCTION_OR:
    case CLCNN_FUNCTION_XOR:
    case CLCNN_FUNCTION_NOT:
    case CLCNN_FUNCTION_MOD:
    case CLCNN_FUNCTION_FMOD:
        return map->type != CLCNN_DTYPE_FLOAT32;
    default:
        return false;
    }
}

/* One of the operands, stretched over the result. */
static enum clcnn_status stretch(struct clcnn_onnx_value *value, const struct clcnn_shape *shape)
{
    value->shape = *shape;
    return clcnn_view_broadcast(&value->view, shape, &value->view);
}

static enum clcnn_status fold_floats(struct clcnn_onnx_import *import, enum clcnn_function function,
                                     const struct clcnn_onnx_value *values, int count, float *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const float *a, *b;
    TRY(clcnn_onnx_floats(import, &values[0], &a));
    TRY(clcnn_onnx_floats(import, &values[count - 1], &b));
    for (int64_t i = 0; i < clcnn_onnx_count(&values[0]); i++)
        y[i] = float_of(function, a[i], b[i]);
done:
    return status;
}

static enum clcnn_status fold_integers(struct clcnn_onnx_import *import,
                                       enum clcnn_function function,
                                       const struct clcnn_onnx_value *values, int count, int64_t *y)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const int64_t *a, *b;
    TRY(clcnn_onnx_integers(import, &values[0], &a));
    TRY(clcnn_onnx_integers(import, &values[count - 1], &b));
    for (int64_t i = 0; i < clcnn_onnx_count(&values[0]); i++)
        y[i] = integer_of(function, a[i], b[i]);
done:
    return status;
}

enum clcnn_status clcnn_onnx_fold_map(struct clcnn_onnx_node *node,
                                      const struct clcnn_map_params *map,
                                      const struct clcnn_onnx_value *values, int count, int type,
                                      bool *folded)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *y = NULL;
    struct clcnn_shape shapes[2], shape;
    struct clcnn_onnx_value operands[2];
    bool floats = map->type == CLCNN_DTYPE_FLOAT32;
    *folded = false;
    if (count < 1 || count > 2 || !is_foldable(map))
        return status;
    for (int i = 0; i < count; i++) {
        if (values[i].layer >= 0)
            return status;
        operands[i] = values[i];
        shapes[i] = values[i].shape;
    }
    TRY(clcnn_shape_broadcast(shapes, (size_t)count, &shape));
    for (int i = 0; i < count; i++)
        TRY(stretch(&operands[i], &shape));
    TRY(clcnn_onnx_new_tensor(node->import, floats ? CLCNN_DTYPE_FLOAT32 : CLCNN_DTYPE_INT64,
                              &shape, &y));
    if (floats)
        TRY(fold_floats(node->import, map->function, operands, count, clcnn_tensor_data(y)));
    else
        TRY(fold_integers(node->import, map->function, operands, count, clcnn_tensor_data(y)));
    TRY(clcnn_onnx_output_constant(node, 0, type, &y));
    *folded = true;
done:
    clcnn_tensor_destroy(&y);
    return status;
}
