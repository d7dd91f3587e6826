#include "base/memory.h"
#include "base/time.h"
#include "device/device.h"
#include "device/sources.h"
#include <stdlib.h>
#include <string.h>

static void build(struct clcnn_device *device, struct clcnn_program *program)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    char options[1024], log[4096] = "";
    cl_int error;
    const char *source = clcnn_source_find(program->name);

    if (!source)
        TRY(clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "program '%s' does not exist",
                       program->name));
    device->device_class->options(&device->info, options, sizeof(options));
    if (program->options[0]) {
        strncat(options, " ", sizeof(options) - strlen(options) - 1);
        strncat(options, program->options, sizeof(options) - strlen(options) - 1);
    }
    program->program = clCreateProgramWithSource(device->context, 1, &source, NULL, &error);
    TRY(clcnn_cl_check(error, "program '%s'", program->name));
    error = clBuildProgram(program->program, 1, &device->device, options, NULL, NULL);
    if (error != CL_SUCCESS)
        clGetProgramBuildInfo(program->program, device->device, CL_PROGRAM_BUILD_LOG,
                              sizeof(log) - 1, log, NULL);
    TRY(clcnn_cl_check(error, "program '%s' (%s) does not build:\n%.400s", program->name, options,
                       log));
done:
    program->status = status;
}

enum clcnn_status clcnn_program_find(struct clcnn_device *device, const char *name,
                                     const char *options, struct clcnn_program **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_programs *programs = &device->programs;
    struct clcnn_program *program;
    options = options ? options : "";

    pthread_mutex_lock(&programs->lock);
    for (program = programs->first; program; program = program->next)
        if (strcmp(program->name, name) == 0 && strcmp(program->options, options) == 0)
            break;
    if (!program) {
        TRY(clcnn_alloc(1, sizeof(*program), &program));
        program->next = programs->first;
        programs->first = program;
        program->name = name;
        TRY(clcnn_copy_string(options, &program->options));
        double start = clcnn_seconds();
        build(device, program);
        programs->info.built_from_source++;
        programs->info.build_seconds += clcnn_seconds() - start;
    }
    status = program->status;
    *out = program;
done:
    pthread_mutex_unlock(&programs->lock);
    return status;
}

enum clcnn_status clcnn_programs_open(struct clcnn_programs *programs)
{
    pthread_mutex_init(&programs->lock, NULL);
    return CLCNN_STATUS_OK;
}

void clcnn_programs_close(struct clcnn_programs *programs)
{
    while (programs->first) {
        struct clcnn_program *program = programs->first;
        programs->first = program->next;
        if (program->program)
            clReleaseProgram(program->program);
        free(program->options);
        free(program);
    }
    pthread_mutex_destroy(&programs->lock);
}

void clcnn_device_programs(struct clcnn_device *device, struct clcnn_program_info *info)
{
    pthread_mutex_lock(&device->programs.lock);
    *info = device->programs.info;
    pthread_mutex_unlock(&device->programs.lock);
}
