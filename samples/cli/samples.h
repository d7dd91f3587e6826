/* Data sets made to fit a model. */
#ifndef CLCNN_CLI_SAMPLES_H
#define CLCNN_CLI_SAMPLES_H

#include <clcnn/data.h>
#include <clcnn/model.h>

/* A model by its name, or an ONNX file by its path. */
enum clcnn_status load_model(const char *name, uint64_t seed, struct clcnn_model **out);
bool is_onnx(const char *name);

/* Loads one half of a data set as the model's input wants it: smaller images are centred on zeros
 * (the 28x28 digits on LeNet's 32x32), others resized; the number of classes must fit the
 * output. */
enum clcnn_status load_samples(const struct clcnn_model *model, const char *source, bool test,
                               int64_t limit, struct clcnn_dataset *out);

/* One image of any size and format as a row of the model's input, value / 255. `inverted`: dark
 * strokes on light paper, as people write, for networks taught with light ones on black. */
enum clcnn_status load_picture(const struct clcnn_model *model, const char *path, bool inverted,
                               struct clcnn_tensor **out);

/* Row `index` of the images as a uint8 tensor [H][W][C] (float data is scaled by 255). */
enum clcnn_status take_picture(const struct clcnn_dataset *data, int64_t index,
                               struct clcnn_tensor **out);

#endif
