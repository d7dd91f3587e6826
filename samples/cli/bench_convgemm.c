/* CLBlast's convolution on the same device and queue: forward, one group, NCHW. */
#include "bench_conv.h"
#include <clblast_c.h>
#include <clcnn/opencl.h>
#include <stdlib.h>

struct convgemm_run {
    const struct conv_case *c;
    struct clcnn_device *device;
    cl_mem x, w, y;
};

bool convgemm_present(void)
{
    return true;
}

static enum clcnn_status run(void *context, long calls)
{
    const struct convgemm_run *r = context;
    const struct clcnn_conv2d_params *p = &r->c->params;
    cl_command_queue queue = clcnn_device_cl_queue(r->device);
    size_t size[] = {(size_t)p->height, (size_t)p->width};
    size_t filter[2], pad[2], stride[2], dilation[2];
    for (int i = 0; i < 2; i++) {
        filter[i] = (size_t)p->kernel[i];
        stride[i] = (size_t)(p->strides[i] ? p->strides[i] : 1);
        dilation[i] = (size_t)(p->dilation_rate[i] ? p->dilation_rate[i] : 1);
        pad[i] = (size_t)r->c->before[i];
    }
    for (long i = 0; i < calls; i++)
        if (CLBlastSconvgemm(CLBlastKernelModeCrossCorrelation, (size_t)p->channels, size[0],
                             size[1], filter[0], filter[1], pad[0], pad[1], stride[0], stride[1],
                             dilation[0], dilation[1], (size_t)p->filters, (size_t)p->batch, r->x,
                             0, r->w, 0, r->y, 0, &queue, NULL) != CLBlastSuccess)
            return CLCNN_STATUS_DEVICE;
    return clcnn_device_finish(r->device);
}

static void destroy(void *context)
{
    struct convgemm_run *r = context;
    cl_mem memory[] = {r->x, r->w, r->y};
    for (int i = 0; i < 3; i++)
        if (memory[i])
            clReleaseMemObject(memory[i]);
    free(r);
}

/* `count` zeros. */
static cl_mem make(struct clcnn_device *device, int64_t count)
{
    cl_int error = CL_SUCCESS;
    size_t bytes = (size_t)count * sizeof(float);
    float *zeros = calloc((size_t)count, sizeof(float));
    cl_mem memory =
        zeros ? clCreateBuffer(clcnn_device_cl_context(device),
                               CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, zeros, &error)
              : NULL;
    free(zeros);
    return memory;
}

/* It pads both sides alike, and all of what it pads counts. */
static bool can(const struct conv_case *c)
{
    const struct clcnn_conv2d_params *p = &c->params;
    for (int i = 0; i < 2; i++) {
        int stride = p->strides[i] ? p->strides[i] : 1, more = c->before[i] - c->after[i];
        if (more < 0 || more >= stride)
            return false;
    }
    return c->phase == CLCNN_CONV2D_PHASE_FORWARD && p->groups <= 1;
}

int convgemm_racers(struct clcnn_device *device, const struct conv_case *c, struct racer racers[1])
{
    const struct clcnn_conv2d_params *p = &c->params;
    struct convgemm_run *r = can(c) ? calloc(1, sizeof(*r)) : NULL;
    if (!r)
        return 0;
    r->c = c;
    r->device = device;
    r->x = make(device, (int64_t)p->batch * p->height * p->width * p->channels);
    r->w = make(device, (int64_t)p->filters * p->kernel[0] * p->kernel[1] * p->channels);
    r->y = make(device, (int64_t)p->batch * c->output[0] * c->output[1] * p->filters);
    racers[0] = (struct racer){.name = "convgemm", .run = run, .destroy = destroy, .context = r};
    if (r->x && r->w && r->y)
        return 1;
    race_clear(racers, 1);
    return 0;
}
