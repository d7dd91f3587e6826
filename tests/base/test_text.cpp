extern "C" {
#include "base/text.h"
}
#include "support/check.hpp"

TEST_CASE("text: grows as it is written", "[text]")
{
    struct clcnn_text text = {};
    std::string expected;
    for (int i = 0; i < 1000; i++) {
        clcnn_text_add(&text, "%d,", i);
        expected += std::to_string(i) + ",";
    }
    CHECK(text.length == expected.size());
    char *taken = nullptr;
    CHECK_OK(clcnn_text_take(&text, &taken));
    CHECK(taken == expected);
    CHECK(text.data == nullptr);
    CHECK(text.length == 0);
    free(taken);
}

TEST_CASE("text: nothing added gives an empty string", "[text]")
{
    struct clcnn_text text = {};
    char *taken = nullptr;
    CHECK_OK(clcnn_text_take(&text, &taken));
    CHECK(std::string(taken).empty());
    free(taken);
    clcnn_text_add(&text, "%s", "");
    CHECK_OK(clcnn_text_take(&text, &taken));
    CHECK(std::string(taken).empty());
    free(taken);
}

TEST_CASE("text: after a failure it stays as it is, and take reports it", "[text]")
{
    struct clcnn_text text = {};
    clcnn_text_add(&text, "kept");
    text.failed = true;
    clcnn_text_add(&text, " lost");
    CHECK(std::string(text.data) == "kept");
    char *taken = nullptr;
    CHECK_FAILS(clcnn_text_take(&text, &taken), CLCNN_STATUS_OUT_OF_MEMORY, "host memory");
    CHECK(taken == nullptr);
    CHECK(text.data == nullptr);
    CHECK(!text.failed);
}

TEST_CASE("text: cleared, and used again", "[text]")
{
    struct clcnn_text text = {};
    clcnn_text_add(&text, "first");
    clcnn_text_clear(&text);
    clcnn_text_clear(&text);
    clcnn_text_add(&text, "second");
    CHECK(std::string(text.data) == "second");
    clcnn_text_clear(&text);
}
