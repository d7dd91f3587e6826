/* Forward and gradient to the data by blocks of tiles (cl/conv2d_winograd_cpu.cl). */
#include "base/memory.h"
#include "op/conv2d_winograd.h"
#include "op/storage.h"
#include <math.h>
#include <stdlib.h>

/* How the work is cut, as in the kernel. */
struct plan {
    int64_t block, splits, together, slots;
    double seconds; /* predicted, without packing */
};

struct winograd_cpu {
    struct clcnn_conv2d_problem problem;
    enum clcnn_conv2d_phase phase;
    struct clcnn_winograd winograd;
    struct clcnn_kernel *pack, *convolve;
    int64_t lanes, mr, nr;
    int64_t depth, columns; /* of a group: what is summed over, what the vectors run along */
    int64_t panels;         /* of a group: columns / nr */
    int64_t tiles;          /* at the planned batch */
    int64_t chunk;          /* panels whose transformed filters fit into the workspace */
    size_t panel_bytes;     /* one such panel, of every group */
    struct plan plan;
};

/* ---- plan ------------------------------------------------------------------------------------ */

static int64_t positions_of(const struct winograd_cpu *cpu)
{
    return cpu->winograd.alpha * cpu->winograd.alpha;
}

static void describe(struct winograd_cpu *cpu, const struct clcnn_conv2d_problem *problem,
                     enum clcnn_conv2d_phase phase, const struct clcnn_winograd *winograd)
{
    bool data = phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA;
    int64_t channels = clcnn_conv2d_channels(problem), filters = clcnn_conv2d_filters(problem);
    cpu->problem = *problem;
    cpu->phase = phase;
    cpu->winograd = *winograd;
    cpu->lanes = problem->vector_width >= 16 ? 16 : problem->vector_width >= 8 ? 8 : 4;
    cpu->mr = cpu->lanes == 16 ? 14 : cpu->lanes == 8 ? 6 : 8;
    cpu->depth = data ? filters : channels;
    cpu->columns = data ? channels : filters;
    cpu->nr = cpu->columns <= cpu->lanes ? cpu->lanes : 2 * cpu->lanes;
    cpu->panels = clcnn_divide_up(cpu->columns, cpu->nr);
    cpu->tiles = clcnn_conv2d_winograd_tiles(problem, phase, winograd, problem->n);
    cpu->panel_bytes = (size_t)(problem->groups * positions_of(cpu) * cpu->depth * cpu->nr) * 4;
}

static size_t slot_bytes(const struct winograd_cpu *cpu, const struct plan *plan)
{
    int64_t channels = clcnn_round_up(cpu->depth, cpu->lanes);
    return (size_t)(clcnn_round_up(plan->block, cpu->mr) * positions_of(cpu) *
                    (channels + plan->together * cpu->nr)) *
           sizeof(float);
}

/* How much of what is used again after `bytes` others have been touched has left the core's own
 * cache. */
static double share_lost(double bytes)
{
    return fmin(1.0, fmax(0.0, (bytes - 1.2e6) / 0.4e6));
}

/* Cycles of one core for `panels` panels of a whole block, one of `turns` tasks of a work-item.
 *
 * Multiplications at the peak of two a cycle, and four cycles at least for each channel, the
 * latency of a sum; 40 cycles around each call of `multiply`. The filter from the core's own cache
 * at 50 bytes a cycle, from beyond at 12, of which the multiplications hide the more the longer
 * they take. Transforms: 7 cycles a position and vector; the image and the result at 10 bytes a
 * cycle; so v and m if they leave the core's cache, from pass to pass. Measured with AVX-512. */
static double task_cycles(const struct winograd_cpu *cpu, const struct plan *plan, int64_t panels,
                          double turns)
{
    double positions = (double)positions_of(cpu), rows = (double)plan->block;
    double vectors = (double)(cpu->nr / cpu->lanes), lanes = (double)cpu->lanes;
    double channels = (double)clcnn_round_up(cpu->depth, cpu->lanes), depth = (double)cpu->depth;
    int64_t cuts = clcnn_divide_up(plan->block, cpu->mr);
    double height = (double)clcnn_round_up(clcnn_divide_up(plan->block, cuts), 2);
    double call = fmax(height * vectors / 2.0, 4.0) * depth + 40.0;
    double sums = positions * (double)(panels * cuts) * call;
    double pixels = (double)(cpu->winograd.m * cpu->winograd.m) * 4.0 * lanes / 10.0;
    double transforms = rows * (channels / lanes + (double)panels * vectors);

    double passes = (double)clcnn_divide_up(panels, plan->together);
    double v = 4.0 * rows * positions * channels;
    double m = 4.0 * rows * positions * (double)(cpu->nr * plan->together);
    double u = 4.0 * positions * depth * (double)(cpu->nr * panels);
    double stream = u * fmax(share_lost(u + v + m), 1.0 / turns) / 12.0;
    double again = share_lost(u / passes + v + m) * (v + 2.0 * m) * passes;
    return sums + fmin(1.0, stream / sums) * stream + u / 50.0 + 0.1 * again +
           transforms * (7.0 * positions + pixels) + 0.1 * v * share_lost(v + m);
}

/* Fills in slots and seconds; seconds are infinite if the plan does not fit. */
static void rate(const struct winograd_cpu *cpu, struct plan *plan, size_t room)
{
    const struct clcnn_conv2d_problem *problem = &cpu->problem;
    int64_t tasks = clcnn_divide_up(cpu->tiles, plan->block) * plan->splits * cpu->problem.groups;
    int64_t fitting = (int64_t)(room / slot_bytes(cpu, plan));
    plan->slots = clcnn_min(clcnn_min(tasks, problem->compute_units), fitting);
    plan->seconds = INFINITY;
    if (plan->slots < 1)
        return;
    double cycles_per_second =
        problem->peak / (4.0 * problem->vector_width) / (double)problem->compute_units;
    int64_t panels = clcnn_divide_up(cpu->panels, plan->splits);
    double turns = (double)clcnn_divide_up(tasks, plan->slots);
    plan->seconds = 1e-5 + turns * task_cycles(cpu, plan, panels, turns) / cycles_per_second;
}

/* Blocks of whole register tiles, and of sizes that keep all cores equally busy; filters in 1, 2, 4
 * .. parts; passes over 1, 2, 4 .. panels of such a part. */
static struct plan best_plan(const struct winograd_cpu *cpu, size_t room)
{
    struct plan best = {.seconds = INFINITY};
    int64_t units = cpu->problem.compute_units;
    for (int64_t cuts = 1; cuts <= 16; cuts++) {
        int64_t most = clcnn_min(cuts * cpu->mr, cpu->tiles);
        int64_t blocks = clcnn_round_up(clcnn_divide_up(cpu->tiles, most), units);
        int64_t sizes[2] = {most, clcnn_divide_up(cpu->tiles, blocks)};
        for (int i = 0; i < 2; i++) {
            struct plan plan = {.block = sizes[i]};
            for (plan.splits = 1; plan.splits <= clcnn_min(cpu->panels, 4 * units);
                 plan.splits *= 2) {
                int64_t panels = clcnn_divide_up(cpu->panels, plan.splits);
                for (plan.together = 1; plan.together < 2 * panels; plan.together *= 2) {
                    struct plan trial = plan;
                    trial.together = clcnn_min(trial.together, panels);
                    rate(cpu, &trial, room);
                    if (trial.seconds < best.seconds)
                        best = trial;
                }
            }
        }
        if (most == cpu->tiles)
            break;
    }
    return best;
}

/* The filter whole if the smallest slots fit beside it, else as much as fits into half. */
static enum clcnn_status make_plan(struct winograd_cpu *cpu)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t room = cpu->problem.max_workspace, filter = (size_t)cpu->panels * cpu->panel_bytes;
    size_t slot = slot_bytes(cpu, &(struct plan){.block = 1, .together = 1});
    if (room < slot + cpu->panel_bytes)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "needs %zu bytes of workspace",
                       slot + cpu->panel_bytes));
    cpu->chunk = cpu->panels;
    if (room < filter || (room - filter) / slot < (size_t)cpu->problem.compute_units)
        cpu->chunk = (int64_t)((room - slot) / 2 / cpu->panel_bytes);
    cpu->chunk = clcnn_max(1, clcnn_min(cpu->chunk, cpu->panels));
    cpu->plan = best_plan(cpu, room - (size_t)cpu->chunk * cpu->panel_bytes);
done:
    return status;
}

/* A transformed filter is float32 and several times the filter: with float16 storage, which is
 * asked for to save memory, it is made again in each call. */
static bool packs(const struct clcnn_conv2d_problem *problem)
{
    return problem->storage == CLCNN_DTYPE_FLOAT32;
}

/* Packing writes the transformed filter, at 4 bytes a cycle. */
static double cost(const struct clcnn_conv2d_problem *problem, enum clcnn_conv2d_phase phase,
                   const struct clcnn_winograd *winograd)
{
    struct winograd_cpu cpu = {0};
    describe(&cpu, problem, phase, winograd);
    if (make_plan(&cpu) != CLCNN_STATUS_OK)
        return INFINITY;
    double seconds = cpu.plan.seconds * (double)clcnn_divide_up(cpu.panels, cpu.chunk);
    bool packed = phase == CLCNN_CONV2D_PHASE_FORWARD && problem->prepacked && packs(problem);
    if (!packed)
        seconds += (double)cpu.panels * (double)cpu.panel_bytes / (0.5 * problem->bandwidth);
    return seconds;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void destroy(void *state)
{
    struct winograd_cpu *cpu = state;
    clcnn_kernel_destroy(&cpu->pack);
    clcnn_kernel_destroy(&cpu->convolve);
    free(cpu);
}

static enum clcnn_status create_kernels(struct winograd_cpu *cpu)
{
    static const char program[] = "conv2d_winograd_cpu";
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = cpu->problem.device;
    struct clcnn_text text = {0};
    char *options = NULL;
    clcnn_winograd_options(&text, &cpu->winograd);
    if (cpu->nr == cpu->lanes)
        clcnn_text_add(&text, " -DNV=1");
    clcnn_text_add(&text, " %s", clcnn_storage_option(cpu->problem.storage));
    TRY(clcnn_text_take(&text, &options));
    TRY(clcnn_kernel_create(device, program, options, "conv2d_winograd_pack", &cpu->pack));
    TRY(clcnn_kernel_create(device, program, options, "conv2d_winograd", &cpu->convolve));
done:
    clcnn_text_clear(&text);
    free(options);
    return status;
}

static enum clcnn_status create(const struct clcnn_conv2d_problem *problem,
                                enum clcnn_conv2d_phase phase,
                                const struct clcnn_winograd *winograd, void **state)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct winograd_cpu *cpu = NULL;
    TRY(clcnn_alloc(1, sizeof(*cpu), &cpu));
    describe(cpu, problem, phase, winograd);
    TRY(make_plan(cpu));
    TRY(create_kernels(cpu));
    *state = cpu;
    cpu = NULL;
done:
    if (cpu)
        destroy(cpu);
    return status;
}

static size_t packed_filter(const void *state)
{
    const struct winograd_cpu *cpu = state;
    return !packs(&cpu->problem) ? 0 : (size_t)cpu->panels * cpu->panel_bytes;
}

/* The slots, then a chunk of the filter. */
static size_t slots_bytes(const struct winograd_cpu *cpu)
{
    return (size_t)cpu->plan.slots * slot_bytes(cpu, &cpu->plan);
}

static size_t workspace(const void *state)
{
    const struct winograd_cpu *cpu = state;
    return slots_bytes(cpu) + (size_t)cpu->chunk * cpu->panel_bytes;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Panels first .. first + count of every group. */
static enum clcnn_status pack(struct winograd_cpu *cpu, struct clcnn_stream *stream,
                              const struct clcnn_buffer *w, const struct clcnn_buffer *packed,
                              int64_t first, int64_t count)
{
    return clcnn_launch(
        stream, cpu->pack,
        GRID3(count, clcnn_divide_up(cpu->depth, cpu->lanes), cpu->problem.groups, 1, 1, 1),
        ARGS(BUFFER(w), BUFFER(packed), INT(cpu->depth), INT(cpu->columns), INT(first),
             INT(cpu->phase == CLCNN_CONV2D_PHASE_BACKWARD_DATA)));
}

static enum clcnn_status pack_filter(void *state, struct clcnn_stream *stream,
                                     const struct clcnn_buffer *w,
                                     const struct clcnn_buffer *packed)
{
    struct winograd_cpu *cpu = state;
    return pack(cpu, stream, w, packed, 0, cpu->panels);
}

static enum clcnn_status convolve(struct winograd_cpu *cpu, const struct clcnn_conv2d_call *call,
                                  const struct clcnn_buffer *packed, int64_t first, int64_t count)
{
    const struct clcnn_conv2d_problem *p = &cpu->problem;
    const struct clcnn_conv2d_args *args = call->args;
    int64_t tiles = clcnn_conv2d_winograd_tiles(p, cpu->phase, &cpu->winograd, call->n);
    int64_t splits = clcnn_min(cpu->plan.splits, count);
    int64_t tasks = clcnn_divide_up(tiles, cpu->plan.block) * splits * p->groups;
    struct clcnn_grid grid = GRID1(clcnn_min(tasks, cpu->plan.slots), 1);
    struct clcnn_buffer slots = clcnn_buffer_slice(args->workspace, 0, slots_bytes(cpu));
    if (cpu->phase == CLCNN_CONV2D_PHASE_FORWARD)
        return clcnn_launch(
            call->stream, cpu->convolve, grid,
            ARGS(LANES(), BUFFER(args->x), BUFFER(packed), BUFFER(args->bias), BUFFER(args->y),
                 BUFFER(&slots), INT(call->n), INT(p->h), INT(p->w), INT(p->c), INT(p->k),
                 INT(p->p), INT(p->q), INT(p->groups), INT(p->pad[0]), INT(p->pad[1]),
                 INT(cpu->plan.block), INT(splits), INT(cpu->plan.together), INT(first), INT(count),
                 INT(p->use_bias), INT(p->accumulate), INT(p->activation), FLOAT(p->alpha)));
    /* dx is the convolution of dy, padded to the full, with the filter turned. */
    return clcnn_launch(call->stream, cpu->convolve, grid,
                        ARGS(LANES(), BUFFER(args->dy), BUFFER(packed), BUFFER(NULL),
                             BUFFER(args->dx), BUFFER(&slots), INT(call->n), INT(p->p), INT(p->q),
                             INT(p->k), INT(p->c), INT(p->h), INT(p->w), INT(p->groups),
                             INT(p->r - 1 - p->pad[0]), INT(p->s - 1 - p->pad[1]),
                             INT(cpu->plan.block), INT(splits), INT(cpu->plan.together), INT(first),
                             INT(count), INT(0), INT(0), INT(CLCNN_ACTIVATION_LINEAR), FLOAT(0)));
}

static enum clcnn_status run(void *state, const struct clcnn_conv2d_call *call)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct winograd_cpu *cpu = state;
    if (call->args->packed_w)
        return convolve(cpu, call, call->args->packed_w, 0, cpu->panels);
    for (int64_t first = 0; first < cpu->panels; first += cpu->chunk) {
        int64_t count = clcnn_min(cpu->chunk, cpu->panels - first);
        struct clcnn_buffer filter = clcnn_buffer_slice(call->args->workspace, slots_bytes(cpu),
                                                        (size_t)count * cpu->panel_bytes);
        TRY(pack(cpu, call->stream, call->args->w, &filter, first, count));
        TRY(convolve(cpu, call, &filter, first, count));
    }
done:
    return status;
}

const struct clcnn_conv2d_winograd_part clcnn_conv2d_winograd_cpu = {
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .workspace = workspace,
    .run = run,
    .packed_filter = packed_filter,
    .pack_filter = pack_filter,
};
