/* oneDNN's convolutions through its C API (version 2), every tensor in the format that the
 * algorithm prefers, as in a network that runs on it throughout. */
#include "bench_conv.h"
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

enum { MOST_TENSORS = 3 };

struct onednn_run {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[MOST_TENSORS];
    float *values[MOST_TENSORS];
    int count;
};

bool onednn_present(void)
{
    return true;
}

static enum clcnn_status run(void *context, long calls)
{
    struct onednn_run *r = context;
    for (long i = 0; i < calls; i++)
        if (dnnl_primitive_execute(r->primitive, r->stream, r->count, r->arguments))
            return CLCNN_STATUS_DEVICE;
    return dnnl_stream_wait(r->stream) ? CLCNN_STATUS_DEVICE : CLCNN_STATUS_OK;
}

static void destroy(void *context)
{
    struct onednn_run *r = context;
    for (int i = 0; i < r->count; i++) {
        dnnl_memory_destroy(r->arguments[i].memory);
        free(r->values[i]);
    }
    if (r->primitive)
        dnnl_primitive_destroy(r->primitive);
    if (r->stream)
        dnnl_stream_destroy(r->stream);
    if (r->engine)
        dnnl_engine_destroy(r->engine);
    free(r);
}

/* The three tensors, strides and so on of a case in oneDNN's words. */
struct words {
    dnnl_memory_desc_t src, weights, dst;
    dnnl_dims_t strides, dilates, before, after;
};

static dnnl_status_t describe(const struct conv_case *c, struct words *o)
{
    const struct clcnn_conv2d_params *p = &c->params;
    int groups = p->groups ? p->groups : 1;
    dnnl_dims_t src = {p->batch, p->channels, p->height, p->width};
    dnnl_dims_t dst = {p->batch, p->filters, c->output[0], c->output[1]};
    dnnl_dims_t weights = {groups, p->filters / groups, p->channels / groups, p->kernel[0],
                           p->kernel[1]};
    for (int i = 0; i < 2; i++) {
        o->strides[i] = p->strides[i] ? p->strides[i] : 1;
        o->dilates[i] = p->dilation_rate[i] ? p->dilation_rate[i] - 1 : 0;
        o->before[i] = c->before[i];
        o->after[i] = c->after[i];
    }
    const int one_group = groups == 1;
    dnnl_status_t error =
        dnnl_memory_desc_init_by_tag(&o->src, 4, src, dnnl_f32, dnnl_format_tag_any);
    if (!error)
        error = dnnl_memory_desc_init_by_tag(&o->weights, 5 - one_group, weights + one_group,
                                             dnnl_f32, dnnl_format_tag_any);
    return error ? error
                 : dnnl_memory_desc_init_by_tag(&o->dst, 4, dst, dnnl_f32, dnnl_format_tag_any);
}

static dnnl_status_t prepare(const struct conv_case *c, struct words *o, dnnl_alg_kind_t kind,
                             dnnl_engine_t engine, dnnl_primitive_desc_t *out)
{
    bool forward = c->phase == CLCNN_CONV2D_PHASE_FORWARD;
    dnnl_convolution_desc_t operation;
    dnnl_primitive_desc_t hint = NULL;
    dnnl_status_t error = dnnl_dilated_convolution_forward_desc_init(
        &operation, forward ? dnnl_forward_inference : dnnl_forward_training, kind, &o->src,
        &o->weights, NULL, &o->dst, o->strides, o->dilates, o->before, o->after);
    if (!error)
        error = dnnl_primitive_desc_create(&hint, &operation, NULL, engine, NULL);
    if (error || forward) {
        *out = hint;
        return error;
    }
    if (c->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)
        error = dnnl_dilated_convolution_backward_data_desc_init(&operation, kind, &o->src,
                                                                 &o->weights, &o->dst, o->strides,
                                                                 o->dilates, o->before, o->after);
    else
        error = dnnl_dilated_convolution_backward_weights_desc_init(
            &operation, kind, &o->src, &o->weights, NULL, &o->dst, o->strides, o->dilates,
            o->before, o->after);
    if (!error)
        error = dnnl_primitive_desc_create(out, &operation, NULL, engine, hint);
    dnnl_primitive_desc_destroy(hint);
    return error;
}

/* A tensor of made-up values, in whatever order the format gives them. */
static dnnl_status_t add_tensor(struct onednn_run *r, const_dnnl_primitive_desc_t chosen,
                                dnnl_query_t query, int argument)
{
    const dnnl_memory_desc_t *desc = dnnl_primitive_desc_query_md(chosen, query, 0);
    size_t bytes = desc ? dnnl_memory_desc_get_size(desc) : 0;
    size_t padded = (bytes + 63) / 64 * 64;
    float *values = bytes ? aligned_alloc(64, padded) : NULL;
    if (!values)
        return dnnl_out_of_memory;
    for (size_t i = 0; i < padded / sizeof(float); i++)
        values[i] = bench_value((uint64_t)argument, (int64_t)i);
    dnnl_memory_t memory = NULL;
    dnnl_status_t error = dnnl_memory_create(&memory, desc, r->engine, values);
    r->values[r->count] = values;
    r->arguments[r->count++] = (dnnl_exec_arg_t){argument, memory};
    return error;
}

static dnnl_status_t add_tensors(struct onednn_run *r, const_dnnl_primitive_desc_t chosen,
                                 enum clcnn_conv2d_phase phase)
{
    static const struct {
        dnnl_query_t query;
        int argument;
    } tensors[CLCNN_CONV2D_PHASE_COUNT][MOST_TENSORS] = {
        {{dnnl_query_src_md, DNNL_ARG_SRC},
         {dnnl_query_weights_md, DNNL_ARG_WEIGHTS},
         {dnnl_query_dst_md, DNNL_ARG_DST}},
        {{dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST},
         {dnnl_query_weights_md, DNNL_ARG_WEIGHTS},
         {dnnl_query_diff_src_md, DNNL_ARG_DIFF_SRC}},
        {{dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST},
         {dnnl_query_src_md, DNNL_ARG_SRC},
         {dnnl_query_diff_weights_md, DNNL_ARG_DIFF_WEIGHTS}},
    };
    dnnl_status_t error = dnnl_success;
    for (int i = 0; !error && i < MOST_TENSORS; i++)
        error = add_tensor(r, chosen, tensors[phase][i].query, tensors[phase][i].argument);
    return error;
}

/* NULL where oneDNN has no such algorithm for the case. */
static struct onednn_run *create(const struct conv_case *c, dnnl_alg_kind_t kind)
{
    struct words words;
    struct onednn_run *r = calloc(1, sizeof(*r));
    dnnl_primitive_desc_t chosen = NULL;
    if (!r)
        return NULL;
    dnnl_status_t error = describe(c, &words);
    if (!error)
        error = dnnl_engine_create(&r->engine, dnnl_cpu, 0);
    if (!error)
        error = dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags);
    if (!error)
        error = prepare(c, &words, kind, r->engine, &chosen);
    if (!error)
        error = dnnl_primitive_create(&r->primitive, chosen);
    if (!error)
        error = add_tensors(r, chosen, c->phase);
    if (chosen)
        dnnl_primitive_desc_destroy(chosen);
    if (!error)
        return r;
    destroy(r);
    return NULL;
}

int onednn_racers(const struct conv_case *c, struct racer racers[ONEDNN_RACERS])
{
    static const struct {
        const char *name;
        dnnl_alg_kind_t kind;
    } kinds[ONEDNN_RACERS] = {{"auto", dnnl_convolution_auto},
                              {"direct", dnnl_convolution_direct},
                              {"winograd", dnnl_convolution_winograd}};
    int count = 0;
    for (int i = 0; i < ONEDNN_RACERS; i++) {
        struct onednn_run *r = create(c, kinds[i].kind);
        if (r)
            racers[count++] = (struct racer){.name = kinds[i].name,
                                             .run = run,
                                             .destroy = destroy,
                                             .context = r,
                                             .lingers = true};
    }
    return count;
}
