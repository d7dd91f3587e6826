/* Models beside their test data, as the ONNX backend tests have them: DIR/model.onnx with
 * DIR/test_data_set_N/input_I.pb and output_I.pb, or MODEL.onnx with MODEL_output_0.pb and the
 * input i / n. */
#define _DEFAULT_SOURCE
#include "cli.h"
#include "verify_case.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GROUPS 512

struct group {
    char name[64], reason[160];
    int count;
};

struct verification {
    struct common_options common;
    struct verify_limits limits;
    const char *filter;
    bool quiet;
    struct clcnn_device *device;
    int counts[3]; /* by enum verify_result */
    double worst;
    struct group groups[GROUPS];
    int group_count;
};

/* ---- files ----------------------------------------------------------------------------------- */

static char *join_path(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", directory, name);
    return path;
}

static bool exists(const char *path)
{
    struct stat info;
    return path && stat(path, &info) == 0;
}

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int collect(const char *directory, const char *stem, char **files)
{
    int count = 0;
    while (count < VERIFY_FILES) {
        char name[32];
        snprintf(name, sizeof(name), "%s_%d.pb", stem, count);
        char *path = join_path(directory, name);
        if (!exists(path)) {
            free(path);
            break;
        }
        files[count++] = path;
    }
    return count;
}

static void free_data(struct verify_data *data)
{
    for (int i = 0; i < data->input_count; i++)
        free(data->inputs[i]);
    for (int i = 0; i < data->output_count; i++)
        free(data->outputs[i]);
}

/* ---- results --------------------------------------------------------------------------------- */

static void add_group(struct verification *v, const char *name, size_t length, const char *reason)
{
    struct group made = {.count = 1};
    snprintf(made.name, sizeof(made.name), "%.*s", (int)length, name);
    snprintf(made.reason, sizeof(made.reason), "%.*s", (int)strcspn(reason, "\n"), reason);
    for (int i = 0; i < v->group_count; i++)
        if (strcmp(v->groups[i].name, made.name) == 0) {
            v->groups[i].count++;
            return;
        }
    if (v->group_count < GROUPS)
        v->groups[v->group_count++] = made;
}

/* The first of the lines "  'name' (Operator, opset N): reason", or the message itself. */
static void group_message(struct verification *v, const char *message)
{
    const char *line = strstr(message, "\n  '");
    const char *open = line ? strstr(line, "' (") : NULL, *end = open ? strchr(open, ',') : NULL;
    const char *reason = end ? strstr(end, "): ") : NULL;
    if (reason)
        add_group(v, open + 3, (size_t)(end - open - 3), reason + 3);
    else
        add_group(v, "others", 6, message);
}

static void report(struct verification *v, const char *title, const struct verify_outcome *outcome)
{
    static const char *const words[] = {"passed", "FAILED", "unsupported"};
    v->counts[outcome->result]++;
    if (outcome->result == VERIFY_UNSUPPORTED)
        group_message(v, outcome->message);
    else if (outcome->error > v->worst)
        v->worst = outcome->error;
    if (v->common.json) {
        json_object(NULL);
        json_text("case", title);
        json_text("result", outcome->result == VERIFY_FAILED ? "failed" : words[outcome->result]);
        json_real("error", outcome->error);
        if (outcome->result != VERIFY_PASSED)
            json_text("message", outcome->message);
        json_close();
    } else if (outcome->result == VERIFY_PASSED && !v->quiet) {
        printf("%-11s %9.2e  %s\n", words[VERIFY_PASSED], outcome->error, title);
    } else if (outcome->result == VERIFY_FAILED || !v->quiet) {
        printf("%-11s %9s  %s: %s\n", words[outcome->result], "", title, outcome->message);
    }
    fflush(stdout);
}

static void run_case(struct verification *v, const char *model, const char *title,
                     const struct verify_data *data)
{
    struct verify_outcome outcome;
    verify_run(v->device, model, data, &v->limits, &outcome);
    report(v, title, &outcome);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool run_sets(struct verification *v, const char *model, const char *directory)
{
    bool any = false;
    for (int set = 0; set < 1000; set++) {
        char name[32];
        struct verify_data data = {0};
        snprintf(name, sizeof(name), "test_data_set_%d", set);
        char *path = join_path(directory, name);
        bool there = path && is_directory(path);
        if (there) {
            data.input_count = collect(path, "input", data.inputs);
            data.output_count = collect(path, "output", data.outputs);
            run_case(v, model, path, &data);
            free_data(&data);
            any = true;
        }
        free(path);
        if (!there)
            break;
    }
    return any;
}

/* MODEL.onnx: its own outputs, or the data sets in its directory. Without any it is an error only
 * if the file was named. */
static void run_file(struct verification *v, const char *model, bool named)
{
    struct verify_data data = {.ramp = true, .output_count = 1};
    size_t stem = strlen(model) - strlen(".onnx");
    size_t size = stem + sizeof("_output_0.pb");
    char *directory = strdup(model), *slash = directory ? strrchr(directory, '/') : NULL;
    data.outputs[0] = malloc(size);
    if (!directory || !data.outputs[0])
        exit(EXIT_FAILED);
    snprintf(data.outputs[0], size, "%.*s_output_0.pb", (int)stem, model);
    if (slash)
        *slash = '\0';
    if (exists(data.outputs[0])) {
        run_case(v, model, model, &data);
    } else if (!run_sets(v, model, slash ? directory : ".") && named) {
        struct verify_outcome none = {.result = VERIFY_FAILED};
        snprintf(none.message, sizeof(none.message), "there is no test data beside it");
        report(v, model, &none);
    }
    free_data(&data);
    free(directory);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool ends_in(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a > b && strcmp(text + a - b, end) == 0;
}

static void walk(struct verification *v, const char *path, int depth)
{
    struct dirent **entries = NULL;
    char *model = join_path(path, "model.onnx");
    if (exists(model)) {
        if (!v->filter || strstr(path, v->filter))
            run_sets(v, model, path);
        free(model);
        return;
    }
    free(model);
    int count = depth < 16 ? scandir(path, &entries, visible, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        char *below = join_path(path, entries[i]->d_name);
        if (below && is_directory(below))
            walk(v, below, depth + 1);
        else if (below && ends_in(below, ".onnx") && (!v->filter || strstr(below, v->filter)))
            run_file(v, below, false);
        free(below);
        free(entries[i]);
    }
    free(entries);
}

/* ---- the end --------------------------------------------------------------------------------- */

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void summarize(struct verification *v)
{
    qsort(v->groups, (size_t)v->group_count, sizeof(v->groups[0]), compare_groups);
    if (v->common.json) {
        json_close();
        json_array("unsupported_groups");
        for (int i = 0; i < v->group_count; i++) {
            json_object(NULL);
            json_text("operator", v->groups[i].name);
            json_integer("count", v->groups[i].count);
            json_text("reason", v->groups[i].reason);
            json_close();
        }
        json_close();
        json_integer("passed", v->counts[VERIFY_PASSED]);
        json_integer("failed", v->counts[VERIFY_FAILED]);
        json_integer("unsupported", v->counts[VERIFY_UNSUPPORTED]);
        json_end();
        return;
    }
    if (v->group_count)
        printf("\nunsupported:\n");
    for (int i = 0; i < v->group_count; i++)
        printf("%5d  %-26s %s\n", v->groups[i].count, v->groups[i].name, v->groups[i].reason);
    printf("\n%d passed (largest error %.2e), %d failed, %d unsupported\n",
           v->counts[VERIFY_PASSED], v->worst, v->counts[VERIFY_FAILED],
           v->counts[VERIFY_UNSUPPORTED]);
}

static enum clcnn_status verify(struct verification *v, const struct arguments *arguments)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    CLI_TRY(open_device(&v->common, false, &v->device));
    if (v->common.json) {
        json_begin();
        json_array("cases");
    }
    for (int i = 0; i < arguments->count; i++)
        if (!is_directory(arguments->items[i]) && ends_in(arguments->items[i], ".onnx"))
            run_file(v, arguments->items[i], true);
        else
            walk(v, arguments->items[i], 0);
    summarize(v);
done:
    clcnn_device_destroy(&v->device);
    return status;
}

int verify_command(const struct command *command, int argc, char **argv)
{
    static struct verification v;
    struct arguments arguments = {0};
    const struct option options[] = {
        {"rtol", "X", "relative error allowed (1e-3, as ONNX's own tests)", OPTION_REAL,
         &v.limits.relative, 0, 1},
        {"atol", "X", "absolute error allowed (1e-7); 1e-6 of an output's largest always is",
         OPTION_REAL, &v.limits.absolute, 0, 1e9},
        {"max-error", "E", "bound of convolutions' relative error where they can (1e-4; 0: any)",
         OPTION_REAL, &v.limits.max_error, 0, 1},
        {"filter", "TEXT", "only models whose path has this in it", OPTION_TEXT, &v.filter, 0, 0},
        {"quiet", NULL, "print failures and the summary alone", OPTION_FLAG, &v.quiet, 0, 0},
        {0},
    };
    v.limits = (struct verify_limits){.relative = 1e-3, .absolute = 1e-7, .max_error = 1e-4};
    int code = begin_command(command, options, &v.common, argc, argv, 1, -1, &arguments);
    if (code < 0)
        code = finish_command(command, verify(&v, &arguments));
    if (code == EXIT_DONE && v.counts[VERIFY_FAILED])
        code = EXIT_FAILED;
    free(arguments.items);
    return code;
}
