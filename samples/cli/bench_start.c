/* Time from nothing to the first answer of a network. Each case is a process of its own, forked
 * before OpenCL is touched, with caches in a directory made for the purpose. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700
#include "bench.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct start_times {
    double open, plan, first, total; /* seconds */
    int built, loaded;
    int ok;
};

static enum clcnn_status start(const struct common_options *common, const char *name, int batch,
                               struct start_times *times)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_device *device = NULL;
    struct clcnn_model *model = NULL;
    struct clcnn_session *session = NULL;
    struct clcnn_program_info programs;
    struct clcnn_session_params params = {.batch = batch};
    float *x = NULL, *y = NULL;
    CLI_TRY(clcnn_network_create(name, 0, &model));
    struct clcnn_shape in = *clcnn_model_input_shape(model);
    struct clcnn_shape out = *clcnn_model_output_shape(model);
    in.dim[0] = out.dim[0] = batch;
    x = calloc((size_t)clcnn_shape_count(&in), sizeof(*x));
    y = calloc((size_t)clcnn_shape_count(&out), sizeof(*y));
    CLI_TRY(x && y ? CLCNN_STATUS_OK : CLCNN_STATUS_OUT_OF_MEMORY);
    double begin = seconds_now();
    CLI_TRY(open_device(common, false, &device));
    double opened = seconds_now();
    CLI_TRY(clcnn_session_create(device, model, &params, &session));
    double planned = seconds_now();
    CLI_TRY(clcnn_session_predict(session, batch, x, y));
    double answered = seconds_now();
    clcnn_device_programs(device, &programs);
    *times = (struct start_times){.open = opened - begin,
                                  .plan = planned - opened,
                                  .first = answered - planned,
                                  .total = answered - begin,
                                  .built = programs.built_from_source,
                                  .loaded = programs.loaded_from_cache,
                                  .ok = 1};
done:
    clcnn_session_destroy(&session);
    clcnn_model_destroy(&model);
    clcnn_device_destroy(&device);
    free(x);
    free(y);
    return status;
}

/* One start in a child process with its caches below `directory`. */
static bool start_in_child(const struct command *command, const struct common_options *common,
                           const char *name, int batch, const char *directory,
                           const char *driver_cache, struct start_times *times)
{
    char cache[4096], driver[4096];
    int ends[2], exit_status = 0;
    snprintf(cache, sizeof(cache), "%s/clcnn.sqlite", directory);
    snprintf(driver, sizeof(driver), "%s/%s", directory, driver_cache);
    memset(times, 0, sizeof(*times));
    if (pipe(ends) != 0)
        return false;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        mkdir(driver, 0700);
        setenv("CLCNN_CACHE", cache, 1);
        setenv("POCL_CACHE_DIR", driver, 1);
        setenv("CUDA_CACHE_PATH", driver, 1);
        setenv("MESA_SHADER_CACHE_DIR", driver, 1);
        int code = finish_command(command, start(common, name, batch, times));
        if (write(ends[1], times, sizeof(*times)) != (ssize_t)sizeof(*times))
            code = EXIT_FAILED;
        exit(code);
    }
    close(ends[1]);
    bool got = child > 0 && read(ends[0], times, sizeof(*times)) == (ssize_t)sizeof(*times);
    close(ends[0]);
    if (child > 0)
        waitpid(child, &exit_status, 0);
    return got && times->ok;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void print_times(const char *label, const struct start_times *t, bool json)
{
    if (json) {
        json_object(label);
        json_real("seconds", t->total);
        json_real("open_seconds", t->open);
        json_real("plan_seconds", t->plan);
        json_real("first_run_seconds", t->first);
        json_integer("programs_built", t->built);
        json_integer("programs_from_cache", t->loaded);
        json_close();
    } else {
        printf("%-22s %8.3f %8.3f %8.3f %8.3f   %d built, %d from the cache\n", label, t->total,
               t->open, t->plan, t->first, t->built, t->loaded);
    }
}

static int measure(const struct command *command, const struct common_options *common,
                   const char *name, int batch)
{
    static const struct {
        const char *label, *driver_cache;
    } cases[] = {
        {"cold", "driver"},
        {"warm", "driver"},
        {"warm, driver cold", "driver2"},
    };
    const char *root = getenv("TMPDIR");
    char directory[1024];
    int code = EXIT_DONE;
    snprintf(directory, sizeof(directory), "%s/clcnn-start-XXXXXX", root ? root : "/tmp");
    if (!mkdtemp(directory)) {
        fprintf(stderr, "clcnn bench start: %s cannot be made\n", directory);
        return EXIT_FAILED;
    }
    if (common->json)
        json_begin();
    else
        printf("%s, batch %d: seconds\n%-22s %8s %8s %8s %8s\n", name, batch, "start", "total",
               "open", "plan", "first");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && code == EXIT_DONE; i++) {
        struct start_times times;
        if (start_in_child(command, common, name, batch, directory, cases[i].driver_cache, &times))
            print_times(cases[i].label, &times, common->json);
        else
            code = EXIT_FAILED;
    }
    if (common->json)
        json_end();
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return code;
}

int bench_start_command(const struct command *command, int argc, char **argv)
{
    struct common_options common = {0};
    struct arguments arguments = {0};
    long long batch = 1;
    const struct option options[] = {
        {"batch", "N", "images in the run (1)", OPTION_INT, &batch, 1, 65536},
        {0},
    };
    int code = begin_command(command, options, &common, argc, argv, 0, 1, &arguments);
    if (code < 0)
        code = measure(command, &common, arguments.count ? arguments.items[0] : "mnist-cnn",
                       (int)batch);
    free(arguments.items);
    return code;
}
