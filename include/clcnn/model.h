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

/* The output of one layer. Negative = invalid (an earlier error). */
typedef int clcnn_node;

struct clcnn_model_params {
    const char *name;  /* copied; NULL = "model" */
    uint64_t seed;     /* of the weight initialisers: the same seed gives the same bits everywhere */
};

/* NULL params = defaults. The caller destroys it. Errors: OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_model_create(const struct clcnn_model_params *params,
                                               struct clcnn_model **out);

/* Gives up the caller's hold (sessions and trainers keep theirs); sets NULL; NULL allowed. */
CLCNN_API void clcnn_model_destroy(struct clcnn_model **model);

enum clcnn_data_format {
    CLCNN_DATA_FORMAT_CHANNELS_LAST = 0, /* NHWC */
    CLCNN_DATA_FORMAT_CHANNELS_FIRST,    /* the caller's arrays are NCHW; converted at the border */
};

/* How weights start. Fans: conv R S C/G in, R S K/G out; dense F in, U out.
 * Uniform in +-sqrt(3 s / n), or normal of variance s / n truncated at two standard deviations,
 * with glorot: s 1, n (in + out) / 2; he: s 2, n in; lecun: s 1, n in. */
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

/* Every layer's `name` is copied; NULL = Keras's automatic name ("conv2d", "conv2d_1", ...). */
struct clcnn_input_params {
    const char *name;
    int height, width, channels;       /* an image; or */
    int features;                      /* a vector */
    enum clcnn_data_format data_format;
};

struct clcnn_conv2d_layer {
    const char *name;
    int filters;                       /* required */
    int kernel[2];                     /* {0, 0} = 3x3; {n, 0} = n x n */
    int strides[2], dilation_rate[2];  /* 0 = 1 */
    int groups;                        /* 0 = 1 */
    enum clcnn_padding padding;
    int pads[4];                       /* top, left, bottom, right; with EXPLICIT */
    enum clcnn_activation activation;  /* softmax is added as a step of its own */
    float activation_alpha;
    bool no_bias;
    enum clcnn_initializer kernel_initializer, bias_initializer;
};

struct clcnn_pool2d_layer {
    const char *name;
    int size[2];                       /* 0 = 2 */
    int strides[2];                    /* 0 = size */
    enum clcnn_padding padding;
    int pads[4];
};

struct clcnn_dense_layer {
    const char *name;
    int units;                         /* required */
    enum clcnn_activation activation;
    float activation_alpha;
    bool no_bias;
    enum clcnn_initializer kernel_initializer, bias_initializer;
};

/* Each returns the new layer's output, or an invalid node after an error. */
CLCNN_API clcnn_node clcnn_input(struct clcnn_model *model, const struct clcnn_input_params *params);
CLCNN_API clcnn_node clcnn_add_conv2d(struct clcnn_model *model, clcnn_node x,
                                      const struct clcnn_conv2d_layer *layer);
CLCNN_API clcnn_node clcnn_add_max_pool2d(struct clcnn_model *model, clcnn_node x,
                                          const struct clcnn_pool2d_layer *layer);
CLCNN_API clcnn_node clcnn_add_average_pool2d(struct clcnn_model *model, clcnn_node x,
                                              const struct clcnn_pool2d_layer *layer);
CLCNN_API clcnn_node clcnn_add_global_max_pool2d(struct clcnn_model *model, clcnn_node x);
CLCNN_API clcnn_node clcnn_add_global_average_pool2d(struct clcnn_model *model, clcnn_node x);
CLCNN_API clcnn_node clcnn_add_dense(struct clcnn_model *model, clcnn_node x,
                                     const struct clcnn_dense_layer *layer);
CLCNN_API clcnn_node clcnn_add_flatten(struct clcnn_model *model, clcnn_node x);
CLCNN_API clcnn_node clcnn_add_activation(struct clcnn_model *model, clcnn_node x,
                                          enum clcnn_activation activation, float alpha);
CLCNN_API clcnn_node clcnn_add_dropout(struct clcnn_model *model, clcnn_node x, float rate);
CLCNN_API clcnn_node clcnn_add_add(struct clcnn_model *model, clcnn_node a, clcnn_node b);
/* Over the last axis (channels or features). */
CLCNN_API clcnn_node clcnn_add_concatenate(struct clcnn_model *model, const clcnn_node *inputs,
                                           int count);

/* Ends the building: `output` is the model's output; initialises the weights. Layers that do not
 * lead to the output are an error. Returns the first error of all the calls before.
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_model_finish(struct clcnn_model *model, clcnn_node output);

/* Shapes with CLCNN_DIM_BATCH first, as the caller's arrays are laid out (NCHW for an input that is
 * channels_first). Requires: a finished model. */
CLCNN_API const struct clcnn_shape *clcnn_model_input_shape(const struct clcnn_model *model);
CLCNN_API const struct clcnn_shape *clcnn_model_output_shape(const struct clcnn_model *model);
CLCNN_API const char *clcnn_model_name(const struct clcnn_model *model);

/* Weights in layer order: "conv2d/kernel" [K][R][S][C/G], "conv2d/bias" [K], "dense/kernel" [U][F],
 * "dense/bias" [U]. The tensor belongs to the model and may be written (before a session or trainer
 * is made of it). An index out of range gives NULL. */
CLCNN_API int clcnn_model_weight_count(const struct clcnn_model *model);
CLCNN_API const char *clcnn_model_weight_name(const struct clcnn_model *model, int index);
CLCNN_API struct clcnn_tensor *clcnn_model_weight(struct clcnn_model *model, int index);
CLCNN_API int64_t clcnn_model_parameter_count(const struct clcnn_model *model);

/* Keras's table of layers, output shapes and parameter counts; *text is freed with clcnn_free. */
CLCNN_API enum clcnn_status clcnn_model_summary(const struct clcnn_model *model, char **text);

/* A reference network by name: "mnist-cnn", "cnn-valid", "cnn-same", "cnn-strided", "cnn-pooled",
 * "lenet-5", "lenet-5-max", "alexnet", "vgg-16". Finished; the caller destroys it.
 * Errors: INVALID_ARGUMENT (unknown name: the message lists them), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_network_create(const char *name, uint64_t seed,
                                                 struct clcnn_model **out);

/* Names of the reference networks: index 0 .. until NULL. Static storage. */
CLCNN_API const char *clcnn_network_name(int index);

/* Weights to and from a safetensors file, one tensor per weight, float32, by name. Saving writes a
 * temporary file beside `path` and renames it, so `path` is either the old file or the whole new one.
 * Loading checks all of the file before it changes the first weight: every weight of the model must
 * be there with its shape; tensors the model does not have are ignored with a log line.
 * Errors: IO, FORMAT (the message says what is wrong and where), OUT_OF_MEMORY. */
CLCNN_API enum clcnn_status clcnn_model_save_weights(const struct clcnn_model *model,
                                                     const char *path);
CLCNN_API enum clcnn_status clcnn_model_load_weights(struct clcnn_model *model, const char *path);

#ifdef __cplusplus
}
#endif
#endif
