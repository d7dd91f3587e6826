/* Resize, and Upsample before it. */
#include "io/onnx/import.h"
#include <math.h>
#include <string.h>

struct resizing {
    struct clcnn_resize_params params; /* by the file's axes */
};

/* ---- parameters ------------------------------------------------------------------------------ */

static enum clcnn_status set_scale(struct resizing *r, int axis, double scale)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    double size = floor((double)r->params.input.dim[axis] * scale);
    NODE_REQUIRE(scale > 0.0 && size >= 1.0 && size <= (double)INT32_MAX,
                 "axis %d of %lld is scaled by %g", axis, (long long)r->params.input.dim[axis],
                 scale);
    r->params.output.dim[axis] = (int64_t)size;
    r->params.scale[axis] = scale;
done:
    return status;
}

/* With keep_aspect_ratio_policy all axes get the smallest, or the largest, of the scales. */
static enum clcnn_status set_sizes(struct clcnn_onnx_node *node, struct resizing *r,
                                   const int64_t *sizes, const int *axes, int count)
{
    static const char *const words[] = {"stretch", "not_larger", "not_smaller", NULL};
    enum clcnn_status status = CLCNN_STATUS_OK;
    int policy = clcnn_onnx_word(node, "keep_aspect_ratio_policy", words);
    double common = 0.0;
    NODE_REQUIRE(policy >= 0, "'keep_aspect_ratio_policy' is an unknown word");
    for (int i = 0; i < count; i++) {
        double scale = (double)sizes[i] / (double)r->params.input.dim[axes[i]];
        NODE_REQUIRE(sizes[i] >= 1 && sizes[i] <= INT32_MAX, "a size of %lld", (long long)sizes[i]);
        r->params.output.dim[axes[i]] = sizes[i];
        if (i == 0 || (policy == 1 ? scale < common : scale > common))
            common = scale;
    }
    for (int i = 0; policy > 0 && i < count; i++) {
        double size = (double)r->params.input.dim[axes[i]] * common;
        r->params.output.dim[axes[i]] = (int64_t)clcnn_max((int64_t)floor(size + 0.5), 1);
        r->params.scale[axes[i]] = common;
    }
done:
    return status;
}

static enum clcnn_status take_axes(struct clcnn_onnx_node *node, int axes[CLCNN_MAX_RANK],
                                   int *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t listed;
    const int64_t *list = node->opset >= 18 ? clcnn_onnx_ints(node, "axes", &listed) : NULL;
    int rank = node->inputs[0].shape.rank;
    *count = list ? (int)clcnn_min((int64_t)listed, CLCNN_MAX_RANK + 1) : rank;
    NODE_REQUIRE(*count <= rank, "more axes than the input has");
    for (int i = 0; i < *count; i++) {
        axes[i] = i;
        if (list)
            TRY(clcnn_onnx_axis(list[i], rank, &axes[i]));
    }
done:
    return status;
}

static enum clcnn_status take_region(struct clcnn_onnx_node *node, struct resizing *r,
                                     const int *axes, int count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const float *roi;
    int64_t length;
    for (int i = 0; i < CLCNN_MAX_RANK; i++)
        r->params.end[i] = 1.0;
    if (r->params.place != CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE)
        return status;
    TRY(clcnn_onnx_need_floats(node, 1, "roi", &roi, &length));
    NODE_REQUIRE(length == 2 * count, "'roi' has %lld elements for %d axes", (long long)length,
                 count);
    for (int i = 0; i < count; i++) {
        r->params.start[axes[i]] = (double)roi[i];
        r->params.end[axes[i]] = (double)roi[count + i];
    }
done:
    return status;
}

static bool is_empty(const struct clcnn_onnx_node *node, int input)
{
    return !clcnn_onnx_given(node, input) || clcnn_onnx_count(&node->inputs[input]) == 0;
}

static enum clcnn_status take_scales(struct clcnn_onnx_node *node, struct resizing *r, int input,
                                     const int *axes, int count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const float *scales;
    int64_t length;
    TRY(clcnn_onnx_need_floats(node, input, "scales", &scales, &length));
    NODE_REQUIRE(length == count, "'scales' has %lld elements for %d axes", (long long)length,
                 count);
    for (int i = 0; i < count; i++)
        TRY(set_scale(r, axes[i], (double)scales[i]));
done:
    return status;
}

static enum clcnn_status take_words(struct clcnn_onnx_node *node, struct resizing *r)
{
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const places[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize", NULL};
    static const char *const rounds[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil",
                                         NULL};
    enum clcnn_status status = CLCNN_STATUS_OK;
    int mode = clcnn_onnx_word(node, "mode", modes);
    int place = clcnn_onnx_word(node, "coordinate_transformation_mode", places);
    int round = clcnn_onnx_word(node, "nearest_mode", rounds);
    NODE_SUPPORTS(mode >= 0 && place >= 0 && round >= 0, "a mode with another name");
    NODE_SUPPORTS(!clcnn_onnx_int(node, "antialias", 0), "antialias");
    r->params.mode = (enum clcnn_resize_mode)mode;
    r->params.place = (enum clcnn_resize_place)place;
    r->params.round = (enum clcnn_resize_round)round;
    r->params.extrapolation = clcnn_onnx_float(node, "extrapolation_value", 0.0f);
    r->params.cubic_a = (double)clcnn_onnx_float(node, "cubic_coeff_a", -0.75f);
    r->params.exclude_outside = clcnn_onnx_int(node, "exclude_outside", 0) != 0;
done:
    return status;
}

/* ---- the layer ------------------------------------------------------------------------------- */

static enum clcnn_status add_resize(struct clcnn_onnx_node *node, const struct resizing *r)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value x = node->inputs[0];
    const struct clcnn_resize_params *p = &r->params;
    int order[CLCNN_MAX_RANK], index;
    struct clcnn_view view;
    struct clcnn_layer layer = {.kind = CLCNN_LAYER_RESIZE,
                                .type = CLCNN_LAYER_TYPE_GENERAL,
                                .class_name = node->op->type,
                                .shape = {.rank = x.shape.rank},
                                .kernel = -1,
                                .bias = -1,
                                .u.resize = *p};
    TRY(clcnn_onnx_plain(node, &x));
    if (x.layer < 0) {
        TRY(clcnn_onnx_lay(node, &x, NULL, &x.layer));
        TRY(clcnn_view_dense(&x.shape, &x.view));
    }
    clcnn_onnx_memory_order(&x.view, order);
    for (int i = 0; i < x.shape.rank; i++) {
        int axis = order[i];
        layer.shape.dim[i] = layer.u.resize.output.dim[i] = p->output.dim[axis];
        layer.u.resize.input.dim[i] = p->input.dim[axis];
        layer.u.resize.scale[i] = p->scale[axis];
        layer.u.resize.start[i] = p->start[axis];
        layer.u.resize.end[i] = p->end[axis];
    }
    TRY(clcnn_view_permute(&x.view, order, &view));
    TRY(clcnn_onnx_add_layer(node, &layer, &x.layer, &view, 1, &index));
    clcnn_onnx_output_layer(node, 0, index, &p->output, order, x.type);
done:
    return status;
}

/* With given scales ONNX aligns the corners of n s elements, before that is rounded to a size: the
 * places o (n - 1) / (n s - 1) are those of an asymmetric scale. */
static void align_to_scales(struct clcnn_resize_params *p)
{
    if (p->place != CLCNN_RESIZE_PLACE_ALIGN_CORNERS)
        return;
    p->place = CLCNN_RESIZE_PLACE_ASYMMETRIC;
    for (int i = 0; i < p->input.rank; i++) {
        double size = (double)p->input.dim[i], last = size * p->scale[i] - 1.0;
        if (size > 1.0 && last > 0.0)
            p->scale[i] = last / (size - 1.0);
    }
}

static enum clcnn_status begin(struct clcnn_onnx_node *node, struct resizing *r)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_onnx_value *x = &node->inputs[0];
    NODE_SUPPORTS(clcnn_onnx_is_float(x->type) && clcnn_onnx_count(x) > 0 && x->shape.rank > 0,
                  "it needs floats, and some");
    *r = (struct resizing){.params = {.input = x->shape, .output = x->shape}};
done:
    return status;
}

/* Before opset 11: asymmetric, and the nearest below. */
static enum clcnn_status resize_simply(struct clcnn_onnx_node *node, bool by_attribute)
{
    static const char *const modes[] = {"nearest", "linear", NULL};
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct resizing r;
    int axes[CLCNN_MAX_RANK], count;
    TRY(begin(node, &r));
    int mode = clcnn_onnx_word(node, "mode", modes);
    NODE_SUPPORTS(mode >= 0, "a mode with another name");
    r.params.mode = (enum clcnn_resize_mode)mode;
    r.params.place = CLCNN_RESIZE_PLACE_ASYMMETRIC;
    r.params.round = CLCNN_RESIZE_ROUND_FLOOR;
    TRY(take_axes(node, axes, &count));
    TRY(take_region(node, &r, axes, count));
    if (by_attribute) {
        const Clcnn__AttributeProto *a = clcnn_onnx_attribute(node, "scales");
        NODE_REQUIRE(a && a->n_floats == (size_t)count, "'scales' is missing or of another length");
        for (int i = 0; i < count; i++)
            TRY(set_scale(&r, i, (double)a->floats[i]));
    } else {
        TRY(take_scales(node, &r, 1, axes, count));
    }
    TRY(add_resize(node, &r));
done:
    return status;
}

enum clcnn_status clcnn_onnx_upsample(struct clcnn_onnx_node *node)
{
    return resize_simply(node, node->opset < 9);
}

enum clcnn_status clcnn_onnx_resize(struct clcnn_onnx_node *node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct resizing r;
    int axes[CLCNN_MAX_RANK], count;
    const int64_t *sizes;
    int64_t length;
    if (node->opset < 11)
        return resize_simply(node, false);
    TRY(begin(node, &r));
    TRY(take_words(node, &r));
    TRY(take_axes(node, axes, &count));
    TRY(take_region(node, &r, axes, count));
    if (!is_empty(node, 3)) {
        TRY(clcnn_onnx_need_integers(node, 3, "sizes", &sizes, &length));
        NODE_REQUIRE(length == count, "'sizes' has %lld elements for %d axes", (long long)length,
                     count);
        TRY(set_sizes(node, &r, sizes, axes, count));
    } else {
        NODE_REQUIRE(!is_empty(node, 2), "neither 'scales' nor 'sizes' is given");
        TRY(take_scales(node, &r, 2, axes, count));
        align_to_scales(&r.params);
    }
    TRY(add_resize(node, &r));
done:
    return status;
}
