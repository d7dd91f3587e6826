#define _POSIX_C_SOURCE 200809L
#include "device/file.h"
#include "base/memory.h"
#include "base/text.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum clcnn_status clcnn_file_join(const char *directory, const char *name, char **path)
{
    struct clcnn_text text = {0};
    clcnn_text_add(&text, "%s/%s", directory, name);
    return clcnn_text_take(&text, path);
}

enum clcnn_status clcnn_file_read(const char *path, void **data, size_t *bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char *memory = NULL;
    long size = 0;
    FILE *file = fopen(path, "rb");

    if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
        fseek(file, 0, SEEK_SET) != 0)
        TRY(clcnn_fail(CLCNN_STATUS_IO, "%s: %s", path, strerror(errno)));
    TRY(clcnn_alloc((size_t)size, 1, &memory));
    if (fread(memory, 1, (size_t)size, file) != (size_t)size)
        TRY(clcnn_fail(CLCNN_STATUS_IO, "%s: cannot be read", path));
    *data = memory;
    *bytes = (size_t)size;
    memory = NULL;
done:
    free(memory);
    if (file)
        fclose(file);
    return status;
}

enum clcnn_status clcnn_file_save(const char *path, const void *data, size_t bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    char *temporary = NULL;
    FILE *file = NULL;

    clcnn_text_add(&text, "%s.XXXXXX", path);
    TRY(clcnn_text_take(&text, &temporary));
    TRY(clcnn_file_make_parents(path));
    int descriptor = mkstemp(temporary);
    if (descriptor < 0 || !(file = fdopen(descriptor, "wb")))
        TRY(clcnn_fail(CLCNN_STATUS_IO, "%s: %s", temporary, strerror(errno)));
    bool written = fwrite(data, 1, bytes, file) == bytes;
    written &= fclose(file) == 0;
    if (!written || rename(temporary, path) != 0) {
        status = clcnn_fail(CLCNN_STATUS_IO, "%s: %s", path, strerror(errno));
        unlink(temporary);
    }
done:
    free(temporary);
    return status;
}

enum clcnn_status clcnn_file_make_parents(const char *path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char *copy = NULL;

    TRY(clcnn_copy_string(path, &copy));
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            TRY(clcnn_fail(CLCNN_STATUS_IO, "%s: %s", copy, strerror(errno)));
        *slash = '/';
    }
done:
    free(copy);
    return status;
}

bool clcnn_directory_has(const char *directory, const char *ending)
{
    DIR *handle = opendir(directory);
    struct dirent *entry;
    bool found = false;
    while (handle && !found && (entry = readdir(handle)) != NULL) {
        size_t length = strlen(entry->d_name), want = strlen(ending);
        found = length >= want && strcmp(entry->d_name + length - want, ending) == 0;
    }
    if (handle)
        closedir(handle);
    return found;
}
