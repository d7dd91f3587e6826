#include "device/profile.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/device.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Completed launches are counted when this many are pending, so that the list stays short. */
#define PENDING 1024

void clcnn_profile_open(struct clcnn_profile *profile, bool enabled)
{
    profile->enabled = enabled;
    pthread_mutex_init(&profile->lock, NULL);
}

static void forget(struct clcnn_profile *profile)
{
    for (size_t i = 0; i < profile->pending_count; i++)
        clReleaseEvent(profile->pending[i].event);
    profile->pending_count = 0;
    profile->count = 0;
}

void clcnn_profile_close(struct clcnn_profile *profile)
{
    forget(profile);
    free(profile->pending);
    free(profile->entries);
    pthread_mutex_destroy(&profile->lock);
}

/* The entry of a kernel, made if it is new; false without memory. */
static bool find_entry(struct clcnn_profile *profile, const char *kernel, size_t *index)
{
    for (*index = 0; *index < profile->count; (*index)++)
        if (strcmp(profile->entries[*index].kernel, kernel) == 0)
            return true;
    if (clcnn_grow(&profile->entries, &profile->capacity, profile->count + 1,
                   sizeof(*profile->entries)) != CLCNN_STATUS_OK)
        return false;
    struct clcnn_profile_entry *entry = &profile->entries[profile->count++];
    *entry = (struct clcnn_profile_entry){0};
    snprintf(entry->kernel, sizeof(entry->kernel), "%s", kernel);
    return true;
}

static void add_time(struct clcnn_profile *profile, const struct clcnn_launch_record *record)
{
    cl_ulong start = 0, end = 0;
    cl_int error = clGetEventProfilingInfo(record->event, CL_PROFILING_COMMAND_START, sizeof(start),
                                           &start, NULL);
    if (error == CL_SUCCESS)
        error = clGetEventProfilingInfo(record->event, CL_PROFILING_COMMAND_END, sizeof(end), &end,
                                        NULL);
    if (error != CL_SUCCESS) {
        if (!profile->unprofiled_queue)
            clcnn_logf(CLCNN_LOG_WARNING, "device",
                       "launches of '%s' are not profiled: the queue was not made for it (%s)",
                       profile->entries[record->index].kernel, clcnn_cl_error_name(error));
        profile->unprofiled_queue = true;
        return;
    }
    profile->entries[record->index].launches++;
    profile->entries[record->index].total_seconds += end > start ? 1e-9 * (double)(end - start) : 0;
}

/* After the default queue has been finished. rusticl (Mesa 22.3.6) calls a launch complete only
 * once its own event is waited for. */
static void wait_for_default_queue(const struct clcnn_profile *profile)
{
    for (size_t i = 0; i < profile->pending_count; i++)
        if (profile->pending[i].default_queue)
            clWaitForEvents(1, &profile->pending[i].event);
}

/* Counts the launches that are done and keeps the others. */
static void harvest(struct clcnn_profile *profile)
{
    size_t kept = 0;
    for (size_t i = 0; i < profile->pending_count; i++) {
        cl_int state = CL_COMPLETE;
        clGetEventInfo(profile->pending[i].event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(state),
                       &state, NULL);
        if (state > CL_COMPLETE) {
            profile->pending[kept++] = profile->pending[i];
            continue;
        }
        add_time(profile, &profile->pending[i]);
        clReleaseEvent(profile->pending[i].event);
    }
    profile->pending_count = kept;
}

void clcnn_profile_record(struct clcnn_profile *profile, const char *kernel, cl_event event,
                          bool default_queue)
{
    size_t index;
    pthread_mutex_lock(&profile->lock);
    if (profile->pending_count > 0 && profile->pending_count % PENDING == 0)
        harvest(profile);
    if (find_entry(profile, kernel, &index) &&
        clcnn_grow(&profile->pending, &profile->pending_capacity, profile->pending_count + 1,
                   sizeof(*profile->pending)) == CLCNN_STATUS_OK &&
        clRetainEvent(event) == CL_SUCCESS)
        profile->pending[profile->pending_count++] = (struct clcnn_launch_record){
            .event = event, .index = index, .default_queue = default_queue};
    pthread_mutex_unlock(&profile->lock);
}

static int longest_first(const void *a, const void *b)
{
    double x = ((const struct clcnn_profile_entry *)a)->total_seconds;
    double y = ((const struct clcnn_profile_entry *)b)->total_seconds;
    return (x < y) - (x > y);
}

enum clcnn_status clcnn_device_profile(struct clcnn_device *device,
                                       struct clcnn_profile_entry **entries, size_t *count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;

    REQUIRE(device && entries && count,
            "device_profile: device, entries and count must not be NULL");
    *entries = NULL;
    *count = 0;
    struct clcnn_profile *profile = &device->profile;
    REQUIRE(profile->enabled, "device_profile: the device was not opened with profile = true");
    TRY(clcnn_device_finish(device));
    pthread_mutex_lock(&profile->lock);
    wait_for_default_queue(profile);
    harvest(profile);
    status = clcnn_alloc(profile->count, sizeof(**entries), entries);
    if (status == CLCNN_STATUS_OK) {
        for (size_t i = 0; i < profile->count; i++)
            if (profile->entries[i].launches > 0)
                (*entries)[(*count)++] = profile->entries[i];
        qsort(*entries, *count, sizeof(**entries), longest_first);
    }
    pthread_mutex_unlock(&profile->lock);
done:
    return status;
}

void clcnn_device_profile_reset(struct clcnn_device *device)
{
    if (!device)
        return;
    pthread_mutex_lock(&device->profile.lock);
    forget(&device->profile);
    pthread_mutex_unlock(&device->profile.lock);
}
