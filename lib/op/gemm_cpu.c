/* GEMM of the CPU class: decides how cl/gemm_cpu.cl divides the work. */
#include "base/memory.h"
#include "op/gemm.h"
#include <math.h>
#include <stdio.h>

enum { MULTIPLY, PACK, REDUCE };

/* The tiles of cl/gemm_cpu.cl. */
#define KC            256
#define REDUCE_COUNT  1024
#define PACK_FROM_ROW 128          /* more rows than this: B is packed beforehand */
#define CACHE_FLOATS  (256 * 1024) /* of B that stay close while the rows go by */

struct tile {
    int mr, nr;
    int a_floats; /* one tile of A in local memory */
};

static struct tile tile_of(const struct clcnn_device *device, bool transpose_a)
{
    int width = clcnn_device_info(device)->vector_width;
    int w = width >= 16 ? 16 : width >= 8 ? 8 : 4, mr = w == 16 ? 14 : w == 8 ? 6 : 8;
    return (struct tile){mr, 2 * w, KC * (transpose_a ? (int)clcnn_round_up(mr, w) : mr)};
}

/* How one call is divided: groups of mc rows, nc columns, kstep of K. */
struct plan {
    struct tile tile;
    int64_t mc, nc, kstep;
    int64_t groups[3];
    bool few;                                           /* the groups pack B themselves */
    int64_t packed_floats, slot_floats, partial_floats; /* the parts of the workspace */
};

/* Enough to share them out evenly. */
static int64_t groups_wanted(const struct clcnn_device *device)
{
    return 4 * (int64_t)clcnn_device_info(device)->compute_units;
}

/* Whole tiles of rows that fit into local memory beside one row of tiles. */
static int64_t most_rows(const struct clcnn_device *device, struct tile tile)
{
    int64_t floats = (int64_t)(clcnn_device_info(device)->local_bytes / sizeof(float));
    return clcnn_max(1, (floats - (tile.mr + 1) * tile.nr) / tile.a_floats) * tile.mr;
}

/* All rows in one group, which packs the B it needs: B is read once. The groups divide N and K. */
static void plan_few_rows(struct plan *plan, int64_t m, int64_t n, int64_t k, int64_t wanted)
{
    int64_t panels = clcnn_divide_up(n, plan->tile.nr);
    int64_t splits = clcnn_min(clcnn_divide_up(k, 2 * KC), wanted);
    int64_t panels_each = clcnn_max(1, clcnn_min(8, panels * splits / wanted));
    int64_t columns = clcnn_divide_up(panels, panels_each);

    plan->mc = clcnn_round_up(m, plan->tile.mr);
    plan->nc = panels_each * plan->tile.nr;
    splits = clcnn_min(splits, clcnn_divide_up(wanted, columns));
    plan->kstep = clcnn_round_up(clcnn_divide_up(k, splits), KC);
}

/* B is packed. As many of its columns as stay in the cache are used for all rows, group after
 * group. */
static void plan_many_rows(struct plan *plan, int64_t m, int64_t n, int64_t k, int64_t most,
                           int64_t wanted)
{
    int64_t mr = plan->tile.mr, nr = plan->tile.nr, tiles = clcnn_divide_up(m, mr);
    int64_t columns = clcnn_max(1, CACHE_FLOATS / (nr * k)) * nr;

    plan->mc = clcnn_min(most, 2 * mr);
    plan->nc = clcnn_min(columns, clcnn_round_up(n, nr));
    while (clcnn_divide_up(m, plan->mc) * clcnn_divide_up(n, plan->nc) < wanted && plan->nc > nr)
        plan->nc = clcnn_round_up(plan->nc / 2, nr);
    if (clcnn_divide_up(m, plan->mc) * clcnn_divide_up(n, plan->nc) < wanted)
        plan->mc = mr;
    int64_t groups = tiles * clcnn_divide_up(n, plan->nc);
    int64_t splits = clcnn_min(clcnn_divide_up(wanted, groups), clcnn_divide_up(k, 4 * KC));
    plan->kstep = clcnn_round_up(clcnn_divide_up(k, splits), KC);
}

static void divide(struct plan *plan, int64_t m, int64_t n, int64_t k)
{
    plan->groups[0] = clcnn_divide_up(m, plan->mc);
    plan->groups[1] = clcnn_divide_up(n, plan->nc);
    plan->groups[2] = clcnn_divide_up(k, plan->kstep);
    plan->slot_floats =
        plan->few ? plan->groups[0] * plan->groups[1] * plan->groups[2] * KC * plan->tile.nr : 0;
    plan->partial_floats = plan->groups[2] > 1 ? plan->groups[2] * m * n : 0;
}

/* The plan of the largest call. */
static struct plan make_plan(const struct clcnn_gemm *op, bool packed)
{
    const struct clcnn_gemm_params *p = &op->params;
    struct plan plan = {.tile = tile_of(op->device, p->transpose_a)};
    int64_t most = most_rows(op->device, plan.tile);

    plan.few = !packed && p->m <= PACK_FROM_ROW && p->m <= most;
    if (plan.few)
        plan_few_rows(&plan, p->m, p->n, p->k, groups_wanted(op->device));
    else
        plan_many_rows(&plan, p->m, p->n, p->k, most, groups_wanted(op->device));
    if (!packed && !plan.few)
        plan.packed_floats = clcnn_round_up(p->n, plan.tile.nr) * p->k;
    divide(&plan, p->m, p->n, p->k);
    return plan;
}

/* The plan of a call, which needs no more workspace than the largest. */
static struct plan plan_call(const struct clcnn_gemm *op, int64_t m, int64_t k, bool packed)
{
    const struct clcnn_gemm_params *p = &op->params;
    struct plan plan = make_plan(op, packed);
    int64_t partial_floats = plan.partial_floats;

    if (m == p->m && k == p->k)
        return plan;
    if (!plan.few)
        plan_many_rows(&plan, m, p->n, k, most_rows(op->device, plan.tile),
                       groups_wanted(op->device));
    divide(&plan, m, p->n, k);
    if (plan.partial_floats > partial_floats) {
        plan.kstep = k;
        divide(&plan, m, p->n, k);
    }
    return plan;
}

static size_t plan_bytes(const struct plan *plan)
{
    size_t bytes = 0;
    if (plan->packed_floats)
        clcnn_gemm_take(NULL, &bytes, plan->packed_floats);
    if (plan->slot_floats)
        clcnn_gemm_take(NULL, &bytes, plan->slot_floats);
    if (plan->partial_floats)
        clcnn_gemm_take(NULL, &bytes, plan->partial_floats);
    return bytes;
}

static const char *unsupported(const struct clcnn_device *device,
                               const struct clcnn_gemm_params *params)
{
    (void)params;
    return clcnn_device_family(device) == CLCNN_DEVICE_CLASS_CPU ? NULL
                                                                 : "needs the CPU class's kernels";
}

static double cost(const struct clcnn_device *device, const struct clcnn_gemm_params *params)
{
    const struct clcnn_device_info *info = clcnn_device_info(device);
    struct tile tile = tile_of(device, params->transpose_a);
    double peak = 2e6 * clcnn_max(info->clock_mhz, 1000) * info->compute_units * tile.nr;
    return 5e-6 + 2.0 * (double)clcnn_round_up(params->m, 2) *
                      (double)clcnn_round_up(params->n, tile.nr) * (double)params->k / (0.8 * peak);
}

static size_t workspace_size(const struct clcnn_gemm *op, bool with_packed_b)
{
    struct plan plan = make_plan(op, with_packed_b);
    return plan_bytes(&plan);
}

static size_t packed_b_size(const struct clcnn_gemm *op)
{
    const struct clcnn_gemm_params *p = &op->params;
    return (size_t)(clcnn_round_up(p->n, tile_of(op->device, p->transpose_a).nr) * p->k) *
           sizeof(float);
}

static enum clcnn_status create(struct clcnn_gemm *op)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char options[32];

    snprintf(options, sizeof(options), "-DTRANSPOSE_A=%d", op->params.transpose_a);
    TRY(clcnn_kernel_create(op->device, "gemm_cpu", options, "gemm_cpu", &op->kernels[MULTIPLY]));
    TRY(clcnn_kernel_create(op->device, "gemm_cpu", options, "pack_b", &op->kernels[PACK]));
    TRY(clcnn_kernel_create(op->device, "gemm_cpu", options, "gemm_reduce", &op->kernels[REDUCE]));
done:
    return status;
}

static enum clcnn_status pack(struct clcnn_gemm *op, const struct clcnn_buffer *b, int64_t ldb,
                              int64_t k, const struct clcnn_buffer *packed_b,
                              struct clcnn_stream *stream)
{
    const struct clcnn_gemm_params *p = &op->params;
    int nr = tile_of(op->device, p->transpose_a).nr;
    return clcnn_launch(
        stream, op->kernels[PACK], GRID2(clcnn_divide_up(p->n, nr), clcnn_divide_up(k, KC), 1, 1),
        ARGS(BUFFER(b), BUFFER(packed_b), LONG(p->n), LONG(k), LONG(ldb), INT(p->transpose_b)));
}

static enum clcnn_status pack_b(struct clcnn_gemm *op, const struct clcnn_buffer *b, int64_t ldb,
                                const struct clcnn_buffer *packed_b, struct clcnn_stream *stream)
{
    return pack(op, b, ldb, op->params.k, packed_b, stream);
}

/* The products of one part of K; with several, unfinished sums in `c`. */
static enum clcnn_status multiply(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                                  const struct plan *plan, const struct clcnn_buffer *b,
                                  int64_t panel_rows, const struct clcnn_buffer *slots,
                                  const struct clcnn_buffer *c, struct clcnn_stream *stream)
{
    const struct clcnn_gemm_params *p = &op->params;
    const struct tile *tile = &plan->tile;
    bool whole = plan->groups[2] == 1;
    size_t a_bytes = (size_t)(plan->mc / tile->mr * tile->a_floats) * sizeof(float);
    return clcnn_launch(
        stream, op->kernels[MULTIPLY],
        GRID3(plan->groups[0], plan->groups[1], plan->groups[2], 1, 1, 1),
        ARGS(BUFFER(call->a), BUFFER(b), BUFFER(slots), BUFFER(c), BUFFER(call->bias),
             LONG(call->m), LONG(p->n), LONG(call->k), LONG(call->lda), LONG(call->ldb),
             LONG(whole ? call->ldc : p->n), LONG(panel_rows), INT(p->transpose_b), INT(plan->mc),
             LONG(plan->nc), LONG(plan->kstep), LONG(whole ? 0 : call->m * p->n),
             FLOAT(call->alpha), FLOAT(whole ? call->beta : 0.0f), INT(whole && call->bias),
             INT(whole ? p->activation : CLCNN_ACTIVATION_LINEAR), FLOAT(p->activation_alpha),
             LOCAL(a_bytes), LOCAL((size_t)(tile->mr * tile->nr) * sizeof(float)),
             LOCAL((size_t)tile->nr * sizeof(float))));
}

static enum clcnn_status reduce(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                                const struct plan *plan, const struct clcnn_buffer *partial,
                                struct clcnn_stream *stream)
{
    const struct clcnn_gemm_params *p = &op->params;
    return clcnn_launch(
        stream, op->kernels[REDUCE], GRID2(clcnn_divide_up(p->n, REDUCE_COUNT), call->m, 1, 1),
        ARGS(BUFFER(partial), BUFFER(call->c), BUFFER(call->bias), LONG(call->m), LONG(p->n),
             LONG(call->ldc), INT(plan->groups[2]), FLOAT(call->beta), INT(call->bias != NULL),
             INT(p->activation), FLOAT(p->activation_alpha)));
}

static enum clcnn_status run(struct clcnn_gemm *op, const struct clcnn_gemm_call *call,
                             struct clcnn_stream *stream)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct plan plan = plan_call(op, call->m, call->k, call->packed_b);
    struct clcnn_buffer packed = {0}, slots = {0}, partial = {0};
    const struct clcnn_buffer *b = call->packed_b;
    int64_t panel_rows = plan.few ? 0 : op->params.k;
    size_t used = 0;

    if (plan.packed_floats) {
        packed = clcnn_gemm_take(call->workspace, &used, plan.packed_floats);
        TRY(pack(op, call->b, call->ldb, call->k, &packed, stream));
        b = &packed;
        panel_rows = call->k;
    } else if (plan.few) {
        slots = clcnn_gemm_take(call->workspace, &used, plan.slot_floats);
        b = call->b;
    }
    if (plan.partial_floats)
        partial = clcnn_gemm_take(call->workspace, &used, plan.partial_floats);
    TRY(multiply(op, call, &plan, b, panel_rows, slots.memory ? &slots : NULL,
                 partial.memory ? &partial : call->c, stream));
    if (partial.memory)
        TRY(reduce(op, call, &plan, &partial, stream));
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
