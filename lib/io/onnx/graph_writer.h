/* A graph put together message by message. Errors are sticky: after one the calls do nothing, and
 * clcnn_graph_pack reports it. */
#ifndef CLCNN_IO_ONNX_GRAPH_WRITER_H
#define CLCNN_IO_ONNX_GRAPH_WRITER_H

#include "base/status.h"
#include "io/onnx/onnx.pb-c.h"
#include <clcnn/tensor.h>
#include <stdbool.h>
#include <stddef.h>

/* A list of pointers to messages. */
struct clcnn_graph_list {
    void **items;
    size_t count, capacity;
};

struct clcnn_graph_writer {
    enum clcnn_status status;
    struct clcnn_graph_list owned; /* everything that is allocated */
    struct clcnn_graph_list nodes, initializers, inputs, outputs;
    Clcnn__NodeProto *node; /* the last one */
    size_t attribute_capacity;
};

/* Memory that the writer frees; NULL after an error. */
void *clcnn_graph_take(struct clcnn_graph_writer *w, size_t count, size_t size);
char *clcnn_graph_text(struct clcnn_graph_writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A node; names are copied. The attributes that follow are its own. */
void clcnn_graph_node(struct clcnn_graph_writer *w, const char *type, const char *name,
                      const char *const *inputs, size_t input_count, const char *output);
void clcnn_graph_int(struct clcnn_graph_writer *w, const char *name, int64_t value);
void clcnn_graph_float(struct clcnn_graph_writer *w, const char *name, float value);
void clcnn_graph_ints(struct clcnn_graph_writer *w, const char *name, const int64_t *values,
                      size_t count);

/* Initializers: the data is used in place, until the graph is packed. */
void clcnn_graph_floats(struct clcnn_graph_writer *w, const char *name,
                        const struct clcnn_shape *shape, const float *data);
void clcnn_graph_integers(struct clcnn_graph_writer *w, const char *name, const int64_t *values,
                          size_t count);

/* An input or output of float32; CLCNN_DIM_BATCH is "N". */
void clcnn_graph_port(struct clcnn_graph_writer *w, bool output, const char *name,
                      const struct clcnn_shape *shape);

/* The encoded model; *data is freed with free(). */
enum clcnn_status clcnn_graph_pack(struct clcnn_graph_writer *w, const char *name, int64_t opset,
                                   unsigned char **data, size_t *size);
void clcnn_graph_clear(struct clcnn_graph_writer *w);

#endif
