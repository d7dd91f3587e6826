#include "cli.h"
#include "samples.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct training {
    struct common_options common;
    const char *data, *optimizer, *save, *history, *state, *resume;
    long long epochs, batch, seed, limit;
    double learning_rate, momentum;
    bool nesterov, validate, profile, tune, logits;

    struct clcnn_device *device;
    struct clcnn_model *model;
    struct clcnn_trainer *trainer;
    struct clcnn_dataset train, test;
    struct clcnn_history rows;
    struct clcnn_metrics tested;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    interrupted = 1;
    signal(signal_number, SIG_DFL); /* a second Ctrl-C ends at once */
}

static bool on_progress(const struct clcnn_progress *progress, void *user)
{
    clcnn_progress_bar(progress, user);
    return !interrupted;
}

static enum clcnn_status write_history(const struct training *t)
{
    FILE *file = fopen(t->history, "w");
    bool written = file != NULL;
    if (file) {
        fprintf(file, "epoch,accuracy,loss,val_accuracy,val_loss,seconds\n");
        for (int i = 0; i < t->rows.count; i++) {
            const struct clcnn_history_row *row = &t->rows.rows[i];
            fprintf(file, "%d,%.9g,%.9g,", row->epoch, row->training.accuracy, row->training.loss);
            if (row->validation.samples)
                fprintf(file, "%.9g,%.9g", row->validation.accuracy, row->validation.loss);
            else
                fprintf(file, ",");
            fprintf(file, ",%.3f\n", row->seconds);
        }
        written = !ferror(file);
        written = fclose(file) == 0 && written;
    }
    if (!written)
        fprintf(stderr, "clcnn train: %s cannot be written\n", t->history);
    return written ? CLCNN_STATUS_OK : CLCNN_STATUS_IO;
}

static enum clcnn_status make_trainer(struct training *t, const char *name,
                                      enum clcnn_optimizer_kind kind)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_trainer_params params = {
        .batch_size = (int)t->batch,
        .loss = CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY,
        .optimizer = {.kind = kind,
                      .learning_rate = (float)t->learning_rate,
                      .momentum = (float)t->momentum,
                      .nesterov = t->nesterov},
        .seed = (uint64_t)t->seed,
        .from_logits = t->logits,
        .tune = t->tune,
    };
    CLI_TRY(load_model(name, (uint64_t)t->seed, &t->model));
    CLI_TRY(load_samples(t->model, t->data, false, t->limit, &t->train));
    CLI_TRY(load_samples(t->model, t->data, true, t->limit, &t->test));
    CLI_TRY(open_device(&t->common, t->profile, &t->device));
    CLI_TRY(clcnn_trainer_create(t->device, t->model, &params, &t->trainer));
    if (t->resume)
        CLI_TRY(clcnn_trainer_load_state(t->trainer, t->resume));
done:
    return status;
}

/* Where the state goes when Ctrl-C interrupts: --state, or beside the weights, or here. */
static void state_path(const struct training *t, char *path, size_t size)
{
    if (t->state)
        snprintf(path, size, "%s", t->state);
    else if (t->save)
        snprintf(path, size, "%s.state", t->save);
    else
        snprintf(path, size, "clcnn.state");
}

static enum clcnn_status save_results(struct training *t)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    if (t->rows.stopped || t->state) {
        char path[4096];
        state_path(t, path, sizeof(path));
        CLI_TRY(clcnn_trainer_save_state(t->trainer, path));
        if (t->rows.stopped)
            fprintf(stderr, "interrupted; continue with --resume %s\n", path);
    }
    if (t->save)
        CLI_TRY(is_onnx(t->save) ? clcnn_onnx_save(t->model, t->save)
                                 : clcnn_model_save_weights(t->model, t->save));
    if (t->history)
        CLI_TRY(write_history(t));
done:
    return status;
}

static double seconds_per_epoch(const struct clcnn_history *history)
{
    double total = 0;
    for (int i = 0; i < history->count; i++)
        total += history->rows[i].seconds;
    return history->count ? total / history->count : 0;
}

static enum clcnn_status report(struct training *t)
{
    if (!t->common.json) {
        printf("test accuracy: %.4f - test loss: %.4f - %.1f s/epoch\n", t->tested.accuracy,
               t->tested.loss, seconds_per_epoch(&t->rows));
        if (t->save)
            printf("weights saved in %s\n", t->save);
        return t->profile ? report_profile(t->device, false) : CLCNN_STATUS_OK;
    }
    json_begin();
    json_text("model", clcnn_model_name(t->model));
    json_text("device", clcnn_device_info(t->device)->name);
    json_integer("epochs", t->rows.count);
    json_integer("batch", t->batch);
    json_text("optimizer", t->optimizer);
    json_integer("seed", t->seed);
    json_integer("train_samples", clcnn_tensor_shape(t->train.x)->dim[0]);
    if (t->rows.count) {
        const struct clcnn_metrics *last = &t->rows.rows[t->rows.count - 1].training;
        json_real("train_accuracy", last->accuracy);
        json_real("train_loss", last->loss);
    }
    json_real("test_accuracy", t->tested.accuracy);
    json_real("test_loss", t->tested.loss);
    json_real("seconds_per_epoch", seconds_per_epoch(&t->rows));
    json_boolean("interrupted", t->rows.stopped);
    enum clcnn_status status = t->profile ? report_profile(t->device, true) : CLCNN_STATUS_OK;
    json_end();
    return status;
}

static enum clcnn_status train(struct training *t, const char *name, enum clcnn_optimizer_kind kind)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    FILE *progress = t->common.json ? stderr : stdout;
    CLI_TRY(make_trainer(t, name, kind));
    fprintf(progress, "training %s on %s (%lld images) with %s\n", name, t->data,
            (long long)clcnn_tensor_shape(t->train.x)->dim[0], clcnn_device_info(t->device)->name);
    struct clcnn_fit_params fit = {
        .epochs = (int)t->epochs,
        .initial_epoch = t->resume ? clcnn_trainer_epoch(t->trainer) : 0,
        .validation = t->validate ? &t->test : NULL,
        .on_progress = on_progress,
        .user = progress,
    };
    signal(SIGINT, on_interrupt);
    CLI_TRY(clcnn_trainer_fit(t->trainer, &t->train, &fit, &t->rows));
    CLI_TRY(save_results(t));
    CLI_TRY(clcnn_trainer_evaluate(t->trainer, &t->test, &t->tested));
    CLI_TRY(report(t));
done:
    return status;
}

int train_command(const struct command *command, int argc, char **argv)
{
    struct training t = {.optimizer = "rmsprop", .epochs = 1, .batch = 64};
    struct arguments arguments = {0};
    const struct option options[] = {
        {"data", "D", "fashion-mnist, or a directory of IDX files", OPTION_TEXT, &t.data, 0, 0},
        {"epochs", "N", "passes over the data (1)", OPTION_INT, &t.epochs, 1, 1e6},
        {"batch", "N", "images per step (64)", OPTION_INT, &t.batch, 1, 65536},
        {"optimizer", "O", "sgd, rmsprop or adam (rmsprop)", OPTION_TEXT, &t.optimizer, 0, 0},
        {"lr", "X", "learning rate (sgd 0.01, others 0.001)", OPTION_REAL, &t.learning_rate, 1e-12,
         1e3},
        {"momentum", "X", "of sgd and rmsprop (0)", OPTION_REAL, &t.momentum, 0, 0.999999},
        {"nesterov", NULL, "Nesterov momentum", OPTION_FLAG, &t.nesterov, 0, 0},
        {"seed", "S", "of weights, shuffling and dropout (0)", OPTION_INT, &t.seed, 0, 0x1p62},
        {"limit", "N", "use only the first N images", OPTION_INT, &t.limit, 1, 1e9},
        {"validate", NULL, "evaluate the test images after each epoch", OPTION_FLAG, &t.validate, 0,
         0},
        {"save", "FILE", "write the weights (safetensors), or the model (FILE.onnx)", OPTION_TEXT,
         &t.save, 0, 0},
        {"history", "FILE", "write one line per epoch (CSV)", OPTION_TEXT, &t.history, 0, 0},
        {"state", "FILE", "write weights and optimiser state, to go on later", OPTION_TEXT,
         &t.state, 0, 0},
        {"resume", "FILE", "go on from a state", OPTION_TEXT, &t.resume, 0, 0},
        {"profile", NULL, "print the time of each kernel", OPTION_FLAG, &t.profile, 0, 0},
        {"from-logits", NULL, "the model ends in scores, not in probabilities", OPTION_FLAG,
         &t.logits, 0, 0},
        {"tune", NULL, "choose convolutions by timing, and keep the result", OPTION_FLAG, &t.tune,
         0, 0},
        {0},
    };
    enum clcnn_optimizer_kind kind = CLCNN_OPTIMIZER_KIND_RMSPROP;
    int code = begin_command(command, options, &t.common, argc, argv, 1, 1, &arguments);
    if (code < 0 && !t.data) {
        fprintf(stderr, "clcnn train: --data is required (fashion-mnist, or a directory)\n");
        code = EXIT_USAGE;
    }
    if (code < 0 && !parse_optimizer(t.optimizer, &kind))
        code = EXIT_USAGE;
    if (code < 0)
        code = finish_command(command, train(&t, arguments.items[0], kind));
    clcnn_free(t.rows.rows);
    clcnn_trainer_destroy(&t.trainer);
    clcnn_model_destroy(&t.model);
    clcnn_device_destroy(&t.device);
    clcnn_dataset_clear(&t.train);
    clcnn_dataset_clear(&t.test);
    free(arguments.items);
    return code;
}
