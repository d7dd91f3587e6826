/* What the benchmarks share. */
#ifndef CLCNN_CLI_BENCH_H
#define CLCNN_CLI_BENCH_H

#include "cli.h"

int bench_gemm_command(const struct command *command, int argc, char **argv);
int bench_conv_command(const struct command *command, int argc, char **argv);
int bench_train_command(const struct command *command, int argc, char **argv);
int bench_start_command(const struct command *command, int argc, char **argv);

struct timing {
    double median, best; /* seconds of one call */
};

/* Times `call(context)`, which enqueues on the device's default queue: after a warm-up, `rounds`
 * rounds of enough calls, up to one finish each, to last about `round_seconds`. */
typedef enum clcnn_status (*bench_function)(void *context);
enum clcnn_status bench_time(struct clcnn_device *device, bench_function call, void *context,
                             int rounds, double round_seconds, struct timing *out);

/* The device's single-precision fused multiply-add rate, measured now, in FLOP/s: independent
 * accumulators in registers and nothing else. */
enum clcnn_status bench_peak(struct clcnn_device *device, double *flops);

/* A buffer of small whole numbers, so that results stay finite and exact. */
enum clcnn_status bench_buffer(struct clcnn_device *device, int64_t count,
                               struct clcnn_buffer **out);

#endif
