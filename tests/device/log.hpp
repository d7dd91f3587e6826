/* Collects the library's log while it lives. */
#ifndef CLCNN_TESTS_DEVICE_LOG_HPP
#define CLCNN_TESTS_DEVICE_LOG_HPP

#include <clcnn/log.h>
#include <mutex>
#include <string>
#include <vector>

class Log
{
  public:
    explicit Log(enum clcnn_log_level level = CLCNN_LOG_INFO)
    {
        clcnn_log_set(level, add, this);
    }
    ~Log()
    {
        clcnn_log_set(CLCNN_LOG_ERROR, nullptr, nullptr);
    }
    Log(const Log &) = delete;
    Log &operator=(const Log &) = delete;

    /* Lines of the topic that contain the text. */
    size_t count(const std::string &topic, const std::string &text = "") const
    {
        std::lock_guard<std::mutex> guard(lock_);
        size_t found = 0;
        for (const std::string &line : lines_)
            found += line.compare(0, topic.size() + 2, topic + ": ") == 0 &&
                     line.find(text) != std::string::npos;
        return found;
    }

  private:
    static void add(enum clcnn_log_level, const char *topic, const char *message, void *user)
    {
        Log *self = static_cast<Log *>(user);
        std::lock_guard<std::mutex> guard(self->lock_);
        self->lines_.push_back(std::string(topic) + ": " + message);
    }
    mutable std::mutex lock_;
    std::vector<std::string> lines_;
};

#endif
