#define _POSIX_C_SOURCE 200809L
#include "bench_race.h"
#include "cli.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/* Longer than the threads of others spin for more work (OpenBLAS: 28 ms or so, GNU OpenMP: 5). */
static void rest(const struct racer *racer)
{
    if (racer->lingers)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

static enum clcnn_status lap(struct racer *racer, long calls, double *seconds)
{
    double begin = seconds_now();
    enum clcnn_status status = racer->run(racer->context, calls);
    *seconds = seconds_now() - begin;
    racer->spent += *seconds;
    return status;
}

static enum clcnn_status begin(struct racer *racer, double round_seconds)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    double once = 0;
    CLI_TRY(lap(racer, 1, &once));
    CLI_TRY(lap(racer, 2, &once));
    racer->calls = (long)(round_seconds / (once / 2 + 1e-9)) + 1;
    racer->rounds = 0;
    racer->disturbed = 0;
    racer->spent = 0;
    rest(racer);
done:
    return status;
}

/* How often the scheduler has stopped a thread of this process that wanted to go on. */
static long involuntary_switches(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

static enum clcnn_status turn(struct racer *racer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    double warm, seconds;
    CLI_TRY(lap(racer, 1, &warm));
    long before = involuntary_switches();
    CLI_TRY(lap(racer, racer->calls, &seconds));
    racer->disturbed += (double)(involuntary_switches() - before) > 3.0 + 100.0 * seconds;
    racer->times[racer->rounds++] = seconds / (double)racer->calls;
    rest(racer);
done:
    return status;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum clcnn_status race_run(const struct race *race, struct racer *racers, int count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int i = 0; i < count; i++)
        CLI_TRY(begin(&racers[i], race->round_seconds));
    for (int round = 0; round < race->rounds; round++) {
        for (int i = 0; i < count; i++) {
            if (round == 0 || racers[i].spent < race->most_seconds)
                CLI_TRY(turn(&racers[i]));
        }
    }
    for (int i = 0; i < count; i++) {
        struct racer *racer = &racers[i];
        qsort(racer->times, (size_t)racer->rounds, sizeof(*racer->times), by_value);
        racer->timing = (struct timing){racer->times[racer->rounds / 2], racer->times[0]};
    }
done:
    return status;
}

void race_clear(struct racer *racers, int count)
{
    for (int i = 0; i < count; i++) {
        if (racers[i].destroy)
            racers[i].destroy(racers[i].context);
        racers[i] = (struct racer){0};
    }
}
