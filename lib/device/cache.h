/* The cache file: program binaries and tuning results, shared by all processes of the user. It can
 * only make things faster: whatever goes wrong with it is a log line (topic "cache"). */
#ifndef CLCNN_DEVICE_CACHE_H
#define CLCNN_DEVICE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <xxhash.h>

struct clcnn_cache;

/* The cache at the path of clcnn_device_params.cache_path; NULL = there is none. All functions
 * accept NULL. Devices with the same path share one object. The file is opened at the first use. */
struct clcnn_cache *clcnn_cache_open(const char *path);
void clcnn_cache_close(struct clcnn_cache **cache);

/* *data is freed with free(). False: not there, or damaged. */
bool clcnn_cache_get(struct clcnn_cache *cache, const XXH128_canonical_t *key, void **data,
                     size_t *bytes);
void clcnn_cache_put(struct clcnn_cache *cache, const XXH128_canonical_t *key, const char *name,
                     const void *data, size_t bytes);
void clcnn_cache_forget(struct clcnn_cache *cache, const XXH128_canonical_t *key);

/* Small texts of a device. recall: NULL if there is none; freed with free(). */
void clcnn_cache_remember(struct clcnn_cache *cache, const XXH128_canonical_t *device,
                          const char *key, const char *value);
char *clcnn_cache_recall(struct clcnn_cache *cache, const XXH128_canonical_t *device,
                         const char *key);

#endif
