extern "C" {
#include "base/status.h"
}
#include "support/check.hpp"
#include <thread>

TEST_CASE("status: names", "[status]")
{
    CHECK(std::string(clcnn_status_name(CLCNN_STATUS_OK)) == "ok");
    CHECK(std::string(clcnn_status_name(CLCNN_STATUS_INVALID_ARGUMENT)) == "invalid argument");
    CHECK(std::string(clcnn_status_name(CLCNN_STATUS_UNSUPPORTED)) == "unsupported");
    CHECK(std::string(clcnn_status_name(CLCNN_STATUS_DEVICE)) == "device");
    CHECK(std::string(clcnn_status_name(CLCNN_STATUS_OUT_OF_MEMORY)) == "out of memory");
    CHECK(std::string(clcnn_status_name(CLCNN_STATUS_IO)) == "io");
    CHECK(std::string(clcnn_status_name(CLCNN_STATUS_FORMAT)) == "format");
    CHECK(std::string(clcnn_status_name((enum clcnn_status)7)) == "unknown");
    CHECK(std::string(clcnn_status_name((enum clcnn_status) - 1)) == "unknown");
}

TEST_CASE("status: the version is the headers'", "[status]")
{
    std::string version = std::to_string(CLCNN_VERSION_MAJOR) + "." +
                          std::to_string(CLCNN_VERSION_MINOR) + "." +
                          std::to_string(CLCNN_VERSION_PATCH);
    CHECK(clcnn_version() == version);
}

TEST_CASE("status: a failure keeps its words", "[status]")
{
    CHECK(clcnn_fail(CLCNN_STATUS_FORMAT, "row %d of %s", 3, "table") == CLCNN_STATUS_FORMAT);
    CHECK(std::string(clcnn_error_message()) == "row 3 of table");
    CHECK(clcnn_fail_prefix(CLCNN_STATUS_IO, "file '%s': ", "a.gz") == CLCNN_STATUS_IO);
    CHECK(std::string(clcnn_error_message()) == "file 'a.gz': row 3 of table");
    CHECK(clcnn_fail_prefix(CLCNN_STATUS_OK, "never: ") == CLCNN_STATUS_OK);
    CHECK(std::string(clcnn_error_message()) == "file 'a.gz': row 3 of table");
    clcnn_fail(CLCNN_STATUS_IO, "again: %s", clcnn_error_message()); /* its own message in it */
    CHECK(std::string(clcnn_error_message()) == "again: file 'a.gz': row 3 of table");
}

TEST_CASE("status: a message that is too long is cut", "[status]")
{
    std::string words(5000, 'x');
    clcnn_fail(CLCNN_STATUS_IO, "%s", words.c_str());
    std::string kept = clcnn_error_message();
    CHECK(kept.size() > 500);
    CHECK(words.compare(0, kept.size(), kept) == 0);
    clcnn_fail_prefix(CLCNN_STATUS_IO, "%s", words.c_str());
    CHECK(clcnn_error_message() == kept);
}

TEST_CASE("status: one message per thread", "[status]")
{
    clcnn_fail(CLCNN_STATUS_IO, "mine");
    std::string other_first, other_last;
    std::thread([&] {
        other_first = clcnn_error_message();
        clcnn_fail(CLCNN_STATUS_IO, "theirs");
        other_last = clcnn_error_message();
    }).join();
    CHECK(other_first.empty());
    CHECK(other_last == "theirs");
    CHECK(std::string(clcnn_error_message()) == "mine");
}
