/* Models: a graph of layers and their weights in host memory. A model knows no device; a session
 * (<clcnn/session.h>) runs it, a trainer (<clcnn/trainer.h>) teaches it.
 *
 * Layers are added in functional style; errors are sticky: after the first error every add returns
 * an invalid node, and clcnn_model_finish reports that first error. Names, arguments and defaults
 * are Keras's. Shapes are (None, height, width, channels) or (None, features).
 *
 * A model is built by one thread. Once finished its graph never changes; its weights may be read by
 * several threads, and are written by one alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLCNN_MODEL_H
#define CLCNN_MODEL_H

#include <clcnn/activation.h>
#include <clcnn/conv2d.h>
#include <clcnn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clcnn_model;

/* The output of one layer of one model; an opaque number. Negative = invalid (an earlier error). */
typedef int clcnn_node;

struct clcnn_model_params {
    const char *name; /* copied; NULL = "model" */
    uint64_t seed;    /* of the weight initialisers: the same seed gives the same bits */
};

/* NULL params = defaults. The caller destroys it. Errors: INVALID_ARGUMENT (no out; a name that is
 * empty, longer than 255 bytes or not UTF-8), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_model_create(const struct clcnn_model_params *params,
                                               struct clcnn_model **out);

/* Gives up the caller's hold (sessions and trainers keep theirs); sets NULL; NULL allowed. */
CLCNN_API void clcnn_model_destroy(struct clcnn_model **model);

enum clcnn_data_format {
    CLCNN_DATA_FORMAT_CHANNELS_LAST = 0, /* NHWC */
    CLCNN_DATA_FORMAT_CHANNELS_FIRST,    /* the caller's arrays are NCHW; converted at the border */
};

/* How weights start. Fans, as Keras counts them: conv R S C/G in, R S K out; dense F in, U out.
 * Values of variance s / n: uniform in +-sqrt(3 s / n), or a normal cut off at two of its standard
 * deviations, sqrt(s / n) / 0.8796..., which the cut reduces to sqrt(s / n); with
 * glorot: s 1, n (in + out) / 2; he: s 2, n in; lecun: s 1, n in.
 * Numbers come from Philox4x32-10, keyed by the model's seed, one stream per weight. Uniform
 * weights have the same bits everywhere; normal ones as far as the C library's log and cos agree.
 * Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015; LeCun et al., "Efficient BackProp",
 * 1998. */
enum clcnn_initializer {
    CLCNN_INITIALIZER_DEFAULT = 0, /* glorot_uniform for kernels, zeros for biases */
    CLCNN_INITIALIZER_ZEROS,
    CLCNN_INITIALIZER_ONES,
    CLCNN_INITIALIZER_GLOROT_UNIFORM,
    CLCNN_INITIALIZER_GLOROT_NORMAL,
    CLCNN_INITIALIZER_HE_UNIFORM,
    CLCNN_INITIALIZER_HE_NORMAL,
    CLCNN_INITIALIZER_LECUN_UNIFORM,
    CLCNN_INITIALIZER_LECUN_NORMAL,
};

/* Every layer's `name` is copied; NULL = Keras's automatic name ("conv2d", "conv2d_1", ...; one
 * that is taken is passed over). Names are UTF-8, unique in the model, 1 to 255 bytes long, without
 * "/".
 *
 * Pairs are {down, across}. {n, 0}, that is { n }, means n both ways, as a single number does in
 * Keras; {0, 0} is the default. */
struct clcnn_input_params {
    const char *name;
    int height, width, channels;        /* an image, all > 0; or */
    int features;                       /* a vector, > 0 */
    enum clcnn_data_format data_format; /* of an image */
};

struct clcnn_conv2d_layer {
    const char *name;
    int filters;                      /* required */
    int kernel[2];                    /* default 3x3 */
    int strides[2], dilation_rate[2]; /* default 1x1; not both above 1 */
    int groups;                       /* 0 = 1; divides the input's channels and `filters` */
    enum clcnn_padding padding;
    int pads[4]; /* top, left, bottom, right; with EXPLICIT alone */
    enum clcnn_activation activation;
    float activation_alpha; /* leaky_relu's slope, finite and > 0; 0 = 0.3 */
    bool no_bias;
    enum clcnn_initializer kernel_initializer, bias_initializer;
};

struct clcnn_pool2d_layer {
    const char *name;
    int size[2];    /* default 2x2 */
    int strides[2]; /* default: the size */
    enum clcnn_padding padding;
    int pads[4]; /* with EXPLICIT alone; each smaller than the window */
};

struct clcnn_dense_layer {
    const char *name;
    int units; /* required */
    enum clcnn_activation activation;
    float activation_alpha; /* as for conv2d */
    bool no_bias;
    enum clcnn_initializer kernel_initializer, bias_initializer;
};

/* Each returns the new layer's output, or an invalid node after an error; clcnn_error_message() and
 * clcnn_model_finish tell it, with the layer's name: "conv2d_1: C=30 is not divisible by groups=4".
 * Parameters may be NULL where nothing in them is required.
 *
 * Requires, of every add: a model that is not finished, nodes of this model, sizes that are not
 * negative, known enum values. Convolutions and pools take images; dense takes a vector. A model
 * has one input. */
CLCNN_API clcnn_node clcnn_input(struct clcnn_model *model,
                                 const struct clcnn_input_params *params);
CLCNN_API clcnn_node clcnn_add_conv2d(struct clcnn_model *model, clcnn_node x,
                                      const struct clcnn_conv2d_layer *layer);
CLCNN_API clcnn_node clcnn_add_max_pool2d(struct clcnn_model *model, clcnn_node x,
                                          const struct clcnn_pool2d_layer *layer);
CLCNN_API clcnn_node clcnn_add_average_pool2d(struct clcnn_model *model, clcnn_node x,
                                              const struct clcnn_pool2d_layer *layer);
/* (None, H, W, C) to (None, C). */
CLCNN_API clcnn_node clcnn_add_global_max_pool2d(struct clcnn_model *model, clcnn_node x);
CLCNN_API clcnn_node clcnn_add_global_average_pool2d(struct clcnn_model *model, clcnn_node x);
CLCNN_API clcnn_node clcnn_add_dense(struct clcnn_model *model, clcnn_node x,
                                     const struct clcnn_dense_layer *layer);
/* (None, H, W, C) to (None, H W C), in the order of the NHWC array whatever the caller's layout. */
CLCNN_API clcnn_node clcnn_add_flatten(struct clcnn_model *model, clcnn_node x);
/* alpha: leaky_relu's slope, as for conv2d; ignored by the others. */
CLCNN_API clcnn_node clcnn_add_activation(struct clcnn_model *model, clcnn_node x,
                                          enum clcnn_activation activation, float alpha);
/* 0 <= rate < 1: the share of elements set to zero while training; nothing at inference. */
CLCNN_API clcnn_node clcnn_add_dropout(struct clcnn_model *model, clcnn_node x, float rate);
/* a + b, of one shape. */
CLCNN_API clcnn_node clcnn_add_add(struct clcnn_model *model, clcnn_node a, clcnn_node b);
/* Over the last axis (channels or features); at least two inputs, alike in the other axes. */
CLCNN_API clcnn_node clcnn_add_concatenate(struct clcnn_model *model, const clcnn_node *inputs,
                                           int count);

/* Ends the building: `output` is the model's output; allocates and initialises the weights (host
 * memory; may take a second for hundreds of MB). Layers
 * that do not lead to the output are an error, and so is a model of an input alone. Returns the
 * first error of all the calls before; a model that failed can only be destroyed.
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_model_finish(struct clcnn_model *model, clcnn_node output);

/* Shapes of the first input and output, with CLCNN_DIM_BATCH first, as the caller's arrays are laid
 * out (images are NCHW if the input is channels_first). NULL before the model is finished. Owned by
 * the model. */
CLCNN_API const struct clcnn_shape *clcnn_model_input_shape(const struct clcnn_model *model);
CLCNN_API const struct clcnn_shape *clcnn_model_output_shape(const struct clcnn_model *model);

/* An array that a run reads or writes. The shape is laid out as the caller's array. */
struct clcnn_port {
    const char *name;
    struct clcnn_shape shape;
    enum clcnn_dtype dtype; /* FLOAT32 but where a file has other types; UINT8 for truth values */
    int position;           /* among the inputs or outputs of the file */
};

/* Inputs and outputs in order, of which models from files may have several; a model that is built
 * layer by layer has one of each, named as its layer. NULL out of range and before the model is
 * finished. Owned by the model. */
CLCNN_API const struct clcnn_port *clcnn_model_input(const struct clcnn_model *model, int index);
CLCNN_API const struct clcnn_port *clcnn_model_output(const struct clcnn_model *model, int index);
CLCNN_API int clcnn_model_input_count(const struct clcnn_model *model);
CLCNN_API int clcnn_model_output_count(const struct clcnn_model *model);

/* True if a run takes any number of images. A model from a file may instead work on tensors of
 * fixed sizes alone; a run is then of these. */
CLCNN_API bool clcnn_model_batched(const struct clcnn_model *model);

/* Owned by the model; NULL of NULL. */
CLCNN_API const char *clcnn_model_name(const struct clcnn_model *model);

/* Weights in layer order: "conv2d/kernel" [K][R][S][C/G], "conv2d/bias" [K], "dense/kernel" [U][F],
 * "dense/bias" [U]. The tensor belongs to the model and may be written (before a session or trainer
 * is made of it). An index out of range gives NULL; before the model is finished there are none,
 * and no parameters. The count of parameters is that of all weights' elements. */
CLCNN_API int clcnn_model_weight_count(const struct clcnn_model *model);
CLCNN_API const char *clcnn_model_weight_name(const struct clcnn_model *model, int index);
CLCNN_API struct clcnn_tensor *clcnn_model_weight(struct clcnn_model *model, int index);
CLCNN_API int64_t clcnn_model_parameter_count(const struct clcnn_model *model);

/* Keras's table of layers, output shapes and parameter counts, as Keras 3 prints it on a terminal
 * of 80 columns (UTF-8, lines end in "\n"); *text is freed with clcnn_free. Graphs that branch get
 * the column "Connected to".
 * Requires: a finished model. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_model_summary(const struct clcnn_model *model, char **text);

/* A reference network by name: "mnist-cnn", "cnn-valid", "cnn-same", "cnn-strided", "cnn-pooled",
 * "lenet-5", "lenet-5-max", "alexnet", "vgg-16", and, with biases in place of batch normalisation
 * as after folding it for inference, "resnet-50", "mobilenet". Finished; the caller destroys it.
 * Errors: INVALID_ARGUMENT (unknown name: the message lists them), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_network_create(const char *name, uint64_t seed,
                                                 struct clcnn_model **out);

/* Names of the reference networks: index 0 .. until NULL (also below 0). Static storage. */
CLCNN_API const char *clcnn_network_name(int index);

/* Weights to and from a safetensors file, one tensor per weight, float32, by name. Saving writes a
 * temporary file beside `path` and renames it, so `path` is either the old file or the whole new
 * one (a path that is no regular file, such as a pipe, is written to directly).
 * Loading checks all of the file before it changes the first weight: every weight of the model must
 * be there with its shape, as float32, float16, bfloat16 or float64 (converted); tensors the model
 * does not have are ignored with a log line (topic "io").
 * Requires: a finished model. Errors: INVALID_ARGUMENT, IO, FORMAT (the message says what is wrong
 * and where), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_model_save_weights(const struct clcnn_model *model,
                                                     const char *path);
CLCNN_API enum clcnn_status clcnn_model_load_weights(struct clcnn_model *model, const char *path);

#ifdef __cplusplus
}
#endif
#endif
