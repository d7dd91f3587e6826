#include "preprocess.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "0.5" or "0.4914,0.4822,0.4465". */
static bool parse_numbers(const char *text, float out[3])
{
    int count = 0;
    while (count < 3) {
        char *end;
        out[count++] = strtof(text, &end);
        if (end == text)
            return false;
        text = end + (*end == ',');
        if (*end == '\0')
            break;
        if (*end != ',')
            return false;
    }
    for (int i = count; i < 3; i++)
        out[i] = out[0];
    return *text == '\0' && (count == 1 || count == 3);
}

bool preprocess_parse(const char *command, struct preprocess *p)
{
    static const char *const words[] = {"unit", "raw", "imagenet", "bgr"};
    float mean[3] = {0}, deviation[3] = {1, 1, 1};
    size_t word = 0;
    while (p->word && word < 4 && strcmp(words[word], p->word) != 0)
        word++;
    if (word == 4) {
        fprintf(stderr, "clcnn %s: --preprocess %s: unit, raw, imagenet or bgr is expected\n",
                command, p->word);
        return false;
    }
    bool imagenet = word == 2;
    if (imagenet) {
        memcpy(mean, (const float[]){0.485f, 0.456f, 0.406f}, sizeof(mean));
        memcpy(deviation, (const float[]){0.229f, 0.224f, 0.225f}, sizeof(deviation));
    }
    if ((p->mean && !parse_numbers(p->mean, mean)) ||
        (p->deviation && !parse_numbers(p->deviation, deviation)) || deviation[0] == 0.0f ||
        deviation[1] == 0.0f || deviation[2] == 0.0f) {
        fprintf(stderr, "clcnn %s: --mean and --std are one number or three, as 0.5,0.5,0.5\n",
                command);
        return false;
    }
    p->swap = word == 3;
    for (int c = 0; c < 3; c++) {
        p->scale[c] = 1.0f / ((word == 1 || p->swap ? 1.0f : 255.0f) * deviation[c]);
        p->shift[c] = -mean[c] / deviation[c];
    }
    return true;
}

struct image_size model_image_size(const struct clcnn_model *model)
{
    const struct clcnn_shape *shape = clcnn_model_input_shape(model);
    int d[3] = {1, 1, 1};
    for (int i = 0; shape && i < 3 && i + 1 < shape->rank; i++)
        d[i] = (int)shape->dim[i + 1];
    bool image = shape && shape->rank == 4;
    bool first = image && (d[0] == 1 || d[0] == 3) && d[2] != 1 && d[2] != 3;
    struct image_size size = {d[first], d[first + 1], d[first ? 0 : 2], first};
    return size;
}

void preprocess_image(const struct preprocess *p, const struct image_size *size,
                      const unsigned char *pixels, float *x)
{
    int64_t count = (int64_t)size->height * size->width, channels = size->channels;
    for (int64_t i = 0; i < count; i++)
        for (int64_t c = 0; c < channels; c++) {
            int64_t from = p->swap && channels == 3 ? 2 - c : c, entry = from % 3;
            float value = (float)pixels[i * channels + from] * p->scale[entry] + p->shift[entry];
            x[size->channels_first ? c * count + i : i * channels + c] = value;
        }
}
