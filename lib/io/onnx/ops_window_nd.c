/* Windows that the 2-D layers cannot do: three dimensions, dilated pools, indices, transposed
 * convolution, Lp. */
#include "io/onnx/windows.h"
#include <math.h>
#include <string.h>

static enum clcnn_status take_window(const struct clcnn_onnx_windows *w,
                                     struct clcnn_window_nd *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    NODE_SUPPORTS(w->axes <= CLCNN_WINDOW_MAX_RANK, "it has %d spatial dimensions", w->axes);
    *out = (struct clcnn_window_nd){.rank = w->axes};
    for (int i = 0; i < w->axes; i++) {
        out->size[i] = w->size[i];
        out->strides[i] = w->stride[i];
        out->dilation[i] = w->dilation[i];
        out->before[i] = w->before[i];
        out->after[i] = w->pad_after[i];
    }
done:
    return status;
}

/* Output `output` is a layer of input 0 and others whose memory is [N][...][K], or as written. */
static enum clcnn_status add_layer(struct clcnn_onnx_node *node, struct clcnn_layer *layer,
                                   const struct clcnn_onnx_value *inputs, int count, int output,
                                   const struct clcnn_shape *shape, bool channels_last, int type)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const int *order = channels_last ? clcnn_onnx_channels_last(shape->rank) : NULL;
    int layers[3], index;
    struct clcnn_view views[3];
    layer->type = CLCNN_LAYER_TYPE_GENERAL;
    layer->class_name = node->op->type;
    layer->kernel = layer->bias = -1;
    layer->shape.rank = shape->rank;
    for (int i = 0; i < shape->rank; i++)
        layer->shape.dim[i] = shape->dim[order ? order[i] : i];
    for (int i = 0; i < count; i++) {
        layers[i] = inputs[i].layer;
        views[i] = inputs[i].view;
    }
    NODE_SUPPORTS(clcnn_shape_count(shape) > 0 && clcnn_shape_count(shape) <= INT32_MAX,
                  "a result of %s", clcnn_onnx_shape_words(shape).text);
    TRY(clcnn_onnx_add_layer(node, layer, layers, views, count, &index));
    clcnn_onnx_output_layer(node, output, index, shape, order, type);
done:
    return status;
}

/* A value that is a plain view of a layer; constants lie in `order` (NULL: as written). */
static enum clcnn_status take_operand(struct clcnn_onnx_node *node,
                                      const struct clcnn_onnx_value *from, const int *order,
                                      struct clcnn_onnx_value *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t stride = 1;
    *out = *from;
    TRY(clcnn_onnx_plain(node, out));
    if (out->layer >= 0)
        return status;
    TRY(clcnn_onnx_lay(node, from, order, &out->layer));
    out->view = (struct clcnn_view){.rank = from->shape.rank};
    for (int i = from->shape.rank - 1; i >= 0; i--) {
        int axis = order ? order[i] : i;
        out->view.size[axis] = from->shape.dim[axis];
        out->view.stride[axis] = stride;
        stride *= from->shape.dim[axis];
    }
done:
    return status;
}

/* ---- pooling --------------------------------------------------------------------------------- */

enum clcnn_status clcnn_onnx_pool_nd(struct clcnn_onnx_node *node,
                                     const struct clcnn_onnx_windows *w,
                                     const struct clcnn_pool_nd_params *params)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value x;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_POOL_ND, .u.pool_nd.params = *params};
    struct clcnn_shape shape = node->inputs[0].shape;
    TRY(take_window(w, &layer.u.pool_nd.params.window));
    for (int i = 0; i < w->axes; i++)
        shape.dim[2 + i] = w->output[i];
    TRY(take_operand(node, &node->inputs[0], NULL, &x));
    TRY(add_layer(node, &layer, &x, 1, 0, &shape, true, x.type));
    if (node->output_count > 1 && *node->proto->output[1]) {
        struct clcnn_layer places = layer;
        places.dtype = CLCNN_DTYPE_INT64;
        places.u.pool_nd.indices = true;
        TRY(add_layer(node, &places, &x, 1, 1, &shape, false, CLCNN_ONNX_INT64));
    }
done:
    return status;
}

enum clcnn_status clcnn_onnx_lp_pool(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_windows w;
    struct clcnn_pool_nd_params params = {.mode = CLCNN_POOL_ND_MODE_LP};
    params.p =
        node->opset < 2 ? clcnn_onnx_float(node, "p", 2.0f) : (float)clcnn_onnx_int(node, "p", 2);
    NODE_SUPPORTS(params.p > 0.0f && isfinite(params.p), "p is %g", (double)params.p);
    TRY(clcnn_onnx_read_windows(node, &node->inputs[0].shape, NULL, true, &w));
    TRY(clcnn_onnx_pool_nd(node, &w, &params));
done:
    return status;
}

enum clcnn_status clcnn_onnx_global_lp_pool(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_shape *x = &node->inputs[0].shape;
    struct clcnn_onnx_windows w = {.axes = x->rank - 2};
    struct clcnn_pool_nd_params params = {.mode = CLCNN_POOL_ND_MODE_LP};
    params.p =
        node->opset < 2 ? clcnn_onnx_float(node, "p", 2.0f) : (float)clcnn_onnx_int(node, "p", 2);
    NODE_REQUIRE(x->rank >= 3 && clcnn_shape_count(x) > 0, "its input is %s",
                 clcnn_onnx_shape_words(x).text);
    NODE_SUPPORTS(params.p > 0.0f && isfinite(params.p), "p is %g", (double)params.p);
    for (int i = 0; i < w.axes; i++) {
        w.input[i] = w.size[i] = x->dim[2 + i];
        w.stride[i] = w.dilation[i] = w.output[i] = 1;
    }
    TRY(clcnn_onnx_pool_nd(node, &w, &params));
done:
    return status;
}

/* ---- unpooling ------------------------------------------------------------------------------- */

enum clcnn_status clcnn_onnx_max_unpool(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value operands[2];
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_UNPOOL};
    const struct clcnn_shape *x = &node->inputs[0].shape;
    struct clcnn_shape shape = *x, wanted = {0};
    size_t sizes, strides, pads;
    const int64_t *size = clcnn_onnx_ints(node, "kernel_shape", &sizes), *given;
    const int64_t *stride = clcnn_onnx_ints(node, "strides", &strides);
    const int64_t *pad = clcnn_onnx_ints(node, "pads", &pads);
    size_t axes = (size_t)x->rank - 2;
    int64_t count;
    NODE_REQUIRE(x->rank >= 3 && clcnn_onnx_same_shape(x, &node->inputs[1].shape) &&
                     node->inputs[1].type == CLCNN_ONNX_INT64,
                 "its input %s and its indices %s differ", clcnn_onnx_shape_words(x).text,
                 clcnn_onnx_shape_words(&node->inputs[1].shape).text);
    NODE_REQUIRE(size && sizes == axes && (!stride || strides == axes) &&
                     (!pad || pads == 2 * axes),
                 "'kernel_shape', 'strides' or 'pads' is missing or of another length");
    for (size_t i = 0; i < axes; i++)
        shape.dim[2 + i] = (x->dim[2 + i] - 1) * (stride ? stride[i] : 1) + size[i] -
                           (pad ? pad[i] + pad[axes + i] : 0);
    if (clcnn_onnx_given(node, 2)) {
        TRY(clcnn_onnx_need_integers(node, 2, "output_shape", &given, &count));
        NODE_REQUIRE(count == x->rank, "'output_shape' has %lld elements", (long long)count);
        wanted = shape; /* the indices are those of the shape without it */
        memcpy(wanted.dim, given, (size_t)count * sizeof(*given));
        NODE_REQUIRE(clcnn_shape_count(&wanted) >= 0 && wanted.dim[0] == shape.dim[0] &&
                         wanted.dim[1] == shape.dim[1],
                     "a result of %s", clcnn_onnx_shape_words(&wanted).text);
    }
    NODE_REQUIRE(clcnn_shape_count(&shape) >= 0, "a result of %s",
                 clcnn_onnx_shape_words(&shape).text);
    for (int i = 0; i < 2; i++)
        TRY(take_operand(node, &node->inputs[i], NULL, &operands[i]));
    TRY(add_layer(node, &layer, operands, 2, 0, &shape, false, node->inputs[0].type));
    if (wanted.rank)
        TRY(clcnn_onnx_fit(node, &wanted));
done:
    return status;
}

/* ---- convolution ----------------------------------------------------------------------------- */

/* Filters next to each other in memory, which is fastest. */
static enum clcnn_status add_conv(struct clcnn_onnx_node *node, struct clcnn_layer *layer,
                                  const struct clcnn_shape *shape)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value operands[3];
    int rank = shape->rank, count = 2, order[CLCNN_MAX_RANK], filters;
    filters = layer->u.conv_nd.transposed ? 1 : 0;
    for (int i = 0, at = 0; i < rank; i++)
        if (i != filters)
            order[at++] = i;
    order[rank - 1] = filters;
    for (int i = 0; i < 2; i++) {
        NODE_SUPPORTS(clcnn_onnx_is_float(node->inputs[i].type), "a convolution of %s",
                      clcnn_onnx_type_name(node->inputs[i].type));
        clcnn_onnx_known(node->import, &node->inputs[1]);
        TRY(take_operand(node, &node->inputs[i], i ? order : NULL, &operands[i]));
    }
    if (clcnn_onnx_given(node, 2)) {
        clcnn_onnx_known(node->import, &node->inputs[2]);
        NODE_REQUIRE(clcnn_onnx_count(&node->inputs[2]) == shape->dim[1] &&
                         node->inputs[2].shape.rank == 1,
                     "its bias is %s", clcnn_onnx_shape_words(&node->inputs[2].shape).text);
        TRY(take_operand(node, &node->inputs[2], NULL, &operands[count++]));
    }
    TRY(add_layer(node, layer, operands, count, 0, shape, true, node->inputs[0].type));
done:
    return status;
}

enum clcnn_status clcnn_onnx_conv_nd(struct clcnn_onnx_node *node,
                                     const struct clcnn_onnx_windows *w, int64_t groups)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_CONV_ND, .u.conv_nd.groups = (int)groups};
    struct clcnn_shape shape = node->inputs[0].shape;
    TRY(take_window(w, &layer.u.conv_nd.window));
    shape.dim[1] = node->inputs[1].shape.dim[0];
    for (int i = 0; i < w->axes; i++)
        shape.dim[2 + i] = w->output[i];
    TRY(add_conv(node, &layer, &shape));
done:
    return status;
}

/* ---- transposed ------------------------------------------------------------------------------ */

/* The output's size along an axis, and the padding that output_shape or auto_pad imply. */
static enum clcnn_status place_axis(struct clcnn_onnx_windows *w, int i, int64_t more,
                                    int64_t wanted, bool upper)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t full = w->stride[i] * (w->input[i] - 1) + more + (w->size[i] - 1) * w->dilation[i] + 1;
    if (wanted > 0) {
        int64_t total = clcnn_max(full - wanted, 0);
        w->before[i] = upper ? total / 2 : total - total / 2;
        w->after[i] = total - w->before[i];
        w->output[i] = wanted;
    } else {
        w->output[i] = full - w->before[i] - w->after[i];
    }
    NODE_REQUIRE(w->output[i] >= 1 && w->output[i] <= INT32_MAX, "a result of %lld along axis %d",
                 (long long)w->output[i], 2 + i);
done:
    return status;
}

static enum clcnn_status check_transposed(const struct clcnn_shape *x, const struct clcnn_shape *w,
                                          int64_t groups)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    NODE_REQUIRE(x->rank >= 3 && x->rank == w->rank && groups >= 1 && groups <= INT32_MAX &&
                     x->dim[1] == w->dim[0] && x->dim[1] % groups == 0 &&
                     clcnn_shape_count(x) > 0 && clcnn_shape_count(w) > 0,
                 "its input %s and its filter %s do not fit in %lld groups",
                 clcnn_onnx_shape_words(x).text, clcnn_onnx_shape_words(w).text, (long long)groups);
done:
    return status;
}

enum clcnn_status clcnn_onnx_conv_transpose(struct clcnn_onnx_node *node)
{
    static const char *const paddings[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_shape *x = &node->inputs[0].shape, *filter = &node->inputs[1].shape;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_CONV_ND, .u.conv_nd.transposed = true};
    struct clcnn_onnx_windows w;
    struct clcnn_shape shape = *x;
    size_t shapes, mores;
    int64_t groups = clcnn_onnx_int(node, "group", 1);
    const int64_t *wanted = clcnn_onnx_ints(node, "output_shape", &shapes);
    const int64_t *more = clcnn_onnx_ints(node, "output_padding", &mores);
    int padding = clcnn_onnx_word(node, "auto_pad", paddings);
    TRY(check_transposed(x, filter, groups));
    TRY(clcnn_onnx_read_window_lists(node, x, &filter->dim[2], &w));
    size_t axes = (size_t)w.axes;
    NODE_REQUIRE(padding >= 0 && (!more || mores == axes) &&
                     (!wanted || shapes == axes || shapes == axes + 2),
                 "'auto_pad', 'output_padding' or 'output_shape' is none");
    for (int i = 0; i < w.axes; i++) {
        int64_t size = wanted                         ? wanted[shapes - axes + (size_t)i]
                       : padding == 1 || padding == 2 ? w.input[i] * w.stride[i]
                                                      : 0;
        NODE_REQUIRE(!more || (more[i] >= 0 && more[i] <= INT32_MAX), "'output_padding' is %lld",
                     more ? (long long)more[i] : 0LL);
        TRY(place_axis(&w, i, more ? more[i] : 0, size, padding == 1));
        shape.dim[2 + i] = w.output[i];
    }
    TRY(take_window(&w, &layer.u.conv_nd.window));
    layer.u.conv_nd.groups = (int)groups;
    shape.dim[1] = filter->dim[1] * groups;
    TRY(add_conv(node, &layer, &shape));
done:
    return status;
}
