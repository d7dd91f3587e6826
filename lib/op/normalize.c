#include "base/memory.h"
#include "op/fold.h"
#include "op/storage.h"
#include "op/typed.h"
#include <clcnn/normalize.h>
#include <math.h>
#include <stdlib.h>

struct clcnn_normalize {
    struct clcnn_device *device;
    struct clcnn_normalize_params params;
    struct clcnn_kernel *kernel;
};

#define NAME "normalize"

#define DEFAULT_EPSILON 1e-5f
#define DEFAULT_SIZE    5
#define DEFAULT_ALPHA   1e-4f
#define DEFAULT_BETA    0.75f
#define DEFAULT_K       1.0f

/* The vectors, in the order of the kernels' arguments. */
enum { SCALE, BIAS, MEAN, VARIANCE, VECTORS };

/* ---- life ------------------------------------------------------------------------------------ */

static enum clcnn_status resolve(struct clcnn_normalize_params *p)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE((size_t)p->normalization <= CLCNN_NORMALIZATION_LOCAL_RESPONSE,
            NAME ": %d is no normalization", (int)p->normalization);
    TRY(clcnn_storage_check(p->type, NAME));
    REQUIRE(p->epsilon >= 0 && isfinite(p->epsilon), NAME ": epsilon=%g", (double)p->epsilon);
    REQUIRE(p->size >= 0, NAME ": size=%d", p->size);
    REQUIRE(p->axis >= 0 && p->axis < CLCNN_MAX_RANK, NAME ": axis=%d is not in 0..%d", p->axis,
            CLCNN_MAX_RANK - 1);
    REQUIRE(isfinite(p->alpha) && isfinite(p->beta) && p->k >= 0 && isfinite(p->k),
            NAME ": alpha=%g, beta=%g, k=%g", (double)p->alpha, (double)p->beta, (double)p->k);
    p->epsilon = p->epsilon > 0 ? p->epsilon : DEFAULT_EPSILON;
    p->size = p->size ? p->size : DEFAULT_SIZE;
    p->alpha = p->alpha != 0 ? p->alpha : DEFAULT_ALPHA;
    p->beta = p->beta != 0 ? p->beta : DEFAULT_BETA;
    p->k = p->k > 0 ? p->k : DEFAULT_K;
done:
    return status;
}

enum clcnn_status clcnn_normalize_create(struct clcnn_device *device,
                                         const struct clcnn_normalize_params *params,
                                         struct clcnn_normalize **out)
{
    static const char *const kernels[] = {
        [CLCNN_NORMALIZATION_OWN] = "normalize_own",
        [CLCNN_NORMALIZATION_BATCH] = "normalize_batch",
        [CLCNN_NORMALIZATION_LOCAL_RESPONSE] = "normalize_local",
    };
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_normalize *op = NULL;
    char options[CLCNN_TYPED_OPTIONS];
    REQUIRE(out, NAME ": out is NULL");
    *out = NULL;
    REQUIRE(device && params, NAME ": device or params is NULL");
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    TRY(resolve(&op->params));
    op->device = clcnn_device_retain(device);
    clcnn_typed_options(options, params->type, params->type);
    TRY(clcnn_kernel_create(device, "normalize", options, kernels[params->normalization],
                            &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_normalize_destroy(&op);
    return status;
}

void clcnn_normalize_destroy(struct clcnn_normalize **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* ---- launch ---------------------------------------------------------------------------------- */

/* What one call works on. */
struct call {
    struct clcnn_operand x, y, vector[VECTORS];
    bool given[VECTORS];
};

static enum clcnn_status check_vectors(const struct clcnn_normalize *op,
                                       const struct clcnn_normalize_vectors *vectors,
                                       struct call *call)
{
    static const char *const names[] = {"scale", "bias", "mean", "variance"};
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool batch = op->params.normalization == CLCNN_NORMALIZATION_BATCH;
    const struct clcnn_array *arrays[VECTORS] = {0};
    if (vectors) {
        arrays[SCALE] = vectors->scale;
        arrays[BIAS] = vectors->bias;
        arrays[MEAN] = batch ? vectors->mean : NULL;
        arrays[VARIANCE] = batch ? vectors->variance : NULL;
    }
    struct clcnn_shape shape = clcnn_view_shape(&call->x.view);
    const struct clcnn_view *first = &call->vector[SCALE].view;
    for (int i = 0; i < VECTORS; i++) {
        struct clcnn_operand *v = &call->vector[i];
        *v = (struct clcnn_operand){.name = names[i], .array = arrays[i], .type = op->params.type};
        call->given[i] = arrays[i] != NULL;
        if (!call->given[i] && !batch)
            continue;
        TRY(clcnn_operand_check(op->device, NAME, &shape, v));
        TRY(clcnn_operand_apart(NAME, v, &call->y, false));
        for (int d = 0; batch && d < v->view.rank; d++)
            REQUIRE(v->view.stride[d] == first->stride[d],
                    NAME ": %s has not the shape and strides of scale", names[i]);
    }
done:
    return status;
}

static enum clcnn_status check(const struct clcnn_normalize *op, const struct clcnn_array *x,
                               const struct clcnn_normalize_vectors *vectors,
                               const struct clcnn_array *y, struct call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_normalize_params *p = &op->params;
    bool local = p->normalization == CLCNN_NORMALIZATION_LOCAL_RESPONSE;
    call->x = (struct clcnn_operand){.name = "x", .array = x, .type = p->type};
    call->y = (struct clcnn_operand){.name = "y", .array = y, .type = p->type};
    TRY(clcnn_operand_check(op->device, NAME, NULL, &call->x));
    TRY(clcnn_operand_check(op->device, NAME, NULL, &call->y));
    TRY(clcnn_operand_distinct(NAME, &call->y));
    TRY(clcnn_operand_same_shape(NAME, &call->x, &call->y));
    TRY(clcnn_operand_apart(NAME, &call->x, &call->y, !local));
    int rank = call->x.view.rank;
    REQUIRE(p->normalization != CLCNN_NORMALIZATION_OWN || p->axes >> rank == 0,
            NAME ": axes 0x%x of rank %d", p->axes, rank);
    REQUIRE(!local || p->axis < rank, NAME ": axis %d of rank %d", p->axis, rank);
    if (!local)
        TRY(check_vectors(op, vectors, call));
done:
    return status;
}

static enum clcnn_status launch_own(struct clcnn_normalize *op, struct clcnn_stream *s,
                                    const struct call *c)
{
    const struct clcnn_operand *operands[CLCNN_WALK_OPERANDS] = {&c->x, NULL, NULL, &c->y};
    struct clcnn_fold fold;
    for (int i = SCALE; i <= BIAS; i++)
        operands[i + 1] = c->given[i] ? &c->vector[i] : NULL;
    clcnn_fold_init(&fold, op->device, operands, op->params.axes);
    return clcnn_launch(
        s, op->kernel, fold.tiles.grid,
        ARGS(BUFFER(&c->x.origin), BUFFER(c->given[SCALE] ? &c->vector[SCALE].origin : NULL),
             BUFFER(c->given[BIAS] ? &c->vector[BIAS].origin : NULL), BUFFER(&c->y.origin),
             FOLDED(fold), LONG(clcnn_walk_count(&fold.inside)), FLOAT(op->params.epsilon)));
}

static enum clcnn_status launch_batch(struct clcnn_normalize *op, struct clcnn_stream *s,
                                      const struct call *c)
{
    const struct clcnn_view *views[] = {&c->x.view, &c->vector[SCALE].view, NULL, &c->y.view};
    struct clcnn_walk walk;
    clcnn_walk_init(&walk, views, CLCNN_WALK_OPERANDS, 3);
    clcnn_walk_order(&walk);
    struct clcnn_tiles t = clcnn_walk_tiles(op->device, &walk, 1);
    return clcnn_launch(s, op->kernel, t.grid,
                        ARGS(BUFFER(&c->x.origin), BUFFER(&c->vector[SCALE].origin),
                             BUFFER(&c->vector[BIAS].origin), BUFFER(&c->vector[MEAN].origin),
                             BUFFER(&c->vector[VARIANCE].origin), BUFFER(&c->y.origin),
                             TILED(walk, t), FLOAT(op->params.epsilon)));
}

static enum clcnn_status launch_local(struct clcnn_normalize *op, struct clcnn_stream *s,
                                      const struct call *c)
{
    const struct clcnn_normalize_params *p = &op->params;
    const struct clcnn_operand *operands[CLCNN_WALK_OPERANDS] = {&c->x, NULL, NULL, &c->y};
    struct clcnn_walk kept, channels;
    clcnn_walk_split(operands, CLCNN_WALK_OPERANDS, 3, 1u << p->axis, &kept, &channels);
    clcnn_walk_order(&kept);
    struct clcnn_tiles t = clcnn_walk_tiles(op->device, &kept, 2 * channels.size[0]);
    return clcnn_launch(s, op->kernel, t.grid,
                        ARGS(BUFFER(&c->x.origin), BUFFER(&c->y.origin), TILED(kept, t),
                             LONG(channels.size[0]), LONG(channels.stride[0][0]),
                             LONG(channels.stride[3][0]), INT((p->size - 1) / 2), INT(p->size / 2),
                             FLOAT((double)p->alpha / p->size), FLOAT(p->k), FLOAT(p->beta),
                             INT(channels.stride[0][0] == 1)));
}

enum clcnn_status clcnn_normalize_forward(struct clcnn_normalize *op, const struct clcnn_array *x,
                                          const struct clcnn_normalize_vectors *vectors,
                                          const struct clcnn_array *y,
                                          const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    struct call call = {0};
    REQUIRE(op, NAME ": op is NULL");
    TRY(check(op, x, vectors, y, &call));
    if (clcnn_view_count(&call.y.view) == 0)
        goto done;
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    switch (op->params.normalization) {
    case CLCNN_NORMALIZATION_OWN:
        TRY(launch_own(op, &s, &call));
        break;
    case CLCNN_NORMALIZATION_BATCH:
        TRY(launch_batch(op, &s, &call));
        break;
    default:
        TRY(launch_local(op, &s, &call));
    }
done:
    return clcnn_stream_end(&s, status);
}
