/* The part of JSON (RFC 8259) that the header of a safetensors file is made of: objects, arrays,
 * strings and whole numbers >= 0. The caller walks the grammar it expects, so nothing nests deeper
 * than its own calls. Every error is FORMAT: "byte 17: ':' is expected". */
#ifndef CLCNN_IO_JSON_H
#define CLCNN_IO_JSON_H

#include "base/status.h"
#include "base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clcnn_json {
    char *text; /* changed by reading: strings are unescaped in place */
    size_t size, at;
};

/* The next character after white space; '\0' at the end. */
char clcnn_json_peek(struct clcnn_json *json);

/* Takes that character, which must be `wanted`. */
enum clcnn_status clcnn_json_take(struct clcnn_json *json, char wanted);

/* Between the members of an object or array: true if a next one follows. `*first` starts as true; a
 * comma separates members and may not come last.
 *
 *     bool first = true, more = false;
 *     TRY(clcnn_json_take(json, '{'));
 *     for (;;) {
 *         TRY(clcnn_json_next(json, '}', &first, &more));
 *         if (!more)
 *             break;
 *         ...
 *     }
 */
enum clcnn_status clcnn_json_next(struct clcnn_json *json, char end, bool *first, bool *more);

/* A string, unescaped, UTF-8, without NUL; a part of json->text. */
enum clcnn_status clcnn_json_string(struct clcnn_json *json, char **out);

/* A whole number 0 .. 2^63 - 1, without fraction and exponent. */
enum clcnn_status clcnn_json_number(struct clcnn_json *json, int64_t *out);

/* White space to the end of the text. */
enum clcnn_status clcnn_json_end(struct clcnn_json *json);

/* Appends "text", quoted and escaped. */
void clcnn_json_add_string(struct clcnn_text *out, const char *text);

#endif
