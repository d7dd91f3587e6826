#include "tensor/window.h"
#include "base/memory.h"

static void pad_same(struct clcnn_window *w, int64_t span)
{
    int64_t output = clcnn_divide_up(w->input, w->stride);
    int64_t total = clcnn_max((output - 1) * w->stride + span - w->input, 0);
    w->pad_before = total / 2;
    w->pad_after = total - total / 2;
}

enum clcnn_status clcnn_window_resolve(struct clcnn_window *w, enum clcnn_window_padding padding,
                                       const char *what)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(w->input > 0 && w->input <= INT32_MAX, "%s %lld is not in 1..2^31-1", what,
            (long long)w->input);
    REQUIRE(w->filter > 0 && w->filter <= INT32_MAX, "%s: filter size %lld is not positive", what,
            (long long)w->filter);
    REQUIRE(w->stride > 0 && w->stride <= INT32_MAX, "%s: stride %lld is not positive", what,
            (long long)w->stride);
    REQUIRE(w->dilation > 0 && w->dilation <= INT32_MAX / w->filter,
            "%s: dilation %lld is not positive, or too large", what, (long long)w->dilation);
    int64_t span = (w->filter - 1) * w->dilation + 1;
    if (padding == CLCNN_WINDOW_SAME)
        pad_same(w, span);
    else if (padding == CLCNN_WINDOW_VALID)
        w->pad_before = w->pad_after = 0;
    REQUIRE(w->pad_before >= 0 && w->pad_after >= 0 && w->pad_before <= INT32_MAX &&
                w->pad_after <= INT32_MAX,
            "%s: padding %lld, %lld is negative or too large", what, (long long)w->pad_before,
            (long long)w->pad_after);
    int64_t padded = w->input + w->pad_before + w->pad_after;
    REQUIRE(span <= padded,
            "%s %lld with padding %lld + %lld is smaller than the filter's span %lld", what,
            (long long)w->input, (long long)w->pad_before, (long long)w->pad_after,
            (long long)span);
    REQUIRE(padded <= INT32_MAX, "%s: padded size %lld exceeds 2^31-1", what, (long long)padded);
    w->output = (padded - span) / w->stride + 1;
done:
    return status;
}
