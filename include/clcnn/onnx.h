/* ONNX: networks in and out of the format that other frameworks write and read.
 *
 * A file is read on the host alone: no device is needed. Its graph becomes a finished model
 * (<clcnn/model.h>) that sessions run: shape arithmetic is folded, batch normalisation goes into
 * the convolution before it, dropout and identity vanish, and images are kept channels-last, so
 * that transposes are left at the borders alone. Inputs and outputs keep the file's names, shapes
 * and order of axes.
 *
 * Opsets 1 to 22 of the domain "ai.onnx". What is not supported is one error that lists all nodes
 * in question. float32, float16 (read as float32; `storage` of a session may keep it in halves) and
 * float64 (narrowed, with a log line of the topic "io"); integers and truth values where shapes,
 * indices and masks need them.
 *
 * Where the library was built without ONNX every function here is UNSUPPORTED. Functions are
 * thread-safe.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_ONNX_H
#define CLCNN_ONNX_H

#include <clcnn/model.h>
#include <clcnn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is known beforehand of one input of the graph. */
struct clcnn_onnx_input {
    const char *name; /* NULL: the graph's input at this place in the list */
    /* The shape, where the file leaves dimensions open; NULL = the file's, the first one 1 if it is
     * open. */
    const struct clcnn_shape *shape;
    /* Its value (and shape). An operator that must know an input while the graph is built, as
     * Reshape its target shape, reads it here; such an input is a constant of the model, not an
     * input. Others stay inputs. NULL = unknown. */
    const struct clcnn_tensor *value;
};

struct clcnn_onnx_params {
    const struct clcnn_onnx_input *inputs;
    int input_count;
    /* Where external data lies; files outside of it are refused. NULL: the model's directory; of a
     * model in memory, none. */
    const char *directory;
    /* Most bytes that weights and constants together may take; 0 = 16 GiB. */
    size_t max_bytes;
};

/* Reads a network. params NULL = the defaults. The model is finished; the caller destroys it. Where
 * every layer works image by image the model takes any number of them (its shapes begin with
 * CLCNN_DIM_BATCH), otherwise the sizes it was loaded with.
 *
 * Errors: INVALID_ARGUMENT (arguments; an input whose shape is open and not given), IO, FORMAT
 * (damaged, cyclic, or sizes, shapes and types that do not fit; the message names the node, its
 * operator and the rule), UNSUPPORTED (the message lists every node that is not supported, and
 * why), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status
clcnn_onnx_load(const char *path, const struct clcnn_onnx_params *params, struct clcnn_model **out);
CLCNN_API enum clcnn_status clcnn_onnx_load_memory(const void *data, size_t size,
                                                   const struct clcnn_onnx_params *params,
                                                   struct clcnn_model **out);

/* Writes a model with its weights, built or read, trained or not, as ONNX (opset 17, IR version 8).
 * In the file images have channels first, as everywhere in ONNX: filters, and the weights behind a
 * flattened image, are laid out anew so that results agree. Inputs and outputs keep the model's
 * names, shapes and order of axes (a channels-last input is followed by a Transpose); an open batch
 * is the dimension "N". Nodes are named after layers ("conv2d", and "conv2d/relu" for its
 * activation), weights as those of the model. Dropout is written and does nothing at inference.
 *
 * What clcnn_onnx_load reads back gives the same bits, but for functions that opset 17 lacks (gelu,
 * mish, a product and a sum in one step), which are written as several nodes.
 *
 * A file is written whole or not at all, as by clcnn_model_save_weights; *data is freed with
 * clcnn_free.
 * Requires: a finished model. Errors: INVALID_ARGUMENT; UNSUPPORTED (the message lists every layer
 * that ONNX has no operator for; or more than 2^31-1 bytes, the most that a file may have); IO;
 * OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_onnx_save(const struct clcnn_model *model, const char *path);
CLCNN_API enum clcnn_status clcnn_onnx_save_memory(const struct clcnn_model *model, void **data,
                                                   size_t *size);

/* Reads a file that holds one tensor (TensorProto), such as input_0.pb of the ONNX backend tests:
 * floating-point types as FLOAT32, bool as UINT8, integers as INT64. *name (may be NULL) is freed
 * with clcnn_free, and empty where the file has none.
 * Errors: INVALID_ARGUMENT, IO, FORMAT, UNSUPPORTED (another type), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_onnx_read_tensor(const char *path, struct clcnn_tensor **out,
                                                   char **name);

#ifdef __cplusplus
}
#endif
#endif
