#define _POSIX_C_SOURCE 200809L
#include "picture.h"
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool terminal_is_rich(void)
{
    setlocale(LC_CTYPE, "");
    return isatty(STDOUT_FILENO) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

struct pixel {
    int red, green, blue;
};

static struct pixel pixel_at(const struct clcnn_tensor *image, int64_t row, int64_t column)
{
    const struct clcnn_shape *shape = clcnn_tensor_shape(image);
    const unsigned char *data = clcnn_tensor_const_data(image);
    if (row >= shape->dim[0])
        return (struct pixel){0, 0, 0};
    const unsigned char *p = data + (row * shape->dim[1] + column) * shape->dim[2];
    return shape->dim[2] == 3 ? (struct pixel){p[0], p[1], p[2]} : (struct pixel){p[0], p[0], p[0]};
}

static int gray(struct pixel p)
{
    return (299 * p.red + 587 * p.green + 114 * p.blue) / 1000;
}

void print_picture_line(const struct clcnn_tensor *image, int line, bool rich)
{
    static const char shades[] = " .:-=+*#%@";
    int64_t width = clcnn_tensor_shape(image)->dim[1];
    for (int64_t column = 0; column < width; column++) {
        struct pixel up = pixel_at(image, 2 * line, column);
        struct pixel down = pixel_at(image, 2 * line + 1, column);
        if (rich)
            printf("\x1b[38;2;%d;%d;%dm\x1b[48;2;%d;%d;%dm\u2580", up.red, up.green, up.blue,
                   down.red, down.green, down.blue);
        else
            putchar(shades[(gray(up) + gray(down)) / 2 * (int)(sizeof(shades) - 2) / 255]);
    }
    if (rich)
        printf("\x1b[0m");
}

void print_bar(double share, int width, bool rich)
{
    int filled = (int)(share * width + 0.5);
    for (int i = 0; i < width; i++)
        fputs(i < filled ? rich ? "\u2588" : "#" : rich ? "\u2591" : ".", stdout);
}
