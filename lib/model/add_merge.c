/* Layers of several inputs: add, concatenate. */
#include "model/builder.h"
#include "tensor/shape_text.h"

/* Compares all axes but the last `free_axes`. */
static bool alike(const struct clcnn_shape *a, const struct clcnn_shape *b, int free_axes)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank - free_axes; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

static enum clcnn_status fail_unlike(const struct clcnn_builder *b, const struct clcnn_shape *x,
                                     const char *rule)
{
    struct clcnn_text text = {0};
    clcnn_shape_add_text(&text, b->x);
    clcnn_text_add(&text, " and ");
    clcnn_shape_add_text(&text, x);
    enum clcnn_status status = clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "%s: inputs %s %s",
                                          b->layer.name, text.data ? text.data : "", rule);
    clcnn_text_clear(&text);
    return status;
}

clcnn_node clcnn_add_add(struct clcnn_model *model, clcnn_node a, clcnn_node b_node)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_builder b;
    clcnn_node inputs[] = {a, b_node};
    TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_ADD, NULL, inputs, 2));
    const struct clcnn_shape *other = &model->layers[b.layer.inputs[1]].shape;
    if (!alike(b.x, other, 0))
        TRY(fail_unlike(&b, other, "differ"));
    b.layer.shape = *b.x;
done:
    return clcnn_build_end(&b, status);
}

clcnn_node clcnn_add_concatenate(struct clcnn_model *model, const clcnn_node *inputs, int count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_builder b;
    bool usable = inputs && count >= 2;
    TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_CONCATENATE, NULL, inputs,
                          usable ? count : 0));
    LAYER_REQUIRE(&b, inputs, "inputs is NULL%s", "");
    LAYER_REQUIRE(&b, count >= 2, "%d inputs are given, at least 2 are needed", count);
    b.layer.shape = *b.x;
    int64_t *last = &b.layer.shape.dim[b.x->rank - 1];
    for (int i = 1; i < count; i++) {
        const struct clcnn_shape *x = &model->layers[b.layer.inputs[i]].shape;
        if (!alike(b.x, x, 1))
            TRY(fail_unlike(&b, x, "differ before the last axis"));
        *last += x->dim[x->rank - 1];
    }
    LAYER_REQUIRE(&b, *last <= INT32_MAX, "the last axis of %lld is longer than 2^31-1",
                  (long long)*last);
done:
    return clcnn_build_end(&b, status);
}
