#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum clcnn_status clcnn_alloc(size_t count, size_t size, void *out)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        return clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "host memory: %zu x %zu bytes wanted", count,
                          size);
    memcpy(out, &memory, sizeof(memory));
    return CLCNN_STATUS_OK;
}

enum clcnn_status clcnn_grow(void *array, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity)
        return CLCNN_STATUS_OK;
    size_t bytes, count = *capacity > wanted / 2 ? *capacity * 2 : wanted;
    void *memory = NULL;
    memcpy(&memory, array, sizeof(memory));
    if (clcnn_multiply(count, size, &bytes))
        memory = realloc(memory, bytes);
    else
        memory = NULL;
    if (!memory)
        return clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "host memory: %zu x %zu bytes wanted", count,
                          size);
    memset((char *)memory + *capacity * size, 0, (count - *capacity) * size);
    memcpy(array, &memory, sizeof(memory));
    *capacity = count;
    return CLCNN_STATUS_OK;
}

enum clcnn_status clcnn_copy_string(const char *text, char **out)
{
    *out = NULL;
    if (!text)
        return CLCNN_STATUS_OK;
    size_t bytes = strlen(text) + 1;
    enum clcnn_status status = clcnn_alloc(bytes, 1, out);
    if (status == CLCNN_STATUS_OK)
        memcpy(*out, text, bytes);
    return status;
}

void clcnn_free(void *pointer)
{
    free(pointer);
}
