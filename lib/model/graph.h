/* The inside of a model: what lib/run plans from and lib/io reads and writes. Nodes are stored in the
 * order they were added, so every input of a node has a smaller index: index order is a valid
 * schedule. Shapes are NHWC with CLCNN_DIM_BATCH first. */
#ifndef CLCNN_MODEL_GRAPH_H
#define CLCNN_MODEL_GRAPH_H

#include <clcnn/model.h>
#include <clcnn/pool2d.h>
#include <stdatomic.h>

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

struct clcnn_layer {
    enum clcnn_layer_kind kind;
    char *name;
    clcnn_node *inputs;
    int input_count;
    struct clcnn_shape shape;      /* of the output */
    int kernel, bias;              /* indices of weights; -1 = none */
    union {
        enum clcnn_data_format data_format;  /* INPUT */
        /* CONV2D: batch 0; sizes, defaults and padding resolved (EXPLICIT pads); softmax is never
         * here but a layer of its own flagged `fused` for the summary */
        struct clcnn_conv2d_params conv2d;
        struct clcnn_pool2d_params pool2d;   /* POOL2D: batch 0, everything resolved */
        struct {
            int features, units;
            enum clcnn_activation activation;
            float alpha;
        } dense;
        struct {
            enum clcnn_activation activation;
            float alpha;
        } activation;
        float rate;                          /* DROPOUT */
    } u;
    bool hidden; /* a softmax split from its conv2d or dense: not a row of the summary */
};

struct clcnn_weight {
    char *name; /* "conv2d/kernel" */
    struct clcnn_tensor *tensor; /* float32 */
    enum clcnn_initializer initializer;
    int64_t fan_in, fan_out;
};

struct clcnn_model {
    atomic_int references;
    char *name;
    uint64_t seed;
    struct clcnn_layer *layers;
    size_t layer_count, layer_capacity;
    struct clcnn_weight *weights;
    size_t weight_count, weight_capacity;
    enum clcnn_status error; /* the first one while building */
    char *error_text;
    bool finished;
    clcnn_node input, output;
    struct clcnn_shape input_shape, output_shape; /* as the caller's arrays are laid out */
};

struct clcnn_model *clcnn_model_retain(struct clcnn_model *model);

#endif
