/* What the commands share. A command returns the exit code: 0 done, 1 failed, 2 wrong usage. */
#ifndef CLCNN_CLI_CLI_H
#define CLCNN_CLI_CLI_H

#include "json.h"
#include "options.h"
#include <clcnn/clcnn.h>

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name, *arguments, *summary;
    int (*run)(const struct command *command, int argc, char **argv);
};

int devices_command(const struct command *command, int argc, char **argv);
int summary_command(const struct command *command, int argc, char **argv);
int train_command(const struct command *command, int argc, char **argv);
int evaluate_command(const struct command *command, int argc, char **argv);
int predict_command(const struct command *command, int argc, char **argv);
int export_command(const struct command *command, int argc, char **argv);
int verify_command(const struct command *command, int argc, char **argv);
int bench_command(const struct command *command, int argc, char **argv);

/* Parses, handles --help and the number of positional arguments (`most` < 0: any), and sets the log
 * up. Returns -1 to go on, or the exit code to leave with. */
int begin_command(const struct command *command, const struct option *options,
                  struct common_options *common, int argc, char **argv, int least, int most,
                  struct arguments *arguments);

/* Runs one of several commands by argv[0]; `prefix` is "clcnn" or "clcnn bench". */
int dispatch(const char *prefix, const struct command *commands, int argc, char **argv);

/* TRY for the commands: stops at `done` with the status. */
#define CLI_TRY(call)                                                                              \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != CLCNN_STATUS_OK)                                                             \
            goto done;                                                                             \
    } while (0)

/* Prints the message of a failed status on stderr and turns the status into an exit code. */
int finish_command(const struct command *command, enum clcnn_status status);

/* --device, then CLCNN_DEVICE, then the best one. */
enum clcnn_status open_device(const struct common_options *common, bool profile,
                              struct clcnn_device **out);

/* The words after --data, --optimizer ...: false after a message on stderr. */
bool parse_optimizer(const char *name, enum clcnn_optimizer_kind *out);

/* "float32" or "float16". */
bool parse_storage(const char *command, const char *word, enum clcnn_dtype *out);

/* Kernel times of a profiled device: a table, or the array "kernels" of the JSON object. */
enum clcnn_status report_profile(struct clcnn_device *device, bool json);

double seconds_now(void);

/* The size of a shape without its batch: "28x28x1". */
void shape_words(const struct clcnn_shape *shape, char *text, size_t size);

#endif
