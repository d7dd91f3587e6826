/* The inside of a model: what lib/run plans from and lib/io reads and writes.
 *
 * Layers are stored in the order they were added, so every input of a layer has a smaller index:
 * index order is a valid schedule. Here layers are plain indices; a public clcnn_node also carries
 * its model's tag.
 *
 * A layer's shape is that of its output as it lies in memory, dense and row-major. Layers that are
 * built one by one have NHWC shapes with CLCNN_DIM_BATCH first: rank 4 (None, H, W, C) or rank 2
 * (None, F). Models read from files have any rank. What a file calls axis 1 may lie last in memory:
 * layers know nothing of the file's order of axes, since each input of a layer is a view of another
 * layer's output in the order that the reading layer works in. Images and vectors are read whole,
 * as they lie.
 *
 * What a finished model promises to lib/run: every layer leads to an output; defaults, padding and
 * slopes are resolved; sizes fit an int where they are ints. If it is `batched`, all its shapes
 * begin with CLCNN_DIM_BATCH, but for those of constants, and so do the views that read a batch;
 * otherwise no size is open. A model built layer by layer has one INPUT layer, index 0. */
#ifndef CLCNN_MODEL_GRAPH_H
#define CLCNN_MODEL_GRAPH_H

#include <clcnn/map.h>
#include <clcnn/model.h>
#include <clcnn/normalize.h>
#include <clcnn/pool2d.h>
#include <clcnn/reduce.h>
#include <clcnn/resize.h>
#include <clcnn/softmax.h>
#include <clcnn/view.h>
#include <clcnn/window_nd.h>

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
    /* On views, of any rank. */
    CLCNN_LAYER_CONSTANT, /* no input: the weight `kernel` */
    CLCNN_LAYER_MAP,      /* a function of each element; inputs are broadcast */
    CLCNN_LAYER_JOIN,     /* inputs one after another along an axis */
    CLCNN_LAYER_MATMUL,   /* [..., M, K] times [..., K, N], the dimensions before broadcast */
    CLCNN_LAYER_REDUCE,   /* over the dimensions where the output has size 1 */
    CLCNN_LAYER_SOFTMAX,
    CLCNN_LAYER_NORMALIZE, /* inputs x, or x, scale and bias */
    CLCNN_LAYER_GATHER,    /* inputs x and indices: slices along an axis of x */
    CLCNN_LAYER_RESIZE,
    /* Of any spatial rank: x (N, C, ...), the output [N][...][K] in memory. */
    CLCNN_LAYER_POOL_ND,
    CLCNN_LAYER_UNPOOL,  /* inputs x and indices; the output as written */
    CLCNN_LAYER_CONV_ND, /* inputs x, w and perhaps the bias */
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
    CLCNN_LAYER_TYPE_GENERAL, /* named by `class_name` */
    CLCNN_LAYER_TYPE_COUNT,
};

struct clcnn_layer {
    enum clcnn_layer_kind kind;
    enum clcnn_layer_type type;
    char *name;
    const char *class_name;   /* in the summary, static; NULL = by type */
    int *inputs;              /* indices of layers */
    struct clcnn_view *views; /* [inputs]: what is read of each; NULL = all of it, as it lies */
    int input_count;
    struct clcnn_shape shape; /* of the output */
    enum clcnn_dtype dtype;   /* of the output; FLOAT32 stands for the storage of the plan */
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
        struct clcnn_map_params map;
        int axis;                          /* JOIN: of the output; GATHER: of x */
        struct clcnn_resize_params resize; /* its shapes as the layer's, so with an open batch */
        struct clcnn_reduce_params reduce;
        struct clcnn_softmax_params softmax;
        struct clcnn_normalize_params normalize;
        struct {
            struct clcnn_pool_nd_params params;
            bool indices; /* the output is where the maxima are, [N][C][...] */
        } pool_nd;
        struct clcnn_conv_nd_params conv_nd;
    } u;
    bool hidden; /* a softmax split from its conv2d or dense: not a row of the summary */
};

struct clcnn_weight {
    char *name; /* "conv2d/kernel" */
    struct clcnn_shape shape;
    struct clcnn_tensor *tensor; /* float32 but for constants; NULL until the model is finished */
    enum clcnn_initializer initializer;
    double fan_in, fan_out; /* counts; they need not be exact beyond 2^53 */
};

/* Where a caller's array enters or leaves. */
struct clcnn_model_port {
    struct clcnn_port port; /* its name is the model's */
    char *name;
    int layer;
    bool channels_first; /* the caller's array is the NCHW of an NHWC layer */
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
    bool batched;
    int input, output; /* indices of layers: the first of each */
    struct clcnn_model_port *inputs, *outputs;
    int input_count, output_count;
};

/* Keras's names of a type: the stem of automatic names and the class in the summary. */
struct clcnn_layer_type_names {
    const char *stem, *class_name; /* "conv2d", "Conv2D" */
};
extern const struct clcnn_layer_type_names clcnn_layer_types[CLCNN_LAYER_TYPE_COUNT];

/* One more hold on the model; clcnn_model_destroy gives it up. */
struct clcnn_model *clcnn_model_retain(struct clcnn_model *model);

/* Sets inputs and outputs of a model that has one of each. */
enum clcnn_status clcnn_model_set_ports(struct clcnn_model *model);

/* The images of one run of a model that is not batched, else 1: operations on images get these
 * times the run's batch. */
static inline int64_t clcnn_layer_images(const struct clcnn_layer *layer)
{
    return layer->shape.rank && layer->shape.dim[0] != CLCNN_DIM_BATCH ? layer->shape.dim[0] : 1;
}

/* Elements of the output: of one image if the model is batched, else of all. */
static inline int64_t clcnn_layer_elements(const struct clcnn_layer *layer)
{
    int64_t count = 1;
    for (int i = 0; i < layer->shape.rank; i++)
        count *= layer->shape.dim[i] == CLCNN_DIM_BATCH ? 1 : layer->shape.dim[i];
    return count;
}

/* An NHWC shape as the caller's arrays are laid out: NCHW if the model's input is channels_first
 * and the rank is 4, else unchanged. */
struct clcnn_shape clcnn_model_caller_shape(const struct clcnn_model *model,
                                            const struct clcnn_shape *shape);

#endif
