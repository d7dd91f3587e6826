/* OpenBLAS as the peer of `clcnn bench gemm`. */
#ifndef CLCNN_CLI_BENCH_OPENBLAS_H
#define CLCNN_CLI_BENCH_OPENBLAS_H

#include "bench_race.h"

/* The name of the kernels it runs, "SkylakeX" say; NULL if it was not found at build time. */
const char *openblas_kernels(void);

/* The product of the parameters without bias and activation; at m = 1 its matrix-vector product.
 * False if it cannot. */
bool openblas_racer(const struct clcnn_gemm_params *params, struct racer *out);

#endif
