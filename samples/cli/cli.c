#define _POSIX_C_SOURCE 200809L
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static void print_commands(FILE *file, const char *prefix, const struct command *commands)
{
    fprintf(file, "usage: %s COMMAND ...\n\ncommands:\n", prefix);
    for (; commands->name; commands++)
        fprintf(file, "  %-10s %s\n", commands->name, commands->summary);
    fprintf(file, "\n%s COMMAND --help tells more.\n", prefix);
}

int dispatch(const char *prefix, const struct command *commands, int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        print_commands(stdout, prefix, commands);
        return EXIT_DONE;
    }
    for (const struct command *c = commands; argc > 0 && c->name; c++)
        if (strcmp(c->name, argv[0]) == 0)
            return c->run(c, argc - 1, argv + 1);
    if (argc > 0)
        fprintf(stderr, "%s: no command '%s'\n", prefix, argv[0]);
    print_commands(stderr, prefix, commands);
    return EXIT_USAGE;
}

/* CLCNN_VERBOSE names topics ("choose,device") or "all"; warnings are always shown. */
static void print_log(enum clcnn_log_level level, const char *topic, const char *message,
                      void *user)
{
    const char *topics = user;
    if (level > CLCNN_LOG_WARNING &&
        (!topics || (strcmp(topics, "all") != 0 && !strstr(topics, topic))))
        return;
    fprintf(stderr, "clcnn %s: %s\n", topic, message);
}

static void begin_log(bool verbose)
{
    char *topics = verbose ? "all" : getenv("CLCNN_VERBOSE");
    clcnn_log_set(topics ? CLCNN_LOG_INFO : CLCNN_LOG_WARNING, print_log, topics);
}

static void print_usage(FILE *file, const struct command *command)
{
    fprintf(file, "usage: clcnn %s%s%s [options]\n", command->name,
            command->arguments[0] ? " " : "", command->arguments);
}

/* The class of a word, in any case; ANY for another word. */
static enum clcnn_device_class find_class(const char *word)
{
    for (int i = CLCNN_DEVICE_CLASS_GPU; i <= CLCNN_DEVICE_CLASS_FPGA; i++)
        if (strcasecmp(clcnn_device_class_name((enum clcnn_device_class)i), word) == 0)
            return (enum clcnn_device_class)i;
    return CLCNN_DEVICE_CLASS_ANY;
}

int begin_command(const struct command *command, const struct option *options,
                  struct common_options *common, int argc, char **argv, int least, int most,
                  struct arguments *arguments)
{
    if (!options_parse(command->name, options, common, argc, argv, arguments))
        return EXIT_USAGE;
    if (common->help) {
        print_usage(stdout, command);
        printf("\n%s\n", command->summary);
        options_print(options);
        return EXIT_DONE;
    }
    if (common->device_class && find_class(common->device_class) == CLCNN_DEVICE_CLASS_ANY) {
        fprintf(stderr, "clcnn %s: --class %s: gpu, cpu or fpga is expected\n", command->name,
                common->device_class);
        return EXIT_USAGE;
    }
    if (arguments->count < least || (most >= 0 && arguments->count > most)) {
        print_usage(stderr, command);
        fprintf(stderr, "clcnn %s --help tells more.\n", command->name);
        return EXIT_USAGE;
    }
    begin_log(common->verbose);
    return -1;
}

int finish_command(const struct command *command, enum clcnn_status status)
{
    if (status == CLCNN_STATUS_OK)
        return EXIT_DONE;
    fprintf(stderr, "clcnn %s: %s (%s)\n", command->name, clcnn_error_message(),
            clcnn_status_name(status));
    return EXIT_FAILED;
}

enum clcnn_status open_device(const struct common_options *common, bool profile,
                              struct clcnn_device **out)
{
    struct clcnn_device_params params = {.select = common->device,
                                         .profile = profile,
                                         .force_class = common->device_class
                                                            ? find_class(common->device_class)
                                                            : CLCNN_DEVICE_CLASS_ANY};
    return clcnn_device_open(&params, out);
}

bool parse_storage(const char *command, const char *word, enum clcnn_dtype *out)
{
    const enum clcnn_dtype storages[] = {CLCNN_DTYPE_FLOAT32, CLCNN_DTYPE_FLOAT16};
    for (size_t i = 0; i < sizeof(storages) / sizeof(storages[0]); i++) {
        if (strcmp(clcnn_dtype_name(storages[i]), word) == 0) {
            *out = storages[i];
            return true;
        }
    }
    fprintf(stderr, "clcnn %s: --storage %s: float32 or float16 is expected\n", command, word);
    return false;
}

bool parse_optimizer(const char *name, enum clcnn_optimizer_kind *out)
{
    static const enum clcnn_optimizer_kind kinds[] = {
        CLCNN_OPTIMIZER_KIND_SGD,
        CLCNN_OPTIMIZER_KIND_RMSPROP,
        CLCNN_OPTIMIZER_KIND_ADAM,
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(clcnn_optimizer_kind_name(kinds[i]), name) == 0) {
            *out = kinds[i];
            return true;
        }
    }
    fprintf(stderr, "clcnn: --optimizer %s: sgd, rmsprop or adam is expected\n", name);
    return false;
}

static void print_profile(const struct clcnn_profile_entry *entries, size_t count)
{
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += entries[i].total_seconds;
    fprintf(stderr, "\n%-34s %10s %12s %10s %7s\n", "kernel", "launches", "total ms", "us each",
            "share");
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%-34s %10llu %12.3f %10.2f %6.1f%%\n", entries[i].kernel,
                (unsigned long long)entries[i].launches, 1e3 * entries[i].total_seconds,
                1e6 * entries[i].total_seconds / (double)entries[i].launches,
                100 * entries[i].total_seconds / total);
}

enum clcnn_status report_profile(struct clcnn_device *device, bool json)
{
    struct clcnn_profile_entry *entries = NULL;
    size_t count = 0;
    enum clcnn_status status = clcnn_device_profile(device, &entries, &count);
    if (status != CLCNN_STATUS_OK)
        return status;
    if (json) {
        json_array("kernels");
        for (size_t i = 0; i < count; i++) {
            json_object(NULL);
            json_text("kernel", entries[i].kernel);
            json_integer("launches", (long long)entries[i].launches);
            json_real("seconds", entries[i].total_seconds);
            json_close();
        }
        json_close();
    } else {
        print_profile(entries, count);
    }
    clcnn_free(entries);
    return CLCNN_STATUS_OK;
}

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void shape_words(const struct clcnn_shape *shape, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 1; i < shape->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i > 1 ? "x" : "",
                                 (long long)shape->dim[i]);
}
