#include "io/onnx/windows.h"

static enum clcnn_status take_list(struct clcnn_onnx_node *node, const char *name, size_t wanted,
                                   int64_t least, int64_t fallback, int64_t *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t count;
    const int64_t *list = clcnn_onnx_ints(node, name, &count);
    NODE_REQUIRE(!list || count == wanted, "'%s' has %zu elements, %zu are needed", name, count,
                 wanted);
    for (size_t i = 0; i < wanted; i++) {
        out[i] = list ? list[i] : fallback;
        NODE_REQUIRE(out[i] >= least && out[i] <= INT32_MAX, "'%s' has the element %lld", name,
                     (long long)out[i]);
    }
done:
    return status;
}

enum padding { NOTSET, SAME_UPPER, SAME_LOWER, VALID };

static void resolve_same(struct clcnn_onnx_windows *w, int i, int64_t span, bool lower)
{
    w->output[i] = clcnn_divide_up(w->input[i], w->stride[i]);
    int64_t total = clcnn_max((w->output[i] - 1) * w->stride[i] + span - w->input[i], 0);
    w->before[i] = lower ? total - total / 2 : total / 2;
    w->after[i] = total - w->before[i];
}

/* The last window begins within the input or the padding before it. */
static void resolve_ceiled(struct clcnn_onnx_windows *w, int i, int64_t span)
{
    int64_t padded = w->input[i] + w->before[i] + w->after[i];
    w->output[i] = clcnn_divide_up(padded - span, w->stride[i]) + 1;
    if ((w->output[i] - 1) * w->stride[i] >= w->input[i] + w->before[i])
        w->output[i]--;
    int64_t after = (w->output[i] - 1) * w->stride[i] + span - w->input[i] - w->before[i];
    w->ceiled = w->ceiled || after > w->after[i];
    w->after[i] = clcnn_max(after, w->after[i]);
}

static enum clcnn_status resolve(struct clcnn_onnx_windows *w, int i, enum padding padding,
                                 bool ceiled)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t span = (w->size[i] - 1) * w->dilation[i] + 1;
    if (padding == SAME_UPPER || padding == SAME_LOWER) {
        resolve_same(w, i, span, padding == SAME_LOWER);
        w->pad_after[i] = w->after[i];
        return status;
    }
    if (padding == VALID)
        w->before[i] = w->after[i] = 0;
    int64_t padded = w->input[i] + w->before[i] + w->after[i];
    NODE_REQUIRE(span <= padded && padded <= INT32_MAX,
                 "a window that spans %lld does not fit %lld elements padded by %lld and %lld",
                 (long long)span, (long long)w->input[i], (long long)w->before[i],
                 (long long)w->after[i]);
    w->pad_after[i] = w->after[i];
    if (ceiled)
        resolve_ceiled(w, i, span);
    else
        w->output[i] = (padded - span) / w->stride[i] + 1;
done:
    return status;
}

enum clcnn_status clcnn_onnx_read_window_lists(struct clcnn_onnx_node *node,
                                               const struct clcnn_shape *input,
                                               const int64_t *filter, struct clcnn_onnx_windows *w)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t pads[2 * CLCNN_ONNX_MAX_AXES];
    *w = (struct clcnn_onnx_windows){.axes = input->rank - 2};
    NODE_REQUIRE(input->rank >= 3, "its input %s has no spatial dimension",
                 clcnn_onnx_shape_words(input).text);
    size_t axes = (size_t)w->axes;
    NODE_REQUIRE(filter || clcnn_onnx_has_attribute(node, "kernel_shape"),
                 "'kernel_shape' is missing");
    TRY(take_list(node, "kernel_shape", axes, 1, 1, w->size));
    for (int i = 0; filter && i < w->axes; i++) {
        NODE_REQUIRE(!clcnn_onnx_has_attribute(node, "kernel_shape") || w->size[i] == filter[i],
                     "'kernel_shape' has %lld, the filter is %lld wide", (long long)w->size[i],
                     (long long)filter[i]);
        w->size[i] = filter[i];
        NODE_REQUIRE(filter[i] >= 1 && filter[i] <= INT32_MAX, "a filter of %lld",
                     (long long)filter[i]);
    }
    TRY(take_list(node, "strides", axes, 1, 1, w->stride));
    TRY(take_list(node, "dilations", axes, 1, 1, w->dilation));
    TRY(take_list(node, "pads", 2 * axes, 0, 0, pads));
    for (int i = 0; i < w->axes; i++) {
        w->input[i] = input->dim[2 + i];
        w->before[i] = pads[i];
        w->after[i] = pads[w->axes + i];
        NODE_REQUIRE(w->input[i] >= 1 && w->input[i] <= INT32_MAX, "spatial size %lld",
                     (long long)w->input[i]);
        NODE_REQUIRE(w->dilation[i] <= INT32_MAX / w->size[i], "dilation %lld of a window of %lld",
                     (long long)w->dilation[i], (long long)w->size[i]);
    }
done:
    return status;
}

enum clcnn_status clcnn_onnx_read_windows(struct clcnn_onnx_node *node,
                                          const struct clcnn_shape *input, const int64_t *filter,
                                          bool pooling, struct clcnn_onnx_windows *w)
{
    static const char *const paddings[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_onnx_read_window_lists(node, input, filter, w));
    int padding = clcnn_onnx_word(node, "auto_pad", paddings);
    NODE_REQUIRE(padding >= 0, "'auto_pad' is an unknown word");
    bool ceiled = pooling && clcnn_onnx_int(node, "ceil_mode", 0) != 0;
    for (int i = 0; i < w->axes; i++)
        TRY(resolve(w, i, (enum padding)padding, ceiled));
done:
    return status;
}

enum clcnn_status clcnn_onnx_windows_2d(const struct clcnn_onnx_windows *w,
                                        struct clcnn_onnx_windows2d *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int shift = 2 - w->axes;
    NODE_SUPPORTS(w->axes <= 2, "it has %d spatial dimensions", w->axes);
    *out = (struct clcnn_onnx_windows2d){
        .input = {1, 1}, .size = {1, 1}, .strides = {1, 1}, .dilation = {1, 1}, .output = {1, 1}};
    for (int i = 0; i < w->axes; i++) {
        out->input[shift + i] = (int)w->input[i];
        out->size[shift + i] = (int)w->size[i];
        out->strides[shift + i] = (int)w->stride[i];
        out->dilation[shift + i] = (int)w->dilation[i];
        out->pads[shift + i] = (int)w->before[i];
        out->pads[2 + shift + i] = (int)w->after[i];
        out->output[shift + i] = (int)w->output[i];
    }
done:
    return status;
}

enum clcnn_status clcnn_onnx_lay_image(struct clcnn_onnx_node *node,
                                       const struct clcnn_onnx_value *value, int *layer)
{
    return clcnn_onnx_lay(node, value, clcnn_onnx_channels_last(value->shape.rank), layer);
}

void clcnn_onnx_output_image(struct clcnn_onnx_node *node, int layer, int rank, int type)
{
    const struct clcnn_shape *made = &node->import->model->layers[layer].shape;
    struct clcnn_shape shape = {.rank = rank, .dim = {made->dim[0], made->dim[3]}};
    for (int i = 2; i < rank; i++)
        shape.dim[i] = made->dim[4 - rank + i - 1];
    clcnn_onnx_output_layer(node, 0, layer, &shape, clcnn_onnx_channels_last(rank), type);
}
