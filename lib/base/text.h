/* A growing string. After an allocation failure it stays as it is and `failed` is set; take() then
 * reports it, so that building a text needs one check. */
#ifndef CLCNN_BASE_TEXT_H
#define CLCNN_BASE_TEXT_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

struct clcnn_text {
    char *data; /* NULL or terminated */
    size_t length, capacity;
    bool failed;
};

void clcnn_text_add(struct clcnn_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Moves the string ("" if nothing was added) to *out, freed with free(), and empties the text. */
enum clcnn_status clcnn_text_take(struct clcnn_text *text, char **out);

void clcnn_text_clear(struct clcnn_text *text);

#endif
