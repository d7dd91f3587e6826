/* Constants on the host: their memory, and their elements in row-major order. */
#include "io/onnx/import.h"
#include <string.h>

enum clcnn_status clcnn_onnx_new_tensor(struct clcnn_onnx_import *import, enum clcnn_dtype dtype,
                                        const struct clcnn_shape *shape, struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t count = clcnn_shape_count(shape);
    size_t bytes = 0;
    if (count < 0 || !clcnn_multiply((size_t)count, clcnn_dtype_size(dtype), &bytes) ||
        bytes > import->bytes_left)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY,
                       "a constant of %s has more bytes than the %zu that are left of max_bytes",
                       clcnn_onnx_shape_words(shape).text, import->bytes_left));
    TRY(clcnn_tensor_create(dtype, shape, out));
    import->bytes_left -= bytes;
done:
    return status;
}

enum clcnn_status clcnn_onnx_keep_constant(struct clcnn_onnx_import *import, int type,
                                           struct clcnn_tensor **tensor,
                                           struct clcnn_onnx_value *value)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_grow(&import->constants, &import->constant_capacity, import->constant_count + 1,
                   sizeof(*import->constants)));
    value->type = type;
    value->shape = *clcnn_tensor_shape(*tensor);
    value->layer = -1;
    value->constant = (int)import->constant_count;
    TRY(clcnn_view_dense(&value->shape, &value->view));
    import->constants[import->constant_count++] = *tensor;
    *tensor = NULL;
done:
    clcnn_tensor_destroy(tensor);
    return status;
}

enum clcnn_status clcnn_onnx_output_constant(struct clcnn_onnx_node *node, int index, int type,
                                             struct clcnn_tensor **tensor)
{
    if (index < node->output_count)
        return clcnn_onnx_keep_constant(node->import, type, tensor, &node->outputs[index]);
    clcnn_tensor_destroy(tensor);
    return CLCNN_STATUS_OK;
}

bool clcnn_onnx_known(struct clcnn_onnx_import *import, struct clcnn_onnx_value *value)
{
    if (value->layer < 0)
        return true;
    if (import->model->layers[value->layer].kind != CLCNN_LAYER_INPUT)
        return false;
    for (int i = 0; i < import->model->input_count; i++) {
        const struct clcnn_model_port *port = &import->model->inputs[i];
        struct clcnn_onnx_name *name = clcnn_onnx_find_name(import, port->name);
        if (port->layer != value->layer || !name || name->value.constant < 0)
            continue;
        name->value.layer = -1; /* no input any more */
        value->layer = -1;
        value->constant = name->value.constant;
        return true;
    }
    return false;
}

/* ---- elements -------------------------------------------------------------------------------- */

static void copy_row(const char *from, int64_t stride, int64_t count, size_t size, char *to)
{
    if (stride == 1)
        memcpy(to, from, (size_t)count * size);
    else if (size == 4)
        for (int64_t i = 0; i < count; i++)
            memcpy(to + 4 * i, from + 4 * i * stride, 4);
    else
        for (int64_t i = 0; i < count; i++)
            memcpy(to + 8 * i, from + 8 * i * stride, 8);
}

/* The elements of a view of 4- or 8-byte elements in row-major order. */
static void gather(const struct clcnn_view *view, size_t size, const char *from, char *to)
{
    int64_t index[CLCNN_MAX_RANK] = {0}, at = view->offset, count = clcnn_view_count(view);
    int last = view->rank - 1;
    int64_t row = view->rank ? view->size[last] : 1, stride = view->rank ? view->stride[last] : 1;
    for (int64_t done = 0; done < count; done += row) {
        copy_row(from + at * (int64_t)size, stride, row, size, to + done * (int64_t)size);
        for (int i = last - 1; i >= 0; i--) {
            at += view->stride[i];
            if (++index[i] < view->size[i])
                break;
            at -= index[i] * view->stride[i];
            index[i] = 0;
        }
    }
}

static enum clcnn_status elements(struct clcnn_onnx_import *import,
                                  const struct clcnn_onnx_value *value, enum clcnn_dtype dtype,
                                  const void **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *dense = NULL;
    struct clcnn_onnx_value kept;
    const struct clcnn_tensor *tensor = import->constants[value->constant];
    int64_t count = clcnn_onnx_count(value);
    NODE_REQUIRE(clcnn_tensor_dtype(tensor) == dtype, "'%s' is of the type %s",
                 value->name ? value->name : "", clcnn_onnx_type_name(value->type));
    if (!clcnn_onnx_lies(&value->view, NULL, clcnn_tensor_count(tensor)) ||
        count != clcnn_tensor_count(tensor)) {
        TRY(clcnn_onnx_new_tensor(import, dtype, &value->shape, &dense));
        gather(&value->view, clcnn_dtype_size(dtype), clcnn_tensor_const_data(tensor),
               clcnn_tensor_data(dense));
        *out = clcnn_tensor_data(dense);
        TRY(clcnn_onnx_keep_constant(import, value->type, &dense, &kept));
        return status;
    }
    *out = clcnn_tensor_const_data(tensor);
done:
    clcnn_tensor_destroy(&dense);
    return status;
}

enum clcnn_status clcnn_onnx_floats(struct clcnn_onnx_import *import,
                                    const struct clcnn_onnx_value *value, const float **out)
{
    return elements(import, value, CLCNN_DTYPE_FLOAT32, (const void **)out);
}

enum clcnn_status clcnn_onnx_integers(struct clcnn_onnx_import *import,
                                      const struct clcnn_onnx_value *value, const int64_t **out)
{
    return elements(import, value, CLCNN_DTYPE_INT64, (const void **)out);
}

static enum clcnn_status need(struct clcnn_onnx_node *node, int index, const char *what,
                              int64_t *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_value *value = &node->inputs[index];
    NODE_REQUIRE(clcnn_onnx_given(node, index), "its input %d ('%s') is missing", index, what);
    NODE_SUPPORTS(clcnn_onnx_known(node->import, value),
                  "its %s '%s' is computed or given at run time; it must be known when the model "
                  "is loaded",
                  what, value->name);
    *count = clcnn_onnx_count(value);
done:
    return status;
}

enum clcnn_status clcnn_onnx_need_integers(struct clcnn_onnx_node *node, int index,
                                           const char *what, const int64_t **out, int64_t *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(need(node, index, what, count));
    TRY(clcnn_onnx_integers(node->import, &node->inputs[index], out));
done:
    return status;
}

enum clcnn_status clcnn_onnx_need_floats(struct clcnn_onnx_node *node, int index, const char *what,
                                         const float **out, int64_t *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(need(node, index, what, count));
    TRY(clcnn_onnx_floats(node->import, &node->inputs[index], out));
done:
    return status;
}
