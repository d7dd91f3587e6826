/* Monotonic seconds, for progress and benchmarks. */
#ifndef CLCNN_BASE_TIME_H
#define CLCNN_BASE_TIME_H

double clcnn_seconds(void);

#endif
