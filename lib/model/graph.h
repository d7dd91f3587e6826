/* The inside of a model: what lib/run plans from and lib/io reads and writes.
 *
 * Layers are stored in the order they were added, so every input of a layer has a smaller index:
 * index order is a valid schedule. Shapes are NHWC with CLCNN_DIM_BATCH first: rank 4 (None, H, W,
 * C) or rank 2 (None, F). Here layers are plain indices; a public clcnn_node also carries its
 * model's tag.
 *
 * What a finished model promises to lib/run: exactly one INPUT layer, index 0; every layer leads to
 * the output; defaults, padding and slopes are resolved; sizes fit an int. */
#ifndef CLCNN_MODEL_GRAPH_H
#define CLCNN_MODEL_GRAPH_H

#include <clcnn/model.h>
#include <clcnn/pool2d.h>

enum clcnn_layer_kind {
    CLCNN_LAYER_INPUT,
    CLCNN_LAYER_CONV2D,
    CLCNN_LAYER_POOL2D,
    CLCNN_LAYER_DENSE,
    CLCNN_LAYER_FLATTEN,
    CLCNN_LAYER_ACTIVATION,
    CLCNN_LAYER_DROPOUT,
    CLCNN_LAYER_ADD,
    CLCNN_LAYER_CONCATENATE,
};

/* What Keras calls a layer; see clcnn_layer_types. */
enum clcnn_layer_type {
    CLCNN_LAYER_TYPE_INPUT,
    CLCNN_LAYER_TYPE_CONV2D,
    CLCNN_LAYER_TYPE_MAX_POOL2D,
    CLCNN_LAYER_TYPE_AVERAGE_POOL2D,
    CLCNN_LAYER_TYPE_GLOBAL_MAX_POOL2D,
    CLCNN_LAYER_TYPE_GLOBAL_AVERAGE_POOL2D,
    CLCNN_LAYER_TYPE_DENSE,
    CLCNN_LAYER_TYPE_FLATTEN,
    CLCNN_LAYER_TYPE_ACTIVATION,
    CLCNN_LAYER_TYPE_DROPOUT,
    CLCNN_LAYER_TYPE_ADD,
    CLCNN_LAYER_TYPE_CONCATENATE,
    CLCNN_LAYER_TYPE_COUNT,
};

struct clcnn_layer {
    enum clcnn_layer_kind kind;
    enum clcnn_layer_type type;
    char *name;
    int *inputs; /* indices of layers */
    int input_count;
    struct clcnn_shape shape; /* of the output */
    int kernel, bias;         /* indices of weights; -1 = none */
    union {
        enum clcnn_data_format data_format; /* INPUT */
        /* CONV2D: batch 0, padding EXPLICIT with its pads, activation never softmax. */
        struct clcnn_conv2d_params conv2d;
        /* POOL2D: batch 0; if not global: size and strides > 0, padding EXPLICIT with its pads. */
        struct clcnn_pool2d_params pool2d;
        struct {
            int features, units;
            enum clcnn_activation activation; /* never softmax */
            float alpha;
        } dense;
        struct {
            enum clcnn_activation activation;
            float alpha; /* leaky_relu's slope, > 0 */
        } activation;
        float rate; /* DROPOUT: 0 <= rate < 1 */
    } u;
    bool hidden; /* a softmax split from its conv2d or dense: not a row of the summary */
};

struct clcnn_weight {
    char *name; /* "conv2d/kernel" */
    struct clcnn_shape shape;
    struct clcnn_tensor *tensor; /* float32; NULL until the model is finished */
    enum clcnn_initializer initializer;
    double fan_in, fan_out; /* counts; they need not be exact beyond 2^53 */
};

struct clcnn_model {
    int references;                              /* counted with __atomic builtins */
    int tag;                                     /* tells this model's nodes from another's */
    int automatic_names[CLCNN_LAYER_TYPE_COUNT]; /* given so far, by type */
    char *name;
    uint64_t seed;
    struct clcnn_layer *layers;
    size_t layer_count, layer_capacity;
    struct clcnn_weight *weights;
    size_t weight_count, weight_capacity;
    int64_t parameter_count; /* elements of all weights */
    enum clcnn_status error; /* the first one while building */
    char *error_text;        /* NULL if there was no memory to keep it */
    bool finished;
    int input, output;                            /* indices of layers */
    struct clcnn_shape input_shape, output_shape; /* as the caller's arrays are laid out */
};

/* Keras's names of a type: the stem of automatic names and the class in the summary. */
struct clcnn_layer_type_names {
    const char *stem, *class_name; /* "conv2d", "Conv2D" */
};
extern const struct clcnn_layer_type_names clcnn_layer_types[CLCNN_LAYER_TYPE_COUNT];

/* One more hold on the model; clcnn_model_destroy gives it up. */
struct clcnn_model *clcnn_model_retain(struct clcnn_model *model);

/* An NHWC shape as the caller's arrays are laid out: NCHW if the model's input is channels_first
 * and the rank is 4, else unchanged. */
struct clcnn_shape clcnn_model_caller_shape(const struct clcnn_model *model,
                                            const struct clcnn_shape *shape);

#endif
