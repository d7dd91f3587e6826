/* The rows that `clcnn bench conv` prints, and the means at the end. */
#ifndef CLCNN_CLI_BENCH_CONV_REPORT_H
#define CLCNN_CLI_BENCH_CONV_REPORT_H

#include "bench_conv.h"

/* What one layer came to: our algorithms, then the peers' in the same array. */
struct conv_result {
    const struct conv_case *layer;
    const struct conv_run *runs; /* ours, one for each of the first `count` racers */
    const struct racer *racers;
    int count, peers;
    int chosen; /* which of ours the automatic choice is; -1: not among them */
};

/* Sums of logarithms of ratios over layers; [1] are those of 3x3, stride 1 and C >= 64. */
struct conv_totals {
    struct conv_mean {
        int count;
        double automatic, best; /* of the peer's time to ours */
    } means[2];
    double worst, loss_sum, worst_loss; /* ratios; loss: ours to the best of ours */
    char worst_name[64], worst_loss_name[64];
    int losses;
    int rounds, disturbed;
};

void conv_report_head(const struct clcnn_device_info *info, double peak, const char *pass,
                      bool peers, bool json);
void conv_report(const struct conv_result *result, double peak, bool peers, bool json,
                 struct conv_totals *totals);
void conv_report_totals(const struct conv_totals *totals, bool json);

#endif
