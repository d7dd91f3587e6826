#include "bench_openblas.h"
#include "bench.h"
#include <cblas.h>
#include <stdlib.h>

struct blas_run {
    struct clcnn_gemm_params params;
    float *a, *b, *c;
};

const char *openblas_kernels(void)
{
    return openblas_get_corename();
}

static enum clcnn_status run(void *context, long calls)
{
    const struct blas_run *r = context;
    const struct clcnn_gemm_params *p = &r->params;
    int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    int lda = p->transpose_a ? m : k, ldb = p->transpose_b ? k : n;
    for (long i = 0; i < calls; i++) {
        if (m == 1)
            cblas_sgemv(CblasRowMajor, p->transpose_b ? CblasNoTrans : CblasTrans,
                        p->transpose_b ? n : k, ldb, 1, r->b, ldb, r->a, 1, 0, r->c, 1);
        else
            cblas_sgemm(CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans,
                        p->transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1, r->a, lda, r->b,
                        ldb, 0, r->c, n);
    }
    return CLCNN_STATUS_OK;
}

static void destroy(void *context)
{
    struct blas_run *r = context;
    free(r->a);
    free(r->b);
    free(r->c);
    free(r);
}

static float *matrix(uint64_t seed, int64_t count)
{
    float *values = aligned_alloc(64, ((size_t)count * sizeof(float) + 63) / 64 * 64);
    for (int64_t i = 0; values && i < count; i++)
        values[i] = bench_value(seed, i);
    return values;
}

bool openblas_racer(const struct clcnn_gemm_params *params, struct racer *out)
{
    struct blas_run *r = calloc(1, sizeof(*r));
    if (!r)
        return false;
    r->params = *params;
    r->a = matrix(1, params->m * params->k);
    r->b = matrix(2, params->k * params->n);
    r->c = matrix(3, params->m * params->n);
    *out = (struct racer){
        .name = "openblas", .run = run, .destroy = destroy, .context = r, .lingers = true};
    if (!r->a || !r->b || !r->c)
        race_clear(out, 1);
    return out->run != NULL;
}
