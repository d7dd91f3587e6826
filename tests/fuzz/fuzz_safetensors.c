/* Weights in a safetensors file, for a model of two layers. */
#include "fuzz/target.h"
#include <clcnn/model.h>
#include <stdlib.h>

static struct clcnn_model *small_model(void)
{
    struct clcnn_model *model = NULL;
    clcnn_model_create(NULL, &model);
    clcnn_node x = clcnn_input(model, &(struct clcnn_input_params){.features = 3});
    x = clcnn_add_dense(model, x, &(struct clcnn_dense_layer){.units = 2});
    x = clcnn_add_dense(model, x, &(struct clcnn_dense_layer){.units = 1, .no_bias = true});
    if (clcnn_model_finish(model, x) != CLCNN_STATUS_OK)
        abort();
    return model;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct clcnn_model *model;
    if (!model)
        model = small_model();
    clcnn_model_load_weights(model, fuzz_file(data, size));
    return 0;
}
