/* Functions of two operands and more, broadcast. */
#include "io/onnx/affine.h"
#include "io/onnx/import.h"
#include <stdlib.h>

/* Until opset 6 the second operand is broadcast only if `broadcast` says so, and then from `axis`
 * on instead of from the end. */
static enum clcnn_status broadcast_as_once(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *a = &node->inputs[0];
    struct clcnn_onnx_value *b = &node->inputs[1];
    int axis = 0;
    if (node->opset >= 7 || !clcnn_onnx_has_attribute(node, "axis") ||
        clcnn_onnx_int(node, "broadcast", 0) == 0 || b->shape.rank == 0)
        return status;
    TRY(clcnn_onnx_axis(clcnn_onnx_int(node, "axis", 0), a->shape.rank, &axis));
    NODE_REQUIRE(axis + b->shape.rank <= a->shape.rank, "%s from axis %d on does not fit %s",
                 clcnn_onnx_shape_words(&b->shape).text, axis,
                 clcnn_onnx_shape_words(&a->shape).text);
    TRY(clcnn_onnx_plain(node, b));
    for (int i = b->shape.rank; i < a->shape.rank - axis; i++) {
        b->shape.dim[i] = 1;
        b->view.size[i] = 1;
        b->view.stride[i] = 0;
    }
    b->shape.rank = b->view.rank = a->shape.rank - axis;
done:
    return status;
}

/* The shape (..., C, 1, 1) of one constant per channel, or of one for all, beside an image. */
static bool is_per_channel(const struct clcnn_onnx_node *node, const struct clcnn_onnx_value *x,
                           const struct clcnn_onnx_value *c)
{
    int missing = x->shape.rank - c->shape.rank;
    if (c->layer >= 0 || missing < 0 || !clcnn_onnx_affine_fits(node, x))
        return false;
    for (int i = 0; i < c->shape.rank; i++)
        if (c->shape.dim[i] != 1 && !(i + missing == 1 && c->shape.dim[i] == x->shape.dim[1]))
            return false;
    return true;
}

/* Products and sums of an image with constants per channel are convolutions. */
static enum clcnn_status as_affine(struct clcnn_onnx_node *node, enum clcnn_function function,
                                   bool *done_so)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0], *c = &node->inputs[1];
    const float *values;
    float *spread = NULL;
    bool product = function == CLCNN_FUNCTION_MUL;
    *done_so = false;
    if (!product && function != CLCNN_FUNCTION_ADD)
        return status;
    if (x->layer < 0) {
        x = &node->inputs[1];
        c = &node->inputs[0];
    }
    if (!clcnn_onnx_is_float(x->type) || !is_per_channel(node, x, c))
        return status;
    TRY(clcnn_onnx_floats(node->import, c, &values));
    int64_t channels = x->shape.dim[1], step = clcnn_onnx_count(c) > 1;
    TRY(clcnn_alloc((size_t)channels, sizeof(*spread), &spread));
    for (int64_t i = 0; i < channels; i++)
        spread[i] = values[i * step];
    TRY(clcnn_onnx_affine(node, x, product ? spread : NULL, product ? NULL : spread));
    *done_so = true;
done:
    free(spread);
    return status;
}

/* Two whole layers that lie alike are added by a layer that plans fuse. */
static enum clcnn_status as_add(struct clcnn_onnx_node *node, bool *done_so)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *a = &node->inputs[0], *b = &node->inputs[1];
    struct clcnn_layer *layers = node->import->model->layers;
    int order[CLCNN_MAX_RANK], inputs[2] = {a->layer, b->layer};
    *done_so = false;
    struct clcnn_shape sizes = clcnn_onnx_shape_of_view(&a->view);
    if (a->layer < 0 || b->layer < 0 || !clcnn_onnx_is_float(a->type) ||
        !clcnn_onnx_same_shape(&a->shape, &b->shape) || clcnn_onnx_count(a) == 0 ||
        !clcnn_onnx_same_shape(&sizes, &a->shape) ||
        !clcnn_onnx_same_shape(&layers[a->layer].shape, &layers[b->layer].shape))
        return status;
    int64_t count = clcnn_shape_count(&layers[a->layer].shape);
    clcnn_onnx_memory_order(&a->view, order);
    sizes = clcnn_onnx_shape_of_view(&b->view);
    if (!clcnn_onnx_same_shape(&sizes, &b->shape) || !clcnn_onnx_lies(&a->view, order, count) ||
        !clcnn_onnx_lies(&b->view, order, count))
        return status;
    struct clcnn_onnx_value y = *a;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_ADD,
                                .type = CLCNN_LAYER_TYPE_ADD,
                                .shape = layers[a->layer].shape,
                                .kernel = -1,
                                .bias = -1};
    TRY(clcnn_onnx_add_layer(node, &layer, inputs, NULL, 2, &y.layer));
    clcnn_onnx_output_view(node, 0, &y, &a->view);
    *done_so = true;
done:
    return status;
}

static enum clcnn_status combine(struct clcnn_onnx_node *node, enum clcnn_function function)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_map_params map = {.function = function};
    struct clcnn_onnx_value *inputs = node->inputs;
    bool done_so = false;
    TRY(broadcast_as_once(node));
    NODE_REQUIRE(inputs[0].type == inputs[1].type, "its operands are %s and %s",
                 clcnn_onnx_type_name(inputs[0].type), clcnn_onnx_type_name(inputs[1].type));
    TRY(clcnn_onnx_plain(node, &inputs[1]));
    if (inputs[0].layer >= 0 || inputs[1].layer >= 0)
        TRY(as_affine(node, function, &done_so));
    if (!done_so && function == CLCNN_FUNCTION_ADD)
        TRY(as_add(node, &done_so));
    if (done_so)
        return status;
    TRY(clcnn_onnx_device_type(inputs[0].type, &map.type));
    map.to = map.type;
    TRY(clcnn_onnx_map(node, &map, inputs, 2, inputs[0].type));
done:
    return status;
}

enum clcnn_status clcnn_onnx_add(struct clcnn_onnx_node *node)
{
    return combine(node, CLCNN_FUNCTION_ADD);
}

enum clcnn_status clcnn_onnx_sub(struct clcnn_onnx_node *node)
{
    return combine(node, CLCNN_FUNCTION_SUB);
}

enum clcnn_status clcnn_onnx_mul(struct clcnn_onnx_node *node)
{
    return combine(node, CLCNN_FUNCTION_MUL);
}

enum clcnn_status clcnn_onnx_div(struct clcnn_onnx_node *node)
{
    return combine(node, CLCNN_FUNCTION_DIV);
}

enum clcnn_status clcnn_onnx_mod(struct clcnn_onnx_node *node)
{
    return combine(node,
                   clcnn_onnx_int(node, "fmod", 0) ? CLCNN_FUNCTION_FMOD : CLCNN_FUNCTION_MOD);
}

enum clcnn_status clcnn_onnx_prelu(struct clcnn_onnx_node *node)
{
    struct clcnn_onnx_value *slope = &node->inputs[1];
    int rank = node->inputs[0].shape.rank;
    if (node->opset < 7 && slope->shape.rank == 1 && rank > 2) { /* one per channel */
        enum clcnn_status status = clcnn_onnx_plain(node, slope);
        if (status != CLCNN_STATUS_OK)
            return status;
        for (int i = 1; i < rank - 1; i++) {
            slope->shape.dim[i] = slope->view.size[i] = 1;
            slope->view.stride[i] = 0;
        }
        slope->shape.rank = slope->view.rank = rank - 1;
    }
    return combine(node, CLCNN_FUNCTION_PRELU);
}

static enum clcnn_status convert(struct clcnn_onnx_node *node, struct clcnn_onnx_value *value,
                                 int type)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_map_params map = {.function = CLCNN_FUNCTION_COPY};
    TRY(clcnn_onnx_device_type(value->type, &map.type));
    TRY(clcnn_onnx_device_type(type, &map.to));
    if (map.type != map.to) {
        TRY(clcnn_onnx_map(node, &map, value, 1, type));
        *value = node->outputs[0];
    }
done:
    return status;
}

/* Through float32, which knows integers up to 2^24. */
static enum clcnn_status integer_power(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value pair[] = {node->inputs[0], node->inputs[1]};
    struct clcnn_map_params power = {.function = CLCNN_FUNCTION_POW};
    struct clcnn_map_params nearest = {.function = CLCNN_FUNCTION_ROUND};
    int type = pair[0].type;
    for (int i = 0; i < 2; i++)
        TRY(convert(node, &pair[i], CLCNN_ONNX_FLOAT));
    TRY(clcnn_onnx_map(node, &power, pair, 2, CLCNN_ONNX_FLOAT));
    pair[0] = node->outputs[0];
    TRY(clcnn_onnx_map(node, &nearest, pair, 1, CLCNN_ONNX_FLOAT));
    pair[0] = node->outputs[0];
    TRY(convert(node, &pair[0], type));
done:
    return status;
}

/* The exponent may be of another type, and is often 2. */
enum clcnn_status clcnn_onnx_pow(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *y = &node->inputs[1];
    if (!clcnn_onnx_is_float(node->inputs[0].type))
        return integer_power(node);
    if (!clcnn_onnx_is_float(y->type)) {
        const int64_t *exponents;
        struct clcnn_tensor *tensor = NULL;
        int64_t count;
        TRY(clcnn_onnx_need_integers(node, 1, "exponent", &exponents, &count));
        TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &y->shape, &tensor));
        for (int64_t i = 0; i < count; i++)
            ((float *)clcnn_tensor_data(tensor))[i] = (float)exponents[i];
        TRY(clcnn_onnx_keep_constant(node->import, node->inputs[0].type, &tensor, y));
    }
    TRY(combine(node, CLCNN_FUNCTION_POW));
done:
    return status;
}

static enum clcnn_status compare(struct clcnn_onnx_node *node, enum clcnn_function function)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_map_params map = {.function = function};
    TRY(broadcast_as_once(node));
    NODE_REQUIRE(node->inputs[0].type == node->inputs[1].type, "its operands are %s and %s",
                 clcnn_onnx_type_name(node->inputs[0].type),
                 clcnn_onnx_type_name(node->inputs[1].type));
    TRY(clcnn_onnx_device_type(node->inputs[0].type, &map.type));
    TRY(clcnn_onnx_map(node, &map, node->inputs, 2, CLCNN_ONNX_BOOL));
done:
    return status;
}

#define COMPARISON(name, function)                                                                 \
    enum clcnn_status clcnn_onnx_##name(struct clcnn_onnx_node *node)                              \
    {                                                                                              \
        return compare(node, CLCNN_FUNCTION_##function);                                           \
    }
COMPARISON(equal, EQUAL)
COMPARISON(less, LESS)
COMPARISON(less_or_equal, LESS_EQUAL)
COMPARISON(greater, GREATER)
COMPARISON(greater_or_equal, GREATER_EQUAL)
COMPARISON(and, AND)
COMPARISON(or, OR)
COMPARISON(xor, XOR)
#undef COMPARISON

enum clcnn_status clcnn_onnx_not(struct clcnn_onnx_node *node)
{
    struct clcnn_map_params map = {.function = CLCNN_FUNCTION_NOT, .type = CLCNN_DTYPE_UINT8};
    if (node->inputs[0].type != CLCNN_ONNX_BOOL)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "its operand is %s",
                          clcnn_onnx_type_name(node->inputs[0].type));
    return clcnn_onnx_map(node, &map, node->inputs, 1, CLCNN_ONNX_BOOL);
}

enum clcnn_status clcnn_onnx_where(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_map_params map = {.function = CLCNN_FUNCTION_WHERE};
    const struct clcnn_onnx_value *inputs = node->inputs;
    NODE_REQUIRE(inputs[0].type == CLCNN_ONNX_BOOL && inputs[1].type == inputs[2].type,
                 "its operands are %s, %s and %s", clcnn_onnx_type_name(inputs[0].type),
                 clcnn_onnx_type_name(inputs[1].type), clcnn_onnx_type_name(inputs[2].type));
    TRY(clcnn_onnx_device_type(inputs[1].type, &map.type));
    TRY(clcnn_onnx_map(node, &map, inputs, 3, inputs[1].type));
done:
    return status;
}

/* ---- any number of operands ------------------------------------------------------------------ */

static enum clcnn_status combine_all(struct clcnn_onnx_node *node, enum clcnn_function function,
                                     float last_factor)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value pair[2], *given = node->inputs;
    struct clcnn_onnx_node part = *node;
    part.inputs = pair;
    part.input_count = 2;
    NODE_REQUIRE(node->output_count >= 1, "it has no output");
    pair[0] = node->inputs[0];
    for (int i = 1; i < node->input_count; i++) {
        struct clcnn_map_params map = {.function = function};
        pair[1] = given[i];
        NODE_REQUIRE(pair[1].name && pair[0].type == pair[1].type,
                     "operand %d is missing, or of "
                     "another type",
                     i);
        if (function == CLCNN_FUNCTION_ADD && i == node->input_count - 1 && last_factor != 1.0f) {
            TRY(clcnn_onnx_device_type(pair[0].type, &map.type));
            map.alpha = last_factor;
            TRY(clcnn_onnx_map(&part, &map, pair, 2, pair[0].type));
        } else {
            TRY(combine(&part, function));
        }
        pair[0] = part.outputs[0];
        pair[0].readers = 1;
        pair[0].name = node->proto->output[0];
    }
    if (node->input_count == 1)
        clcnn_onnx_output_view(node, 0, &pair[0], &pair[0].view);
done:
    return status;
}

enum clcnn_status clcnn_onnx_sum(struct clcnn_onnx_node *node)
{
    return combine_all(node, CLCNN_FUNCTION_ADD, 1.0f);
}

enum clcnn_status clcnn_onnx_mean(struct clcnn_onnx_node *node)
{
    return combine_all(node, CLCNN_FUNCTION_ADD, 1.0f / (float)node->input_count);
}

enum clcnn_status clcnn_onnx_max(struct clcnn_onnx_node *node)
{
    return combine_all(node, CLCNN_FUNCTION_MAX, 1.0f);
}

enum clcnn_status clcnn_onnx_min(struct clcnn_onnx_node *node)
{
    return combine_all(node, CLCNN_FUNCTION_MIN, 1.0f);
}
