/* One model with its test data, run and compared. */
#ifndef CLCNN_CLI_VERIFY_CASE_H
#define CLCNN_CLI_VERIFY_CASE_H

#include <clcnn/clcnn.h>

#define VERIFY_FILES 32 /* most inputs or outputs */

enum verify_result { VERIFY_PASSED, VERIFY_FAILED, VERIFY_UNSUPPORTED };

/* Files of one run: input_0.pb ..., output_0.pb ... */
struct verify_data {
    char *inputs[VERIFY_FILES], *outputs[VERIFY_FILES];
    int input_count, output_count;
    bool ramp; /* no inputs: i / n, as for ONNX's light models */
};

struct verify_limits {
    /* |y - wanted| <= absolute + relative |wanted|; a float32 reference knows its elements no
     * better than to about 1e-6 of its largest, so `absolute` is at least that. */
    double relative, absolute;
    double max_error; /* of convolutions, see <clcnn/conv2d.h>; 0 = any */
};

struct verify_outcome {
    enum verify_result result;
    double error;       /* largest |y - wanted| */
    double relative;    /* largest |y - wanted| / |wanted| above the absolute limit */
    char message[4096]; /* why it did not pass */
};

/* Loads the model with what the data says of its inputs, runs it, compares. */
void verify_run(struct clcnn_device *device, const char *model, const struct verify_data *data,
                const struct verify_limits *limits, struct verify_outcome *outcome);

#endif
