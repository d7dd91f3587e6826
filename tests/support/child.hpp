/* Runs hidden test cases of this program in a process of their own: for OpenCL layers, which the
 * loader reads at its first call, and for tests that kill or starve a process. */
#ifndef CLCNN_TESTS_CHILD_HPP
#define CLCNN_TESTS_CHILD_HPP

#include <cstdio>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

struct child_result {
    int code; /* exit status, or 128 + signal */
    std::string output;
};

/* environment: "NAME=value NAME=value", values without quotes. */
inline child_result run_child(const std::string &test, const std::string &environment)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length > 0 ? length : 0] = '\0';
    std::string command = "exec env " + environment + " '" + self + "' '" + test + "' 2>&1";
    child_result result = {-1, ""};
    FILE *pipe = popen(command.c_str(), "r");
    if (!pipe)
        return result;
    char part[4096];
    while (fgets(part, sizeof(part), pipe))
        result.output += part;
    int status = pclose(pipe);
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

/* The layer's file: OPENCL_LAYERS=<this>. */
inline std::string layer_path(const std::string &name)
{
    return std::string(CLCNN_TESTS_LAYERS) + "/layer_" + name + ".so";
}

#define CHECK_CHILD(test, environment)                                                             \
    do {                                                                                           \
        child_result child_ = run_child(test, environment);                                        \
        INFO(child_.output);                                                                       \
        CHECK(child_.code == 0);                                                                   \
    } while (0)

#endif
