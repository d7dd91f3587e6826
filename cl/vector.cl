/* `vec`: the vector of the CPU family, W floats: 16, 8 or 4 after VW (4 where the device has
 * less). */
#if VW >= 16
#define W 16
typedef float16 vec;
#define LOAD(p)      vload16(0, p)
#define VSTORE(v, p) vstore16(v, 0, p)
#if defined(__clang__) && defined(__AVX512F__)
/* pocl makes two conversions of one vload_half16, and an instruction that joins them. */
#define LOAD_HALF(p)                                                                               \
    __builtin_ia32_vcvtph2ps512_mask(vload16(0, (global const short *)(p)), (vec)0.0f,             \
                                     (ushort)0xFFFF, 4)
#else
#define LOAD_HALF(p) vload_half16(0, p)
#endif
#define STORE_HALF(v, p) vstore_half16_rte(v, 0, p)
#elif VW >= 8
#define W 8
typedef float8 vec;
#define LOAD(p)      vload8(0, p)
#define VSTORE(v, p) vstore8(v, 0, p)
#define LOAD_HALF(p)     vload_half8(0, p)
#define STORE_HALF(v, p) vstore_half8_rte(v, 0, p)
#else
#define W 4
typedef float4 vec;
#define LOAD(p)      vload4(0, p)
#define VSTORE(v, p) vstore4(v, 0, p)
#define LOAD_HALF(p)     vload_half4(0, p)
#define STORE_HALF(v, p) vstore_half4_rte(v, 0, p)
#endif

/* pocl makes three stores of one vstore16; a vector that needs no more than a float's alignment is
 * stored by one. */
#ifdef __clang__
typedef vec unaligned_vec __attribute__((aligned(4)));
#define DEFINE_STORE(space)                                                                        \
    static inline __attribute__((overloadable)) void store_vec(vec v, space float *p)              \
    {                                                                                              \
        *(space unaligned_vec *)p = v;                                                             \
    }
DEFINE_STORE(global)
DEFINE_STORE(local)
DEFINE_STORE(private)
#undef DEFINE_STORE
#define STORE(v, p) store_vec(v, p)
#else
#define STORE(v, p) VSTORE(v, p)
#endif

/* W elements of a tensor. */
#if STORAGE_HALF
#define LOAD_STORED(p)     LOAD_HALF(p)
#define STORE_STORED(v, p) STORE_HALF(v, p)
#else
#define LOAD_STORED(p)     LOAD(p)
#define STORE_STORED(v, p) STORE(v, p)
#endif

/* min(count, W) elements from p on; the lanes behind them are zeros, and are not stored. */
static inline vec load_some(global const float *p, int count)
{
    if (count >= W)
        return LOAD(p);
    float lane[W];
    for (int i = 0; i < W; i++)
        lane[i] = i < count ? p[i] : 0.0f;
    return LOAD(lane);
}

static inline void store_some(vec v, global float *p, int count)
{
    if (count >= W) {
        STORE(v, p);
        return;
    }
    float lane[W];
    STORE(v, lane);
    for (int i = 0; i < count; i++)
        p[i] = lane[i];
}

/* The same of a tensor. */
static inline vec load_some_stored(global const stored *p, int count)
{
    if (count >= W)
        return LOAD_STORED(p);
    float lane[W];
    for (int i = 0; i < W; i++)
        lane[i] = i < count ? GET_STORED(p, i) : 0.0f;
    return LOAD(lane);
}

static inline void store_some_stored(vec v, global stored *p, int count)
{
    if (count >= W) {
        STORE_STORED(v, p);
        return;
    }
    float lane[W];
    STORE(v, lane);
    for (int i = 0; i < count; i++)
        PUT_STORED(lane[i], p, i);
}

/* Asks for the cache line at p, FAR: into the second-level cache only. pocl's prefetch() does
 * nothing, the compiler's own does; it does not exist where the compiler makes SPIR. */
#if defined(__clang__) && (defined(__x86_64__) || defined(__aarch64__))
#define PREFETCH(p)     __builtin_prefetch((const void *)(uintptr_t)(p))
#define PREFETCH_FAR(p) __builtin_prefetch((const void *)(uintptr_t)(p), 0, 2)
#else
/* As bytes: there is no prefetch of half without cl_khr_fp16. */
#define PREFETCH(p)     prefetch((global const uchar *)(p), 1)
#define PREFETCH_FAR(p) PREFETCH(p)
#endif

/* The elements of two vectors, alternating: the first halves, the second halves. Doing this to rows
 * i and i + W/2 of a W x W block, log2(W) times, transposes it. */
#if W == 16
#define ZIP_LOW(a, b)                                                                              \
    ((vec)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5, b.s5, a.s6, b.s6,    \
           a.s7, b.s7))
#define ZIP_HIGH(a, b)                                                                             \
    ((vec)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb, a.sc, b.sc, a.sd, b.sd, a.se, b.se,    \
           a.sf, b.sf))
#elif W == 8
#define ZIP_LOW(a, b)  ((vec)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3))
#define ZIP_HIGH(a, b) ((vec)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7))
#else
#define ZIP_LOW(a, b)  ((vec)(a.s0, b.s0, a.s1, b.s1))
#define ZIP_HIGH(a, b) ((vec)(a.s2, b.s2, a.s3, b.s3))
#endif
