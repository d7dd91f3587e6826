/* ONNX networks: read, folded, turned into a model; and tensors of the backend tests' files. */
#include "fuzz/target.h"
#include <clcnn/onnx.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clcnn_onnx_params params = {.max_bytes = 1 << 24};
    struct clcnn_model *model = NULL;
    struct clcnn_tensor *tensor = NULL;
    char *text = NULL;
    if (clcnn_onnx_load_memory(data, size, &params, &model) == CLCNN_STATUS_OK)
        clcnn_model_summary(model, &text);
    clcnn_free(text);
    clcnn_model_destroy(&model);
    clcnn_onnx_read_tensor(fuzz_file(data, size), &tensor, NULL);
    clcnn_tensor_destroy(&tensor);
    return 0;
}
