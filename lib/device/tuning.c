#include "device/cache.h"
#include "device/device.h"
#include <string.h>

static XXH128_canonical_t device_key(const struct clcnn_device *device)
{
    XXH128_canonical_t key;
    XXH128_canonicalFromHash(&key, XXH3_128bits(device->identity, strlen(device->identity)));
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
