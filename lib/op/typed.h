/* Programs of several element types: what cl/typed.cl calls IN and OUT. */
#ifndef CLCNN_OP_TYPED_H
#define CLCNN_OP_TYPED_H

#include "base/status.h"
#include <clcnn/tensor.h>
#include <stdbool.h>

/* "-DIN=0 -DOUT=0": types as cl/typed.cl has them. */
#define CLCNN_TYPED_OPTIONS 32
void clcnn_typed_options(char options[CLCNN_TYPED_OPTIONS], enum clcnn_dtype in,
                         enum clcnn_dtype out);

/* INVALID_ARGUMENT for no type, UNSUPPORTED for FLOAT64. */
enum clcnn_status clcnn_typed_check(enum clcnn_dtype type, const char *op);

static inline bool clcnn_is_float(enum clcnn_dtype type)
{
    return type == CLCNN_DTYPE_FLOAT32 || type == CLCNN_DTYPE_FLOAT16;
}

#endif
