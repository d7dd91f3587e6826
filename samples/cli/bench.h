/* What the benchmarks share. */
#ifndef CLCNN_CLI_BENCH_H
#define CLCNN_CLI_BENCH_H

#include "bench_race.h"
#include "cli.h"

int bench_gemm_command(const struct command *command, int argc, char **argv);
int bench_conv_command(const struct command *command, int argc, char **argv);
int bench_model_command(const struct command *command, int argc, char **argv);
int bench_train_command(const struct command *command, int argc, char **argv);
int bench_start_command(const struct command *command, int argc, char **argv);

/* Times `call(context)`, which enqueues on the device's default queue: after a warm-up, `rounds`
 * (at most RACE_ROUNDS) rounds of enough calls, up to one finish each, to last about
 * `round_seconds`. */
typedef enum clcnn_status (*bench_function)(void *context);
enum clcnn_status bench_time(struct clcnn_device *device, bench_function call, void *context,
                             int rounds, double round_seconds, struct timing *out);

/* The device's single-precision fused multiply-add rate, measured now, in FLOP/s: independent
 * accumulators in registers and nothing else. */
enum clcnn_status bench_peak(struct clcnn_device *device, double *flops);

/* Element `index` of the made-up tensor number `seed`: uniform in [-1, 1), always the same. */
float bench_value(uint64_t seed, int64_t index);

/* A buffer of `count` such values. */
enum clcnn_status bench_buffer(struct clcnn_device *device, uint64_t seed, int64_t count,
                               struct clcnn_buffer **out);

#endif
