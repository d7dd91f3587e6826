/* Losses, their gradients and their totals (lib/op/loss.c). x[N][U] predictions or logits, t
 * targets.
 *
 * loss_crossentropy, with p = softmax(x) if `logits`, else x clipped to [1e-7, 1 - 1e-7]:
 *   loss[n] = -sum_u t_u log p_u;   dx[n][u] = scale (p_u sum_v t_v - t_u)  or  -scale t_u / p_u
 *   log softmax(x)_u = (x_u - m) - log sum_v exp(x_v - m),  m = max_v x_v
 * loss_elementwise:
 *   binary   loss[n] = -mean_u (t log p + (1 - t) log(1 - p)),   p = sigmoid(x) if `logits`
 *            from logits: max(x, 0) - x t + log(1 + exp(-|x|)),  dx = scale (p - t) / U
 *            else dx = scale (p - t) / (p (1 - p)) / U
 *   squared  loss[n] = mean_u (x - t)^2,  dx = scale 2 (x - t) / U
 * Where x is clipped, its gradient is zero.
 * loss_totals: Kahan's sum of loss[n], n ascending, on top of what the totals hold.
 *
 * A work-group takes `chunk` rows one after another; its work-items share a row's elements. Local
 * memory: 256 bytes on the GPU family, none on the CPU family. */
#include "reduce.cl"

#define CLIP_LOW  1e-7f
#define CLIP_HIGH (1.0f - 1e-7f)

vfloat clip(vfloat p)
{
    p = p < (vfloat)CLIP_LOW ? (vfloat)CLIP_LOW : p;
    return p > (vfloat)CLIP_HIGH ? (vfloat)CLIP_HIGH : p;
}

vfloat unless_clipped(vfloat p, vfloat gradient)
{
    return p < (vfloat)CLIP_LOW || p > (vfloat)CLIP_HIGH ? (vfloat)0.0f : gradient;
}

/* Elements u, u + 1, ... of a row's target: of its vector, or 1 at its label. */
vfloat target_at(__global const float *vector, int label, long u, long units)
{
    if (vector)
        return load(vector + u, units - u, 0.0f);
    return LANES == (vint)(int)(label - u) ? (vfloat)1.0f : (vfloat)0.0f;
}

/* The lowest index (as a float, exact below 2^24) at which a row holds its maximum. */
float first_maximum(__global const float *row, long units, float maximum, __local float *scratch)
{
    vfloat first = INFINITY;
    EACH_UNIT (u, units) {
        vfloat index = convert_vfloat(LANES + (vint)(int)u);
        vint found = load(row + u, units - u, -INFINITY) == (vfloat)maximum;
        first = fmin(first, found ? index : (vfloat)INFINITY);
    }
    return reduce_min(first, scratch);
}

/* A row's loss from log softmax (inverse_sum = 1 / sum_v exp(x_v - m)) or from clipped
 * probabilities. */
float crossentropy(__global const float *row, __global const float *vector, int label, long units,
                   int logits, float maximum, float inverse_sum, __local float *scratch)
{
    vfloat loss = 0.0f;
    EACH_UNIT (u, units) {
        vfloat target = target_at(vector, label, u, units);
        vfloat value = load(row + u, units - u, 0.0f);
        vfloat log_p = logits ? value - maximum + log(inverse_sum) : log(clip(value));
        loss -= target == (vfloat)0.0f ? (vfloat)0.0f : target * log_p;
    }
    return reduce_sum(loss, scratch);
}

void crossentropy_gradient(__global const float *row, __global const float *vector, int label,
                           long units, int logits, float maximum, float inverse_sum, float weight,
                           float scale, __global float *dx)
{
    EACH_UNIT (u, units) {
        vfloat target = target_at(vector, label, u, units);
        vfloat value = load(row + u, units - u, 1.0f);
        vfloat gradient = logits ? weight * (exp(value - maximum) * inverse_sum) - target
                                 : unless_clipped(value, -target / value);
        store(dx + u, units - u, scale * gradient);
    }
}

/* Exactly one of t and label is NULL; dx may be NULL. */
KERNEL loss_crossentropy(INPUT(float, x), INPUT(float, t), INPUT(int, label), OUTPUT(float, loss),
                         OUTPUT(int, correct), OUTPUT(float, dx), long rows, long units, long chunk,
                         int logits, float scale)
{
    AT(const float, x);
    AT(const float, t);
    AT(const int, label);
    AT(float, loss);
    AT(int, correct);
    AT(float, dx);
    SCRATCH;
    long row = (long)get_group_id(0) * chunk, last = min(row + chunk, rows);
    for (; row < last; row++) {
        __global const float *from = x + row * units, *vector = t ? t + row * units : 0;
        int truth = label ? label[row] : 0;
        vfloat top = -INFINITY, target_top = -INFINITY, targets = 0.0f, powers = 0.0f;
        EACH_UNIT (u, units) {
            vfloat target = target_at(vector, truth, u, units);
            target_top = fmax(target_top, target);
            targets += target;
            top = fmax(top, load(from + u, units - u, -INFINITY));
        }
        float maximum = reduce_max(top, scratch), weight = reduce_sum(targets, scratch);
        float target_maximum = reduce_max(target_top, scratch);
        if (vector)
            truth = (int)first_maximum(vector, units, target_maximum, scratch);
        if (logits)
            EACH_UNIT (u, units)
                powers += exp(load(from + u, units - u, -INFINITY) - maximum);
        float inverse_sum = 1.0f / reduce_sum(powers, scratch);
        float result =
            crossentropy(from, vector, truth, units, logits, maximum, inverse_sum, scratch);
        if (truth < 0 || truth >= units)
            result = NAN;
        float guess = first_maximum(from, units, maximum, scratch);
        if (get_local_id(0) == 0) {
            loss[row] = result;
            correct[row] = guess == truth && !isnan(result);
        }
        if (dx)
            crossentropy_gradient(from, vector, truth, units, logits, maximum, inverse_sum, weight,
                                  isnan(result) ? NAN : scale, dx + row * units);
    }
}

vfloat elementwise_loss(vfloat x, vfloat t, int squared, int logits)
{
    if (squared)
        return (x - t) * (x - t);
    if (logits)
        return (x < (vfloat)0.0f ? (vfloat)0.0f : x) - x * t + log1p(exp(-fabs(x)));
    vfloat p = clip(x);
    return -(t * log(p) + (1.0f - t) * log(1.0f - p));
}

vfloat elementwise_gradient(vfloat x, vfloat t, int squared, int logits)
{
    if (squared)
        return 2.0f * (x - t);
    if (logits)
        return 1.0f / (1.0f + exp(-x)) - t;
    vfloat p = clip(x);
    return unless_clipped(x, (p - t) / (p * (1.0f - p)));
}

/* dx may be NULL. `cut` is the prediction that stands between the classes. */
KERNEL loss_elementwise(INPUT(float, x), INPUT(float, t), OUTPUT(float, loss), OUTPUT(int, correct),
                        OUTPUT(float, dx), long rows, long units, long chunk, int squared,
                        int logits, float scale)
{
    AT(const float, x);
    AT(const float, t);
    AT(float, loss);
    AT(int, correct);
    AT(float, dx);
    SCRATCH;
    long row = (long)get_group_id(0) * chunk, last = min(row + chunk, rows);
    float cut = logits ? 0.0f : 0.5f, factor = scale / units;
    for (; row < last; row++) {
        long at = row * units;
        vfloat losses = 0.0f, wrong = 0.0f;
        EACH_UNIT (u, units) {
            long left = units - u;
            vfloat value = load(x + at + u, left, 0.0f), target = load(t + at + u, left, 0.0f);
            vint inside = LANES < (vint)(int)min(left, (long)VW);
            vint same = (value > (vfloat)cut) == (target > (vfloat)0.5f);
            vfloat one = elementwise_loss(value, target, squared, logits);
            losses += inside ? one : (vfloat)0.0f;
            wrong += inside && !same ? (vfloat)1.0f : (vfloat)0.0f;
            if (dx)
                store(dx + at + u, left,
                      factor * elementwise_gradient(value, target, squared, logits));
        }
        float result = reduce_sum(losses, scratch) / units, errors = reduce_sum(wrong, scratch);
        if (get_local_id(0) == 0) {
            loss[row] = result;
            correct[row] = !squared && errors == 0.0f && !isnan(result);
        }
    }
}

/* totals: float sum, float compensation, uint correct, uint samples. One work-group; the loads are
 * shared, the sum is one work-item's. */
KERNEL loss_totals(INPUT(float, loss), INPUT(int, correct), OUTPUT(float, totals), long rows)
{
    AT(const float, loss);
    AT(const int, correct);
    AT(float, totals);
    __local float losses[GROUP];
    __local int counts[GROUP];
    int id = get_local_id(0);
    float sum = id == 0 ? totals[0] : 0.0f, compensation = id == 0 ? totals[1] : 0.0f;
    uint count = id == 0 ? as_uint(totals[2]) : 0;
    for (long first = 0; first < rows; first += GROUP) {
        int part = min(rows - first, (long)GROUP);
        if (id < part) {
            losses[id] = loss[first + id];
            counts[id] = correct[first + id];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = 0; i < part && id == 0; i++) {
            float y = losses[i] - compensation, next = sum + y;
            compensation = (next - sum) - y;
            sum = next;
            count += counts[i];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (id == 0) {
        totals[0] = sum;
        totals[1] = compensation;
        totals[2] = as_float(count);
        totals[3] = as_float(as_uint(totals[3]) + (uint)rows);
    }
}
