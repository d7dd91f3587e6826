/* Adding one layer to a model: begin names it and checks its inputs, end moves it into the model or
 * records the model's first error. Between them a family's file validates and infers the shape:
 *
 *     enum clcnn_status status = CLCNN_STATUS_OK;
 *     struct clcnn_builder b;
 *     TRY(clcnn_build_begin(&b, model, CLCNN_LAYER_TYPE_FLATTEN, NULL, &x, 1));
 *     ...
 * done:
 *     return clcnn_build_end(&b, status);
 */
#ifndef CLCNN_MODEL_BUILDER_H
#define CLCNN_MODEL_BUILDER_H

#include "base/status.h"
#include "model/graph.h"

#define CLCNN_NAME_MAX 255

struct clcnn_builder {
    struct clcnn_model *model;
    struct clcnn_layer layer;
    const struct clcnn_shape *x; /* of the first input; NULL if there is none */
    bool stray; /* the call's error is not the model's: a NULL, finished or failed model */
};

/* A condition of this layer: the message begins with the layer's name. */
#define LAYER_REQUIRE(b, condition, format, ...)                                                   \
    REQUIRE(condition, "%s: " format, (b)->layer.name, __VA_ARGS__)

/* `name` may be NULL. Sets layer.kind, type, name and inputs; kernel and bias to none. */
enum clcnn_status clcnn_build_begin(struct clcnn_builder *b, struct clcnn_model *model,
                                    enum clcnn_layer_type type, const char *name,
                                    const clcnn_node *inputs, int input_count);

/* Adds the layer's weight "<name>/<part>"; *index is its place in the model. */
enum clcnn_status clcnn_build_weight(struct clcnn_builder *b, const char *part,
                                     const struct clcnn_weight *weight, int *index);

/* The new layer's node, or an invalid one; frees what was not moved into the model. */
clcnn_node clcnn_build_end(struct clcnn_builder *b, enum clcnn_status status);

/* Ends a conv2d or dense layer whose activation may be softmax, which becomes a hidden layer. */
clcnn_node clcnn_build_end_activated(struct clcnn_builder *b, enum clcnn_status status,
                                     enum clcnn_activation activation);

/* The layer that a node of this model names. Errors: INVALID_ARGUMENT. */
enum clcnn_status clcnn_model_find_node(const struct clcnn_model *model, clcnn_node node,
                                        const char *what, int *index);

/* Keeps the first error and its message (the thread's present one). */
void clcnn_model_record_error(struct clcnn_model *model, enum clcnn_status error);

/* ---- checks shared by families --------------------------------------------------------------- */

/* The input must be an image (None, H, W, C), or a vector (None, F). */
enum clcnn_status clcnn_build_need_image(const struct clcnn_builder *b);
enum clcnn_status clcnn_build_need_vector(const struct clcnn_builder *b);

/* {0, 0} = {fallback[0], fallback[1]}, {n, 0} = {n, n}; both then > 0. */
enum clcnn_status clcnn_build_pair(const struct clcnn_builder *b, const char *what,
                                   const int given[2], const int fallback[2], int out[2]);

/* A known activation; *resolved is leaky_relu's slope. */
enum clcnn_status clcnn_build_activation(const struct clcnn_builder *b,
                                         enum clcnn_activation activation, float alpha,
                                         float *resolved);

/* A known initialiser, or `fallback` for DEFAULT. */
enum clcnn_status clcnn_build_initializer(const struct clcnn_builder *b,
                                          enum clcnn_initializer given,
                                          enum clcnn_initializer fallback,
                                          enum clcnn_initializer *out);

/* One sliding window over the image of `x`, down and across. */
struct clcnn_build_windows {
    int size[2], strides[2], dilation_rate[2];
    enum clcnn_padding padding;
    int pads[4];   /* in and out: top, left, bottom, right */
    int output[2]; /* out: P, Q */
};
enum clcnn_status clcnn_build_windows(const struct clcnn_builder *b,
                                      struct clcnn_build_windows *windows);

/* Allocates and fills every weight. */
enum clcnn_status clcnn_model_initialise(struct clcnn_model *model);

#endif
