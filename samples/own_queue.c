/* One convolution in an application that owns its OpenCL context, queue and memory:
 * a 3x3 box blur of an 8x8 image, on the application's queue, between its own commands. */
#include <clcnn/clcnn.h>
#include <clcnn/opencl.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s failed: %s\n", what, clcnn_error_message());
    exit(1);
}

enum { SIZE = 8, IMAGE = SIZE * SIZE };

/* A convolution that blurs a gray image, forward alone. */
static struct clcnn_conv2d *blur(struct clcnn_device *device)
{
    struct clcnn_conv2d_params params = {.batch = 1,
                                         .height = SIZE,
                                         .width = SIZE,
                                         .channels = 1,
                                         .filters = 1,
                                         .kernel = {3, 3},
                                         .padding = CLCNN_PADDING_SAME,
                                         .phases = 1u << CLCNN_CONV2D_PHASE_FORWARD};
    struct clcnn_conv2d *conv = NULL;
    check(!clcnn_conv2d_create(device, &params, &conv), "conv2d");
    return conv;
}

int main(void)
{
    float image[IMAGE] = {[27] = 9, [36] = 18}, filter[9] = {0}, blurred[IMAGE];
    for (int i = 0; i < 9; i++)
        filter[i] = 1.0f / 9.0f;

    /* The application's own objects. */
    cl_platform_id platform;
    cl_device_id id;
    check(clGetPlatformIDs(1, &platform, NULL) == CL_SUCCESS, "clGetPlatformIDs");
    check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &id, NULL) == CL_SUCCESS,
          "clGetDeviceIDs");
    cl_context context = clCreateContext(NULL, 1, &id, NULL, NULL, NULL);
    cl_command_queue queue = clCreateCommandQueue(context, id, 0, NULL);
    /* One block of memory: the image, the result and the filter one after another. */
    cl_mem memory = clCreateBuffer(context, CL_MEM_READ_WRITE,
                                   sizeof(image) + sizeof(blurred) + sizeof(filter), NULL, NULL);
    cl_event ready, done;
    check(context && queue && memory, "creating the OpenCL objects");
    clEnqueueWriteBuffer(queue, memory, CL_TRUE, sizeof(image) + sizeof(blurred), sizeof(filter),
                         filter, 0, NULL, NULL);
    clEnqueueWriteBuffer(queue, memory, CL_FALSE, 0, sizeof(image), image, 0, NULL, &ready);

    /* clcnn on top of them. */
    struct clcnn_device *device = NULL;
    struct clcnn_buffer *x = NULL, *y = NULL, *w = NULL, *workspace = NULL;
    check(!clcnn_device_import(&(struct clcnn_device_import_params){context, id, queue, {0}},
                               &device),
          "import");
    check(!clcnn_buffer_wrap(device, memory, 0, sizeof(image), &x), "wrap x");
    check(!clcnn_buffer_wrap(device, memory, sizeof(image), sizeof(blurred), &y), "wrap y");
    check(!clcnn_buffer_wrap(device, memory, sizeof(image) + sizeof(blurred), sizeof(filter), &w),
          "wrap w");
    struct clcnn_conv2d *conv = blur(device);
    size_t bytes = clcnn_conv2d_workspace_size(conv, CLCNN_CONV2D_PHASE_FORWARD);
    check(!bytes || !clcnn_buffer_create(device, bytes, &workspace), "workspace");

    /* Enqueued after `ready`; `done` is the application's to wait for. */
    struct clcnn_conv2d_args args = {.x = x, .w = w, .y = y, .workspace = workspace};
    check(!clcnn_conv2d_forward(conv, &args, &(struct clcnn_enqueue){queue, 1, &ready, &done}),
          "forward");
    clEnqueueReadBuffer(queue, memory, CL_TRUE, sizeof(image), sizeof(blurred), blurred, 1, &done,
                        NULL);
    for (int i = 0; i < IMAGE; i++)
        printf("%4.1f%s", (double)blurred[i], i % SIZE == SIZE - 1 ? "\n" : " ");

    clReleaseEvent(ready);
    clReleaseEvent(done);
    clcnn_conv2d_destroy(&conv);
    clcnn_buffer_destroy(&workspace);
    clcnn_buffer_destroy(&x);
    clcnn_buffer_destroy(&y);
    clcnn_buffer_destroy(&w);
    clcnn_device_destroy(&device);
    clReleaseMemObject(memory);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    return 0;
}
