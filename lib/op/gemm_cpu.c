/* GEMM of the CPU class: decides how cl/gemm_cpu.cl divides the work. */
#include "base/memory.h"
#include "op/gemm.h"
#include "op/gemm_cpu_plan.h"
#include <stdint.h>

enum { MULTIPLY, PACK, REDUCE };

struct state {
    struct clcnn_gemm_cpu_plan planned[2]; /* B as it is, B packed by the caller */
    struct clcnn_gemm_cpu_plan last;       /* of a smaller product */
    int64_t last_m, last_k;
    bool last_packed;
};

static struct clcnn_gemm_cpu_plan plan_for(const struct clcnn_device *device,
                                           const struct clcnn_gemm_params *p, int64_t m, int64_t k,
                                           bool packed, size_t most_bytes)
{
    const struct clcnn_device_info *info = clcnn_device_info(device);
    return clcnn_gemm_cpu_plan(
        &(struct clcnn_gemm_cpu_problem){.m = m,
                                         .n = p->n,
                                         .k = k,
                                         .transpose_b = p->transpose_b,
                                         .packed = packed,
                                         .vector_width = info->vector_width,
                                         .compute_units = info->compute_units},
        most_bytes);
}

/* The planned product's plan, or that of the last smaller one: most calls repeat the one before. */
static const struct clcnn_gemm_cpu_plan *plan_of(struct clcnn_gemm *op,
                                                 const struct clcnn_gemm_call *call)
{
    struct state *state = op->state;
    bool packed = call->packed_b;

    if (call->m == op->params.m && call->k == op->params.k)
        return &state->planned[packed];
    if (call->m != state->last_m || call->k != state->last_k || packed != state->last_packed) {
        state->last = plan_for(op->device, &op->params, call->m, call->k, packed,
                               state->planned[packed].bytes);
        state->last_m = call->m;
        state->last_k = call->k;
        state->last_packed = packed;
    }
    return &state->last;
}

static const char *unsupported(const struct clcnn_device *device,
                               const struct clcnn_gemm_params *params)
{
    (void)params;
    return clcnn_device_family(device) == CLCNN_DEVICE_CLASS_CPU ? NULL
                                                                 : "needs the CPU class's kernels";
}

static struct clcnn_gemm_cpu_plan plan_planned(const struct clcnn_device *device,
                                               const struct clcnn_gemm_params *params, bool packed)
{
    return plan_for(device, params, params->m, params->k, packed, SIZE_MAX);
}

static double cost(const struct clcnn_device *device, const struct clcnn_gemm_params *params,
                   bool packed_b)
{
    double clock = 1e6 * (double)clcnn_max(clcnn_device_info(device)->clock_mhz, 1000);
    return plan_planned(device, params, packed_b).cycles / clock;
}

static size_t workspace_size(const struct clcnn_gemm *op, bool with_packed_b)
{
    const struct state *state = op->state;
    return state->planned[with_packed_b].bytes;
}

static size_t packed_b_size(const struct clcnn_gemm *op)
{
    const struct state *state = op->state;
    const struct clcnn_gemm_params *p = &op->params;
    return (size_t)(clcnn_round_up(p->n, state->planned[1].tile.nr) * p->k) * sizeof(float);
}

static enum clcnn_status create(struct clcnn_gemm *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct state *state;
    const char *options = op->params.transpose_a ? "-DTRANSPOSE_A=1" : "";

    TRY(clcnn_alloc(1, sizeof(*state), &op->state));
    state = op->state;
    for (int packed = 0; packed < 2; packed++)
        state->planned[packed] = plan_planned(op->device, &op->params, packed);
    TRY(clcnn_kernel_create(op->device, "gemm_cpu", options, "gemm_cpu", &op->kernels[MULTIPLY]));
    TRY(clcnn_kernel_create(op->device, "gemm_cpu", options, "pack_b", &op->kernels[PACK]));
    TRY(clcnn_kernel_create(op->device, "gemm_cpu", options, "gemm_reduce", &op->kernels[REDUCE]));
done:
    return status;
}

/* n columns of k rows: whole panels, or the last ones. */
static enum clcnn_status pack(struct clcnn_gemm *op, int64_t n, int64_t k,
                              const struct clcnn_buffer *b, int64_t ldb,
                              const struct clcnn_buffer *packed_b, struct clcnn_stream *stream)
{
    const struct state *state = op->state;
    int nr = state->planned[0].tile.nr;
    return clcnn_launch(
        stream, op->kernels[PACK],
        GRID2(clcnn_divide_up(n, nr), clcnn_divide_up(k, CLCNN_GEMM_CPU_PACKED), 1, 1),
        ARGS(BUFFER(b), BUFFER(packed_b), LONG(n), LONG(k), LONG(ldb),
             INT(op->params.transpose_b)));
}

static enum clcnn_status pack_b(struct clcnn_gemm *op, int64_t first, int64_t count,
                                const struct clcnn_buffer *b, int64_t ldb,
                                const struct clcnn_buffer *packed_b, struct clcnn_stream *stream)
{
    const struct state *state = op->state;
    int64_t k = op->params.k, columns = clcnn_round_up(op->params.n, state->planned[0].tile.nr);
    size_t offset = packed_b_size(op) / (size_t)columns * (size_t)first;
    struct clcnn_buffer panels = clcnn_buffer_slice(packed_b, offset, packed_b->bytes - offset);
    return pack(op, count, k, b, ldb, &panels, stream);
}

/* The products of one part of K; with several, unfinished sums in `c`. */
static enum clcnn_status multiply(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                                  const struct clcnn_gemm_cpu_plan *plan,
                                  const struct clcnn_buffer *b, int64_t panel_rows,
                                  const struct clcnn_buffer *slots, const struct clcnn_buffer *c,
                                  struct clcnn_stream *stream)
{
    const struct clcnn_gemm_params *p = &op->params;
    const struct clcnn_gemm_cpu_tile *tile = &plan->tile;
    bool whole = plan->groups[2] == 1;
    return clcnn_launch(
        stream, op->kernels[MULTIPLY],
        GRID3(plan->groups[plan->across], plan->groups[!plan->across], plan->groups[2], 1, 1, 1),
        ARGS(BUFFER(call->a), BUFFER(b), BUFFER(slots), BUFFER(c), BUFFER(call->bias),
             LONG(call->m), LONG(p->n), LONG(call->k), LONG(call->lda), LONG(call->ldb),
             LONG(whole ? call->ldc : p->n), LONG(panel_rows), INT(p->transpose_b),
             INT(plan->across), INT(plan->mc), LONG(plan->nc), LONG(plan->kstep),
             LONG(whole ? 0 : call->m * p->n), FLOAT(call->alpha), FLOAT(whole ? call->beta : 0.0f),
             INT(whole && call->bias), INT(whole ? p->activation : CLCNN_ACTIVATION_LINEAR),
             FLOAT(p->activation_alpha), LOCAL((size_t)(tile->mr * tile->nr) * sizeof(float)),
             LOCAL((size_t)plan->nc * sizeof(float))));
}

enum clcnn_status clcnn_gemm_reduce(struct clcnn_stream *stream, struct clcnn_kernel *kernel,
                                    const struct clcnn_gemm_params *p,
                                    const struct clcnn_gemm_call *call,
                                    const struct clcnn_buffer *partial, int64_t splits)
{
    return clcnn_launch(
        stream, kernel, GRID2(clcnn_divide_up(p->n, CLCNN_GEMM_CPU_REDUCE), call->m, 1, 1),
        ARGS(BUFFER(partial), BUFFER(call->c), BUFFER(call->bias), LONG(call->m), LONG(p->n),
             LONG(call->ldc), INT(splits), FLOAT(call->beta), INT(call->bias != NULL),
             INT(p->activation), FLOAT(p->activation_alpha)));
}

static enum clcnn_status run(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                             struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_gemm_cpu_plan *plan = plan_of(op, call);
    struct clcnn_buffer packed, slots = {0}, partial = {0};
    const struct clcnn_buffer *b = call->packed_b ? call->packed_b : call->b, *c = call->c;
    int64_t panel_rows = call->packed_b ? op->params.k : 0;
    size_t used = 0;

    if (plan->packed_floats) {
        packed = clcnn_gemm_take(call->workspace, &used, plan->packed_floats);
        TRY(pack(op, op->params.n, call->k, call->b, call->ldb, &packed, stream));
        b = &packed;
        panel_rows = call->k;
    }
    if (plan->slot_floats)
        slots = clcnn_gemm_take(call->workspace, &used, plan->slot_floats);
    if (plan->partial_floats) {
        partial = clcnn_gemm_take(call->workspace, &used, plan->partial_floats);
        c = &partial;
    }
    TRY(multiply(op, call, plan, b, panel_rows, slots.memory ? &slots : NULL, c, stream));
    if (plan->partial_floats)
        TRY(clcnn_gemm_reduce(stream, op->kernels[REDUCE], &op->params, call, &partial,
                              plan->groups[2]));
done:
    return status;
}

const struct clcnn_gemm_impl clcnn_gemm_impl_cpu = {
    .name = "cpu",
    .algorithm = CLCNN_GEMM_ALGORITHM_CPU,
    .unsupported = unsupported,
    .cost = cost,
    .create = create,
    .workspace_size = workspace_size,
    .run = run,
    .packed_b_size = packed_b_size,
    .pack_b = pack_b,
};
