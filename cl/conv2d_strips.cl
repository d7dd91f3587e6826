/* Implicit GEMM for few channels, a part of cl/conv2d_implicit_gemm_cpu.cl (G = 1): the patches are
 * read in place from strips, the R image rows of one output row. Output q's element (r, s, c) is
 * strip[r][(q sw + s dw) C + c].
 *
 * conv2d_implicit_gemm_strips: group (row (n, p), block of q) computes that block for all panels.
 * conv2d_implicit_gemm_strips_filter: group (block of TAPS taps, z, panel) keeps TAPS x NR sums in
 * registers over all rows (n, p) of range z; the first block sums dy as well.
 *
 * Local memory: 4 STRIP = 28 KiB. */

/* The image rows of output row (n, p), `columns` pixels from column `w` on. */
static inline void gather_strips(local float *strip, global const float *x, int n, int p, int w,
                                 int columns, int pitch, SHAPE)
{
    const struct patches of = describe(H, W, C, 1, columns, 1, 1, C);
    const struct place start = {0, 0, 0};
    for (int r = 0; r < R; r++)
        gather(strip + r * pitch, x + (long)n * H * W * C, p * stride_h - pad_top + r * dilation_h,
               w, start, columns * C, of);
}

/* result[MR][NR] of MR outputs q that are `step` floats apart in the strips. */
static inline void multiply_strips(float *result, local const float *strip, global const float *b,
                                   int R, int runs, int run, int run_step, int pitch, int step)
{
    vec sum[MR][NV];
    EACH_SUM sum[i][j] = (vec)0.0f;
    for (int r = 0; r < R; r++, strip += pitch)
        for (int s = 0; s < runs; s++)
            for (int t = s * run_step; t < s * run_step + run; t++, b += NR)
                ADD_PRODUCTS(sum, strip[t + i * step], b);
    EACH_SUM STORE(sum[i][j], result + i * NR + j * LANES);
}

KERNEL conv2d_implicit_gemm_strips(INPUT(float, x), INPUT(float, panels), INPUT(float, bias),
                                   OUTPUT(float, y), SHAPE, int block, int pitch, int use_bias,
                                   int accumulate, int activation, float alpha)
{
    AT(const float, x);
    AT(const float, panels);
    AT(const float, bias);
    AT(float, y);
    local float strip[STRIP];
    float result[MR * NR];
    long to[MR];
    const long row = get_group_id(0);
    const int q0 = get_group_id(1) * block, q1 = min(Q, q0 + block), step = stride_w * C;
    const int outputs = (q1 - q0 + MR - 1) / MR * MR;
    const int runs = dilation_w == 1 ? 1 : S, run = S / runs * C;
    gather_strips(strip, x, row / P, row % P, q0 * stride_w - pad_left,
                  (outputs - 1) * stride_w + (S - 1) * dilation_w + 1, pitch, N, H, W, C, K, R, S,
                  P, Q, G, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left);
    for (int q = q0; q < q1; q += MR) {
        for (int i = 0; i < MR; i++)
            to[i] = (row * Q + q + i) * K;
        for (int k = 0; k < K; k += NR) {
            multiply_strips(result, strip + (q - q0) * step, panels + (long)k * R * S * C, R, runs,
                            run, dilation_w * C, pitch, step);
            finish(y, to, min(MR, q1 - q), k, K, result, bias, !accumulate, 1, use_bias, activation,
                   alpha);
        }
    }
}

KERNEL conv2d_implicit_gemm_strips_filter(INPUT(float, x), INPUT(float, dy), OUTPUT(float, partial),
                                          SHAPE, int pitch, long rows_per_range)
{
    AT(const float, x);
    AT(const float, dy);
    AT(float, partial);
    local float strip[STRIP];
    const int t0 = get_group_id(0) * TAPS, taps = R * S * C, k = get_group_id(2) * NR;
    const int tap_rows = (taps + 1 + MR - 1) / MR * MR, step = stride_w * C, left = K - k;
    const long first = get_group_id(1) * rows_per_range;
    const long end = min((long)N * P, first + rows_per_range);
    int offset[TAPS];
    vec sum[TAPS][NV], bias[NV];
    for (int i = 0; i < TAPS; i++) {
        const int t = min(t0 + i, taps - 1), s = t / C % S;
        offset[i] = t / (S * C) * pitch + s * dilation_w * C + t % C;
    }
#pragma unroll
    for (int j = 0; j < NV; j++) {
        bias[j] = (vec)0.0f;
#pragma unroll
        for (int i = 0; i < TAPS; i++)
            sum[i][j] = (vec)0.0f;
    }
    for (long row = first; row < end; row++) {
        gather_strips(strip, x, row / P, row % P, -pad_left,
                      (Q - 1) * stride_w + (S - 1) * dilation_w + 1, pitch, N, H, W, C, K, R, S, P,
                      Q, G, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left);
        global const float *from = dy + row * Q * K + k;
        for (int q = 0; q < Q; q++, from += K) {
            vec factor[NV];
#pragma unroll
            for (int j = 0; j < NV; j++) {
                factor[j] = load_some(from + j * LANES, left - j * LANES);
                bias[j] += factor[j];
            }
#pragma unroll
            for (int i = 0; i < TAPS; i++) {
                const vec value = (vec)strip[offset[i] + q * step];
#pragma unroll
                for (int j = 0; j < NV; j++)
                    sum[i][j] = fma(value, factor[j], sum[i][j]);
            }
        }
    }
    global float *to =
        partial + ((long)get_group_id(1) * get_num_groups(2) + get_group_id(2)) * tap_rows * NR;
#pragma unroll
    for (int j = 0; j < NV; j++) {
#pragma unroll
        for (int i = 0; i < TAPS; i++)
            if (t0 + i < taps)
                STORE(sum[i][j], to + (long)(t0 + i) * NR + j * LANES);
        if (t0 == 0)
            STORE(bias[j], to + (long)taps * NR + j * LANES);
    }
}
