/* What kernels on windows over three dimensions share (lib/op/window_nd.h has the same struct);
 * dimensions that are not there have size 1. */
#include "typed.cl"
#include "walk.cl"

#define SPACE 3

struct space {
    long in[SPACE], out[SPACE];                                             /* of x and y */
    long size[SPACE], stride[SPACE], dilation[SPACE];                       /* of the windows */
    long before[SPACE], after[SPACE];                                       /* padding */
    long x_step[SPACE], y_step[SPACE], other_step[SPACE], flat_step[SPACE]; /* strides */
};

/* Work-groups: dimension 1 takes the rows (o0, o1) of y, one after another if there are fewer
 * work-groups, dimension 2 likewise blocks of columns o2. */
#define EACH_LINE(space, o0, o1)                                                                   \
    for (long line = get_group_id(1), o0 = line / (space).out[1], o1 = line % (space).out[1];      \
         line < (space).out[0] * (space).out[1];                                                   \
         line += get_num_groups(1), o0 = line / (space).out[1], o1 = line % (space).out[1])
#define EACH_COLUMN(space, o2, block)                                                              \
    for (long o2 = get_group_id(2) * (block); o2 < (space).out[2];                                 \
         o2 += get_num_groups(2) * (block))
