/* Shapes in messages and tables. */
#ifndef CLCNN_TENSOR_SHAPE_TEXT_H
#define CLCNN_TENSOR_SHAPE_TEXT_H

#include "base/text.h"
#include <clcnn/tensor.h>

/* Appends "(None, 28, 28, 1)"; CLCNN_DIM_BATCH is "None". */
void clcnn_shape_add_text(struct clcnn_text *text, const struct clcnn_shape *shape);

#endif
