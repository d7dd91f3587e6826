/* One JSON object on standard output, written piece by piece. */
#ifndef CLCNN_CLI_JSON_H
#define CLCNN_CLI_JSON_H

#include <stdbool.h>

/* key NULL inside an array. Commas and nesting are kept by the writer; a NaN or infinity becomes
 * null. */
void json_begin(void);
void json_object(const char *key);
void json_array(const char *key);
void json_close(void); /* the innermost object or array */
void json_text(const char *key, const char *value);
void json_integer(const char *key, long long value);
void json_real(const char *key, double value);
void json_boolean(const char *key, bool value);
void json_end(void); /* the outermost object, and a newline */

#endif
