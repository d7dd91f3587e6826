#include "base/philox.h"
#include "model/builder.h"
#include <math.h>

/* Standard deviation of a standard normal cut off at +-2, by which Keras divides. */
#define TRUNCATED_DEVIATION 0.87962566103423978

struct scheme {
    double scale;
    bool average, normal; /* n = (in + out) / 2, else in */
};

static const struct scheme schemes[] = {
    [CLCNN_INITIALIZER_GLOROT_UNIFORM] = {.scale = 1.0, .average = true},
    [CLCNN_INITIALIZER_GLOROT_NORMAL] = {.scale = 1.0, .average = true, .normal = true},
    [CLCNN_INITIALIZER_HE_UNIFORM] = {.scale = 2.0},
    [CLCNN_INITIALIZER_HE_NORMAL] = {.scale = 2.0, .normal = true},
    [CLCNN_INITIALIZER_LECUN_UNIFORM] = {.scale = 1.0},
    [CLCNN_INITIALIZER_LECUN_NORMAL] = {.scale = 1.0, .normal = true},
};

static void fill_constant(float *data, int64_t count, float value)
{
    for (int64_t i = 0; i < count; i++)
        data[i] = value;
}

/* 2 u - 1 is exact, so there is one rounding and the bits do not depend on the compiler. */
static void fill_uniform(float *data, int64_t count, float limit, struct clcnn_random *random)
{
    for (int64_t i = 0; i < count; i++)
        data[i] = (2.0f * clcnn_random_uniform(random) - 1.0f) * limit;
}

static void fill_normal(float *data, int64_t count, float deviation, struct clcnn_random *random)
{
    for (int64_t i = 0; i < count; i++)
        data[i] = clcnn_random_truncated_normal(random) * deviation;
}

static void fill(const struct clcnn_weight *weight, uint64_t seed, uint32_t index)
{
    float *data = clcnn_tensor_data(weight->tensor);
    int64_t count = clcnn_tensor_count(weight->tensor);
    const struct scheme *scheme = &schemes[weight->initializer];
    double n = scheme->average ? 0.5 * (weight->fan_in + weight->fan_out) : weight->fan_in;
    struct clcnn_random random = clcnn_random_begin(seed, CLCNN_PHILOX_STREAM_INITIALIZER, index);
    if (weight->initializer == CLCNN_INITIALIZER_ZEROS)
        return; /* a new tensor is zero */
    if (weight->initializer == CLCNN_INITIALIZER_ONES)
        fill_constant(data, count, 1.0f);
    else if (scheme->normal)
        fill_normal(data, count, (float)(sqrt(scheme->scale / n) / TRUNCATED_DEVIATION), &random);
    else
        fill_uniform(data, count, (float)sqrt(3.0 * scheme->scale / n), &random);
}

enum clcnn_status clcnn_model_initialise(struct clcnn_model *model)
{
    for (size_t i = 0; i < model->weight_count; i++) {
        struct clcnn_weight *weight = &model->weights[i];
        enum clcnn_status status =
            clcnn_tensor_create(CLCNN_DTYPE_FLOAT32, &weight->shape, &weight->tensor);
        if (status != CLCNN_STATUS_OK)
            return clcnn_fail_prefix(status, "model '%s': weight '%s': ", model->name,
                                     weight->name);
        fill(weight, model->seed, (uint32_t)i);
    }
    return CLCNN_STATUS_OK;
}
