#include "cli.h"
#include "samples.h"
#include <clcnn/onnx.h>
#include <stdio.h>
#include <stdlib.h>

static enum clcnn_status export_model(const char *name, const char *weights, const char *path,
                                      bool json)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_model *model = NULL;
    CLI_TRY(load_model(name, 0, &model));
    if (weights)
        CLI_TRY(clcnn_model_load_weights(model, weights));
    CLI_TRY(clcnn_onnx_save(model, path));
    if (json) {
        json_begin();
        json_text("model", clcnn_model_name(model));
        json_text("output", path);
        json_integer("parameters", clcnn_model_parameter_count(model));
        json_end();
    } else {
        printf("%s: %s, %lld parameters\n", path, clcnn_model_name(model),
               (long long)clcnn_model_parameter_count(model));
    }
done:
    clcnn_model_destroy(&model);
    return status;
}

int export_command(const struct command *command, int argc, char **argv)
{
    struct common_options common = {0};
    struct arguments arguments = {0};
    const char *weights = NULL, *output = NULL;
    const struct option options[] = {
        {"weights", "FILE", "safetensors, as written by train --save (the initial ones)",
         OPTION_TEXT, &weights, 0, 0},
        {"output", "FILE", "the ONNX file to write", OPTION_TEXT, &output, 0, 0},
        {0},
    };
    int code = begin_command(command, options, &common, argc, argv, 1, 1, &arguments);
    if (code < 0 && !output) {
        fprintf(stderr, "clcnn export: --output is required\n");
        code = EXIT_USAGE;
    }
    if (code < 0)
        code =
            finish_command(command, export_model(arguments.items[0], weights, output, common.json));
    free(arguments.items);
    return code;
}
