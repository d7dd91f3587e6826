/* Patches of an image with long vectors (CPU class). The includer defines vec, LANES
 * (cl/vector.cl) and GATHER_TO, the address space they are gathered into.
 *
 * No function assigns to a struct it was passed: rusticl (Mesa 22.3.6) passes the caller's own. */
#ifndef GATHER_TO
#error "GATHER_TO must be an address space: local or global"
#endif

/* to[count] = from[count]. The last vector overlaps the one before it. */
static inline void copy_run(GATHER_TO float *to, global const stored *from, int count)
{
    if (count < LANES) {
        for (int i = 0; i < count; i++)
            to[i] = GET_STORED(from, i);
        return;
    }
    for (int i = 0; i + LANES <= count; i += LANES)
        STORE(LOAD_STORED(from + i), to + i);
    STORE(LOAD_STORED(from + count - LANES), to + count - LANES);
}

static inline void zero_run(GATHER_TO float *to, int count)
{
    for (int i = 0; i < count; i++)
        to[i] = 0.0f;
}

/* What the patches of a tile share: x[H][W][C], R x S taps, step_h and step_w apart, of the `depth`
 * channels of one group. Taps that lie together in x are one run. */
struct patches {
    int H, W, C, R, S, step_h, step_w, depth, run_taps;
};

static inline struct patches describe(int H, int W, int C, int R, int S, int step_h, int step_w,
                                      int depth)
{
    struct patches of = {H, W, C, R, S, step_h, step_w, depth, step_w == 1 && depth == C ? S : 1};
    return of;
}

/* Where element t of a patch lies: element `at` of the run that begins with tap (r, s). */
struct place {
    int r, s, at;
};

static inline struct place place_of(int t, struct patches of)
{
    const int length = of.run_taps * of.depth, tap = t / length * of.run_taps;
    struct place place = {tap / of.S, tap % of.S, t % length};
    return place;
}

static inline struct place next_run(struct place place, struct patches of)
{
    struct place next = {place.r, place.s + of.run_taps, 0};
    if (next.s >= of.S) {
        next.s = 0;
        next.r++;
    }
    return next;
}

/* `count` elements, from `start` on, of the patch whose tap (0, 0) is pixel (h, w) of `image`. */
static inline void gather(GATHER_TO float *to, global const stored *image, int h, int w,
                          struct place start, int count, struct patches of)
{
    struct place place = start;
    const int length = of.run_taps * of.depth;
    global const stored *from = image + ((long)h * of.W + w) * of.C;
    const bool inside =
        h >= 0 && h + (of.R - 1) * of.step_h < of.H && w >= 0 && w + (of.S - 1) * of.step_w < of.W;
    for (int part; count > 0; to += part, count -= part, place = next_run(place, of)) {
        part = min(length - place.at, count);
        const int r = place.r * of.step_h, s = place.s * of.step_w;
        int first = 0, end = part;
        if (!inside) {
            const bool row = h + r >= 0 && h + r < of.H;
            const long before = (long)(w + s) * of.depth + place.at;
            first = row ? (int)clamp(-before, 0L, (long)part) : part;
            end = row ? (int)clamp((long)of.W * of.depth - before, (long)first, (long)part) : part;
            zero_run(to, first);
            zero_run(to + end, part - end);
        }
        if (end > first)
            copy_run(to + first, from + ((long)r * of.W + s) * of.C + place.at + first,
                     end - first);
    }
}

/* Output m as (n, p, q). */
struct pixel {
    int n, p, q;
};

static inline struct pixel pixel_of(long m, int P, int Q)
{
    struct pixel at = {(int)(m / ((long)P * Q)), (int)(m / Q % P), (int)(m % Q)};
    return at;
}

static inline struct pixel next_pixel(struct pixel at, int P, int Q)
{
    struct pixel next = {at.n, at.p, at.q + 1};
    if (next.q == Q) {
        next.q = 0;
        if (++next.p == P) {
            next.p = 0;
            next.n++;
        }
    }
    return next;
}

/* The same with the images counted first: m = (p, q, n). */
static inline struct pixel pixel_of_inner(long m, int N, int Q)
{
    struct pixel at = {(int)(m % N), (int)(m / N / Q), (int)(m / N % Q)};
    return at;
}

static inline struct pixel next_pixel_inner(struct pixel at, int N, int Q)
{
    struct pixel next = {at.n + 1, at.p, at.q};
    if (next.n == N) {
        next.n = 0;
        if (++next.q == Q) {
            next.q = 0;
            next.p++;
        }
    }
    return next;
}
