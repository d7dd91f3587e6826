/* PNG, JPEG, PGM and PPM images. The first byte chooses the channels asked for; images that promise
 * millions of pixels are legal, and are left to the unit tests because they take so long. */
#include "fuzz/target.h"
#include <clcnn/data.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clcnn_tensor *tensor = NULL;
    if (size < 1)
        return 0;
    clcnn_image_read(fuzz_file(data + 1, size - 1), data[0] & 1 ? 1 : 3, &tensor);
    clcnn_tensor_destroy(&tensor);
    return 0;
}
