#include "io/onnx/import.h"
#include <string.h>

const Clcnn__AttributeProto *clcnn_onnx_attribute(const struct clcnn_onnx_node *node,
                                                  const char *name)
{
    for (size_t i = 0; i < node->proto->n_attribute; i++) {
        const Clcnn__AttributeProto *a = node->proto->attribute[i];
        if (a->name && strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

bool clcnn_onnx_has_attribute(const struct clcnn_onnx_node *node, const char *name)
{
    return clcnn_onnx_attribute(node, name) != NULL;
}

/* `present` tells of the field itself: the oldest files have no `type`. */
static bool check(struct clcnn_onnx_node *node, const Clcnn__AttributeProto *a, bool present,
                  Clcnn__AttributeProto__AttributeType type, const char *what)
{
    bool right = a->has_type ? a->type == type : present;
    if (!right && !node->error)
        node->error =
            clcnn_fail(CLCNN_STATUS_FORMAT, "the attribute '%s' is not %s", a->name, what);
    return right;
}

int64_t clcnn_onnx_int(struct clcnn_onnx_node *node, const char *name, int64_t fallback)
{
    const Clcnn__AttributeProto *a = clcnn_onnx_attribute(node, name);
    if (!a || !check(node, a, a->has_i, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, "an integer"))
        return fallback;
    return a->i;
}

float clcnn_onnx_float(struct clcnn_onnx_node *node, const char *name, float fallback)
{
    const Clcnn__AttributeProto *a = clcnn_onnx_attribute(node, name);
    if (!a || !check(node, a, a->has_f, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, "a number"))
        return fallback;
    return a->f;
}

const int64_t *clcnn_onnx_ints(struct clcnn_onnx_node *node, const char *name, size_t *count)
{
    static const int64_t none;
    const Clcnn__AttributeProto *a = clcnn_onnx_attribute(node, name);
    *count = 0;
    if (!a || !check(node, a, a->n_ints > 0, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS,
                     "a list of integers"))
        return NULL;
    *count = a->n_ints;
    return a->n_ints ? a->ints : &none;
}

const Clcnn__TensorProto *clcnn_onnx_tensor(struct clcnn_onnx_node *node, const char *name)
{
    const Clcnn__AttributeProto *a = clcnn_onnx_attribute(node, name);
    if (!a || !check(node, a, a->t, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR, "a tensor"))
        return NULL;
    if (!a->t && !node->error)
        node->error = clcnn_fail(CLCNN_STATUS_FORMAT, "the attribute '%s' has no tensor", name);
    return a->t;
}

int clcnn_onnx_word(struct clcnn_onnx_node *node, const char *name, const char *const *words)
{
    const Clcnn__AttributeProto *a = clcnn_onnx_attribute(node, name);
    if (!a || !check(node, a, a->has_s, CLCNN__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, "a word"))
        return 0;
    for (int i = 0; words[i]; i++)
        if (strlen(words[i]) == a->s.len && memcmp(words[i], a->s.data, a->s.len) == 0)
            return i;
    return -1;
}
