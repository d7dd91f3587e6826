/* Winograd convolution with filters TAPS x TAPS at stride 1, by output tiles TILE x TILE, in blocks
 * of tiles that stay near the core (CPU class: one work-item with long vectors).
 *
 *   y[tile] = f(A^T [sum over c of U[k][c] . V[c]] A + bias[k])
 *   U[k][c] = G w[k][.][.][c] G^T      V[c] = B^T x[patch of the tile][c] B
 *
 * conv2d_winograd_pack: U in panels of NR columns, u[groups][panel][POSITIONS][depth][NR], zeros in
 * missing columns. Group (panel, block of LANES channels, g). `turned` makes of w the filter of the
 * gradient to the data: turned by 180 degrees, channels and filters exchanged.
 *
 * conv2d_winograd: the groups share the tasks (cl/lanes.cl); a task is a block of `block` tiles, a
 * group g of channels and one of `splits` ranges of panels. The tiles are cut into equal
 * parts of at most MR, for each of whose sizes, made even by one tile computed twice, there is a
 * multiplication of its own: hardly a row of registers is wasted.
 *
 *   for cut, LANES channels, tile:     v[cut][channels][position][tile][LANES] = B^T x B
 *   for `together` panels at a time:
 *     for position, panel, cut:        m[panel][cut][position][tile][NR] = v u
 *     for panel, cut, vector, tile:    y[tile] = f(A^T m A + bias), cut at the edge of the image
 *
 * v and m are the lane's slot of the workspace. All positions of a cut lie close together because
 * the transforms touch them all at once: few pages. While the processor multiplies, it asks for the
 * u of the next position, evenly spread, because a burst would block the loads of v.
 *
 * Private memory: 4 LANES max(ALPHA^2, LANES TAPS^2) + ..., 25 KiB at most.
 *
 * Sources: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308,
 * section 4.1; blocks of tiles: Jia, Zlateski, Durand, Li, "Optimizing N-dimensional,
 * Winograd-based Convolution for Manycore CPUs", PPoPP 2018, section 4. */
#include "common.cl"
#include "epilogue.cl"
#include "lanes.cl"
#include "vector.cl"
#include "winograd.cl"
#ifndef CLCNN_CPU
#error "conv2d_winograd_cpu.cl is for the CPU class"
#endif

/* MR x NV sums, NV vectors of one factor and one of the other fill the registers: 32, 16 or 32. */
#if W == 16
#define MR              14
#define EACH_HEIGHT(DO) DO(2) DO(4) DO(6) DO(8) DO(10) DO(12) DO(14)
#elif W == 8
#define MR              6
#define EACH_HEIGHT(DO) DO(2) DO(4) DO(6)
#else
#define MR              8
#define EACH_HEIGHT(DO) DO(2) DO(4) DO(6) DO(8)
#endif
#ifndef NV
#define NV 2
#endif
#if NV != 1 && NV != 2
#error "NV must be 1 or 2"
#endif
enum { LANES = W, NR = NV * LANES, POSITIONS = ALPHA * ALPHA };
#undef W

#define KERNEL __attribute__((reqd_work_group_size(1, 1, 1))) kernel void

DEFINE_ACTIVATE(vec)
DEFINE_WINOGRAD(vec)

/* ---- filters --------------------------------------------------------------------------------- */

static inline void transpose(vec *rows)
{
    for (int step = 1; step < LANES; step *= 2) {
        vec to[LANES];
        UNROLLED(int i = 0; i < LANES / 2; i++)
        {
            to[2 * i] = ZIP_LOW(rows[i], rows[i + LANES / 2]);
            to[2 * i + 1] = ZIP_HIGH(rows[i], rows[i + LANES / 2]);
        }
        UNROLLED(int i = 0; i < LANES; i++) rows[i] = to[i];
    }
}

/* u[position], `step` floats apart, = G w G^T of LANES columns; taps are LANES vectors apart. */
static inline void transform_filter(const vec *w, global float *u, long step)
{
    vec half_way[ALPHA * TAPS];
    for (int s = 0; s < TAPS; s++) {
        vec from[TAPS], to[ALPHA];
        UNROLLED(int r = 0; r < TAPS; r++) from[r] = w[(r * TAPS + s) * LANES];
        winograd_filter(from, to);
        UNROLLED(int a = 0; a < ALPHA; a++) half_way[a * TAPS + s] = to[a];
    }
    for (int a = 0; a < ALPHA; a++) {
        vec from[TAPS], to[ALPHA];
        UNROLLED(int s = 0; s < TAPS; s++) from[s] = half_way[a * TAPS + s];
        winograd_filter(from, to);
        UNROLLED(int b = 0; b < ALPHA; b++) STORE(to[b], u + (a * ALPHA + b) * step);
    }
}

/* block[LANES channels] = LANES columns of one tap: rows of the filter as it is stored, which are
 * columns (`turned`: channels) from `first` on, their elements from `at` on. */
static inline void load_block(global const stored *w, int tap, int first, int rows, int at,
                              int elements, int turned, vec *block)
{
    const int taps = TAPS * TAPS, count = elements - at;
    w += (turned ? taps - 1 - tap : tap) * (long)elements + at;
    for (int i = 0; i < LANES; i++)
        block[i] = first + i < rows && count > 0
                       ? load_some_stored(w + (long)(first + i) * taps * elements, count)
                       : (vec)0.0f;
    if (!turned)
        transpose(block);
}

KERNEL conv2d_winograd_pack(INPUT(stored, w), OUTPUT(float, u), int depth, int columns,
                            int first_panel, int turned)
{
    AT(const stored, w);
    AT(float, u);
    const int panel = get_group_id(0), c0 = get_group_id(1) * LANES, g = get_group_id(2);
    u += (((long)g * get_num_groups(0) + panel) * POSITIONS * depth + c0) * NR;
    w += (long)g * depth * columns * TAPS * TAPS;
    for (int j = 0; j < NR; j += LANES) {
        vec filter[TAPS * TAPS * LANES];
        const int k0 = (first_panel + panel) * NR + j;
        for (int tap = 0; tap < TAPS * TAPS; tap++) {
            vec block[LANES];
            load_block(w, tap, turned ? c0 : k0, turned ? depth : columns, turned ? k0 : c0,
                       turned ? columns : depth, turned, block);
            UNROLLED(int i = 0; i < LANES; i++) filter[tap * LANES + i] = block[i];
        }
        for (int i = 0; i < min((int)LANES, depth - c0); i++)
            transform_filter(filter + i, u + i * NR + j, (long)depth * NR);
    }
}

/* ---- blocks of tiles ------------------------------------------------------------------------- */

/* The sizes of a call. */
struct sizes {
    int H, W, C, K, P, Q, depth, columns, down, across, pad_top, pad_left;
    long v_step, m_step; /* from cut to cut */
    int max_cuts;
};

struct tile {
    int n, p, q; /* image, first row and column of y */
};
static inline struct tile tile_of(long index, const struct sizes *is)
{
    const long row = index / is->across;
    const struct tile tile = {(int)(row / is->down), (int)(row % is->down) * TILE,
                              (int)(index % is->across) * TILE};
    return tile;
}

/* The tiles of cut `cut` of `cuts`: from `first` on, `count` of them. */
struct part {
    int first, count;
};
static inline struct part part_of(int rows, int cut, int cuts)
{
    const int first = (int)((long)rows * cut / cuts);
    const struct part part = {first, (int)((long)rows * (cut + 1) / cuts) - first};
    return part;
}

/* ---- images ---------------------------------------------------------------------------------- */

/* A patch: pixel (0, 0), which may lie outside the image, and the rows and columns that lie
 * inside. */
struct patch {
    global const stored *x;
    int top, bottom, left, right;
};

static inline struct patch patch_of(global const stored *x, struct tile tile,
                                    const struct sizes *is)
{
    const int top = tile.p - is->pad_top, left = tile.q - is->pad_left;
    const struct patch patch = {x + (((long)tile.n * is->H + top) * is->W + left) * is->C,
                                max(-top, 0), min(is->H - top, ALPHA), max(-left, 0),
                                min(is->W - left, ALPHA)};
    return patch;
}

/* d[ALPHA] = a column of the patch, rows `row` floats apart: `count` channels. */
static inline void load_column(const struct patch *patch, global const stored *x, int row,
                               int count, vec *d)
{
    if (patch->top == 0 && patch->bottom == ALPHA && count >= LANES) {
        UNROLLED(int a = 0; a < ALPHA; a++) d[a] = LOAD_STORED(x + (long)a * row);
    } else {
        vec some[ALPHA];
        for (int a = 0; a < ALPHA; a++)
            some[a] = a >= patch->top && a < patch->bottom
                          ? load_some_stored(x + (long)a * row, count)
                          : (vec)0.0f;
        UNROLLED(int a = 0; a < ALPHA; a++) d[a] = some[a];
    }
}

/* v[position], MR vectors apart, = B^T x B for LANES of the channels, from c on, `count` left. */
static inline void transform_patch(const struct patch *patch, int c, int count, int row, int pixel,
                                   global float *v)
{
    vec half_way[POSITIONS];
    for (int b = 0; b < ALPHA; b++) {
        vec from[ALPHA], to[ALPHA];
        if (b < patch->left || b >= patch->right) {
            UNROLLED(int a = 0; a < ALPHA; a++) half_way[a * ALPHA + b] = (vec)0.0f;
            continue;
        }
        load_column(patch, patch->x + (long)b * pixel + c, row, count, from);
        winograd_input(from, to);
        UNROLLED(int a = 0; a < ALPHA; a++) half_way[a * ALPHA + b] = to[a];
    }
    for (int a = 0; a < ALPHA; a++) {
        vec from[ALPHA], to[ALPHA];
        UNROLLED(int b = 0; b < ALPHA; b++) from[b] = half_way[a * ALPHA + b];
        winograd_input(from, to);
        UNROLLED(int b = 0; b < ALPHA; b++) STORE(to[b], v + (a * ALPHA + b) * MR * LANES);
    }
}

static inline void transform_block(global const stored *x, global float *v, long tile0, int rows,
                                   const struct sizes *is)
{
    const int cuts = (rows + MR - 1) / MR;
    for (int cut = 0; cut < cuts; cut++) {
        const struct part part = part_of(rows, cut, cuts);
        const int height = part.count + part.count % 2;
        struct patch patches[MR];
        for (int t = 0; t < height; t++)
            patches[t] = patch_of(
                x, tile_of(tile0 + part.first + min(t, part.count - 1), is), is);
        for (int c = 0; c < is->depth; c += LANES)
            for (int t = 0; t < height; t++)
                transform_patch(&patches[t], c, is->depth - c, is->W * is->C, is->C,
                                v + cut * is->v_step + (long)c * POSITIONS * MR + t * LANES);
    }
}

/* ---- products -------------------------------------------------------------------------------- */

/* m[HEIGHT][NR] = v[HEIGHT][depth] u[depth][NR]; asks for the cache lines from `ahead` on, `stride`
 * floats further for each channel. */
#define DEFINE_MULTIPLY(HEIGHT)                                                                    \
    static inline void multiply_##HEIGHT(global const float *v, global const float *u, int depth,  \
                                         global float *m, global const float *ahead, int stride)   \
    {                                                                                              \
        vec sum[HEIGHT][NV];                                                                       \
        UNROLLED(int i = 0; i < HEIGHT; i++)                                                       \
        UNROLLED(int j = 0; j < NV; j++) sum[i][j] = (vec)0.0f;                                    \
        for (int left = depth; left > 0; left -= LANES, v += POSITIONS * MR * LANES) {             \
            for (int c = 0; c < min(left, (int)LANES); c++, u += NR, ahead += stride) {            \
                vec factor[NV];                                                                    \
                PREFETCH_FAR(ahead);                                                               \
                UNROLLED(int j = 0; j < NV; j++) factor[j] = LOAD(u + j * LANES);                  \
                UNROLLED(int i = 0; i < HEIGHT; i++)                                               \
                {                                                                                  \
                    const vec value = (vec)v[i * LANES + c];                                       \
                    UNROLLED(int j = 0; j < NV; j++) sum[i][j] =                                   \
                        fma(value, factor[j], sum[i][j]);                                          \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        UNROLLED(int i = 0; i < HEIGHT; i++)                                                       \
        UNROLLED(int j = 0; j < NV; j++) STORE(sum[i][j], m + i * NR + j * LANES);                 \
    }
EACH_HEIGHT(DEFINE_MULTIPLY)

#define MULTIPLY_CASE(HEIGHT)                                                                      \
    case HEIGHT:                                                                                   \
        multiply_##HEIGHT(v, u, depth, m, ahead, stride);                                          \
        break;

static inline void multiply(int height, global const float *v, global const float *u, int depth,
                            global float *m, global const float *ahead, int stride)
{
    switch (height + height % 2) {
        EACH_HEIGHT(MULTIPLY_CASE)
    }
}

/* All positions of `panels` panels, whose transformed filters start at u. */
static inline void multiply_block(global const float *v, global const float *u, global float *m,
                                  int rows, int panels, const struct sizes *is)
{
    const int cuts = (rows + MR - 1) / MR, stride = NR / cuts;
    const long size = (long)is->depth * NR; /* of one position of u */
    for (int position = 0; position < POSITIONS; position++) {
        for (int panel = 0; panel < panels; panel++) {
            const long next = panel + 1 < panels ? ((long)panel + 1) * POSITIONS + position
                                                 : (long)position + 1;
            for (int cut = 0; cut < cuts; cut++)
                multiply(part_of(rows, cut, cuts).count,
                         v + cut * is->v_step + position * MR * LANES,
                         u + ((long)panel * POSITIONS + position) * size, is->depth,
                         m + ((long)panel * is->max_cuts + cut) * is->m_step + position * MR * NR,
                         u + next * size + (long)cut * stride * is->depth, stride);
        }
    }
}

/* ---- results --------------------------------------------------------------------------------- */

struct epilogue {
    int use_bias, accumulate, activation;
    float alpha;
};

/* One row of a tile: y[columns], `pixel` floats apart, = f(row + shift) for `count` filters. */
static inline void finish_row(const vec *row, global stored *y, int pixel, int columns, int count,
                              vec shift, const struct epilogue *epilogue)
{
    const vec floor = (vec)(epilogue->activation == ACTIVATION_RELU ? 0.0f : -INFINITY);
    for (int j = 0; j < columns; j++, y += pixel) {
        vec value = row[j] + shift;
        if (epilogue->accumulate)
            value += load_some_stored(y, count);
        if (epilogue->activation > ACTIVATION_RELU)
            value = activate_vec(value, epilogue->activation, epilogue->alpha);
        store_some_stored(value < floor ? floor : value, y, count);
    }
}

/* A tile of y from m[position][LANES], positions MR NR floats apart. */
static inline void finish_tile(global const float *m, global stored *y, struct tile tile, int count,
                               vec shift, const struct epilogue *epilogue, const struct sizes *is)
{
    vec half_way[TILE * ALPHA];
    const int rows = min(TILE, is->P - tile.p), columns = min(TILE, is->Q - tile.q);
    for (int b = 0; b < ALPHA; b++) {
        vec from[ALPHA], to[TILE];
        UNROLLED(int a = 0; a < ALPHA; a++) from[a] = LOAD(m + (a * ALPHA + b) * MR * NR);
        winograd_output(from, to);
        UNROLLED(int i = 0; i < TILE; i++) half_way[i * ALPHA + b] = to[i];
    }
    y += (((long)tile.n * is->P + tile.p) * is->Q + tile.q) * is->K;
    for (int i = 0; i < rows; i++, y += (long)is->Q * is->K) {
        vec from[ALPHA], to[TILE];
        UNROLLED(int b = 0; b < ALPHA; b++) from[b] = half_way[i * ALPHA + b];
        winograd_output(from, to);
        finish_row(to, y, is->K, columns, count, shift, epilogue);
    }
}

/* One panel; y and bias start with its first column, `count` columns are left. */
static inline void finish_panel(global const float *m, global stored *y, global const float *bias,
                                int count, long tile0, int rows, const struct epilogue *epilogue,
                                const struct sizes *is)
{
    const int cuts = (rows + MR - 1) / MR;
    for (int cut = 0; cut < cuts; cut++, m += is->m_step) {
        const struct part part = part_of(rows, cut, cuts);
        for (int j = 0; j < NR && j < count; j += LANES) {
            const vec shift = epilogue->use_bias ? load_some(bias + j, count - j) : (vec)0.0f;
            for (int t = 0; t < part.count; t++)
                finish_tile(m + t * NR + j, y + j, tile_of(tile0 + part.first + t, is), count - j,
                            shift, epilogue, is);
        }
    }
}

KERNEL conv2d_winograd(LANES_ARGUMENT, INPUT(stored, x), INPUT(float, u), INPUT(float, bias),
                       OUTPUT(stored, y), OUTPUT(float, slots), int N, int H, int W, int C, int K,
                       int P, int Q, int G, int pad_top, int pad_left, int block, int splits,
                       int together, int first_panel, int panels, int use_bias, int accumulate,
                       int activation, float alpha)
{
    AT(const stored, x);
    AT(const float, u);
    AT(const float, bias);
    AT(stored, y);
    AT(float, slots);
    const int down = (P + TILE - 1) / TILE, across = (Q + TILE - 1) / TILE;
    const int depth = C / G, columns = K / G, depth_blocks = (depth + LANES - 1) / LANES;
    const struct sizes is = {H, W, C, K, P, Q, depth, columns, down, across, pad_top, pad_left,
                             (long)depth_blocks * POSITIONS * MR * LANES, POSITIONS * MR * NR,
                             (block + MR - 1) / MR};
    const struct epilogue epilogue = {use_bias, accumulate, activation, alpha};
    const long tiles = (long)N * down * across, blocks = (tiles + block - 1) / block;
    struct lane lane = enter_lane(lanes, blocks * splits * G);
    global float *v = slots + lane.index * is.max_cuts * (is.v_step + together * is.m_step);
    global float *m = v + is.max_cuts * is.v_step;
    for (long task; next_task(&lane, &task);) {
        const int g = (int)(task / blocks / splits), split = (int)(task / blocks % splits);
        const long tile0 = task % blocks * block;
        const int rows = (int)min((long)block, tiles - tile0);
        const struct part range = part_of(panels, split, splits);
        transform_block(x + g * depth, v, tile0, rows, &is);
        for (int done = 0; done < range.count; done += together) {
            const int first = range.first + done, count = min(together, range.count - done);
            multiply_block(v, u + ((long)g * panels + first) * POSITIONS * depth * NR, m, rows,
                           count, &is);
            for (int i = 0; i < count; i++) {
                const int k = (first_panel + first + i) * NR;
                finish_panel(m + (long)i * is.max_cuts * is.m_step, y + g * columns + k,
                             bias + g * columns + k, columns - k, tile0, rows, &epilogue, &is);
            }
        }
    }
    leave_lane(&lane);
}
