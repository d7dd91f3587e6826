/* Built without SQLite: every start builds the programs. */
#include "device/cache.h"

struct clcnn_cache *clcnn_cache_open(const char *path)
{
    (void)path;
    return NULL;
}

void clcnn_cache_close(struct clcnn_cache **cache)
{
    (void)cache;
}

bool clcnn_cache_get(struct clcnn_cache *cache, const XXH128_canonical_t *key, void **data,
                     size_t *bytes)
{
    (void)cache, (void)key, (void)data, (void)bytes;
    return false;
}

void clcnn_cache_put(struct clcnn_cache *cache, const XXH128_canonical_t *key, const char *name,
                     const void *data, size_t bytes)
{
    (void)cache, (void)key, (void)name, (void)data, (void)bytes;
}

void clcnn_cache_forget(struct clcnn_cache *cache, const XXH128_canonical_t *key)
{
    (void)cache, (void)key;
}

void clcnn_cache_remember(struct clcnn_cache *cache, const XXH128_canonical_t *device,
                          const char *key, const char *value)
{
    (void)cache, (void)device, (void)key, (void)value;
}

char *clcnn_cache_recall(struct clcnn_cache *cache, const XXH128_canonical_t *device,
                         const char *key)
{
    (void)cache, (void)device, (void)key;
    return NULL;
}
