/* Convolution with few channels (G = 1, CPU class: one work-item with long vectors of filters):
 *
 *   y[m][k] = f(bias[k] + sum t: patch[m][t] w[k][t])      m = (n, p, q), t = (r, s, c)
 *
 * The image rows that a block of block_h x block_w outputs meets are copied to local memory with
 * their border of zeros: strips. Output q's tap (r, s, c) is strip[r][(q sw + s dw) C + c].
 *
 * conv2d_forward_strips: group (block) computes all filters of its outputs:
 *   for each panel of NR filters, p, and MR outputs q: MR x NR sums in registers:
 *     for t, i, j: sum[i][j] += strip[p, q + i][t] panel[t][j]
 * conv2d_forward_strips_pack: group (panel): panels[panel][R S C][NR] from w, zeros behind the last
 * filter.
 *
 * The step from an output to the next, sw C floats, is a macro: 14 outputs at distances that the
 * compiler knows need one address, at others 14, more than there are registers. Measured, that is
 * a quarter of the time; and a network has one such layer.
 *
 * Local memory: 4 STRIP bytes, 28 KiB unless the build says more. */
#include "common.cl"
#include "conv2d_shape.cl"
#include "epilogue.cl"
#include "vector.cl"
#ifndef CLCNN_CPU
#error "conv2d_forward_strips_cpu.cl is for the CPU class"
#endif

#ifndef STEP
#define STEP 3
#endif
#if STEP < 1
#error "STEP must be positive"
#endif
#ifndef NV
#define NV 2
#endif
#if NV != 1 && NV != 2
#error "NV must be 1 or 2"
#endif
#ifndef STRIP
#define STRIP 7168
#endif
/* MR x NV sums, NV vectors of one factor and one of the other fill 32 or 16 registers. */
#if W == 16
#define MR 14
#elif W == 8
#define MR 6
#else
#define MR 8
#endif
enum { LANES = W, NR = NV * LANES };
#undef W
#define GATHER_TO local
#include "conv2d_gather.cl"

#define KERNEL         __attribute__((reqd_work_group_size(1, 1, 1))) kernel void
#define EACH(i, count) _Pragma("unroll") for (int i = 0; i < (count); i++)

DEFINE_ACTIVATE(vec)

KERNEL conv2d_forward_strips_pack(INPUT(stored, w), OUTPUT(stored, panels), int taps, int K)
{
    AT(const stored, w);
    AT(stored, panels);
    const int k = get_group_id(0) * NR, count = min((int)NR, K - k);
    panels += (long)k * taps;
    for (int t = 0; t < taps; t++, panels += NR)
        for (int i = 0; i < NR; i++)
            PUT_STORED(i < count ? GET_STORED(w, (long)(k + i) * taps + t) : 0.0f, panels, i);
}

/* The taps of an output in the strips: `rows` times `runs` times `run` of them, lying together;
 * row_step and run_step floats apart. */
struct taps {
    int rows, runs, run, row_step, run_step;
};

/* What becomes of the sums of MR outputs, K floats apart; `left` filters are to be stored. */
struct target {
    int K, left;
    vec shift[NV], floor;
    int simple; /* max(sum + shift, floor) of whole panels */
    int accumulate, activation;
    float alpha;
};

static inline void finish_slowly(const float *result, global stored *y, int count,
                                 const struct target *target)
{
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < NV && j * LANES < target->left; j++) {
            global stored *to = y + (long)i * target->K + j * LANES;
            const int left = target->left - j * LANES;
            vec value = LOAD(result + i * NR + j * LANES) + target->shift[j];
            if (target->accumulate)
                value += load_some_stored(to, left);
            store_some_stored(activate_vec(value, target->activation, target->alpha), to, left);
        }
    }
}

/* `count` outputs, at most MR, from y on: strip and panel are those of the first one. */
static inline void compute_tile(global stored *y, local const float *strip,
                                global const stored *panel, struct taps taps, int count,
                                const struct target *target)
{
    vec sum[MR][NV];
    EACH(i, MR) EACH(j, NV) sum[i][j] = (vec)0.0f;
    for (int r = 0; r < taps.rows; r++, strip += taps.row_step) {
        for (int s = 0; s < taps.runs; s++) {
            local const float *in = strip + s * taps.run_step;
            for (int t = 0; t < taps.run; t++, in++, panel += NR) {
                vec factor[NV];
                EACH(j, NV) factor[j] = LOAD_STORED(panel + j * LANES);
                EACH(i, MR)
                {
                    const vec value = (vec)in[i * STEP];
                    EACH(j, NV) sum[i][j] = fma(value, factor[j], sum[i][j]);
                }
            }
        }
    }
    if (target->simple) {
        EACH(i, MR)
        {
            if (i < count) {
                EACH(j, NV)
                {
                    const vec value = sum[i][j] + target->shift[j];
                    STORE_STORED(value < target->floor ? target->floor : value,
                                 y + (long)i * target->K + j * LANES);
                }
            }
        }
        return;
    }
    float result[MR * NR];
    EACH(i, MR) EACH(j, NV) STORE(sum[i][j], result + i * NR + j * LANES);
    finish_slowly(result, y, min(count, MR), target);
}

KERNEL conv2d_forward_strips(INPUT(stored, x), INPUT(stored, panels), INPUT(float, bias),
                             OUTPUT(stored, y), SHAPE, int block_h, int block_w, int pitch,
                             int use_bias, int accumulate, int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, panels);
    AT(const float, bias);
    AT(stored, y);
    local float strip[STRIP];
    const int down = (P + block_h - 1) / block_h, across = (Q + block_w - 1) / block_w;
    const long b = get_group_id(0);
    const int n = (int)(b / across / down);
    const int p0 = (int)(b / across % down) * block_h, q0 = (int)(b % across) * block_w;
    const int height = min(block_h, P - p0), width = min(block_w, Q - q0);
    const struct patches row = describe(H, W, C, 1, pitch / C, 1, 1, C);
    const struct place start = {0, 0, 0};
    const int runs = dilation_w == 1 ? 1 : S, run = S / runs * C;
    const struct taps taps = {R, runs, run, dilation_h * pitch, dilation_w * C};
    const int relu = activation == ACTIVATION_RELU;
    struct target target;
    target.K = K;
    target.floor = (vec)(relu ? 0.0f : -INFINITY);
    target.accumulate = accumulate;
    target.activation = activation;
    target.alpha = alpha;
    for (int h = 0; h < (height - 1) * stride_h + (R - 1) * dilation_h + 1; h++)
        gather(strip + h * pitch, x + (long)n * H * W * C, p0 * stride_h - pad_top + h,
               q0 * stride_w - pad_left, start, pitch, row);
    for (int k = 0; k < K; k += NR) {
        target.left = K - k;
        target.simple = target.left >= NR && !accumulate && activation <= ACTIVATION_RELU;
        EACH(j, NV)
        target.shift[j] = use_bias && j * LANES < K - k
                              ? load_some(bias + k + j * LANES, K - k - j * LANES)
                              : (vec)0.0f;
        for (int p = 0; p < height; p++) {
            global stored *to = y + (((long)n * P + p0 + p) * Q + q0) * K + k;
            for (int q = 0; q < width; q += MR)
                compute_tile(to + (long)q * K, strip + p * stride_h * pitch + q * STEP,
                             panels + (long)k * R * S * C, taps, width - q, &target);
        }
    }
}
