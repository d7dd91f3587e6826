#include "device/failures.h"
#include "base/memory.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A compiler that fails is slow too (peers wait for it again for every layer). A hundred distinct
 * failures mean that everything fails; more are not kept. */
#define LIMIT 100

static struct {
    pthread_mutex_t lock;
    size_t count;
    struct {
        XXH128_canonical_t key;
        enum clcnn_status status;
        char *message;
    } entries[LIMIT];
} failures = {.lock = PTHREAD_MUTEX_INITIALIZER};

void clcnn_failure_remember(const XXH128_canonical_t *key, enum clcnn_status status)
{
    char *message = NULL;
    if (clcnn_copy_string(clcnn_error_message(), &message) != CLCNN_STATUS_OK)
        return;
    pthread_mutex_lock(&failures.lock);
    if (failures.count < LIMIT) {
        failures.entries[failures.count].key = *key;
        failures.entries[failures.count].status = status;
        failures.entries[failures.count].message = message;
        failures.count++;
        message = NULL;
    }
    pthread_mutex_unlock(&failures.lock);
    free(message);
}

enum clcnn_status clcnn_failure_repeat(const XXH128_canonical_t *key)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    pthread_mutex_lock(&failures.lock);
    for (size_t i = 0; i < failures.count && status == CLCNN_STATUS_OK; i++)
        if (memcmp(&failures.entries[i].key, key, sizeof(*key)) == 0)
            status = clcnn_fail(failures.entries[i].status, "%s", failures.entries[i].message);
    pthread_mutex_unlock(&failures.lock);
    return status;
}
