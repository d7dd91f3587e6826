/* Winograd transforms along one axis, in registers. The host gives the matrices of F(TILE, TAPS) as
 * options (lib/op/winograd.h, which also explains their structure):
 *
 *   TILE m, TAPS r, WINOGRAD_POINTS, WINOGRAD_AT [m][alpha], WINOGRAD_G [alpha][r],
 *   WINOGRAD_BT [alpha][alpha], alpha = m + r - 1
 *
 * DEFINE_WINOGRAD(T) makes, for T = float or a float vector,
 *
 *   winograd_input(d, v)      v[alpha] = B^T d[alpha]
 *   winograd_filter(w, u)     u[alpha] = G w[r]
 *   winograd_output(t, y)     y[m] = A^T t[alpha]
 *   winograd_gradient(y, t)   t[alpha] = A y[m]
 *   winograd_unfilter(u, w)   w[r] = G^T u[alpha]
 *
 * from one private array to another. The matrices are constants and every loop is unrolled, so that
 * the compiler drops multiplications by one. The rows of +a and -a share their sums over even and
 * over odd powers.
 *
 * Source: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308,
 * section 4.1. */
#ifndef TILE
#define TILE            2
#define TAPS            3
#define WINOGRAD_POINTS 1.0f
#define WINOGRAD_AT     1.0f, 1.0f, 1.0f, 0.0f, 0.0f, 1.0f, -1.0f, 1.0f
#define WINOGRAD_G      -1.0f, 0.0f, 0.0f, 0.5f, 0.5f, 0.5f, 0.5f, -0.5f, 0.5f, 0.0f, 0.0f, 1.0f
#define WINOGRAD_BT                                                                                \
    -1.0f, 0.0f, 1.0f, 0.0f, 0.0f, 1.0f, 1.0f, 0.0f, 0.0f, -1.0f, 1.0f, 0.0f, 0.0f, -1.0f, 0.0f,   \
        1.0f
#endif
#if (TILE + TAPS) % 2 == 0
#error "TILE + TAPS - 1 must be even"
#endif
#define ALPHA (TILE + TAPS - 1)
#define PAIRS (ALPHA / 2 - 1)

constant float winograd_points[PAIRS] = {WINOGRAD_POINTS};
constant float winograd_at[TILE * ALPHA] = {WINOGRAD_AT};
constant float winograd_g[ALPHA * TAPS] = {WINOGRAD_G};
constant float winograd_bt[ALPHA * ALPHA] = {WINOGRAD_BT};

#define UNROLLED _Pragma("unroll") for

#define DEFINE_WINOGRAD(T)                                                                         \
    static inline void winograd_input(const T *d, T *v)                                            \
    {                                                                                              \
        v[0] = d[ALPHA - 2];                                                                       \
        v[ALPHA - 1] = d[ALPHA - 1];                                                               \
        UNROLLED(int i = 0; i < ALPHA - 2; i += 2)                                                 \
        {                                                                                          \
            v[0] = fma((T)winograd_bt[i], d[i], v[0]);                                             \
            v[ALPHA - 1] =                                                                         \
                fma((T)winograd_bt[(ALPHA - 1) * ALPHA + i + 1], d[i + 1], v[ALPHA - 1]);          \
        }                                                                                          \
        UNROLLED(int p = 0; p < PAIRS; p++)                                                        \
        {                                                                                          \
            T even = d[ALPHA - 2], odd = d[ALPHA - 3];                                             \
            UNROLLED(int i = 2; i < ALPHA - 2; i += 2)                                             \
            {                                                                                      \
                even = fma((T)winograd_bt[(2 * p + 1) * ALPHA + i], d[i], even);                   \
                odd = fma((T)winograd_bt[(2 * p + 1) * ALPHA + i], d[i - 1], odd);                 \
            }                                                                                      \
            v[2 * p + 1] = fma((T)winograd_points[p], odd, even);                                  \
            v[2 * p + 2] = fma((T)-winograd_points[p], odd, even);                                 \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static inline void winograd_filter(const T *w, T *u)                                           \
    {                                                                                              \
        u[0] = winograd_g[0] * w[0];                                                               \
        u[ALPHA - 1] = w[TAPS - 1];                                                                \
        UNROLLED(int p = 0; p < PAIRS; p++)                                                        \
        {                                                                                          \
            const int j = (2 * p + 1) * TAPS;                                                      \
            T even = winograd_g[j] * w[0], odd = winograd_g[j + 1] * w[1];                         \
            UNROLLED(int k = 2; k < TAPS; k += 2) even = fma((T)winograd_g[j + k], w[k], even);    \
            UNROLLED(int k = 3; k < TAPS; k += 2) odd = fma((T)winograd_g[j + k], w[k], odd);      \
            u[2 * p + 1] = even + odd;                                                             \
            u[2 * p + 2] = even - odd;                                                             \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static inline void winograd_output(const T *t, T *y)                                           \
    {                                                                                              \
        T even[PAIRS], odd[PAIRS];                                                                 \
        UNROLLED(int p = 0; p < PAIRS; p++)                                                        \
        {                                                                                          \
            even[p] = t[2 * p + 1] + t[2 * p + 2];                                                 \
            odd[p] = t[2 * p + 1] - t[2 * p + 2];                                                  \
        }                                                                                          \
        UNROLLED(int i = 0; i < TILE; i++)                                                         \
        {                                                                                          \
            const float first = winograd_at[i * ALPHA + 1];                                        \
            y[i] = i == 0          ? t[0] + even[0]                                                \
                   : i == TILE - 1 ? fma((T)first, i % 2 ? odd[0] : even[0], t[ALPHA - 1])         \
                                   : first * (i % 2 ? odd[0] : even[0]);                           \
            UNROLLED(int p = 1; p < PAIRS; p++)                                                    \
            y[i] = fma((T)winograd_at[i * ALPHA + 2 * p + 1], i % 2 ? odd[p] : even[p], y[i]);     \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static inline void winograd_gradient(const T *y, T *t)                                         \
    {                                                                                              \
        t[0] = y[0];                                                                               \
        t[ALPHA - 1] = y[TILE - 1];                                                                \
        UNROLLED(int p = 0; p < PAIRS; p++)                                                        \
        {                                                                                          \
            T even = y[0], odd = winograd_points[p] * y[1];                                        \
            UNROLLED(int i = 2; i < TILE; i += 2)                                                  \
            {                                                                                      \
                even = fma((T)winograd_at[i * ALPHA + 2 * p + 1], y[i], even);                     \
                odd = fma((T)winograd_at[(i + 1) * ALPHA + 2 * p + 1], y[i + 1], odd);             \
            }                                                                                      \
            t[2 * p + 1] = even + odd;                                                             \
            t[2 * p + 2] = even - odd;                                                             \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static inline void winograd_unfilter(const T *u, T *w)                                         \
    {                                                                                              \
        UNROLLED(int k = 0; k < TAPS; k++)                                                         \
        {                                                                                          \
            w[k] = winograd_g[TAPS + k] * (k % 2 ? u[1] - u[2] : u[1] + u[2]);                     \
            UNROLLED(int p = 1; p < PAIRS; p++)                                                    \
            w[k] = fma((T)winograd_g[(2 * p + 1) * TAPS + k],                                      \
                       k % 2 ? u[2 * p + 1] - u[2 * p + 2] : u[2 * p + 1] + u[2 * p + 2], w[k]);   \
        }                                                                                          \
        w[0] = fma((T)winograd_g[0], u[0], w[0]);                                                  \
        w[TAPS - 1] += u[ALPHA - 1];                                                               \
    }
