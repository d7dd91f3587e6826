#include "device/program.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "device/device.h"
#include "device/obtain.h"
#include "device/quirks.h"
#include "device/sources.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Changes with whatever is not part of the key but changes what is stored. */
#define FORMAT_VERSION "clcnn programs 1"

static void hash_string(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1);
}

static enum clcnn_status make_key(const struct clcnn_device *device, struct clcnn_program *program)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return clcnn_fail(CLCNN_STATUS_OUT_OF_MEMORY, "host memory: a hash of a program");
    XXH3_128bits_reset(state);
    hash_string(state, FORMAT_VERSION);
    hash_string(state, device->identity);
    hash_string(state, program->all_options);
    hash_string(state, program->source);
    XXH128_canonicalFromHash(&program->key, XXH3_128bits_digest(state));
    XXH3_freeState(state);
    return CLCNN_STATUS_OK;
}

static void destroy(struct clcnn_program *program)
{
    if (!program)
        return;
    if (program->program)
        clReleaseProgram(program->program);
    free(program->name);
    free(program->options);
    free(program->all_options);
    free(program->message);
    free(program);
}

static enum clcnn_status create(const struct clcnn_device *device, const char *name,
                                const char *options, struct clcnn_program **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_program *program = NULL;
    struct clcnn_text text = {0};
    char class_options[256];

    TRY(clcnn_alloc(1, sizeof(*program), &program));
    atomic_init(&program->unsaved, false);
    program->source = clcnn_source_find(name);
    REQUIRE(program->source, "kernel_create: there is no program '%s'", name);
    TRY(clcnn_copy_string(name, &program->name));
    TRY(clcnn_copy_string(options, &program->options));
    device->device_class->options(&device->info, class_options, sizeof(class_options));
    clcnn_text_add(&text, "%s%s%s", class_options, options[0] ? " " : "", options);
    TRY(clcnn_text_take(&text, &program->all_options));
    TRY(make_key(device, program));
    *out = program;
    program = NULL;
done:
    clcnn_text_clear(&text);
    destroy(program);
    return status;
}

/* Called with the lock held, which is given up meanwhile. */
static void make(struct clcnn_device *device, struct clcnn_program *program)
{
    struct clcnn_programs *programs = &device->programs;
    program->state = CLCNN_PROGRAM_IN_WORK;
    pthread_mutex_unlock(&programs->lock);
    clcnn_save_wait();
    enum clcnn_status status = device->device_class->obtain(device, program);
    char *message = NULL;
    if (status != CLCNN_STATUS_OK)
        clcnn_copy_string(clcnn_error_message(), &message);
    pthread_mutex_lock(&programs->lock);
    program->status = status;
    program->message = message;
    program->state = status == CLCNN_STATUS_OK ? CLCNN_PROGRAM_READY : CLCNN_PROGRAM_FAILED;
    pthread_cond_broadcast(&programs->changed);
}

static struct clcnn_program *next_waiting(struct clcnn_programs *programs)
{
    struct clcnn_program *program = programs->first;
    while (program && program->state != CLCNN_PROGRAM_WAITING)
        program = program->next;
    return program;
}

static void *work(void *argument)
{
    struct clcnn_device *device = argument;
    struct clcnn_programs *programs = &device->programs;
    struct clcnn_program *program;

    pthread_mutex_lock(&programs->lock);
    while ((program = next_waiting(programs)) != NULL)
        make(device, program);
    programs->workers--;
    pthread_cond_broadcast(&programs->changed);
    pthread_mutex_unlock(&programs->lock);
    return NULL;
}

/* With the lock held. Without a thread the work is done by whoever waits for it. */
static void start_worker(struct clcnn_device *device)
{
    struct clcnn_programs *programs = &device->programs;
    pthread_attr_t attributes;
    pthread_t thread;
    if (device->quirks & CLCNN_QUIRK_ONE_THREAD || programs->workers >= programs->max_workers ||
        pthread_attr_init(&attributes) != 0)
        return;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    programs->workers++;
    if (pthread_create(&thread, &attributes, work, device) != 0)
        programs->workers--;
    pthread_attr_destroy(&attributes);
}

enum clcnn_status clcnn_program_find(struct clcnn_device *device, const char *name,
                                     const char *options, bool start, struct clcnn_program **out)
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
        TRY(create(device, name, options, &program));
        *programs->last = program;
        programs->last = &program->next;
        if (start)
            start_worker(device);
    }
    *out = program;
done:
    pthread_mutex_unlock(&programs->lock);
    return status;
}

enum clcnn_status clcnn_program_wait(struct clcnn_device *device, struct clcnn_program *program)
{
    struct clcnn_programs *programs = &device->programs;
    enum clcnn_status status = CLCNN_STATUS_OK;

    pthread_mutex_lock(&programs->lock);
    if (program->state == CLCNN_PROGRAM_WAITING)
        make(device, program);
    while (program->state == CLCNN_PROGRAM_IN_WORK)
        pthread_cond_wait(&programs->changed, &programs->lock);
    if (program->state == CLCNN_PROGRAM_FAILED)
        status = clcnn_fail(program->status, "%s", program->message ? program->message : "");
    pthread_mutex_unlock(&programs->lock);
    return status;
}

void clcnn_programs_open(struct clcnn_programs *programs)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    pthread_mutex_init(&programs->lock, NULL);
    pthread_cond_init(&programs->changed, NULL);
    programs->last = &programs->first;
    programs->max_workers = (int)clcnn_max(1, clcnn_min(cores, 8));
}

/* What no thread has begun to make is not needed any more. */
static void finish_workers(struct clcnn_programs *programs)
{
    pthread_mutex_lock(&programs->lock);
    for (struct clcnn_program *p = programs->first; p; p = p->next)
        if (p->state == CLCNN_PROGRAM_WAITING)
            p->state = CLCNN_PROGRAM_FAILED;
    while (programs->workers > 0)
        pthread_cond_wait(&programs->changed, &programs->lock);
    pthread_mutex_unlock(&programs->lock);
}

void clcnn_programs_close(struct clcnn_device *device)
{
    struct clcnn_programs *programs = &device->programs;
    finish_workers(programs);
    clcnn_save_close(device);
    while (programs->first) {
        struct clcnn_program *program = programs->first;
        programs->first = program->next;
        destroy(program);
    }
    pthread_cond_destroy(&programs->changed);
    pthread_mutex_destroy(&programs->lock);
}

void clcnn_device_programs(struct clcnn_device *device, struct clcnn_program_info *info)
{
    if (!info)
        return;
    *info = (struct clcnn_program_info){0};
    if (!device)
        return;
    pthread_mutex_lock(&device->programs.lock);
    *info = device->programs.info;
    pthread_mutex_unlock(&device->programs.lock);
}
