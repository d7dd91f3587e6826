#include "tensor/shape_text.h"

void clcnn_shape_add_text(struct clcnn_text *text, const struct clcnn_shape *shape)
{
    clcnn_text_add(text, "(");
    for (int i = 0; i < shape->rank; i++) {
        clcnn_text_add(text, "%s", i ? ", " : "");
        if (shape->dim[i] == CLCNN_DIM_BATCH)
            clcnn_text_add(text, "None");
        else
            clcnn_text_add(text, "%lld", (long long)shape->dim[i]);
    }
    clcnn_text_add(text, ")");
}
