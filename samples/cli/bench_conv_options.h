/* The command line of `clcnn bench conv`. */
#ifndef CLCNN_CLI_BENCH_CONV_OPTIONS_H
#define CLCNN_CLI_BENCH_CONV_OPTIONS_H

#include "bench_conv.h"

enum { CONV_ALL_ALGORITHMS = -1 };

struct conv_options {
    struct common_options common;
    const char *list, *filter, *pass;
    int algorithm;          /* or CONV_ALL_ALGORITHMS */
    struct conv_case shape; /* with a list: what its lines leave open */
    long long rounds;
    double seconds;
    bool profile, peers, clblast;
};

/* Returns -1 to go on, or the exit code to leave with. */
int conv_options_parse(const struct command *command, int argc, char **argv,
                       struct conv_options *out, struct arguments *arguments);

#endif
