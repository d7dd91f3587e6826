/* From a data set to batches: checks, shuffling, gathering. */
#include "base/philox.h"
#include "base/text.h"
#include "run/trainer.h"
#include <stdlib.h>
#include <string.h>

/* ---- checks ---------------------------------------------------------------------------------- */

static enum clcnn_status fail_shape(const char *what, const struct clcnn_shape *found,
                                    const struct clcnn_shape *wanted)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_text text = {0};
    char *message = NULL;
    clcnn_text_add(&text, "%s: images of shape (", what);
    for (int i = 1; i < found->rank; i++)
        clcnn_text_add(&text, "%s%lld", i > 1 ? ", " : "", (long long)found->dim[i]);
    clcnn_text_add(&text, ") do not fit the model's input (");
    for (int i = 1; i < wanted->rank; i++)
        clcnn_text_add(&text, "%s%lld", i > 1 ? ", " : "", (long long)wanted->dim[i]);
    clcnn_text_add(&text, ")");
    TRY(clcnn_text_take(&text, &message));
    status = clcnn_fail(CLCNN_STATUS_INVALID_ARGUMENT, "%s", message);
done:
    free(message);
    return status;
}

static enum clcnn_status check_images(const struct clcnn_trainer *trainer,
                                      const struct clcnn_tensor *x, const char *what)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_model *model = trainer->plan->model;
    const struct clcnn_shape *wanted = &model->layers[model->input].shape;
    const struct clcnn_shape *found = clcnn_tensor_shape(x);
    enum clcnn_dtype dtype = clcnn_tensor_dtype(x);
    REQUIRE(dtype == CLCNN_DTYPE_UINT8 || dtype == CLCNN_DTYPE_FLOAT32,
            "%s: x is %s, uint8 or float32 is needed", what, clcnn_dtype_name(dtype));
    bool same = found->rank == wanted->rank;
    for (int i = 1; same && i < wanted->rank; i++)
        same = found->dim[i] == wanted->dim[i];
    if (!same)
        TRY(fail_shape(what, found, wanted));
    REQUIRE(found->dim[0] > 0, "%s: the data has no samples", what);
done:
    return status;
}

enum clcnn_status clcnn_trainer_check_labels(const struct clcnn_trainer *trainer,
                                             const int32_t *labels, int64_t count, const char *what)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    bool binary = trainer->params.loss == CLCNN_LOSS_KIND_BINARY_CROSSENTROPY;
    int classes = binary ? 2 : trainer->units;
    for (int64_t i = 0; i < count; i++)
        REQUIRE(labels[i] >= 0 && labels[i] < classes,
                "%s: label %d of sample %lld is not in 0..%d, the model's classes", what,
                (int)labels[i], (long long)i, classes - 1);
done:
    return status;
}

enum clcnn_status clcnn_trainer_check_data(const struct clcnn_trainer *trainer,
                                           const struct clcnn_dataset *data, const char *what)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    enum clcnn_loss_kind loss = trainer->params.loss;
    REQUIRE(data && data->x && data->labels, "%s: data, its x and its labels must not be NULL",
            what);
    REQUIRE(loss != CLCNN_LOSS_KIND_MEAN_SQUARED_ERROR,
            "%s: a data set has labels, %s needs values: use clcnn_trainer_train_on_batch", what,
            clcnn_loss_kind_name(loss));
    REQUIRE(loss != CLCNN_LOSS_KIND_BINARY_CROSSENTROPY || trainer->units == 1,
            "%s: labels fit binary cross-entropy with 1 unit, the model has %d", what,
            trainer->units);
    TRY(check_images(trainer, data->x, what));
    int64_t count = clcnn_tensor_shape(data->x)->dim[0];
    const struct clcnn_shape *labels = clcnn_tensor_shape(data->labels);
    REQUIRE(clcnn_tensor_dtype(data->labels) == CLCNN_DTYPE_INT32 && labels->rank == 1,
            "%s: labels are %s of rank %d, int32 of rank 1 are needed", what,
            clcnn_dtype_name(clcnn_tensor_dtype(data->labels)), labels->rank);
    REQUIRE(labels->dim[0] == count, "%s: %lld labels for %lld images", what,
            (long long)labels->dim[0], (long long)count);
    TRY(clcnn_trainer_check_labels(trainer, clcnn_tensor_const_data(data->labels), count, what));
done:
    return status;
}

/* ---- order ----------------------------------------------------------------------------------- */

/* Fisher and Yates, as Durstenfeld wrote it (Algorithm 235, CACM 7, 1964). */
void clcnn_shuffle(uint64_t seed, uint32_t epoch, int64_t *order, int64_t count)
{
    struct clcnn_random random = clcnn_random_begin(seed, CLCNN_PHILOX_STREAM_SHUFFLE, epoch);
    for (int64_t i = 0; i < count; i++)
        order[i] = i;
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)clcnn_random_below(&random, (uint64_t)i + 1);
        int64_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

/* ---- batches --------------------------------------------------------------------------------- */

static void gather_images(const struct clcnn_tensor *x, int64_t elements, const int64_t *order,
                          int64_t first, int count, float *out)
{
    const void *data = clcnn_tensor_const_data(x);
    bool bytes = clcnn_tensor_dtype(x) == CLCNN_DTYPE_UINT8;
    for (int i = 0; i < count; i++, out += elements) {
        int64_t from = (order ? order[first + i] : first + i) * elements;
        if (bytes) {
            const uint8_t *image = (const uint8_t *)data + from;
            for (int64_t j = 0; j < elements; j++)
                out[j] = (float)image[j] / 255.0f;
        } else {
            memcpy(out, (const float *)data + from, (size_t)elements * sizeof(float));
        }
    }
}

void clcnn_trainer_gather(const struct clcnn_trainer *trainer, const struct clcnn_dataset *data,
                          const int64_t *order, int64_t first, int count, struct clcnn_batch *batch)
{
    const int32_t *labels = clcnn_tensor_const_data(data->labels);
    const struct clcnn_plan *plan = trainer->plan;
    gather_images(data->x, plan->values[plan->image].elements, order, first, count, batch->x);
    for (int i = 0; i < count; i++) {
        int32_t label = labels[order ? order[first + i] : first + i];
        if (clcnn_trainer_labels(trainer))
            ((int32_t *)batch->target)[i] = label;
        else /* binary cross-entropy with one unit */
            ((float *)batch->target)[i] = (float)label;
    }
}
