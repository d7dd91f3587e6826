/* Which names a graph defines, and in which order. */
#include "io/onnx/import.h"
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct clcnn_onnx_name *x = a, *y = b;
    return strcmp(x->name, y->name);
}

struct clcnn_onnx_name *clcnn_onnx_find_name(const struct clcnn_onnx_import *import,
                                             const char *name)
{
    struct clcnn_onnx_name key = {.name = name};
    return bsearch(&key, import->names, import->name_count, sizeof(key), compare);
}

/* An initializer may be an input as well: it is then the input's default. */
static enum clcnn_status check_unique(const struct clcnn_onnx_import *import)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (size_t i = 1; i < import->name_count; i++)
        NODE_REQUIRE(strcmp(import->names[i - 1].name, import->names[i].name) != 0,
                     "the graph defines '%s' twice", import->names[i].name);
done:
    return status;
}

static size_t most_names(const Clcnn__GraphProto *graph)
{
    size_t count = graph->n_initializer + graph->n_input;
    for (size_t i = 0; i < graph->n_node; i++)
        count += graph->node[i]->n_output;
    return count;
}

static void add(struct clcnn_onnx_import *import, const char *name, int order,
                const Clcnn__TensorProto *initializer)
{
    import->names[import->name_count++] =
        (struct clcnn_onnx_name){.name = name, .order = order, .initializer = initializer};
}

/* Inputs that have an initializer are left to it, in a first, sorted list of initializers. */
static enum clcnn_status collect_known(struct clcnn_onnx_import *import)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const Clcnn__GraphProto *graph = import->graph;
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const char *name = graph->initializer[i]->name;
        NODE_REQUIRE(name && *name, "initializer %zu has no name", i);
        add(import, name, -1, graph->initializer[i]);
    }
    qsort(import->names, import->name_count, sizeof(*import->names), compare);
    size_t initializers = import->name_count;
    for (size_t i = 0; i < graph->n_input; i++) {
        struct clcnn_onnx_name key = {.name = graph->input[i]->name};
        NODE_REQUIRE(key.name && *key.name, "input %zu has no name", i);
        if (!bsearch(&key, import->names, initializers, sizeof(key), compare))
            add(import, key.name, -1, NULL);
    }
done:
    return status;
}

static enum clcnn_status count_reader(struct clcnn_onnx_import *import, const char *name,
                                      const Clcnn__NodeProto *node, int order)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_onnx_name *found = clcnn_onnx_find_name(import, name);
    const char *reader = node->name ? node->name : "", *type = node->op_type ? node->op_type : "";
    NODE_REQUIRE(found, "node '%s' (%s) reads '%s', which nothing in the graph makes", reader, type,
                 name);
    NODE_REQUIRE(found->order < order,
                 "node '%s' (%s) reads '%s', which itself or a later node makes: the graph has a "
                 "cycle or is not sorted",
                 reader, type, name);
    found->readers++;
    found->left++;
done:
    return status;
}

enum clcnn_status clcnn_onnx_collect_names(struct clcnn_onnx_import *import)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const Clcnn__GraphProto *graph = import->graph;
    TRY(clcnn_alloc(most_names(graph), sizeof(*import->names), &import->names));
    TRY(collect_known(import));
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_output; k++)
            if (*graph->node[i]->output[k])
                add(import, graph->node[i]->output[k], (int)i, NULL);
    qsort(import->names, import->name_count, sizeof(*import->names), compare);
    TRY(check_unique(import));
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_input; k++)
            if (*graph->node[i]->input[k])
                TRY(count_reader(import, graph->node[i]->input[k], graph->node[i], (int)i));
    for (size_t i = 0; i < graph->n_output; i++) {
        const char *name = graph->output[i]->name;
        struct clcnn_onnx_name *found = name ? clcnn_onnx_find_name(import, name) : NULL;
        NODE_REQUIRE(found, "nothing in the graph makes its output '%s'", name ? name : "");
        found->readers++;
        found->left++;
    }
done:
    return status;
}
