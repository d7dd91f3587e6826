#include "support/check.hpp"
#include <vector>

extern "C" {
#include "base/utf8.h"
#include "io/json.h"
}

namespace
{

struct Json : clcnn_json {
    std::string buffer;
    explicit Json(std::string contents) : clcnn_json{}, buffer(std::move(contents))
    {
        text = buffer.data();
        size = buffer.size();
    }
};

} // namespace

TEST_CASE("json: strings", "[io][json]")
{
    const struct {
        const char *text, *value;
    } cases[] = {
        {R"("")", ""},
        {R"( "a b")", "a b"},
        {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
        {R"("\u0041\u00e9\u20AC")", "A\xc3\xa9\xe2\x82\xac"},
        {R"("\ud83d\uDE00!")", "\xf0\x9f\x98\x80!"},
        {"\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"", "\xf4\x8f\xbf\xbf\xed\x9f\xbf"},
    };
    for (const auto &c : cases) {
        Json json(c.text);
        char *out = nullptr;
        CHECK_OK(clcnn_json_string(&json, &out));
        CHECK(std::string(out) == c.value);
        CHECK_OK(clcnn_json_end(&json));
    }
}

TEST_CASE("json: strings that are refused", "[io][json]")
{
    const struct {
        std::string text;
        const char *words;
    } cases[] = {
        {"", "byte 0: '\"' is expected"},
        {"x", "byte 0: '\"' is expected"},
        {"\"abc", "byte 4: a string does not end"},
        {"\"a\nb\"", "byte 2: a control character in a string"},
        {std::string("\"a\0b\"", 5), "byte 2: a control character in a string"},
        {R"("\x41")", "byte 2: an unknown escape"},
        {R"("\)", "byte 2: an unknown escape"},
        {R"("\u12")", "byte 5: four hexadecimal digits"},
        {R"("\u12g4")", "byte 5: four hexadecimal digits"},
        {R"("\u0000")", "a string contains U+0000"},
        {R"("\ud83d")", "half of a surrogate pair"},
        {R"("\ud83d\u0041")", "half of a surrogate pair"},
        {R"("\ude00")", "half of a surrogate pair"},
        {"\"\x80\"", "byte 1: a string is not UTF-8"},
        {"\"\xc0\xaf\"", "not UTF-8"},         /* too long a form of '/' */
        {"\"\xe0\x80\xaf\"", "not UTF-8"},     /* the same in three bytes */
        {"\"\xf0\x80\x80\xaf\"", "not UTF-8"}, /* and in four */
        {"\"\xed\xa0\x80\"", "not UTF-8"},     /* a surrogate */
        {"\"\xf4\x90\x80\x80\"", "not UTF-8"}, /* above U+10FFFF */
        {"\"\xe2\x82\"", "not UTF-8"},
        {"\"\xe2\x82", "not UTF-8"},
    };
    for (const auto &c : cases) {
        Json json(c.text);
        char *out = nullptr;
        INFO(c.text);
        CHECK_FAILS(clcnn_json_string(&json, &out), CLCNN_STATUS_FORMAT, c.words);
    }
    CHECK(clcnn_utf8_valid("gr\xc3\xbc\xc3\x9f"));
    CHECK(!clcnn_utf8_valid("gr\xc3"));
}

TEST_CASE("json: numbers", "[io][json]")
{
    const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0}, {" 7,", 7}, {"9223372036854775807", INT64_MAX}};
    for (const auto &c : good) {
        Json json(c.text);
        int64_t value = -1;
        CHECK_OK(clcnn_json_number(&json, &value));
        CHECK(value == c.value);
    }
    const struct {
        const char *text, *words;
    } bad[] = {
        {"", "byte 0: a whole number >= 0 is expected"},
        {"-1", "a whole number >= 0 is expected"},
        {"+1", "a whole number >= 0 is expected"},
        {"1.0", "a whole number >= 0 is expected"},
        {"1e3", "a whole number >= 0 is expected"},
        {"01", "a number begins with 0"},
        {"9223372036854775808", "a number exceeds 2^63-1"},
        {"99999999999999999999999", "a number exceeds 2^63-1"},
        {"\"1\"", "a whole number >= 0 is expected"},
    };
    for (const auto &c : bad) {
        Json json(c.text);
        int64_t value = 0;
        CHECK_FAILS(clcnn_json_number(&json, &value), CLCNN_STATUS_FORMAT, c.words);
    }
}

TEST_CASE("json: strings are written so that they are read again", "[io][json]")
{
    const char *texts[] = {"", "plain", "\"\\/\b\f\n\r\t\x01\x1f", "gr\xc3\xbc\xc3\x9f"};
    for (const char *text : texts) {
        clcnn_text out = {};
        clcnn_json_add_string(&out, text);
        Json json(out.data);
        clcnn_text_clear(&out);
        char *again = nullptr;
        CHECK_OK(clcnn_json_string(&json, &again));
        CHECK(std::string(again) == text);
    }
}
