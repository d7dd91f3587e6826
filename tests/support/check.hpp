/* Checks of a call's status and message; nothing here needs OpenCL. */
#ifndef CLCNN_TESTS_CHECK_HPP
#define CLCNN_TESTS_CHECK_HPP

#include <catch2/catch.hpp>
#include <clcnn/status.h>
#include <cstdlib>
#include <string>

#define CHECK_OK(call)                                                                             \
    do {                                                                                           \
        enum clcnn_status status_ = (call);                                                        \
        INFO(clcnn_error_message());                                                               \
        REQUIRE(status_ == CLCNN_STATUS_OK);                                                       \
    } while (0)

/* The call must fail with this status and with these words in its message. */
#define CHECK_FAILS(call, status, words)                                                           \
    do {                                                                                           \
        CHECK((call) == (status));                                                                 \
        CHECK_THAT(clcnn_error_message(), Catch::Matchers::Contains(words));                       \
    } while (0)

/* A path below the folder of data sets and images that large tests use: CLCNN_DATA, else
 * ../shared/data beside the source. */
inline std::string data_path(const std::string &name)
{
    const char *root = std::getenv("CLCNN_DATA");
    return (root ? std::string(root) : std::string(CLCNN_TESTS_DATA)) + "/" + name;
}

/* Ends the test case, saying so, if the path is not there. */
#define NEED_FILE(path)                                                                            \
    do {                                                                                           \
        if (!std::filesystem::exists(path)) {                                                      \
            WARN("SKIPPED: there is no " << (path));                                               \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#endif
