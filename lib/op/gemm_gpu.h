/* The matrix product of the GPU class as one launch, for the ops that need it inside their own. */
#ifndef CLCNN_OP_GEMM_GPU_H
#define CLCNN_OP_GEMM_GPU_H

#include "device/launch.h"
#include <clcnn/activation.h>

/* TM, TN, TX, TY of cl/tile_gpu.cl. */
struct clcnn_gpu_tile {
    int rows, columns; /* of one work-item */
    int across, down;  /* work-items */
};

/* Large tiles reuse more of what they load, small ones keep more compute units busy: the largest of
 * three that gives each unit several of the `batch` products' tiles. */
struct clcnn_gpu_tile clcnn_gpu_tile_for(const struct clcnn_device *device, int64_t m, int64_t n,
                                         int64_t batch);

static inline int64_t clcnn_gpu_tile_height(struct clcnn_gpu_tile tile)
{
    return (int64_t)tile.rows * tile.down;
}
static inline int64_t clcnn_gpu_tile_width(struct clcnn_gpu_tile tile)
{
    return (int64_t)tile.columns * tile.across;
}

/* "-DTM=..." for programs that include cl/tile_gpu.cl. */
#define CLCNN_GPU_TILE_OPTIONS 64
void clcnn_gpu_tile_options(struct clcnn_gpu_tile tile, char text[CLCNN_GPU_TILE_OPTIONS]);

/* How many parts of at least `shortest` terms a sum of `terms` is worth dividing into, when there
 * are `tiles` tiles to compute. */
int64_t clcnn_gpu_splits(const struct clcnn_device *device, int64_t tiles, int64_t terms,
                         int64_t shortest);

/* `batch` products C = f(alpha op(A) op(B) + beta C + bias); strides in floats. With splits > 1 the
 * sums of kstep terms each go to C + i c_split. kstep is a multiple of 8. */
struct clcnn_gpu_product {
    const struct clcnn_buffer *a, *b, *c, *bias;
    bool transpose_a, transpose_b;
    int64_t m, n, k, lda, ldb, ldc;
    int64_t batch, a_batch, b_batch, c_batch;
    int64_t splits, kstep, c_split;
    float alpha, beta;
    enum clcnn_activation activation;
    float activation_alpha;
};

/* `kernel` is "gemm_gpu" of the program gemm_gpu, built for the tile. */
enum clcnn_status clcnn_gpu_multiply(struct clcnn_stream *stream, struct clcnn_kernel *kernel,
                                     struct clcnn_gpu_tile tile,
                                     const struct clcnn_gpu_product *product);

#endif
