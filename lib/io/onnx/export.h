/* Writing an ONNX graph: what the files of the writer share.
 *
 * Each layer becomes nodes whose last output is the layer's value. A value is written in one of two
 * orders of axes: as the layer lies in memory, or, for images (None, H, W, C) and the vectors that
 * they are flattened to, with channels first, as ONNX has them. The other order is made by a
 * Transpose when somebody asks for it; convolutions and what stands between them never do.
 *
 * Errors are sticky: after the first one (export->status) every function does nothing and values
 * are -1. What has no counterpart in ONNX is listed by clcnn_export_refuse, and the writing goes on
 * to find others. */
#ifndef CLCNN_IO_ONNX_EXPORT_H
#define CLCNN_IO_ONNX_EXPORT_H

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "io/onnx/onnx.pb-c.h"
#include "model/graph.h"
#include <clcnn/onnx.h>

#define CLCNN_EXPORT_OPSET 17
#define CLCNN_EXPORT_IR    8

enum clcnn_export_form {
    CLCNN_EXPORT_AS_IT_LIES,
    CLCNN_EXPORT_CHANNELS_FIRST,
    CLCNN_EXPORT_FORM_COUNT,
};

/* A layer's output: its value in each form, -1 where there is none yet. */
struct clcnn_export_written {
    int value[CLCNN_EXPORT_FORM_COUNT];
    int64_t image[3]; /* H, W, C of a flattened image that is written channels-first */
};

struct clcnn_export_node {
    Clcnn__NodeProto proto;
    int *inputs; /* values; -1: left out */
    int output;
    bool second; /* the value is the operator's second output */
};

struct clcnn_export {
    const struct clcnn_model *model;
    enum clcnn_status status;
    const struct clcnn_layer *layer; /* that is being written: new names begin with its name */
    struct clcnn_export_written *written;
    char **values; /* names */
    size_t value_count, value_capacity;
    struct clcnn_export_node **nodes;
    size_t node_count, node_capacity;
    Clcnn__TensorProto **tensors;
    size_t tensor_count, tensor_capacity;
    void **blocks; /* all that is freed at the end */
    size_t block_count, block_capacity;
    struct clcnn_text unsupported;
    int unsupported_count;
};

/* ---- export_emit.c --------------------------------------------------------------------------- */

/* Keeps the first error. True if all is well. */
bool clcnn_export_note(struct clcnn_export *e, enum clcnn_status status);
/* `count` zeroed elements that live as long as the export; NULL after an error. */
void *clcnn_export_keep(struct clcnn_export *e, size_t count, size_t size);
/* A value of this name, with a number behind it if the name is taken. */
int clcnn_export_new_value(struct clcnn_export *e, const char *name);

/* A node named after the layer, with "/part" behind it unless `part` is NULL; its output. */
int clcnn_export_emit(struct clcnn_export *e, const char *type, const char *part, const int *inputs,
                      int input_count);
/* Attributes of the last node. */
void clcnn_export_put_int(struct clcnn_export *e, const char *name, int64_t value);
void clcnn_export_put_float(struct clcnn_export *e, const char *name, float value);
void clcnn_export_put_ints(struct clcnn_export *e, const char *name, const int64_t *values,
                           size_t count);
void clcnn_export_put_word(struct clcnn_export *e, const char *name, const char *word);
/* Its value is its second output; the first is not used. */
void clcnn_export_second_output(struct clcnn_export *e);

/* Initialisers "<layer>/<part>". The data is not copied and must live as long as the export. */
int clcnn_export_put_tensor(struct clcnn_export *e, const char *part, enum clcnn_dtype dtype,
                            const struct clcnn_shape *shape, const void *data);
int clcnn_export_put_integers(struct clcnn_export *e, const char *part, const int64_t *values,
                              int count);
int clcnn_export_put_scalar(struct clcnn_export *e, const char *part, enum clcnn_dtype dtype,
                            double value);

/* TensorProto.DataType of a layer's type. */
int clcnn_export_type(enum clcnn_dtype dtype);

/* The layer cannot be written: one more line of the error. */
void clcnn_export_refuse(struct clcnn_export *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- export_forms.c -------------------------------------------------------------------------- */

/* The layer that is being written has this value. */
void clcnn_export_made(struct clcnn_export *e, enum clcnn_export_form form, int value);

/* A layer's value as it lies, made if it must be. */
int clcnn_export_as_it_lies(struct clcnn_export *e, int layer);
/* The same in a shape of as many elements. */
int clcnn_export_shaped(struct clcnn_export *e, int layer, const struct clcnn_shape *shape);
/* A layer that is an image H x W of C channels, channels first. */
int clcnn_export_image(struct clcnn_export *e, int layer, const int64_t image[3]);
/* All of a layer in this form; it has the shape of the layer that is being written. */
int clcnn_export_whole(struct clcnn_export *e, int layer, enum clcnn_export_form form);

/* A Reshape, unless the value has that shape already; CLCNN_DIM_BATCH stays as it is. */
int clcnn_export_reshape(struct clcnn_export *e, const char *part, int value,
                         const struct clcnn_shape *from, const struct clcnn_shape *to);
int clcnn_export_transpose(struct clcnn_export *e, const char *part, int value, const int *order,
                           int rank);

/* CHANNELS_FIRST if an input is there in it and all can be taken so: for layers that read others
 * whole, element by element or along channels. */
enum clcnn_export_form clcnn_export_form_of_inputs(const struct clcnn_export *e);

bool clcnn_export_shapes_equal(const struct clcnn_shape *a, const struct clcnn_shape *b);
/* Where an axis of memory stands in the form. */
int clcnn_export_axis_in(enum clcnn_export_form form, int axis);
/* The axes of memory in the order of CHANNELS_FIRST, and back. */
extern const int clcnn_export_to_first[4], clcnn_export_to_last[4];

/* ---- export_view.c --------------------------------------------------------------------------- */

/* The form of a layer on views that needs the fewest transposes. */
enum clcnn_export_form clcnn_export_form_of_views(struct clcnn_export *e);
/* What the layer reads of input `slot`, as a value whose axes are those of the layer's shape in
 * this form; dimensions that repeat one element have size 1. */
int clcnn_export_view(struct clcnn_export *e, int slot, enum clcnn_export_form form);
/* The same with all sizes. */
int clcnn_export_full_view(struct clcnn_export *e, int slot, enum clcnn_export_form form);
/* Sizes as a value; an open batch is that of the model's first input. */
int clcnn_export_sizes(struct clcnn_export *e, const struct clcnn_shape *shape);
/* The view of input `slot` in the form's order of axes. */
struct clcnn_view clcnn_export_view_in(const struct clcnn_export *e, int slot,
                                       enum clcnn_export_form form);
/* A constant's elements that the view reads (repeated dimensions have size 1), in a block that
 * lives as long as the export; *shape is theirs. */
const void *clcnn_export_constant_view(struct clcnn_export *e, int layer,
                                       const struct clcnn_view *view, struct clcnn_shape *shape);

/* ---- the kinds of layers --------------------------------------------------------------------- */

void clcnn_export_save_conv2d(struct clcnn_export *e);
void clcnn_export_save_pool2d(struct clcnn_export *e);
void clcnn_export_save_dense(struct clcnn_export *e);
void clcnn_export_save_flatten(struct clcnn_export *e);
void clcnn_export_save_activation(struct clcnn_export *e);
void clcnn_export_save_dropout(struct clcnn_export *e);
void clcnn_export_save_add(struct clcnn_export *e);
void clcnn_export_save_concatenate(struct clcnn_export *e);
void clcnn_export_save_constant(struct clcnn_export *e);
void clcnn_export_save_map(struct clcnn_export *e);
void clcnn_export_save_join(struct clcnn_export *e);
void clcnn_export_save_matmul(struct clcnn_export *e);
void clcnn_export_save_reduce(struct clcnn_export *e);
void clcnn_export_save_softmax(struct clcnn_export *e);
void clcnn_export_save_normalize(struct clcnn_export *e);
void clcnn_export_save_gather(struct clcnn_export *e);
void clcnn_export_save_resize(struct clcnn_export *e);
void clcnn_export_save_pool_nd(struct clcnn_export *e);
void clcnn_export_save_unpool(struct clcnn_export *e);
void clcnn_export_save_conv_nd(struct clcnn_export *e);

#endif
