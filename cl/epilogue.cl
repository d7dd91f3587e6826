/* What ends a GEMM or a convolution: y = f(x), element by element. The activation is an argument,
 * so one program serves all of them; the values are those of enum clcnn_activation.
 *
 * DEFINE_ACTIVATE(T) makes `T activate_T(T x, int activation, float alpha)` for T = float or a
 * float vector. relu and leaky_relu pass NaN on. */
#define ACTIVATION_LINEAR     0
#define ACTIVATION_RELU       1
#define ACTIVATION_LEAKY_RELU 2
#define ACTIVATION_SIGMOID    3
#define ACTIVATION_TANH       4

#define DEFINE_ACTIVATE_(T, name)                                                                  \
    static inline T name(T x, int activation, float alpha)                                         \
    {                                                                                              \
        switch (activation) {                                                                      \
        case ACTIVATION_RELU:                                                                      \
            return x < (T)0.0f ? (T)0.0f : x;                                                      \
        case ACTIVATION_LEAKY_RELU:                                                                \
            return x < (T)0.0f ? alpha * x : x;                                                    \
        case ACTIVATION_SIGMOID:                                                                   \
            return (T)1.0f / ((T)1.0f + exp(-x));                                                  \
        case ACTIVATION_TANH:                                                                      \
            return tanh(x);                                                                        \
        default:                                                                                   \
            return x;                                                                              \
        }                                                                                          \
    }
#define DEFINE_ACTIVATE__(T, name) DEFINE_ACTIVATE_(T, name)
#define DEFINE_ACTIVATE(T)         DEFINE_ACTIVATE__(T, activate_##T)
