/* Programs that did not build, remembered for the life of the process. */
#ifndef CLCNN_DEVICE_FAILURES_H
#define CLCNN_DEVICE_FAILURES_H

#include "base/status.h"
#include <xxhash.h>

/* Keeps the thread's present error message as the failure of the key. */
void clcnn_failure_remember(const XXH128_canonical_t *key, enum clcnn_status status);

/* Fails as it did before; OK if the key has not failed. */
enum clcnn_status clcnn_failure_repeat(const XXH128_canonical_t *key);

#endif
