/* From bytes to a model. */
#include "base/log.h"
#include "io/file.h"
#include "io/onnx/import.h"
#include "io/onnx/wire.h"
#include <stdlib.h>
#include <string.h>

/* What an open batch is taken for while the graph is read: a size that no other dimension is likely
 * to have, so that it can be told from them. */
#define PROBE_BATCH 7

static const char *model_name(const Clcnn__ModelProto *proto)
{
    const char *name = proto->graph->name;
    return name && *name && strlen(name) <= 255 ? name : "model";
}

static void clear(struct clcnn_onnx_import *import)
{
    for (size_t i = 0; i < import->constant_count; i++)
        clcnn_tensor_destroy(&import->constants[i]);
    free(import->constants);
    free(import->names);
    clcnn_text_clear(&import->unsupported);
    clcnn_model_destroy(&import->model);
}

static enum clcnn_status import(const Clcnn__ModelProto *proto,
                                const struct clcnn_onnx_params *params, const char *directory,
                                int64_t batch, bool *open_batch, struct clcnn_model **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t most = (size_t)1 << 34;
    struct clcnn_onnx_import import = {
        .graph = proto->graph,
        .params = params,
        .directory = directory,
        .batch = batch,
        .bytes_left = params->max_bytes ? params->max_bytes : most,
    };
    struct clcnn_model_params name = {.name = model_name(proto)};
    if (clcnn_model_create(&name, &import.model) != CLCNN_STATUS_OK)
        TRY(clcnn_model_create(NULL, &import.model));
    status = clcnn_onnx_import_graph(&import, proto);
    *open_batch = import.open_batch;
    TRY(status);
    if (import.narrowed)
        clcnn_logf(CLCNN_LOG_WARNING, "io", "onnx: float64 is computed as float32");
    *out = import.model;
    import.model = NULL;
done:
    clear(&import);
    return status;
}

/* With an open batch it is read with an unlikely one first. If that does not work image by image,
 * or constants of the graph do not fit it, the batch is 1. */
static enum clcnn_status import_any_batch(const Clcnn__ModelProto *proto,
                                          const struct clcnn_onnx_params *params,
                                          const char *directory, struct clcnn_model **out)
{
    bool open = false;
    enum clcnn_status status = import(proto, params, directory, PROBE_BATCH, &open, out);
    if (!open || (status == CLCNN_STATUS_OK && (*out)->batched))
        return status;
    clcnn_model_destroy(out);
    return import(proto, params, directory, 1, &open, out);
}

static enum clcnn_status load(const unsigned char *data, size_t size,
                              const struct clcnn_onnx_params *params, const char *directory,
                              struct clcnn_model **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    Clcnn__ModelProto *proto = NULL;
    TRY(clcnn_onnx_check_wire(&clcnn__model_proto__descriptor, data, size));
    proto = clcnn__model_proto__unpack(NULL, size, data);
    if (!proto)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "not an ONNX model: a field of it is damaged"));
    if (!proto->graph)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "not an ONNX model: it has no graph"));
    TRY(import_any_batch(proto, params, directory, out));
done:
    clcnn__model_proto__free_unpacked(proto, NULL);
    return status;
}

static const struct clcnn_onnx_params defaults;

enum clcnn_status clcnn_onnx_load_memory(const void *data, size_t size,
                                         const struct clcnn_onnx_params *params,
                                         struct clcnn_model **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    params = params ? params : &defaults;
    REQUIRE(out, "onnx: out is NULL");
    *out = NULL;
    REQUIRE(data || size == 0, "onnx: data is NULL");
    REQUIRE(params->input_count >= 0 && (params->inputs || params->input_count == 0),
            "onnx: %d inputs, or no list of them", params->input_count);
    TRY(load(data, size, params, params->directory, out));
done:
    return status;
}

static enum clcnn_status directory_of(const char *path, char **out)
{
    const char *slash = strrchr(path, '/');
    enum clcnn_status status = clcnn_copy_string(slash ? path : ".", out);
    if (status == CLCNN_STATUS_OK && slash)
        (*out)[slash - path + (slash == path)] = '\0';
    return status;
}

enum clcnn_status clcnn_onnx_load(const char *path, const struct clcnn_onnx_params *params,
                                  struct clcnn_model **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_params own = params ? *params : defaults;
    unsigned char *data = NULL;
    char *directory = NULL;
    size_t size = 0;
    REQUIRE(out, "onnx: out is NULL");
    *out = NULL;
    REQUIRE(path && *path, "onnx: the path is NULL or empty");
    TRY(clcnn_file_read_whole(path, INT32_MAX, &data, &size));
    if (!own.directory) {
        TRY(directory_of(path, &directory));
        own.directory = directory;
    }
    status = clcnn_fail_prefix(clcnn_onnx_load_memory(data, size, &own, out), "%s: ", path);
done:
    free(directory);
    free(data);
    return status;
}

/* ---- one tensor ------------------------------------------------------------------------------ */

static enum clcnn_status truth_to_bytes(struct clcnn_tensor **tensor)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *bytes = NULL;
    TRY(clcnn_tensor_create(CLCNN_DTYPE_UINT8, clcnn_tensor_shape(*tensor), &bytes));
    const int64_t *from = clcnn_tensor_const_data(*tensor);
    for (int64_t i = 0; i < clcnn_tensor_count(bytes); i++)
        ((uint8_t *)clcnn_tensor_data(bytes))[i] = from[i] != 0;
    clcnn_tensor_destroy(tensor);
    *tensor = bytes;
done:
    return status;
}

static enum clcnn_status unpack(const unsigned char *data, size_t size, struct clcnn_tensor **out,
                                char **name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_import import = {.params = &defaults, .bytes_left = (size_t)1 << 34};
    Clcnn__TensorProto *proto = NULL;
    TRY(clcnn_onnx_check_wire(&clcnn__tensor_proto__descriptor, data, size));
    proto = clcnn__tensor_proto__unpack(NULL, size, data);
    if (!proto)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "not an ONNX tensor: a field of it is damaged"));
    TRY(clcnn_onnx_unpack_tensor(&import, proto, out));
    if (proto->data_type == CLCNN_ONNX_BOOL)
        TRY(truth_to_bytes(out));
    if (name)
        TRY(clcnn_copy_string(proto->name ? proto->name : "", name));
done:
    if (status != CLCNN_STATUS_OK)
        clcnn_tensor_destroy(out);
    clcnn__tensor_proto__free_unpacked(proto, NULL);
    return status;
}

enum clcnn_status clcnn_onnx_read_tensor(const char *path, struct clcnn_tensor **out, char **name)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    unsigned char *data = NULL;
    size_t size = 0;
    REQUIRE(out, "onnx: out is NULL");
    *out = NULL;
    if (name)
        *name = NULL;
    REQUIRE(path && *path, "onnx: the path is NULL or empty");
    TRY(clcnn_file_read_whole(path, INT32_MAX, &data, &size));
    status = clcnn_fail_prefix(unpack(data, size, out, name), "%s: ", path);
done:
    free(data);
    return status;
}
