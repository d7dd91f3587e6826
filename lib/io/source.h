/* The contents of a file read from front to back, unpacked if it is gzip (told by its first bytes,
 * not by its name). */
#ifndef CLCNN_IO_SOURCE_H
#define CLCNN_IO_SOURCE_H

#include "io/file.h"

struct clcnn_source {
    struct clcnn_file_reader file;
    void *gzip; /* gzFile; NULL for a plain file */
};

/* Errors: IO, UNSUPPORTED (gzip, and compiled without zlib), OUT_OF_MEMORY. After an error close
 * does nothing, as on a source of zeros. */
enum clcnn_status clcnn_source_open(const char *path, struct clcnn_source *source);
void clcnn_source_close(struct clcnn_source *source);

/* No more bytes than this can come out of it, whatever a header inside promises. */
uint64_t clcnn_source_most(const struct clcnn_source *source);

/* The next `bytes` bytes. Errors: IO, FORMAT (it ends early, or the gzip data is damaged). */
enum clcnn_status clcnn_source_take(struct clcnn_source *source, void *data, size_t bytes);

/* Nothing may follow, and the checksum of gzip data must be right. Errors: IO, FORMAT. */
enum clcnn_status clcnn_source_end(struct clcnn_source *source);

#endif
