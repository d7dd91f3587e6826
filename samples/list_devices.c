/* Lists the OpenCL devices and the one that clcnn would choose. */
#include <clcnn/clcnn.h>
#include <stdio.h>

static void print_log(enum clcnn_log_level level, const char *topic, const char *message,
                      void *user)
{
    (void)level;
    (void)user;
    printf("  %s: %s\n", topic, message);
}

int main(void)
{
    struct clcnn_device_info *infos = NULL;
    size_t count = 0;
    if (clcnn_device_list(&infos, &count) != CLCNN_STATUS_OK) {
        fprintf(stderr, "%s\n", clcnn_error_message());
        return 1;
    }
    for (size_t i = 0; i < count; i++)
        printf("%d:%d %s %s, %d compute units, %.1f GiB\n", infos[i].platform_index,
               infos[i].device_index, clcnn_device_class_name(infos[i].device_class), infos[i].name,
               infos[i].compute_units, (double)infos[i].global_bytes / 0x1p30);
    clcnn_free(infos);

    /* Opening says in the log why each candidate won or lost. */
    struct clcnn_device *device = NULL;
    clcnn_log_set(CLCNN_LOG_INFO, print_log, NULL);
    if (clcnn_device_open(NULL, &device) != CLCNN_STATUS_OK) {
        fprintf(stderr, "%s\n", clcnn_error_message());
        return 1;
    }
    printf("chosen: %s\n", clcnn_device_info(device)->name);
    clcnn_device_destroy(&device);
    return 0;
}
