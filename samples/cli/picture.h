/* Small pictures in a terminal. */
#ifndef CLCNN_CLI_PICTURE_H
#define CLCNN_CLI_PICTURE_H

#include <clcnn/tensor.h>
#include <stdbool.h>

/* True if stdout is a terminal that shows UTF-8: block characters and colours may be used. */
bool terminal_is_rich(void);

/* One text row of a uint8 image [H][W][1 or 3]: it shows the pixel rows 2 line and 2 line + 1.
 * Colours where `rich`, else shades of ASCII. Always W columns wide. */
void print_picture_line(const struct clcnn_tensor *image, int line, bool rich);

/* A bar of `width` columns, filled to `share` (0 .. 1). */
void print_bar(double share, int width, bool rich);

#endif
