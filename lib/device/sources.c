#include "device/sources.h"
#include <stddef.h>
#include <string.h>

static const struct clcnn_source *added;

void clcnn_sources_add(const struct clcnn_source *table)
{
    added = table;
}

static const char *find(const struct clcnn_source *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table->text;
    return NULL;
}

const char *clcnn_source_find(const char *name)
{
    const char *text = find(clcnn_sources, name);
    return text ? text : find(added, name);
}
