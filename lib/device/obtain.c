#include "device/obtain.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "device/binary_name.h"
#include "device/cache.h"
#include "device/device.h"
#include "device/failures.h"
#include "device/file.h"
#include "device/quirks.h"
#include <stdlib.h>
#include <string.h>

static void count(struct clcnn_device *device, int *counter, double seconds)
{
    pthread_mutex_lock(&device->programs.lock);
    (*counter)++;
    device->programs.info.build_seconds += seconds;
    pthread_mutex_unlock(&device->programs.lock);
}

static enum clcnn_status from_binary(struct clcnn_device *device, struct clcnn_program *program,
                                     const void *data, size_t bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const unsigned char *binary = data;
    cl_int error, binary_error = CL_SUCCESS;
    cl_program made = clCreateProgramWithBinary(device->context, 1, &device->device, &bytes,
                                                &binary, &binary_error, &error);
    TRY(clcnn_cl_check(error != CL_SUCCESS ? error : binary_error,
                       "program '%s': binary of %zu bytes", program->name, bytes));
    TRY(clcnn_cl_check(clBuildProgram(made, 1, &device->device, program->all_options, NULL, NULL),
                       "program '%s': build from binary", program->name));
    program->program = made;
    made = NULL;
done:
    if (made)
        clReleaseProgram(made);
    return status;
}

/* The compiler's first complaint and what follows; the message has room for a screenful. */
static const char *first_error(const char *log)
{
    const char *error = strstr(log, "error");
    if (!error)
        return log;
    while (error > log && error[-1] != '\n')
        error--;
    return error;
}

static enum clcnn_status report(const struct clcnn_device *device,
                                const struct clcnn_program *program, cl_program failed,
                                cl_int error)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char *log = NULL;
    size_t bytes = 0;

    clGetProgramBuildInfo(failed, device->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    TRY(clcnn_alloc(bytes + 1, 1, &log));
    if (bytes > 0 && clGetProgramBuildInfo(failed, device->device, CL_PROGRAM_BUILD_LOG, bytes, log,
                                           NULL) != CL_SUCCESS)
        log[0] = '\0';
    clcnn_logf(CLCNN_LOG_ERROR, "build", "program '%s' (%s) on '%s':\n%s", program->name,
               program->all_options, device->info.name, log);
    TRY(clcnn_cl_check(error, "program '%s' (%.200s) does not build for '%.64s':\n%.500s\n",
                       program->name, program->all_options, device->info.name, first_error(log)));
done:
    free(log);
    return status;
}

static enum clcnn_status compile(struct clcnn_device *device, struct clcnn_program *program)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    cl_program made = NULL;
    cl_int error;
    double start = clcnn_seconds();

    TRY(clcnn_failure_repeat(&program->key));
    made = clCreateProgramWithSource(device->context, 1, &program->source, NULL, &error);
    TRY(clcnn_cl_check(error, "program '%s'", program->name));
    error = clBuildProgram(made, 1, &device->device, program->all_options, NULL, NULL);
    if (error != CL_SUCCESS) {
        status = report(device, program, made, error);
        clcnn_failure_remember(&program->key, status);
        goto done;
    }
    double seconds = clcnn_seconds() - start;
    clcnn_logf(CLCNN_LOG_INFO, "build", "program '%s' (%s) built in %.3f s", program->name,
               program->all_options, seconds);
    program->program = made;
    made = NULL;
    count(device, &device->programs.info.built_from_source, seconds);
done:
    if (made)
        clReleaseProgram(made);
    return status;
}

static bool from_cache(struct clcnn_device *device, struct clcnn_program *program)
{
    void *data = NULL;
    size_t bytes = 0;
    bool found = clcnn_cache_get(device->cache, &program->key, &data, &bytes);
    if (found && from_binary(device, program, data, bytes) != CLCNN_STATUS_OK) {
        clcnn_logf(CLCNN_LOG_WARNING, "cache", "%s; building it again", clcnn_error_message());
        clcnn_cache_forget(device->cache, &program->key);
        found = false;
    }
    free(data);
    if (found)
        count(device, &device->programs.info.loaded_from_cache, 0);
    return found;
}

static void mark_unsaved(struct clcnn_device *device, struct clcnn_program *program)
{
    if (!device->cache && !device->save_binary_dir)
        return;
    atomic_store(&program->unsaved, true);
}

enum clcnn_status clcnn_obtain_from_source(struct clcnn_device *device,
                                           struct clcnn_program *program)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool found;

    if (!device->info.has_compiler)
        return clcnn_obtain_from_directory(device, program, &found);
    bool cached = from_cache(device, program);
    if (!cached)
        TRY(compile(device, program));
    if (!cached || device->save_binary_dir)
        mark_unsaved(device, program);
    if (!(device->quirks & CLCNN_QUIRK_SAVE_AFTER_LAUNCH))
        clcnn_program_save(device, program);
done:
    return status;
}

enum clcnn_status clcnn_obtain_from_directory(struct clcnn_device *device,
                                              struct clcnn_program *program, bool *found)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char *name = NULL, *path = NULL;
    void *data = NULL;
    size_t bytes = 0;

    *found = false;
    TRY(clcnn_binary_name(program->name, program->options, &name));
    if (device->binary_dir) {
        TRY(clcnn_file_join(device->binary_dir, name, &path));
        if (clcnn_file_read(path, &data, &bytes) == CLCNN_STATUS_OK) {
            status = from_binary(device, program, data, bytes);
            if (status != CLCNN_STATUS_OK)
                TRY(clcnn_fail_prefix(status, "%s: ", path));
            *found = true;
            count(device, &device->programs.info.loaded_from_binary_dir, 0);
            goto done;
        }
    }
    if (!device->info.has_compiler)
        TRY(clcnn_fail(CLCNN_STATUS_DEVICE,
                       "program '%s': device '%s' has no compiler, and there is no prebuilt binary "
                       "%s%s",
                       program->name, device->info.name, path ? path : name,
                       path ? "" : " (set CLCNN_BINARY_DIR to its directory)"));
done:
    free(name);
    free(path);
    free(data);
    return status;
}

static enum clcnn_status get_binary(const struct clcnn_program *program, unsigned char **data,
                                    size_t *bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_cl_check(
        clGetProgramInfo(program->program, CL_PROGRAM_BINARY_SIZES, sizeof(*bytes), bytes, NULL),
        "program '%s': size of its binary", program->name));
    if (*bytes == 0)
        TRY(clcnn_fail(CLCNN_STATUS_UNSUPPORTED, "program '%s': the driver gives no binary",
                       program->name));
    TRY(clcnn_alloc(*bytes, 1, data));
    TRY(clcnn_cl_check(
        clGetProgramInfo(program->program, CL_PROGRAM_BINARIES, sizeof(*data), data, NULL),
        "program '%s': its binary", program->name));
done:
    return status;
}

static enum clcnn_status write_to_directory(const struct clcnn_device *device,
                                            const struct clcnn_program *program, const void *data,
                                            size_t bytes)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char *name = NULL, *path = NULL;
    TRY(clcnn_binary_name(program->name, program->options, &name));
    TRY(clcnn_file_join(device->save_binary_dir, name, &path));
    TRY(clcnn_file_save(path, data, bytes));
done:
    free(name);
    free(path);
    return status;
}

void clcnn_program_save(struct clcnn_device *device, struct clcnn_program *program)
{
    unsigned char *data = NULL;
    size_t bytes = 0;
    enum clcnn_status status = CLCNN_STATUS_OK;

    /* One thread does it, once. */
    if (!atomic_exchange(&program->unsaved, false))
        return;
    TRY(get_binary(program, &data, &bytes));
    clcnn_cache_put(device->cache, &program->key, program->name, data, bytes);
    if (device->save_binary_dir)
        TRY(write_to_directory(device, program, data, bytes));
done:
    if (status != CLCNN_STATUS_OK)
        clcnn_logf(CLCNN_LOG_WARNING, "cache", "not saved: %s", clcnn_error_message());
    free(data);
}
