/* Convolutions of the tests, made word by word: same(strides(make(...), 2, 2)). */
#ifndef CLCNN_TESTS_CONV2D_CASES_HPP
#define CLCNN_TESTS_CONV2D_CASES_HPP

#include "op/conv2d_runner.hpp"
#include <algorithm>

typedef struct clcnn_conv2d_params conv_case;

/* N H W C K R S, the rest by name. */
inline conv_case make(int n, int h, int w, int c, int k, int r, int s)
{
    conv_case params = {};
    params.batch = n;
    params.height = h;
    params.width = w;
    params.channels = c;
    params.filters = k;
    params.kernel[0] = r;
    params.kernel[1] = s;
    return params;
}
inline conv_case same(conv_case params)
{
    params.padding = CLCNN_PADDING_SAME;
    return params;
}
inline conv_case pads(conv_case params, int top, int left, int bottom, int right)
{
    params.padding = CLCNN_PADDING_EXPLICIT;
    const int given[4] = {top, left, bottom, right};
    std::copy(given, given + 4, params.pads);
    return params;
}
inline conv_case strides(conv_case params, int down, int across)
{
    params.strides[0] = down;
    params.strides[1] = across;
    return params;
}
inline conv_case dilation(conv_case params, int down, int across)
{
    params.dilation_rate[0] = down;
    params.dilation_rate[1] = across;
    return params;
}
inline conv_case groups(conv_case params, int count)
{
    params.groups = count;
    return params;
}
inline conv_case with_bias(conv_case params, enum clcnn_activation activation)
{
    params.use_bias = true;
    params.activation = activation;
    return params;
}

#endif
