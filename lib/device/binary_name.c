#include "device/binary_name.h"
#include "base/text.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

/* "-DTILE=4 -DBIAS" is readable as "TILE=4,BIAS". False if something was lost. */
static bool make_readable(const char *options, char *readable, size_t bytes)
{
    size_t used = 0;
    bool whole = true;

    for (const char *o = options; *o; o++) {
        bool starts_word = o == options || o[-1] == ' ';
        if (starts_word && o[0] == '-' && o[1] == 'D') {
            o++;
            continue;
        }
        bool plain = isalnum((unsigned char)*o) || strchr("_.=+-", *o);
        whole &= used < bytes - 1 && (plain || *o == ' ');
        if (used < bytes - 1)
            readable[used++] = *o == ' ' ? ',' : plain ? *o : '_';
    }
    readable[used] = '\0';
    return whole;
}

enum clcnn_status clcnn_binary_name(const char *program, const char *options, char **name)
{
    struct clcnn_text text = {0};
    char readable[128];
    bool whole = make_readable(options, readable, sizeof(readable));

    clcnn_text_add(&text, "%s%s%s", program, options[0] ? "-" : "", readable);
    if (!whole)
        clcnn_text_add(&text, "-%016llx",
                       (unsigned long long)XXH3_64bits(options, strlen(options)));
    clcnn_text_add(&text, ".bin");
    return clcnn_text_take(&text, name);
}
