/* Models put together by a reader of files, which checks shapes itself:
 *
 *     clcnn_model_create, then clcnn_assemble_layer and clcnn_assemble_weight as the file goes,
 *     clcnn_assemble_port for inputs and outputs, and clcnn_assemble_finish.
 *
 * All sizes are known: no shape has an open dimension until finish finds the batch. */
#ifndef CLCNN_MODEL_ASSEMBLE_H
#define CLCNN_MODEL_ASSEMBLE_H

#include "base/status.h"
#include "model/graph.h"

/* Appends a layer: its kind, class name, shape, type and parameters are given, kernel and bias
 * included; `name` is copied, with a number behind it if another layer has it. `views` (may be
 * NULL) is copied as well. Errors: OUT_OF_MEMORY, INVALID_ARGUMENT (too large). */
enum clcnn_status clcnn_assemble_layer(struct clcnn_model *model, const struct clcnn_layer *layer,
                                       const char *name, const int *inputs,
                                       const struct clcnn_view *views, int input_count, int *index);

/* Appends a weight "<name>/<part>" and takes the tensor over, also on failure; *tensor becomes
 * NULL. */
enum clcnn_status clcnn_assemble_weight(struct clcnn_model *model, const char *name,
                                        const char *part, struct clcnn_tensor **tensor, int *index);

/* An input (the layer is an INPUT) or output. */
enum clcnn_status clcnn_assemble_port(struct clcnn_model *model, bool output, const char *name,
                                      const struct clcnn_port *port, int layer,
                                      bool channels_first);

/* Drops what no output needs (inputs stay), lets
 * inputs that are read in channels-last order alone be converted at the border, and opens the batch
 * where every layer works image by image. Errors: OUT_OF_MEMORY. */
enum clcnn_status clcnn_assemble_finish(struct clcnn_model *model);

/* ---- between the files of the assembly ------------------------------------------------------- */

enum clcnn_status clcnn_assemble_compact(struct clcnn_model *model);
void clcnn_assemble_batch(struct clcnn_model *model);

#endif
