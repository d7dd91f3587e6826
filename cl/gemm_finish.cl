/* What a library's GEMM leaves to do, in place: C[M][N] = f(C[M][N] + bias[N]).
 *
 * Group (g0, g1) does row g1, work-item x of it COUNT elements from (g0 LOCAL + x) COUNT on. */
#include "common.cl"
#include "epilogue.cl"

#ifdef CLCNN_CPU
#define COUNT 1024
#define LOCAL 1
#else
#define COUNT 1
#define LOCAL 64
#endif

DEFINE_ACTIVATE(float)

__attribute__((reqd_work_group_size(LOCAL, 1, 1)))
kernel void gemm_finish(INPLACE(float, c), INPUT(float, bias), long n, long ldc, int use_bias,
                        int activation, float activation_alpha)
{
    AT(float, c);
    AT(const float, bias);
    const long first = (long)get_global_id(0) * COUNT;
    c += get_group_id(1) * ldc;
    for (long j = first; j < min(n, first + COUNT); j++)
        c[j] = activate_float(c[j] + (use_bias ? bias[j] : 0.0f), activation, activation_alpha);
}
