/* Where the driver's own threads run. */
#ifndef CLCNN_DEVICE_AFFINITY_H
#define CLCNN_DEVICE_AFFINITY_H

/* Asks pocl to keep each of its threads on a core of its own, unless the user has decided about
 * that: its threads wake each other, and Linux likes to put who is woken beside who woke it, so
 * that short kernels run on half of the cores. To be called before the first look for platforms,
 * which is when pocl reads it; only the first call does anything. */
void clcnn_spread_driver_threads(void);

#endif
