#include "cli.h"
#include <stdio.h>
#include <stdlib.h>

static void print_row(const struct clcnn_device_info *info, bool chosen)
{
    printf("%c %d:%d  %-5s %5d %6d %9.1f %6.0f %4d %4s  %s\n", chosen ? '*' : ' ',
           info->platform_index, info->device_index, clcnn_device_class_name(info->device_class),
           info->compute_units, info->clock_mhz, (double)info->global_bytes / 0x1p30,
           (double)info->local_bytes / 0x1p10, info->vector_width, info->has_fp16 ? "yes" : "no",
           info->name);
    printf("       %s, %s, driver %s%s\n", info->platform, info->version, info->driver,
           info->has_compiler ? "" : ", no compiler: needs prebuilt binaries");
}

static void json_row(const struct clcnn_device_info *info, bool chosen)
{
    json_object(NULL);
    json_integer("platform_index", info->platform_index);
    json_integer("device_index", info->device_index);
    json_text("class", clcnn_device_class_name(info->device_class));
    json_boolean("chosen", chosen);
    json_text("name", info->name);
    json_text("vendor", info->vendor);
    json_text("platform", info->platform);
    json_text("version", info->version);
    json_text("driver", info->driver);
    json_integer("compute_units", info->compute_units);
    json_integer("clock_mhz", info->clock_mhz);
    json_integer("vector_width", info->vector_width);
    json_integer("max_work_group", (long long)info->max_work_group);
    json_integer("global_bytes", (long long)info->global_bytes);
    json_integer("max_alloc_bytes", (long long)info->max_alloc_bytes);
    json_integer("local_bytes", (long long)info->local_bytes);
    json_boolean("local_is_dedicated", info->local_is_dedicated);
    json_boolean("unified_memory", info->unified_memory);
    json_boolean("has_compiler", info->has_compiler);
    json_boolean("has_fp16", info->has_fp16);
    json_boolean("has_fp64", info->has_fp64);
    json_close();
}

/* Which device would be opened: -1, -1 if none. The reason stays in the error message. */
static void find_chosen(const struct common_options *common, int *platform, int *device)
{
    struct clcnn_device *opened = NULL;
    *platform = *device = -1;
    if (open_device(common, false, &opened) == CLCNN_STATUS_OK) {
        *platform = clcnn_device_info(opened)->platform_index;
        *device = clcnn_device_info(opened)->device_index;
    }
    clcnn_device_destroy(&opened);
}

int devices_command(const struct command *command, int argc, char **argv)
{
    struct common_options common = {0};
    const struct option options[] = {{0}};
    struct arguments arguments = {0};
    struct clcnn_device_info *infos = NULL;
    size_t count = 0;
    int platform = -1, device = -1;
    enum clcnn_status status = CLCNN_STATUS_OK;
    int code = begin_command(command, options, &common, argc, argv, 0, 0, &arguments);
    if (code >= 0)
        goto left;
    CLI_TRY(clcnn_device_list(&infos, &count));
    find_chosen(&common, &platform, &device);
    if (common.json) {
        json_begin();
        json_array("devices");
    } else if (count) {
        printf("  P:D  class units    MHz   memory G local K vect fp16  name\n");
    }
    for (size_t i = 0; i < count; i++) {
        bool chosen = infos[i].platform_index == platform && infos[i].device_index == device;
        (common.json ? json_row : print_row)(&infos[i], chosen);
    }
    if (common.json)
        json_end();
    if (platform < 0)
        fprintf(stderr, "clcnn devices: %s\n", clcnn_error_message());
    else if (!common.json)
        printf("\n* is used by default; --device or CLCNN_DEVICE chooses another.\n");
done:
    code = finish_command(command, status);
    if (code == EXIT_DONE && platform < 0)
        code = EXIT_FAILED;
left:
    clcnn_free(infos);
    free(arguments.items);
    return code;
}
