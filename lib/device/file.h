/* Whole files, and the directories they are in. */
#ifndef CLCNN_DEVICE_FILE_H
#define CLCNN_DEVICE_FILE_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

/* directory + "/" + name, freed with free(). */
enum clcnn_status clcnn_file_join(const char *directory, const char *name, char **path);

/* The contents, freed with free(). IO if it cannot be read. */
enum clcnn_status clcnn_file_read(const char *path, void **data, size_t *bytes);

/* Written under another name and renamed, so that readers see all of it or nothing. */
enum clcnn_status clcnn_file_save(const char *path, const void *data, size_t bytes);

/* Makes the directories above the file, readable by the user alone. */
enum clcnn_status clcnn_file_make_parents(const char *path);

/* True if the directory holds a file whose name ends so. */
bool clcnn_directory_has(const char *directory, const char *ending);

#endif
