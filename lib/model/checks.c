#include "model/builder.h"
#include "tensor/window.h"
#include <math.h>
#include <stdio.h>

enum clcnn_status clcnn_build_need_image(const struct clcnn_builder *b)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    LAYER_REQUIRE(b, b->x->rank == 4,
                  "needs images (None, height, width, channels); the input is (None, %lld)",
                  (long long)b->x->dim[1]);
done:
    return status;
}

enum clcnn_status clcnn_build_need_vector(const struct clcnn_builder *b)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    LAYER_REQUIRE(
        b, b->x->rank == 2,
        "needs vectors (None, features); the input is (None, %lld, %lld, %lld): flatten it",
        (long long)b->x->dim[1], (long long)b->x->dim[2], (long long)b->x->dim[3]);
done:
    return status;
}

enum clcnn_status clcnn_build_pair(const struct clcnn_builder *b, const char *what,
                                   const int given[2], const int fallback[2], int out[2])
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    LAYER_REQUIRE(b, given[0] >= 0 && given[1] >= 0, "%s (%d, %d) is negative", what, given[0],
                  given[1]);
    out[0] = given[0] ? given[0] : fallback[0];
    out[1] = given[1] ? given[1] : given[0] ? given[0] : fallback[1];
done:
    return status;
}

enum clcnn_status clcnn_build_activation(const struct clcnn_builder *b,
                                         enum clcnn_activation activation, float alpha,
                                         float *resolved)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    LAYER_REQUIRE(b, (unsigned)activation <= CLCNN_ACTIVATION_SOFTMAX, "activation %d is unknown",
                  (int)activation);
    *resolved = alpha == 0.0f ? 0.3f : alpha;
    if (activation == CLCNN_ACTIVATION_LEAKY_RELU)
        LAYER_REQUIRE(b, isfinite(*resolved) && *resolved > 0.0f,
                      "leaky_relu's alpha %g is not finite and positive", (double)alpha);
done:
    return status;
}

enum clcnn_status clcnn_build_initializer(const struct clcnn_builder *b,
                                          enum clcnn_initializer given,
                                          enum clcnn_initializer fallback,
                                          enum clcnn_initializer *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    LAYER_REQUIRE(b, (unsigned)given <= CLCNN_INITIALIZER_LECUN_NORMAL, "initializer %d is unknown",
                  (int)given);
    *out = given == CLCNN_INITIALIZER_DEFAULT ? fallback : given;
done:
    return status;
}

static enum clcnn_status check_padding(const struct clcnn_builder *b,
                                       const struct clcnn_build_windows *w)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    LAYER_REQUIRE(b, (unsigned)w->padding <= CLCNN_PADDING_EXPLICIT, "padding %d is unknown",
                  (int)w->padding);
    if (w->padding != CLCNN_PADDING_EXPLICIT)
        LAYER_REQUIRE(b, !w->pads[0] && !w->pads[1] && !w->pads[2] && !w->pads[3],
                      "pads (%d, %d, %d, %d) are given, but the padding is '%s', not explicit",
                      w->pads[0], w->pads[1], w->pads[2], w->pads[3],
                      w->padding == CLCNN_PADDING_SAME ? "same" : "valid");
done:
    return status;
}

enum clcnn_status clcnn_build_windows(const struct clcnn_builder *b, struct clcnn_build_windows *w)
{
    static const enum clcnn_window_padding paddings[] = {
        [CLCNN_PADDING_VALID] = CLCNN_WINDOW_VALID,
        [CLCNN_PADDING_SAME] = CLCNN_WINDOW_SAME,
        [CLCNN_PADDING_EXPLICIT] = CLCNN_WINDOW_EXPLICIT,
    };
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(check_padding(b, w));
    for (int i = 0; i < 2; i++) {
        char what[CLCNN_NAME_MAX + 16];
        snprintf(what, sizeof(what), "%s: %s", b->layer.name, i ? "width" : "height");
        struct clcnn_window window = {
            .input = b->x->dim[1 + i],
            .filter = w->size[i],
            .stride = w->strides[i],
            .dilation = w->dilation_rate[i],
            .pad_before = w->pads[i],
            .pad_after = w->pads[2 + i],
        };
        TRY(clcnn_window_resolve(&window, paddings[w->padding], what));
        w->pads[i] = (int)window.pad_before;
        w->pads[2 + i] = (int)window.pad_after;
        w->output[i] = (int)window.output;
    }
done:
    return status;
}
