#include "bench_conv.h"

bool onednn_present(void)
{
    return false;
}

int onednn_racers(const struct conv_case *c, struct racer racers[ONEDNN_RACERS])
{
    (void)c, (void)racers;
    return 0;
}
