/* Values as they lie in memory, and with channels first. */
#include "io/onnx/export.h"

const int clcnn_export_to_first[4] = {0, 3, 1, 2}, clcnn_export_to_last[4] = {0, 2, 3, 1};

int clcnn_export_axis_in(enum clcnn_export_form form, int axis)
{
    return form == CLCNN_EXPORT_CHANNELS_FIRST ? clcnn_export_to_last[axis] : axis;
}

bool clcnn_export_shapes_equal(const struct clcnn_shape *a, const struct clcnn_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

void clcnn_export_made(struct clcnn_export *e, enum clcnn_export_form form, int value)
{
    e->written[e->layer - e->model->layers].value[form] = value;
}

int clcnn_export_transpose(struct clcnn_export *e, const char *part, int value, const int *order,
                           int rank)
{
    int64_t perm[CLCNN_MAX_RANK];
    for (int i = 0; i < rank; i++)
        perm[i] = order[i];
    value = clcnn_export_emit(e, "Transpose", part, &value, 1);
    clcnn_export_put_ints(e, "perm", perm, (size_t)rank);
    return value;
}

/* In the target of a Reshape 0 is the input's size at the same place; the batch is first in both.
 */
int clcnn_export_reshape(struct clcnn_export *e, const char *part, int value,
                         const struct clcnn_shape *from, const struct clcnn_shape *to)
{
    int64_t sizes[CLCNN_MAX_RANK];
    if (clcnn_export_shapes_equal(from, to))
        return value;
    for (int i = 0; i < to->rank; i++)
        sizes[i] = to->dim[i] == CLCNN_DIM_BATCH ? 0 : to->dim[i];
    int inputs[] = {value, clcnn_export_put_integers(e, "shape", sizes, to->rank)};
    return clcnn_export_emit(e, "Reshape", part, inputs, 2);
}

/* ---- conversions, named after the layer whose value it is ------------------------------------ */

static int vector_as_it_lies(struct clcnn_export *e, const struct clcnn_export_written *w)
{
    const struct clcnn_shape *vector = &e->layer->shape;
    struct clcnn_shape image = {4, {vector->dim[0], w->image[2], w->image[0], w->image[1]}};
    struct clcnn_shape turned = {4, {vector->dim[0], w->image[0], w->image[1], w->image[2]}};
    int value = w->value[CLCNN_EXPORT_CHANNELS_FIRST];
    value = clcnn_export_reshape(e, "image", value, vector, &image);
    value = clcnn_export_transpose(e, "channels_last", value, clcnn_export_to_last, 4);
    return clcnn_export_reshape(e, "features", value, &turned, vector);
}

int clcnn_export_as_it_lies(struct clcnn_export *e, int layer)
{
    struct clcnn_export_written *w = &e->written[layer];
    const struct clcnn_layer *reader = e->layer;
    int *value = &w->value[CLCNN_EXPORT_AS_IT_LIES];
    if (*value >= 0 || w->value[CLCNN_EXPORT_CHANNELS_FIRST] < 0)
        return *value;
    e->layer = &e->model->layers[layer];
    *value = e->layer->shape.rank == 4
                 ? clcnn_export_transpose(e, "channels_last", w->value[CLCNN_EXPORT_CHANNELS_FIRST],
                                          clcnn_export_to_last, 4)
                 : vector_as_it_lies(e, w);
    e->layer = reader;
    return *value;
}

static int channels_first(struct clcnn_export *e, int layer)
{
    struct clcnn_export_written *w = &e->written[layer];
    const struct clcnn_layer *reader = e->layer;
    int *value = &w->value[CLCNN_EXPORT_CHANNELS_FIRST];
    if (*value >= 0 || w->value[CLCNN_EXPORT_AS_IT_LIES] < 0)
        return *value;
    e->layer = &e->model->layers[layer];
    *value = clcnn_export_transpose(e, "channels_first", w->value[CLCNN_EXPORT_AS_IT_LIES],
                                    clcnn_export_to_first, 4);
    e->layer = reader;
    return *value;
}

int clcnn_export_shaped(struct clcnn_export *e, int layer, const struct clcnn_shape *shape)
{
    int value = clcnn_export_as_it_lies(e, layer);
    return clcnn_export_reshape(e, "reshape", value, &e->model->layers[layer].shape, shape);
}

int clcnn_export_image(struct clcnn_export *e, int layer, const int64_t image[3])
{
    const struct clcnn_shape *shape = &e->model->layers[layer].shape;
    struct clcnn_shape wanted = {4, {shape->dim[0], image[0], image[1], image[2]}};
    if (clcnn_export_shapes_equal(shape, &wanted))
        return channels_first(e, layer);
    int value = clcnn_export_shaped(e, layer, &wanted);
    return clcnn_export_transpose(e, "channels_first", value, clcnn_export_to_first, 4);
}

int clcnn_export_whole(struct clcnn_export *e, int layer, enum clcnn_export_form form)
{
    if (form == CLCNN_EXPORT_AS_IT_LIES)
        return clcnn_export_shaped(e, layer, &e->layer->shape);
    return e->layer->shape.rank == 4 ? channels_first(e, layer)
                                     : e->written[layer].value[CLCNN_EXPORT_CHANNELS_FIRST];
}

/* But for the axis that a concatenation is along. */
static bool fits(const struct clcnn_layer *layer, const struct clcnn_shape *input)
{
    struct clcnn_shape shape = *input;
    if (layer->kind == CLCNN_LAYER_CONCATENATE && shape.rank > 0)
        shape.dim[shape.rank - 1] = layer->shape.dim[shape.rank - 1];
    return clcnn_export_shapes_equal(&shape, &layer->shape);
}

static bool same_image(const struct clcnn_export_written *a, const struct clcnn_export_written *b)
{
    return a->image[0] == b->image[0] && a->image[1] == b->image[1] && a->image[2] == b->image[2];
}

enum clcnn_export_form clcnn_export_form_of_inputs(const struct clcnn_export *e)
{
    const struct clcnn_layer *layer = e->layer;
    const struct clcnn_export_written *first = &e->written[layer->inputs[0]];
    bool some = false, all = true, images = layer->shape.rank == 4;
    for (int i = 0; i < layer->input_count; i++) {
        const struct clcnn_export_written *w = &e->written[layer->inputs[i]];
        const struct clcnn_layer *input = &e->model->layers[layer->inputs[i]];
        bool there = w->value[CLCNN_EXPORT_CHANNELS_FIRST] >= 0;
        bool vectors = layer->shape.rank == 2 && there && same_image(w, first);
        some = some || there;
        all = all && fits(layer, &input->shape) && (images || vectors);
    }
    return some && all ? CLCNN_EXPORT_CHANNELS_FIRST : CLCNN_EXPORT_AS_IT_LIES;
}
