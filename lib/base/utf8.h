/* UTF-8, as Unicode 15 defines it in table 3-7. */
#ifndef CLCNN_BASE_UTF8_H
#define CLCNN_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the sequence at `text`, of which at most `size` > 0 bytes may be read; 0 if it is not
 * valid (too long a form, a surrogate, above U+10FFFF, cut). */
size_t clcnn_utf8_length(const char *text, size_t size);

bool clcnn_utf8_valid(const char *text);

#endif
