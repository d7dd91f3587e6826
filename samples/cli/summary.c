#include "cli.h"
#include "samples.h"
#include <stdio.h>
#include <stdlib.h>

static void json_summary(struct clcnn_model *model)
{
    json_begin();
    json_text("model", clcnn_model_name(model));
    json_integer("parameters", clcnn_model_parameter_count(model));
    json_array("weights");
    for (int i = 0; i < clcnn_model_weight_count(model); i++) {
        const struct clcnn_shape *shape = clcnn_tensor_shape(clcnn_model_weight(model, i));
        json_object(NULL);
        json_text("name", clcnn_model_weight_name(model, i));
        json_array("shape");
        for (int d = 0; d < shape->rank; d++)
            json_integer(NULL, shape->dim[d]);
        json_close();
        json_close();
    }
    json_end();
}

int summary_command(const struct command *command, int argc, char **argv)
{
    struct common_options common = {0};
    const struct option options[] = {{0}};
    struct arguments arguments = {0};
    struct clcnn_model *model = NULL;
    char *text = NULL;
    enum clcnn_status status = CLCNN_STATUS_OK;
    int code = begin_command(command, options, &common, argc, argv, 1, 1, &arguments);
    if (code >= 0)
        goto left;
    CLI_TRY(load_model(arguments.items[0], 0, &model));
    CLI_TRY(clcnn_model_summary(model, &text));
    if (common.json)
        json_summary(model);
    else
        printf("%s", text);
done:
    code = finish_command(command, status);
left:
    clcnn_free(text);
    clcnn_model_destroy(&model);
    free(arguments.items);
    return code;
}
