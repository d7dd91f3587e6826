/* The SQLite file behind the cache: opening, setting a damaged one aside, one statement at a time.
 * Not thread-safe: the cache locks. */
#ifndef CLCNN_DEVICE_DATABASE_H
#define CLCNN_DEVICE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

struct clcnn_database {
    char *path;
    sqlite3 *handle;
    bool opened;  /* it was tried */
    bool renewed; /* a damaged file was set aside before */
};

/* A statement ready for binding, NULL if the database is of no use. */
sqlite3_stmt *clcnn_database_prepare(struct clcnn_database *database, const char *sql);

/* Runs it one step: SQLITE_ROW, SQLITE_DONE, or an error, which has been logged as "<what>: ...";
 * a file that turns out to be damaged is set aside. The statement is finalized unless there is a
 * row. */
int clcnn_database_step(struct clcnn_database *database, sqlite3_stmt *statement, const char *what);

void clcnn_database_close(struct clcnn_database *database);

#endif
