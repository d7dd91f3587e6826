/* Checkpoints: weights by their names, optimiser state as "<weight>/<slot>", counters as text. */
#include "base/memory.h"
#include "base/text.h"
#include "io/safetensors.h"
#include "run/trainer.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS (1 + CLCNN_TRAINER_SLOTS)

/* The flat vectors on the host (weights, then slots), and a name for each tensor in them. */
struct state {
    struct clcnn_trainer *trainer;
    int vectors;
    float *values[VECTORS];
    size_t tensor_count;
    struct clcnn_safetensor *tensors; /* [vectors][weights] */
    char **names;
};

static struct clcnn_buffer *vector_buffer(const struct clcnn_trainer *trainer, int vector)
{
    return vector == 0 ? trainer->weights : trainer->slots[vector - 1];
}

static enum clcnn_status tensor_name(const struct clcnn_trainer *trainer, int vector, size_t weight,
                                     char **out)
{
    struct clcnn_text text = {0};
    clcnn_text_add(&text, "%s", trainer->plan->model->weights[weight].name);
    if (vector > 0)
        clcnn_text_add(&text, "/%s", clcnn_optimizer_slot_name(trainer->optimizer, vector - 1));
    return clcnn_text_take(&text, out);
}

static enum clcnn_status describe(struct state *state, struct clcnn_trainer *trainer)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_model *model = trainer->plan->model;
    state->trainer = trainer;
    state->vectors = 1 + clcnn_optimizer_slot_count(trainer->optimizer);
    state->tensor_count = (size_t)state->vectors * model->weight_count;
    TRY(clcnn_alloc(state->tensor_count, sizeof(*state->tensors), &state->tensors));
    TRY(clcnn_alloc(state->tensor_count, sizeof(*state->names), &state->names));
    for (int v = 0; v < state->vectors; v++) {
        TRY(clcnn_alloc(trainer->weight_bytes, 1, &state->values[v]));
        for (size_t w = 0; w < model->weight_count; w++) {
            size_t index = (size_t)v * model->weight_count + w;
            TRY(tensor_name(trainer, v, w, &state->names[index]));
            state->tensors[index] = (struct clcnn_safetensor){
                .name = state->names[index],
                .dtype = clcnn_safetensors_dtype(CLCNN_DTYPE_FLOAT32),
                .shape = model->weights[w].shape,
                .data = state->values[v] + trainer->weight_offsets[w] / sizeof(float),
            };
        }
    }
done:
    return status;
}

static void clear(struct state *state)
{
    for (int v = 0; v < VECTORS; v++)
        free(state->values[v]);
    for (size_t i = 0; i < state->tensor_count && state->names; i++)
        free(state->names[i]);
    free(state->names);
    free(state->tensors);
}

/* ---- saving ---------------------------------------------------------------------------------- */

enum clcnn_status clcnn_trainer_save_state(struct clcnn_trainer *trainer, const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct state state = {0};
    char step[24], epoch[24], seed[24];
    REQUIRE(trainer && path, "save_state: trainer and path must not be NULL");
    snprintf(step, sizeof(step), "%" PRIu64, trainer->step);
    snprintf(epoch, sizeof(epoch), "%d", trainer->epoch);
    snprintf(seed, sizeof(seed), "%" PRIu64, trainer->params.seed);
    const struct clcnn_safetensors_text metadata[] = {
        {"optimizer", clcnn_optimizer_kind_name(trainer->params.optimizer.kind)},
        {"step", step},
        {"epoch", epoch},
        {"seed", seed},
    };
    TRY(describe(&state, trainer));
    for (int v = 0; v < state.vectors; v++)
        TRY(clcnn_buffer_read(vector_buffer(trainer, v), 0, trainer->weight_bytes, state.values[v],
                              clcnn_queue_enqueue(trainer->queue)));
    const struct clcnn_safetensors_contents contents = {
        .tensors = state.tensors,
        .tensor_count = state.tensor_count,
        .metadata = metadata,
        .metadata_count = sizeof(metadata) / sizeof(metadata[0]),
    };
    TRY(clcnn_safetensors_write(path, &contents));
done:
    clear(&state);
    return status;
}

/* ---- loading --------------------------------------------------------------------------------- */

static enum clcnn_status read_number(const struct clcnn_safetensors *file, const char *path,
                                     const char *key, uint64_t most, uint64_t *out)
{
    const char *text = clcnn_safetensors_metadata(file, key);
    char *end = NULL;
    errno = 0;
    *out = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (end && *end == '\0' && errno == 0 && *out <= most)
        return CLCNN_STATUS_OK;
    return clcnn_fail(CLCNN_STATUS_FORMAT, "load_state: %s: %s %s%s is not a number in 0..%" PRIu64,
                      path, key, text ? "" : "missing: ", text ? text : "it", most);
}

static enum clcnn_status check_optimizer(const struct clcnn_trainer *trainer,
                                         const struct clcnn_safetensors *file, const char *path)
{
    const char *wanted = clcnn_optimizer_kind_name(trainer->params.optimizer.kind);
    const char *found = clcnn_safetensors_metadata(file, "optimizer");
    if (!found)
        return clcnn_fail(CLCNN_STATUS_FORMAT,
                          "load_state: %s holds no training state (weights alone?)", path);
    if (strcmp(found, wanted) != 0)
        return clcnn_fail(CLCNN_STATUS_FORMAT,
                          "load_state: %s is a state of optimizer %s, the trainer's is %s", path,
                          found, wanted);
    return CLCNN_STATUS_OK;
}

static enum clcnn_status read_tensors(const struct state *state,
                                      const struct clcnn_safetensors *file, const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (size_t i = 0; i < state->tensor_count; i++) {
        const struct clcnn_safetensor *wanted = &state->tensors[i], *found = NULL;
        size_t weight = i % state->trainer->plan->model->weight_count;
        float *values = state->values[i / state->trainer->plan->model->weight_count];
        TRY(clcnn_fail_prefix(clcnn_safetensors_need(file, wanted->name, &wanted->shape, &found),
                              "load_state: %s: ", path));
        clcnn_safetensor_to_float(found,
                                  values + state->trainer->weight_offsets[weight] / sizeof(float));
    }
    /* Of a larger model, or of an optimizer that keeps more. */
    if (clcnn_safetensors_count(file) != state->tensor_count)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT,
                       "load_state: %s has %zu tensors, the trainer's state has %zu", path,
                       clcnn_safetensors_count(file), state->tensor_count));
done:
    return status;
}

enum clcnn_status clcnn_trainer_load_state(struct clcnn_trainer *trainer, const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct state state = {0};
    struct clcnn_safetensors *file = NULL;
    uint64_t step, epoch, seed;
    REQUIRE(trainer && path, "load_state: trainer and path must not be NULL");
    TRY(clcnn_safetensors_read(path, &file));
    TRY(check_optimizer(trainer, file, path));
    TRY(read_number(file, path, "step", INT64_MAX - 1, &step));
    TRY(read_number(file, path, "epoch", INT32_MAX, &epoch));
    TRY(read_number(file, path, "seed", UINT64_MAX, &seed));
    TRY(describe(&state, trainer));
    TRY(read_tensors(&state, file, path));
    /* Everything is known to fit: from here on only the device can fail. */
    for (int v = 0; v < state.vectors; v++)
        TRY(clcnn_buffer_write(vector_buffer(trainer, v), 0, trainer->weight_bytes, state.values[v],
                               clcnn_queue_enqueue(trainer->queue)));
    trainer->step = step;
    trainer->epoch = (int)epoch;
    trainer->params.seed = seed;
done:
    clear(&state);
    clcnn_safetensors_destroy(&file);
    return status;
}
