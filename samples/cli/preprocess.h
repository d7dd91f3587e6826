/* Pixels as a network was taught to see them. */
#ifndef CLCNN_CLI_PREPROCESS_H
#define CLCNN_CLI_PREPROCESS_H

#include <clcnn/model.h>
#include <clcnn/tensor.h>

struct preprocess {
    const char *word;             /* unit, raw, imagenet, bgr; NULL = unit */
    const char *mean, *deviation; /* "0.4914,0.4822,0.4465", of value / 255; NULL = none */
    float scale[3], shift[3];     /* x = scale pixel + shift, by channel of the file */
    bool swap;                    /* the network's channels are blue, green, red */
};

/* The help of the options --preprocess, --mean and --std. */
#define PREPROCESS_HELP "pixels as unit (v/255), raw (v), imagenet or bgr (raw, blue first) (unit)"

/* Fills scale, shift and swap; false after a message on stderr. */
bool preprocess_parse(const char *command, struct preprocess *p);

/* Height, width and channels of the model's input, and whether the channels come first. */
struct image_size {
    int height, width, channels;
    bool channels_first;
};
struct image_size model_image_size(const struct clcnn_model *model);

/* One uint8 image [H][W][C] as a row of the model's input. */
void preprocess_image(const struct preprocess *p, const struct image_size *size,
                      const unsigned char *pixels, float *x);

#endif
