#include <catch2/catch.hpp>
#include <clcnn/trainer.h>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace
{

struct clcnn_progress example()
{
    struct clcnn_progress p = {};
    p.epoch = 1;
    p.epochs = 5;
    p.sample = 30000;
    p.samples = 60000;
    p.step = 469;
    p.steps = 938;
    p.seconds = 4.5;
    p.training = {0.1612, 0.9505, 30000};
    return p;
}

struct clcnn_progress example_end()
{
    struct clcnn_progress p = example();
    p.sample = p.samples;
    p.step = p.steps;
    p.seconds = 9.0;
    p.validation = {0.05, 0.9875, 10000};
    p.epoch_end = true;
    return p;
}

std::string printed_to_file(const struct clcnn_progress &progress)
{
    FILE *file = tmpfile();
    CHECK(clcnn_progress_bar(&progress, file));
    std::string text((size_t)ftell(file), ' ');
    rewind(file);
    CHECK(fread(&text[0], 1, text.size(), file) == text.size());
    fclose(file);
    return text;
}

/* Through a pseudo-terminal; "" if there is none. */
std::string printed_to_terminal(const struct clcnn_progress &progress)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master))
        return "";
    FILE *file = fopen(ptsname(master), "w");
    if (!file) {
        close(master);
        return "";
    }
    CHECK(clcnn_progress_bar(&progress, file));
    char buffer[1024];
    ssize_t count = read(master, buffer, sizeof(buffer));
    fclose(file);
    close(master);
    return count > 0 ? std::string(buffer, (size_t)count) : "";
}

/* Sets LC_ALL for a while. */
struct Locale {
    std::string before;
    bool had;
    explicit Locale(const char *value)
    {
        const char *old = getenv("LC_ALL");
        had = old != nullptr;
        before = old ? old : "";
        setenv("LC_ALL", value, 1);
    }
    ~Locale()
    {
        if (had)
            setenv("LC_ALL", before.c_str(), 1);
        else
            unsetenv("LC_ALL");
    }
};

} // namespace

TEST_CASE("In a file an epoch is one plain line", "[progress]")
{
    CHECK(printed_to_file(example()).empty());
    CHECK(printed_to_file(example_end()) ==
          "Epoch 2/5 - 938/938 9s 10ms/step 6667 images/s - accuracy: 0.9505 - loss: 0.1612"
          " - val_accuracy: 0.9875 - val_loss: 0.0500\n");
    struct clcnn_progress slow = example_end();
    slow.seconds = 3725;
    slow.validation.samples = 0;
    CHECK(printed_to_file(slow) ==
          "Epoch 2/5 - 938/938 1:02:05 4s/step 16 images/s - accuracy: 0.9505 - loss: 0.1612\n");
}

TEST_CASE("On a terminal the line is rewritten, with the time left", "[progress]")
{
    Locale utf8("C.UTF-8");
    std::string text = printed_to_terminal(example());
    if (text.empty())
        return; /* no pseudo-terminals here */
    std::string bar;
    for (int i = 0; i < 20; i++)
        bar += i < 10 ? "\xE2\x94\x81" : "\xE2\x94\x80";
    CHECK(text == "\r\033[K469/938 " + bar +
                      " 5s 10ms/step 6667 images/s - accuracy: 0.9505 - loss: 0.1612");
    struct clcnn_progress begin = example();
    begin.sample = begin.step = 0;
    CHECK(printed_to_terminal(begin).find("Epoch 2/5\r\n\r\033[K  0/938 ") == 0);
    text = printed_to_terminal(example_end());
    CHECK(text.find("938/938") != std::string::npos);
    CHECK(text.substr(text.size() - 2) == "\r\n");
}

TEST_CASE("Without a file, or without progress, nothing is printed", "[progress]")
{
    struct clcnn_progress end = example_end();
    CHECK(clcnn_progress_bar(&end, nullptr));
    FILE *file = tmpfile();
    CHECK(clcnn_progress_bar(nullptr, file));
    CHECK(ftell(file) == 0);
    fclose(file);
}

TEST_CASE("Without UTF-8 the bar is ASCII", "[progress]")
{
    Locale plain("C");
    std::string text = printed_to_terminal(example());
    if (!text.empty())
        CHECK(text.find(" ==========.......... ") != std::string::npos);
}
