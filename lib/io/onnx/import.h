/* Reading an ONNX graph: what the files of the reader share.
 *
 * A value of the graph is a view of a layer's output or of a host tensor (a constant), in the
 * file's order of axes. Operators that only move elements (Reshape, Transpose, Slice, Split,
 * Squeeze, Expand ...) change the view and make no layer. Operators that compute take their inputs
 * in the order of memory that suits them, convolution and pooling channels-last, and clcnn_onnx_lay
 * inserts a copy only where a view is something else.
 *
 * An operator whose inputs are all constants is computed on the host (fold.c). */
#ifndef CLCNN_IO_ONNX_IMPORT_H
#define CLCNN_IO_ONNX_IMPORT_H

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "io/onnx/onnx.pb-c.h"
#include "model/assemble.h"
#include <clcnn/onnx.h>

#define CLCNN_ONNX_LAST_OPSET 22

enum clcnn_onnx_type { /* TensorProto.DataType */
                       CLCNN_ONNX_FLOAT = 1,
                       CLCNN_ONNX_UINT8 = 2,
                       CLCNN_ONNX_INT8 = 3,
                       CLCNN_ONNX_UINT16 = 4,
                       CLCNN_ONNX_INT16 = 5,
                       CLCNN_ONNX_INT32 = 6,
                       CLCNN_ONNX_INT64 = 7,
                       CLCNN_ONNX_STRING = 8,
                       CLCNN_ONNX_BOOL = 9,
                       CLCNN_ONNX_FLOAT16 = 10,
                       CLCNN_ONNX_DOUBLE = 11,
                       CLCNN_ONNX_UINT32 = 12,
                       CLCNN_ONNX_UINT64 = 13,
                       CLCNN_ONNX_COMPLEX64 = 14,
                       CLCNN_ONNX_COMPLEX128 = 15,
                       CLCNN_ONNX_BFLOAT16 = 16,
};

/* A value: its elements are those of `view` in row-major order, and `shape` says how they are
 * numbered; the sizes of the view may be others (a Reshape that no strides can say). Constants on
 * the host are FLOAT32 or INT64, whatever `type` says. */
struct clcnn_onnx_value {
    const char *name; /* the file's; NULL: an input that is left out */
    int type;         /* enum clcnn_onnx_type */
    struct clcnn_shape shape;
    struct clcnn_view view;
    int layer;    /* -1: a constant */
    int constant; /* index in the import's constants; -1: none */
    int readers;  /* how often the graph reads it, as an output too */
};

/* What the file says of a name. */
struct clcnn_onnx_name {
    const char *name;
    int order;          /* -1: known from the start; else the node that makes it */
    int readers, left;  /* how many read it, and how many of these are still to come */
    bool ready, failed; /* failed: it comes from a node that is not supported */
    struct clcnn_onnx_value value;
    const Clcnn__TensorProto *initializer; /* not unpacked yet */
};

struct clcnn_onnx_import {
    const Clcnn__GraphProto *graph;
    const struct clcnn_onnx_params *params;
    const char *directory; /* of external data; NULL = none */
    int64_t opset, batch;  /* batch: what an open first dimension is taken for */
    bool open_batch;       /* some first dimension was open */
    bool narrowed;         /* float64 was met */
    struct clcnn_model *model;
    struct clcnn_onnx_name *names; /* sorted */
    size_t name_count;
    struct clcnn_tensor **constants;
    size_t constant_count, constant_capacity;
    size_t bytes_left;
    struct clcnn_text unsupported;
    int unsupported_count;
};

struct clcnn_onnx_node {
    struct clcnn_onnx_import *import;
    const Clcnn__NodeProto *proto;
    const struct clcnn_onnx_operator *op;
    const char *name; /* of the node, or of its first output */
    int64_t opset;
    struct clcnn_onnx_value *inputs, *outputs;
    int input_count, output_count;
    enum clcnn_status error; /* the first wrong attribute's */
};

/* A row of ops.inc. Errors of `run`: FORMAT for what breaks a rule of ONNX, UNSUPPORTED for what is
 * legal and cannot be done: the node is then listed, and the reading goes on to find others. */
struct clcnn_onnx_operator {
    const char *type;
    int since, until; /* opsets */
    int least, most;  /* inputs; most < 0: any number */
    enum clcnn_status (*run)(struct clcnn_onnx_node *node);
};

#define NODE_REQUIRE(condition, ...)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            TRY(clcnn_fail(CLCNN_STATUS_FORMAT, __VA_ARGS__));                                     \
    } while (0)
#define NODE_SUPPORTS(condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, __VA_ARGS__));                                \
    } while (0)

/* ---- attributes.c ---------------------------------------------------------------------------- */

/* An attribute, or `fallback` if it is not there. One of another type, or a list of another length
 * than `count` (0 = any), is node->error, which the caller of the operator looks at. */
int64_t clcnn_onnx_int(struct clcnn_onnx_node *node, const char *name, int64_t fallback);
float clcnn_onnx_float(struct clcnn_onnx_node *node, const char *name, float fallback);
/* NULL if it is not there. */
const int64_t *clcnn_onnx_ints(struct clcnn_onnx_node *node, const char *name, size_t *count);
const Clcnn__TensorProto *clcnn_onnx_tensor(struct clcnn_onnx_node *node, const char *name);
bool clcnn_onnx_has_attribute(const struct clcnn_onnx_node *node, const char *name);
/* The index of the attribute in `words`, which ends in NULL; 0 if it is not there, -1 if it is
 * another word. */
int clcnn_onnx_word(struct clcnn_onnx_node *node, const char *name, const char *const *words);
const Clcnn__AttributeProto *clcnn_onnx_attribute(const struct clcnn_onnx_node *node,
                                                  const char *name);

/* ---- names.c --------------------------------------------------------------------------------- */

/* Collects what the graph defines and counts who reads it. Errors: FORMAT (a name twice, a graph
 * that is not sorted or has a cycle, a name that nobody defines), OUT_OF_MEMORY. */
enum clcnn_status clcnn_onnx_collect_names(struct clcnn_onnx_import *import);
struct clcnn_onnx_name *clcnn_onnx_find_name(const struct clcnn_onnx_import *import,
                                             const char *name);

/* ---- tensors.c ------------------------------------------------------------------------------- */

/* A tensor of the file as FLOAT32 or INT64. Errors: FORMAT, UNSUPPORTED (its type), IO,
 * OUT_OF_MEMORY. */
enum clcnn_status clcnn_onnx_unpack_tensor(struct clcnn_onnx_import *import,
                                           const Clcnn__TensorProto *proto,
                                           struct clcnn_tensor **out);
/* "float", "int64" ... of an element type; "type 99" is "unknown". */
const char *clcnn_onnx_type_name(int type);
/* Numbers that the host keeps as FLOAT32. */
static inline bool clcnn_onnx_is_float(int type)
{
    return type == CLCNN_ONNX_FLOAT || type == CLCNN_ONNX_FLOAT16 || type == CLCNN_ONNX_DOUBLE ||
           type == CLCNN_ONNX_BFLOAT16;
}

/* ---- values.c -------------------------------------------------------------------------------- */

struct clcnn_shape clcnn_onnx_shape_of_view(const struct clcnn_view *view);
int64_t clcnn_onnx_count(const struct clcnn_onnx_value *value);
static inline bool clcnn_onnx_given(const struct clcnn_onnx_node *node, int input)
{
    return input < node->input_count && node->inputs[input].name;
}

/* `shape` in words, for messages: "(1, 3, 224, 224)". */
struct clcnn_onnx_words {
    char text[160];
};
struct clcnn_onnx_words clcnn_onnx_shape_words(const struct clcnn_shape *shape);

/* Whether both have the same sizes. */
bool clcnn_onnx_same_shape(const struct clcnn_shape *a, const struct clcnn_shape *b);

/* An axis of `rank`, negative ones from the end. Errors: FORMAT. */
enum clcnn_status clcnn_onnx_axis(int64_t axis, int rank, int *out);

/* A view whose sizes are the value's shape, by a copy if there must be one. */
enum clcnn_status clcnn_onnx_plain(struct clcnn_onnx_node *node, struct clcnn_onnx_value *value);

/* The axes of the view, outermost in memory first. */
void clcnn_onnx_memory_order(const struct clcnn_view *view, int order[CLCNN_MAX_RANK]);
/* Whether the view's elements are all of a layer's or tensor's `count`, each once, without gaps,
 * in the order of memory that `order` gives its axes (NULL: row-major). */
bool clcnn_onnx_lies(const struct clcnn_view *view, const int *order, int64_t count);

/* The layer whose whole output is the value with its axes in this order, dense (NULL: as written):
 * the value's own, or a copy. Constants become layers. */
enum clcnn_status clcnn_onnx_lay(struct clcnn_onnx_node *node, const struct clcnn_onnx_value *value,
                                 const int *order, int *layer);

/* A copy of a layer whose whole output is the value as it is written. */
enum clcnn_status clcnn_onnx_copy(struct clcnn_onnx_node *node,
                                  const struct clcnn_onnx_value *value, int source, int *layer);

/* A constant's elements in its own order; owned by the import. */
enum clcnn_status clcnn_onnx_floats(struct clcnn_onnx_import *import,
                                    const struct clcnn_onnx_value *value, const float **out);
enum clcnn_status clcnn_onnx_integers(struct clcnn_onnx_import *import,
                                      const struct clcnn_onnx_value *value, const int64_t **out);

/* Whether the value is known now; an input whose value the caller gave becomes a constant. */
bool clcnn_onnx_known(struct clcnn_onnx_import *import, struct clcnn_onnx_value *value);

/* Input `index` as integers or floats that must be known: UNSUPPORTED with the parameter's name
 * otherwise. */
enum clcnn_status clcnn_onnx_need_integers(struct clcnn_onnx_node *node, int index,
                                           const char *what, const int64_t **out, int64_t *count);
enum clcnn_status clcnn_onnx_need_floats(struct clcnn_onnx_node *node, int index, const char *what,
                                         const float **out, int64_t *count);

/* The type on the device; UNSUPPORTED for those that it does not compute with. */
enum clcnn_status clcnn_onnx_device_type(int type, enum clcnn_dtype *out);

/* Output `index` is a constant (the tensor is taken over, also on failure). */
enum clcnn_status clcnn_onnx_output_constant(struct clcnn_onnx_node *node, int index, int type,
                                             struct clcnn_tensor **tensor);
/* A constant of `count` elements or of a shape, from the bytes that are left. */
enum clcnn_status clcnn_onnx_new_tensor(struct clcnn_onnx_import *import, enum clcnn_dtype dtype,
                                        const struct clcnn_shape *shape, struct clcnn_tensor **out);
enum clcnn_status clcnn_onnx_keep_constant(struct clcnn_onnx_import *import, int type,
                                           struct clcnn_tensor **tensor,
                                           struct clcnn_onnx_value *value);

/* ---- layers.c -------------------------------------------------------------------------------- */

/* Appends a layer named after the node. */
enum clcnn_status clcnn_onnx_add_layer(struct clcnn_onnx_node *node,
                                       const struct clcnn_layer *layer, const int *inputs,
                                       const struct clcnn_view *views, int input_count, int *index);
enum clcnn_status clcnn_onnx_add_weight(struct clcnn_onnx_node *node, const char *part,
                                        struct clcnn_tensor **tensor, int *index);

/* Output `index` is the whole output of `layer`, whose axes in memory are those of `shape` in this
 * order (NULL: as written). */
void clcnn_onnx_output_layer(struct clcnn_onnx_node *node, int index, int layer,
                             const struct clcnn_shape *shape, const int *order, int type);
/* Output `index` has the elements of `value` in the order of `view`. */
void clcnn_onnx_output_view(struct clcnn_onnx_node *node, int index,
                            const struct clcnn_onnx_value *value, const struct clcnn_view *view);

/* Whether a value is an input or the output of a layer that nothing else reads, of this kind. */
struct clcnn_layer *clcnn_onnx_sole_layer(const struct clcnn_onnx_node *node,
                                          const struct clcnn_onnx_value *value,
                                          enum clcnn_layer_kind kind);

/* Output 0 = f(inputs), element by element and broadcast. `values` are plain. */
enum clcnn_status clcnn_onnx_map(struct clcnn_onnx_node *node, const struct clcnn_map_params *map,
                                 const struct clcnn_onnx_value *values, int count, int type);

/* Output 0 = the inputs one after another along `axis`, of the shape `shape` altogether: as a
 * layer, or on the host if all are constants. */
enum clcnn_status clcnn_onnx_join(struct clcnn_onnx_node *node, int axis,
                                  const struct clcnn_shape *shape);
enum clcnn_status clcnn_onnx_join_constants(struct clcnn_onnx_node *node, int axis,
                                            const struct clcnn_shape *shape);

/* Output 0, made already, with zeros behind its axes (or cut there) to the given sizes. */
enum clcnn_status clcnn_onnx_fit(struct clcnn_onnx_node *node, const struct clcnn_shape *shape);

/* Channels-last order for a rank: 0, 2, 3 ..., 1. */
const int *clcnn_onnx_channels_last(int rank);

/* ---- fold.c ---------------------------------------------------------------------------------- */

/* Computes an element-by-element function of constants on the host; false if it is none that is
 * known there. */
enum clcnn_status clcnn_onnx_fold_map(struct clcnn_onnx_node *node,
                                      const struct clcnn_map_params *map,
                                      const struct clcnn_onnx_value *values, int count, int type,
                                      bool *folded);

/* ---- operators ------------------------------------------------------------------------------- */

const struct clcnn_onnx_operator *clcnn_onnx_find_operator(const char *type, int64_t opset);
#define OPERATOR(type, since, until, least, most, function)                                        \
    enum clcnn_status function(struct clcnn_onnx_node *node);
#include "io/onnx/ops.inc"
#undef OPERATOR

/* ---- between load.c and import.c ------------------------------------------------------------- */

enum clcnn_status clcnn_onnx_import_graph(struct clcnn_onnx_import *import,
                                          const Clcnn__ModelProto *proto);

#endif
