/* Constants, and what is known of shapes. */
#include "io/onnx/import.h"
#include <math.h>
#include <string.h>

static enum clcnn_status new_list(struct clcnn_onnx_node *node, enum clcnn_dtype dtype,
                                  const void *data, int64_t count, bool scalar, int type)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    struct clcnn_shape shape = {!scalar, {count}};
    TRY(clcnn_onnx_new_tensor(node->import, dtype, &shape, &tensor));
    if (count)
        memcpy(clcnn_tensor_data(tensor), data, (size_t)count * clcnn_dtype_size(dtype));
    TRY(clcnn_onnx_output_constant(node, 0, type, &tensor));
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

enum clcnn_status clcnn_onnx_constant(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    const Clcnn__TensorProto *value = clcnn_onnx_tensor(node, "value");
    const Clcnn__AttributeProto *a;
    if (value) {
        TRY(clcnn_onnx_unpack_tensor(node->import, value, &tensor));
        TRY(clcnn_onnx_output_constant(node, 0, value->data_type, &tensor));
    } else if ((a = clcnn_onnx_attribute(node, "value_float"))) {
        TRY(new_list(node, CLCNN_DTYPE_FLOAT32, &a->f, 1, true, CLCNN_ONNX_FLOAT));
    } else if ((a = clcnn_onnx_attribute(node, "value_floats"))) {
        TRY(new_list(node, CLCNN_DTYPE_FLOAT32, a->floats, (int64_t)a->n_floats, false,
                     CLCNN_ONNX_FLOAT));
    } else if ((a = clcnn_onnx_attribute(node, "value_int"))) {
        TRY(new_list(node, CLCNN_DTYPE_INT64, &a->i, 1, true, CLCNN_ONNX_INT64));
    } else if ((a = clcnn_onnx_attribute(node, "value_ints"))) {
        TRY(new_list(node, CLCNN_DTYPE_INT64, a->ints, (int64_t)a->n_ints, false,
                     CLCNN_ONNX_INT64));
    } else {
        NODE_SUPPORTS(false, "its value is a string or sparse, or there is none");
    }
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

/* One element, seen as often as the shape says: a billion of them take no memory here. */
enum clcnn_status clcnn_onnx_constant_of_shape(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    const Clcnn__TensorProto *value = clcnn_onnx_tensor(node, "value");
    const int64_t *list;
    int64_t count;
    struct clcnn_shape one = {0};
    TRY(clcnn_onnx_need_integers(node, 0, "shape", &list, &count));
    NODE_SUPPORTS(count <= CLCNN_MAX_RANK, "%lld dimensions", (long long)count);
    struct clcnn_shape shape = {.rank = (int)count};
    memcpy(shape.dim, list, (size_t)count * sizeof(*list));
    NODE_REQUIRE(clcnn_shape_count(&shape) >= 0, "the shape %s is impossible",
                 clcnn_onnx_shape_words(&shape).text);
    if (value)
        TRY(clcnn_onnx_unpack_tensor(node->import, value, &tensor));
    else
        TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &one, &tensor));
    NODE_REQUIRE(clcnn_tensor_count(tensor) == 1, "its value has %lld elements",
                 (long long)clcnn_tensor_count(tensor));
    TRY(clcnn_onnx_output_constant(node, 0, value ? value->data_type : CLCNN_ONNX_FLOAT, &tensor));
    if (node->output_count > 0) {
        struct clcnn_onnx_value *y = &node->outputs[0];
        y->shape = shape;
        TRY(clcnn_view_reshape(&y->view, &one, &y->view));
        TRY(clcnn_view_broadcast(&y->view, &shape, &y->view));
    }
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

enum clcnn_status clcnn_onnx_shape(struct clcnn_onnx_node *node)
{
    const struct clcnn_shape *x = &node->inputs[0].shape;
    int64_t rank = x->rank, start = clcnn_onnx_int(node, "start", 0);
    int64_t end = clcnn_onnx_int(node, "end", rank);
    start = clcnn_min(clcnn_max(start < 0 ? start + rank : start, 0), rank);
    end = clcnn_min(clcnn_max(end < 0 ? end + rank : end, 0), rank);
    return new_list(node, CLCNN_DTYPE_INT64, x->dim + start, clcnn_max(end - start, 0), false,
                    CLCNN_ONNX_INT64);
}

enum clcnn_status clcnn_onnx_size(struct clcnn_onnx_node *node)
{
    int64_t count = clcnn_onnx_count(&node->inputs[0]);
    return new_list(node, CLCNN_DTYPE_INT64, &count, 1, true, CLCNN_ONNX_INT64);
}

static enum clcnn_status float_range(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    const float *start, *limit, *delta;
    int64_t count;
    TRY(clcnn_onnx_need_floats(node, 0, "start", &start, &count));
    TRY(clcnn_onnx_need_floats(node, 1, "limit", &limit, &count));
    TRY(clcnn_onnx_need_floats(node, 2, "delta", &delta, &count));
    double steps = ceil(((double)*limit - (double)*start) / (double)*delta);
    NODE_REQUIRE(steps <= 0x1p62, "from %g to %g by %g", (double)*start, (double)*limit,
                 (double)*delta); /* also what is no number */
    struct clcnn_shape shape = {1, {steps > 0.0 ? (int64_t)steps : 0}};
    TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &shape, &tensor));
    for (int64_t i = 0; i < shape.dim[0]; i++)
        ((float *)clcnn_tensor_data(tensor))[i] =
            (float)((double)*start + (double)i * (double)*delta);
    TRY(clcnn_onnx_output_constant(node, 0, node->inputs[0].type, &tensor));
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

enum clcnn_status clcnn_onnx_range(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *tensor = NULL;
    const int64_t *start, *limit, *delta;
    int64_t count, span = 0;
    for (int i = 0; i < 3; i++)
        NODE_REQUIRE(clcnn_onnx_count(&node->inputs[i]) == 1 &&
                         node->inputs[i].type == node->inputs[0].type,
                     "input %d is %s", i, clcnn_onnx_shape_words(&node->inputs[i].shape).text);
    if (clcnn_onnx_is_float(node->inputs[0].type))
        return float_range(node);
    TRY(clcnn_onnx_need_integers(node, 0, "start", &start, &count));
    TRY(clcnn_onnx_need_integers(node, 1, "limit", &limit, &count));
    TRY(clcnn_onnx_need_integers(node, 2, "delta", &delta, &count));
    NODE_REQUIRE(*delta != 0 && *delta != INT64_MIN &&
                     !__builtin_sub_overflow(*limit, *start, &span) && span != INT64_MIN,
                 "from %lld to %lld by %lld", (long long)*start, (long long)*limit,
                 (long long)*delta);
    bool none = (span > 0) != (*delta > 0) || span == 0;
    count = none ? 0 : ((span < 0 ? -span : span) - 1) / (*delta < 0 ? -*delta : *delta) + 1;
    struct clcnn_shape shape = {1, {count}};
    TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_INT64, &shape, &tensor));
    for (int64_t i = 0; i < count; i++)
        ((int64_t *)clcnn_tensor_data(tensor))[i] = *start + i * *delta;
    TRY(clcnn_onnx_output_constant(node, 0, node->inputs[0].type, &tensor));
done:
    clcnn_tensor_destroy(&tensor);
    return status;
}

/* ---- cast ------------------------------------------------------------------------------------ */

static int64_t to_integer(float value, int type)
{
    if (type == CLCNN_ONNX_BOOL)
        return value != 0.0f;
    if (isnan(value))
        return 0;
    return value >= 0x1p63f ? INT64_MAX : value < -0x1p63f ? INT64_MIN : (int64_t)value;
}

static int64_t wrap(int64_t value, int type)
{
    switch (type) {
    case CLCNN_ONNX_BOOL:
        return value != 0;
    case CLCNN_ONNX_INT8:
        return (int8_t)value;
    case CLCNN_ONNX_UINT8:
        return (uint8_t)value;
    case CLCNN_ONNX_INT16:
        return (int16_t)value;
    case CLCNN_ONNX_UINT16:
        return (uint16_t)value;
    case CLCNN_ONNX_INT32:
        return (int32_t)value;
    case CLCNN_ONNX_UINT32:
        return (uint32_t)value;
    default:
        return value;
    }
}

static enum clcnn_status cast_constant(struct clcnn_onnx_node *node, int to)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    struct clcnn_tensor *y = NULL;
    const float *floats = NULL;
    const int64_t *integers = NULL;
    bool to_float = clcnn_onnx_is_float(to);
    TRY(clcnn_onnx_is_float(x->type) ? clcnn_onnx_floats(node->import, x, &floats)
                                     : clcnn_onnx_integers(node->import, x, &integers));
    TRY(clcnn_onnx_new_tensor(node->import, to_float ? CLCNN_DTYPE_FLOAT32 : CLCNN_DTYPE_INT64,
                              &x->shape, &y));
    for (int64_t i = 0; i < clcnn_tensor_count(y); i++)
        if (to_float)
            ((float *)clcnn_tensor_data(y))[i] = floats ? floats[i] : (float)integers[i];
        else
            ((int64_t *)clcnn_tensor_data(y))[i] =
                wrap(floats ? to_integer(floats[i], to) : integers[i], to);
    TRY(clcnn_onnx_output_constant(node, 0, to, &y));
done:
    clcnn_tensor_destroy(&y);
    return status;
}

/* Opset 1 names the type by a word. */
static int target_type(struct clcnn_onnx_node *node)
{
    static const char *const words[] = {"UNDEFINED",  "FLOAT",  "UINT8",  "INT8",   "UINT16",
                                        "INT16",      "INT32",  "INT64",  "STRING", "BOOL",
                                        "FLOAT16",    "DOUBLE", "UINT32", "UINT64", "COMPLEX64",
                                        "COMPLEX128", NULL};
    if (node->opset < 6)
        return clcnn_onnx_word(node, "to", words);
    return (int)clcnn_onnx_int(node, "to", 0);
}

/* float16 is kept as float32 here, of the values that float16 has. */
static enum clcnn_status round_to_half(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_map_params narrow = {.type = CLCNN_DTYPE_FLOAT32, .to = CLCNN_DTYPE_FLOAT16};
    struct clcnn_map_params widen = {.type = CLCNN_DTYPE_FLOAT16, .to = CLCNN_DTYPE_FLOAT32};
    TRY(clcnn_onnx_map(node, &narrow, &node->inputs[0], 1, CLCNN_ONNX_FLOAT16));
    struct clcnn_onnx_value half = node->outputs[0];
    TRY(clcnn_onnx_map(node, &widen, &half, 1, CLCNN_ONNX_FLOAT16));
done:
    return status;
}

static enum clcnn_status cast(struct clcnn_onnx_node *node, int to)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    struct clcnn_map_params map = {.function = CLCNN_FUNCTION_COPY};
    NODE_REQUIRE(to > 0 && to <= CLCNN_ONNX_BFLOAT16, "'to' is %d, no type", to);
    NODE_SUPPORTS(to != CLCNN_ONNX_STRING && x->type != CLCNN_ONNX_STRING, "strings");
    if (x->layer < 0)
        return cast_constant(node, to);
    TRY(clcnn_onnx_device_type(x->type, &map.type));
    TRY(clcnn_onnx_device_type(to, &map.to));
    if (map.type == map.to && to != CLCNN_ONNX_BOOL &&
        !(to == CLCNN_ONNX_FLOAT16 && x->type != to)) {
        clcnn_onnx_output_view(node, 0, x, &x->view);
        node->outputs[0].shape = x->shape;
        node->outputs[0].type = to;
        return status;
    }
    if (to == CLCNN_ONNX_FLOAT16 && map.type == CLCNN_DTYPE_FLOAT32)
        return round_to_half(node);
    if (to == CLCNN_ONNX_BOOL)
        map.function = CLCNN_FUNCTION_TO_BOOL;
    TRY(clcnn_onnx_map(node, &map, x, 1, to));
done:
    return status;
}

enum clcnn_status clcnn_onnx_cast(struct clcnn_onnx_node *node)
{
    return cast(node, target_type(node));
}

enum clcnn_status clcnn_onnx_cast_like(struct clcnn_onnx_node *node)
{
    return cast(node, node->inputs[1].type);
}
