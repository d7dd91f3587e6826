#define _POSIX_C_SOURCE 200809L
#include "io/source.h"
#include "config.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#if HAVE_ZLIB
#include <zlib.h>

#define BUFFER       (1u << 17)
#define LARGEST_CALL ((size_t)1 << 30)

/* One byte of deflate data stands for 1032 bytes at most (zlib's "Technical Details"). */
#define MOST_PER_BYTE 1032

static enum clcnn_status open_gzip(struct clcnn_source *source)
{
    int copy = dup(source->file.fd);
    if (copy >= 0)
        source->gzip = gzdopen(copy, "rb");
    if (!source->gzip) {
        if (copy >= 0)
            close(copy);
        return clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "%s: cannot start zlib", source->file.path);
    }
    gzbuffer(source->gzip, BUFFER);
    return CLCNN_STATUS_OK;
}

static void close_gzip(struct clcnn_source *source)
{
    gzclose_r(source->gzip);
}

static enum clcnn_status fail_gzip(struct clcnn_source *source)
{
    int error = Z_OK;
    const char *text = gzerror(source->gzip, &error);
    const char *path = source->file.path;
    if (error == Z_ERRNO)
        return clcnn_fail(CLCNN_STATUS_IO, "%s: cannot read: %s", path, strerror(errno));
    if (error == Z_MEM_ERROR)
        return clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "%s: zlib has no memory", path);
    if (error == Z_BUF_ERROR)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "%s: the gzip data is truncated", path);
    const char *reason = strstr(text, ">: "); /* behind zlib's "<fd:3>" */
    return clcnn_fail(CLCNN_STATUS_FORMAT, "%s: the gzip data is damaged: %s", path,
                      reason ? reason + 3 : text);
}

/* *got < bytes at the end. zlib tells a truncated file by an error beside the last bytes. */
static enum clcnn_status read_gzip(struct clcnn_source *source, void *data, size_t bytes,
                                   size_t *got)
{
    for (*got = 0; *got < bytes;) {
        size_t part = bytes - *got < LARGEST_CALL ? bytes - *got : LARGEST_CALL;
        int count = gzread(source->gzip, (char *)data + *got, (unsigned)part);
        int error = Z_OK;
        gzerror(source->gzip, &error);
        if (count < 0 || (error != Z_OK && error != Z_STREAM_END))
            return fail_gzip(source);
        if (count == 0)
            break;
        *got += (size_t)count;
    }
    return CLCNN_STATUS_OK;
}

#else
#define MOST_PER_BYTE 1

static enum clcnn_status open_gzip(struct clcnn_source *source)
{
    return clcnn_fail(CLCNN_STATUS_UNSUPPORTED,
                      "%s: is gzip, and this library was compiled without zlib: unpack it first",
                      source->file.path);
}

static void close_gzip(struct clcnn_source *source)
{
    (void)source;
}

static enum clcnn_status read_gzip(struct clcnn_source *source, void *data, size_t bytes,
                                   size_t *got)
{
    (void)source, (void)data, (void)bytes;
    *got = 0;
    return CLCNN_STATUS_OK;
}
#endif

static enum clcnn_status read_some(struct clcnn_source *source, void *data, size_t bytes,
                                   size_t *got)
{
    return source->gzip ? read_gzip(source, data, bytes, got)
                        : clcnn_file_read_some(&source->file, data, bytes, got);
}

enum clcnn_status clcnn_source_open(const char *path, struct clcnn_source *source)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    unsigned char magic[2] = {0};
    size_t got = 0;
    *source = (struct clcnn_source){0};
    TRY(clcnn_file_open(path, &source->file));
    TRY(clcnn_file_read_some(&source->file, magic, sizeof(magic), &got));
    if (lseek(source->file.fd, 0, SEEK_SET) != 0)
        TRY(clcnn_fail(CLCNN_STATUS_IO, "%s: cannot seek: %s", path, strerror(errno)));
    if (magic[0] == 0x1F && magic[1] == 0x8B)
        TRY(open_gzip(source));
done:
    if (status != CLCNN_STATUS_OK)
        clcnn_source_close(source);
    return status;
}

void clcnn_source_close(struct clcnn_source *source)
{
    if (source->gzip)
        close_gzip(source);
    clcnn_file_close(&source->file);
    source->gzip = NULL;
}

uint64_t clcnn_source_most(const struct clcnn_source *source)
{
    uint64_t size = source->file.size;
    if (!source->gzip)
        return size;
    return size < UINT64_MAX / MOST_PER_BYTE ? size * MOST_PER_BYTE : UINT64_MAX;
}

enum clcnn_status clcnn_source_take(struct clcnn_source *source, void *data, size_t bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t got = 0;
    TRY(read_some(source, data, bytes, &got));
    if (got < bytes)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: ends %zu bytes early", source->file.path,
                       bytes - got));
done:
    return status;
}

enum clcnn_status clcnn_source_end(struct clcnn_source *source)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char byte;
    size_t got = 0;
    TRY(read_some(source, &byte, 1, &got));
    if (got)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: bytes follow the end of the data",
                       source->file.path));
done:
    return status;
}
