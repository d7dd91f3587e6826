/* The kernel sources of cl/, embedded at build time (cl/embed.py). */
#ifndef CLCNN_DEVICE_SOURCES_H
#define CLCNN_DEVICE_SOURCES_H

struct clcnn_source {
    const char *name, *text; /* {NULL, NULL} ends the table */
};
extern const struct clcnn_source clcnn_sources[];

/* The text of a program, NULL if there is none of that name. */
const char *clcnn_source_find(const char *name);

/* One more table, searched as well: how tests bring kernels of their own. Static storage; not to be
 * called while other threads are inside the library. */
void clcnn_sources_add(const struct clcnn_source *table);

#endif
