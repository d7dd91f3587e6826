#include "io/json.h"
#include "base/utf8.h"
#include <string.h>

static enum clcnn_status fail_at(size_t at, const char *what)
{
    return clcnn_fail(CLCNN_STATUS_FORMAT, "byte %zu: %s", at, what);
}

char clcnn_json_peek(struct clcnn_json *json)
{
    while (json->at < json->size && json->text[json->at] && strchr(" \t\r\n", json->text[json->at]))
        json->at++;
    return json->at < json->size ? json->text[json->at] : '\0';
}

enum clcnn_status clcnn_json_take(struct clcnn_json *json, char wanted)
{
    if (clcnn_json_peek(json) != wanted || json->at == json->size)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "byte %zu: '%c' is expected", json->at, wanted);
    json->at++;
    return CLCNN_STATUS_OK;
}

enum clcnn_status clcnn_json_next(struct clcnn_json *json, char end, bool *first, bool *more)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    *more = clcnn_json_peek(json) != end;
    if (!*more)
        TRY(clcnn_json_take(json, end));
    else if (!*first)
        TRY(clcnn_json_take(json, ','));
    *first = false;
done:
    return status;
}

/* ---- strings --------------------------------------------------------------------------------- */

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(marks[length] | code);
    return length;
}

static enum clcnn_status take_hex(struct clcnn_json *json, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = json->at < json->size ? json->text[json->at] : '\0';
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = c ? strchr(digits, c) : NULL;
        if (!digit)
            return fail_at(json->at, "four hexadecimal digits are expected after \\u");
        *code = *code << 4 | (uint32_t)((digit - digits) & 15);
        json->at++;
    }
    return CLCNN_STATUS_OK;
}

static enum clcnn_status take_unicode(struct clcnn_json *json, uint32_t *code)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t begin = json->at;
    uint32_t low = 0;
    TRY(take_hex(json, code));
    if (*code >= 0xD800 && *code < 0xDC00) {
        if (json->size - json->at < 2 || memcmp(json->text + json->at, "\\u", 2) != 0)
            TRY(fail_at(begin, "half of a surrogate pair"));
        json->at += 2;
        TRY(take_hex(json, &low));
        if (low < 0xDC00 || low > 0xDFFF)
            TRY(fail_at(begin, "half of a surrogate pair"));
        *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    } else if (*code >= 0xDC00 && *code < 0xE000) {
        TRY(fail_at(begin, "half of a surrogate pair"));
    }
    if (*code == 0)
        TRY(fail_at(begin, "a string contains U+0000"));
done:
    return status;
}

/* After a backslash: the character's code. */
static enum clcnn_status take_escape(struct clcnn_json *json, uint32_t *code)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = json->at < json->size ? json->text[json->at] : '\0';
    const char *name = c ? strchr(names, c) : NULL;
    if (c == 'u') {
        json->at++;
        return take_unicode(json, code);
    }
    if (!name)
        return fail_at(json->at, "an unknown escape");
    *code = (uint32_t)values[name - names];
    json->at++;
    return CLCNN_STATUS_OK;
}

/* An escape is never shorter than what it stands for, so the text is unescaped in place. */
enum clcnn_status clcnn_json_string(struct clcnn_json *json, char **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    uint32_t code = 0;
    TRY(clcnn_json_take(json, '"'));
    char *begin = json->text + json->at, *end = begin;
    for (;;) {
        if (json->at == json->size)
            TRY(fail_at(json->at, "a string does not end"));
        char *c = json->text + json->at;
        if ((unsigned char)*c < 0x20)
            TRY(fail_at(json->at, "a control character in a string"));
        if (*c == '"')
            break;
        if (*c == '\\') {
            json->at++;
            TRY(take_escape(json, &code));
            end += put_utf8(code, end);
        } else {
            size_t length = clcnn_utf8_length(c, json->size - json->at);
            if (!length)
                TRY(fail_at(json->at, "a string is not UTF-8"));
            memmove(end, c, length);
            end += length;
            json->at += length;
        }
    }
    json->at++;
    *end = '\0';
    *out = begin;
done:
    return status;
}

void clcnn_json_add_string(struct clcnn_text *out, const char *text)
{
    clcnn_text_add(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            clcnn_text_add(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            clcnn_text_add(out, "\\u%04x", (unsigned)*text);
        else
            clcnn_text_add(out, "%c", *text);
    }
    clcnn_text_add(out, "\"");
}

/* ---- numbers --------------------------------------------------------------------------------- */

enum clcnn_status clcnn_json_number(struct clcnn_json *json, int64_t *out)
{
    char c = clcnn_json_peek(json);
    size_t begin = json->at;
    *out = 0;
    if (c < '0' || c > '9')
        return fail_at(begin, "a whole number >= 0 is expected");
    for (; json->at < json->size; json->at++) {
        c = json->text[json->at];
        if (c < '0' || c > '9')
            break;
        if (__builtin_mul_overflow(*out, (int64_t)10, out) ||
            __builtin_add_overflow(*out, (int64_t)(c - '0'), out))
            return fail_at(begin, "a number exceeds 2^63-1");
    }
    if (json->text[begin] == '0' && json->at - begin > 1)
        return fail_at(begin, "a number begins with 0");
    if (json->at < json->size && strchr(".eE", json->text[json->at]) && json->text[json->at])
        return fail_at(begin, "a whole number >= 0 is expected");
    return CLCNN_STATUS_OK;
}

enum clcnn_status clcnn_json_end(struct clcnn_json *json)
{
    clcnn_json_peek(json);
    return json->at == json->size ? CLCNN_STATUS_OK
                                  : fail_at(json->at, "more follows the closing '}'");
}
