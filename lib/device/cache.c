#define _POSIX_C_SOURCE 200809L
#include "device/cache.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/database.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Old drivers' programs pile up; beyond this the oldest half goes. */
#define MAX_BYTES (256 << 20)

struct clcnn_cache {
    struct clcnn_cache *next;
    int references;
    pthread_mutex_t lock; /* of the database */
    struct clcnn_database database;
};

/* Threads of one process share a connection: they would only wait for each other's file locks. */
static struct {
    pthread_mutex_t lock;
    struct clcnn_cache *first;
} caches = {.lock = PTHREAD_MUTEX_INITIALIZER};

static enum clcnn_status default_path(char **path)
{
    struct clcnn_text text = {0};
    const char *given = getenv("CLCNN_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (given)
        return clcnn_copy_string(given, path);
    if (xdg && xdg[0] == '/')
        clcnn_text_add(&text, "%s/clcnn/cache.sqlite", xdg);
    else if (home && home[0])
        clcnn_text_add(&text, "%s/.cache/clcnn/cache.sqlite", home);
    return clcnn_text_take(&text, path);
}

static struct clcnn_cache *create(const char *path)
{
    struct clcnn_cache *cache = NULL;
    if (clcnn_alloc(1, sizeof(*cache), &cache) != CLCNN_STATUS_OK)
        return NULL;
    if (clcnn_copy_string(path, &cache->database.path) != CLCNN_STATUS_OK) {
        free(cache);
        return NULL;
    }
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

struct clcnn_cache *clcnn_cache_open(const char *path)
{
    char *chosen = NULL;
    struct clcnn_cache *cache = NULL;

    if ((path ? clcnn_copy_string(path, &chosen) : default_path(&chosen)) != CLCNN_STATUS_OK)
        return NULL;
    if (chosen[0]) {
        pthread_mutex_lock(&caches.lock);
        for (cache = caches.first; cache; cache = cache->next)
            if (strcmp(cache->database.path, chosen) == 0)
                break;
        if (!cache && (cache = create(chosen)) != NULL) {
            cache->next = caches.first;
            caches.first = cache;
        }
        if (cache)
            cache->references++;
        pthread_mutex_unlock(&caches.lock);
    }
    free(chosen);
    return cache;
}

void clcnn_cache_close(struct clcnn_cache **cache)
{
    struct clcnn_cache *c = *cache;
    *cache = NULL;
    if (!c)
        return;
    pthread_mutex_lock(&caches.lock);
    bool last = --c->references == 0;
    if (last) {
        struct clcnn_cache **link = &caches.first;
        while (*link != c)
            link = &(*link)->next;
        *link = c->next;
    }
    pthread_mutex_unlock(&caches.lock);
    if (!last)
        return;
    clcnn_database_close(&c->database);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* Drivers accept damaged binaries without a word (pocl 3.1), so each blob has its own checksum; it
 * covers the key, so that a blob in the wrong row is found too. */
static XXH128_canonical_t checksum(const XXH128_canonical_t *key, const void *data, size_t bytes)
{
    XXH128_canonical_t sum;
    XXH64_hash_t seed = XXH3_64bits(key, sizeof(*key));
    XXH128_canonicalFromHash(&sum, XXH3_128bits_withSeed(data, bytes, seed));
    return sum;
}

static bool take_blob(sqlite3_stmt *row, const XXH128_canonical_t *key, void **data, size_t *bytes)
{
    const void *blob = sqlite3_column_blob(row, 0), *stored = sqlite3_column_blob(row, 1);
    size_t size = (size_t)sqlite3_column_bytes(row, 0);
    if (!blob || !stored || sqlite3_column_bytes(row, 1) != (int)sizeof(XXH128_canonical_t))
        return false;
    XXH128_canonical_t sum = checksum(key, blob, size);
    if (memcmp(&sum, stored, sizeof(sum)) != 0 || clcnn_alloc(size, 1, data) != CLCNN_STATUS_OK)
        return false;
    memcpy(*data, blob, size);
    *bytes = size;
    return true;
}

static void bind_key(sqlite3_stmt *statement, int index, const XXH128_canonical_t *key)
{
    sqlite3_bind_blob(statement, index, key, sizeof(*key), SQLITE_STATIC);
}

static void forget(struct clcnn_database *database, const XXH128_canonical_t *key)
{
    sqlite3_stmt *s = clcnn_database_prepare(database, "DELETE FROM programs WHERE key = ?");
    if (!s)
        return;
    bind_key(s, 1, key);
    clcnn_database_step(database, s, "delete");
}

bool clcnn_cache_get(struct clcnn_cache *cache, const XXH128_canonical_t *key, void **data,
                     size_t *bytes)
{
    bool found = false, damaged = false;
    if (!cache)
        return false;
    pthread_mutex_lock(&cache->lock);
    sqlite3_stmt *s = clcnn_database_prepare(&cache->database,
                                             "SELECT binary, checksum FROM programs WHERE key = ?");
    if (s) {
        bind_key(s, 1, key);
        if (clcnn_database_step(&cache->database, s, "look up") == SQLITE_ROW) {
            found = take_blob(s, key, data, bytes);
            damaged = !found;
            sqlite3_finalize(s);
        }
    }
    if (damaged) {
        clcnn_logf(CLCNN_LOG_WARNING, "cache", "%s: a damaged program is thrown away",
                   cache->database.path);
        forget(&cache->database, key);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

static long long file_bytes(struct clcnn_database *database)
{
    long long bytes = 0;
    sqlite3_stmt *s = clcnn_database_prepare(
        database, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    if (s && clcnn_database_step(database, s, "size") == SQLITE_ROW) {
        bytes = sqlite3_column_int64(s, 0);
        sqlite3_finalize(s);
    }
    return bytes;
}

static void shrink(struct clcnn_database *database)
{
    static const char *const steps[] = {
        "DELETE FROM programs WHERE stored <= (SELECT stored FROM programs ORDER BY stored"
        " LIMIT 1 OFFSET (SELECT count(*) / 2 FROM programs))",
        "VACUUM",
    };
    if (file_bytes(database) <= MAX_BYTES)
        return;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        sqlite3_stmt *s = clcnn_database_prepare(database, steps[i]);
        if (s)
            clcnn_database_step(database, s, "shrink");
    }
}

void clcnn_cache_put(struct clcnn_cache *cache, const XXH128_canonical_t *key, const char *name,
                     const void *data, size_t bytes)
{
    if (!cache || bytes > MAX_BYTES / 4)
        return;
    XXH128_canonical_t sum = checksum(key, data, bytes);
    pthread_mutex_lock(&cache->lock);
    sqlite3_stmt *s = clcnn_database_prepare(
        &cache->database, "INSERT OR REPLACE INTO programs VALUES(?, ?, ?, ?, ?)");
    if (s) {
        bind_key(s, 1, key);
        sqlite3_bind_text(s, 2, name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 3, (sqlite3_int64)time(NULL));
        bind_key(s, 4, &sum);
        sqlite3_bind_blob64(s, 5, data, bytes, SQLITE_STATIC);
        if (clcnn_database_step(&cache->database, s, "store") == SQLITE_DONE)
            shrink(&cache->database);
    }
    pthread_mutex_unlock(&cache->lock);
}

void clcnn_cache_forget(struct clcnn_cache *cache, const XXH128_canonical_t *key)
{
    if (!cache)
        return;
    pthread_mutex_lock(&cache->lock);
    forget(&cache->database, key);
    pthread_mutex_unlock(&cache->lock);
}

void clcnn_cache_remember(struct clcnn_cache *cache, const XXH128_canonical_t *device,
                          const char *key, const char *value)
{
    if (!cache)
        return;
    pthread_mutex_lock(&cache->lock);
    sqlite3_stmt *s =
        clcnn_database_prepare(&cache->database, "INSERT OR REPLACE INTO tuning VALUES(?, ?, ?)");
    if (s) {
        bind_key(s, 1, device);
        sqlite3_bind_text(s, 2, key, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 3, value, -1, SQLITE_STATIC);
        clcnn_database_step(&cache->database, s, "remember");
    }
    pthread_mutex_unlock(&cache->lock);
}

char *clcnn_cache_recall(struct clcnn_cache *cache, const XXH128_canonical_t *device,
                         const char *key)
{
    char *value = NULL;
    if (!cache)
        return NULL;
    pthread_mutex_lock(&cache->lock);
    sqlite3_stmt *s = clcnn_database_prepare(
        &cache->database, "SELECT value FROM tuning WHERE device = ? AND key = ?");
    if (s) {
        bind_key(s, 1, device);
        sqlite3_bind_text(s, 2, key, -1, SQLITE_STATIC);
        if (clcnn_database_step(&cache->database, s, "recall") == SQLITE_ROW) {
            clcnn_copy_string((const char *)sqlite3_column_text(s, 0), &value);
            sqlite3_finalize(s);
        }
    }
    pthread_mutex_unlock(&cache->lock);
    return value;
}
