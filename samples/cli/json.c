#include "json.h"
#include <math.h>
#include <stdio.h>

#define DEPTH 16

static struct {
    char closer[DEPTH];
    bool filled[DEPTH];
    int depth;
} state;

static void quote(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

static void begin_value(const char *key)
{
    if (state.filled[state.depth])
        printf(", ");
    state.filled[state.depth] = true;
    if (key) {
        quote(key);
        printf(": ");
    }
}

static void open_level(char opener, char closer)
{
    putchar(opener);
    if (state.depth + 1 < DEPTH)
        state.depth++;
    state.closer[state.depth] = closer;
    state.filled[state.depth] = false;
}

void json_begin(void)
{
    state.depth = 0;
    open_level('{', '}');
}

void json_object(const char *key)
{
    begin_value(key);
    open_level('{', '}');
}

void json_array(const char *key)
{
    begin_value(key);
    open_level('[', ']');
}

void json_close(void)
{
    putchar(state.closer[state.depth--]);
}

void json_text(const char *key, const char *value)
{
    begin_value(key);
    quote(value);
}

void json_integer(const char *key, long long value)
{
    begin_value(key);
    printf("%lld", value);
}

void json_real(const char *key, double value)
{
    begin_value(key);
    if (isfinite(value))
        printf("%.9g", value);
    else
        printf("null");
}

void json_boolean(const char *key, bool value)
{
    begin_value(key);
    printf(value ? "true" : "false");
}

void json_end(void)
{
    while (state.depth > 0)
        json_close();
    putchar('\n');
}
