#include "base/memory.h"
#include "op/typed.h"
#include "op/walk.h"
#include <clcnn/map.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct clcnn_map {
    struct clcnn_device *device;
    struct clcnn_map_params params;
    enum clcnn_dtype to; /* of y */
    struct clcnn_kernel *kernel;
};

enum types {
    ANY,
    FLOATS,
    INTEGERS,
    TRUTHS,
};

static const struct function {
    const char *name;
    int operands;
    enum types types;
    bool own_program; /* of floats */
} functions[] = {
#define FUNCTION(NAME, name, operands, types, own_program)                                         \
    [CLCNN_FUNCTION_##NAME] = {#name, operands, types, own_program},
#include "op/functions.inc"
#undef FUNCTION
};

#define Y 3 /* the operand of a walk that is y */

static bool known(enum clcnn_function function)
{
    return (size_t)function < CLCNN_FUNCTION_COUNT;
}

const char *clcnn_function_name(enum clcnn_function function)
{
    return known(function) ? functions[function].name : "unknown";
}

int clcnn_function_operands(enum clcnn_function function)
{
    return known(function) ? functions[function].operands : 0;
}

enum clcnn_dtype clcnn_map_output_type(const struct clcnn_map_params *params)
{
    if (!params)
        return CLCNN_DTYPE_FLOAT32;
    switch (params->function) {
    case CLCNN_FUNCTION_COPY:
    case CLCNN_FUNCTION_TO_BOOL:
        return params->to;
    case CLCNN_FUNCTION_EQUAL:
    case CLCNN_FUNCTION_LESS:
    case CLCNN_FUNCTION_LESS_EQUAL:
    case CLCNN_FUNCTION_GREATER:
    case CLCNN_FUNCTION_GREATER_EQUAL:
        return CLCNN_DTYPE_UINT8;
    default:
        return params->type;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static enum clcnn_status validate(const struct clcnn_map *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_map_params *p = &op->params;
    REQUIRE(known(p->function), "map: %d is no function", (int)p->function);
    const struct function *f = &functions[p->function];
    TRY(clcnn_typed_check(p->type, f->name));
    TRY(clcnn_typed_check(op->to, f->name));
    bool works = f->types == ANY || (f->types == FLOATS && clcnn_is_float(p->type)) ||
                 (f->types == INTEGERS && !clcnn_is_float(p->type)) ||
                 (f->types == TRUTHS && p->type == CLCNN_DTYPE_UINT8);
    REQUIRE(works, "%s: not of %s", f->name, clcnn_dtype_name(p->type));
    bool limits = p->function == CLCNN_FUNCTION_CLIP || p->function == CLCNN_FUNCTION_FILL;
    REQUIRE(!isnan(p->alpha) && !isnan(p->beta) &&
                (limits || (isfinite(p->alpha) && isfinite(p->beta))),
            "%s: alpha=%g, beta=%g", f->name, p->alpha, p->beta);
    REQUIRE(p->function != CLCNN_FUNCTION_ADD || clcnn_is_float(p->type) || p->alpha == 0 ||
                p->alpha == 1,
            "add: alpha=%g of %s", p->alpha, clcnn_dtype_name(p->type));
done:
    return status;
}

static enum clcnn_status create_kernel(struct clcnn_map *op)
{
    const struct function *f = &functions[op->params.function];
    bool own = f->own_program && clcnn_is_float(op->params.type);
    char types[CLCNN_TYPED_OPTIONS], options[96];
    clcnn_typed_options(types, op->params.type, op->to);
    snprintf(options, sizeof(options), own ? "%s -DFUNCTION=function_%s" : "%s", types, f->name);
    return clcnn_kernel_create(op->device, "map", options,
                               op->params.function == CLCNN_FUNCTION_WHERE ? "where" : "map",
                               &op->kernel);
}

enum clcnn_status clcnn_map_create(struct clcnn_device *device,
                                   const struct clcnn_map_params *params, struct clcnn_map **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_map *op = NULL;
    REQUIRE(out, "map: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "map: device or params is NULL");
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    op->to = clcnn_map_output_type(params);
    TRY(validate(op));
    if (params->function == CLCNN_FUNCTION_ADD && params->alpha == 0)
        op->params.alpha = 1;
    op->device = clcnn_device_retain(device);
    TRY(create_kernel(op));
    *out = op;
    op = NULL;
done:
    clcnn_map_destroy(&op);
    return status;
}

void clcnn_map_destroy(struct clcnn_map **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

/* ---- launch ---------------------------------------------------------------------------------- */

static enum clcnn_status check_operands(const struct clcnn_map *op,
                                        const struct clcnn_array *operands, size_t count,
                                        const struct clcnn_array *y,
                                        struct clcnn_operand checked[CLCNN_WALK_OPERANDS])
{
    static const char *const names[] = {"a", "b", "c"};
    enum clcnn_status status = CLCNN_STATUS_OK;
    const char *name = functions[op->params.function].name;
    checked[Y] = (struct clcnn_operand){.name = "y", .array = y, .type = op->to};
    TRY(clcnn_operand_check(op->device, name, NULL, &checked[Y]));
    TRY(clcnn_operand_distinct(name, &checked[Y]));
    struct clcnn_shape shape = clcnn_view_shape(&checked[Y].view);
    for (size_t i = 0; i < count; i++) {
        bool truth = op->params.function == CLCNN_FUNCTION_WHERE && i == 0;
        checked[i] = (struct clcnn_operand){.name = names[i], .array = &operands[i]};
        checked[i].type = truth ? CLCNN_DTYPE_UINT8 : op->params.type;
        TRY(clcnn_operand_check(op->device, name, &shape, &checked[i]));
        TRY(clcnn_operand_apart(name, &checked[i], &checked[Y], true));
    }
done:
    return status;
}

/* An argument of the type constant_t in cl/typed.cl; a double beyond int64 is its nearest. */
static struct clcnn_arg constant(enum clcnn_dtype type, double value)
{
    if (clcnn_is_float(type))
        return FLOAT(value);
    return value >= 0x1p63 ? LONG(INT64_MAX) : value < -0x1p63 ? LONG(INT64_MIN) : LONG(value);
}

enum clcnn_status clcnn_map_forward(struct clcnn_map *op, const struct clcnn_array *operands,
                                    size_t count, const struct clcnn_array *y,
                                    const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    struct clcnn_operand checked[CLCNN_WALK_OPERANDS] = {0};
    const struct clcnn_view *views[CLCNN_WALK_OPERANDS] = {0};
    struct clcnn_walk walk;
    REQUIRE(op, "map: op is NULL");
    const struct clcnn_map_params *p = &op->params;
    REQUIRE(count == (size_t)functions[p->function].operands, "%s: %zu operands, it has %d",
            functions[p->function].name, count, functions[p->function].operands);
    REQUIRE(operands || !count, "%s: operands is NULL", functions[p->function].name);
    TRY(check_operands(op, operands, count, y, checked));
    for (size_t i = 0; i < CLCNN_WALK_OPERANDS; i++)
        views[i] = i < count || i == Y ? &checked[i].view : NULL;
    clcnn_walk_init(&walk, views, CLCNN_WALK_OPERANDS, Y);
    clcnn_walk_order(&walk);
    struct clcnn_tiles t = clcnn_walk_tiles(op->device, &walk, 1);
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    const struct clcnn_buffer *b[CLCNN_WALK_OPERANDS];
    for (size_t i = 0; i < CLCNN_WALK_OPERANDS; i++)
        b[i] = views[i] ? &checked[i].origin : NULL;
    if (p->function == CLCNN_FUNCTION_WHERE)
        TRY(clcnn_launch(
            &s, op->kernel, t.grid,
            ARGS(BUFFER(b[0]), BUFFER(b[1]), BUFFER(b[2]), BUFFER(b[Y]), TILED(walk, t))));
    else
        TRY(clcnn_launch(&s, op->kernel, t.grid,
                         ARGS(BUFFER(b[0]), BUFFER(b[1]), BUFFER(b[2]), BUFFER(b[Y]),
                              TILED(walk, t), INT(p->function), INT(count),
                              constant(p->type, p->alpha), constant(p->type, p->beta))));
done:
    return clcnn_stream_end(&s, status);
}
