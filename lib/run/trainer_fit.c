/* Epochs over a data set. */
#include "base/memory.h"
#include "base/time.h"
#include "run/trainer.h"
#include <stdlib.h>

/* Running metrics are read and reported this often. */
#define REPORT_SECONDS 0.1

struct fit {
    struct clcnn_trainer *trainer;
    const struct clcnn_dataset *data;
    struct clcnn_fit_params params;
    int64_t samples, *order;
    struct clcnn_progress progress;
    double began, reported;
    bool stopped;
    struct clcnn_history_row *rows;
    size_t row_count, row_capacity;
};

static void report(struct fit *fit)
{
    fit->progress.seconds = clcnn_seconds() - fit->began;
    if (fit->params.on_progress && !fit->params.on_progress(&fit->progress, fit->params.user))
        fit->stopped = true;
}

/* A free area; on the way, what came back with its last batch is reported. The report may have used
 * the trainer, so the area is asked for again after it. */
static enum clcnn_status next_area(struct fit *fit, struct clcnn_batch **batch)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    TRY(clcnn_trainer_acquire(fit->trainer, batch));
    if ((*batch)->totals_asked) {
        (*batch)->totals_asked = false;
        fit->progress.training = clcnn_metrics_of(&(*batch)->totals);
        fit->progress.sample = fit->progress.training.samples;
        fit->progress.step = clcnn_divide_up(fit->progress.sample, fit->trainer->params.batch_size);
        report(fit);
        TRY(clcnn_trainer_acquire(fit->trainer, batch));
    }
done:
    return status;
}

static enum clcnn_status run_steps(struct fit *fit)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_trainer *trainer = fit->trainer;
    int64_t batch_size = trainer->params.batch_size;
    for (int64_t first = 0; first < fit->samples; first += batch_size) {
        struct clcnn_batch *batch = NULL;
        TRY(next_area(fit, &batch));
        if (fit->stopped)
            break;
        struct clcnn_pass pass = {.count = (int)clcnn_min(batch_size, fit->samples - first),
                                  .train = true,
                                  .labels = clcnn_trainer_labels(trainer),
                                  .from_image = true,
                                  .tally = CLCNN_TALLY_EPOCH};
        clcnn_trainer_gather(trainer, fit->data, fit->order, first, pass.count, batch);
        double now = clcnn_seconds();
        pass.read_totals = fit->params.on_progress && now - fit->reported >= REPORT_SECONDS;
        if (pass.read_totals)
            fit->reported = now;
        TRY(clcnn_trainer_submit(trainer, batch, &pass));
    }
done:
    return status;
}

/* Reports of an epoch that has ended, or failed, say nothing of the next one. */
static void forget_reports(struct clcnn_trainer *trainer)
{
    for (int i = 0; i < CLCNN_TRAINER_AREAS; i++)
        trainer->areas[i].totals_asked = false;
}

static enum clcnn_status end_epoch(struct fit *fit)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_progress *progress = &fit->progress;
    TRY(clcnn_trainer_read_totals(fit->trainer, CLCNN_TALLY_EPOCH, &progress->training));
    forget_reports(fit->trainer);
    progress->sample = progress->samples;
    progress->step = progress->steps;
    if (fit->params.validation)
        TRY(clcnn_trainer_evaluate(fit->trainer, fit->params.validation, &progress->validation));
    fit->trainer->epoch = progress->epoch + 1;
    TRY(clcnn_grow(&fit->rows, &fit->row_capacity, fit->row_count + 1, sizeof(*fit->rows)));
    progress->epoch_end = true;
    report(fit);
    fit->rows[fit->row_count++] = (struct clcnn_history_row){.epoch = progress->epoch,
                                                             .seconds = progress->seconds,
                                                             .training = progress->training,
                                                             .validation = progress->validation};
done:
    return status;
}

static enum clcnn_status run_epoch(struct fit *fit, int epoch)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    const struct clcnn_trainer_params *params = &fit->trainer->params;
    fit->began = fit->reported = clcnn_seconds();
    fit->progress =
        (struct clcnn_progress){.epoch = epoch,
                                .epochs = fit->params.epochs,
                                .steps = clcnn_divide_up(fit->samples, params->batch_size),
                                .samples = fit->samples};
    if (fit->order)
        clcnn_shuffle(params->seed, (uint32_t)epoch, fit->order, fit->samples);
    TRY(clcnn_trainer_clear_totals(fit->trainer, CLCNN_TALLY_EPOCH));
    report(fit);
    TRY(run_steps(fit));
    if (!fit->stopped)
        TRY(end_epoch(fit));
done:
    return status;
}

static enum clcnn_status begin(struct fit *fit)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_fit_params *params = &fit->params;
    REQUIRE(params->epochs >= 0, "fit: epochs %d is negative", params->epochs);
    REQUIRE(params->initial_epoch >= 0, "fit: initial_epoch %d is negative", params->initial_epoch);
    if (params->epochs == 0)
        params->epochs = params->initial_epoch + 1;
    TRY(clcnn_trainer_check_data(fit->trainer, fit->data, "fit"));
    if (params->validation)
        TRY(clcnn_trainer_check_data(fit->trainer, params->validation, "fit: validation"));
    fit->samples = clcnn_tensor_shape(fit->data->x)->dim[0];
    if (!params->no_shuffle)
        TRY(clcnn_alloc((size_t)fit->samples, sizeof(*fit->order), &fit->order));
    forget_reports(fit->trainer);
done:
    return status;
}

enum clcnn_status clcnn_trainer_fit(struct clcnn_trainer *trainer, const struct clcnn_dataset *data,
                                    const struct clcnn_fit_params *params,
                                    struct clcnn_history *history)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct fit fit = {.trainer = trainer, .data = data};
    if (params)
        fit.params = *params;
    if (history)
        *history = (struct clcnn_history){0};
    REQUIRE(trainer, "fit: trainer is NULL");
    TRY(begin(&fit));
    for (int epoch = fit.params.initial_epoch; epoch < fit.params.epochs && !fit.stopped; epoch++)
        TRY(run_epoch(&fit, epoch));
    TRY(clcnn_trainer_read_weights(trainer));
done:
    free(fit.order);
    if (history) {
        *history = (struct clcnn_history){
            .rows = fit.rows, .count = (int)fit.row_count, .stopped = fit.stopped};
        fit.rows = NULL;
    }
    free(fit.rows);
    return status;
}

enum clcnn_status clcnn_trainer_evaluate(struct clcnn_trainer *trainer,
                                         const struct clcnn_dataset *data,
                                         struct clcnn_metrics *metrics)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    REQUIRE(trainer && metrics, "evaluate: trainer and metrics must not be NULL");
    TRY(clcnn_trainer_check_data(trainer, data, "evaluate"));
    int64_t samples = clcnn_tensor_shape(data->x)->dim[0];
    int64_t batch_size = trainer->params.batch_size;
    TRY(clcnn_trainer_clear_totals(trainer, CLCNN_TALLY_EVALUATION));
    for (int64_t first = 0; first < samples; first += batch_size) {
        struct clcnn_batch *batch = NULL;
        struct clcnn_pass pass = {.count = (int)clcnn_min(batch_size, samples - first),
                                  .labels = clcnn_trainer_labels(trainer),
                                  .from_image = true,
                                  .tally = CLCNN_TALLY_EVALUATION};
        TRY(clcnn_trainer_acquire(trainer, &batch));
        clcnn_trainer_gather(trainer, data, NULL, first, pass.count, batch);
        TRY(clcnn_trainer_submit(trainer, batch, &pass));
    }
    TRY(clcnn_trainer_read_totals(trainer, CLCNN_TALLY_EVALUATION, metrics));
done:
    return status;
}
