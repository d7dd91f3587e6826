/* IDX files, plain and gzip. */
#include "fuzz/target.h"
#include <clcnn/data.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clcnn_tensor *tensor = NULL;
    clcnn_idx_read(fuzz_file(data, size), &tensor);
    clcnn_tensor_destroy(&tensor);
    return 0;
}
