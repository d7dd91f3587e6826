#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/text.h"
#include "io/idx.h"
#include "tensor/shape_text.h"
#include <clcnn/data.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Xiao, Rasul, Vollgraf, "Fashion-MNIST", arXiv:1708.07747, table 2. */
static const char *const fashion_names[] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot",
};
#define FASHION_CLASSES (int)(sizeof(fashion_names) / sizeof(fashion_names[0]))

void clcnn_dataset_clear(struct clcnn_dataset *dataset)
{
    if (!dataset)
        return;
    clcnn_tensor_destroy(&dataset->x);
    clcnn_tensor_destroy(&dataset->labels);
    *dataset = (struct clcnn_dataset){0};
}

/* ---- finding files --------------------------------------------------------------------------- */

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* <root>/datasets/fashion-mnist, for the roots of the XDG base directory specification. */
static enum clcnn_status find_fashion(char **directory)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    const char *roots = getenv("XDG_DATA_DIRS");
    roots = roots && *roots ? roots : "/usr/local/share:/usr/share";
    *directory = NULL;
    for (const char *at = roots; *at && !*directory; at += strspn(at, ":")) {
        int length = (int)strcspn(at, ":");
        clcnn_text_clear(&text);
        clcnn_text_add(&text, "%.*s/datasets/fashion-mnist", length, at);
        if (!text.failed && is_directory(text.data))
            TRY(clcnn_text_take(&text, directory));
        at += length;
    }
    if (!*directory)
        TRY(clcnn_fail(
            CLCNN_STATUS_IO,
            "fashion-mnist: there is no datasets/fashion-mnist in %s: install the package "
            "dataset-fashion-mnist, or give its directory",
            roots));
done:
    clcnn_text_clear(&text);
    return status;
}

/* "<directory>/<half>-<what>-ubyte", or that with ".gz". */
static enum clcnn_status find_file(const char *directory, bool test, const char *what, char **path)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    *path = NULL;
    for (int packed = 0; packed < 2 && !*path; packed++) {
        clcnn_text_clear(&text);
        clcnn_text_add(&text, "%s/%s-%s-ubyte%s", directory, test ? "t10k" : "train", what,
                       packed ? ".gz" : "");
        if (!text.failed && access(text.data, F_OK) == 0)
            TRY(clcnn_text_take(&text, path));
    }
    if (!*path)
        TRY(clcnn_fail(CLCNN_STATUS_IO, "data set: there is neither %s nor the same without .gz",
                       text.data ? text.data : directory));
done:
    clcnn_text_clear(&text);
    return status;
}

/* ---- contents -------------------------------------------------------------------------------- */

static enum clcnn_status check_images(const char *path, const struct clcnn_tensor *x)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    const struct clcnn_shape *shape = clcnn_tensor_shape(x);
    clcnn_shape_add_text(&text, shape);
    if (shape->rank != 4 || clcnn_tensor_count(x) == 0)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT,
                       "%s: images of shape (count, height, width) are needed; it has %s", path,
                       text.data ? text.data : "another"));
done:
    clcnn_text_clear(&text);
    return status;
}

/* Widens the first `count` labels to int32; the classes are counted over all of them, so a limit
 * does not change their number. */
static enum clcnn_status convert_labels(const struct clcnn_tensor *bytes, int64_t count,
                                        struct clcnn_dataset *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const uint8_t *from = clcnn_tensor_const_data(bytes);
    struct clcnn_shape shape = {1, {count}};
    TRY(clcnn_tensor_create(CLCNN_DTYPE_INT32, &shape, &out->labels));
    int32_t *to = clcnn_tensor_data(out->labels);
    for (int64_t i = 0; i < clcnn_tensor_count(bytes); i++) {
        if (i < count)
            to[i] = from[i];
        if (from[i] >= out->classes)
            out->classes = from[i] + 1;
    }
done:
    return status;
}

static enum clcnn_status load_pair(const char *images, const char *labels, int64_t limit,
                                   struct clcnn_dataset *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_idx_options options = {.limit = limit, .add_channel = true};
    struct clcnn_tensor *bytes = NULL;
    int64_t image_count = 0;
    TRY(clcnn_idx_load(images, &options, &out->x, &image_count));
    TRY(check_images(images, out->x));
    TRY(clcnn_idx_read(labels, &bytes));
    if (clcnn_tensor_shape(bytes)->rank != 1)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s: labels of rank 1 are needed; it has rank %d",
                       labels, clcnn_tensor_shape(bytes)->rank));
    if (clcnn_tensor_count(bytes) != image_count)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "%s has %lld labels, %s has %lld images", labels,
                       (long long)clcnn_tensor_count(bytes), images, (long long)image_count));
    TRY(convert_labels(bytes, clcnn_tensor_shape(out->x)->dim[0], out));
done:
    clcnn_tensor_destroy(&bytes);
    return status;
}

static enum clcnn_status name_fashion(struct clcnn_dataset *dataset)
{
    if (dataset->classes > FASHION_CLASSES)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "fashion-mnist: label %d is not in 0..%d",
                          dataset->classes - 1, FASHION_CLASSES - 1);
    dataset->classes = FASHION_CLASSES;
    dataset->names = fashion_names;
    return CLCNN_STATUS_OK;
}

enum clcnn_status clcnn_dataset_load(const char *source, bool test, int64_t limit,
                                     struct clcnn_dataset *out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_dataset data = {0};
    char *directory = NULL, *images = NULL, *labels = NULL;
    REQUIRE(out, "data set: out is NULL");
    *out = data;
    REQUIRE(source && *source, "data set: source is NULL or empty");
    REQUIRE(limit >= 0, "data set: limit %lld is negative", (long long)limit);
    bool fashion = strcmp(source, "fashion-mnist") == 0;
    if (fashion)
        TRY(find_fashion(&directory));
    else
        TRY(clcnn_copy_string(source, &directory));
    if (!is_directory(directory))
        TRY(clcnn_fail(CLCNN_STATUS_IO,
                       "data set: '%s' is neither \"fashion-mnist\" nor a directory", directory));
    TRY(find_file(directory, test, "images-idx3", &images));
    TRY(find_file(directory, test, "labels-idx1", &labels));
    TRY(load_pair(images, labels, limit, &data));
    if (fashion)
        TRY(name_fashion(&data));
    *out = data;
    data = (struct clcnn_dataset){0};
done:
    clcnn_dataset_clear(&data);
    free(directory);
    free(images);
    free(labels);
    return status;
}
