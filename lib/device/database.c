#include "device/database.h"
#include "base/log.h"
#include "base/text.h"
#include "device/file.h"
#include <stdio.h>
#include <stdlib.h>

/* Other processes hold the lock for a millisecond; a start must not hang behind one that is
 * stuck. */
#define BUSY_MS 500

/* A rollback journal works on read-only and network directories, where a WAL does not. Without
 * waiting for the disk a power cut can damage the file, which costs a rebuild; a killed process
 * cannot. */
static const char setup[] =
    "PRAGMA synchronous = OFF;"
    "CREATE TABLE IF NOT EXISTS programs(key BLOB PRIMARY KEY, name TEXT, stored INTEGER,"
    " checksum BLOB, binary BLOB);"
    "CREATE TABLE IF NOT EXISTS tuning(device BLOB, key TEXT, value TEXT,"
    " PRIMARY KEY(device, key));";

static bool is_damage(int error)
{
    return (error & 0xff) == SQLITE_CORRUPT || (error & 0xff) == SQLITE_NOTADB;
}

static void move_aside(const char *path, const char *suffix)
{
    struct clcnn_text from = {0}, to = {0};
    clcnn_text_add(&from, "%s%s", path, suffix);
    clcnn_text_add(&to, "%s.damaged%s", path, suffix);
    if (!from.failed && !to.failed)
        rename(from.data, to.data);
    clcnn_text_clear(&from);
    clcnn_text_clear(&to);
}

/* A journal must not outlive its file: it would be played back into the new one. */
static void set_aside(struct clcnn_database *database)
{
    sqlite3_close_v2(database->handle);
    database->handle = NULL;
    if (database->renewed)
        return;
    clcnn_logf(CLCNN_LOG_WARNING, "cache", "%s is damaged: kept as %s.damaged, starting a new one",
               database->path, database->path);
    move_aside(database->path, "");
    move_aside(database->path, "-journal");
    move_aside(database->path, "-wal");
    database->renewed = true;
    database->opened = false;
}

static void open_file(struct clcnn_database *database)
{
    database->opened = true;
    if (clcnn_file_make_parents(database->path) != CLCNN_STATUS_OK)
        clcnn_logf(CLCNN_LOG_DEBUG, "cache", "%s", clcnn_error_message());
    int error =
        sqlite3_open_v2(database->path, &database->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (error == SQLITE_OK)
        error = sqlite3_busy_timeout(database->handle, BUSY_MS);
    if (error == SQLITE_OK)
        error = sqlite3_exec(database->handle, setup, NULL, NULL, NULL);
    if (error == SQLITE_OK)
        return;
    if (is_damage(error)) {
        set_aside(database);
        return;
    }
    clcnn_logf(CLCNN_LOG_WARNING, "cache", "%s cannot be used: %s", database->path,
               database->handle ? sqlite3_errmsg(database->handle) : sqlite3_errstr(error));
    sqlite3_close_v2(database->handle);
    database->handle = NULL;
}

sqlite3_stmt *clcnn_database_prepare(struct clcnn_database *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    /* The second round is for the file that replaces a damaged one. */
    for (int round = 0; round < 2 && !database->handle && !database->opened; round++)
        open_file(database);
    if (!database->handle)
        return NULL;
    int error = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);
    if (error == SQLITE_OK)
        return statement;
    clcnn_logf(CLCNN_LOG_WARNING, "cache", "%s: %s", database->path,
               sqlite3_errmsg(database->handle));
    if (is_damage(error))
        set_aside(database);
    return NULL;
}

int clcnn_database_step(struct clcnn_database *database, sqlite3_stmt *statement, const char *what)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return result;
    if (result != SQLITE_DONE)
        clcnn_logf(CLCNN_LOG_WARNING, "cache", "%s: %s: %s", database->path, what,
                   sqlite3_errmsg(database->handle));
    sqlite3_finalize(statement);
    if (is_damage(result))
        set_aside(database);
    return result;
}

void clcnn_database_close(struct clcnn_database *database)
{
    sqlite3_close_v2(database->handle);
    database->handle = NULL;
    free(database->path);
    database->path = NULL;
}
