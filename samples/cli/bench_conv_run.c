#include "bench_conv.h"
#include "bench_stored.h"
#include <stdio.h>

enum clcnn_status conv_case_resolve(struct conv_case *c)
{
    c->params.phases = 1u << c->phase;
    if (c->training)
        c->params.phases |= 1u << CLCNN_CONV2D_PHASE_BACKWARD_FILTER;
    enum clcnn_status status = clcnn_conv2d_output_size(&c->params, c->output);
    const struct clcnn_conv2d_params *p = &c->params;
    const int input[] = {p->height, p->width};
    for (int i = 0; i < 2 && status == CLCNN_STATUS_OK; i++) {
        int stride = p->strides[i] ? p->strides[i] : 1;
        int dilation = p->dilation_rate[i] ? p->dilation_rate[i] : 1;
        int total = (c->output[i] - 1) * stride + (p->kernel[i] - 1) * dilation + 1 - input[i];
        if (p->padding == CLCNN_PADDING_EXPLICIT)
            c->before[i] = p->pads[i];
        else /* "same" puts the odd one below and right */
            c->before[i] = p->padding == CLCNN_PADDING_SAME && total > 0 ? total / 2 : 0;
        c->after[i] = total - c->before[i];
    }
    return status;
}

bool conv_case_parse(const char *line, struct conv_case *c)
{
    struct clcnn_conv2d_params *p = &c->params;
    p->padding = CLCNN_PADDING_EXPLICIT;
    return sscanf(line, "%63s %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d", c->name, &p->batch,
                  &p->channels, &p->height, &p->width, &p->filters, &p->kernel[0], &p->kernel[1],
                  &p->groups, &p->pads[0], &p->pads[1], &p->pads[2], &p->pads[3], &p->strides[0],
                  &p->strides[1], &p->dilation_rate[0], &p->dilation_rate[1]) == 17;
}

static int64_t group_channels(const struct clcnn_conv2d_params *p)
{
    return p->channels / (p->groups ? p->groups : 1);
}

static int64_t image_count(const struct conv_case *c)
{
    return (int64_t)c->params.batch * c->params.height * c->params.width * c->params.channels;
}

static int64_t output_count(const struct conv_case *c)
{
    return (int64_t)c->params.batch * c->output[0] * c->output[1] * c->params.filters;
}

static int64_t filter_count(const struct conv_case *c)
{
    const struct clcnn_conv2d_params *p = &c->params;
    return (int64_t)p->filters * p->kernel[0] * p->kernel[1] * group_channels(p);
}

double conv_case_flops(const struct conv_case *c)
{
    const struct clcnn_conv2d_params *p = &c->params;
    return 2.0 * (double)output_count(c) * p->kernel[0] * p->kernel[1] * (double)group_channels(p);
}

static enum clcnn_status enqueue(struct conv_run *r)
{
    switch (r->phase) {
    case CLCNN_CONV2D_PHASE_BACKWARD_DATA:
        return clcnn_conv2d_backward_data(r->op, &r->args, NULL);
    case CLCNN_CONV2D_PHASE_BACKWARD_FILTER:
        return clcnn_conv2d_backward_filter(r->op, &r->args, NULL);
    default:
        return clcnn_conv2d_forward(r->op, &r->args, NULL);
    }
}

static enum clcnn_status run(void *context, long calls)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct conv_run *r = context;
    for (long i = 0; i < calls; i++)
        CLI_TRY(enqueue(r));
    CLI_TRY(clcnn_device_finish(r->device));
done:
    return status;
}

struct racer conv_run_racer(struct conv_run *r)
{
    return (struct racer){
        .name = clcnn_conv2d_algorithm_name(r->op, r->phase), .run = run, .context = r};
}

void conv_run_clear(struct conv_run *r)
{
    clcnn_buffer_destroy(&r->x);
    clcnn_buffer_destroy(&r->w);
    clcnn_buffer_destroy(&r->y);
    clcnn_buffer_destroy(&r->bias);
    clcnn_buffer_destroy(&r->packed);
    clcnn_buffer_destroy(&r->workspace);
    clcnn_conv2d_destroy(&r->op);
}

static void set_args(struct conv_run *r)
{
    r->args = (struct clcnn_conv2d_args){.workspace = r->workspace};
    switch (r->phase) {
    case CLCNN_CONV2D_PHASE_BACKWARD_DATA:
        r->args.dy = r->y, r->args.w = r->w, r->args.dx = r->x;
        break;
    case CLCNN_CONV2D_PHASE_BACKWARD_FILTER:
        r->args.dy = r->y, r->args.x = r->x, r->args.dw = r->w, r->args.db = r->bias;
        break;
    default:
        r->args.x = r->x, r->args.w = r->w, r->args.packed_w = r->packed, r->args.y = r->y;
        r->args.bias = r->bias;
    }
}

enum clcnn_status conv_run_create(struct clcnn_device *device, const struct conv_case *c,
                                  enum clcnn_conv2d_algorithm algorithm, struct conv_run *r)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_conv2d_params params = c->params;
    enum clcnn_dtype storage = params.storage;
    params.algorithm = algorithm;
    *r = (struct conv_run){.device = device, .phase = c->phase};
    CLI_TRY(clcnn_conv2d_create(device, &params, &r->op));
    CLI_TRY(stored_buffer(device, storage, CONV_SEED_X, image_count(c), &r->x));
    CLI_TRY(stored_buffer(device, storage, CONV_SEED_W, filter_count(c), &r->w));
    CLI_TRY(stored_buffer(device, storage, CONV_SEED_Y, output_count(c), &r->y));
    if (params.use_bias)
        CLI_TRY(bench_buffer(device, CONV_SEED_BIAS, params.filters, &r->bias));
    size_t bytes = clcnn_conv2d_workspace_size(r->op, r->phase);
    if (bytes)
        CLI_TRY(clcnn_buffer_create(device, bytes, &r->workspace));
    bytes = clcnn_conv2d_packed_filter_size(r->op);
    if (r->phase == CLCNN_CONV2D_PHASE_FORWARD && bytes && !c->training) {
        CLI_TRY(clcnn_buffer_create(device, bytes, &r->packed));
        CLI_TRY(clcnn_conv2d_pack_filter(r->op, r->w, r->packed, NULL));
    }
    set_args(r);
    return status;
done:
    conv_run_clear(r);
    return status;
}
