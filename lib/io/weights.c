/* A model's weights in a safetensors file. */
#include "base/log.h"
#include "base/memory.h"
#include "io/safetensors.h"
#include "model/graph.h"
#include <stdlib.h>
#include <string.h>

enum clcnn_status clcnn_model_save_weights(const struct clcnn_model *model, const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_safetensor *tensors = NULL;
    REQUIRE(model && model->finished, "save_weights: the model is NULL or not finished");
    TRY(clcnn_alloc(model->weight_count, sizeof(*tensors), &tensors));
    for (size_t i = 0; i < model->weight_count; i++)
        tensors[i] = (struct clcnn_safetensor){
            .name = model->weights[i].name,
            .dtype = clcnn_safetensors_dtype(clcnn_tensor_dtype(model->weights[i].tensor)),
            .shape = model->weights[i].shape,
            .data = clcnn_tensor_const_data(model->weights[i].tensor),
        };
    const struct clcnn_safetensors_text text = {"model", model->name};
    TRY(clcnn_safetensors_write(path, &(struct clcnn_safetensors_contents){
                                          .tensors = tensors,
                                          .tensor_count = model->weight_count,
                                          .metadata = &text,
                                          .metadata_count = 1,
                                      }));
done:
    free(tensors);
    return status;
}

static bool has_weight(const struct clcnn_model *model, const char *name)
{
    for (size_t i = 0; i < model->weight_count; i++)
        if (strcmp(model->weights[i].name, name) == 0)
            return true;
    return false;
}

static void log_ignored(const struct clcnn_model *model, const struct clcnn_safetensors *file,
                        const char *path)
{
    if (!clcnn_log_enabled(CLCNN_LOG_INFO))
        return;
    for (size_t i = 0; i < clcnn_safetensors_count(file); i++) {
        const char *name = clcnn_safetensors_at(file, i)->name;
        if (!has_weight(model, name))
            clcnn_logf(CLCNN_LOG_INFO, "io", "%s: tensor '%s' is not of model '%s': ignored", path,
                       name, model->name);
    }
}

enum clcnn_status clcnn_model_load_weights(struct clcnn_model *model, const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_safetensors *file = NULL;
    const struct clcnn_safetensor **found = NULL;
    REQUIRE(model && model->finished, "load_weights: the model is NULL or not finished");
    TRY(clcnn_safetensors_read(path, &file));
    TRY(clcnn_alloc(model->weight_count, sizeof(*found), &found));
    for (size_t i = 0; i < model->weight_count; i++)
        TRY(clcnn_safetensors_need(file, model->weights[i].name, &model->weights[i].shape,
                                   &found[i]));
    log_ignored(model, file, path);
    for (size_t i = 0; i < model->weight_count; i++)
        clcnn_safetensor_to_float(found[i], clcnn_tensor_data(model->weights[i].tensor));
done:
    free(found);
    clcnn_safetensors_destroy(&file);
    return status;
}
