/* Trains a small convolutional network on Fashion-MNIST, on whatever OpenCL device there is.
 *
 *   train [DIRECTORY]      a directory of IDX files; without one, Debian's dataset-fashion-mnist
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <clcnn/clcnn.h>
#include <stdio.h>
#include <stdlib.h>

/* Every call that can fail returns a status; the message says what was wrong. */
static void check(enum clcnn_status status)
{
    if (status == CLCNN_STATUS_OK)
        return;
    fprintf(stderr, "%s: %s\n", clcnn_status_name(status), clcnn_error_message());
    exit(1);
}

/* Layers are added one to another's output; the first error is kept and told by finish. */
static struct clcnn_model *build(void)
{
    struct clcnn_model *m = NULL;
    check(clcnn_model_create(&(struct clcnn_model_params){.name = "clothes", .seed = 1}, &m));
    clcnn_node x =
        clcnn_input(m, &(struct clcnn_input_params){.height = 28, .width = 28, .channels = 1});
    x = clcnn_add_conv2d(
        m, x, &(struct clcnn_conv2d_layer){.filters = 32, .activation = CLCNN_ACTIVATION_RELU});
    x = clcnn_add_max_pool2d(m, x, &(struct clcnn_pool2d_layer){.size = {2, 2}});
    x = clcnn_add_conv2d(
        m, x, &(struct clcnn_conv2d_layer){.filters = 64, .activation = CLCNN_ACTIVATION_RELU});
    x = clcnn_add_max_pool2d(m, x, &(struct clcnn_pool2d_layer){.size = {2, 2}});
    x = clcnn_add_flatten(m, x);
    x = clcnn_add_dropout(m, x, 0.5f);
    x = clcnn_add_dense(
        m, x, &(struct clcnn_dense_layer){.units = 10, .activation = CLCNN_ACTIVATION_SOFTMAX});
    check(clcnn_model_finish(m, x));
    return m;
}

int main(int argc, char **argv)
{
    const char *source = argc > 1 ? argv[1] : "fashion-mnist";
    struct clcnn_dataset training = {0}, test = {0};
    check(clcnn_dataset_load(source, false, 0, &training));
    check(clcnn_dataset_load(source, true, 0, &test));

    struct clcnn_model *model = build();
    char *summary = NULL;
    check(clcnn_model_summary(model, &summary));
    fputs(summary, stdout);
    clcnn_free(summary);

    /* NULL chooses the best device; CLCNN_DEVICE=gpu, cpu or part of a name overrides it. */
    struct clcnn_device *device = NULL;
    check(clcnn_device_open(NULL, &device));
    printf("on %s\n", clcnn_device_info(device)->name);

    /* A trainer is a model planned for learning on one device. */
    struct clcnn_trainer *trainer = NULL;
    struct clcnn_trainer_params how = {
        .batch_size = 64,
        .loss = CLCNN_LOSS_KIND_SPARSE_CATEGORICAL_CROSSENTROPY,
        .optimizer = {.kind = CLCNN_OPTIMIZER_KIND_ADAM},
        .seed = 1,
    };
    check(clcnn_trainer_create(device, model, &how, &trainer));
    struct clcnn_fit_params fit = {
        .epochs = 2, .validation = &test, .on_progress = clcnn_progress_bar, .user = stdout};
    check(clcnn_trainer_fit(trainer, &training, &fit, NULL));
    clcnn_trainer_destroy(&trainer);

    /* The trained weights are in the model again: keep them, and classify with a session. */
    check(clcnn_model_save_weights(model, "clothes.safetensors"));
    struct clcnn_session *session = NULL;
    check(clcnn_session_create(device, model, NULL, &session));
    for (int i = 0; i < 5; i++) {
        const unsigned char *pixels = clcnn_tensor_const_data(test.x);
        float x[28 * 28], y[10];
        for (int j = 0; j < 28 * 28; j++)
            x[j] = (float)pixels[i * 28 * 28 + j] / 255.0f;
        check(clcnn_session_predict(session, 1, x, y));
        int best = 0, truth = ((const int *)clcnn_tensor_const_data(test.labels))[i];
        for (int j = 1; j < 10; j++)
            best = y[j] > y[best] ? j : best;
        printf("image %d: class %d with %.1f %%, in truth %d\n", i, best, 100.0f * y[best], truth);
    }

    clcnn_session_destroy(&session);
    clcnn_device_destroy(&device);
    clcnn_model_destroy(&model);
    clcnn_dataset_clear(&training);
    clcnn_dataset_clear(&test);
    return 0;
}
