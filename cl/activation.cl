/* Activations and softmax, forward and backward (lib/op/activation.c).
 *
 *   y[i] = f(x[i]),  dx[i] = dy[i] f'(x[i]) from y[i]                       i < count
 *   softmax:  y[n][u] = exp(x[n][u] - m) / sum_v exp(x[n][v] - m),  m = max_v x[n][v]
 *             dx[n][u] = y[n][u] (dy[n][u] - sum_v dy[n][v] y[n][v])
 *
 * Elements: the CPU family takes `chunk` in a row per work-item, the GPU family one. Softmax: a
 * work-group takes `chunk` rows one after another; its work-items share a row's elements. It equals
 *
 *   for n: m = max x[n];  for u: y[n][u] = exp(x[n][u] - m), sum += y[n][u];  y[n] /= sum
 *
 * All may work in place. Local memory: 256 bytes on the GPU family for softmax, else none. */
#include "gradient.cl"
#include "reduce.cl"

DEFINE_ACTIVATE(vfloat)

KERNEL activation_forward(INPLACE(const stored, x), INPLACE(stored, y), long count, long chunk,
                          int activation, float alpha)
{
    AT(const stored, x);
    AT(stored, y);
    EACH_VECTOR (i, end, count, chunk)
        store(y + i, end - i, activate_vfloat(load(x + i, end - i, 0.0f), activation, alpha));
}

KERNEL activation_backward(INPUT(stored, y), INPLACE(const stored, dy), INPLACE(stored, dx),
                           long count, long chunk, int activation, float alpha)
{
    AT(const stored, y);
    AT(const stored, dy);
    AT(stored, dx);
    EACH_VECTOR (i, end, count, chunk) {
        vfloat gradient = load(dy + i, end - i, 0.0f);
        store(dx + i, end - i,
              activate_gradient(activation, alpha, load(y + i, end - i, 0.0f), gradient));
    }
}

KERNEL softmax_forward(INPLACE(const stored, x), INPLACE(stored, y), long rows, long units,
                       long chunk)
{
    AT(const stored, x);
    AT(stored, y);
    SCRATCH;
    long row = (long)get_group_id(0) * chunk, last = min(row + chunk, rows);
    for (; row < last; row++) {
        __global const stored *from = x + row * units;
        __global stored *to = y + row * units;
        vfloat top = -INFINITY, sum = 0.0f;
        EACH_UNIT (u, units)
            top = fmax(top, load(from + u, units - u, -INFINITY));
        float highest = reduce_max(top, scratch);
        EACH_UNIT (u, units) {
            vfloat power = exp(load(from + u, units - u, -INFINITY) - highest);
            sum += power;
            if (!STORAGE_HALF)
                store(to + u, units - u, power);
        }
        float scale = 1.0f / reduce_sum(sum, scratch);
        EACH_UNIT (u, units) { /* half would have rounded the powers */
            vfloat power = STORAGE_HALF ? exp(load(from + u, units - u, -INFINITY) - highest)
                                        : load(to + u, units - u, 0.0f);
            store(to + u, units - u, scale * power);
        }
    }
}

KERNEL softmax_backward(INPUT(stored, y), INPLACE(const stored, dy), INPLACE(stored, dx), long rows,
                        long units, long chunk)
{
    AT(const stored, y);
    AT(const stored, dy);
    AT(stored, dx);
    SCRATCH;
    long row = (long)get_group_id(0) * chunk, last = min(row + chunk, rows);
    for (; row < last; row++) {
        long at = row * units;
        vfloat products = 0.0f;
        EACH_UNIT (u, units)
            products += load(y + at + u, units - u, 0.0f) * load(dy + at + u, units - u, 0.0f);
        float dot = reduce_sum(products, scratch);
        EACH_UNIT (u, units) {
            vfloat gradient = load(dy + at + u, units - u, 0.0f) - dot;
            store(dx + at + u, units - u, load(y + at + u, units - u, 0.0f) * gradient);
        }
    }
}
