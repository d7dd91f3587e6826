/* Implicit GEMM for few channels, a part of cl/conv2d_implicit_gemm_cpu.cl (G = 1): the patches are
 * read in place from strips, the R image rows of one output row. Output q's element (r, s, c) is
 * strip[r][(q sw + s dw) C + c].
 *
 * conv2d_implicit_gemm_strips: group (row (n, p), block of q) computes that block for all panels.
 *
 * Local memory: 4 STRIP = 28 KiB. */

/* The image rows of output row (n, p), `columns` pixels from column `w` on. */
static inline void gather_strips(local float *strip, global const stored *x, int n, int p, int w,
                                 int columns, int pitch, SHAPE)
{
    const struct patches of = describe(H, W, C, 1, columns, 1, 1, C);
    const struct place start = {0, 0, 0};
    for (int r = 0; r < R; r++)
        gather(strip + r * pitch, x + (long)n * H * W * C, p * stride_h - pad_top + r * dilation_h,
               w, start, columns * C, of);
}

/* result[MR][NR] of MR outputs q that are `step` floats apart in the strips. */
static inline void multiply_strips(float *result, local const float *strip, global const stored *b,
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

KERNEL conv2d_implicit_gemm_strips(INPUT(stored, x), INPUT(stored, panels), INPUT(float, bias),
                                   OUTPUT(stored, y), SHAPE, int block, int pitch, int use_bias,
                                   int accumulate, int activation, float alpha)
{
    AT(const stored, x);
    AT(const stored, panels);
    AT(const float, bias);
    AT(stored, y);
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
