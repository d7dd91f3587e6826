/* Views as Slice, Transpose, Reshape and Expand; where these cannot say one, as Gather. */
#include "io/onnx/export.h"
#include <string.h>

/* A tensor of the file whose axes are those of memory (dense, row-major) in the order `order`. */
struct source {
    int value;
    struct clcnn_shape memory;
    int order[CLCNN_MAX_RANK];
};

/* The elements start[a], start[a] + step[a] ... of each axis a of memory; from[i] is the axis of
 * memory that axis i of the view runs along, -1: none. */
struct path {
    int rank, from[CLCNN_MAX_RANK];
    int64_t start[CLCNN_MAX_RANK], step[CLCNN_MAX_RANK], count[CLCNN_MAX_RANK];
};

static bool runs(const struct clcnn_view *view, int axis)
{
    return view->size[axis] == CLCNN_DIM_BATCH ||
           (view->size[axis] != 1 && view->stride[axis] != 0);
}

static int64_t distance(const struct clcnn_view *view, int axis)
{
    return view->stride[axis] < 0 ? -view->stride[axis] : view->stride[axis];
}

static struct clcnn_shape sizes_of(const struct clcnn_view *view)
{
    struct clcnn_shape shape = {.rank = view->rank};
    for (int i = 0; i < view->rank; i++)
        shape.dim[i] = runs(view, i) ? view->size[i] : 1;
    return shape;
}

/* ---- finding a way --------------------------------------------------------------------------- */

static void find_start(const struct clcnn_shape *memory, const int64_t *strides, int64_t offset,
                       struct path *path)
{
    for (int a = 0; a < memory->rank; a++) {
        bool batch = memory->dim[a] == CLCNN_DIM_BATCH;
        path->start[a] = batch || memory->dim[a] == 1 ? 0 : offset / strides[a];
        offset -= path->start[a] * strides[a];
        path->step[a] = 1;
        path->count[a] = batch ? CLCNN_DIM_BATCH : 1;
    }
}

static int axis_of_stride(const struct clcnn_shape *memory, const int64_t *strides, int64_t stride)
{
    for (int a = 0; a < memory->rank; a++)
        if (memory->dim[a] > 1 && strides[a] <= stride)
            return stride % strides[a] == 0 ? a : -1;
    return -1;
}

/* Whether each axis of the view runs along one axis of memory, each along another. */
static bool find_path(const struct clcnn_view *view, const struct clcnn_shape *memory,
                      struct path *path)
{
    int64_t strides[CLCNN_MAX_RANK], stride = 1;
    for (int a = memory->rank - 1; a >= 0; a--) {
        strides[a] = stride;
        stride *= memory->dim[a] == CLCNN_DIM_BATCH ? 1 : memory->dim[a];
    }
    find_start(memory, strides, view->offset, path);
    path->rank = view->rank;
    for (int i = 0; i < view->rank; i++) {
        path->from[i] = -1;
        if (!runs(view, i))
            continue;
        bool batch = view->size[i] == CLCNN_DIM_BATCH;
        int a = batch ? 0 : axis_of_stride(memory, strides, distance(view, i));
        if (a < 0 || (batch ? memory->dim[0] != CLCNN_DIM_BATCH : path->count[a] != 1))
            return false;
        path->from[i] = a;
        if (batch)
            continue;
        path->count[a] = view->size[i];
        path->step[a] = view->stride[i] / strides[a];
        int64_t last = path->start[a] + (view->size[i] - 1) * path->step[a];
        if (path->start[a] >= memory->dim[a] || last < 0 || last >= memory->dim[a])
            return false;
    }
    return true;
}

/* Memory cut into axes at each of the view's strides. */
static bool cut_memory(const struct clcnn_view *view, const struct clcnn_shape *memory,
                       struct clcnn_shape *fine)
{
    bool batched = memory->rank && memory->dim[0] == CLCNN_DIM_BATCH;
    int64_t left = 1, below = INT64_MAX;
    *fine = (struct clcnn_shape){.rank = batched, .dim = {CLCNN_DIM_BATCH}};
    for (int a = batched; a < memory->rank; a++)
        left *= memory->dim[a];
    for (;;) {
        int64_t largest = 0;
        for (int i = 0; i < view->rank; i++)
            if (runs(view, i) && view->size[i] != CLCNN_DIM_BATCH && distance(view, i) < below &&
                distance(view, i) > largest)
                largest = distance(view, i);
        if (largest == 0)
            break;
        if (left % largest != 0 || fine->rank + 2 > CLCNN_MAX_RANK)
            return false;
        fine->dim[fine->rank++] = left / largest;
        left = below = largest;
    }
    fine->dim[fine->rank++] = left;
    return true;
}

/* ---- walking it ------------------------------------------------------------------------------ */

static bool is_part(const struct source *source, const struct path *path, int a)
{
    return source->memory.dim[a] != CLCNN_DIM_BATCH &&
           (path->count[a] != source->memory.dim[a] || path->step[a] != 1);
}

static int slice(struct clcnn_export *e, const struct source *source, const struct path *path)
{
    int64_t starts[CLCNN_MAX_RANK], ends[CLCNN_MAX_RANK], axes[CLCNN_MAX_RANK],
        steps[CLCNN_MAX_RANK];
    int count = 0;
    for (int k = 0; k < source->memory.rank; k++) {
        int a = source->order[k];
        if (!is_part(source, path, a))
            continue;
        int64_t end = path->start[a] + (path->count[a] - 1) * path->step[a];
        axes[count] = k;
        starts[count] = path->start[a];
        steps[count] = path->step[a];
        ends[count++] = path->step[a] > 0 ? end + 1 : end > 0 ? end - 1 : INT64_MIN;
    }
    if (count == 0)
        return source->value;
    int inputs[] = {source->value, clcnn_export_put_integers(e, "starts", starts, count),
                    clcnn_export_put_integers(e, "ends", ends, count),
                    clcnn_export_put_integers(e, "axes", axes, count),
                    clcnn_export_put_integers(e, "steps", steps, count)};
    return clcnn_export_emit(e, "Slice", "slice", inputs, 5);
}

/* The file's axes in the order of the view, those that it does not run along last; false if they
 * stand so already. */
static bool find_order(const struct source *source, const struct path *path,
                       int perm[CLCNN_MAX_RANK])
{
    int count = 0, last = -1, place[CLCNN_MAX_RANK];
    bool turned = false;
    for (int k = 0; k < source->memory.rank; k++)
        place[source->order[k]] = k;
    for (int i = 0; i < path->rank; i++)
        if (path->from[i] >= 0) {
            int k = place[path->from[i]];
            turned = turned || k < last;
            last = k;
            perm[count++] = k;
        }
    for (int k = 0; k < source->memory.rank; k++) {
        bool used = false;
        for (int i = 0; i < path->rank; i++)
            used = used || path->from[i] == source->order[k];
        if (!used)
            perm[count++] = k;
    }
    return turned;
}

static int walk(struct clcnn_export *e, const struct source *source, const struct path *path,
                const struct clcnn_shape *wanted)
{
    int perm[CLCNN_MAX_RANK], rank = source->memory.rank;
    struct clcnn_shape shape = {.rank = rank};
    int value = slice(e, source, path);
    bool turned = find_order(source, path, perm);
    for (int k = 0; k < rank; k++)
        shape.dim[k] = path->count[source->order[turned ? perm[k] : k]];
    if (turned)
        value = clcnn_export_transpose(e, "transpose", value, perm, rank);
    return clcnn_export_reshape(e, "reshape", value, &shape, wanted);
}

/* ---- what no path leads to ------------------------------------------------------------------- */

/* The places in memory that the view reads, one after another; without the batch. */
static int64_t *list_places(struct clcnn_export *e, const struct clcnn_view *view,
                            struct clcnn_shape *shape)
{
    struct clcnn_shape all = sizes_of(view);
    int first = all.rank && all.dim[0] == CLCNN_DIM_BATCH;
    *shape = (struct clcnn_shape){.rank = all.rank - first};
    memcpy(shape->dim, all.dim + first, (size_t)shape->rank * sizeof(shape->dim[0]));
    int64_t count = clcnn_shape_count(shape);
    int64_t *places = clcnn_export_keep(e, (size_t)count, sizeof(*places));
    for (int64_t n = 0; places && n < count; n++) {
        places[n] = view->offset;
        for (int64_t i = shape->rank - 1, left = n; i >= 0; left /= shape->dim[i--])
            places[n] += left % shape->dim[i] * view->stride[i + first];
    }
    return places;
}

static int gather(struct clcnn_export *e, int input, const struct clcnn_view *view)
{
    struct clcnn_shape flat = {0}, shape;
    const struct clcnn_layer *source = &e->model->layers[input];
    bool batched = view->rank && view->size[0] == CLCNN_DIM_BATCH;
    const int64_t *places = list_places(e, view, &shape);
    if (!places)
        return -1;
    if (batched)
        flat.dim[flat.rank++] = CLCNN_DIM_BATCH;
    flat.dim[flat.rank++] = clcnn_layer_elements(source);
    int inputs[] = {clcnn_export_shaped(e, input, &flat),
                    clcnn_export_put_tensor(e, "indices", CLCNN_DTYPE_INT64, &shape, places)};
    int y = clcnn_export_emit(e, "Gather", "gather", inputs, 2);
    clcnn_export_put_int(e, "axis", batched);
    return y;
}

const void *clcnn_export_constant_view(struct clcnn_export *e, int layer,
                                       const struct clcnn_view *view, struct clcnn_shape *shape)
{
    struct clcnn_view own = *view;
    const struct clcnn_weight *weight = &e->model->weights[e->model->layers[layer].kernel];
    size_t size = clcnn_dtype_size(e->model->layers[layer].dtype);
    for (int i = 0; i < own.rank; i++) /* an open batch repeats it */
        if (own.size[i] == CLCNN_DIM_BATCH)
            own.size[i] = 1;
    const int64_t *places = list_places(e, &own, shape);
    char *to = clcnn_export_keep(e, (size_t)clcnn_shape_count(shape), size);
    for (int64_t n = 0; places && to && n < clcnn_shape_count(shape); n++)
        memcpy(to + (size_t)n * size,
               (const char *)clcnn_tensor_const_data(weight->tensor) + (size_t)places[n] * size,
               size);
    return to;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool is_constant(const struct clcnn_export *e, int slot)
{
    return e->model->layers[e->layer->inputs[slot]].kind == CLCNN_LAYER_CONSTANT;
}

static bool take_source(const struct clcnn_export *e, int input, enum clcnn_export_form form,
                        struct source *source)
{
    source->memory = e->model->layers[input].shape;
    source->value = e->written[input].value[form];
    for (int i = 0; i < source->memory.rank; i++)
        source->order[i] = i;
    if (form == CLCNN_EXPORT_CHANNELS_FIRST && source->memory.rank == 4)
        memcpy(source->order, clcnn_export_to_first, sizeof(clcnn_export_to_first));
    return source->value >= 0 && (form == CLCNN_EXPORT_AS_IT_LIES || source->memory.rank == 4);
}

struct clcnn_view clcnn_export_view_in(const struct clcnn_export *e, int slot,
                                       enum clcnn_export_form form)
{
    const struct clcnn_view *given = &e->layer->views[slot];
    struct clcnn_view view = *given;
    for (int i = 0; form == CLCNN_EXPORT_CHANNELS_FIRST && i < view.rank; i++) {
        view.size[i] = given->size[clcnn_export_to_first[i]];
        view.stride[i] = given->stride[clcnn_export_to_first[i]];
    }
    return view;
}

/* The transposes that the view costs: of the forms that are there, the best one. */
static int cost(const struct clcnn_export *e, int slot, const struct clcnn_view *view,
                enum clcnn_export_form *best)
{
    int least = 2, input = e->layer->inputs[slot];
    *best = CLCNN_EXPORT_AS_IT_LIES;
    for (int form = CLCNN_EXPORT_AS_IT_LIES; form < CLCNN_EXPORT_FORM_COUNT; form++) {
        struct source source;
        struct path path;
        int perm[CLCNN_MAX_RANK];
        if (!take_source(e, input, (enum clcnn_export_form)form, &source) ||
            !find_path(view, &source.memory, &path))
            continue;
        int turned = find_order(&source, &path, perm);
        if (turned < least) {
            least = turned;
            *best = (enum clcnn_export_form)form;
        }
    }
    return least;
}

enum clcnn_export_form clcnn_export_form_of_views(struct clcnn_export *e)
{
    int costs[CLCNN_EXPORT_FORM_COUNT] = {0};
    enum clcnn_export_form best;
    if (e->layer->shape.rank != 4)
        return CLCNN_EXPORT_AS_IT_LIES;
    for (int slot = 0; slot < e->layer->input_count; slot++)
        for (int form = CLCNN_EXPORT_AS_IT_LIES; form < CLCNN_EXPORT_FORM_COUNT; form++) {
            struct clcnn_view view = clcnn_export_view_in(e, slot, (enum clcnn_export_form)form);
            if (!is_constant(e, slot))
                costs[form] += cost(e, slot, &view, &best);
        }
    return costs[CLCNN_EXPORT_CHANNELS_FIRST] < costs[CLCNN_EXPORT_AS_IT_LIES]
               ? CLCNN_EXPORT_CHANNELS_FIRST
               : CLCNN_EXPORT_AS_IT_LIES;
}

static int write_view(struct clcnn_export *e, int slot, const struct clcnn_view *view)
{
    int input = e->layer->inputs[slot];
    struct clcnn_shape wanted = sizes_of(view);
    struct source source;
    struct path path;
    enum clcnn_export_form form;
    if (is_constant(e, slot)) {
        const void *data = clcnn_export_constant_view(e, input, view, &wanted);
        return data ? clcnn_export_put_tensor(e, "constant", e->model->layers[input].dtype, &wanted,
                                              data)
                    : -1;
    }
    if (cost(e, slot, view, &form) == 2) /* of a flattened image: as it lies */
        clcnn_export_as_it_lies(e, input);
    if (cost(e, slot, view, &form) < 2 && take_source(e, input, form, &source) &&
        find_path(view, &source.memory, &path))
        return walk(e, &source, &path, &wanted);
    if (!cut_memory(view, &e->model->layers[input].shape, &source.memory) ||
        !find_path(view, &source.memory, &path))
        return gather(e, input, view);
    for (int i = 0; i < source.memory.rank; i++)
        source.order[i] = i;
    source.value = clcnn_export_shaped(e, input, &source.memory);
    return walk(e, &source, &path, &wanted);
}

int clcnn_export_view(struct clcnn_export *e, int slot, enum clcnn_export_form form)
{
    struct clcnn_view view = clcnn_export_view_in(e, slot, form);
    return write_view(e, slot, &view);
}

/* ---- repetition ------------------------------------------------------------------------------ */

int clcnn_export_sizes(struct clcnn_export *e, const struct clcnn_shape *shape)
{
    static const int64_t zero = 0;
    if (shape->rank == 0 || shape->dim[0] != CLCNN_DIM_BATCH)
        return clcnn_export_put_integers(e, "shape", shape->dim, shape->rank);
    int port = e->model->inputs[0].layer;
    const struct clcnn_export_written *w = &e->written[port];
    int x = w->value[0] >= 0 ? w->value[0] : w->value[1];
    int whole = clcnn_export_emit(e, "Shape", "input_shape", &x, 1);
    int batch[] = {whole, clcnn_export_put_integers(e, "first", &zero, 1)};
    int parts[] = {clcnn_export_emit(e, "Gather", "batch", batch, 2),
                   clcnn_export_put_integers(e, "shape", shape->dim + 1, shape->rank - 1)};
    clcnn_export_put_int(e, "axis", 0);
    int sizes = clcnn_export_emit(e, "Concat", "sizes", parts, 2);
    clcnn_export_put_int(e, "axis", 0);
    return sizes;
}

int clcnn_export_full_view(struct clcnn_export *e, int slot, enum clcnn_export_form form)
{
    struct clcnn_view view = clcnn_export_view_in(e, slot, form);
    struct clcnn_shape full = {.rank = view.rank}, written = sizes_of(&view);
    bool batched = e->model->batched && view.rank > 0;
    memcpy(full.dim, view.size, sizeof(full.dim));
    if (batched && e->layer->shape.rank == view.rank)
        full.dim[0] = e->layer->shape.dim[0];
    int value = write_view(e, slot, &view);
    if (clcnn_export_shapes_equal(&full, &written))
        return value;
    if (written.rank && written.dim[0] == CLCNN_DIM_BATCH)
        full.dim[0] = 1; /* which an Expand leaves as it is */
    int inputs[] = {value, clcnn_export_sizes(e, &full)};
    return clcnn_export_emit(e, "Expand", "expand", inputs, 2);
}
