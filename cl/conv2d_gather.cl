/* Patches of an image with long vectors (CPU class). The includer defines vec, LANES (cl/vector.cl) and
 * GATHER_TO, the address space they are gathered into. */
#ifndef GATHER_TO
#error "GATHER_TO must be an address space: local or global"
#endif

/* to[count] = from[count]. The last vector overlaps the one before it. */
static inline void copy_run(GATHER_TO float *to, global const float *from, int count)
{
    if (count < LANES) {
        for (int i = 0; i < count; i++)
            to[i] = from[i];
        return;
    }
    for (int i = 0; i + LANES <= count; i += LANES)
        STORE(LOAD(from + i), to + i);
    STORE(LOAD(from + count - LANES), to + count - LANES);
}

static inline void zero_run(GATHER_TO float *to, int count)
{
    for (int i = 0; i < count; i++)
        to[i] = 0.0f;
}

/* What all patches of a launch share: x[H][W][C], S taps a row, step_h and step_w apart, of the `depth`
 * channels of one group. Taps that lie together in x are one run. */
struct patches {
    int H, W, C, S, step_h, step_w, depth, run_taps;
};

static inline struct patches describe(int H, int W, int C, int S, int step_h, int step_w, int depth)
{
    struct patches of = { H, W, C, S, step_h, step_w, depth, step_w == 1 && depth == C ? S : 1 };
    return of;
}

/* Elements t0 .. t0 + count of the patch whose tap (0, 0) is pixel (h, w) of `image`. */
static inline void gather(GATHER_TO float *to, global const float *image, int h, int w, int t0, int count,
                          struct patches of)
{
    const int length = of.run_taps * of.depth;
    int tap = t0 / length * of.run_taps, at = t0 % length;
    int r = tap / of.S, s = tap % of.S;
    for (; count > 0;) {
        const int part = min(length - at, count);
        const int row = h + r * of.step_h, column = w + s * of.step_w;
        int first = 0, end = 0;
        if (row >= 0 && row < of.H) {
            first = (int)clamp(-(long)column * of.depth - at, 0L, (long)part);
            end = (int)clamp(((long)of.W - column) * of.depth - at, (long)first, (long)part);
        }
        zero_run(to, first);
        if (end > first)
            copy_run(to + first,
                     image + ((long)row * of.W + column) * of.C + at + first, end - first);
        zero_run(to + end, part - end);
        to += part;
        count -= part;
        at = 0;
        s += of.run_taps;
        if (s >= of.S) {
            s = 0;
            r++;
        }
    }
}

/* Output m as (n, p, q). */
struct pixel {
    int n, p, q;
};

static inline struct pixel pixel_of(long m, int P, int Q)
{
    struct pixel at = { (int)(m / ((long)P * Q)), (int)(m / Q % P), (int)(m % Q) };
    return at;
}

static inline struct pixel next_pixel(struct pixel at, int P, int Q)
{
    if (++at.q == Q) {
        at.q = 0;
        if (++at.p == P) {
            at.p = 0;
            at.n++;
        }
    }
    return at;
}
