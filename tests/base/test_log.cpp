extern "C" {
#include "base/log.h"
}
#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace
{

struct entry {
    enum clcnn_log_level level;
    std::string topic, message;
};

void collect(enum clcnn_log_level level, const char *topic, const char *message, void *user)
{
    static_cast<std::vector<entry> *>(user)->push_back({level, topic, message});
}

/* Silences the log again at the end of a test. */
struct Silence {
    ~Silence()
    {
        clcnn_log_set(CLCNN_LOG_ERROR, nullptr, nullptr);
    }
};

} // namespace

TEST_CASE("log: nobody listens by default", "[log]")
{
    CHECK(!clcnn_log_enabled(CLCNN_LOG_ERROR));
    clcnn_logf(CLCNN_LOG_ERROR, "test", "unheard");
}

TEST_CASE("log: levels up to the one that was set", "[log]")
{
    Silence silence;
    std::vector<entry> heard;
    const enum clcnn_log_level levels[] = {CLCNN_LOG_ERROR, CLCNN_LOG_WARNING, CLCNN_LOG_INFO,
                                           CLCNN_LOG_DEBUG};
    for (enum clcnn_log_level set : levels) {
        clcnn_log_set(set, collect, &heard);
        heard.clear();
        for (enum clcnn_log_level level : levels) {
            CHECK(clcnn_log_enabled(level) == (level <= set));
            clcnn_logf(level, "test", "%s %d", "line", (int)level);
        }
        REQUIRE(heard.size() == (size_t)set + 1);
        for (size_t i = 0; i < heard.size(); i++) {
            CHECK(heard[i].level == levels[i]);
            CHECK(heard[i].topic == "test");
            CHECK(heard[i].message == "line " + std::to_string(i));
        }
    }
    clcnn_log_set(CLCNN_LOG_DEBUG, nullptr, nullptr);
    CHECK(!clcnn_log_enabled(CLCNN_LOG_ERROR));
}

TEST_CASE("log: many lines are handed over one by one", "[log]")
{
    Silence silence;
    std::vector<entry> heard;
    clcnn_log_set(CLCNN_LOG_INFO, collect, &heard);
    clcnn_logf(CLCNN_LOG_INFO, "build", "\nfirst\r\n\n%s\n", "  second: \tx");
    REQUIRE(heard.size() == 2);
    CHECK(heard[0].message == "first");
    CHECK(heard[1].message == "  second: \tx");
    CHECK(heard[1].topic == "build");
}

TEST_CASE("log: a line that is too long is cut", "[log]")
{
    Silence silence;
    std::vector<entry> heard;
    clcnn_log_set(CLCNN_LOG_INFO, collect, &heard);
    std::string words(10000, 'y');
    clcnn_logf(CLCNN_LOG_INFO, "test", "%s", words.c_str());
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].message.size() > 1000);
    CHECK(words.compare(0, heard[0].message.size(), heard[0].message) == 0);
}
