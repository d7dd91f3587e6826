/* Windows over any spatial rank, resizing, gathering. */
#include "io/onnx/export.h"
#include <math.h>

/* The value (N, K, ...) of a layer whose memory is [N][...][K]. */
static void made_channels_first(struct clcnn_export *e, int value)
{
    int order[CLCNN_MAX_RANK] = {0}, rank = e->layer->shape.rank;
    if (rank == 4) {
        clcnn_export_made(e, CLCNN_EXPORT_CHANNELS_FIRST, value);
        return;
    }
    for (int i = 1; i < rank - 1; i++)
        order[i] = i + 1;
    order[rank - 1] = 1;
    clcnn_export_made(e, CLCNN_EXPORT_AS_IT_LIES,
                      clcnn_export_transpose(e, "channels_last", value, order, rank));
}

/* ---- windows --------------------------------------------------------------------------------- */

struct axis {
    int64_t in, out, size, stride, dilation, before, after, more;
};

static int64_t field_of(const struct axis *a)
{
    return (a->size - 1) * a->dilation + 1;
}

/* `first`: the layer's place of its first spatial dimension. */
static void take_axes(const struct clcnn_export *e, const struct clcnn_window_nd *w, int first,
                      struct axis axes[CLCNN_WINDOW_MAX_RANK])
{
    for (int i = 0; i < w->rank; i++)
        axes[i] = (struct axis){.in = e->layer->views[0].size[2 + i],
                                .out = e->layer->shape.dim[first + i],
                                .size = w->size[i],
                                .stride = w->strides[i] ? w->strides[i] : 1,
                                .dilation = w->dilation[i] ? w->dilation[i] : 1,
                                .before = w->before[i],
                                .after = w->after[i]};
}

static bool are_dilated(const struct axis *axes, int rank)
{
    bool dilated = false;
    for (int i = 0; i < rank; i++)
        dilated = dilated || axes[i].dilation != 1;
    return dilated;
}

/* Whether the outputs are more than ONNX counts without ceil_mode. */
static bool are_ceiled(const struct axis *axes, int rank)
{
    bool ceiled = false;
    for (int i = 0; i < rank; i++) {
        const struct axis *a = &axes[i];
        ceiled = ceiled || a->out > (a->in + a->before + a->after - field_of(a)) / a->stride + 1;
    }
    return ceiled;
}

static void put_axes(struct clcnn_export *e, const struct axis *axes, int rank, bool dilations)
{
    int64_t size[CLCNN_WINDOW_MAX_RANK], stride[CLCNN_WINDOW_MAX_RANK],
        dilation[CLCNN_WINDOW_MAX_RANK], pads[2 * CLCNN_WINDOW_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        size[i] = axes[i].size;
        stride[i] = axes[i].stride;
        dilation[i] = axes[i].dilation;
        pads[i] = axes[i].before;
        pads[rank + i] = axes[i].after;
    }
    clcnn_export_put_ints(e, "kernel_shape", size, (size_t)rank);
    clcnn_export_put_ints(e, "strides", stride, (size_t)rank);
    clcnn_export_put_ints(e, "pads", pads, 2 * (size_t)rank);
    if (dilations)
        clcnn_export_put_ints(e, "dilations", dilation, (size_t)rank);
}

void clcnn_export_save_pool_nd(struct clcnn_export *e)
{
    static const char *const types[] = {[CLCNN_POOL_ND_MODE_MAX] = "MaxPool",
                                        [CLCNN_POOL_ND_MODE_AVERAGE] = "AveragePool",
                                        [CLCNN_POOL_ND_MODE_LP] = "LpPool"};
    const struct clcnn_pool_nd_params *p = &e->layer->u.pool_nd.params;
    bool max = p->mode == CLCNN_POOL_ND_MODE_MAX, lp = p->mode == CLCNN_POOL_ND_MODE_LP;
    struct axis axes[CLCNN_WINDOW_MAX_RANK];
    take_axes(e, &p->window, e->layer->u.pool_nd.indices ? 2 : 1, axes);
    bool ceiled = are_ceiled(axes, p->window.rank);
    float power = p->p != 0.0f ? p->p : 2.0f;
    if ((!max && are_dilated(axes, p->window.rank)) || (lp && (ceiled || power != floorf(power)))) {
        clcnn_export_refuse(e, "%s of opset %d has no such windows", types[p->mode],
                            CLCNN_EXPORT_OPSET);
        return;
    }
    int x = clcnn_export_full_view(e, 0, CLCNN_EXPORT_AS_IT_LIES);
    int y = clcnn_export_emit(e, types[p->mode], NULL, &x, 1);
    put_axes(e, axes, p->window.rank, max);
    if (ceiled)
        clcnn_export_put_int(e, "ceil_mode", 1);
    if (lp)
        clcnn_export_put_int(e, "p", (int64_t)power);
    else if (!max)
        clcnn_export_put_int(e, "count_include_pad", p->include_pad);
    else if (p->column_major)
        clcnn_export_put_int(e, "storage_order", 1);
    if (e->layer->u.pool_nd.indices) {
        clcnn_export_second_output(e);
        clcnn_export_made(e, CLCNN_EXPORT_AS_IT_LIES, y);
    } else {
        made_channels_first(e, y);
    }
}

/* Of stride 1 with a window that gives the output's size; the indices say the rest. */
void clcnn_export_save_unpool(struct clcnn_export *e)
{
    const struct clcnn_shape *y = &e->layer->shape;
    const struct clcnn_view *x = &e->layer->views[0];
    int64_t sizes[CLCNN_MAX_RANK];
    bool fits = x->rank >= 3;
    for (int i = 2; i < x->rank; i++) {
        sizes[i - 2] = y->dim[i] - x->size[i] + 1;
        fits = fits && sizes[i - 2] >= 1;
    }
    if (!fits) {
        clcnn_export_refuse(e, "an output that is smaller than the input");
        return;
    }
    int inputs[] = {clcnn_export_full_view(e, 0, CLCNN_EXPORT_AS_IT_LIES),
                    clcnn_export_full_view(e, 1, CLCNN_EXPORT_AS_IT_LIES)};
    clcnn_export_made(e, CLCNN_EXPORT_AS_IT_LIES,
                      clcnn_export_emit(e, "MaxUnpool", NULL, inputs, 2));
    clcnn_export_put_ints(e, "kernel_shape", sizes, (size_t)x->rank - 2);
}

/* The padding behind x that makes the outputs as many as they are; false if there is none. */
static bool pad_to_size(struct axis *a, bool transposed)
{
    if (transposed) {
        a->after = a->stride * (a->in - 1) + field_of(a) - a->before - a->out;
        a->more = a->after < 0 ? -a->after : 0;
        a->after += a->more;
    } else {
        a->after = clcnn_max((a->out - 1) * a->stride + field_of(a) - a->in - a->before, 0);
    }
    return a->before >= 0 &&
           (transposed || (a->in + a->before + a->after - field_of(a)) / a->stride + 1 == a->out);
}

void clcnn_export_save_conv_nd(struct clcnn_export *e)
{
    const struct clcnn_conv_nd_params *p = &e->layer->u.conv_nd;
    struct axis axes[CLCNN_WINDOW_MAX_RANK];
    int64_t more[CLCNN_WINDOW_MAX_RANK], some = 0;
    bool fits = true;
    int inputs[3], count = e->layer->input_count;
    take_axes(e, &p->window, 1, axes);
    for (int i = 0; i < p->window.rank; i++) {
        fits = fits && pad_to_size(&axes[i], p->transposed);
        more[i] = axes[i].more;
        some += more[i];
    }
    if (!fits) {
        clcnn_export_refuse(e, "its windows begin inside the input");
        return;
    }
    inputs[0] = clcnn_export_full_view(e, 0, CLCNN_EXPORT_AS_IT_LIES);
    for (int i = 1; i < count; i++)
        inputs[i] = clcnn_export_view(e, i, CLCNN_EXPORT_AS_IT_LIES);
    int y = clcnn_export_emit(e, p->transposed ? "ConvTranspose" : "Conv", NULL, inputs, count);
    put_axes(e, axes, p->window.rank, true);
    clcnn_export_put_int(e, "group", p->groups ? p->groups : 1);
    if (some)
        clcnn_export_put_ints(e, "output_padding", more, (size_t)p->window.rank);
    made_channels_first(e, y);
}

/* ---- resizing -------------------------------------------------------------------------------- */

static const char *place_word(enum clcnn_resize_place place)
{
    switch (place) {
    case CLCNN_RESIZE_PLACE_HALF_PIXEL:
        return "half_pixel";
    case CLCNN_RESIZE_PLACE_PYTORCH_HALF_PIXEL:
        return "pytorch_half_pixel";
    case CLCNN_RESIZE_PLACE_ALIGN_CORNERS:
        return "align_corners";
    case CLCNN_RESIZE_PLACE_ASYMMETRIC:
        return "asymmetric";
    case CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE:
        return "tf_crop_and_resize";
    default: /* not of this opset */
        return NULL;
    }
}

/* The scales if some are given and give the sizes; 0 of them where sizes must be written. */
static int take_scales(const struct clcnn_resize_params *p, enum clcnn_export_form form,
                       float scales[CLCNN_MAX_RANK], bool *fit)
{
    bool given = false;
    *fit = true;
    for (int i = 0; i < p->input.rank; i++) {
        int64_t in = p->input.dim[i], out = p->output.dim[i];
        double scale = p->scale[i] != 0.0 ? p->scale[i] : (double)out / (double)in;
        given = given || p->scale[i] != 0.0;
        scales[clcnn_export_axis_in(form, i)] = (float)scale;
        *fit = *fit && (double)(float)scale == scale &&
               (in == CLCNN_DIM_BATCH || floor((double)in * scale) == (double)out);
    }
    return given ? p->input.rank : 0;
}

static int put_region(struct clcnn_export *e, enum clcnn_export_form form)
{
    const struct clcnn_resize_params *p = &e->layer->u.resize;
    int rank = p->input.rank;
    struct clcnn_shape shape = {1, {2 * rank}};
    float *region = clcnn_export_keep(e, 2 * (size_t)rank, sizeof(*region));
    if (p->place != CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE || !region)
        return -1;
    for (int i = 0; i < rank; i++) {
        region[clcnn_export_axis_in(form, i)] = (float)p->start[i];
        region[rank + clcnn_export_axis_in(form, i)] = (float)p->end[i];
    }
    return clcnn_export_put_tensor(e, "roi", CLCNN_DTYPE_FLOAT32, &shape, region);
}

static int put_scales(struct clcnn_export *e, const float *scales, int count)
{
    struct clcnn_shape shape = {1, {count}};
    float *kept = clcnn_export_keep(e, (size_t)count, sizeof(*kept));
    for (int i = 0; kept && i < count; i++)
        kept[i] = scales[i];
    return kept ? clcnn_export_put_tensor(e, "scales", CLCNN_DTYPE_FLOAT32, &shape, kept) : -1;
}

static void put_words(struct clcnn_export *e, const struct clcnn_resize_params *p)
{
    static const char *const modes[] = {[CLCNN_RESIZE_MODE_NEAREST] = "nearest",
                                        [CLCNN_RESIZE_MODE_LINEAR] = "linear",
                                        [CLCNN_RESIZE_MODE_CUBIC] = "cubic"};
    static const char *const rounds[] = {[CLCNN_RESIZE_ROUND_PREFER_FLOOR] = "round_prefer_floor",
                                         [CLCNN_RESIZE_ROUND_PREFER_CEIL] = "round_prefer_ceil",
                                         [CLCNN_RESIZE_ROUND_FLOOR] = "floor",
                                         [CLCNN_RESIZE_ROUND_CEIL] = "ceil"};
    clcnn_export_put_word(e, "mode", modes[p->mode]);
    clcnn_export_put_word(e, "coordinate_transformation_mode", place_word(p->place));
    if (p->mode == CLCNN_RESIZE_MODE_NEAREST)
        clcnn_export_put_word(e, "nearest_mode", rounds[p->round]);
    if (p->mode == CLCNN_RESIZE_MODE_CUBIC) {
        clcnn_export_put_float(e, "cubic_coeff_a", p->cubic_a != 0.0 ? (float)p->cubic_a : -0.75f);
        clcnn_export_put_int(e, "exclude_outside", p->exclude_outside);
    }
    if (p->place == CLCNN_RESIZE_PLACE_TF_CROP_AND_RESIZE)
        clcnn_export_put_float(e, "extrapolation_value", p->extrapolation);
}

void clcnn_export_save_resize(struct clcnn_export *e)
{
    const struct clcnn_resize_params *p = &e->layer->u.resize;
    enum clcnn_export_form form = clcnn_export_form_of_views(e);
    float scales[CLCNN_MAX_RANK];
    struct clcnn_shape sizes = {.rank = p->output.rank};
    bool fit;
    int count = take_scales(p, form, scales, &fit);
    if (!place_word(p->place) || (count && !fit)) {
        clcnn_export_refuse(e, "a Resize of opset %d cannot say its scales", CLCNN_EXPORT_OPSET);
        return;
    }
    for (int i = 0; i < sizes.rank; i++)
        sizes.dim[clcnn_export_axis_in(form, i)] = e->layer->shape.dim[i];
    int x = clcnn_export_full_view(e, 0, form), roi = put_region(e, form);
    int inputs[] = {x, roi, count ? put_scales(e, scales, count) : -1,
                    count ? -1 : clcnn_export_sizes(e, &sizes)};
    int y = clcnn_export_emit(e, "Resize", NULL, inputs, count ? 3 : 4);
    put_words(e, p);
    clcnn_export_made(e, form, y);
}

/* ---- gathering ------------------------------------------------------------------------------- */

void clcnn_export_save_gather(struct clcnn_export *e)
{
    const enum clcnn_export_form form = CLCNN_EXPORT_AS_IT_LIES;
    int inputs[] = {
        e->model->batched ? clcnn_export_view(e, 0, form) : clcnn_export_full_view(e, 0, form),
        e->model->batched ? clcnn_export_view(e, 1, form) : clcnn_export_full_view(e, 1, form)};
    int y = clcnn_export_emit(e, "Gather", NULL, inputs, 2);
    clcnn_export_put_int(e, "axis", e->layer->u.axis);
    clcnn_export_made(e, form, y);
}
