/* Between the files that choose an implementation: the candidates, their timing, their words. */
#ifndef CLCNN_OP_CONV2D_CHOOSE_H
#define CLCNN_OP_CONV2D_CHOOSE_H

#include "base/text.h"
#include "op/conv2d.h"

#define IMPL(name, ENUM) +1
enum {
    CLCNN_CONV2D_IMPLS = 0
#include "op/conv2d_impls.inc"
};
#undef IMPL

/* What became of one row of the list. */
struct clcnn_conv2d_candidate {
    const struct clcnn_conv2d_impl *impl;
    double cost;     /* predicted seconds */
    double measured; /* seconds; 0: not timed */
    char lost[200];  /* why it cannot be used; empty: it can */
};

/* One phase of one problem, and what is thought of each implementation. */
struct clcnn_conv2d_contest {
    const struct clcnn_conv2d_problem *problem;
    enum clcnn_conv2d_phase phase;
    struct clcnn_conv2d_candidate candidates[CLCNN_CONV2D_IMPLS];
};

void clcnn_conv2d_drop(struct clcnn_conv2d_candidate *candidate, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* conv2d_tune.c: sets `measured` of the likeliest, and drops those that answer wrongly. A failure
 * is a log line: the prediction decides then. */
void clcnn_conv2d_tune(struct clcnn_conv2d_contest *contest);

/* The same from and to the device's memory of earlier timings. recall: false if there is none. */
bool clcnn_conv2d_recall(struct clcnn_conv2d_contest *contest);
void clcnn_conv2d_remember(const struct clcnn_conv2d_contest *contest);

/* conv2d_words.c: the problem, in words and as a command line; every loser and why. */
void clcnn_conv2d_spell(struct clcnn_text *text, const struct clcnn_conv2d_contest *contest);
void clcnn_conv2d_spell_command(struct clcnn_text *text,
                                const struct clcnn_conv2d_contest *contest);
void clcnn_conv2d_spell_losers(struct clcnn_text *text, const struct clcnn_conv2d_contest *contest,
                               const struct clcnn_conv2d_candidate *winner);
void clcnn_conv2d_log_choice(const struct clcnn_conv2d_contest *contest,
                             const struct clcnn_conv2d_candidate *winner, size_t workspace);

#endif
