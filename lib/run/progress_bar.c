/* Keras's progress bar.
 *
 *   Epoch 1/5
 *   938/938 ━━━━━━━━━━━━━━━━━━━━ 9s 9ms/step - accuracy: 0.9505 - loss: 0.1612 - val_accuracy: ...
 */
#define _POSIX_C_SOURCE 200809L
#include "base/text.h"
#include <clcnn/trainer.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CELLS 20

/* The first of the variables that POSIX lets decide about the character set, for programs that have
 * not called setlocale too. */
static bool utf8_terminal(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);
        if (!value || !*value)
            continue;
        const char *charset = strchr(value, '.');
        return charset &&
               (strncasecmp(charset, ".utf-8", 6) == 0 || strncasecmp(charset, ".utf8", 5) == 0);
    }
    return false;
}

static int digits(int64_t value)
{
    int count = 1;
    for (; value > 9; value /= 10)
        count++;
    return count;
}

static void add_bar(struct clcnn_text *line, const struct clcnn_progress *progress)
{
    bool utf8 = utf8_terminal();
    int64_t full = progress->steps ? progress->step * CELLS / progress->steps : CELLS;
    clcnn_text_add(line, " ");
    for (int i = 0; i < CELLS; i++)
        clcnn_text_add(line, "%s",
                       i < full ? utf8 ? "\xE2\x94\x81" : "="
                       : utf8   ? "\xE2\x94\x80"
                                : ".");
}

/* "9s", "1:05", "2:00:00" */
static void add_duration(struct clcnn_text *line, double seconds)
{
    int64_t whole = (int64_t)(seconds + 0.5);
    if (whole < 60)
        clcnn_text_add(line, "%ds", (int)whole);
    else if (whole < 3600)
        clcnn_text_add(line, "%d:%02d", (int)(whole / 60), (int)(whole % 60));
    else
        clcnn_text_add(line, "%lld:%02d:%02d", (long long)(whole / 3600), (int)(whole / 60 % 60),
                       (int)(whole % 60));
}

static void add_step_time(struct clcnn_text *line, const struct clcnn_progress *progress)
{
    double step = progress->step ? progress->seconds / (double)progress->step : 0.0;
    if (step >= 1.0)
        clcnn_text_add(line, " %.0fs/step", step);
    else if (step >= 1e-3)
        clcnn_text_add(line, " %.0fms/step", step * 1e3);
    else
        clcnn_text_add(line, " %.0fus/step", step * 1e6);
}

static void add_metrics(struct clcnn_text *line, const struct clcnn_progress *progress)
{
    const struct clcnn_metrics *training = &progress->training;
    const struct clcnn_metrics *validation = &progress->validation;
    clcnn_text_add(line, " - accuracy: %.4f - loss: %.4f", training->accuracy, training->loss);
    if (validation->samples > 0)
        clcnn_text_add(line, " - val_accuracy: %.4f - val_loss: %.4f", validation->accuracy,
                       validation->loss);
}

static void add_line(struct clcnn_text *line, const struct clcnn_progress *progress, bool terminal)
{
    clcnn_text_add(line, "%*lld/%lld", digits(progress->steps), (long long)progress->step,
                   (long long)progress->steps);
    if (terminal)
        add_bar(line, progress);
    double speed = progress->seconds > 0.0 ? (double)progress->sample / progress->seconds : 0.0;
    double left = speed > 0.0 ? (double)(progress->samples - progress->sample) / speed : 0.0;
    clcnn_text_add(line, " ");
    add_duration(line, progress->epoch_end ? progress->seconds : left);
    add_step_time(line, progress);
    clcnn_text_add(line, " %.0f images/s", speed);
    add_metrics(line, progress);
}

bool clcnn_progress_bar(const struct clcnn_progress *progress, void *user)
{
    FILE *file = user;
    struct clcnn_text line = {0};
    if (!progress || !file)
        return true;
    bool terminal = isatty(fileno(file));
    if (!terminal && !progress->epoch_end)
        return true;
    add_line(&line, progress, terminal);
    if (terminal && progress->sample == 0)
        fprintf(file, "Epoch %d/%d\n", progress->epoch + 1, progress->epochs);
    if (line.data && terminal)
        fprintf(file, "\r\033[K%s%s", line.data, progress->epoch_end ? "\n" : "");
    else if (line.data)
        fprintf(file, "Epoch %d/%d - %s\n", progress->epoch + 1, progress->epochs, line.data);
    fflush(file);
    clcnn_text_clear(&line);
    return true;
}
