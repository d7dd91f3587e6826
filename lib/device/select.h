/* Which of the candidates is opened. Pure: asks no driver. */
#ifndef CLCNN_DEVICE_SELECT_H
#define CLCNN_DEVICE_SELECT_H

#include "device/list.h"

struct clcnn_wish {
    const char *select; /* as in clcnn_device_params; NULL or "": the best */
    const char *origin; /* where it comes from, for messages */
    bool has_binaries;  /* there is a directory of prebuilt binaries */
};

/* *chosen is the index of the winner; every other candidate's `reason` says why it lost.
 * DEVICE if nobody wins: the message lists what there is. */
enum clcnn_status clcnn_select(struct clcnn_candidate *list, size_t count,
                               const struct clcnn_wish *wish, size_t *chosen);

#endif
