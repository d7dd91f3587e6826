#include "base/memory.h"
#include "op/range.h"
#include "op/storage.h"
#include "op/typed.h"
#include "op/window_nd.h"
#include <stdlib.h>

struct clcnn_conv_nd {
    struct clcnn_device *device;
    struct clcnn_conv_nd_params params;
    struct clcnn_kernel *kernel;
};

#define COLUMNS 4 /* of cl/conv_nd.cl */

/* Passed to the kernel by value: cl/conv_nd.cl has the same. */
struct steps {
    int64_t x_n, x_c, w_k, w_c, w_g, b_k, y_n, y_k;
    int64_t batch, groups, filters, channels; /* of a group */
};

enum clcnn_status clcnn_conv_nd_create(struct clcnn_device *device,
                                       const struct clcnn_conv_nd_params *params,
                                       struct clcnn_conv_nd **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv_nd *op = NULL;
    char options[CLCNN_TYPED_OPTIONS];
    REQUIRE(out, "conv_nd: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "conv_nd: device or params is NULL");
    TRY(clcnn_storage_check(params->type, "conv_nd"));
    REQUIRE(params->groups >= 0, "conv_nd: groups=%d", params->groups);
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    TRY(clcnn_window_nd_resolve(&op->params.window, "conv_nd", true));
    if (op->params.groups == 0)
        op->params.groups = 1;
    op->device = clcnn_device_retain(device);
    clcnn_typed_options(options, params->type, params->type);
    TRY(clcnn_kernel_create(device, "conv_nd", options, "conv_nd", &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_conv_nd_destroy(&op);
    return status;
}

void clcnn_conv_nd_destroy(struct clcnn_conv_nd **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

struct call {
    struct clcnn_operand x, w, b, y;
    bool has_b;
};

static enum clcnn_status check_arrays(const struct clcnn_conv_nd *op, struct call *c)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_operand *all[] = {&c->x, &c->w, &c->y, &c->b};
    int rank = 2 + op->params.window.rank;
    for (int i = 0; i < (c->has_b ? 4 : 3); i++) {
        TRY(clcnn_operand_check(op->device, "conv_nd", NULL, all[i]));
        int wanted = all[i] == &c->b ? 1 : rank;
        REQUIRE(all[i]->view.rank == wanted, "conv_nd: %s has rank %d, not %d", all[i]->name,
                all[i]->view.rank, wanted);
    }
    TRY(clcnn_operand_distinct("conv_nd", &c->y));
    TRY(clcnn_operand_apart("conv_nd", &c->x, &c->y, false));
    TRY(clcnn_operand_apart("conv_nd", &c->w, &c->y, false));
    if (c->has_b)
        TRY(clcnn_operand_apart("conv_nd", &c->b, &c->y, false));
done:
    return status;
}

static enum clcnn_status check_sizes(const struct clcnn_conv_nd *op, const struct call *c)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_window_nd *window = &op->params.window;
    const int64_t *x = c->x.view.size, *w = c->w.view.size, *y = c->y.view.size;
    int64_t groups = op->params.groups, C = x[1], K = y[1];
    REQUIRE(x[0] == y[0], "conv_nd: x has N=%lld, y has N=%lld", (long long)x[0], (long long)y[0]);
    REQUIRE(C % groups == 0 && K % groups == 0,
            "conv_nd: C=%lld or K=%lld is not divisible by groups=%lld", (long long)C, (long long)K,
            (long long)groups);
    bool fits =
        op->params.transposed ? w[0] == C && w[1] == K / groups : w[0] == K && w[1] == C / groups;
    REQUIRE(fits, "conv_nd: w is %lldx%lld, which does not fit C=%lld, K=%lld, groups=%lld",
            (long long)w[0], (long long)w[1], (long long)C, (long long)K, (long long)groups);
    for (int i = 0; i < window->rank; i++)
        REQUIRE(w[2 + i] == window->size[i], "conv_nd: w has size %lld in dimension %d, not %lld",
                (long long)w[2 + i], 2 + i, (long long)window->size[i]);
    REQUIRE(!c->has_b || c->b.view.size[0] == K, "conv_nd: b has %lld elements, not %lld",
            (long long)c->b.view.size[0], (long long)K);
done:
    return status;
}

static struct steps steps_of(const struct clcnn_conv_nd *op, const struct call *c)
{
    const struct clcnn_view *x = &c->x.view, *w = &c->w.view, *y = &c->y.view;
    struct steps s = {.x_n = x->stride[0], .x_c = x->stride[1]};
    s.y_n = y->stride[0];
    s.y_k = y->stride[1];
    s.b_k = c->has_b ? c->b.view.stride[0] : 0;
    s.batch = x->size[0];
    s.groups = op->params.groups;
    s.filters = y->size[1] / s.groups;
    s.channels = x->size[1] / s.groups;
    s.w_k = w->stride[op->params.transposed ? 1 : 0];
    s.w_c = w->stride[op->params.transposed ? 0 : 1];
    s.w_g = w->stride[0] * (op->params.transposed ? s.channels : s.filters);
    return s;
}

enum clcnn_status clcnn_conv_nd_forward(struct clcnn_conv_nd *op, const struct clcnn_array *x,
                                        const struct clcnn_array *w, const struct clcnn_array *b,
                                        const struct clcnn_array *y,
                                        const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    REQUIRE(op, "conv_nd: op is NULL");
    enum clcnn_dtype type = op->params.type;
    struct call c = {
        .x = {.name = "x", .array = x, .type = type},
        .w = {.name = "w", .array = w, .type = type},
        .b = {.name = "b", .array = b, .type = type},
        .y = {.name = "y", .array = y, .type = type},
        .has_b = b != NULL,
    };
    TRY(check_arrays(op, &c));
    TRY(check_sizes(op, &c));
    if (clcnn_view_count(&c.y.view) == 0)
        goto done;
    struct clcnn_space space = clcnn_space_of(&op->params.window, &c.x.view, &c.y.view, &c.w.view);
    struct steps steps = steps_of(op, &c);
    bool gpu = clcnn_is_gpu(op->device);
    int local = gpu ? CLCNN_GPU_GROUP : 1;
    int width = gpu ? 1 : clcnn_device_info(op->device)->vector_width;
    int64_t items = steps.batch * steps.groups * clcnn_divide_up(steps.filters, width);
    struct clcnn_grid grid = GRID1(clcnn_divide_up(items, local), local);
    clcnn_space_grid(op->device, &space, COLUMNS, &grid);
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    TRY(clcnn_launch(&s, op->kernel, grid,
                     ARGS(BUFFER(&c.x.origin), BUFFER(&c.w.origin),
                          BUFFER(c.has_b ? &c.b.origin : NULL), BUFFER(&c.y.origin), DATA(space),
                          DATA(steps), INT(op->params.transposed))));
done:
    return clcnn_stream_end(&s, status);
}
