#include "device/cache.h"
#include "device/device.h"
#include "device/sources.h"
#include <pthread.h>
#include <string.h>

static XXH64_hash_t kernels;

/* Timings of other kernels tell nothing. */
static void hash_kernels(void)
{
    for (const struct clcnn_source *source = clcnn_sources; source->name; source++)
        kernels = XXH3_64bits_withSeed(source->text, strlen(source->text), kernels);
}

static XXH128_canonical_t device_key(const struct clcnn_device *device)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    XXH128_canonical_t key;
    pthread_once(&once, hash_kernels);
    XXH128_canonicalFromHash(
        &key, XXH3_128bits_withSeed(device->identity, strlen(device->identity), kernels));
    return key;
}

void clcnn_device_remember(struct clcnn_device *device, const char *key, const char *value)
{
    XXH128_canonical_t id = device_key(device);
    clcnn_cache_remember(device->cache, &id, key, value);
}

void clcnn_device_recall(struct clcnn_device *device, const char *key, char **value)
{
    XXH128_canonical_t id = device_key(device);
    *value = clcnn_cache_recall(device->cache, &id, key);
}
