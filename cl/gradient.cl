/* dx = dy f'(x) from y = f(x), element by element, for the activations of epilogue.cl. */
#include "elements.cl"
#include "epilogue.cl"

vfloat activate_gradient(int activation, float alpha, vfloat y, vfloat dy)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return y > (vfloat)0.0f ? dy : (vfloat)0.0f;
    case ACTIVATION_LEAKY_RELU:
        return y > (vfloat)0.0f ? dy : alpha * dy;
    case ACTIVATION_SIGMOID:
        return dy * y * (1.0f - y);
    case ACTIVATION_TANH:
        return dy * (1.0f - y * y);
    default:
        return dy;
    }
}
