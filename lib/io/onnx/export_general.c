/* The other layers on views: constants, joins, products, reductions, softmax, normalisations. */
#include "io/onnx/export.h"
#include <string.h>

void clcnn_export_save_constant(struct clcnn_export *e)
{
    const struct clcnn_weight *weight = &e->model->weights[e->layer->kernel];
    bool read_whole = false; /* views of constants are written where they are read */
    for (size_t i = 0; i < e->model->layer_count; i++)
        for (int k = 0; k < e->model->layers[i].input_count; k++)
            read_whole =
                read_whole || (!e->model->layers[i].views &&
                               &e->model->layers[e->model->layers[i].inputs[k]] == e->layer);
    for (int i = 0; i < e->model->output_count; i++)
        read_whole = read_whole || &e->model->layers[e->model->outputs[i].layer] == e->layer;
    if (read_whole)
        clcnn_export_made(e, CLCNN_EXPORT_AS_IT_LIES,
                          clcnn_export_put_tensor(e, "constant", e->layer->dtype, &e->layer->shape,
                                                  clcnn_tensor_const_data(weight->tensor)));
}

/* ---- joins ----------------------------------------------------------------------------------- */

/* The one element that a constant part repeats; NULL if it has others. */
static const void *repeated(const struct clcnn_export *e, int slot)
{
    const struct clcnn_layer *input = &e->model->layers[e->layer->inputs[slot]];
    const struct clcnn_view *view = &e->layer->views[slot];
    if (input->kind != CLCNN_LAYER_CONSTANT)
        return NULL;
    for (int i = 0; i < view->rank; i++)
        if (view->size[i] != 1 && view->stride[i] != 0)
            return NULL;
    const char *data = clcnn_tensor_const_data(e->model->weights[input->kernel].tensor);
    return data + (size_t)view->offset * clcnn_dtype_size(input->dtype);
}

/* The slot that is padded by one constant before it, behind it, or both; -1: it is no padding. */
static int find_padded(const struct clcnn_export *e)
{
    int count = e->layer->input_count, padded = -1;
    const void *value = NULL;
    for (int i = 0; i < count; i++) {
        const void *one = repeated(e, i);
        if (!one && padded >= 0)
            return -1;
        if (!one)
            padded = i;
        if (one && value && memcmp(one, value, clcnn_dtype_size(e->layer->dtype)) != 0)
            return -1;
        value = one ? one : value;
    }
    return value ? padded : -1;
}

static void save_padding(struct clcnn_export *e, int padded)
{
    const struct clcnn_layer *layer = e->layer;
    enum clcnn_export_form form = clcnn_export_form_of_views(e);
    int rank = layer->shape.rank, axis = clcnn_export_axis_in(form, layer->u.axis);
    static const struct clcnn_shape scalar = {0};
    int64_t pads[2 * CLCNN_MAX_RANK] = {0};
    for (int i = 0; i < layer->input_count; i++)
        if (i != padded)
            pads[axis + (i > padded ? rank : 0)] += layer->views[i].size[layer->u.axis];
    int value = padded ? 0 : 1;
    int inputs[] = {clcnn_export_full_view(e, padded, form),
                    clcnn_export_put_integers(e, "pads", pads, 2 * rank),
                    clcnn_export_put_tensor(e, "value", layer->dtype, &scalar, repeated(e, value))};
    clcnn_export_made(e, form, clcnn_export_emit(e, "Pad", NULL, inputs, 3));
}

void clcnn_export_save_join(struct clcnn_export *e)
{
    const struct clcnn_layer *layer = e->layer;
    enum clcnn_export_form form = clcnn_export_form_of_views(e);
    int padded = find_padded(e);
    if (padded >= 0) {
        save_padding(e, padded);
        return;
    }
    int *inputs = clcnn_export_keep(e, (size_t)layer->input_count, sizeof(*inputs));
    for (int i = 0; inputs && i < layer->input_count; i++)
        inputs[i] = clcnn_export_full_view(e, i, form);
    if (!inputs)
        return;
    int y = clcnn_export_emit(e, "Concat", NULL, inputs, layer->input_count);
    clcnn_export_put_int(e, "axis", clcnn_export_axis_in(form, layer->u.axis));
    clcnn_export_made(e, form, y);
}

void clcnn_export_save_matmul(struct clcnn_export *e)
{
    int inputs[] = {clcnn_export_view(e, 0, CLCNN_EXPORT_AS_IT_LIES),
                    clcnn_export_view(e, 1, CLCNN_EXPORT_AS_IT_LIES)};
    clcnn_export_made(e, CLCNN_EXPORT_AS_IT_LIES, clcnn_export_emit(e, "MatMul", NULL, inputs, 2));
}

/* ---- reductions ------------------------------------------------------------------------------ */

static const char *const reductions[CLCNN_REDUCTION_COUNT] = {
    [CLCNN_REDUCTION_SUM] = "ReduceSum",        [CLCNN_REDUCTION_MEAN] = "ReduceMean",
    [CLCNN_REDUCTION_MAX] = "ReduceMax",        [CLCNN_REDUCTION_MIN] = "ReduceMin",
    [CLCNN_REDUCTION_PROD] = "ReduceProd",      [CLCNN_REDUCTION_L1] = "ReduceL1",
    [CLCNN_REDUCTION_L2] = "ReduceL2",          [CLCNN_REDUCTION_SUM_SQUARE] = "ReduceSumSquare",
    [CLCNN_REDUCTION_LOG_SUM] = "ReduceLogSum", [CLCNN_REDUCTION_LOG_SUM_EXP] = "ReduceLogSumExp",
    [CLCNN_REDUCTION_ARG_MAX] = "ArgMax",       [CLCNN_REDUCTION_ARG_MIN] = "ArgMin",
};

/* The axes in the form's order, and the one among them that is not of one element. */
static int reduced_axes(const struct clcnn_export *e, enum clcnn_export_form form,
                        int64_t axes[CLCNN_MAX_RANK], int *longest)
{
    int count = 0;
    *longest = 0;
    for (int i = 0; i < e->layer->shape.rank; i++)
        if (e->layer->shape.dim[i] == 1) {
            axes[count] = clcnn_export_axis_in(form, i);
            if (e->layer->views[0].size[i] != 1)
                *longest = count;
            count++;
        }
    return count;
}

void clcnn_export_save_reduce(struct clcnn_export *e)
{
    const struct clcnn_reduce_params *p = &e->layer->u.reduce;
    enum clcnn_export_form form = clcnn_export_form_of_views(e);
    bool extreme =
        p->reduction == CLCNN_REDUCTION_ARG_MAX || p->reduction == CLCNN_REDUCTION_ARG_MIN;
    bool sum = p->reduction == CLCNN_REDUCTION_SUM;
    int64_t axes[CLCNN_MAX_RANK];
    int longest, count = reduced_axes(e, form, axes, &longest);
    if (count == 0) {
        clcnn_export_refuse(e, "a reduction over no dimension");
        return;
    }
    int inputs[] = {clcnn_export_full_view(e, 0, form),
                    sum ? clcnn_export_put_integers(e, "axes", axes, count) : -1};
    int y = clcnn_export_emit(e, reductions[p->reduction], NULL, inputs, sum ? 2 : 1);
    clcnn_export_put_int(e, "keepdims", 1);
    if (extreme) {
        clcnn_export_put_int(e, "axis", axes[longest]);
        clcnn_export_put_int(e, "select_last_index", p->last_index);
        if (p->index == CLCNN_DTYPE_INT32) {
            y = clcnn_export_emit(e, "Cast", "int32", &y, 1);
            clcnn_export_put_int(e, "to", clcnn_export_type(CLCNN_DTYPE_INT32));
        }
    } else if (!sum) {
        clcnn_export_put_ints(e, "axes", axes, (size_t)count);
    }
    clcnn_export_made(e, form, y);
}

/* ---- softmax --------------------------------------------------------------------------------- */

/* Several axes that are neighbours become one for a while. */
static int softmax_over(struct clcnn_export *e, const char *type, int x, unsigned axes)
{
    const struct clcnn_shape *shape = &e->layer->shape;
    struct clcnn_shape merged = {0};
    int axis = 0, first = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (axes >> i & 1 && !first) {
            merged.dim[axis] *= shape->dim[i];
            continue;
        }
        if (axes >> i & 1) {
            axis = merged.rank;
            first = 0;
        }
        merged.dim[merged.rank++] = shape->dim[i];
    }
    x = clcnn_export_reshape(e, "merge", x, shape, &merged);
    x = clcnn_export_emit(e, type, NULL, &x, 1);
    clcnn_export_put_int(e, "axis", axis);
    return clcnn_export_reshape(e, "split", x, &merged, shape);
}

static bool neighbours(unsigned axes)
{
    unsigned from = axes & (~axes + 1); /* the lowest bit */
    return ((axes + from) & axes) == 0;
}

void clcnn_export_save_softmax(struct clcnn_export *e)
{
    const struct clcnn_softmax_params *p = &e->layer->u.softmax;
    const char *type = p->logarithm ? "LogSoftmax" : "Softmax";
    unsigned axes = p->axes;
    for (int i = 0; i < e->layer->shape.rank; i++)
        if (e->layer->shape.dim[i] == 1 && (axes & ~(1u << i)))
            axes &= ~(1u << i);
    if (axes == 0 || !neighbours(axes)) {
        clcnn_export_refuse(e, "a softmax over %s",
                            axes ? "dimensions that are not neighbours" : "no dimension");
        return;
    }
    if (axes & (axes - 1)) {
        int x = clcnn_export_full_view(e, 0, CLCNN_EXPORT_AS_IT_LIES);
        clcnn_export_made(e, CLCNN_EXPORT_AS_IT_LIES, softmax_over(e, type, x, axes));
        return;
    }
    enum clcnn_export_form form = clcnn_export_form_of_views(e);
    int axis = 0, x = clcnn_export_full_view(e, 0, form);
    while (!(axes >> axis & 1))
        axis++;
    int y = clcnn_export_emit(e, type, NULL, &x, 1);
    clcnn_export_put_int(e, "axis", clcnn_export_axis_in(form, axis));
    clcnn_export_made(e, form, y);
}

/* ---- normalisations -------------------------------------------------------------------------- */

static void local_response(struct clcnn_export *e)
{
    const struct clcnn_normalize_params *p = &e->layer->u.normalize;
    enum clcnn_export_form form = e->layer->shape.rank == 4 && p->axis == 3
                                      ? CLCNN_EXPORT_CHANNELS_FIRST
                                      : CLCNN_EXPORT_AS_IT_LIES;
    if (clcnn_export_axis_in(form, p->axis) != 1) {
        clcnn_export_refuse(e, "channels in dimension %d of %d", p->axis, e->layer->shape.rank);
        return;
    }
    int x = clcnn_export_full_view(e, 0, form);
    int y = clcnn_export_emit(e, "LRN", NULL, &x, 1);
    clcnn_export_put_int(e, "size", p->size ? p->size : 5);
    clcnn_export_put_float(e, "alpha", p->alpha != 0.0f ? p->alpha : 1e-4f);
    clcnn_export_put_float(e, "beta", p->beta != 0.0f ? p->beta : 0.75f);
    clcnn_export_put_float(e, "bias", p->k != 0.0f ? p->k : 1.0f);
    clcnn_export_made(e, form, y);
}

static float epsilon_of(const struct clcnn_export *e)
{
    float epsilon = e->layer->u.normalize.epsilon;
    return epsilon != 0.0f ? epsilon : 1e-5f;
}

/* The axes in the form's order. */
static unsigned axes_in(const struct clcnn_export *e, enum clcnn_export_form form)
{
    unsigned axes = 0;
    for (int i = 0; i < e->layer->shape.rank; i++)
        axes |= (e->layer->u.normalize.axes >> i & 1) << clcnn_export_axis_in(form, i);
    return axes;
}

/* An operand that runs along the dimensions in `along` alone, as a tensor of these. -1 if it is
 * another. */
static int put_vector(struct clcnn_export *e, int slot, const char *part,
                      enum clcnn_export_form form, unsigned along)
{
    int input = e->layer->inputs[slot];
    struct clcnn_view view = clcnn_export_view_in(e, slot, form);
    struct clcnn_shape shape, kept = {0}, whole = {.rank = view.rank};
    for (int i = 0; i < view.rank; i++) {
        bool there = along >> i & 1;
        if (view.size[i] != 1 && there != (view.stride[i] != 0))
            return -1;
        whole.dim[i] = there ? view.size[i] : 1;
        if (there)
            kept.dim[kept.rank++] = view.size[i];
    }
    if (e->model->layers[input].kind != CLCNN_LAYER_CONSTANT)
        return clcnn_export_reshape(e, part, clcnn_export_view(e, slot, form), &whole, &kept);
    const void *data = clcnn_export_constant_view(e, input, &view, &shape);
    return data ? clcnn_export_put_tensor(e, part, CLCNN_DTYPE_FLOAT32, &kept, data) : -1;
}

static int take_ones(struct clcnn_export *e, const char *part, const struct clcnn_shape *shape)
{
    float *ones = clcnn_export_keep(e, (size_t)clcnn_shape_count(shape), sizeof(*ones));
    for (int64_t i = 0; ones && i < clcnn_shape_count(shape); i++)
        ones[i] = 1.0f;
    return ones ? clcnn_export_put_tensor(e, part, CLCNN_DTYPE_FLOAT32, shape, ones) : -1;
}

/* Over all but the first two axes, with a scale and a bias per channel. */
static bool as_instance(struct clcnn_export *e, enum clcnn_export_form form)
{
    int rank = e->layer->shape.rank;
    unsigned spatial = ((1u << rank) - 1) & ~3u;
    if (rank < 3 || axes_in(e, form) != spatial || e->layer->input_count != 3)
        return false;
    int scale = put_vector(e, 1, "scale", form, 2u), bias = put_vector(e, 2, "bias", form, 2u);
    if (scale < 0 || bias < 0)
        return false;
    int inputs[] = {clcnn_export_full_view(e, 0, form), scale, bias};
    int y = clcnn_export_emit(e, "InstanceNormalization", NULL, inputs, 3);
    clcnn_export_put_float(e, "epsilon", epsilon_of(e));
    clcnn_export_made(e, form, y);
    return true;
}

/* Over the last axes, with a scale and maybe a bias of their shape. */
static bool as_layer(struct clcnn_export *e, enum clcnn_export_form form)
{
    int rank = e->layer->shape.rank, first = 0;
    unsigned axes = axes_in(e, form), all = (1u << rank) - 1;
    while (first < rank && !(axes >> first & 1))
        first++;
    if (first == rank || axes != (all & ~((1u << first) - 1)))
        return false;
    struct clcnn_view x = clcnn_export_view_in(e, 0, form);
    struct clcnn_shape shape = {.rank = rank - first};
    memcpy(shape.dim, x.size + first, (size_t)shape.rank * sizeof(shape.dim[0]));
    bool scaled = e->layer->input_count > 1, biased = e->layer->input_count > 2;
    int scale = scaled ? put_vector(e, 1, "scale", form, axes) : take_ones(e, "scale", &shape);
    int bias = biased ? put_vector(e, 2, "bias", form, axes) : -1;
    if (scale < 0 || (biased && bias < 0))
        return false;
    int inputs[] = {clcnn_export_full_view(e, 0, form), scale, bias};
    int y = clcnn_export_emit(e, "LayerNormalization", NULL, inputs, biased ? 3 : 2);
    clcnn_export_put_int(e, "axis", first);
    clcnn_export_put_float(e, "epsilon", epsilon_of(e));
    clcnn_export_made(e, form, y);
    return true;
}

void clcnn_export_save_normalize(struct clcnn_export *e)
{
    enum clcnn_normalization kind = e->layer->u.normalize.normalization;
    if (kind == CLCNN_NORMALIZATION_LOCAL_RESPONSE) {
        local_response(e);
        return;
    }
    if (kind == CLCNN_NORMALIZATION_OWN) {
        enum clcnn_export_form other =
            e->layer->shape.rank == 4 ? CLCNN_EXPORT_CHANNELS_FIRST : CLCNN_EXPORT_AS_IT_LIES;
        if (as_instance(e, other) || as_instance(e, CLCNN_EXPORT_AS_IT_LIES) ||
            as_layer(e, other) || as_layer(e, CLCNN_EXPORT_AS_IT_LIES))
            return;
    }
    clcnn_export_refuse(e,
                        "a normalisation that is neither by channel nor over the last dimensions");
}
