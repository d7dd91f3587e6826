/* Timing several ways to do one thing in turns, so that a slow moment of the machine hits all. */
#ifndef CLCNN_CLI_BENCH_RACE_H
#define CLCNN_CLI_BENCH_RACE_H

#include <clcnn/clcnn.h>

enum { RACE_ROUNDS = 15 };

struct timing {
    double median, best; /* seconds of one call */
};

struct racer {
    const char *name;
    enum clcnn_status (*run)(void *context, long calls); /* returns when all are done */
    void (*destroy)(void *context);
    void *context;
    bool lingers; /* its threads keep the cores busy for a while after a call */

    struct timing timing;  /* the result */
    long calls;            /* of one round */
    int rounds, disturbed; /* disturbed: those in which other processes took a core away */
    double times[RACE_ROUNDS], spent;
};

/* Runs every racer once (which finishes builds), finds how many calls last about `round_seconds`,
 * then times `rounds` rounds, each racer in its turn after one call that warms the caches; a round
 * ends when its calls are done. A racer that has had `most_seconds` rests after its first round.
 * Requires: 0 < rounds <= RACE_ROUNDS. */
struct race {
    int rounds;
    double round_seconds, most_seconds;
};
enum clcnn_status race_run(const struct race *race, struct racer *racers, int count);

/* Destroys their contexts. */
void race_clear(struct racer *racers, int count);

#endif
