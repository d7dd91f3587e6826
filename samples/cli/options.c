#include "options.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMON_COUNT 5

static void common_table(struct common_options *common, struct option table[COMMON_COUNT + 1])
{
    const struct option options[COMMON_COUNT + 1] = {
        {"device", "D", "gpu, cpu, fpga, P:D or part of a name", OPTION_TEXT, &common->device, 0,
         0},
        {"class", "C", "treat it as a gpu, cpu or fpga, whatever it says", OPTION_TEXT,
         &common->device_class, 0, 0},
        {"json", NULL, "print one JSON object and nothing else", OPTION_FLAG, &common->json, 0, 0},
        {"verbose", NULL, "say on stderr what is chosen and why", OPTION_FLAG, &common->verbose, 0,
         0},
        {"help", NULL, "print this", OPTION_FLAG, &common->help, 0, 0},
    };
    memcpy(table, options, sizeof(options));
}

/* "--name" or "--name=value". */
static const struct option *find(const struct option *options, const char *text)
{
    size_t length = strcspn(text, "=");
    for (; options->name; options++)
        if (strlen(options->name) == length && strncmp(options->name, text, length) == 0)
            return options;
    return NULL;
}

static bool store(const char *command, const struct option *option, const char *text)
{
    char *end = NULL;
    errno = 0;
    if (option->kind == OPTION_TEXT) {
        *(const char **)option->target = text;
        return true;
    }
    double value =
        option->kind == OPTION_INT ? (double)strtoll(text, &end, 10) : strtod(text, &end);
    if (errno || end == text || *end || !(value >= option->low && value <= option->high)) {
        fprintf(stderr, "clcnn %s: --%s %s: a %s from %g to %g is expected\n", command,
                option->name, text, option->kind == OPTION_INT ? "whole number" : "number",
                option->low, option->high);
        return false;
    }
    if (option->kind == OPTION_INT)
        *(long long *)option->target = strtoll(text, NULL, 10);
    else
        *(double *)option->target = value;
    return true;
}

/* Handles argv[*index], which begins with "--"; moves *index over a separate value. */
static bool take(const char *command, const struct option *option, int argc, char **argv,
                 int *index)
{
    const char *text = argv[*index], *equals = strchr(text, '=');
    if (!option) {
        fprintf(stderr, "clcnn %s: unknown option %s (see clcnn %s --help)\n", command, text,
                command);
        return false;
    }
    if (option->kind == OPTION_FLAG) {
        if (equals)
            fprintf(stderr, "clcnn %s: --%s takes no value\n", command, option->name);
        *(bool *)option->target = true;
        return !equals;
    }
    if (equals)
        return store(command, option, equals + 1);
    if (*index + 1 >= argc) {
        fprintf(stderr, "clcnn %s: --%s needs a value %s\n", command, option->name, option->value);
        return false;
    }
    return store(command, option, argv[++*index]);
}

bool options_parse(const char *command, const struct option *options, struct common_options *common,
                   int argc, char **argv, struct arguments *out)
{
    struct option shared[COMMON_COUNT + 1];
    common_table(common, shared);
    out->count = 0;
    out->items = calloc((size_t)argc + 1, sizeof(*out->items));
    if (!out->items) {
        fprintf(stderr, "clcnn: out of memory\n");
        return false;
    }
    bool only_items = false;
    for (int i = 0; i < argc; i++) {
        if (only_items || strncmp(argv[i], "--", 2) != 0) {
            out->items[out->count++] = argv[i];
        } else if (!argv[i][2]) {
            only_items = true;
        } else {
            const struct option *option = find(options, argv[i] + 2);
            if (!option)
                option = find(shared, argv[i] + 2);
            if (!take(command, option, argc, argv, &i))
                return false;
        }
    }
    return true;
}

static void print_table(const struct option *options)
{
    for (; options->name; options++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", options->name, options->value ? " " : "",
                 options->value ? options->value : "");
        printf("  %-24s %s\n", left, options->help);
    }
}

void options_print(const struct option *options)
{
    struct option shared[COMMON_COUNT + 1];
    struct common_options unused;
    common_table(&unused, shared);
    printf("\noptions:\n");
    print_table(options);
    print_table(shared);
}
