#include "op/window_nd.h"
#include "base/memory.h"
#include "op/range.h"

/* CPU family: work-groups per compute unit that rows are shared among. */
#define ROWS_PER_UNIT 4

static bool in_range(int64_t value, int64_t least)
{
    return value >= least && value <= INT32_MAX;
}

enum clcnn_status clcnn_window_nd_resolve(struct clcnn_window_nd *window, const char *op,
                                          bool crops)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(window->rank >= 1 && window->rank <= CLCNN_SPACE, "%s: window of rank %d, not 1..%d",
            op, window->rank, CLCNN_SPACE);
    for (int i = 0; i < window->rank; i++) {
        if (window->strides[i] == 0)
            window->strides[i] = 1;
        if (window->dilation[i] == 0)
            window->dilation[i] = 1;
        REQUIRE(in_range(window->size[i], 1) && in_range(window->strides[i], 1) &&
                    in_range(window->dilation[i], 1),
                "%s: size %lld, stride %lld, dilation %lld in dimension %d", op,
                (long long)window->size[i], (long long)window->strides[i],
                (long long)window->dilation[i], i);
        REQUIRE(in_range(window->before[i], crops ? -INT32_MAX : 0) &&
                    in_range(window->after[i], crops ? -INT32_MAX : 0),
                "%s: padding %lld, %lld in dimension %d", op, (long long)window->before[i],
                (long long)window->after[i], i);
    }
done:
    return status;
}

enum clcnn_status clcnn_window_nd_output(const struct clcnn_window_nd *window, const int64_t *input,
                                         bool ceil, int64_t *output)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t sizes[CLCNN_SPACE] = {0};
    REQUIRE(window && input && output, "window_nd: window, input or output is NULL");
    struct clcnn_window_nd w = *window;
    TRY(clcnn_window_nd_resolve(&w, "window_nd", false));
    for (int i = 0; i < w.rank; i++) {
        REQUIRE(in_range(input[i], 1), "window_nd: %lld elements in dimension %d",
                (long long)input[i], i);
        int64_t room = input[i] + w.before[i] + w.after[i] - (w.size[i] - 1) * w.dilation[i] - 1;
        REQUIRE(room >= 0, "window_nd: a window of %lld by %lld is larger than %lld + %lld + %lld",
                (long long)w.size[i], (long long)w.dilation[i], (long long)input[i],
                (long long)w.before[i], (long long)w.after[i]);
        sizes[i] = (ceil ? clcnn_divide_up(room, w.strides[i]) : room / w.strides[i]) + 1;
        if (ceil && (sizes[i] - 1) * w.strides[i] >= input[i] + w.before[i])
            sizes[i]--;
    }
    for (int i = 0; i < w.rank; i++)
        output[i] = sizes[i];
done:
    return status;
}

struct clcnn_space clcnn_space_of(const struct clcnn_window_nd *window, const struct clcnn_view *x,
                                  const struct clcnn_view *y, const struct clcnn_view *other)
{
    struct clcnn_space space = {0};
    for (int d = 0; d < CLCNN_SPACE; d++) {
        int i = d - (CLCNN_SPACE - window->rank), axis = i + 2;
        space.in[d] = space.out[d] = space.size[d] = space.stride[d] = space.dilation[d] = 1;
        if (i < 0)
            continue;
        space.in[d] = x->size[axis];
        space.out[d] = y->size[axis];
        space.size[d] = window->size[i];
        space.stride[d] = window->strides[i];
        space.dilation[d] = window->dilation[i];
        space.before[d] = window->before[i];
        space.after[d] = window->after[i];
        space.x_step[d] = x->stride[axis];
        space.y_step[d] = y->stride[axis];
        space.other_step[d] = other ? other->stride[axis] : 0;
    }
    return space;
}

void clcnn_space_grid(const struct clcnn_device *device, const struct clcnn_space *space,
                      int64_t block, struct clcnn_grid *grid)
{
    int64_t rows = space->out[0] * space->out[1];
    int64_t units = clcnn_device_info(device)->compute_units;
    bool gpu = clcnn_is_gpu(device);
    grid->groups[1] = gpu ? rows : clcnn_min(rows, ROWS_PER_UNIT * units);
    grid->groups[2] = gpu ? clcnn_divide_up(space->out[2], block) : 1;
}
