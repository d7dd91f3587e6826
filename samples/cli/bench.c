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
        {"bench model", "[MODEL]", "predictions of a network", bench_model_command},
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

struct lap {
    struct clcnn_device *device;
    bench_function call;
    void *context;
};

static enum clcnn_status run_lap(void *context, long calls)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct lap *lap = context;
    for (long i = 0; i < calls; i++)
        CLI_TRY(lap->call(lap->context));
    CLI_TRY(clcnn_device_finish(lap->device));
done:
    return status;
}

enum clcnn_status bench_time(struct clcnn_device *device, bench_function call, void *context,
                             int rounds, double round_seconds, struct timing *out)
{
    struct lap lap = {device, call, context};
    struct racer racer = {.run = run_lap, .context = &lap};
    struct race race = {rounds, round_seconds, 1e9};
    enum clcnn_status status = race_run(&race, &racer, 1);
    *out = racer.timing;
    return status;
}

float bench_value(uint64_t seed, int64_t index)
{
    uint64_t z = (seed << 40) + ((uint64_t)index + 1) * 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (float)((double)((z ^ (z >> 31)) >> 40) * 0x1p-23 - 1.0);
}

enum clcnn_status bench_buffer(struct clcnn_device *device, uint64_t seed, int64_t count,
                               struct clcnn_buffer **out)
{
    size_t bytes = (size_t)count * sizeof(float);
    float *values = malloc(bytes);
    if (!values)
        return CLCNN_STATUS_OUT_OF_MEMORY;
    for (int64_t i = 0; i < count; i++)
        values[i] = bench_value(seed, i);
    enum clcnn_status status = clcnn_buffer_create(device, bytes, out);
    if (status == CLCNN_STATUS_OK)
        status = clcnn_buffer_write(*out, 0, bytes, values, NULL);
    free(values);
    return status;
}
