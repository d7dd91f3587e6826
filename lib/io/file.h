/* Regular files read with their size known from the start, and files written whole or not at
 * all. */
#ifndef CLCNN_IO_FILE_H
#define CLCNN_IO_FILE_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clcnn_file_reader {
    const char *path; /* the caller's */
    int fd;
    uint64_t size;
};

/* Errors: IO (it is not there, may not be read, or is no regular file). After an error close does
 * nothing, as on a reader of zeros. */
enum clcnn_status clcnn_file_open(const char *path, struct clcnn_file_reader *file);
void clcnn_file_close(struct clcnn_file_reader *file);

/* The next `bytes` bytes, or what is left of them: *got. Errors: IO. */
enum clcnn_status clcnn_file_read_some(struct clcnn_file_reader *file, void *data, size_t bytes,
                                       size_t *got);

/* The next `bytes` bytes. Errors: IO (also if the file was cut meanwhile). */
enum clcnn_status clcnn_file_take(struct clcnn_file_reader *file, void *data, size_t bytes);

/* All of a file of at most `limit` bytes; *data is freed with free().
 * Errors: IO, FORMAT (larger than the limit), OUT_OF_MEMORY. */
enum clcnn_status clcnn_file_read_whole(const char *path, uint64_t limit, unsigned char **data,
                                        size_t *size);

/* Zeros are an unopened writer. */
struct clcnn_file_writer {
    char *path, *temporary; /* temporary NULL: written in place */
    int fd;
    bool open;
};

/* Opens a temporary file beside `path`; a `path` that is there and is no regular file (a pipe,
 * /dev/full) is opened itself. Errors: IO, OUT_OF_MEMORY. */
enum clcnn_status clcnn_file_create(const char *path, struct clcnn_file_writer *file);
enum clcnn_status clcnn_file_write(struct clcnn_file_writer *file, const void *data, size_t bytes);

/* Brings the contents to the disk and renames the file to `path`. Errors: IO. */
enum clcnn_status clcnn_file_commit(struct clcnn_file_writer *file);

/* Frees the writer; unless committed, removes the temporary file. */
void clcnn_file_discard(struct clcnn_file_writer *file);

#endif
