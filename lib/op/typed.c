#include "op/typed.h"
#include <stdio.h>

void clcnn_typed_options(char options[CLCNN_TYPED_OPTIONS], enum clcnn_dtype in,
                         enum clcnn_dtype out)
{
    snprintf(options, CLCNN_TYPED_OPTIONS, "-DIN=%d -DOUT=%d", (int)in, (int)out);
}

enum clcnn_status clcnn_typed_check(enum clcnn_dtype type, const char *op)
{
    if (clcnn_dtype_size(type) == 0)
        return clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "%s: %d is no type", op, (int)type);
    if (type == CLCNN_DTYPE_FLOAT64)
        return clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "%s: float64 is not computed with", op);
    return CLCNN_STATUS_OK;
}
