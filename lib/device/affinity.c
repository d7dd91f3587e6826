#define _GNU_SOURCE
#include "device/affinity.h"
#include "base/log.h"
#include <stdbool.h>
#include <stdlib.h>
#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

/* pocl takes the cores 0, 1, 2, ... as they are numbered, and aborts on one it may not use. */
static bool may_use_all_cores(void)
{
    cpu_set_t allowed;
    long cores = sysconf(_SC_NPROCESSORS_CONF);
    if (cores < 2 || cores > CPU_SETSIZE || sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        return false;
    return CPU_COUNT(&allowed) == cores;
}

static void spread(void)
{
    if (getenv("POCL_AFFINITY") || getenv("POCL_MAX_PTHREAD_COUNT") || !may_use_all_cores())
        return;
    if (setenv("POCL_AFFINITY", "1", 0) == 0)
        clcnn_logf(CLCNN_LOG_INFO, "device", "set POCL_AFFINITY=1 for pocl's threads");
}

/* Once, and everybody waits for it: pocl reads the environment in the threads that go on. */
void clcnn_spread_driver_threads(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, spread);
}
#else
void clcnn_spread_driver_threads(void)
{
}
#endif
