/* One optimiser step on a flat vector of weights w with gradient g, in place (lib/op/optimizer.c):
 *
 *   sgd       w -= rate g
 *   momentum  v = m v - rate g;  w += nesterov ? m v - rate g : v
 *   rmsprop   a = rho a + (1 - rho) g^2;  d = rate g / sqrt(a + epsilon);
 *             m > 0 ? (v = m v + d, w -= v) : w -= d
 *   adam      m = beta_1 m + (1 - beta_1) g;  v = beta_2 v + (1 - beta_2) g^2;
 *             w -= rate m / (sqrt(v) + epsilon)        with the bias correction inside `rate`
 *
 * Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, end of section 2; Sutskever
 * et al., "On the importance of initialization and momentum in deep learning", ICML 2013; Keras.
 *
 * The CPU family takes `chunk` elements in a row per work-item, the GPU family one. No local
 * memory. */
#include "elements.cl"

KERNEL sgd(INPUT(float, g), OUTPUT(float, w), long count, long chunk, float rate)
{
    AT(const float, g);
    AT(float, w);
    EACH_VECTOR (i, end, count, chunk) {
        vfloat weight = load(w + i, end - i, 0.0f);
        store(w + i, end - i, weight - rate * load(g + i, end - i, 0.0f));
    }
}

KERNEL sgd_momentum(INPUT(float, g), OUTPUT(float, w), OUTPUT(float, v), long count, long chunk,
                    float rate, float momentum, int nesterov)
{
    AT(const float, g);
    AT(float, w);
    AT(float, v);
    EACH_VECTOR (i, end, count, chunk) {
        vfloat descent = rate * load(g + i, end - i, 0.0f);
        vfloat velocity = momentum * load(v + i, end - i, 0.0f) - descent;
        vfloat step = nesterov ? momentum * velocity - descent : velocity;
        store(v + i, end - i, velocity);
        store(w + i, end - i, load(w + i, end - i, 0.0f) + step);
    }
}

/* Without momentum, v is NULL. */
KERNEL rmsprop(INPUT(float, g), OUTPUT(float, w), OUTPUT(float, a), OUTPUT(float, v), long count,
               long chunk, float rate, float momentum, float rho, float one_minus_rho,
               float epsilon)
{
    AT(const float, g);
    AT(float, w);
    AT(float, a);
    AT(float, v);
    EACH_VECTOR (i, end, count, chunk) {
        vfloat gradient = load(g + i, end - i, 0.0f);
        vfloat square = rho * load(a + i, end - i, 0.0f) + one_minus_rho * gradient * gradient;
        vfloat step = rate * gradient / sqrt(square + epsilon);
        store(a + i, end - i, square);
        if (momentum > 0.0f) {
            step += momentum * load(v + i, end - i, 0.0f);
            store(v + i, end - i, step);
        }
        store(w + i, end - i, load(w + i, end - i, 0.0f) - step);
    }
}

KERNEL adam(INPUT(float, g), OUTPUT(float, w), OUTPUT(float, m), OUTPUT(float, v), long count,
            long chunk, float rate, float beta_1, float one_minus_beta_1, float beta_2,
            float one_minus_beta_2, float epsilon)
{
    AT(const float, g);
    AT(float, w);
    AT(float, m);
    AT(float, v);
    EACH_VECTOR (i, end, count, chunk) {
        vfloat gradient = load(g + i, end - i, 0.0f);
        vfloat first = beta_1 * load(m + i, end - i, 0.0f) + one_minus_beta_1 * gradient;
        vfloat second =
            beta_2 * load(v + i, end - i, 0.0f) + one_minus_beta_2 * gradient * gradient;
        store(m + i, end - i, first);
        store(v + i, end - i, second);
        vfloat step = rate * first / (sqrt(second) + epsilon);
        store(w + i, end - i, load(w + i, end - i, 0.0f) - step);
    }
}
