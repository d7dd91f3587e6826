/* What particular drivers do differently. */
#ifndef CLCNN_DEVICE_QUIRKS_H
#define CLCNN_DEVICE_QUIRKS_H

#include <clcnn/device.h>

enum {
    /* A binary holds only what was compiled before it is asked for, and compilation ends at the
     * first launch: ask after it. */
    CLCNN_QUIRK_SAVE_AFTER_LAUNCH = 1 << 0,
    /* Chosen only if nothing else is there, or by name. */
    CLCNN_QUIRK_LAST_RESORT = 1 << 1,
    /* A kernel must not run in two queues at once: all sessions of all devices opened share one. */
    CLCNN_QUIRK_ONE_QUEUE = 1 << 2,
    /* Calls must not be made by two threads at once: whoever needs a program builds it. */
    CLCNN_QUIRK_ONE_THREAD = 1 << 3,
    /* Some results are wrong and nothing can be done about it: a warning. */
    CLCNN_QUIRK_WRONG_RESULTS = 1 << 4,
    /* Atomics cannot be relied on: work-groups do without lanes (cl/lanes.cl). */
    CLCNN_QUIRK_NO_LANES = 1 << 5,
};

/* The quirks of a device, or'ed. */
unsigned clcnn_quirks(const struct clcnn_device_info *info);

/* Logs those of the device (topic "device"). */
void clcnn_quirks_log(const struct clcnn_device_info *info);

#endif
