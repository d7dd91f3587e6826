/* Operations on whole tensors (lib/op/elementwise.c):
 *
 *   add        y[i] = f(a[i] + b[i]),  f a relu or nothing
 *   copy_block y[i][j] = x[i][j],  i < rows, j < columns, rows x_stride and y_stride apart
 *   dropout    y[i] = u_i >= rate ? scale x[i] : 0
 *   transpose  y[n][j][i] = x[n][i][j],  i < rows, j < columns
 *   narrow     y[i] = x[i] from float to the stored type; widen: back
 *
 * add, dropout, narrow, widen: the CPU family takes `chunk` elements (dropout: blocks of four) in a
 * row per work-item, the GPU family one. copy_block: `chunk` rows by `block` columns, or one
 * element. transpose: a work-group takes `chunk` tiles of TILE x TILE one after another. Local
 * memory: 1088 bytes for transpose on the GPU family, else none. add and dropout may work in
 * place. */
#include "philox.cl"

KERNEL add(INPLACE(const stored, a), INPLACE(const stored, b), INPLACE(stored, y), long count,
           long chunk, int relu)
{
    AT(const stored, a);
    AT(const stored, b);
    AT(stored, y);
    EACH_VECTOR (i, end, count, chunk) {
        vfloat sum = load(a + i, end - i, 0.0f) + load(b + i, end - i, 0.0f);
        store(y + i, end - i, relu && sum <= (vfloat)0.0f ? (vfloat)0.0f : sum);
    }
}

KERNEL copy_block(INPUT(stored, x), OUTPUT(stored, y), long rows, long columns, long x_stride,
                  long y_stride, long chunk, long block)
{
    AT(const stored, x);
    AT(stored, y);
#ifdef CLCNN_CPU
    long row = (long)get_group_id(0) * chunk, row_end = min(row + chunk, rows);
    long first = (long)get_group_id(1) * block, last = min(first + block, columns);
#else
    long row = (long)get_global_id(0) / columns, row_end = min(row + 1, rows);
    long first = (long)get_global_id(0) % columns, last = first + 1;
#endif
    for (; row < row_end; row++)
        for (long j = first; j < last; j += VW)
            store(y + row * y_stride + j, last - j, load(x + row * x_stride + j, last - j, 0.0f));
}

KERNEL narrow(INPUT(float, x), OUTPUT(stored, y), long count, long chunk)
{
    AT(const float, x);
    AT(stored, y);
    EACH_VECTOR (i, end, count, chunk) {
        union lanes value;
        for (int lane = 0; lane < VW; lane++)
            value.lane[lane] = i + lane < end ? x[i + lane] : 0.0f;
        store(y + i, end - i, value.vector);
    }
}

KERNEL widen(INPUT(stored, x), OUTPUT(float, y), long count, long chunk)
{
    AT(const stored, x);
    AT(float, y);
    EACH_VECTOR (i, end, count, chunk) {
        union lanes value = { .vector = load(x + i, end - i, 0.0f) };
        for (int lane = 0; lane < VW && i + lane < end; lane++)
            y[i + lane] = value.lane[lane];
    }
}

/* The random words of elements 4 b + part VW, ... of the blocks b, b + 1, ... in the lanes of
 * `words`. */
vuint in_order(struct philox words, int part)
{
#if VW == 1
    return words.word[part];
#else
    union lanes from[4], to;
    for (int i = 0; i < 4; i++)
        from[i].words = words.word[i];
    for (int lane = 0; lane < VW; lane++)
        to.word[lane] = from[lane % 4].word[(part * VW + lane) / 4];
    return to.words;
#endif
}

/* Block b of four elements has the counter (b low, b high, step low, step high << 2 | stream 0).
 * The vectors of blocks start at multiples of VW, so b high is the same in all lanes. */
KERNEL dropout(INPLACE(const stored, x), INPLACE(stored, y), long count, long blocks, long chunk,
               long seed, long step, float rate, float scale)
{
    AT(const stored, x);
    AT(stored, y);
    EACH_VECTOR (block, end, blocks, chunk) {
        struct philox counter = { { as_vuint(LANES) + (uint)block, (vuint)(uint)(block >> 32),
                                    (vuint)(uint)step, (vuint)((uint)(step >> 32) << 2) } };
        struct philox words = philox(as_ulong(seed), counter);
        long last = min(4 * end, count);
        for (int part = 0; part < 4; part++) {
            long i = 4 * block + part * VW;
            if (i >= last)
                break;
            vint keep = philox_uniform(in_order(words, part)) >= (vfloat)rate;
            vfloat value = scale * load(x + i, last - i, 0.0f);
            store(y + i, last - i, keep ? value : (vfloat)0.0f);
        }
    }
}

#define TILE 16

KERNEL transpose(INPUT(stored, x), OUTPUT(stored, y), long images, long rows, long columns,
                 long chunk)
{
    AT(const stored, x);
    AT(stored, y);
    long down = (rows + TILE - 1) / TILE, across = (columns + TILE - 1) / TILE;
    long index = (long)get_group_id(0) * chunk, last = min(index + chunk, images * down * across);
#ifdef CLCNN_CPU
    float tile[TILE][TILE];
#else
    __local float tile[TILE][TILE + 1]; /* one more: columns in different banks */
#endif
    for (; index < last; index++) {
        long image = index / (down * across) * rows * columns;
        long top = index / across % down * TILE, left = index % across * TILE;
        int height = min(rows - top, (long)TILE), width = min(columns - left, (long)TILE);
        __global const stored *from = x + image + top * columns + left;
        __global stored *to = y + image + left * rows + top;
#ifdef CLCNN_CPU
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++)
                tile[i][j] = GET_STORED(from, i * columns + j);
        for (int j = 0; j < width; j++)
            for (int i = 0; i < height; i++)
                PUT_STORED(tile[i][j], to, j * rows + i);
#else
        int lane = get_local_id(0) % TILE;
        for (int i = get_local_id(0) / TILE; i < height; i += GROUP / TILE)
            if (lane < width)
                tile[i][lane] = GET_STORED(from, i * columns + lane);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = get_local_id(0) / TILE; j < width; j += GROUP / TILE)
            if (lane < height)
                PUT_STORED(tile[lane][j], to, j * rows + lane);
        barrier(CLK_LOCAL_MEM_FENCE);
#endif
    }
}
