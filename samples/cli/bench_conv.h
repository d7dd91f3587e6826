/* What `clcnn bench conv` is made of: the problem, our op ready to run, its error, the peers. */
#ifndef CLCNN_CLI_BENCH_CONV_H
#define CLCNN_CLI_BENCH_CONV_H

#include "bench.h"

struct conv_case {
    char name[64];
    struct clcnn_conv2d_params params;
    enum clcnn_conv2d_phase phase;
    bool training;           /* the filter is not packed beforehand */
    int output[2];           /* P, Q */
    int before[2], after[2]; /* zeros above and left, below and right; `after` is negative where the
                                last pixels are read by no output */
};

/* Fills in what follows from the parameters. Errors: as clcnn_conv2d_output_size. */
enum clcnn_status conv_case_resolve(struct conv_case *c);

/* One line of a table: name N C H W K R S G top left bottom right sh sw dh dw, separated by
 * blanks. Sets the name and these parameters. */
bool conv_case_parse(const char *line, struct conv_case *c);

/* 2 N P Q K R S C/G. */
double conv_case_flops(const struct conv_case *c);

/* The made-up tensors of a case, for bench_value. */
enum conv_seed { CONV_SEED_X = 1, CONV_SEED_W, CONV_SEED_Y, CONV_SEED_BIAS };

/* One of our algorithms with buffers of its own; without `training` the filter is packed
 * beforehand. */
struct conv_run {
    struct clcnn_device *device;
    struct clcnn_conv2d *op;
    enum clcnn_conv2d_phase phase;
    struct clcnn_conv2d_args args;
    struct clcnn_buffer *x, *w, *y, *bias, *packed, *workspace;
    double error; /* measured by conv_run_check */
};
enum clcnn_status conv_run_create(struct clcnn_device *device, const struct conv_case *c,
                                  enum clcnn_conv2d_algorithm algorithm, struct conv_run *out);
void conv_run_clear(struct conv_run *run);
struct racer conv_run_racer(struct conv_run *run);

/* Runs it once and sets `error`: the largest |y - exact| / sum(|x||w|) of some hundreds of
 * outputs, half of each coordinate at a border, recomputed in double precision. Infinite where y
 * is not a number. */
enum clcnn_status conv_run_check(struct conv_run *run, const struct conv_case *c);

/* The peers' ways to run a case without bias and activation, as racers; those that a peer does not
 * have are left out. Returns how many, at most CONV_PEERS. */
enum { ONEDNN_RACERS = 3, CONV_PEERS = ONEDNN_RACERS + 1 };
bool onednn_present(void);
int onednn_racers(const struct conv_case *c, struct racer racers[ONEDNN_RACERS]);
bool convgemm_present(void);
int convgemm_racers(struct clcnn_device *device, const struct conv_case *c, struct racer racers[1]);

#endif
