#include "op/gemm_cpu_plan.h"
#include "base/memory.h"
#include <math.h>

#define KC CLCNN_GEMM_CPU_KC

/* What was measured on a 2-core Sapphire Rapids with pocl 3.1, in cycles. */
#define READ_FAR      0.2   /* a float of A, or of packed B, from beyond the second cache */
#define READ_NEAR     0.04  /* from the second cache */
#define PACK_B        0.5   /* a float of B packed */
#define PACK_B_ACROSS 0.7   /* transposed */
#define TILE_START    120.0 /* a tile of C read, written, its loop begun */
#define REDUCE        2.0   /* a float of the partial sums written and read again */
#define GROUP_START   600.0
#define LAUNCH        10000.0
/* Floats of A, or of packed B, that a group passes over again and again: the second cache's. */
#define MOST_FLOATS  ((int64_t)192 * 1024)
#define MOST_COLUMNS ((int64_t)4096) /* their biases are in local memory */
#define PART         ((int64_t)256)  /* K is divided into multiples of this */

struct clcnn_gemm_cpu_tile clcnn_gemm_cpu_tile(int vector_width)
{
    int w = vector_width >= 16 ? 16 : vector_width >= 8 ? 8 : 4;
    struct clcnn_gemm_cpu_tile tile = {.mr = 8, .mr_mid = 4, .mr_low = 2, .nr = 2 * w};
    if (w == 16)
        tile = (struct clcnn_gemm_cpu_tile){.mr = 14, .mr_mid = 8, .mr_low = 4, .nr = 2 * w};
    else if (w == 8)
        tile = (struct clcnn_gemm_cpu_tile){.mr = 6, .mr_mid = 4, .mr_low = 2, .nr = 2 * w};
    return tile;
}

/* Rows that are computed for `rows` rows: the last tile is as low as possible. */
static int64_t computed_rows(const struct clcnn_gemm_cpu_tile *tile, int64_t rows)
{
    int64_t rest = rows % tile->mr;
    int64_t last = rest == 0             ? 0
                   : rest > tile->mr_mid ? tile->mr
                   : rest > tile->mr_low ? tile->mr_mid
                                         : tile->mr_low;
    return rows - rest + last;
}

/* A float of a matrix that `groups` groups read, one right after the other or not. */
static double read(int64_t floats, int64_t groups, bool in_turn)
{
    double again = in_turn || floats <= MOST_FLOATS ? READ_NEAR : READ_FAR;
    return (READ_FAR + (double)(groups - 1) * again) / (double)groups;
}

static double group_cycles(const struct clcnn_gemm_cpu_problem *p,
                           const struct clcnn_gemm_cpu_plan *plan, bool pack)
{
    const struct clcnn_gemm_cpu_tile *tile = &plan->tile;
    double depth = (double)plan->kstep, blocks = ceil(depth / KC), nr = tile->nr;
    double rows = (double)clcnn_min(plan->mc, p->m);
    double tiles = (double)clcnn_divide_up(plan->mc, tile->mr);
    double panels = (double)clcnn_divide_up(plan->nc, tile->nr);
    double a = rows * depth * read(p->m * p->k, plan->groups[1], plan->across);
    double b = nr * depth *
               (pack ? p->transpose_b ? PACK_B_ACROSS : PACK_B
                     : read(p->n * p->k, plan->groups[0], !plan->across));
    double sums = (double)computed_rows(tile, clcnn_min(plan->mc, p->m)) * depth +
                  tiles * blocks * TILE_START;
    return a + panels * (b + sums) + GROUP_START;
}

/* Groups that the busiest compute unit gets. A unit that wakes late leaves some of its share to the
 * others; the part of a group that is lost on average was measured, with B packed and not. */
static double share(int64_t groups, int64_t units, double lost)
{
    return fmax((double)clcnn_divide_up(groups, units), (double)groups / (double)units + lost);
}

/* Fills in what follows from mc, nc and kstep. */
static void complete(const struct clcnn_gemm_cpu_problem *p, struct clcnn_gemm_cpu_plan *plan,
                     bool pack_first)
{
    const int64_t units = clcnn_max(1, p->compute_units);
    const bool pack = !p->packed && !pack_first;
    plan->groups[0] = clcnn_divide_up(p->m, plan->mc);
    plan->groups[1] = clcnn_divide_up(p->n, plan->nc);
    plan->groups[2] = clcnn_divide_up(p->k, plan->kstep);
    int64_t groups = plan->groups[0] * plan->groups[1] * plan->groups[2];
    plan->packed_floats = pack_first ? clcnn_round_up(p->n, plan->tile.nr) * p->k : 0;
    plan->slot_floats = pack ? groups * clcnn_min(KC, plan->kstep) * plan->tile.nr : 0;
    plan->partial_floats = plan->groups[2] > 1 ? plan->groups[2] * p->m * p->n : 0;
    plan->bytes = (size_t)(clcnn_round_up(plan->packed_floats, 16) + plan->slot_floats +
                           clcnn_round_up(plan->partial_floats, 16)) *
                  sizeof(float);
    plan->cycles = share(groups, units, pack ? 0.5 : 1.0) * group_cycles(p, plan, pack) + LAUNCH;
    if (pack_first)
        plan->cycles += LAUNCH + (double)plan->packed_floats *
                                     (p->transpose_b ? PACK_B_ACROSS : PACK_B) / (double)units;
    if (plan->partial_floats)
        plan->cycles += LAUNCH + (double)plan->partial_floats * REDUCE / (double)units;
}

/* 1, 2, 3, 4, 6, 8, 12, ... */
static int64_t next(int64_t count)
{
    return count < 2 ? count + 1 : (count & (count - 1)) == 0 ? count + count / 2 : count / 3 * 4;
}

/* `count` pieces of a whole, `each` together, made as even as possible. */
static int64_t even(int64_t count, int64_t each)
{
    return clcnn_divide_up(count, clcnn_divide_up(count, each));
}

static void try_depths(const struct clcnn_gemm_cpu_problem *p, struct clcnn_gemm_cpu_plan plan,
                       bool pack_first, size_t most_bytes, struct clcnn_gemm_cpu_plan *best)
{
    int64_t blocks = clcnn_divide_up(p->k, PART);
    for (int64_t splits = 1; splits <= blocks && splits <= 8 * p->compute_units;
         splits = next(splits)) {
        plan.kstep = splits == 1 ? p->k : clcnn_divide_up(blocks, splits) * PART;
        for (int across = 0; across < 2; across++) {
            plan.across = across;
            complete(p, &plan, pack_first);
            if (plan.bytes <= most_bytes && plan.cycles < best->cycles)
                *best = plan;
        }
    }
}

struct clcnn_gemm_cpu_plan clcnn_gemm_cpu_plan(const struct clcnn_gemm_cpu_problem *p,
                                               size_t most_bytes)
{
    struct clcnn_gemm_cpu_plan best = {.cycles = INFINITY};
    struct clcnn_gemm_cpu_plan plan = {.tile = clcnn_gemm_cpu_tile(p->vector_width)};
    const struct clcnn_gemm_cpu_tile *tile = &plan.tile;
    int64_t tiles = clcnn_divide_up(p->m, tile->mr), panels = clcnn_divide_up(p->n, tile->nr);
    int64_t fitting = MOST_FLOATS / clcnn_min(p->k, KC);

    for (int pack_first = 0; pack_first <= !p->packed; pack_first++) {
        /* Rows pass over the packed panels, or a panel that the group packs over the rows. */
        bool packed = p->packed || pack_first;
        int64_t most_tiles = packed ? tiles : clcnn_min(tiles, fitting / tile->mr);
        int64_t most_panels = clcnn_min(panels, (packed ? fitting : MOST_COLUMNS) / tile->nr);
        most_tiles = clcnn_max(1, most_tiles);
        most_panels = clcnn_max(1, clcnn_min(most_panels, MOST_COLUMNS / tile->nr));
        for (int64_t t = 1; t < 2 * most_tiles; t = next(t))
            for (int64_t c = 1; c < 2 * most_panels; c = next(c)) {
                plan.mc = even(tiles, clcnn_min(t, most_tiles)) * tile->mr;
                plan.nc = even(panels, clcnn_min(c, most_panels)) * tile->nr;
                try_depths(p, plan, pack_first, most_bytes, &best);
            }
    }
    return best;
}
