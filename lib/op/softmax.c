#include "base/memory.h"
#include "op/fold.h"
#include "op/storage.h"
#include "op/typed.h"
#include <clcnn/softmax.h>
#include <stdlib.h>

struct clcnn_softmax {
    struct clcnn_device *device;
    struct clcnn_softmax_params params;
    struct clcnn_kernel *kernel;
};

enum clcnn_status clcnn_softmax_create(struct clcnn_device *device,
                                       const struct clcnn_softmax_params *params,
                                       struct clcnn_softmax **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_softmax *op = NULL;
    char options[CLCNN_TYPED_OPTIONS];
    REQUIRE(out, "softmax: out is NULL");
    *out = NULL;
    REQUIRE(device && params, "softmax: device or params is NULL");
    TRY(clcnn_alloc(1, sizeof(*op), &op));
    op->params = *params;
    TRY(clcnn_storage_check(params->type, "softmax"));
    op->device = clcnn_device_retain(device);
    clcnn_typed_options(options, params->type, params->type);
    TRY(clcnn_kernel_create(device, "softmax", options, "softmax", &op->kernel));
    *out = op;
    op = NULL;
done:
    clcnn_softmax_destroy(&op);
    return status;
}

void clcnn_softmax_destroy(struct clcnn_softmax **op)
{
    if (!op || !*op)
        return;
    clcnn_kernel_destroy(&(*op)->kernel);
    clcnn_device_destroy(&(*op)->device);
    free(*op);
    *op = NULL;
}

enum clcnn_status clcnn_softmax_forward(struct clcnn_softmax *op, const struct clcnn_array *x,
                                        const struct clcnn_array *y,
                                        const struct clcnn_enqueue *enqueue)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_stream s = {0};
    struct clcnn_fold fold;
    REQUIRE(op, "softmax: op is NULL");
    const struct clcnn_softmax_params *p = &op->params;
    struct clcnn_operand from = {.name = "x", .array = x, .type = p->type};
    struct clcnn_operand to = {.name = "y", .array = y, .type = p->type};
    TRY(clcnn_operand_check(op->device, "softmax", NULL, &from));
    TRY(clcnn_operand_check(op->device, "softmax", NULL, &to));
    TRY(clcnn_operand_distinct("softmax", &to));
    TRY(clcnn_operand_same_shape("softmax", &from, &to));
    TRY(clcnn_operand_apart("softmax", &from, &to, true));
    REQUIRE(p->axes >> from.view.rank == 0, "softmax: axes 0x%x of rank %d", p->axes,
            from.view.rank);
    const struct clcnn_operand *operands[] = {&from, NULL, NULL, &to};
    clcnn_fold_init(&fold, op->device, operands, p->axes);
    if (clcnn_view_count(&to.view) == 0)
        goto done;
    TRY(clcnn_stream_begin(&s, op->device, enqueue));
    TRY(clcnn_launch(
        &s, op->kernel, fold.tiles.grid,
        ARGS(BUFFER(&from.origin), BUFFER(&to.origin), FOLDED(fold), INT(p->logarithm))));
done:
    return clcnn_stream_end(&s, status);
}
