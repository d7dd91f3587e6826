/* PGM and PPM images, plain and raw (netpbm's pgm(5) and ppm(5)): P2, P3, P5, P6. */
#include "io/image.h"
#include <stdbool.h>

struct pnm {
    const unsigned char *data;
    size_t size, at;
    bool raw;
    int channels, maximum;
    int64_t width, height;
};

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* In the header a comment runs from '#' to the end of its line. */
static void skip_space(struct pnm *pnm, bool comments)
{
    bool comment = false;
    for (; pnm->at < pnm->size; pnm->at++) {
        unsigned char c = pnm->data[pnm->at];
        if (comment)
            comment = c != '\n' && c != '\r';
        else if (c == '#' && comments)
            comment = true;
        else if (!is_space(c))
            break;
    }
}

static enum clcnn_status take_number(struct pnm *pnm, bool header, int64_t most, int64_t *out)
{
    size_t begin;
    skip_space(pnm, header);
    *out = 0;
    for (begin = pnm->at; pnm->at < pnm->size; pnm->at++) {
        unsigned char c = pnm->data[pnm->at];
        if (c < '0' || c > '9')
            break;
        *out = *out * 10 + (c - '0');
        if (*out > most)
            return clcnn_fail(CLCNN_STATUS_FORMAT, "PNM: byte %zu: a number exceeds %lld", begin,
                              (long long)most);
    }
    if (pnm->at == begin && pnm->at == pnm->size)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "PNM: the file is truncated");
    if (pnm->at == begin)
        return clcnn_fail(CLCNN_STATUS_FORMAT, "PNM: byte %zu: a number is expected", begin);
    return CLCNN_STATUS_OK;
}

static enum clcnn_status read_header(struct pnm *pnm)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    int64_t maximum = 0;
    unsigned char kind = pnm->size > 1 ? pnm->data[1] : 0;
    if (kind != '2' && kind != '3' && kind != '5' && kind != '6')
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "is no PNM image of the kinds P2, P3, P5, P6"));
    pnm->raw = kind >= '5';
    pnm->channels = kind == '3' || kind == '6' ? 3 : 1;
    pnm->at = 2;
    TRY(take_number(pnm, true, CLCNN_MAX_PIXELS, &pnm->width));
    TRY(take_number(pnm, true, CLCNN_MAX_PIXELS, &pnm->height));
    TRY(take_number(pnm, true, 65535, &maximum));
    if (maximum < 1)
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "PNM: the maximum is 0"));
    pnm->maximum = (int)maximum;
    if (pnm->at >= pnm->size || !is_space(pnm->data[pnm->at]))
        TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "PNM: byte %zu: white space is expected", pnm->at));
    pnm->at++;
done:
    return status;
}

/* A plain sample is a digit and a space at least, of which the last may lack. */
static enum clcnn_status check_size(const struct pnm *pnm)
{
    int64_t rest = (int64_t)(pnm->size - pnm->at) + !pnm->raw;
    int64_t sample = pnm->raw && pnm->maximum < 256 ? 1 : 2;
    int64_t most = rest / sample / pnm->channels;
    if (pnm->width && pnm->height > most / pnm->width)
        return clcnn_fail(CLCNN_STATUS_FORMAT,
                          "PNM: %lld x %lld pixels do not fit in the %zu bytes that are left",
                          (long long)pnm->width, (long long)pnm->height, pnm->size - pnm->at);
    return CLCNN_STATUS_OK;
}

static enum clcnn_status take_sample(struct pnm *pnm, int64_t *value)
{
    if (!pnm->raw)
        return take_number(pnm, false, 65535, value);
    *value = pnm->data[pnm->at++];
    if (pnm->maximum > 255)
        *value = *value << 8 | pnm->data[pnm->at++];
    return CLCNN_STATUS_OK;
}

static enum clcnn_status read_samples(struct pnm *pnm, uint8_t *to, int64_t count)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    for (int64_t i = 0; i < count; i++) {
        int64_t value = 0;
        TRY(take_sample(pnm, &value));
        if (value > pnm->maximum)
            TRY(clcnn_fail(CLCNN_STATUS_FORMAT, "PNM: the sample %lld exceeds the maximum %d",
                           (long long)value, pnm->maximum));
        to[i] = (uint8_t)((value * 255 + pnm->maximum / 2) / pnm->maximum);
    }
done:
    return status;
}

enum clcnn_status clcnn_pnm_decode(const unsigned char *data, size_t size,
                                   struct clcnn_tensor **out)
{
    enum clcnn_status status = CLCNN_STATUS_OK;
    struct clcnn_tensor *image = NULL;
    struct pnm pnm = {.data = data, .size = size};
    TRY(read_header(&pnm));
    TRY(check_size(&pnm));
    TRY(clcnn_image_create(pnm.height, pnm.width, pnm.channels, &image));
    TRY(read_samples(&pnm, clcnn_tensor_data(image), clcnn_tensor_count(image)));
    *out = image;
    image = NULL;
done:
    clcnn_tensor_destroy(&image);
    return status;
}
