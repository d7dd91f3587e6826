/* The kernel sources of cl/, embedded at build time (cl/embed.py). */
#ifndef CLCNN_DEVICE_SOURCES_H
#define CLCNN_DEVICE_SOURCES_H

struct clcnn_source {
    const char *name, *text; /* {NULL, NULL} ends the table */
};
extern const struct clcnn_source clcnn_sources[];

#endif
