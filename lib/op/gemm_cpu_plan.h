/* How one product is divided into the work-groups of cl/gemm_cpu.cl. */
#ifndef CLCNN_OP_GEMM_CPU_PLAN_H
#define CLCNN_OP_GEMM_CPU_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Depth of a block, rows per group of pack_b and elements per group of gemm_reduce, as in
 * cl/gemm_cpu.cl. */
#define CLCNN_GEMM_CPU_KC     1024
#define CLCNN_GEMM_CPU_PACKED 256
#define CLCNN_GEMM_CPU_REDUCE 1024

/* The tiles of cl/gemm_cpu.cl. */
struct clcnn_gemm_cpu_tile {
    int mr, mr_mid, mr_low, nr;
};

struct clcnn_gemm_cpu_problem {
    int64_t m, n, k;
    bool transpose_b, packed; /* packed: the caller's, for many calls */
    int vector_width, compute_units;
};

struct clcnn_gemm_cpu_plan {
    struct clcnn_gemm_cpu_tile tile;
    int64_t mc, nc, kstep; /* rows, columns and depth of a group */
    int64_t groups[3];     /* blocks of rows, of columns, of depth */
    bool across;           /* neighbouring groups are neighbours in the columns */
    int64_t packed_floats, slot_floats, partial_floats; /* the parts of the workspace */
    size_t bytes;                                       /* of workspace, all in all */
    double cycles;                                      /* expected */
};

struct clcnn_gemm_cpu_tile clcnn_gemm_cpu_tile(int vector_width);

/* The quickest division that needs at most `most_bytes` of workspace. There is always one if a
 * product of at least this m and k, otherwise the same, has a plan with as many bytes. */
struct clcnn_gemm_cpu_plan clcnn_gemm_cpu_plan(const struct clcnn_gemm_cpu_problem *problem,
                                               size_t most_bytes);

#endif
