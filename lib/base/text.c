#include "base/text.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void clcnn_text_add(struct clcnn_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t wanted = text->length + (length > 0 ? (size_t)length : 0) + 1;
    if (text->failed || length < 0 ||
        clcnn_grow(&text->data, &text->capacity, wanted, 1) != CLCNN_STATUS_OK) {
        text->failed = true;
    } else {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

enum clcnn_status clcnn_text_take(struct clcnn_text *text, char **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    if (!text->failed && !text->data)
        clcnn_text_add(text, "%s", "");
    if (text->failed)
        status = clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "host memory: a text of %zu bytes",
                            text->length);
    else
        *out = text->data;
    if (status == CLCNN_STATUS_OK)
        text->data = NULL;
    clcnn_text_clear(text);
    return status;
}

void clcnn_text_clear(struct clcnn_text *text)
{
    free(text->data);
    *text = (struct clcnn_text){0};
}
