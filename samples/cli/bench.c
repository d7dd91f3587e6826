#include "bench.h"
#include <clcnn/opencl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_command(const struct command *command, int argc, char **argv)
{
    static const struct command commands[] = {
        {"bench gemm", "[M,N,K...]", "matrix products", bench_gemm_command},
        {"bench conv", "", "convolutions", bench_conv_command},
        {"bench train", "[MODEL]", "training steps on made-up data", bench_train_command},
        {"bench start", "[MODEL]", "time to the first answer: empty cache, then filled",
         bench_start_command},
    };
    for (size_t i = 0; argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name + strlen("bench "), argv[0]) == 0)
            return commands[i].run(&commands[i], argc - 1, argv + 1);
    bool help = argc > 0 && strcmp(argv[0], "--help") == 0;
    FILE *file = help ? stdout : stderr;
    fprintf(file, "usage: clcnn bench %s ...\n\n", command->arguments);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(file, "  clcnn %-12s %-12s %s\n", commands[i].name, commands[i].arguments,
                commands[i].summary);
    fprintf(file, "\nclcnn bench gemm --help tells more.\n");
    return help ? EXIT_DONE : EXIT_USAGE;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds of `calls` calls up to one finish. */
static enum clcnn_status time_round(struct clcnn_device *device, bench_function call, void *context,
                                    long calls, double *seconds)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    double begin = seconds_now();
    for (long i = 0; i < calls; i++)
        CLI_TRY(call(context));
    CLI_TRY(clcnn_device_finish(device));
    *seconds = seconds_now() - begin;
done:
    return status;
}

enum clcnn_status bench_time(struct clcnn_device *device, bench_function call, void *context,
                             int rounds, double round_seconds, struct timing *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    double *times = calloc((size_t)rounds, sizeof(*times)), once = 0;
    if (!times)
        return CLCNN_STATUS_OUT_OF_MEMORY;
    CLI_TRY(time_round(device, call, context, 1, &once)); /* finishes builds */
    CLI_TRY(time_round(device, call, context, 2, &once));
    long calls = (long)(round_seconds / (once / 2 + 1e-9)) + 1;
    for (int i = 0; i < rounds; i++) {
        CLI_TRY(time_round(device, call, context, calls, &times[i]));
        times[i] /= (double)calls;
    }
    qsort(times, (size_t)rounds, sizeof(*times), by_value);
    out->median = times[rounds / 2];
    out->best = times[0];
done:
    free(times);
    return status;
}

enum clcnn_status bench_buffer(struct clcnn_device *device, int64_t count,
                               struct clcnn_buffer **out)
{
    size_t bytes = (size_t)count * sizeof(float);
    float *values = malloc(bytes);
    if (!values)
        return CLCNN_STATUS_OUT_OF_MEMORY;
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(i * 7 % 9) - 4;
    enum clcnn_status status = clcnn_buffer_create(device, bytes, out);
    if (status == CLCNN_STATUS_OK)
        status = clcnn_buffer_write(*out, 0, bytes, values, NULL);
    free(values);
    return status;
}
