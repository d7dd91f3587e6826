/* In place of ONNX where its messages or the library that unpacks them are missing. */
#include "base/status.h"
#include <clcnn/onnx.h>

static enum clcnn_status fail(void)
{
    return clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                      "onnx: compiled without protobuf-c or without onnx.proto");
}

enum clcnn_status clcnn_onnx_load(const char *path, const struct clcnn_onnx_params *params,
                                  struct clcnn_model **out)
{
    (void)path;
    (void)params;
    if (out)
        *out = NULL;
    return fail();
}

enum clcnn_status clcnn_onnx_load_memory(const void *data, size_t size,
                                         const struct clcnn_onnx_params *params,
                                         struct clcnn_model **out)
{
    (void)data;
    (void)size;
    (void)params;
    if (out)
        *out = NULL;
    return fail();
}

enum clcnn_status clcnn_onnx_save(const struct clcnn_model *model, const char *path)
{
    (void)model;
    (void)path;
    return fail();
}

enum clcnn_status clcnn_onnx_save_memory(const struct clcnn_model *model, void **data, size_t *size)
{
    (void)model;
    if (data)
        *data = NULL;
    if (size)
        *size = 0;
    return fail();
}

enum clcnn_status clcnn_onnx_read_tensor(const char *path, struct clcnn_tensor **out, char **name)
{
    (void)path;
    if (out)
        *out = NULL;
    if (name)
        *name = NULL;
    return fail();
}
