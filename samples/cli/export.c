#include "cli.h"
#include "samples.h"
#include <stdio.h>
#include <stdlib.h>

int export_command(const struct command *command, int argc, char **argv)
{
    struct common_options common = {0};
    const char *weights = NULL, *output = NULL;
    const struct option options[] = {
        {"weights", "FILE", "safetensors, as written by train --save", OPTION_TEXT, &weights, 0, 0},
        {"output", "FILE", "the ONNX file to write", OPTION_TEXT, &output, 0, 0},
        {0},
    };
    struct arguments arguments = {0};
    struct clcnn_model *model = NULL;
    enum clcnn_status status = CLCNN_STATUS_OK;
    int code = begin_command(command, options, &common, argc, argv, 1, 1, &arguments);
    if (code < 0 && !output) {
        fprintf(stderr, "clcnn export: --output is required\n");
        code = EXIT_USAGE;
    }
    if (code >= 0)
        goto left;
    CLI_TRY(load_model(arguments.items[0], 0, &model));
    if (weights)
        CLI_TRY(clcnn_model_load_weights(model, weights));
    CLI_TRY(clcnn_onnx_save(model, output));
done:
    code = finish_command(command, status);
left:
    clcnn_model_destroy(&model);
    free(arguments.items);
    return code;
}
