/* Matrix products with a constant: dense layers. */
#include "io/onnx/import.h"
#include <math.h>
#include <stdlib.h>

/* y[rows][N] = alpha x[rows][K] . b[K][N] (+ bias[N]). */
struct product {
    struct clcnn_onnx_value x, b; /* b: of shape (K, N), known */
    float alpha;
    const float *bias; /* bias_count elements, 1 or N; NULL = none */
    int64_t bias_count;
    float beta;
    struct clcnn_shape shape; /* of y */
};

/* Where in memory the features lie that x numbers 0 .. K - 1: a row of a value that was reshaped
 * may lie in another order (channels last), and then the weights are reordered instead. */
static enum clcnn_status place_features(const struct product *p, int64_t rows, int64_t features,
                                        int64_t **places, bool *direct)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_view *view = &p->x.view;
    int order[CLCNN_MAX_RANK];
    int64_t index[CLCNN_MAX_RANK] = {0}, at = 0;
    clcnn_onnx_memory_order(view, order);
    *direct = false;
    bool by_row = view->rank >= 1 && order[0] == 0 && view->size[0] == rows &&
                  clcnn_onnx_lies(view, order, rows * features);
    if (!by_row || p->x.layer < 0)
        return status;
    TRY(clcnn_alloc((size_t)features, sizeof(**places), places));
    for (int64_t f = 0; f < features; f++) {
        (*places)[f] = at;
        for (int i = view->rank - 1; i >= 1; i--) {
            at += view->stride[i];
            if (++index[i] < view->size[i])
                break;
            at -= index[i] * view->stride[i];
            index[i] = 0;
        }
    }
    *direct = true;
done:
    return status;
}

static enum clcnn_status add_weights(struct clcnn_onnx_node *node, const struct product *p,
                                     const int64_t *places, struct clcnn_layer *layer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *kernel = NULL, *bias = NULL;
    int64_t features = p->b.shape.dim[0], units = p->b.shape.dim[1];
    struct clcnn_shape kernel_shape = {2, {units, features}}, bias_shape = {1, {units}};
    struct clcnn_onnx_value by_unit = p->b;
    static const int axes[] = {1, 0};
    const float *from;
    by_unit.shape = kernel_shape;
    TRY(clcnn_view_permute(&p->b.view, axes, &by_unit.view));
    TRY(clcnn_onnx_floats(node->import, &by_unit, &from));
    TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &kernel_shape, &kernel));
    float *to = clcnn_tensor_data(kernel);
    for (int64_t u = 0; u < units; u++)
        for (int64_t f = 0; f < features; f++)
            to[u * features + (places ? places[f] : f)] = p->alpha * from[u * features + f];
    TRY(clcnn_onnx_add_weight(node, "kernel", &kernel, &layer->kernel));
    if (p->bias) {
        TRY(clcnn_onnx_new_tensor(node->import, CLCNN_DTYPE_FLOAT32, &bias_shape, &bias));
        for (int64_t u = 0; u < units; u++)
            ((float *)clcnn_tensor_data(bias))[u] = p->beta * p->bias[p->bias_count > 1 ? u : 0];
        TRY(clcnn_onnx_add_weight(node, "bias", &bias, &layer->bias));
    }
done:
    clcnn_tensor_destroy(&kernel);
    clcnn_tensor_destroy(&bias);
    return status;
}

static enum clcnn_status add_dense(struct clcnn_onnx_node *node, const struct product *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t features = p->b.shape.dim[0], units = p->b.shape.dim[1], *places = NULL;
    bool direct;
    int input = p->x.layer, index;
    struct clcnn_layer layer = {
        .kind = CLCNN_LAYER_DENSE,
        .type = CLCNN_LAYER_TYPE_DENSE,
        .shape = p->shape,
        .kernel = -1,
        .bias = -1,
        .u.dense = {.features = (int)features, .units = (int)units},
    };
    NODE_SUPPORTS(features > 0 && units > 0 && features <= INT32_MAX && units <= INT32_MAX &&
                      clcnn_shape_count(&p->shape) > 0,
                  "a product with %lld x %lld weights", (long long)features, (long long)units);
    int64_t rows = clcnn_shape_count(&p->shape) / units;
    TRY(place_features(p, rows, features, &places, &direct));
    direct =
        direct && clcnn_shape_count(&node->import->model->layers[input].shape) == rows * features;
    if (!direct)
        TRY(clcnn_onnx_lay(node, &p->x, NULL, &input));
    TRY(add_weights(node, p, direct ? places : NULL, &layer));
    TRY(clcnn_onnx_add_layer(node, &layer, &input, NULL, 1, &index));
    clcnn_onnx_output_layer(node, 0, index, &p->shape, NULL, p->x.type);
done:
    free(places);
    return status;
}

static enum clcnn_status transpose(struct clcnn_onnx_node *node, struct clcnn_onnx_value *value)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_onnx_plain(node, value));
    TRY(clcnn_view_permute(&value->view, NULL, &value->view));
    value->shape = clcnn_onnx_shape_of_view(&value->view);
done:
    return status;
}

/* A bias that is the same in every row goes into the layer. */
static enum clcnn_status take_bias(struct clcnn_onnx_node *node, struct product *p, bool *added)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *c = &node->inputs[2];
    *added = true;
    if (!clcnn_onnx_given(node, 2) || p->beta == 0.0f)
        return status;
    int64_t count = clcnn_onnx_count(c), units = p->b.shape.dim[1];
    int rank = c->shape.rank;
    bool row = rank == 0 || count == 1 || (count == units && c->shape.dim[rank - 1] == units);
    *added = row && clcnn_onnx_known(node->import, c);
    if (*added)
        TRY(clcnn_onnx_need_floats(node, 2, "C", &p->bias, &p->bias_count));
done:
    return status;
}

/* Output 0 += beta C, for the C that take_bias left. */
static enum clcnn_status add_matrix(struct clcnn_onnx_node *node, float beta)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value pair[] = {node->outputs[0], node->inputs[2]};
    struct clcnn_map_params map = {.function = CLCNN_FUNCTION_LINEAR, .alpha = beta};
    struct clcnn_shape shapes[] = {pair[0].shape, pair[1].shape}, shape;
    NODE_REQUIRE(clcnn_shape_broadcast(shapes, 2, &shape) == CLCNN_STATUS_OK &&
                     clcnn_onnx_same_shape(&shape, &shapes[0]),
                 "C %s does not broadcast to %s", clcnn_onnx_shape_words(&shapes[1]).text,
                 clcnn_onnx_shape_words(&shapes[0]).text);
    if (beta != 1.0f) {
        TRY(clcnn_onnx_map(node, &map, &pair[1], 1, pair[1].type));
        pair[1] = node->outputs[0];
    }
    map = (struct clcnn_map_params){.function = CLCNN_FUNCTION_ADD};
    TRY(clcnn_onnx_map(node, &map, pair, 2, pair[0].type));
done:
    return status;
}

/* A vector is a matrix of one row (the first operand) or one column (the second). */
static enum clcnn_status as_matrix(struct clcnn_onnx_node *node, struct clcnn_onnx_value *value,
                                   bool column)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    NODE_REQUIRE(value->shape.rank >= 1, "an operand is a scalar");
    if (value->shape.rank > 1)
        return status;
    struct clcnn_shape shape = {2, {1, 1}};
    TRY(clcnn_onnx_plain(node, value));
    shape.dim[column ? 0 : 1] = value->shape.dim[0];
    TRY(clcnn_view_reshape(&value->view, &shape, &value->view));
    value->shape = shape;
done:
    return status;
}

/* The shape of the product of matrices in the last two dimensions. */
static enum clcnn_status product_shape(const struct clcnn_shape *a, const struct clcnn_shape *b,
                                       struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_shape before[2] = {*a, *b};
    before[0].rank -= 2;
    before[1].rank -= 2;
    NODE_REQUIRE(a->dim[a->rank - 1] == b->dim[b->rank - 2] &&
                     clcnn_shape_broadcast(before, 2, shape) == CLCNN_STATUS_OK,
                 "%s and %s do not fit", clcnn_onnx_shape_words(a).text,
                 clcnn_onnx_shape_words(b).text);
    shape->dim[shape->rank++] = a->dim[a->rank - 2];
    shape->dim[shape->rank++] = b->dim[b->rank - 1];
done:
    return status;
}

static enum clcnn_status take_matrices(struct clcnn_onnx_node *node,
                                       const struct clcnn_onnx_value *value,
                                       const struct clcnn_shape *shape, int *layer,
                                       struct clcnn_view *view)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_shape whole = *shape;
    TRY(clcnn_onnx_lay(node, value, NULL, layer));
    TRY(clcnn_view_dense(&value->shape, view));
    for (int i = 1; i <= 2; i++)
        whole.dim[whole.rank - i] = value->shape.dim[value->shape.rank - i];
    TRY(clcnn_view_broadcast(view, &whole, view));
done:
    return status;
}

static enum clcnn_status add_matmul(struct clcnn_onnx_node *node, const struct clcnn_onnx_value *a,
                                    const struct clcnn_onnx_value *b)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int inputs[2], index;
    struct clcnn_view views[2];
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_MATMUL,
                                .type = CLCNN_LAYER_TYPE_GENERAL,
                                .class_name = node->op->type,
                                .kernel = -1,
                                .bias = -1};
    TRY(product_shape(&a->shape, &b->shape, &layer.shape));
    NODE_SUPPORTS(clcnn_shape_count(&layer.shape) > 0 && clcnn_onnx_count(a) > 0,
                  "a product of nothing");
    TRY(take_matrices(node, a, &layer.shape, &inputs[0], &views[0]));
    TRY(take_matrices(node, b, &layer.shape, &inputs[1], &views[1]));
    TRY(clcnn_onnx_add_layer(node, &layer, inputs, views, 2, &index));
    clcnn_onnx_output_layer(node, 0, index, &layer.shape, NULL, a->type);
done:
    return status;
}

enum clcnn_status clcnn_onnx_matmul(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value a = node->inputs[0], b = node->inputs[1];
    struct product p = {.alpha = 1.0f};
    bool row = a.shape.rank == 1, column = b.shape.rank == 1;
    NODE_SUPPORTS(clcnn_onnx_is_float(a.type) && a.type == b.type, "a product of %s and %s",
                  clcnn_onnx_type_name(a.type), clcnn_onnx_type_name(b.type));
    TRY(as_matrix(node, &a, false));
    TRY(as_matrix(node, &b, true));
    TRY(product_shape(&a.shape, &b.shape, &p.shape));
    if (b.shape.rank == 2 && b.layer < 0 && a.shape.rank >= 2) {
        p.x = a;
        p.b = b;
        TRY(add_dense(node, &p));
    } else {
        TRY(add_matmul(node, &a, &b));
    }
    struct clcnn_shape shape = {0};
    for (int i = 0; i < p.shape.rank; i++)
        if (!(row && i == p.shape.rank - 2) && !(column && i == p.shape.rank - 1))
            shape.dim[shape.rank++] = p.shape.dim[i];
    TRY(clcnn_view_reshape(&node->outputs[0].view, &shape, &node->outputs[0].view));
    node->outputs[0].shape = shape;
done:
    return status;
}

/* alpha A B + beta C where B is no constant. */
static enum clcnn_status multiply_at_run_time(struct clcnn_onnx_node *node, const struct product *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_map_params map = {.function = CLCNN_FUNCTION_LINEAR, .alpha = p->alpha};
    TRY(add_matmul(node, &p->x, &p->b));
    if (p->alpha != 1.0f) {
        struct clcnn_onnx_value y = node->outputs[0];
        TRY(clcnn_onnx_map(node, &map, &y, 1, y.type));
    }
    if (clcnn_onnx_given(node, 2) && p->beta != 0.0f)
        TRY(add_matrix(node, p->beta));
done:
    return status;
}

enum clcnn_status clcnn_onnx_gemm(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct product p = {.x = node->inputs[0],
                        .alpha = clcnn_onnx_float(node, "alpha", 1.0f),
                        .beta = clcnn_onnx_float(node, "beta", 1.0f)};
    bool added;
    NODE_REQUIRE(p.x.shape.rank == 2 && node->inputs[1].shape.rank == 2,
                 "A %s or B %s is not a matrix", clcnn_onnx_shape_words(&p.x.shape).text,
                 clcnn_onnx_shape_words(&node->inputs[1].shape).text);
    NODE_SUPPORTS(clcnn_onnx_is_float(p.x.type), "a product of %s", clcnn_onnx_type_name(p.x.type));
    clcnn_onnx_known(node->import, &node->inputs[1]);
    p.b = node->inputs[1];
    if (clcnn_onnx_int(node, "transA", 0))
        TRY(transpose(node, &p.x));
    TRY(clcnn_onnx_plain(node, &p.b));
    if (clcnn_onnx_int(node, "transB", 0))
        TRY(transpose(node, &p.b));
    NODE_REQUIRE(p.x.shape.dim[1] == p.b.shape.dim[0], "A %s and B %s do not fit",
                 clcnn_onnx_shape_words(&p.x.shape).text, clcnn_onnx_shape_words(&p.b.shape).text);
    p.shape = (struct clcnn_shape){2, {p.x.shape.dim[0], p.b.shape.dim[1]}};
    if (p.b.layer >= 0)
        return multiply_at_run_time(node, &p);
    TRY(take_bias(node, &p, &added));
    TRY(add_dense(node, &p));
    if (!added)
        TRY(add_matrix(node, p.beta));
done:
    return status;
}
