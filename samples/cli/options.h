/* Command lines: one table per command gives the parsing, the checks and the --help text. */
#ifndef CLCNN_CLI_OPTIONS_H
#define CLCNN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_FLAG, /* bool: no value */
    OPTION_INT,  /* long long, within [low, high] */
    OPTION_REAL, /* double, within [low, high] */
    OPTION_TEXT, /* const char * */
};

struct option {
    const char *name;  /* without the dashes; NULL ends a table */
    const char *value; /* what the help calls its value: "N" */
    const char *help;
    enum option_kind kind;
    void *target;
    double low, high;
};

/* What every command accepts. */
struct common_options {
    const char *device, *device_class;
    bool json, verbose, help;
};

struct arguments {
    const char **items; /* positional, in order; freed by the caller */
    int count;
};

/* Parses argv[0 .. argc). False after a message on stderr that names the option and the rule. */
bool options_parse(const char *command, const struct option *options, struct common_options *common,
                   int argc, char **argv, struct arguments *out);

/* The lines of the help text, the common options last. */
void options_print(const struct option *options);

#endif
