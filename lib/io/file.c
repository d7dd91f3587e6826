#define _POSIX_C_SOURCE 200809L
#include "io/file.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux moves no more than about 2^31 bytes in one call. */
#define LARGEST_CALL ((size_t)1 << 30)

static enum clcnn_status fail_errno(const char *path, const char *what)
{
    return clcnn_fail(CLCNN_STATUS_IO, "%s: cannot %s: %s", path, what, strerror(errno));
}

/* ---- reading --------------------------------------------------------------------------------- */

enum clcnn_status clcnn_file_open(const char *path, struct clcnn_file_reader *file)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct stat info;
    *file = (struct clcnn_file_reader){0};
    REQUIRE(path && *path, "io: the path is NULL or empty");
    /* Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(path, "open");
    *file = (struct clcnn_file_reader){.path = path, .fd = fd};
    if (fstat(fd, &info) != 0)
        TRY(fail_errno(path, "examine"));
    if (!S_ISREG(info.st_mode))
        TRY(clcnn_fail(CLCNN_STATUS_IO, "%s: is not a regular file", path));
    file->size = (uint64_t)info.st_size;
    if ((size_t)file->size != file->size)
        TRY(clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "%s: %llu bytes exceed the address space", path,
                       (unsigned long long)file->size));
done:
    if (status != CLCNN_STATUS_OK)
        clcnn_file_close(file);
    return status;
}

void clcnn_file_close(struct clcnn_file_reader *file)
{
    if (file->path)
        close(file->fd);
    *file = (struct clcnn_file_reader){0};
}

enum clcnn_status clcnn_file_read_some(struct clcnn_file_reader *file, void *data, size_t bytes,
                                       size_t *got)
{
    for (*got = 0; *got < bytes;) {
        size_t part = bytes - *got < LARGEST_CALL ? bytes - *got : LARGEST_CALL;
        ssize_t count = read(file->fd, (char *)data + *got, part);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno(file->path, "read");
        if (count == 0)
            break;
        *got += (size_t)count;
    }
    return CLCNN_STATUS_OK;
}

enum clcnn_status clcnn_file_take(struct clcnn_file_reader *file, void *data, size_t bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    size_t got = 0;
    TRY(clcnn_file_read_some(file, data, bytes, &got));
    if (got < bytes)
        TRY(clcnn_fail(CLCNN_STATUS_IO, "%s: ends %zu bytes early", file->path, bytes - got));
done:
    return status;
}

enum clcnn_status clcnn_file_read_whole(const char *path, uint64_t limit, unsigned char **data,
                                        size_t *size)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_file_reader file = {0};
    unsigned char *bytes = NULL;
    TRY(clcnn_file_open(path, &file));
    if (file.size > limit)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: %llu bytes are more than %llu", path,
                       (unsigned long long)file.size, (unsigned long long)limit));
    TRY(clcnn_alloc((size_t)file.size, 1, &bytes));
    TRY(clcnn_file_take(&file, bytes, (size_t)file.size));
    *size = (size_t)file.size;
    *data = bytes;
    bytes = NULL;
done:
    free(bytes);
    clcnn_file_close(&file);
    return status;
}

/* ---- writing --------------------------------------------------------------------------------- */

static enum clcnn_status open_temporary(struct clcnn_file_writer *file)
{
    static unsigned count;
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text name = {0};
    do {
        clcnn_text_clear(&name);
        free(file->temporary);
        file->temporary = NULL;
        clcnn_text_add(&name, "%s.tmp-%ld-%u", file->path, (long)getpid(),
                       __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED));
        TRY(clcnn_text_take(&name, &file->temporary));
        file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (file->fd < 0 && errno == EEXIST);
    if (file->fd < 0) {
        status = fail_errno(file->path, "create");
        free(file->temporary);
        file->temporary = NULL;
    }
done:
    clcnn_text_clear(&name);
    return status;
}

enum clcnn_status clcnn_file_create(const char *path, struct clcnn_file_writer *file)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct stat info;
    *file = (struct clcnn_file_writer){0};
    REQUIRE(path && *path, "io: the path is NULL or empty");
    TRY(clcnn_copy_string(path, &file->path));
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        file->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (file->fd < 0)
            TRY(fail_errno(path, "open"));
    } else {
        TRY(open_temporary(file));
    }
    file->open = true;
done:
    if (status != CLCNN_STATUS_OK)
        clcnn_file_discard(file);
    return status;
}

enum clcnn_status clcnn_file_write(struct clcnn_file_writer *file, const void *data, size_t bytes)
{
    const char *from = data;
    while (bytes) {
        ssize_t put = write(file->fd, from, bytes < LARGEST_CALL ? bytes : LARGEST_CALL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail_errno(file->path, "write");
        from += put;
        bytes -= (size_t)put;
    }
    return CLCNN_STATUS_OK;
}

/* A rename survives a power cut once its directory is on the disk. That is more than was promised,
 * so a file system that refuses it is no error. */
static void sync_directory(const char *path)
{
    char *copy = NULL;
    if (clcnn_copy_string(path, &copy) != CLCNN_STATUS_OK)
        return;
    char *slash = strrchr(copy, '/');
    if (slash)
        slash[slash == copy] = '\0';
    int fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

enum clcnn_status clcnn_file_commit(struct clcnn_file_writer *file)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool refused = fsync(file->fd) != 0 && (file->temporary || errno == EIO || errno == ENOSPC);
    if (refused)
        status = fail_errno(file->path, "write");
    file->open = false;
    if (close(file->fd) != 0 && status == CLCNN_STATUS_OK)
        status = fail_errno(file->path, "write");
    TRY(status);
    if (!file->temporary)
        return status;
    if (rename(file->temporary, file->path) != 0)
        TRY(fail_errno(file->path, "replace"));
    free(file->temporary);
    file->temporary = NULL;
    sync_directory(file->path);
done:
    return status;
}

void clcnn_file_discard(struct clcnn_file_writer *file)
{
    if (file->open)
        close(file->fd);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (struct clcnn_file_writer){0};
}
